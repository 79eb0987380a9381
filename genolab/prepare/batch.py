"""Batches taken out: by a linear model, and by ComBat's shrunken shifts and scales."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.spec import Spec, Symbol

STEPS = 200
"""Steps of the empirical Bayes estimates at most; most batches need ten."""

Values = Annotated[Symbol, Spec("sample gene", "float32", "log expression, finite", symbol="x; X")]
Batch = Annotated[Symbol, Spec("sample", "int64", "number of the sample's batch", low=0, symbol=r"\mathrm{batch}")]
Design = Annotated[Symbol, Spec("sample effect", "float64", "what is known of the samples, a column each", symbol="D")]
Effects = Annotated[
    Symbol, Spec("effect gene", "float64", "how much one unit of a column moves the gene", symbol=r"\hat\beta")
]
Corrected = Annotated[Symbol, Spec("sample gene", "float32", "log expression without the batches", symbol="y; Y")]


def _by_batch(symbol: str) -> Spec:
    return Spec("batch gene", "float64", "number of each batch and gene", symbol=symbol)


class LinearEffects(NamedTuple):
    """Effects of a linear model on every gene."""

    effect: Effects


@kernel(backend="numpy")
def linear_effects(
    values: Values,
    solver: Annotated[Symbol, Spec("effect sample", "float64", "pseudo-inverse of the design matrix", symbol="D^{+}")],
) -> LinearEffects:
    r"""Least-squares effects of a design on every gene.

    .. math:: \hat\beta = D^{+} X
    """
    return LinearEffects(pt.dot(solver.astype(values.dtype), values).astype("float64"))


class LinearCorrection(NamedTuple):
    """Expression without some effects."""

    corrected: Corrected


@kernel(backend="numpy")
def subtract_effects(values: Values, design: Design, effect: Effects) -> LinearCorrection:
    r"""Take effects off every gene.

    .. math:: Y = X - D \hat\beta
    """
    return LinearCorrection(values - pt.dot(design.astype(values.dtype), effect.astype(values.dtype)))


class BatchMoments(NamedTuple):
    """Each gene in each batch."""

    mean: Annotated[Symbol, _by_batch(r"\bar{x}")]
    squares: Annotated[
        Symbol, Spec("batch gene", "float64", "sum of squared deviations from the batch's mean", symbol="q")
    ]


def _indicator(batch: Any, like: Any) -> Any:
    """A row of ones and zeros per row of ``like``: the samples of that batch."""
    number = pt.cumsum(pt.ge(like[:, 0], -np.inf).astype("int64")) - 1
    return pt.eq(number[:, None], batch[None, :]).astype("float64")


Sizes = Annotated[Symbol, Spec("batch", "float64", "samples of the batch", low=1, symbol="n")]


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.array([0, 1]), np.ones(2)), at_once=True)
def batch_moments(values: Values, batch: Batch, samples: Sizes) -> BatchMoments:
    r"""Mean and sum of squared deviations of each gene in each batch.

    .. math:: \bar{x}_{bg} = \frac{1}{n_b} \sum_{s \in b} x_{sg}, \qquad
              q_{bg} = \sum_{s \in b} (x_{sg} - \bar{x}_{bg})^2
    """
    belongs = _indicator(batch, samples[:, None])
    mean = pt.dot(belongs, values.astype("float64")) / samples[:, None]
    return BatchMoments(mean, pt.dot(belongs, (values - mean[batch]) ** 2))


@batch_moments.driven
def _batch_moments(values: np.ndarray, batch: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import columns

    genes = values.shape[1]
    mean, squares = np.zeros((samples.size, genes)), np.zeros((samples.size, genes))
    wide = columns.width(len(values), values.itemsize)
    spread(columns.batch_moments, genes, values, wide, batch, samples, mean, squares, parts=max(2, genes // wide))
    return mean, squares


class Posteriors(NamedTuple):
    """Shifts and scales of the batches, each drawn towards what the batch's other genes say."""

    shift: Annotated[
        Symbol, Spec("batch gene", "float64", "shift of the batch", unit="pooled standard deviations", symbol=r"\gamma")
    ]
    variance: Annotated[
        Symbol, Spec("batch gene", "float64", "variance of the batch", unit="pooled variance", symbol=r"\delta")
    ]


