"""How good would a score be by chance: against shuffles of one of the two sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.align.aligner import align
from genolab.align.alignments import source_of
from genolab.align.scoring import Scoring
from genolab.align.sequences import SequencesLike, encode
from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

KEEPS = ("letters", "dinucleotides")
_WHO = "shuffled_null"


@dataclass(frozen=True, eq=False)
class ShuffledNull:
    r"""A score among those of shuffled sequences.

    Attributes
    ----------
    score, scores
        Of the pair, and of each shuffle.
    p_value
        :math:`(1 + \#\{s \ge S\}) / (1 + N)`: never 0, and no finer than ``resolution``.
    gumbel_scale, gumbel_location
        :math:`\lambda` and :math:`\mu` of :math:`P(s \ge x) = 1 - \exp(-e^{-\lambda (x - \mu)})`, by maximum
        likelihood; NaN where all shuffles score the same. The distribution is that of local scores; of others it is
        a description.
    """

    score: float
    scores: np.ndarray = field(repr=False)
    p_value: float
    gumbel_scale: float
    gumbel_location: float
    provenance: dict[str, Any] = field(repr=False)

    @property
    def resolution(self) -> float:
        """The least p value that so many shuffles can give."""
        return 1 / (1 + self.scores.size)

    @property
    def gumbel_p_value(self) -> float:
        """The p value by the fitted distribution, which reaches beyond the shuffles: an extrapolation there."""
        return float(-np.expm1(-np.exp(-self.gumbel_scale * (self.score - self.gumbel_location))))

    @property
    def z_score(self) -> float:
        """Standard deviations above the mean of the shuffles; NaN where they all score the same."""
        spread = float(self.scores.std(ddof=1))
        return (self.score - float(self.scores.mean())) / spread if spread else math.nan

    def to_frame(self) -> pd.DataFrame:
        """One row a shuffle."""
        import pandas as pd

        return pd.DataFrame({"score": self.scores}).rename_axis("shuffle")


def shuffled_null(
    query: SequencesLike,
    target: SequencesLike,
    *,
    scoring: Scoring | None = None,
    mode: str = "local",
    shuffles: int = 1000,
    keep: str = "letters",
    seed: int = 0,
    threads: int | None = None,
) -> ShuffledNull:
    """Align a query with shuffles of a target, and see where its score with the target itself lies among them.

    Parameters
    ----------
    query, target
        One sequence each, as for :func:`genolab.align.align`.
    scoring, mode, threads
        As for :func:`genolab.align.align`.
    shuffles
        At least 19, which give a p value of 0.05 at best.
    keep
        ``"letters"``: any order of the same letters is as likely. ``"dinucleotides"``: any order with the same pairs of
        neighbours, all as likely (Altschul and Erickson 1985, doi:10.1093/oxfordjournals.molbev.a040370); DNA's
        neighbours are not independent, and without that repeats look significant.
    seed
        The same seed gives the same shuffles.

    Raises
    ------
    InputError, FileError
        If an input or an option is not as described above.
    """
    scoring = Scoring() if scoring is None else scoring
    if keep not in KEEPS:
        raise InputError(_WHO, "keep", f"one of {', '.join(KEEPS)}", repr(keep))
    if isinstance(shuffles, bool) or not isinstance(shuffles, int) or shuffles < 19:
        raise InputError(_WHO, "shuffles", "19 or more", repr(shuffles))
    ours, theirs = (
        encode(_WHO, name, value, scoring.alphabet) for name, value in (("query", query), ("target", target))
    )
    for name, given in (("query", ours), ("target", theirs)):
        if len(given) != 1:
            raise InputError(_WHO, name, "one sequence", f"{len(given):,}")
    rng = np.random.default_rng(seed)
    codes = theirs.codes[: theirs.length[0]]
    shuffle = shuffle_letters if keep == "letters" else shuffle_dinucleotides
    some = [shuffle(codes, rng) for _ in range(shuffles)]
    found = align(ours.codes[: ours.length[0]], [codes, *some], mode=mode, scoring=scoring, threads=threads).scores
    score, scores = float(found[0]), found[1:].astype(np.float64)
    scale, location = fit_gumbel(scores)
    provenance = {
        "genolab": __version__, "query": source_of(ours), "target": source_of(theirs), "mode": mode,
        "shuffles": shuffles, "keep": keep, "seed": seed,
    }  # fmt: skip
    p_value = (1 + int((scores >= score).sum())) / (1 + shuffles)
    return ShuffledNull(score, scores, p_value, scale, location, provenance)


def shuffle_letters(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same letters in another order, all orders as likely."""
    return rng.permutation(codes)


def shuffle_dinucleotides(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same pairs of neighbours in another order, all such orders as likely: a random Eulerian path.

    The last exit of each letter is drawn until they lead from every letter to the last one; the other exits are then
    in any order. The first and the last letter stay.
    """
    if codes.size < 4:
        return codes.copy()
    letters = codes.tolist()
    last = letters[-1]
    exits: dict[int, list[int]] = {}
    for a, b in pairwise(letters):
        exits.setdefault(a, []).append(b)
    while True:
        chosen = {a: int(rng.integers(len(followers))) for a, followers in exits.items() if a != last}
        if all(_leads_to(a, last, exits, chosen) for a in chosen):
            break
    order: dict[int, list[int]] = {}
    for a, followers in exits.items():
        rest = list(followers)
        final = [rest.pop(chosen[a])] if a in chosen else []
        order[a] = [rest[k] for k in rng.permutation(len(rest))] + final
    walk = [letters[0]]
    places = dict.fromkeys(order, 0)
    for _ in range(len(letters) - 1):
        here = walk[-1]
        walk.append(order[here][places[here]])
        places[here] += 1
    return np.array(walk, codes.dtype)


def _leads_to(letter: int, last: int, exits: dict[int, list[int]], chosen: dict[int, int]) -> bool:
    seen = set[int]()
    while letter != last:
        if letter in seen:
            return False
        seen.add(letter)
        letter = exits[letter][chosen[letter]]
    return True


def fit_gumbel(scores: np.ndarray) -> tuple[float, float]:
    r"""Scale and location of a Gumbel distribution by maximum likelihood; NaN where all scores are the same.

    :math:`1/\lambda = \bar x - \sum x e^{-\lambda x} / \sum e^{-\lambda x}`, then
    :math:`\mu = -\ln(\overline{e^{-\lambda x}}) / \lambda`.
    """
    centred = scores - scores.mean()
    spread = float(centred.std())
    if spread == 0:
        return math.nan, math.nan

    def excess(scale: float) -> float:
        weights = np.exp(-scale * (centred - centred.min()))
        return 1 / scale + float((centred * weights).sum() / weights.sum())

    low, high = 1e-3 / spread, 1e3 / spread
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    scale = math.sqrt(low * high)
    shift = centred.min()
    location = scores.mean() + shift - math.log(float(np.exp(-scale * (centred - shift)).mean())) / scale
    return scale, float(location)
