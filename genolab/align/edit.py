"""Edit distances: the fewest substitutions, insertions and deletions that make one sequence of another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab import __version__
from genolab.align import threads as threading
from genolab.align.alignments import source_of
from genolab.align.pairwise import (
    QueryLength,
    QueryLetters,
    QueryStart,
    TargetLength,
    TargetLetters,
    TargetStart,
    pairwise_scores,
    static_lengths,
)
from genolab.align.scoring import DNA, PROTEIN, Alphabet
from genolab.align.sequences import SequencesLike, encode, pair_up
from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

if TYPE_CHECKING:
    import pandas as pd

MODES = {"global": (False, False), "infix": (True, True), "prefix": (False, True)}
"""Whether the target's start and end are free."""

_WHO = "edit_distance"


class Distances(NamedTuple):
    """How far the sequences of each pair are from each other."""

    distance: Annotated[Symbol, Spec("pair", "int32", "fewest substitutions, insertions and deletions", symbol="D")]


def _smallest(**_: int) -> tuple[np.ndarray, ...]:
    codes, zero, one = np.zeros(2, np.uint8), np.zeros(1, np.int64), np.ones(1, np.int64)
    return codes, zero, one, codes, zero, one, np.eye(2, dtype=bool), np.zeros(2, bool)


@kernel(backend="numpy", example=_smallest, jax_needs=("longest_query", "longest_target"))
def edit_distances(
    query: QueryLetters,
    query_start: QueryStart,
    query_length: QueryLength,
    target: TargetLetters,
    target_start: TargetStart,
    target_length: TargetLength,
    equal: Annotated[Symbol, Spec("query_code target_code", "bool", "letters that count as the same")],
    free_ends: Annotated[Symbol, Spec("end=2", "bool", "whether the target's start and its end cost nothing")],
    longest_query: int = 0,
    longest_target: int = 0,
) -> Distances:
    r"""Find the edit distance of every pair.

    .. math:: D_{ij} = \min(D_{i-1,j-1} + [q_i \ne t_j],\; D_{i-1,j} + 1,\; D_{i,j-1} + 1)

    This is the alignment whose only costs are one a difference and one a gap's letter, so the definition is that of
    :data:`~genolab.align.pairwise.pairwise_scores`, as are the structural parameters. See Levenshtein 1966,
    Sov. Phys. Dokl. 10, 707-710.
    """
    scores = pt.switch(equal, np.int32(0), np.int32(-1)).astype("int32")
    never = pt.zeros((1,), dtype="bool")
    start, end = free_ends[:1], free_ends[1:]
    ends = pt.concatenate([never, never, start, end, never, never])
    lengths = query_start, query_length, target, target_start, target_length
    costs = pt.constant(np.array([0, 1, 0, 1], np.int32))
    limit = pt.constant(np.int64(2**30))
    aligned = pairwise_scores._build(query, *lengths, scores, costs, ends, limit, limit, longest_query, longest_target)
    return Distances((-aligned.score).astype("int32"))


@edit_distances.driven
def _distances(*arrays: np.ndarray, longest_query: int = 0, longest_target: int = 0) -> np.ndarray:
    """Bit planes need no lengths beforehand."""
    from genolab.align.loops.edit import distances_of_pairs

    return distances_of_pairs(*arrays)


