"""Many samples at one site: frequencies of its alleles by EM, and genotypes with the frequency integrated out."""

from __future__ import annotations

from math import comb
from typing import Annotated, NamedTuple

import numpy as np

from genolab.call.likelihood import genotypes
from genolab.kernel import kernel, pt
from genolab.spec import Spec, Symbol

STEPS = 50
"""Steps of the EM. Each raises the likelihood; what 50 leave undone is below what AF is written with."""

LEAST = 1e-300

SampleLikelihood = Annotated[
    Symbol,
    Spec(
        "site sample genotype",
        "float64",
        "log10 P(fragments of the sample | genotype)",
        symbol=r"P(D_s \mid g); P(D_F \mid g_F); P(D_M \mid g_M); P(D_c \mid g_c)",
    ),
]
Copies = Annotated[
    Symbol,
    Spec("sample genotype allele", "int64", "how often the genotype holds the allele, the reference first", symbol="k"),
]
Ways = Annotated[
    Symbol, Spec("sample genotype", "float64", "orders in which the genotype's alleles can stand; 0 fills up", low=0)
]
Allowed = Annotated[Symbol, Spec("site allele", "bool", "the allele may be there")]
Inbreeding = Annotated[
    Symbol, Spec("", "float64", "chance that all copies are of one descent", low=0, high=1, step=0.01)
]
Composition = Annotated[
    Symbol, Spec("site allele", "float64", "share of each alternate among the alternates", symbol="q")
]
Node = Annotated[Symbol, Spec("node", "float64", "frequency of all alternates together", low=0, high=1, symbol="f")]


def genotype_table(ploidies: tuple[int, ...], alleles: int) -> tuple[np.ndarray, np.ndarray]:
    """``copies`` (sample, genotype, allele) and ``ways`` (sample, genotype) of samples of these ploidies, filled up."""
    kinds = [genotypes(ploidy, alleles) for ploidy in ploidies]
    width = max(map(len, kinds))
    copies, ways = np.zeros((len(kinds), width, alleles), np.int64), np.zeros((len(kinds), width))
    for at, (own, ploidy) in enumerate(zip(kinds, ploidies, strict=True)):
        for number, kind in enumerate(own):
            held = np.bincount(np.array(kind, np.int64), minlength=alleles)
            copies[at, number], left, orders = held, ploidy, 1
            for count in held.tolist():
                orders *= comb(left, count)
                left -= count
            ways[at, number] = orders
    return copies, ways


def hardy_weinberg(frequency: Symbol, copies: Symbol, ways: Symbol, inbreeding: Symbol) -> Symbol:
    r"""P(genotype | frequencies), symbolic: :math:`(1 - F)\, n! \prod_a p_a^{k_a} / k_a! + F \sum_a p_a [k_a = n]`.

    ``frequency`` is (..., allele); the result (..., sample, genotype). A sample without copies has one genotype.
    """
    held = copies.astype("float64")
    logs = pt.log(pt.maximum(frequency, LEAST))[..., None, None, :]
    apart = ways * pt.exp((logs * held).sum(axis=-1))
    number = held.sum(axis=2).max(axis=1)[:, None, None]
    alike = (pt.eq(held, number) & pt.gt(number, 0)).astype("float64")
    together = (frequency[..., None, None, :] * alike).sum(axis=-1)
    none = pt.eq(number[:, :, 0], 0) * pt.gt(ways, 0)
    return (1.0 - inbreeding) * apart + inbreeding * (together * pt.gt(ways, 0) + none)


class AlleleFrequencies(NamedTuple):
    """Where the EM ended."""

    frequency: Annotated[
        Symbol, Spec("site allele", "float64", "share of the chromosomes, the reference first", symbol="p")
    ]


def _one_site() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    copies, ways = genotype_table((2, 2), 2)
    return np.log10(np.array([[[0.9, 0.1, 1e-3], [1e-3, 0.9, 0.1]]])), copies, ways


def _smallest_frequencies() -> tuple[object, ...]:
    return (*_one_site(), np.ones((1, 2), bool))


