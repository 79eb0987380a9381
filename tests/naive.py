"""What the kernels compute, written one loop at a time with nothing but Python: slow, and easy to believe."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, exp, inf, log, log10, sqrt
from typing import NamedTuple


def allele_counts(position: Sequence[int], base: Sequence[int], reference: Sequence[int]) -> list[list[int]]:
    """How often each of four bases was seen at each position."""
    counts = [[0, 0, 0, 0] for _ in reference]
    for at, code in zip(position, base, strict=True):
        counts[at][code] += 1
    return counts


def candidate_alleles(
    counts: Sequence[Sequence[int]], reference: Sequence[int], min_count: int, min_fraction: float
) -> list[list[bool]]:
    """Which bases other than a known reference were seen often enough."""
    return [
        [
            known < 4 and allele != known and row[allele] >= min_count and row[allele] >= min_fraction * sum(row)
            for allele in range(4)
        ]
        for row, known in zip(counts, reference, strict=True)
    ]


def genotypes(ploidy: int, alleles: int = 4) -> list[tuple[int, ...]]:
    """In the order of the VCF specification's own recursion."""
    if ploidy == 1:
        return [(allele,) for allele in range(alleles)]
    return [(*rest, last) for last in range(alleles) for rest in genotypes(ploidy - 1, last + 1)]


def probability(base: int, base_quality: float, mapping_quality: float, genotype: Sequence[int], error: float) -> float:
    """P(base | genotype): a chromosome is drawn, read with an error, and the whole fragment may be misplaced."""
    wrong = min(10 ** (-base_quality / 10), 0.75)
    misplaced = min(10 ** (-mapping_quality / 10) + error, 1.0)
    in_place = 0.0
    for allele in genotype:
        in_place += (1 - wrong if allele == base else wrong / 3) / len(genotype)
    return (1 - misplaced) * in_place + misplaced / 4


def genotype_likelihoods(
    site: Sequence[int],
    base: Sequence[int],
    base_quality: Sequence[float],
    mapping_quality: Sequence[float],
    sites: int,
    error: float,
    ploidy: int,
) -> list[list[float]]:
    """log10 P(bases | genotype) of each site."""
    table = [[0.0 for _ in genotypes(ploidy)] for _ in range(sites)]
    for at, code, quality, mapped in zip(site, base, base_quality, mapping_quality, strict=True):
        for number, genotype in enumerate(genotypes(ploidy)):
            table[at][number] += log10(probability(code, quality, mapped, genotype, error))
    return table


def prior(reference: int, heterozygosity: float, ploidy: int) -> list[float]:
    """P(genotype): each alternate base in k copies costs theta w / k, the reference genotype has the rest."""
    kinds = genotypes(ploidy)
    if reference == 4:
        return [1 / len(kinds)] * len(kinds)
    table = []
    for genotype in kinds:
        p = 1.0
        for allele in set(genotype) - {reference}:
            transition = {reference, allele} in ({0, 2}, {1, 3})
            p *= heterozygosity * (2 / 3 if transition else 1 / 6) / genotype.count(allele)
        table.append(p)
    own = kinds.index((reference,) * ploidy)
    table[own] = 0.0
    table[own] = 1 - sum(table)
    return table


class Posterior(NamedTuple):
    """Of one site: log10 P(genotype | bases), QUAL and GQ."""

    log10_posterior: list[float]
    quality: float
    genotype_quality: float


def posterior(
    log10_likelihood: Sequence[float], reference: int, considered: Sequence[bool], heterozygosity: float, ploidy: int
) -> Posterior:
    """Bayes' rule for one site; likelihoods not so small that a float loses them."""
    weighed = [10**p * q for p, q in zip(log10_likelihood, prior(reference, heterozygosity, ploidy), strict=True)]
    total = sum(weighed)
    own = [genotype == (reference,) * ploidy for genotype in genotypes(ploidy)]
    quality = sum(-10 * log10(w / total) for w, is_own in zip(weighed, own, strict=True) if is_own)
    varying = sorted(w for w, is_own, may in zip(weighed, own, considered, strict=True) if may and not is_own)
    wrong = sum(varying[:-1]) / sum(varying) if sum(varying) else float("nan")
    return Posterior([log10(w / total) for w in weighed], quality, -10 * log10(wrong) if wrong > 0 else float("inf"))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Two-sided p of Fisher's exact test: all tables with the same margins that are no likelier."""
    first, second, column, total = a + b, c + d, a + c, a + b + c + d

    def p(k: int) -> float:
        return comb(first, k) * comb(second, column - k) / comb(total, column)

    possible = range(max(0, column - second), min(first, column) + 1)
    return min(1.0, sum(p(k) for k in possible if p(k) <= p(a) * (1 + 1e-7)))


def strand_odds_ratio(a: int, b: int, c: int, d: int) -> float:
    """GATK's StrandOddsRatio of reference forward, reverse, alternate forward, reverse."""
    a, b, c, d = a + 1, b + 1, c + 1, d + 1
    ratio = a * d / (b * c)
    return log(ratio + 1 / ratio) + log(min(a, b) / max(a, b)) - log(min(c, d) / max(c, d))


