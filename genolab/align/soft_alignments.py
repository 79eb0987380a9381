"""The result of soft alignment: scores that count all alignments, posteriors and expected counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.align.alignments import source_of
from genolab.align.sequences import Sequences
from genolab.align.soft import soft_expectations, soft_posteriors, soft_scores
from genolab.align.soft_scoring import SoftScoring
from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Posterior:
    """Of one pair, the share of its alignments that go through each cell.

    Attributes
    ----------
    paired
        ``[query place, target place]``: that the two letters are paired.
    query_alone
        ``[query place, target border]``: that the query letter is in a gap, behind so many letters of the target.
    target_alone
        ``[query border, target place]``: that the target letter is in a gap, behind so many letters of the query.
    score, gaps, gap_letters
        The soft score; expected numbers of gaps and of letters in gaps.
    """

    score: float
    paired: np.ndarray = field(repr=False)
    query_alone: np.ndarray = field(repr=False)
    target_alone: np.ndarray = field(repr=False)
    gaps: float
    gap_letters: float

    @property
    def cells(self) -> np.ndarray:
        """``[query border, target border]``: the share that goes through each cell of the matrix, in whatever way."""
        m, n = self.paired.shape
        total = np.zeros((m + 1, n + 1))
        total[1:, 1:] += self.paired
        total[1:] += self.query_alone
        total[:, 1:] += self.target_alone
        return total


@dataclass(frozen=True, eq=False)
class SoftAlignments:
    """All alignments of each pair, weighed by ``exp(score / temperature)``. Arrays have the axis ``pair``.

    Attributes
    ----------
    query_number, target_number
        Which query meets which target.
    scores
        Temperature times the log of the summed weights: the best score, and more where others come near it.
    temperature, mode
        As they were given.
    """

    queries: Sequences = field(repr=False)
    targets: Sequences = field(repr=False)
    query_number: np.ndarray = field(repr=False)
    target_number: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    scoring: SoftScoring
    temperature: float
    mode: str

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        pairs = f"{len(self):,} pair{'s' if len(self) != 1 else ''}"
        spread = f"scores {self.scores.min():,.2f} to {self.scores.max():,.2f}" if len(self) else "no scores"
        return f"<SoftAlignments: {pairs}, {self.mode}, temperature {self.temperature:g}, {spread}>"

    @property
    def posteriors(self) -> Sequence[Posterior]:
        """The :class:`Posterior` of each pair, computed when it is asked for; the last few are kept."""
        return _Posteriors(self)

    def posterior(self, number: int = 0) -> Posterior:
        """The posterior of every cell of one pair."""
        if not -len(self) <= number < len(self):
            raise InputError("SoftAlignments.posterior", "number", f"below {len(self):,}, the pairs", repr(number))
        return self._posterior(number % len(self))

    @cached_property
    def _posterior(self) -> Any:
        return lru_cache(4)(self._compute_posterior)

    def _compute_posterior(self, number: int) -> Posterior:
        ours, theirs = (
            sequences.codes[sequences.start[k] :][: sequences.length[k]]
            for sequences, k in (
                (self.queries, self.query_number[number]),
                (self.targets, self.target_number[number]),
            )
        )
        scoring = self.scoring
        similarity = scoring.table[ours[:, None], theirs[None, :]]
        found = soft_posteriors(
            similarity, scoring.gap_open, scoring.gap_extend, self.temperature, np.array(self.mode == "local")
        )
        return Posterior(
            float(found.score), found.paired, found.query_alone, found.target_alone, float(found.gaps),
            float(found.gap_letters),
        )  # fmt: skip

    @cached_property
    def _expectations(self) -> Any:
        return soft_expectations(*kernel_inputs(self))

    @property
    def expected_counts(self) -> np.ndarray:
        """Expected pairs of letters, ``float64[pair, query code, target code]``: the gradient by the score table."""
        counts: np.ndarray = self._expectations.pairs
        return counts

    @property
    def expected_gaps(self) -> np.ndarray:
        """Expected gaps of each pair: minus the gradient by ``gap_open``."""
        gaps: np.ndarray = self._expectations.gaps
        return gaps

    @property
    def expected_gap_letters(self) -> np.ndarray:
        """Expected letters in gaps of each pair: minus the gradient by ``gap_extend``."""
        letters: np.ndarray = self._expectations.gap_letters
        return letters

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs with digests, mode, scoring, temperature, kernels and version, as plain data."""
        from genolab.kernel.choice import backend_in_force

        kernels = [
            {"name": each.name, "backend": backend_in_force(None, each.backend)}
            for each in (soft_scores, soft_expectations, soft_posteriors)
        ]
        return {
            "genolab": __version__,
            "queries": source_of(self.queries),
            "targets": source_of(self.targets),
            "mode": self.mode,
            "temperature": self.temperature,
            "scoring": self.scoring.to_dict(),
            "kernels": kernels,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a pair: score and what is expected of its alignments."""
        import pandas as pd

        letters = self.scoring.alphabet.letters
        counts = self.expected_counts
        size = min(counts.shape[1:])
        return pd.DataFrame(
            {
                "query": [self.queries.name(number) for number in self.query_number.tolist()],
                "target": [self.targets.name(number) for number in self.target_number.tolist()],
                "score": self.scores,
                "expected_pairs": counts.sum(axis=(1, 2)),
                "expected_matches": counts[:, range(size), range(size)].sum(axis=1) if letters else 0.0,
                "expected_gaps": self.expected_gaps,
                "expected_gap_letters": self.expected_gap_letters,
            }
        )


@dataclass(frozen=True, eq=False)
class _Posteriors(Sequence[Posterior]):
    """The posteriors of a result, one at a time."""

    result: SoftAlignments

    def __len__(self) -> int:
        return len(self.result)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self.result.posterior(k) for k in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)  # what ends a loop over a sequence
        return self.result.posterior(number)


def kernel_inputs(result: SoftAlignments) -> tuple[Any, ...]:
    """The inputs of :data:`genolab.align.soft.soft_scores` for a result's pairs."""
    ours, theirs, first, second = result.queries, result.targets, result.query_number, result.target_number
    scoring = result.scoring
    return (
        ours.codes, ours.start[first], ours.length[first], theirs.codes, theirs.start[second], theirs.length[second],
        scoring.table, scoring.gap_open, scoring.gap_extend, result.temperature, np.array(result.mode == "local"),
    )  # fmt: skip