@kernel(backend="numpy", simplify=False, example=_smallest_frequencies)
def allele_frequencies(
    log10_likelihood: SampleLikelihood,
    copies: Copies,
    ways: Ways,
    allowed: Allowed,
    inbreeding: Inbreeding = 0.0,
) -> AlleleFrequencies:
    r"""Frequencies that make the reads of all samples likely, by 50 steps of expectation and maximisation.

    With Hardy-Weinberg proportions :math:`P(g \mid p)` and :math:`k_a(g)` copies of allele :math:`a`,

    .. math:: p_a \leftarrow \frac{\sum_s E_s[k_a]}{\sum_s n_s}, \qquad
              E_s[k_a] = \frac{\sum_g k_a(g)\, P(D_s \mid g)\, P(g \mid p)}{\sum_g P(D_s \mid g)\, P(g \mid p)}

    from equal shares of the allowed alleles. See Li 2011, doi:10.1093/bioinformatics/btr509.
    """
    from pytensor import scan

    held = copies.astype("float64")
    likelihood = 10.0 ** (log10_likelihood - log10_likelihood.max(axis=2, keepdims=True))
    start = allowed.astype("float64")
    start = start / pt.maximum(start.sum(axis=1, keepdims=True), 1.0)

    def step(frequency: Symbol) -> Symbol:
        joint = likelihood * hardy_weinberg(frequency, copies, ways, inbreeding)
        share = joint / pt.maximum(joint.sum(axis=2, keepdims=True), LEAST)
        expected = (share[:, :, :, None] * held[None]).sum(axis=(1, 2))
        total = expected.sum(axis=1, keepdims=True)
        return pt.switch(pt.gt(total, 0.0), expected / pt.maximum(total, LEAST), frequency)

    found = scan(step, outputs_info=[start], n_steps=STEPS, return_updates=False)
    return AlleleFrequencies(found[-1])


@allele_frequencies.driven
def _frequencies_by_arrays(
    log10_likelihood: np.ndarray, copies: np.ndarray, ways: np.ndarray, allowed: np.ndarray, inbreeding: np.ndarray
) -> np.ndarray:
    """The same without a scan, which would compile for seconds."""
    held, f = copies.astype(np.float64), float(inbreeding)
    likelihood = 10.0 ** (log10_likelihood - log10_likelihood.max(axis=2, keepdims=True))
    number = held.sum(axis=2).max(axis=1)[:, None, None]
    alike = ((held == number) & (number > 0)).astype(np.float64)
    none = (number[:, :, 0] == 0) * (ways > 0)
    flat = held.reshape(-1, held.shape[2])
    frequency = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1.0)
    shape = likelihood.shape
    for _ in range(STEPS):
        logs = np.log(np.maximum(frequency, LEAST))
        prior = (1.0 - f) * ways * np.exp(logs @ flat.T).reshape(shape)
        if f:
            together = (frequency @ alike.reshape(flat.shape).T).reshape(shape)
            prior += f * (together * (ways > 0) + none)
        joint = likelihood * prior
        share = joint / np.maximum(joint.sum(axis=2, keepdims=True), LEAST)
        expected = share.reshape(shape[0], -1) @ flat
        total = expected.sum(axis=1, keepdims=True)
        frequency = np.where(total > 0, expected / np.maximum(total, LEAST), frequency)
    return np.asarray(frequency)


LogEvidence = Annotated[
    Symbol, Spec("site node unit", "float64", "ln P(fragments of the unit | frequency)", symbol="U")
]
LogFounders = Annotated[
    Symbol, Spec("site node unit", "float64", "ln P(all founders have the reference alone | fragments, frequency)")
]
Marginal = Annotated[
    Symbol,
    Spec("site node sample genotype", "float64", "P(genotype, and a founder of the unit varies | both)"),
]
LogPlain = Annotated[
    Symbol, Spec("site unit", "float64", "ln P(fragments | no founder of the unit varies)", symbol="C")
]
PlainMarginal = Annotated[
    Symbol, Spec("site sample genotype", "float64", "P(genotype, and one of the unit varies | no founder does)")
]
LogQuiet = Annotated[
    Symbol, Spec("site unit", "float64", "ln P(nobody varies | fragments, no founder does)", symbol="Q")
]
LogUnvaried = Annotated[Symbol, Spec("site node unit", "float64", "ln P(no founder varies | frequency)")]


