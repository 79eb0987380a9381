"""Align pairs of sequences: from text, files or codes to scores and alignments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from genolab.align import threads as threading
from genolab.align.alignments import Alignments
from genolab.align.pairwise import UNLIMITED, pairwise_scores, static_lengths
from genolab.align.scoring import Scoring
from genolab.align.sequences import Sequences, SequencesLike, encode, pair_up
from genolab.errors import InputError
from genolab.kernel.choice import backend_in_force

END_NAMES = ("query_start", "query_end", "target_start", "target_end")

MODES = {
    # the four free ends, starting anywhere, ending anywhere
    "global": (False, False, False, False, False, False),
    "semiglobal": (False, False, True, True, False, False),
    "overlap": (True, True, True, True, False, False),
    "local": (True, True, True, True, True, True),
    "extension": (False, False, False, False, False, True),
}
"""What costs nothing in each mode: unpaired letters at the four ends; starting anywhere; ending anywhere."""

_WHO = "align"


def align(
    queries: SequencesLike,
    targets: SequencesLike | None = None,
    *,
    mode: str = "global",
    scoring: Scoring | None = None,
    traceback: bool = False,
    cigar: str = "=X",
    pairing: str = "pairs",
    free_ends: Collection[str] | None = None,
    band: int | None = None,
    x_drop: int | None = None,
    allow_empty: bool = False,
    threads: int | None = None,
) -> Alignments:
    """Align pairs of sequences and return their scores and, with ``traceback``, where and how they align.

    Parameters
    ----------
    queries, targets
        One sequence or many: text, the path of a FASTA or FASTQ file, or arrays of codes. Without targets, every two
        different queries are aligned.
    mode
        ``"global"``: both from end to end. ``"semiglobal"``: the whole query somewhere in the target. ``"overlap"``:
        free at all four ends. ``"local"``: the best stretch of each. ``"extension"``: from the first letters as far as
        it pays.
    scoring
        What letters and gaps are worth; by default :class:`Scoring`'s own, for DNA.
    cigar
        ``"=X"`` tells equal letters from others, ``"M"`` does not. ``I`` is a letter of the query alone, ``D`` of the
        target alone.
    pairing
        ``"pairs"``: first with first, or one with each of many; ``"all"``: every query with every target.
    free_ends
        In place of a mode's: names among ``query_start``, ``query_end``, ``target_start`` and ``target_end``.
    band
        Look only at diagonals between the corners' and this many beyond; the score is then the best within the band.
    x_drop
        In mode ``extension``: stop where the score has fallen this far below the best so far.
    allow_empty
        Accept sequences without letters.
    threads
        At most so many; by default one a processor. The results do not depend on it.

    Raises
    ------
    InputError, FileError
        If an input, an option or their combination is not as described above.

    Notes
    -----
    Among equally good alignments: the end is the first in the target, then in the query; walking back from there, a
    pair goes before a gap, a gap in the query (``D``) before one in the target (``I``), and an alignment starts as
    soon as it may.
    """
    scoring = Scoring() if scoring is None else scoring
    if not isinstance(scoring, Scoring):
        raise InputError(_WHO, "scoring", "a Scoring", type(scoring).__name__)
    if cigar not in ("=X", "M"):
        raise InputError(_WHO, "cigar", "'=X' or 'M'", repr(cigar))
    ends = ends_of(mode, free_ends)
    limits = _limit("band", band), _limit("x_drop", x_drop)
    if x_drop is not None and mode != "extension":
        raise InputError(_WHO, "x_drop", "given with mode='extension' only", f"mode {mode!r}")
    ours = encode(_WHO, "queries", queries, scoring.alphabet, allow_empty)
    theirs = None if targets is None else encode(_WHO, "targets", targets, scoring.alphabet, allow_empty)
    first, second = pair_up(_WHO, ours, theirs, pairing)
    theirs = theirs or ours
    _check_size(ours, theirs, scoring)
    arrays = (
        ours.codes, ours.start[first], ours.length[first], theirs.codes, theirs.start[second], theirs.length[second],
        scoring.table, np.array(scoring.gaps, np.int32), ends, *limits,
    )  # fmt: skip
    options: dict[str, Any] = {"mode": mode, "free_ends": ends, "band": band, "x_drop": x_drop}
    options |= {"traceback": traceback} | ({"cigar": cigar} if traceback else {})
    with threading.using(threads, _WHO):
        if not traceback:
            backend = backend_in_force(None, pairwise_scores.backend)
            scores = pairwise_scores.with_static(**static_lengths(arrays[2], arrays[5]))(*arrays).score
            return Alignments(ours, theirs, first, second, scores, scoring, options, backend=backend)
        from genolab.align.first import trace
        from genolab.align.loops.pairs import work_of

        paths = trace(work_of(*arrays), cigar == "=X", scoring)
    return Alignments(
        ours, theirs, first, second, paths.score.astype(np.int32), scoring, options, paths.cigars, paths.query_start,
        paths.query_end, paths.target_start, paths.target_end, paths.matches, paths.columns,
    )  # fmt: skip


def ends_of(mode: str, free_ends: Collection[str] | None) -> np.ndarray:
    """What costs nothing, as the kernels take it: a mode's, or the ends that are named."""
    if mode not in MODES:
        raise InputError(_WHO, "mode", f"one of {', '.join(MODES)}", repr(mode))
    if free_ends is None:
        return np.array(MODES[mode])
    unknown = sorted({free_ends} if isinstance(free_ends, str) else set(free_ends) - set(END_NAMES))
    if unknown:
        raise InputError(_WHO, "free_ends", f"names among {', '.join(END_NAMES)}", repr(unknown[0]))
    if mode in ("local", "extension"):
        raise InputError(_WHO, "free_ends", f"left out with mode={mode!r}, which says where it ends", repr(free_ends))
    return np.array([name in free_ends for name in END_NAMES] + [False, False])


def _limit(name: str, value: int | None) -> int:
    if value is None:
        return UNLIMITED
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < UNLIMITED:
        raise InputError(_WHO, name, "a whole number, 0 or more", repr(value))
    return value


def _check_size(queries: Sequences, targets: Sequences, scoring: Scoring) -> None:
    """Scores must stay within 32 bits, whatever is aligned with what."""
    letters = int(queries.length.max()) + int(targets.length.max()) + 2
    worth = max(int(np.abs(scoring.table).max()), scoring.gap_extend, scoring.gaps[3])
    if letters * worth + 3 * max(scoring.gaps) >= UNLIMITED // 2:
        fix = "Align shorter pieces or take smaller scores."
        raise InputError(_WHO, "queries", "short enough for scores of 32 bits", f"{letters:,} letters in a pair", fix)
