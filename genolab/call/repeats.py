"""Repeats: how likely a sequencer opens a gap in one, and how likely an indel of one is inherited."""

from __future__ import annotations

import numpy as np

LONGEST_UNIT = 4
_SEPARATOR = np.arange(200, 200 + LONGEST_UNIT, dtype=np.uint8)  # equal to no base and to no other within a unit


def repeats(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit and length, in bases, of the longest repeat that starts exactly at each position; 1 and 1 where none does.

    A run of one letter, or at least two units and a base of 2 to 4 letters.
    """
    n = codes.size
    at = np.arange(n)
    unit, length = np.ones(n, np.int64), np.ones(n, np.int64)
    for u in range(1, LONGEST_UNIT + 1):
        if n <= u:
            break
        same = np.zeros(n + 1, bool)
        same[u:n] = codes[u:] == codes[:-u]
        ends = np.minimum.accumulate(np.where(same, n, np.arange(n + 1))[::-1])[::-1]  # the first that differs
        found = ends[np.minimum(at + u, n)] - at
        goes_back = np.zeros(n, bool)
        goes_back[1 : n - u + 1] = codes[: n - u] == codes[u:]
        better = (found > length) & ~goes_back & ((u == 1) | (found >= 2 * u + 1)) & (at + u <= n)
        unit[better], length[better] = u, found[better]
    return unit, length


def gap_phred(unit: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Chance that a sequencer opens a gap in a repeat, phred: 45 outside of repeats, down to 10 in long ones.

    In a homopolymer 45 up to four bases, 3 less for each base up to eleven, then 1.5 less; in other repeats 45 at two
    units, 5 less a unit up to six, then 1.5 less. The slopes are those of Illumina reads of sites that do not vary.
    """
    homopolymer = unit == 1
    over = np.maximum(np.where(homopolymer, length - 4.0, length / unit - 2.0), 0.0)
    most = np.where(homopolymer, 7.0, 4.0)
    step = np.where(homopolymer, 3.0, 5.0)
    return np.maximum(45.0 - step * np.minimum(over, most) - 1.5 * np.maximum(over - most, 0.0), 10.0)


def gap_opening(sequences: list[np.ndarray]) -> np.ndarray:
    """The chance of a gap at each column of all sequences, one after the other.

    The rate of a repeat stands on its first column only: a gap in it is one event, wherever an aligner puts it.
    """
    joined = np.concatenate([part for sequence in sequences for part in (sequence, _SEPARATOR)])
    unit, length = repeats(joined)
    inside = joined < _SEPARATOR[0]
    return 10.0 ** (-gap_phred(unit[inside], length[inside]) / 10.0)


INDEL_RATE = 1.25e-4
"""Prior probability of a heterozygous indel outside of repeats: an eighth of the substitutions', as in humans."""

MOST_VARIABLE = 0.03
"""The highest prior that a repeat's length gives."""


def indel_prior(size: int, unit: int, length: int, tandem: bool) -> float:
    """Prior probability that a site carries an indel of this size.

    It grows by half with every further unit of the repeat that it lengthens or shortens, five times for a copy of a
    longer stretch beside it, and falls with the power -1.2 of the number of units.
    """
    whole = size % unit == 0 and length > 1
    units = size / unit if whole else size
    growth = 1.5 ** max(0.0, length - 4.0 if unit == 1 else length / unit - 2.0) if size % unit == 0 else 1.0
    copied = 5.0 if tandem and growth == 1.0 and size > 1 else 1.0
    return float(min(MOST_VARIABLE, INDEL_RATE * growth * copied) * units**-1.2)