class GivenFrequency(NamedTuple):
    """What the fragments say of units (a sample, or a family) if the alternates had some frequency."""

    log_evidence: LogEvidence
    log_founders: LogFounders
    marginal: Marginal
    log_plain: LogPlain
    plain_marginal: PlainMarginal
    log_quiet: LogQuiet
    log_unvaried: LogUnvaried


def _smallest_samples() -> tuple[object, ...]:
    return (*_one_site(), np.array([[0.0, 1.0]]), np.array([0.1, 0.5, 0.9]))


def frequencies_of(composition: Symbol, node: Symbol) -> Symbol:
    """Frequency of each allele, ``(site, node, allele)``, from that of all alternates together."""
    of_alternates = composition[:, None, :] * node[None, :, None]
    return pt.set_subtensor(of_alternates[:, :, 0], 1.0 - node[None, :] + 0.0 * composition[:, 0][:, None])


@kernel(backend="numpy", simplify=False, example=_smallest_samples)
def samples_given_frequency(
    log10_likelihood: SampleLikelihood,
    copies: Copies,
    ways: Ways,
    composition: Composition,
    node: Node,
    inbreeding: Inbreeding = 0.0,
) -> GivenFrequency:
    r"""Weigh the genotypes of samples that are not related, at each of some frequencies of the alternates.

    .. math:: U_s(f) = \sum_g P(D_s \mid g)\, P(g \mid p), \qquad p_0 = 1 - f, \quad p_a = f q_a

    with Hardy-Weinberg proportions :math:`P(g \mid p)` and the composition :math:`q` of the alternates.
    """
    largest = log10_likelihood.max(axis=2, keepdims=True)
    likelihood = (10.0 ** (log10_likelihood - largest))[:, None]
    prior = hardy_weinberg(frequencies_of(composition, node), copies, ways, inbreeding)
    joint = likelihood * prior
    total = pt.maximum(joint.sum(axis=3), LEAST)
    varies = pt.set_subtensor((joint / total[..., None])[..., 0], 0.0)
    scale = np.log(10.0) * largest[:, None, :, 0]
    plain = np.log(10.0) * log10_likelihood[:, :, 0]
    return GivenFrequency(
        pt.log(total) + scale,
        pt.log1p(-pt.minimum(varies.sum(axis=3), 1.0 - 1e-16)),
        varies,
        plain,
        pt.zeros_like(log10_likelihood),
        pt.zeros_like(plain),
        pt.log(pt.maximum(prior[..., 0], LEAST)),
    )


class Integrated(NamedTuple):
    """Genotypes and the site, the frequency integrated out."""

    log10_varies: Annotated[
        Symbol, Spec("site", "float64", "log10 P(fragments, the site varies)", symbol=r"P(D, \mathrm{varies})")
    ]
    log10_silent: Annotated[
        Symbol, Spec("site", "float64", "log10 P(fragments, nobody varies)", symbol=r"P(D, \mathrm{nobody\ varies})")
    ]
    posterior: Annotated[Symbol, Spec("site sample genotype", "float64", "P(genotype | fragments, the site varies)")]


def _smallest_integral() -> tuple[object, ...]:
    half, third = np.log(np.full((1, 3, 2), 0.5)), np.full(3, 1 / 3)
    none = np.zeros((1, 2, 3))
    return (half, half, np.full((1, 3, 2, 3), 0.1), half[:, 0], none, none[..., 0], half, np.arange(2), third, third,
            np.full(1, 1e-3))  # fmt: skip


