"""Pearson residuals: how far a count is from what depth and the gene's share explain."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import added, spread
from genolab.prepare.depth import Counts, room_like, totals
from genolab.spec import Spec, Symbol

Share = Annotated[Symbol, Spec("gene", "float64", "share of all counts that the gene has", low=0, high=1, symbol="p")]
Theta = Annotated[Symbol, Spec("", "float64", "overdispersion: smaller is wider", low=0.1, high=1e6, symbol=r"\theta")]
Limit = Annotated[Symbol, Spec("", "float64", "residuals are cut at plus and minus this", low=0, symbol="L")]


class Residuals(NamedTuple):
    """Counts in standard deviations from their expectation."""

    residual: Annotated[
        Symbol, Spec("sample gene", "float32", "Pearson residual", unit="standard deviations", symbol="y")
    ]


@kernel(backend="numpy", at_once=True)
def pearson_residuals(counts: Counts, share: Share, theta: Theta = 100.0, limit: Limit = np.inf) -> Residuals:
    r"""Residuals of a negative binomial whose mean is depth times share.

    .. math:: \mu_{sg} = p_g \sum_h x_{sh}, \qquad
              y_{sg} = \frac{x_{sg} - \mu_{sg}}{\sqrt{\mu_{sg} + \mu_{sg}^2 / \theta}}, \quad |y| \le L

    Where nothing is expected the residual is 0. See Lause, Berens and Kobak 2021, doi:10.1186/s13059-021-02451-7.
    """
    return Residuals(_residuals(counts, share, theta, limit).astype(counts.dtype))


def _residuals(counts: Any, share: Any, theta: Any, limit: Any) -> Any:
    mu = totals(counts)[:, None] * share[None, :]
    deviation = pt.sqrt(mu + mu**2 / theta)
    residual = pt.switch(pt.gt(deviation, 0), (counts - mu) / pt.switch(pt.gt(deviation, 0), deviation, 1.0), 0.0)
    return pt.clip(residual, -limit, limit)


@pearson_residuals.driven
def _pearson_residuals(
    counts: np.ndarray, share: np.ndarray, theta: Any, limit: Any, out: np.ndarray | None = None
) -> np.ndarray:
    from genolab.prepare.loops import columns

    done = room_like(counts, out)
    total = counts.sum(axis=1, dtype=np.float64)
    spread(columns.residuals, len(counts), counts, total, share, float(theta), float(limit), done)
    return done


class ResidualSums(NamedTuple):
    """What a gene's residuals add up to; sums over blocks of samples may be added."""

    total: Annotated[Symbol, Spec("gene", "float64", "sum of residuals", symbol="a")]
    squares: Annotated[Symbol, Spec("gene", "float64", "sum of squared residuals", low=0, symbol="b")]


@kernel(backend="numpy", at_once=True)
def residual_sums(counts: Counts, share: Share, theta: Theta = 100.0, limit: Limit = np.inf) -> ResidualSums:
    r"""Sums of :func:`pearson_residuals` and of their squares over samples, without making them.

    .. math:: a_g = \sum_s y_{sg}, \qquad b_g = \sum_s y_{sg}^2

    Their variance :math:`b_g / S - (a_g / S)^2` is large where a gene differs between samples by more than chance.
    See Lause, Berens and Kobak 2021, doi:10.1186/s13059-021-02451-7.
    """
    residual = _residuals(counts, share, theta, limit)
    return ResidualSums(residual.sum(axis=0), (residual**2).sum(axis=0))


@residual_sums.driven
def _residual_sums(counts: np.ndarray, share: np.ndarray, theta: Any, limit: Any) -> tuple[np.ndarray, ...]:
    from genolab.prepare.loops import columns

    total = counts.sum(axis=1, dtype=np.float64)
    return tuple(added(columns.residual_sums, len(counts), counts, total, share, float(theta), float(limit)))