@dataclass(frozen=True, eq=False)
class Edits:
    """Edit distances with their paths: ``[start, end)`` of the target is what the whole query is edited into.

    Attributes
    ----------
    distances, target_start, target_end
        Of each pair; 0-based, the end exclusive.
    cigars
        ``=`` equal, ``X`` different, ``I`` query alone, ``D`` target alone.
    provenance
        Inputs with digests, options, kernel and version, as plain data.
    """

    distances: np.ndarray
    target_start: np.ndarray = field(repr=False)
    target_end: np.ndarray = field(repr=False)
    cigars: list[str] = field(repr=False)
    provenance: dict[str, Any] = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a pair; positions 1-based, ends included."""
        import pandas as pd

        places = {"target_start": self.target_start + 1, "target_end": self.target_end}
        return pd.DataFrame({"distance": self.distances, **places, "cigar": self.cigars})


def edit_distance(
    queries: SequencesLike,
    targets: SequencesLike | None = None,
    *,
    mode: str = "global",
    traceback: bool = False,
    alphabet: Alphabet | str = DNA,
    equalities: Collection[tuple[str, str]] = (),
    pairing: str = "pairs",
    threads: int | None = None,
) -> np.ndarray | Edits:
    """Edit distances of pairs, ``int32[pair]``; with ``traceback``, :class:`Edits`. Sequences may be empty.

    Parameters
    ----------
    queries, targets, pairing, threads
        As for :func:`genolab.align.align`.
    mode
        ``"global"``: of both, from end to end; ``"infix"``: of the query to the nearest stretch of the target;
        ``"prefix"``: to the nearest beginning of the target.
    alphabet
        ``"DNA"`` (the default) or ``"protein"``.
    equalities
        Further pairs of letters that count as the same, in either order: ``[("N", base) for base in "ACGT"]``.

    Raises
    ------
    InputError, FileError
        If an input or an option is not as described above.
    """
    if mode not in MODES:
        raise InputError(_WHO, "mode", f"one of {', '.join(MODES)}", repr(mode))
    known = {"DNA": DNA, "protein": PROTEIN}
    letters = known.get(alphabet) if isinstance(alphabet, str) else alphabet
    if not isinstance(letters, Alphabet):
        raise InputError(_WHO, "alphabet", f"one of {', '.join(known)}", repr(alphabet))
    equal = _equal(letters, equalities)
    ours = encode(_WHO, "queries", queries, letters, allow_empty=True)
    theirs = None if targets is None else encode(_WHO, "targets", targets, letters, allow_empty=True)
    first, second = pair_up(_WHO, ours, theirs, pairing)
    theirs = theirs or ours
    pairs = (
        ours.codes, ours.start[first], ours.length[first], theirs.codes, theirs.start[second], theirs.length[second],
    )  # fmt: skip
    with threading.using(threads, _WHO):
        if not traceback:
            kernel_of_lengths = edit_distances.with_static(**static_lengths(pairs[2], pairs[5]))
            distances: np.ndarray = kernel_of_lengths(*pairs, equal, np.array(MODES[mode])).distance
            return distances
        from genolab.align.loops.pairs import work_of
        from genolab.align.loops.trace import trace_pairs

        ends = np.array([False, False, *MODES[mode], False, False])
        costs = np.array([0, 1, 0, 1], np.int32)
        paths = trace_pairs(work_of(*pairs, np.where(equal, 0, -1).astype(np.int32), costs, ends, 2**30, 2**30), True)
    provenance = {
        "genolab": __version__, "queries": source_of(ours), "targets": source_of(theirs), "mode": mode,
        "alphabet": letters.name, "equalities": ["".join(pair) for pair in equalities],
        "kernels": [{"name": edit_distances.name, "backend": "numba"}],
    }  # fmt: skip
    distances = -paths.score.astype(np.int32)
    return Edits(distances, paths.target_start, paths.target_end, paths.cigars, provenance)


def _equal(alphabet: Alphabet, equalities: Collection[tuple[str, str]]) -> np.ndarray:
    equal = np.eye(len(alphabet.letters), dtype=bool)
    for pair in equalities:
        text = "".join(pair)
        codes = list(text.encode("ascii", "replace").translate(alphabet.codes))
        if len(codes) != 2 or max(codes) == 255:
            raise InputError(_WHO, "equalities", f"pairs of letters of {alphabet.letters}", repr(pair))
        equal[codes[0], codes[1]] = equal[codes[1], codes[0]] = True
    return equal