@kernel(backend="numpy", simplify=False, example=_smallest_integral)
def integrate_frequency(
    log_evidence: LogEvidence,
    log_founders: LogFounders,
    marginal: Marginal,
    log_plain: LogPlain,
    plain_marginal: PlainMarginal,
    log_quiet: LogQuiet,
    log_unvaried: LogUnvaried,
    unit: Annotated[Symbol, Spec("sample", "int64", "which unit each sample belongs to", index="unit")],
    node: Node,
    weight: Annotated[Symbol, Spec("node", "float64", "weight of each frequency in the integral", low=0, symbol="df")],
    rate: Annotated[
        Symbol, Spec("site", "float64", "prior of a variant on one of two chromosomes", low=0, high=1, symbol=r"\theta")
    ],
) -> Integrated:
    r"""Integrate the frequency :math:`f` of a neutral variant, of density :math:`\theta / f`, out of all samples.

    With :math:`U` what the fragments of a unit say at a frequency, :math:`B` the part of it where no founder varies,
    :math:`C` the same without its prior and :math:`Q` the part of :math:`C` where no child does either,

    .. math:: P(D, \mathrm{varies}) = \int_0^1 \frac{\theta}{f} \Big[\prod_u U_u(f) - \prod_u B_u(f)\Big] df
              + (1 - \Theta) \Big[\prod_u C_u - \prod_u Q_u\Big], \qquad
              P(D, \mathrm{nobody\ varies}) = (1 - \Theta) \prod_u Q_u

    where :math:`\Theta` is the prior that a founder varies. For one sample of ploidy :math:`n` a genotype with
    :math:`k` copies has the prior :math:`\theta / k`, as in :func:`~genolab.call.likelihood.genotype_posteriors`.
    The nodes of Gauss and Legendre make it exact: the integrand is a polynomial. See Li 2011,
    doi:10.1093/bioinformatics/btr509.
    """
    evidence, founders = log_evidence.sum(axis=2), log_founders.sum(axis=2)
    density = pt.log(weight) - pt.log(node)
    weighed = evidence + density[None, :]
    largest = weighed.max(axis=1, keepdims=True)
    share = pt.exp(weighed - largest)
    some = pt.maximum((share * -pt.expm1(founders)).sum(axis=1), LEAST)
    by_founders = pt.log(pt.maximum(rate, LEAST)) + largest[:, 0] + pt.log(some)
    chance = rate * (pt.exp(density)[None, :] * -pt.expm1(log_unvaried.sum(axis=2))).sum(axis=1)
    plain, quiet = pt.log1p(-pt.minimum(chance, 0.5)) + log_plain.sum(axis=1), log_quiet.sum(axis=1)
    by_children = plain + pt.log(pt.maximum(-pt.expm1(quiet), LEAST))
    highest = pt.maximum(by_founders, by_children)
    log_varies = highest + pt.log(pt.exp(by_founders - highest) + pt.exp(by_children - highest))
    # P(genotype, founders vary): a unit that does not vary at all has the reference, if another unit varies
    per_node = (share / some[:, None])[:, :, None] * pt.exp(by_founders - log_varies)[:, None, None]
    others = -pt.expm1(pt.minimum(founders[:, :, None] - log_founders, 0.0))
    in_unit = pt.exp(log_founders) * others  # no founder of this unit, one of another
    quiet_in_unit = pt.exp(log_quiet)[:, unit]
    new_in_unit = plain_marginal  # its children may still have a new allele
    posterior = (per_node[..., None] * marginal).sum(axis=1)
    no_founder = (per_node * in_unit).sum(axis=1)[:, unit]
    # and P(genotype, no founder varies but a child does)
    child = pt.exp(plain - log_varies)[:, None]
    elsewhere = quiet_in_unit * -pt.expm1(pt.minimum(quiet[:, None] - log_quiet, 0.0))[:, unit]
    posterior = posterior + (no_founder + child)[:, :, None] * new_in_unit
    posterior = pt.inc_subtensor(posterior[:, :, 0], no_founder * quiet_in_unit + child * elsewhere)
    return Integrated(log_varies / np.log(10.0), (plain + quiet) / np.log(10.0), posterior)


def quadrature(chromosomes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on (0, 1) that integrate the likelihood of this many chromosomes exactly (up to 256)."""
    number = int(np.clip(-(-chromosomes // 2) + 1, 4, 128))
    node, weight = np.polynomial.legendre.leggauss(number)
    return (node + 1.0) / 2.0, weight / 2.0
