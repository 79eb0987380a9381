"""Many sequences aligned together: a tree says which first, profiles say how, and each join may be taken back once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from genolab.align.guide_tree import GuideTree, row_distances, upgma, word_distances
from genolab.align.multiple_alignment import MultipleAlignment
from genolab.align.profiles import align_profiles
from genolab.align.scoring import Scoring
from genolab.align.sequences import Sequences, SequencesLike, encode
from genolab.errors import InputError

_WHO = "multiple"
MOST_CELLS = 2**27
"""Cells of the largest join: a byte each."""

Progress = Callable[[float | None, str], None]


def multiple(
    sequences: SequencesLike,
    *,
    scoring: Scoring | None = None,
    names: tuple[str, ...] | list[str] | None = None,
    refinements: int = 2,
    weighted: bool = True,
    progress: Progress | None = None,
) -> MultipleAlignment:
    """Align many sequences from end to end, progressively, and refine the result.

    1. Distances of all pairs from the words they share (:func:`~genolab.align.guide_tree.word_distances`).
    2. A guide tree by UPGMA, and weights of the sequences from its branches.
    3. From the leaves up, every two groups are joined by the global alignment of their profiles
       (:func:`~genolab.align.profiles.align_profiles`); once a gap, always a gap.
    4. Distances again, now from the aligned rows (Kimura), a second tree, and the joins again.
    5. Each refinement cuts the tree at every branch, joins the two parts anew, and keeps what raises the sum of pairs.

    Parameters
    ----------
    sequences
        Two or more: texts, the path of a FASTA or FASTQ file, or arrays of codes.
    scoring
        As for :func:`genolab.align.align`, with one affine piece; by default for DNA.
    names
        In place of those in the file, or of numbers from 1.
    refinements
        Passes of step 5 at most, fewer once nothing improves; 0 for none.
    weighted
        Whether sequences are weighted, so that many alike count little more than one.
    progress
        Called with a share from 0 to 1 and a word for what is being done; it may raise to stop the work.

    Raises
    ------
    InputError, FileError
        If there are fewer than two sequences, one is empty or has an unknown letter, or they are too long.

    Notes
    -----
    The order of the sequences changes the order of the rows only. Two sequences come out as ``align`` has them, up to
    which of several equally good alignments. See Edgar 2004, doi:10.1093/nar/gkh340.
    """
    scoring = Scoring() if scoring is None else scoring
    if not isinstance(scoring, Scoring):
        raise InputError(_WHO, "scoring", "a Scoring", type(scoring).__name__)
    if scoring.second_gap is not None:
        raise InputError(_WHO, "scoring", "one with one affine piece", "a second gap piece", "Leave second_gap out.")
    if isinstance(refinements, bool) or not isinstance(refinements, int) or not 0 <= refinements <= 100:
        raise InputError(_WHO, "refinements", "a whole number from 0 to 100", repr(refinements))
    given = encode(_WHO, "sequences", sequences, scoring.alphabet)
    if len(given) < 2:
        raise InputError(_WHO, "sequences", "two or more", f"{len(given)}")
    if names is not None and len(names) != len(given):
        raise InputError(_WHO, "names", f"{len(given):,}, one a sequence", f"{len(names):,}")
    codes = [given.codes[at : at + length] for at, length in zip(given.start, given.length, strict=True)]
    longest = sorted(int(length) for length in given.length)[-2:]
    if 4 * (longest[0] + 1) * (longest[1] + 1) > MOST_CELLS:
        fix = "Align shorter pieces."
        raise InputError(_WHO, "sequences", "at most some 5,000 letters long", f"{longest[1]:,}", fix)
    # sorted, so that their order cannot matter
    order = sorted(range(len(codes)), key=lambda k: (codes[k].size, codes[k].tobytes()))
    work = _Work([codes[k] for k in order], scoring, weighted, progress or (lambda _share, _text: None))
    rows, tree, weights = work.run(refinements)
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    options = {"refinements": refinements, "weighted": weighted, "tree": "UPGMA"}
    return MultipleAlignment(
        names=tuple(_names(given) if names is None else names),
        rows=rows[back],
        scoring=scoring,
        tree=_renamed(tree, np.array(order)),
        weights=weights[back],
        options=options,
        path=given.path,
    )


class _Work:
    """One run: what does not change between its steps."""

    def __init__(self, codes: list[np.ndarray], scoring: Scoring, weighted: bool, progress: Progress) -> None:
        self.codes, self.scoring, self.weighted, self.progress = codes, scoring, weighted, progress
        self.gap = len(scoring.alphabet.letters)
        self.table = scoring.table.astype(np.float64)
        self.costs = float(scoring.gap_open), float(scoring.gap_extend)
        self.weights = np.ones(len(codes))

    def run(self, refinements: int) -> tuple[np.ndarray, GuideTree, np.ndarray]:
        """The rows, the tree that was used last, and the weights."""
        self.progress(0.0, "comparing words")
        tree = upgma(word_distances(self.codes, self.scoring.alphabet))
        rows = self.joined(tree, 0.0, 0.4)
        if len(self.codes) > 2:
            again = upgma(row_distances(rows, self.gap))
            second = self.joined(again, 0.4, 0.7)
            if self.worth(second) >= self.worth(rows):
                rows, tree = second, again
            else:  # the weights go with the tree
                self.weights = self._weights(tree)
        for turn in range(refinements if len(self.codes) > 2 else 0):
            before = self.worth(rows)
            rows = self.refined(rows, tree, 0.7 + 0.3 * turn / refinements, 0.3 / refinements)
            if self.worth(rows) <= before:
                break
        self.progress(1.0, "done")
        return rows, tree, self.weights

    def joined(self, tree: GuideTree, begin: float, end: float) -> np.ndarray:
        """Join from the leaves up."""
        self.weights = self._weights(tree)
        groups: dict[int, tuple[np.ndarray, np.ndarray]] = {
            leaf: (np.array([leaf]), sequence[None, :]) for leaf, sequence in enumerate(self.codes)
        }
        for k, children in enumerate(tree.joins.tolist()):
            self.progress(begin + (end - begin) * k / len(tree.joins), "joining groups")
            (one, ours), (other, theirs) = (groups.pop(child) for child in children)
            groups[tree.leaves + k] = np.concatenate([one, other]), self.join(one, ours, other, theirs)
        ((members, rows),) = groups.values()
        return rows[np.argsort(members)]

    def join(self, one: np.ndarray, ours: np.ndarray, other: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """Two groups of rows as one: gaps are put into whole groups only."""
        first, first_starts = self.profile(one, ours)
        second, second_starts = self.profile(other, theirs)
        moves = align_profiles(first, second, first_starts, second_starts, self.table, *self.costs).moves
        moves = moves[moves > 0][::-1]
        merged = np.full((len(ours) + len(theirs), moves.size), self.gap, np.uint8)
        merged[: len(ours), moves != 2] = ours
        merged[len(ours) :, moves != 3] = theirs
        return merged

    def profile(self, members: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weighted share of each letter in each column, and of the sequences in which a gap begins there."""
        weights = self.weights[members] / self.weights[members].sum()
        counts = np.zeros((rows.shape[1], self.gap + 1))
        for weight, row in zip(weights, rows, strict=True):
            counts[np.arange(row.size), row] += weight
        gaps = rows == self.gap
        begins = gaps & ~np.pad(gaps, ((0, 0), (1, 0)))[:, :-1]
        return np.ascontiguousarray(np.minimum(counts[:, : self.gap], 1.0)), np.minimum(weights @ begins, 1.0)

    def worth(self, rows: np.ndarray, cut: np.ndarray | None = None) -> float:
        """The weighted sum of pairs: of all, or of those that a cut into two groups parts."""
        from genolab.align.loops.profiles import sum_of_pairs

        pairs = np.array(list(combinations(range(len(rows)), 2)), np.int64).reshape(-1, 2)
        if cut is not None:
            pairs = pairs[cut[pairs[:, 0]] != cut[pairs[:, 1]]]
        table, firsts, seconds = self.scoring.table, pairs[:, 0].copy(), pairs[:, 1].copy()
        costs = self.scoring.gap_open, self.scoring.gap_extend
        return float(sum_of_pairs(rows, table, *costs, firsts, seconds, self.weights))

    def refined(self, rows: np.ndarray, tree: GuideTree, begin: float, span: float) -> np.ndarray:
        """Cut at every branch but one of the root's two, and join anew what is worth it."""
        branches = [int(child) for children in tree.joins for child in children][:-1]
        for number, branch in enumerate(branches):
            self.progress(begin + span * number / len(branches), "refining")
            cut = np.zeros(len(rows), bool)
            cut[tree.members(branch)] = True
            one, other = np.flatnonzero(cut), np.flatnonzero(~cut)
            merged = self.join(one, _without_empty(rows[one], self.gap), other, _without_empty(rows[other], self.gap))
            anew = np.empty_like(merged)
            anew[np.concatenate([one, other])] = merged
            if self.worth(anew, cut) > self.worth(rows, cut):
                rows = anew
        return rows

    def _weights(self, tree: GuideTree) -> np.ndarray:
        return tree.weights if self.weighted else np.ones(tree.leaves)


def _without_empty(rows: np.ndarray, gap: int) -> np.ndarray:
    return rows[:, (rows < gap).any(axis=0)]


def _names(given: Sequences) -> list[str]:
    if given.given_names is not None:
        return list(given.given_names)
    return [f"sequence_{number}" for number in range(1, len(given) + 1)]


def _renamed(tree: GuideTree, order: np.ndarray) -> GuideTree:
    """The tree with its leaves numbered as the sequences were given."""
    joins = np.where(tree.joins < tree.leaves, order[np.minimum(tree.joins, tree.leaves - 1)], tree.joins)
    return GuideTree(tree.leaves, joins, tree.heights)
