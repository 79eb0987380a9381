"""Voom: log counts with the precision that each count's size gives it."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.prepare.depth import Counts
from genolab.prepare.lowess import lowess
from genolab.spec import Spec, Symbol

Library = Annotated[
    Symbol, Spec("sample", "float64", "library size times normalisation factor", unit="counts", low=0, symbol="L")
]


class LogCounts(NamedTuple):
    """Log2 counts per million."""

    log_cpm: Annotated[
        Symbol, Spec("sample gene", "float32", "log2 of counts per million, half a count added", symbol="y")
    ]


@kernel(backend="numpy")
def voom_log_cpm(counts: Counts, library: Library) -> LogCounts:
    r"""Log2 counts per million with half a count added, so that a zero has a logarithm.

    .. math:: y_{sg} = \log_2\!\left(10^6 \, \frac{x_{sg} + 1/2}{L_s + 1}\right)
    """
    per_million = (1e6 / (library + 1)).astype(counts.dtype)
    return LogCounts(pt.log2((counts + np.float32(0.5)) * per_million[:, None]))


class VoomWeights(NamedTuple):
    """Precision of each log count."""

    weight: Annotated[Symbol, Spec("sample gene", "float32", "inverse variance of the log count", symbol="w")]


@kernel(
    backend="numpy",
    example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.array([0.0, 1.0]), np.array([1.0, 0.5])),
)
def voom_weights(
    fitted: Annotated[
        Symbol, Spec("sample gene", "float32", "log2 counts per million that the design expects", symbol=r"\hat{y}")
    ],
    library: Library,
    level: Annotated[Symbol, Spec("knot", "float64", "log2 counts at which the trend is known, rising")],
    root_deviation: Annotated[Symbol, Spec("knot", "float64", "square root of the standard deviation there")],
) -> VoomWeights:
    r"""Precision weights from the trend of the standard deviation over the expected log count.

    .. math:: w_{sg} = f\!\left(\hat{y}_{sg} + \log_2 \frac{L_s + 1}{10^6}\right)^{-4}

    where :math:`f`, the trend of :math:`\sqrt{\sigma}`, runs straight between knots and flat beyond them.
    See Law et al. 2014, doi:10.1186/gb-2014-15-2-r29.
    """
    expected = fitted + pt.log2((library + 1) / 1e6)[:, None]
    expected = pt.clip(expected, level[0], level[-1])
    above = pt.clip(pt.searchsorted(level, expected.flatten()).reshape(expected.shape), 1, level.shape[0] - 1)
    below = above - 1
    part = (expected - level[below]) / (level[above] - level[below])
    root = root_deviation[below] + part * (root_deviation[above] - root_deviation[below])
    return VoomWeights((root**-4.0).astype(fitted.dtype))


def voom_trend(
    mean: np.ndarray, deviation: np.ndarray, library: np.ndarray, span: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Knots of the trend of sqrt(deviation) over the mean log2 count; ``mean`` is of log2 counts per million."""
    level = mean + np.log2(library + 1).mean() - np.log2(1e6)
    x, y = lowess(level, np.sqrt(deviation), span)
    knots, first = np.unique(x, return_index=True)
    return knots, np.add.reduceat(y, first) / np.diff(np.append(first, x.size))
