"""The order in which sequences are joined: distances from words, a tree from distances, weights from the tree."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from genolab.align.scoring import Alphabet

PROTEIN_GROUPS = ("AGPST", "C", "DENQBZ", "FWY", "HKR", "ILMV")
"""Dayhoff's six classes: words of them are shared by sequences whose letters differ."""

WORDS = {"DNA": 6, "protein": 4}
"""Letters of a word."""


@dataclass(frozen=True)
class GuideTree:
    """A rooted tree over ``leaves`` sequences: join ``k`` makes node ``leaves + k`` of the nodes ``joins[k]``.

    ``heights`` are of the nodes, leaves at 0.
    """

    leaves: int
    joins: np.ndarray = field(repr=False)
    heights: np.ndarray = field(repr=False)

    def members(self, node: int) -> np.ndarray:
        """The leaves below a node."""
        if node < self.leaves:
            return np.array([node])
        return np.concatenate([self.members(int(child)) for child in self.joins[node - self.leaves]])

    @property
    def weights(self) -> np.ndarray:
        """A weight for each sequence, 1 in the mean: each branch is shared by the sequences below it.

        So many copies of one sequence count as little more than one. See Thompson et al. 1994,
        doi:10.1093/nar/22.22.4673.
        """
        found = np.zeros(self.leaves)
        for k, children in enumerate(self.joins):
            for child in children.tolist():
                below = self.members(int(child))
                found[below] += (self.heights[self.leaves + k] - self.heights[child]) / below.size
        total = found.sum()
        # no sequence is silenced: identical ones would have branches of no length
        return np.ones(self.leaves) if total <= 0 else np.maximum(found * self.leaves / total, 0.05)


def word_distances(sequences: list[np.ndarray], alphabet: Alphabet) -> np.ndarray:
    r"""How different every two sequences are, from 0 to 1, by the words they share; no alignment is needed.

    :math:`d = 1 - \sum_w \min(n_w, n'_w) / (\min(L, L') - k + 1)` over words :math:`w` of :math:`k` letters: 6 bases,
    or 4 of Dayhoff's classes of amino acids. Shorter sequences take shorter words. See Edgar 2004,
    doi:10.1093/nar/gkh340.
    """
    classes = _classes(alphabet)
    kinds = int(classes.max()) + 1
    shortest = min(sequence.size for sequence in sequences)
    k = max(1, min(WORDS.get(alphabet.name, 4), shortest, int(np.log(2**14) / np.log(max(kinds, 2)))))
    counts = np.stack([_words(classes[sequence], k, kinds) for sequence in sequences])
    found = np.zeros((len(sequences), len(sequences)))
    for a in range(len(sequences) - 1):
        shared = np.minimum(counts[a], counts[a + 1 :]).sum(axis=1)
        most = np.minimum(counts[a].sum(), counts[a + 1 :].sum(axis=1))
        found[a, a + 1 :] = 1 - shared / np.maximum(most, 1)
    return found + found.T


def row_distances(rows: np.ndarray, gap: int) -> np.ndarray:
    r"""How different every two rows of an alignment are: Kimura's correction of the share of unequal letters.

    :math:`d = -\ln(1 - p - p^2/5)` of the columns where both have a letter; 5 where that is not defined or none is.
    """
    count = len(rows)
    found = np.zeros((count, count))
    for a in range(count - 1):
        both = (rows[a] < gap) & (rows[a + 1 :] < gap)
        different = (both & (rows[a] != rows[a + 1 :])).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
        inside = 1 - different - different**2 / 5
        distance = np.where((inside > 0.0068) & both.any(axis=1), -np.log(np.maximum(inside, 0.0068)), 5.0)
        found[a, a + 1 :] = distance
    return found + found.T


def upgma(distances: np.ndarray) -> GuideTree:
    """Join the two closest groups, by the mean distance of their members, until one is left (UPGMA)."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    count = len(distances)
    joined = linkage(squareform(distances, checks=False), method="average") if count > 1 else np.zeros((0, 4))
    return GuideTree(count, joined[:, :2].astype(np.int64), np.concatenate([np.zeros(count), joined[:, 2] / 2]))


def _classes(alphabet: Alphabet) -> np.ndarray:
    """The class of every code, from 0 on; letters that stand for several are in a class of their own, the last."""
    letters = alphabet.letters
    groups = (
        PROTEIN_GROUPS if alphabet.name == "protein" else tuple("ACGT") if alphabet.name == "DNA" else tuple(letters)
    )
    known = {letter: number for number, group in enumerate(groups) for letter in group}
    return np.array([known.get(letter, len(groups)) for letter in letters])


def _words(classes: np.ndarray, k: int, kinds: int) -> np.ndarray:
    number = np.zeros(max(classes.size - k + 1, 0), np.int64)
    for place in range(k):
        number = number * kinds + classes[place : place + number.size]
    return np.bincount(number, minlength=kinds**k).astype(np.int32)
