"""Learn scores and gap costs from true alignments, downhill along the gradient of their likelihood."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab import __version__
from genolab.align import threads as threading
from genolab.align.alignments import Alignments, source_of
from genolab.align.scoring import Scoring
from genolab.align.sequences import Sequences, SequencesLike, encode, pair_up
from genolab.align.soft import soft_expectations, soft_scores
from genolab.align.soft_scoring import SoftScoring
from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SHAPES = ("match", "symmetric", "full")
_WHO = "learn_scoring"
_RUN = re.compile(r"(\d+)([MIDX=])")


@dataclass(frozen=True)
class LearningStep:
    """One step: its number, 0 at the start; how many there may be; the loss, in nats a pair; the scoring so far."""

    step: int
    steps: int
    loss: float
    scoring: SoftScoring = field(repr=False)


@dataclass(frozen=True, eq=False)
class LearnedScoring:
    """What was learned, and how.

    Attributes
    ----------
    scoring
        The learned scores and costs, at temperature 1.
    losses
        ``[step]``, from the start on: minus the mean log likelihood of a true alignment, in nats, with the prior.
    gap_opens, gap_extends
        ``[step]``: the costs on the way.
    stopped
        ``"converged"`` or ``"steps"``: why it ended.
    """

    scoring: SoftScoring
    losses: np.ndarray = field(repr=False)
    gap_opens: np.ndarray = field(repr=False)
    gap_extends: np.ndarray = field(repr=False)
    stopped: str
    provenance: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        costs = f"gap_open {self.scoring.gap_open:.3f}, gap_extend {self.scoring.gap_extend:.3f}"
        ways = f"{len(self.losses) - 1} steps, {'converged' if self.stopped == 'converged' else 'not converged'}"
        return f"<LearnedScoring: {costs}, loss {self.losses[0]:.3f} to {self.losses[-1]:.3f}, {ways}>"

    def to_frame(self) -> pd.DataFrame:
        """One row a step."""
        import pandas as pd

        columns = {"loss": self.losses, "gap_open": self.gap_opens, "gap_extend": self.gap_extends}
        return pd.DataFrame(columns).rename_axis("step")


def learn_scoring(
    queries: SequencesLike,
    targets: SequencesLike | None = None,
    alignments: Alignments | Sequence[str] | None = None,
    *,
    start: Scoring | SoftScoring | None = None,
    shape: str = "match",
    mode: str = "global",
    prior: float = 0.01,
    steps: int = 100,
    tolerance: float = 1e-8,
    callback: Callable[[LearningStep], Any] | None = None,
    threads: int | None = None,
) -> LearnedScoring:
    r"""Find the scores and costs under which given alignments are most likely, downhill along the gradient (L-BFGS).

    .. math:: L = -\frac{1}{N} \sum_k \bigl( S(a_k) - F_k \bigr)
                  + \frac{\lambda}{2N} \Bigl( \sum_{ab} (s_{ab} - s^0_{ab})^2 + (o - o^0)^2 + (x - x^0)^2 \Bigr)

    with :math:`S(a_k)` the score of the true alignment of pair :math:`k` and :math:`F_k` the soft score of all its
    alignments at temperature 1 (:data:`~genolab.align.soft.soft_scores`). The gradient is what is expected minus what
    is seen, and the loss is convex, so there is one best answer, wherever it starts. Nothing is drawn at random.

    **What can be known.** Scores are known up to the temperature; they are given at temperature 1, where the share of
    an alignment is ``exp(score)``, and are not comparable with tables in other units but for a factor. In global mode
    adding ``2c`` to every score and taking ``c`` from ``gap_extend`` changes no alignment's share, because every letter
    is paired or in a gap: only ``score + 2 * gap_extend`` is known, and the prior leaves the rest where the start has
    it. Scores of letters that do not occur stay what they were.

    Parameters
    ----------
    queries, targets
        As for :func:`genolab.align.align`, in pairs; left out where ``alignments`` has them.
    alignments
        The truth: :class:`Alignments` with CIGARs, or CIGARs of whole sequences, one a pair.
    start
        Where to begin, and what the prior draws to; by default :class:`Scoring`'s own.
    shape
        What is learned beside the gap costs. ``"match"``: one score of equal and one of unequal letters;
        ``"symmetric"``: one of each two letters; ``"full"``: one of each query letter with each target letter.
    mode
        ``"global"``, or ``"local"`` where the alignments are local ones.
    prior
        :math:`\lambda`: one over the variance that each number has about the start before anything is seen.
    steps, tolerance
        At most so many steps; stop where one lowers the loss by less than that share of it.
    callback
        Called with each :class:`LearningStep`; what it raises ends the learning.

    Raises
    ------
    InputError, FileError
        If an input or an option is not as described above, or a CIGAR does not fit its sequences.
    """
    for name, value, low in (("steps", steps, 1), ("prior", prior, 0), ("tolerance", tolerance, 0)):
        if not isinstance(value, int | float) or not low <= value < np.inf:
            raise InputError(_WHO, name, f"{low:g} or more", repr(value))
    for name, word, known in (("shape", shape, SHAPES), ("mode", mode, ("global", "local"))):
        if word not in known:
            raise InputError(_WHO, name, f"one of {', '.join(known)}", repr(word))
    origin = SoftScoring.of(start, _WHO)
    truth = _truth(queries, targets, alignments, origin, mode)
    parameters = _parameters(shape, origin, truth.pairs)
    function = _loss_and_gradient(truth, origin, parameters, prior, mode)
    begin = np.concatenate([parameters.first, [origin.gap_open, origin.gap_extend]])
    track: list[tuple[float, float, float]] = []

    def step(intermediate_result: Any) -> None:  # the name tells the optimiser what to hand over
        vector, loss = intermediate_result.x, float(intermediate_result.fun)
        track.append((loss, *vector[-2:].tolist()))
        if callback is not None:
            callback(LearningStep(len(track) - 1, int(steps), loss, parameters.scoring(origin, vector)))

    from scipy.optimize import OptimizeResult, minimize

    with threading.using(threads, _WHO):
        step(OptimizeResult(x=begin, fun=function(begin)[0]))
        found = minimize(
            function, begin, jac=True, method="L-BFGS-B", callback=step,
            bounds=[(None, None)] * (begin.size - 2) + [(0, None)] * 2,  # costs, not rewards
            options={"maxiter": int(steps), "ftol": tolerance, "gtol": 1e-9},
        )  # fmt: skip
    losses, opens, extends = np.array(track).T
    provenance = {
        "genolab": __version__, "queries": source_of(truth.queries), "targets": source_of(truth.targets),
        "start": origin.to_dict(), "shape": shape, "mode": mode, "prior": prior, "steps": steps, "tolerance": tolerance,
        "kernels": [{"name": each.name} for each in (soft_scores, soft_expectations)],
    }  # fmt: skip
    learned = parameters.scoring(origin, found.x)
    return LearnedScoring(learned, losses, opens, extends, "converged" if found.success else "steps", provenance)


@dataclass(frozen=True, eq=False)
class _Truth:
    """Pairs, and what their true alignments hold together."""

    queries: Sequences
    targets: Sequences
    first: np.ndarray
    second: np.ndarray
    pairs: np.ndarray
    gaps: int
    letters: int

    def __len__(self) -> int:
        return self.first.size


def _truth(
    queries: SequencesLike,
    targets: SequencesLike | None,
    alignments: Alignments | Sequence[str] | None,
    origin: SoftScoring,
    mode: str,
) -> _Truth:
    if isinstance(queries, Alignments) and alignments is None:
        alignments = queries
    if isinstance(alignments, Alignments):
        given = alignments
        if given.cigars is None:
            raise InputError(_WHO, "alignments", "with CIGARs", "scores only", "align(..., traceback=True)")
        if given.scoring.alphabet != origin.alphabet:
            raise InputError(
                _WHO, "start", f"of the alphabet {given.scoring.alphabet.letters}", origin.alphabet.letters
            )
        if (given.options["mode"] == "local") != (mode == "local"):
            raise InputError(_WHO, "mode", "that of the alignments", f"{mode!r} for {given.options['mode']!r}")
        ours, theirs, first, second = given.queries, given.targets, given.query_number, given.target_number
        cigars, starts = given.cigars, (np.asarray(given.query_start), np.asarray(given.target_start))
    else:
        if alignments is None or isinstance(alignments, str):
            raise InputError(_WHO, "alignments", "Alignments or a list of CIGARs", type(alignments).__name__)
        if mode == "local":
            raise InputError(_WHO, "alignments", "Alignments, which know where they start", "CIGARs for mode 'local'")
        if targets is None:
            raise InputError(_WHO, "targets", "given with CIGARs", "nothing")
        ours = encode(_WHO, "queries", queries, origin.alphabet)
        theirs = encode(_WHO, "targets", targets, origin.alphabet)
        first, second = pair_up(_WHO, ours, theirs, "pairs")
        cigars, starts = list(alignments), (np.zeros(first.size, np.int64), np.zeros(first.size, np.int64))
        if len(cigars) != first.size:
            raise InputError(_WHO, "alignments", f"one a pair, {first.size:,}", f"{len(cigars):,}")
    size = len(origin.alphabet.letters)
    pairs, gaps, letters = np.zeros((size, size)), 0, 0
    for k, cigar in enumerate(cigars):
        i, j = int(ours.start[first[k]] + starts[0][k]), int(theirs.start[second[k]] + starts[1][k])
        ends = ours.start[first[k]] + ours.length[first[k]], theirs.start[second[k]] + theirs.length[second[k]]
        block = set[str]()  # letters alone between two pairs make one gap a sequence, in whatever order they stand
        for text, operation in _runs(cigar, k):
            count = int(text)
            if operation in "ID":
                gaps += operation not in block
                block.add(operation)
                letters += count
            else:
                block.clear()
                if max(i + count - ends[0], j + count - ends[1]) <= 0:
                    np.add.at(pairs, (ours.codes[i : i + count], theirs.codes[j : j + count]), 1)
            i, j = i + count * (operation != "D"), j + count * (operation != "I")
        if i > ends[0] or j > ends[1] or (mode == "global" and (i, j) != ends):
            found = f"a CIGAR of {i - ends[0]:+,} query and {j - ends[1]:+,} target letters"
            raise InputError(_WHO, f"alignments[{k}]", "as long as its sequences", found)
    return _Truth(ours, theirs, first, second, pairs, gaps, letters)


def _runs(cigar: str, number: int) -> list[tuple[str, str]]:
    runs = _RUN.findall(cigar)
    if not isinstance(cigar, str) or "".join(length + operation for length, operation in runs) != cigar:
        raise InputError(_WHO, f"alignments[{number}]", "a CIGAR of M, =, X, I and D", repr(cigar))
    return runs


@dataclass(frozen=True, eq=False)
class _Parameters:
    """Which number of the vector each score is; those that are not learned, -1, keep the start's value."""

    place: np.ndarray
    first: np.ndarray

    def scoring(self, origin: SoftScoring, vector: np.ndarray) -> SoftScoring:
        table = np.where(self.place >= 0, vector[self.place], origin.table)
        return SoftScoring(origin.alphabet, table, float(vector[-2]), float(vector[-1]))


