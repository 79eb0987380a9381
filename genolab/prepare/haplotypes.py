"""Genotypes as mosaics of reference haplotypes: the hidden Markov model of Li and Stephens, and plain distances."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.spec import Spec, Symbol

Panel = Annotated[
    Symbol, Spec("haplotype site", "int8", "allele of a reference haplotype", low=0, high=1, symbol="h_j; h; k_j")
]
Haploid = Annotated[Symbol, Spec("target site", "int8", "allele; -1 where it is not known", low=-1, high=1, symbol="x")]
Diploid = Annotated[
    Symbol, Spec("target site", "int8", "copies of allele 1; -1 where not known", low=-1, high=2, symbol="x")
]
Switch = Annotated[
    Symbol,
    Spec(
        "site",
        "float64",
        "chance that another haplotype is copied from here on (first site: 1)",
        low=0,
        high=1,
        symbol="s",
    ),
]
Error = Annotated[
    Symbol,
    Spec(
        "", "float64", "chance that the allele differs from the one copied", low=1e-12, high=0.5, symbol=r"\varepsilon"
    ),
]
LogLikelihood = Annotated[Symbol, Spec("target", "float64", "of what is known of the target", unit="nats")]


class HaploidPosterior(NamedTuple):
    """What each target has at each site."""

    posterior: Annotated[
        Symbol, Spec("target site", "float64", "chance of allele 1", low=0, high=1, symbol="P(x_j = 1)")
    ]
    log_likelihood: LogLikelihood


def _example(panel: int) -> tuple[Any, ...]:
    return np.eye(2, dtype=np.int8), np.full((1, 2), panel, np.int8), np.array([1, 0.1]), 0.01


@kernel(backend="numpy", simplify=False, example=lambda: _example(0))
def copied_haplotypes(panel: Panel, observed: Haploid, switch: Switch, error: Error) -> HaploidPosterior:
    r"""Posterior of each allele where a target haplotype copies one of H reference haplotypes after the other.

    With :math:`e_j(h)` the chance of what is observed at site j (1 where nothing is) if haplotype h is copied,

    .. math:: f_j(h) = e_j(h) \Big[(1 - s_j) f_{j-1}(h) + \tfrac{s_j}{H} \sum_k f_{j-1}(k)\Big], \qquad
              b_{j-1}(h) = (1 - s_j)\, e_j(h)\, b_j(h) + \tfrac{s_j}{H} \sum_k e_j(k)\, b_j(k)

    .. math:: P(x_j = 1) \propto \sum_h f_j(h)\, b_j(h)\, \big[(1 - \varepsilon)\,h_j + \varepsilon\,(1 - h_j)\big]

    See Li and Stephens 2003, doi:10.1093/genetics/165.4.2213.
    """
    number = panel.shape[0]
    one = pt.switch(pt.eq(panel, 1), 1 - error, error).T  # chance of allele 1, site by haplotype
    x = observed.T[:, :, None]
    emission = pt.switch(pt.lt(x, 0), 1.0, pt.switch(pt.eq(x, 1), one[:, None, :], 1 - one[:, None, :]))

    def forward(here: Any, change: Any, before: Any) -> Any:
        joint = here * ((1 - change) * before + change / number)
        total = joint.sum(axis=1, keepdims=True)
        return joint / total, pt.log(total[:, 0])

    def backward(here: Any, change: Any, after: Any) -> Any:
        joint = here * after
        earlier = (1 - change) * joint + change / number * joint.sum(axis=1, keepdims=True)
        return earlier / earlier.sum(axis=1, keepdims=True)

    uniform = pt.ones_like(emission[0]) / number
    ahead, logs = pytensor.scan(forward, [emission, switch], [uniform, None], return_updates=False)
    behind = pytensor.scan(backward, [emission[:0:-1], switch[:0:-1]], [uniform], return_updates=False)
    both = ahead * pt.concatenate([behind[::-1], uniform[None]], axis=0)
    share = (both * one[:, None, :]).sum(axis=2) / both.sum(axis=2)
    return HaploidPosterior(share.T, logs.sum(axis=0))


@copied_haplotypes.driven
def _copied_haplotypes(
    panel: np.ndarray, observed: np.ndarray, switch: np.ndarray, error: Any
) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import haplotypes as loops

    posterior, likelihood = np.empty(observed.shape), np.empty(len(observed))
    sites = np.ascontiguousarray(panel.T)
    spread(loops.haploid, len(observed), sites, observed, switch, float(error), posterior, likelihood)
    return posterior, likelihood


class DiploidPosterior(NamedTuple):
    """What each target has at each site."""

    posterior: Annotated[Symbol, Spec("target site genotype=3", "float64", "chance of 0, 1, 2 copies", low=0, high=1)]
    log_likelihood: LogLikelihood


@kernel(backend="numpy", simplify=False, example=lambda: _example(1))
def copied_pairs(panel: Panel, observed: Diploid, switch: Switch, error: Error) -> DiploidPosterior:
    r"""Posterior of each genotype where both haplotypes of a target copy reference haplotypes, without phase.

    As :func:`copied_haplotypes` for pairs (h, k), which change haplotypes independently of each other:

    .. math:: f_j(h, k) = e_j(h, k) \Big[(1 - s)^2 f(h, k) + \tfrac{(1 - s) s}{H} \big(\textstyle\sum_m f(h, m) +
              \sum_m f(m, k)\big) + \tfrac{s^2}{H^2} \sum_{m n} f(m, n)\Big]

    See Li and Stephens 2003, doi:10.1093/genetics/165.4.2213.
    """
    number = panel.shape[0]
    one = pt.switch(pt.eq(panel, 1), 1 - error, error).T
    first, second = one[:, :, None], one[:, None, :]
    chance = pt.stack(
        [(1 - first) * (1 - second), first * (1 - second) + (1 - first) * second, first * second], axis=1
    )  # site, genotype, haplotype, haplotype
    x = observed.T[:, :, None, None]
    known = pt.switch(pt.eq(x, 0), chance[:, None, 0], pt.switch(pt.eq(x, 1), chance[:, None, 1], chance[:, None, 2]))
    emission = pt.switch(pt.lt(x, 0), 1.0, known)

    def mixed(pairs: Any, change: Any) -> Any:
        stay, move = 1 - change, change / number
        sides = pairs.sum(axis=2, keepdims=True) + pairs.sum(axis=1, keepdims=True)
        return stay**2 * pairs + stay * move * sides + move**2 * pairs.sum(axis=(1, 2), keepdims=True)

    def forward(here: Any, change: Any, before: Any) -> Any:
        joint = here * mixed(before, change)
        total = joint.sum(axis=(1, 2), keepdims=True)
        return joint / total, pt.log(total[:, 0, 0])

    def backward(here: Any, change: Any, after: Any) -> Any:
        earlier = mixed(here * after, change)
        return earlier / earlier.sum(axis=(1, 2), keepdims=True)

    uniform = pt.ones_like(emission[0]) / number**2
    ahead, logs = pytensor.scan(forward, [emission, switch], [uniform, None], return_updates=False)
    behind = pytensor.scan(backward, [emission[:0:-1], switch[:0:-1]], [uniform], return_updates=False)
    both = ahead * pt.concatenate([behind[::-1], uniform[None]], axis=0)
    share = (both[:, :, None] * chance[:, None]).sum(axis=(3, 4))
    return DiploidPosterior((share / share.sum(axis=2, keepdims=True)).transpose(1, 0, 2), logs.sum(axis=0))


@copied_pairs.driven
def _copied_pairs(
    panel: np.ndarray, observed: np.ndarray, switch: np.ndarray, error: Any
) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import haplotypes as loops

    posterior, likelihood = np.empty((*observed.shape, 3)), np.empty(len(observed))
    sites = np.ascontiguousarray(panel.T)
    spread(loops.diploid, len(observed), sites, observed, switch, float(error), posterior, likelihood)
    return posterior, likelihood


class HaplotypeDistances(NamedTuple):
    """How far targets are from single haplotypes."""

    distance: Annotated[
        Symbol, Spec("target haplotype", "float64", "mean squared difference over the known sites", symbol="d")
    ]


@kernel(backend="numpy")
def haplotype_distances(panel: Panel, observed: Haploid) -> HaplotypeDistances:
    r"""Mean squared difference of each target from each reference haplotype, over the sites that are known.

    .. math:: d_{th} = \frac{1}{|K_t|} \sum_{j \in K_t} (x_{tj} - h_j)^2
    """
    known = pt.ge(observed, 0).astype("float64")
    x, h = pt.maximum(observed, 0).astype("float64"), panel.astype("float64")
    total = (x**2).sum(axis=1, keepdims=True) + pt.dot(known, h.T) - 2 * pt.dot(x, h.T)
    return HaplotypeDistances(total / pt.maximum(known.sum(axis=1, keepdims=True), 1))


class PairDistances(NamedTuple):
    """How far targets are from pairs of haplotypes."""

    distance: Annotated[
        Symbol, Spec("target haplotype other", "float64", "mean squared difference over the known sites", symbol="d")
    ]


@kernel(backend="numpy")
def pair_distances(panel: Panel, observed: Diploid) -> PairDistances:
    r"""Mean squared difference of each target from each pair of reference haplotypes, over the sites that are known.

    .. math:: d_{thk} = \frac{1}{|K_t|} \sum_{j \in K_t} (x_{tj} - h_j - k_j)^2
    """
    known = pt.ge(observed, 0).astype("float64")
    x, h = pt.maximum(observed, 0).astype("float64"), panel.astype("float64")
    single = pt.dot(known, h.T) - 2 * pt.dot(x, h.T)
    common = pt.dot(known[:, None, :] * h[None], h.T)
    total = (x**2).sum(axis=1)[:, None, None] + single[:, :, None] + single[:, None, :] + 2 * common
    return PairDistances(total / pt.maximum(known.sum(axis=1), 1)[:, None, None])
