"""Simulated pairs of sequences with the alignment that made them, drawn from a model whose costs are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from genolab.errors import InputError

LETTERS = "ACGT"


@dataclass(frozen=True, eq=False)
class SimulatedAlignments:
    """Pairs and their true global alignments.

    Given the two sequences, an alignment is as likely as ``exp(score)``, with ``scores[base, base]`` for paired bases
    and ``gap_open + k * gap_extend`` for a gap of ``k``: the costs at temperature 1.

    Attributes
    ----------
    queries, targets, cigars
        Text; ``=`` equal, ``X`` different, ``I`` query alone, ``D`` target alone.
    scores, gap_open, gap_extend
        The truth.
    """

    queries: list[str] = field(repr=False)
    targets: list[str] = field(repr=False)
    cigars: list[str] = field(repr=False)
    scores: np.ndarray = field(repr=False)
    gap_open: float
    gap_extend: float

    def __len__(self) -> int:
        return len(self.cigars)


def simulate_alignments(
    count: int = 200,
    *,
    length: float = 100,
    identity: float = 0.85,
    transitions: float = 0.5,
    gap: float = 0.02,
    gap_extension: float = 0.4,
    seed: int = 0,
) -> SimulatedAlignments:
    r"""Draw pairs from a pair hidden Markov model with affine gaps.

    Between pairs of bases, and at both ends, stand letters of the query alone with probability :math:`g`, then, with
    the same probability, letters of the target alone, each time :math:`k` with :math:`P(k) = (1 - e) e^{k-1}`. Then

    .. math:: s_{ab} = \log \frac{p_{ab}}{f_a f_b} + \log (1 - t)(1 - g)^2, \qquad
              o = -\log \frac{g (1 - e)}{(1 - g) e}, \qquad x = -\log e

    with :math:`f = 1/4` and :math:`t` the chance to end. See Durbin, Eddy, Krogh and Mitchison 1998, Biological
    Sequence Analysis, section 4.1.

    Parameters
    ----------
    count, length
        Pairs of sequences, and the mean number of pairs of bases in each.
    identity
        Share of pairs that are equal.
    transitions
        Share of the unequal pairs that are A with G or C with T; a third where all are alike.
    gap, gap_extension
        :math:`g` and :math:`e`.
    seed
        The same seed gives the same pairs.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, or a number not positive.
    """
    for name, share in (
        ("identity", identity), ("transitions", transitions), ("gap", gap), ("gap_extension", gap_extension)
    ):  # fmt: skip
        if not 0 < share < 1:
            raise InputError("simulate_alignments", name, "between 0 and 1", f"{share:g}")
    if count < 1 or length < 1:
        raise InputError("simulate_alignments", "count and length", "1 or more", f"{count} and {length:g}")
    rng = np.random.default_rng(seed)
    end = 1 / (length + 1)
    partner = np.array([[0, 2, 1, 3], [1, 3, 0, 2], [2, 0, 1, 3], [3, 1, 0, 2]])  # itself, its transition, the others
    kinds = np.array([identity, (1 - identity) * transitions, *2 * [(1 - identity) * (1 - transitions) / 2]])
    joint = np.zeros((4, 4))
    for base in range(4):
        joint[base, partner[base]] = kinds / 4
    queries, targets, cigars = [], [], []
    for _ in range(count):
        ours, theirs, operations = [], [], []
        for pair in range(int(rng.geometric(end))):
            if pair:
                base = int(rng.integers(4))
                other = int(partner[base, rng.choice(4, p=kinds)])
                ours.append(base)
                theirs.append(other)
                operations.append("=" if base == other else "X")
            for side, operation in ((ours, "I"), (theirs, "D")):
                if rng.random() < gap:
                    alone = rng.integers(0, 4, rng.geometric(1 - gap_extension))
                    side.extend(alone.tolist())
                    operations.append(operation * alone.size)
        if not ours or not theirs:  # a pair of which one is empty tells nothing
            ours, theirs, operations = [0], [0], ["="]
        queries.append("".join(LETTERS[base] for base in ours))
        targets.append("".join(LETTERS[base] for base in theirs))
        cigars.append("".join(f"{len(list(run))}{each}" for each, run in groupby("".join(operations))))
    scores = np.log(joint * 16) + np.log((1 - end) * (1 - gap) ** 2)
    opening = -np.log(gap * (1 - gap_extension) / ((1 - gap) * gap_extension))
    return SimulatedAlignments(queries, targets, cigars, scores, float(opening), float(-np.log(gap_extension)))