def _parameters(shape: str, origin: SoftScoring, seen: np.ndarray) -> _Parameters:
    """The score of letters that occur; of the start, where several share a number, the mean."""
    used = np.flatnonzero(seen.sum(axis=0) + seen.sum(axis=1))
    if not used.size:
        raise InputError(_WHO, "alignments", "some that pair letters", "gaps alone")
    place = np.full(seen.shape, -1)
    a, b = used[:, None], used[None, :]
    if shape == "match":
        place[a, b] = np.where(a == b, 0, 1)
    else:
        low, high = (np.minimum(a, b), np.maximum(a, b)) if shape == "symmetric" else (a, b)
        _, number = np.unique((low * seen.shape[0] + high).ravel(), return_inverse=True)
        place[a, b] = number.reshape(used.size, used.size)
    first = np.array([origin.table[place == k].mean() for k in range(place.max() + 1)])
    return _Parameters(place, first)


def _loss_and_gradient(
    truth: _Truth, origin: SoftScoring, parameters: _Parameters, prior: float, mode: str
) -> Callable[[np.ndarray], tuple[Any, Any]]:
    """The loss and its gradient, as a compiled function of the numbers that are learned."""
    from genolab.kernel.backends import compiling_for, mode_of

    vector = pt.dvector("scores_and_costs")
    place = parameters.place
    table = pt.switch(place >= 0, vector[np.maximum(place, 0)], origin.table)
    opening, extend = vector[-2], vector[-1]
    ours, theirs, first, second = truth.queries, truth.targets, truth.first, truth.second
    soft = soft_scores.expr(
        ours.codes, ours.start[first], ours.length[first], theirs.codes, theirs.start[second], theirs.length[second],
        table, opening, extend, 1.0, np.array(mode == "local"),
    ).score  # fmt: skip
    seen = (truth.pairs * table).sum() - truth.gaps * opening - truth.letters * extend
    begin = np.concatenate([parameters.first, [origin.gap_open, origin.gap_extend]])
    weight = np.ones(begin.size)
    weight[:-2] = np.bincount(place[place >= 0], minlength=begin.size - 2)
    loss = soft.sum() - seen + prior / 2 * (weight * (vector - begin) ** 2).sum()
    loss = loss / len(truth)
    with compiling_for("numpy"):
        compiled = pytensor.function([vector], [loss, pytensor.grad(loss, vector)], mode=mode_of("numpy"))

    def function(numbers: np.ndarray) -> tuple[Any, Any]:
        value, gradient = compiled(numbers)
        return float(value), gradient

    return function
