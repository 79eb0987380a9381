"""What training makes small: the mean loss over the sequences of a batch, each with its weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt


def _mean(each: Any, weight: Any) -> Any:
    return (each * weight).sum(dtype=each.dtype) / pt.maximum(weight.sum(dtype=each.dtype), np.array(1e-12, each.dtype))


def softplus(z: Any) -> Any:
    r""":math:`\log(1 + e^z)` without overflow, in functions that NumPy has."""
    return pt.maximum(z, np.array(0, z.dtype)) + pt.log1p(pt.exp(-pt.abs(z)))


def binary(output: Any, target: Any, weight: Any) -> Any:
    r"""Cross-entropy of 0/1 labels: :math:`\log(1 + e^z) - y z`; several columns are labels of their own (mean)."""
    each = softplus(output) - target * output
    return _mean(each.mean(axis=1, dtype=each.dtype), weight)


def multiclass(output: Any, target: Any, weight: Any) -> Any:
    r"""Cross-entropy of one of several classes: :math:`\log \sum_c e^{z_c} - \sum_c y_c z_c`, with y in 0/1 columns."""
    greatest = output.max(axis=1, keepdims=True)
    total = pt.log(pt.exp(output - greatest).sum(axis=1, dtype=output.dtype)) + greatest[:, 0]
    return _mean(total - (target * output).sum(axis=1, dtype=output.dtype), weight)


def squared(output: Any, target: Any, weight: Any) -> Any:
    r"""Half the squared difference."""
    return _mean(((output - target) ** 2).mean(axis=1, dtype=output.dtype) / 2, weight)


def poisson(output: Any, target: Any, weight: Any) -> Any:
    r"""Counts with mean :math:`e^z`: :math:`e^z - y z`, without the term that no weight changes."""
    return _mean((pt.exp(output) - target * output).mean(axis=1, dtype=output.dtype), weight)


def negative_binomial(output: Any, target: Any, weight: Any) -> Any:
    r"""Counts with mean :math:`e^{z_0}` and dispersion :math:`\alpha = e^{z_1}`, two outputs per target.

    .. math:: -\log\Gamma(y + r) + \log\Gamma(r) + (y + r) \log(r + \mu) - r \log r - y \log \mu, \quad r = 1 / \alpha
    """
    half = output.shape[1] // 2
    log_mean, log_size = output[:, :half], -output[:, half:]
    size = pt.exp(log_size)
    log_total = log_size + softplus(log_mean - log_size)  # log(r + mu)
    each = pt.gammaln(size) - pt.gammaln(target + size) + (target + size) * log_total
    each = each - size * log_size - target * log_mean
    return _mean(each.mean(axis=1, dtype=each.dtype), weight)


def cox(output: Any, target: Any, weight: Any) -> Any:
    r"""Time to event: the negative partial log-likelihood per event, ties by Breslow; targets are (time, event 0/1).

    .. math:: -\frac{1}{n} \sum_{i : d_i = 1} \Big( z_i - \log \sum_{j : t_j \ge t_i} e^{z_j} \Big)

    The sets at risk are those of the batch.
    """
    risk, time, event = output[:, 0], target[:, 0], target[:, 1] * weight
    at_risk = pt.ge(time[None, :], time[:, None])
    held = pt.switch(at_risk, risk[None, :], np.array(-1e30, output.dtype))
    greatest = held.max(axis=1)
    total = pt.log(pt.exp(held - greatest[:, None]).sum(axis=1, dtype=output.dtype)) + greatest
    return (event * (total - risk)).sum(dtype=output.dtype) / pt.maximum(
        event.sum(dtype=output.dtype), np.array(1, output.dtype)
    )


LOSSES = {
    "binary": binary, "multiclass": multiclass, "squared": squared, "poisson": poisson,
    "negative_binomial": negative_binomial, "cox": cox,
}  # fmt: skip