def rank_sum(reference: Sequence[int], alternate: Sequence[int]) -> float:
    """z of the Mann-Whitney U of the alternate values, by comparing every pair; 0 where nothing can be said."""
    n, m = len(reference), len(alternate)
    if not n or not m:
        return 0.0
    u = sum(1.0 if y > x else 0.5 if y == x else 0.0 for x in reference for y in alternate)
    pooled = [*reference, *alternate]
    total = n + m
    ties = sum(t**3 - t for t in (pooled.count(value) for value in set(pooled)))
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    return (u - n * m / 2) / sqrt(variance) if variance > 1e-9 else 0.0


# ---------------------------------------------------------------- reads


class Read(NamedTuple):
    """One aligned read, as a line of SAM holds it; qualities and bases empty where the file has none."""

    name: str
    flag: int
    position: int
    mapping_quality: int
    cigar: list[tuple[int, str]]
    bases: str
    qualities: list[int]


class Base(NamedTuple):
    """What one read shows at one position."""

    read: int
    base: str
    quality: int
    end_distance: int


def walk(read: Read, number: int) -> dict[int, Base]:
    """A read laid over the reference, one CIGAR operation and one base at a time."""
    shown: dict[int, Base] = {}
    on_reference, on_read = read.position, 0
    for length, operation in read.cigar:
        for _ in range(length):
            if operation in "M=X":
                if read.bases:
                    quality = read.qualities[on_read] if read.qualities else 255
                    distance = min(on_read, len(read.bases) - 1 - on_read)
                    quality = 20 if quality == 255 else quality
                    shown[on_reference] = Base(number, read.bases[on_read], quality, distance)
                on_reference += 1
                on_read += 1
            elif operation in "DN":
                on_reference += 1
            elif operation in "IS":
                on_read += 1
    return shown


class Pile(NamedTuple):
    """The fragments that are evidence at one position, and why each other read over it is not."""

    used: dict[str, Base]
    reasons: dict[int, str]


EXCLUDED = (
    (0x4, "unmapped"),
    (0x100, "secondary alignment"),
    (0x200, "failed quality control"),
    (0x400, "duplicate"),
    (0x800, "supplementary alignment"),
)


def pile(reads: Sequence[Read], position: int, min_base_quality: int, min_mapping_quality: int) -> Pile:
    """What the reads say about one position, fragment by fragment."""
    used: dict[str, Base] = {}
    reasons: dict[int, str] = {}
    for number, read in enumerate(reads):
        shown = walk(read, number).get(position)
        if shown is None:
            continue
        mapped = 20 if read.mapping_quality == 255 else read.mapping_quality
        reason = next((text for flag, text in EXCLUDED if read.flag & flag), None)
        if reason is None and mapped < min_mapping_quality:
            reason = "mapping quality too low"
        if reason is None and shown.base not in "ACGT":
            reason = "base is not A, C, G or T"
        if reason is None and shown.quality < min_base_quality:
            reason = "base quality too low"
        if reason is not None:
            reasons[number] = reason
            continue
        mate = used.get(read.name)
        if mate is None:
            used[read.name] = shown
            continue
        better, worse = (shown, mate) if shown.quality > mate.quality else (mate, shown)
        seconds = [bool(reads[each.read].flag & 0x80) for each in (better, worse)]
        if better.quality == worse.quality and seconds == [True, False]:
            better, worse = worse, better
        reasons[worse.read] = "mate covers the site with the better base"
        used[read.name] = better
        if better.base != worse.base:
            used[read.name] = better._replace(quality=better.quality - worse.quality)
            if used[read.name].quality < min_base_quality:
                del used[read.name]
                reasons[better.read] = reasons[worse.read] = "mates disagree"
    return Pile(used, reasons)


def pair_hmm(
    read: Sequence[int],
    quality: Sequence[float],
    haplotype: Sequence[int],
    opening: Sequence[float],
    diagonal: int,
    band: int,
    extension: float,
) -> float:
    """log10 P(read | haplotype) of one pair, cell by cell in logarithms."""

    def add(*logs: float) -> float:
        largest = max(logs)
        return largest if largest == -inf else largest + log(sum(exp(each - largest) for each in logs))

    def ln(p: float) -> float:
        return log(p) if p > 0 else -inf

    n = len(haplotype)
    m, ins, gone = [-inf] * n, [-inf] * n, [-inf] * n
    for i, code in enumerate(read):
        wrong = min(10 ** (-quality[i] / 10), 0.75)
        new: list[list[float]] = [[], [], []]
        for j in range(n):
            if abs(j - i - diagonal) > band:
                cell = (-inf, -inf, -inf)
            else:
                emitted = ln(1 - wrong) if code == haplotype[j] and code < 4 else ln(wrong / 3)
                going_on = ln(1 - 2 * opening[j]) + m[j - 1] if j else -inf
                entering = ln(1 - extension) + add(ins[j - 1], gone[j - 1]) if j else -inf
                entering = 0.0 if i == 0 else entering
                cell = (
                    emitted + add(going_on, entering),
                    add(ln(opening[j]) + m[j], ln(extension) + ins[j]),
                    add(ln(opening[j]) + new[0][j - 1], ln(extension) + new[2][j - 1]) if j else -inf,
                )
            for state, value in zip(new, cell, strict=True):
                state.append(value)
        m, ins, gone = new
    return add(*m, *ins) / log(10)