@kernel(
    backend="numpy",
    example=lambda: (np.array([[0.1, 0.3], [-0.2, 0.1]]), np.array([[1.0, 2.0], [2.0, 1.0]]), np.full(2, 3.0)),
)
def combat_posteriors(
    shift: Annotated[
        Symbol, Spec("batch gene", "float64", "mean of the standardised genes in the batch", symbol=r"\hat\gamma")
    ],
    squares: Annotated[Symbol, Spec("batch gene", "float64", "sum of their squared deviations from that mean")],
    samples: Sizes,
) -> Posteriors:
    r"""Empirical Bayes estimates of ComBat, with normal priors for shifts and inverse gamma priors for variances.

    .. math:: \gamma = \frac{n \tau^2 \hat\gamma + \delta \bar\gamma}{n \tau^2 + \delta}, \qquad
              \delta = \frac{\theta + \tfrac{1}{2} \sum_s (z_s - \gamma)^2}{n / 2 + \lambda - 1}

    are iterated until they stay; the priors' parameters are moments over the genes of a batch.
    See Johnson, Li and Rabinovic 2007, doi:10.1093/biostatistics/kxj037.
    """
    n = samples[:, None]
    variance = squares / (n - 1)
    centre, tau = _mean_and_variance(shift)
    m, v = _mean_and_variance(variance)
    shape, rate = (2 * v + m**2) / v, (m * v + m**3) / v

    def step(_: Any, delta: Any) -> tuple[Any, Any]:
        gamma = (n * tau * shift + delta * centre) / (n * tau + delta)
        return gamma, (rate + 0.5 * (squares + n * (shift - gamma) ** 2)) / (n / 2 + shape - 1)

    found = pytensor.scan(step, outputs_info=[shift, variance], n_steps=STEPS, return_updates=False)
    return Posteriors(found[0][-1], found[1][-1])


def _mean_and_variance(x: Any) -> tuple[Any, Any]:
    mean = x.mean(axis=1, keepdims=True)
    return mean, ((x - mean) ** 2).sum(axis=1, keepdims=True) / (x.shape[1] - 1)


@combat_posteriors.driven
def _combat_posteriors(shift: np.ndarray, squares: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # batch by batch, and no more steps than it takes
    gammas, deltas = np.empty_like(shift), np.empty_like(shift)
    for b, n in enumerate(samples):
        delta = squares[b] / (n - 1)
        centre, tau = shift[b].mean(), shift[b].var(ddof=1)
        m, v = delta.mean(), delta.var(ddof=1)
        shape, rate = (2 * v + m**2) / v, (m * v + m**3) / v
        gamma = shift[b]
        for _ in range(STEPS):
            before = gamma, delta
            gamma = (n * tau * shift[b] + delta * centre) / (n * tau + delta)
            delta = (rate + 0.5 * (squares[b] + n * (shift[b] - gamma) ** 2)) / (n / 2 + shape - 1)
            if max(abs(gamma - before[0]).max(), abs(delta / before[1] - 1).max()) < 1e-9:
                break
        gammas[b], deltas[b] = gamma, delta
    return gammas, deltas


class BatchCorrection(NamedTuple):
    """Expression without the batches' shifts and scales."""

    corrected: Corrected


@kernel(
    backend="numpy",
    example=lambda: (np.ones((2, 2), np.float32), np.array([0, 1]), np.zeros((2, 2)), np.ones((2, 2)), np.ones((2, 2))),
    at_once=True,
)
def correct_batches(
    values: Values,
    batch: Batch,
    centre: Annotated[Symbol, _by_batch("c")],
    per: Annotated[Symbol, _by_batch("r")],
    added: Annotated[Symbol, _by_batch("a")],
) -> BatchCorrection:
    r"""Shift and scale each gene of each sample by what its batch says.

    .. math:: y_{sg} = (x_{sg} - c_{bg}) \, r_{bg} + a_{bg}, \qquad b = \mathrm{batch}_s
    """
    return BatchCorrection(((values - centre[batch]) * per[batch] + added[batch]).astype(values.dtype))


@correct_batches.driven
def _correct_batches(
    values: np.ndarray, batch: np.ndarray, centre: np.ndarray, per: np.ndarray, added: np.ndarray
) -> np.ndarray:
    from genolab.prepare.loops import columns

    out = np.empty_like(values)
    tables = [table.astype(values.dtype) for table in (centre, per, added)]
    spread(columns.correct_batches, len(values), values, batch, *tables, out)
    return out
