"""Samples and families together at sites: which alternates there are, how sure that is, and everybody's genotype."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from genolab.call.calls import GENOTYPE_QUALITY_CAP
from genolab.call.families import Family, family_given_frequency, transmission
from genolab.call.haplotypes import NEVER
from genolab.call.joint import (
    allele_frequencies,
    genotype_table,
    integrate_frequency,
    quadrature,
    samples_given_frequency,
)
from genolab.call.likelihood import genotypes

MOST_TOGETHER = 3
"""Alternates that one site has at most; of more candidates every choice of up to three is tried."""

_MOST_CELLS = 2_000_000  # of a table of sites by frequencies by samples by genotypes


@dataclass(frozen=True)
class Judged:
    """Some sites with equally many alleles. Genotypes in VCF order of all of them."""

    alternates: np.ndarray  # bool (site, allele): those that are taken to be there
    quality: np.ndarray  # (site,)
    log10_varies: np.ndarray  # (site,) log10 P(fragments, it varies), over log10 P(fragments, nobody varies)
    posterior: list[np.ndarray]  # a sample: (site, genotype)
    best: list[np.ndarray]  # a sample: (site,) the most probable genotype
    genotype_quality: np.ndarray  # (site, sample)
    frequency: np.ndarray  # (site, allele)
    de_novo: np.ndarray  # (site, sample) NaN where nobody knows the parents


@dataclass(frozen=True)
class Together:
    """What is known of the samples of a stretch before their reads."""

    ploidies: tuple[int, ...]
    families: tuple[Family, ...]
    inbreeding: float
    de_novo_rate: float
    backend: str | None = None

    def judge(self, likelihoods: list[np.ndarray], rates: np.ndarray) -> Judged:
        """Judge sites from log10 P(fragments | genotype), (site, genotype) of each sample, and the alternates' priors.

        Of several alternates every set is weighed: its prior is the product of theirs, its composition that of the EM.
        """
        sites, others = rates.shape
        alleles = others + 1
        table = self._filled(likelihoods, alleles)
        sets = [
            chosen for size in range(1, min(others, MOST_TOGETHER) + 1) for chosen in combinations(range(others), size)
        ]
        found = []
        for chosen in sets:
            allowed = np.zeros((sites, alleles), bool)
            allowed[:, [0, *(each + 1 for each in chosen)]] = True
            found.append(self._weigh(table, alleles, allowed, rates[:, list(chosen)].prod(axis=1)))
        varies = np.stack([each[0] for each in found], axis=1)
        silent = np.stack([each[1] for each in found], axis=1).min(axis=1)
        top = varies.argmax(axis=1)
        largest = varies.max(axis=1, keepdims=True)
        odds = largest[:, 0] + np.log10((10.0 ** (varies - largest)).sum(axis=1)) - silent
        rows = np.arange(sites)
        posterior = np.stack([each[2] for each in found])[top, rows]
        frequency, new = (np.stack([each[at] for each in found])[top, rows] for at in (3, 4))
        alternates = np.zeros((sites, alleles), bool)
        for number, chosen in enumerate(sets):
            alternates[np.ix_(top == number, [each + 1 for each in chosen])] = True
        split = [posterior[:, at, : own.shape[1]] for at, own in enumerate(likelihoods)]
        best = [each.argmax(axis=1) for each in split]
        wrong = [
            np.where(np.arange(own.shape[1]) == taken[:, None], 0.0, own).sum(axis=1)
            for own, taken in zip(split, best, strict=True)
        ]
        doubt = -10.0 * np.log10(np.clip(np.stack(wrong, axis=1), 1e-30, 1.0))
        return Judged(
            alternates, 10.0 * np.logaddexp(0.0, odds * np.log(10.0)) / np.log(10.0), odds, split, best,
            np.minimum(doubt, GENOTYPE_QUALITY_CAP), frequency, new,
        )  # fmt: skip

    def _filled(self, likelihoods: list[np.ndarray], alleles: int) -> np.ndarray:
        width = max(len(genotypes(ploidy, alleles)) for ploidy in self.ploidies)
        table = np.full((likelihoods[0].shape[0], len(likelihoods), width), NEVER)
        for at, own in enumerate(likelihoods):
            table[:, at, : own.shape[1]] = own
        return table

    def _weigh(
        self, table: np.ndarray, alleles: int, allowed: np.ndarray, rate: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """log10 P that it varies and that it does not, posteriors, frequencies and new mutations, block by block."""
        node, weight = quadrature(sum(self.ploidies))
        block = max(_MOST_CELLS // max(node.size * table.shape[1] * table.shape[2], 1), 1)
        parts = [
            self._block(table[at : at + block], alleles, allowed[at : at + block], rate[at : at + block], node, weight)
            for at in range(0, table.shape[0], block)
        ]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))  # type: ignore[return-value]

    def _block(
        self,
        table: np.ndarray,
        alleles: int,
        allowed: np.ndarray,
        rate: np.ndarray,
        node: np.ndarray,
        weight: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        copies, ways = genotype_table(self.ploidies, alleles)
        backend, f = self.backend, self.inbreeding
        frequency = allele_frequencies(table, copies, ways, allowed, f, backend=backend).frequency
        shares = np.where(allowed, frequency, 0.0)[:, 1:]
        total = shares.sum(axis=1, keepdims=True)
        equal = allowed[:, 1:] / np.maximum(allowed[:, 1:].sum(axis=1, keepdims=True), 1)
        shares = np.where(total > 1e-12, shares / np.maximum(total, 1e-12), equal)
        composition = np.concatenate([np.zeros((len(rate), 1)), shares], axis=1)
        related = {each for family in self.families for each in family.members}
        alone = [at for at in range(table.shape[1]) if at not in related]
        units, order = [], list(alone)
        owner = list(range(len(alone)))
        if alone:
            units.append(
                samples_given_frequency(
                    table[:, alone], copies[alone], ways[alone], composition, node, f, backend=backend
                )
            )
        new = np.full((len(rate), table.shape[1]), np.nan)
        for number, family in enumerate(self.families):
            given, members = self._family(family, table, copies, ways, composition, node)
            units.append(given)
            order += members
            owner += [len(alone) + number] * len(members)
        axes = (2, 2, 2, 1, 1, 1, 2)
        joined = [np.concatenate([each[at] for each in units], axis=axis) for at, axis in enumerate(axes)]
        joined[2], joined[4] = self._with_new(joined[2], joined[4], units)
        extra = [len(alone) + number for number, family in enumerate(self.families) for _ in family.children]
        found = integrate_frequency(*joined, np.array([*owner, *extra], np.int64), node, weight, rate, backend=backend)
        posterior = np.zeros_like(table)
        posterior[:, order] = found.posterior[:, : len(order)]
        children = [child for family in self.families for child in family.children]
        if children:
            new[:, children] = found.posterior[:, len(order) :, 1]
        return found.log10_varies, found.log10_silent, posterior, frequency, new

    def _family(
        self,
        family: Family,
        table: np.ndarray,
        copies: np.ndarray,
        ways: np.ndarray,
        composition: np.ndarray,
        node: np.ndarray,
    ) -> tuple[tuple[np.ndarray, ...], list[int]]:
        """A family's unit; a parent who was not sequenced is one whose reads say nothing."""
        alleles, width = copies.shape[2], copies.shape[1]
        ploidies = list(self.ploidies)
        usual = max(ploidies[each] for each in family.members)
        tables, own_copies, own_ways, known = [], [], [], []
        for parent in (family.father, family.mother):
            at = parent if parent is not None else ploidies.index(usual)
            known.append(ploidies[at])
            flat = np.where(np.arange(width) < len(genotypes(ploidies[at], alleles)), 0.0, NEVER)
            tables.append(table[:, at] if parent is not None else np.broadcast_to(flat, table[:, at].shape))
            own_copies.append(copies[at])
            own_ways.append(ways[at])
        any_way, kept = np.zeros((2, len(family.children), width, width, width))
        for number, child in enumerate(family.children):
            one = transmission(known[0], known[1], ploidies[child], alleles, self.de_novo_rate)
            f, m, c = one[0].shape
            any_way[number, :f, :m, :c], kept[number, :f, :m, :c] = one
            tables.append(table[:, child])
            own_copies.append(copies[child])
            own_ways.append(ways[child])
        found = family_given_frequency(
            np.stack(tables, axis=1), np.stack(own_copies), np.stack(own_ways), composition, node, any_way, kept,
            self.inbreeding, backend=self.backend,
        )  # fmt: skip
        present = [family.father is not None, family.mother is not None, *([True] * len(family.children))]
        parts = list(found)
        parts[2], parts[4] = found.marginal[:, :, present], found.plain_marginal[:, present]
        return tuple(parts), list(family.members)

    @staticmethod
    def _with_new(
        marginal: np.ndarray, plain: np.ndarray, units: list[tuple[np.ndarray, ...]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """New mutations stand as further samples, whose genotype 1 they are, so that they are integrated alike."""
        new = [each[7:9] for each in units if len(each) > 7]
        if not new:
            return marginal, plain
        given, alone = np.concatenate([each[0] for each in new], axis=2), np.concatenate([x[1] for x in new], axis=1)
        rows, more = np.zeros((*given.shape, marginal.shape[3])), np.zeros((*alone.shape, plain.shape[2]))
        rows[..., 1], more[..., 1] = given, alone
        return np.concatenate([marginal, rows], axis=2), np.concatenate([plain, more], axis=1)
