"""Soft alignment of pairs: from text, files or codes to scores, posteriors and expected counts."""

from __future__ import annotations

import numpy as np

from genolab.align import threads as threading
from genolab.align.scoring import Scoring
from genolab.align.sequences import SequencesLike, encode, pair_up
from genolab.align.soft import soft_scores
from genolab.align.soft_alignments import SoftAlignments, kernel_inputs
from genolab.align.soft_scoring import SoftScoring
from genolab.errors import InputError

MODES = ("global", "local")
COLDEST, HOTTEST = 1e-4, 1e6

_WHO = "soft_align"


def soft_align(
    queries: SequencesLike,
    targets: SequencesLike | None = None,
    *,
    scoring: Scoring | SoftScoring | None = None,
    temperature: float = 1.0,
    mode: str = "global",
    pairing: str = "pairs",
    allow_empty: bool = False,
    threads: int | None = None,
) -> SoftAlignments:
    r"""Align pairs of sequences in all ways at once, each weighed by its score.

    .. math:: F = T \log \sum_a e^{S(a) / T}

    and the share of an alignment is its weight divided by the sum. ``result.posterior(k)`` has the share of every cell
    of pair ``k``; the other expectations are gradients of :math:`F` (see :data:`genolab.align.soft.soft_scores`).

    Parameters
    ----------
    queries, targets, pairing, allow_empty, threads
        As for :func:`genolab.align.align`.
    scoring
        A :class:`Scoring` with one affine gap cost, or a :class:`SoftScoring`, whose numbers need not be whole.
    temperature
        In units of score, above 0: an alignment that is worth this much more is e times as likely. Near 0 only the best
        count, and :math:`F` is their score: with whole scores and below 0.02, to 10 digits and more.
    mode
        ``"global"``: both from end to end. ``"local"``: any stretch of each, from pair to pair; none scores 0.

    Raises
    ------
    InputError, FileError
        If an input or an option is not as described above.
    """
    costs = SoftScoring.of(scoring, _WHO)
    if mode not in MODES:
        raise InputError(_WHO, "mode", f"one of {', '.join(MODES)}", repr(mode))
    if isinstance(temperature, bool) or not isinstance(temperature, int | float | np.number):
        raise InputError(_WHO, "temperature", "a number above 0", repr(temperature))
    if not COLDEST <= temperature <= HOTTEST:
        fix = "At 0.01 whole-number scores already give the limit; align() gives one best alignment."
        raise InputError(_WHO, "temperature", f"from {COLDEST:g} to {HOTTEST:g}", f"{temperature:g}", fix)
    ours = encode(_WHO, "queries", queries, costs.alphabet, allow_empty)
    theirs = None if targets is None else encode(_WHO, "targets", targets, costs.alphabet, allow_empty)
    first, second = pair_up(_WHO, ours, theirs, pairing)
    blank = np.zeros(first.size)
    result = SoftAlignments(ours, theirs or ours, first, second, blank, costs, float(temperature), mode)
    with threading.using(threads, _WHO):
        scores = soft_scores(*kernel_inputs(result)).score
    return SoftAlignments(ours, theirs or ours, first, second, scores, costs, float(temperature), mode)
