"""How surprising a local score is: bit scores and E-values of Karlin and Altschul."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from genolab.align.scoring import Matrix, Scoring
from genolab.errors import InputError

ROBINSON = {
    "A": 0.07805, "C": 0.01925, "D": 0.05364, "E": 0.06295, "F": 0.03856, "G": 0.07377, "H": 0.02199, "I": 0.05142,
    "K": 0.05744, "L": 0.09019, "M": 0.02243, "N": 0.04487, "P": 0.05203, "Q": 0.04264, "R": 0.05129, "S": 0.07120,
    "T": 0.05841, "V": 0.06441, "W": 0.01330, "Y": 0.03216,
}  # fmt: skip
"""Shares of the amino acids in proteins, BLAST's: Robinson and Robinson 1991, doi:10.1073/pnas.88.20.8880."""

# gap open, gap extend, lambda, K, H, alpha, beta, as published with NCBI BLAST (public domain); a gap of k letters
# costs open + k * extend there as here. Altschul, Bundschuh, Olsen and Hwa 2001, doi:10.1093/nar/29.2.351. BLAST's
# BLOSUM80 is in half bits and ours in thirds, so that its values do not hold here.
_PUBLISHED = {
    "BLOSUM45": """
13 3 .207 .049 .14 1.5 -22, 12 3 .199 .039 .11 1.8 -34, 11 3 .190 .031 .095 2.0 -38, 10 3 .179 .023 .075 2.4 -51,
16 2 .210 .051 .14 1.5 -24, 15 2 .203 .041 .12 1.7 -31, 14 2 .195 .032 .10 1.9 -36, 13 2 .185 .024 .084 2.2 -45,
12 2 .171 .016 .061 2.8 -65, 19 1 .205 .040 .11 1.9 -43, 18 1 .198 .032 .10 2.0 -43, 17 1 .189 .024 .079 2.4 -57,
16 1 .176 .016 .063 2.8 -67""",
    "BLOSUM50": """
13 3 .212 .063 .19 1.1 -16, 12 3 .206 .055 .17 1.2 -18, 11 3 .197 .042 .14 1.4 -25, 10 3 .186 .031 .11 1.7 -34,
9 3 .172 .022 .082 2.1 -48, 16 2 .215 .066 .20 1.05 -15, 15 2 .210 .058 .17 1.2 -20, 14 2 .202 .045 .14 1.4 -27,
13 2 .193 .035 .12 1.6 -32, 12 2 .181 .025 .095 1.9 -41, 19 1 .212 .057 .18 1.2 -21, 18 1 .207 .050 .15 1.4 -28,
17 1 .198 .037 .12 1.6 -33, 16 1 .186 .025 .10 1.9 -42, 15 1 .171 .015 .063 2.7 -76""",
    "BLOSUM62": """
11 2 .297 .082 .27 1.1 -10, 10 2 .291 .075 .23 1.3 -15, 9 2 .279 .058 .19 1.5 -19, 8 2 .264 .045 .15 1.8 -26,
7 2 .239 .027 .10 2.5 -46, 6 2 .201 .012 .061 3.3 -58, 13 1 .292 .071 .23 1.2 -11, 12 1 .283 .059 .19 1.5 -19,
11 1 .267 .041 .14 1.9 -30, 10 1 .243 .024 .10 2.5 -44, 9 1 .206 .010 .052 4.0 -87""",
    "BLOSUM90": """
9 2 .310 .12 .46 .67 -6, 8 2 .300 .099 .39 .76 -7, 7 2 .283 .072 .30 .93 -11, 6 2 .259 .048 .22 1.2 -16,
11 1 .302 .093 .39 .78 -8, 10 1 .290 .075 .28 1.04 -15, 9 1 .265 .044 .20 1.3 -19""",
    "PAM30": """
7 2 .305 .15 .87 .35 -3, 6 2 .287 .11 .68 .42 -4, 5 2 .264 .079 .45 .59 -7, 10 1 .309 .15 .88 .35 -3,
9 1 .294 .11 .61 .48 -6, 8 1 .270 .072 .40 .68 -10""",
    "PAM70": """
8 2 .301 .12 .54 .56 -5, 7 2 .286 .093 .43 .67 -7, 6 2 .264 .064 .29 .90 -12, 11 1 .305 .12 .52 .59 -6,
10 1 .291 .091 .41 .71 -9, 9 1 .270 .060 .28 .97 -14""",
    "PAM250": """
15 3 .205 .049 .13 1.6 -23, 14 3 .200 .043 .12 1.7 -26, 13 3 .194 .036 .10 1.9 -31, 12 3 .186 .029 .085 2.2 -41,
11 3 .174 .020 .070 2.5 -48, 17 2 .204 .047 .12 1.7 -28, 16 2 .198 .038 .11 1.8 -29, 15 2 .191 .031 .087 2.2 -44,
14 2 .182 .024 .073 2.5 -53, 13 2 .171 .017 .059 2.9 -64, 21 1 .205 .045 .11 1.8 -34, 20 1 .199 .037 .10 1.9 -35,
19 1 .192 .029 .083 2.3 -52, 18 1 .183 .021 .070 2.6 -60, 17 1 .171 .014 .052 3.3 -86""",
}

_WHO = "karlin_altschul"


@cache
def published(matrix: str) -> Mapping[tuple[int, int], tuple[float, ...]]:
    """Lambda, K, H, alpha and beta by gap open and gap extend; empty for a matrix without published ones."""
    rows = [[float(number) for number in row.split()] for row in _PUBLISHED.get(matrix, "").split(",") if row.strip()]
    return {(int(row[0]), int(row[1])): tuple(row[2:]) for row in rows}


@dataclass(frozen=True)
class KarlinAltschul:
    r"""The extreme-value distribution of the best local score of unrelated sequences.

    .. math:: E = K m' n' e^{-\lambda S}, \qquad S' = (\lambda S - \ln K) / \ln 2, \qquad P = 1 - e^{-E}

    with :math:`m' = m - \ell` and :math:`n' = n - N \ell` effective lengths, for a query of :math:`m` letters and
    :math:`N` targets of :math:`n` letters together; :math:`\ell = (\alpha / \lambda) \ln(K m' n') + \beta`.

    Attributes
    ----------
    scale
        :math:`\lambda`, per unit of score.
    k, entropy
        :math:`K`, and :math:`H` in nats a pair of letters.
    alpha, beta
        Of the length that an alignment takes from the ends; in ungapped alignments :math:`\lambda / H` and 0.
    source
        ``"solved"`` from the scores (ungapped) or ``"published"`` (gapped, by simulation).
    """

    scale: float
    k: float
    entropy: float
    alpha: float
    beta: float
    source: str

    def bit_score(self, score: float | np.ndarray) -> np.ndarray:
        """The score in bits: scores of different matrices become comparable."""
        return np.asarray((self.scale * np.asarray(score, np.float64) - math.log(self.k)) / math.log(2))

    def length_adjustment(self, query_letters: int, target_letters: int, targets: int = 1) -> int:
        r"""The letters :math:`\ell` that no alignment can start in: the largest whole fixed point."""
        low, high = 0, max(0, min(query_letters - 1, (target_letters - 1) // max(targets, 1)))
        while low < high:
            middle = (low + high + 1) // 2
            space = (query_letters - middle) * (target_letters - targets * middle)
            enough = space > 0 and self.k * space >= 1
            if enough and middle <= self.alpha / self.scale * math.log(self.k * space) + self.beta:
                low = middle
            else:
                high = middle - 1
        return low

    def e_value(
        self,
        score: float | np.ndarray,
        query_letters: int,
        target_letters: int,
        targets: int = 1,
        corrected: bool = True,
    ) -> np.ndarray:
        """How many alignments with that score or more are expected by chance.

        ``target_letters`` are those of all ``targets`` together, a pair's or a whole database's; ``corrected`` takes
        the effective lengths.

        Raises
        ------
        InputError
            If a length is not positive.
        """
        for name, number in (
            ("query_letters", query_letters),
            ("target_letters", target_letters),
            ("targets", targets),
        ):
            if number < 1:
                raise InputError("KarlinAltschul.e_value", name, "1 or more", f"{number}")
        lost = self.length_adjustment(query_letters, target_letters, targets) if corrected else 0
        space = max(query_letters - lost, 1) * max(target_letters - targets * lost, 1)
        return np.asarray(self.k * space * np.exp(-self.scale * np.asarray(score, np.float64)))

    def p_value(
        self, score: float | np.ndarray, query_letters: int, target_letters: int, targets: int = 1
    ) -> np.ndarray:
        """The chance of at least one such alignment."""
        return -np.expm1(-self.e_value(score, query_letters, target_letters, targets))


def karlin_altschul(
    scoring: Scoring | None = None, *, gapped: bool = True, background: Mapping[str, float] | None = None
) -> KarlinAltschul:
    r"""The statistics of local scores for a scoring.

    Without gaps they follow from the scores: :math:`\lambda` solves :math:`\sum p_a p_b e^{\lambda s_{ab}} = 1`,
    :math:`H = \lambda \sum p_a p_b s_{ab} e^{\lambda s_{ab}}`, and :math:`K` is the series of Karlin and Altschul 1990,
    doi:10.1073/pnas.87.6.2264. With gaps there is no formula: the values are those published for BLAST, found by
    simulation, which exist for standard matrices and some gap costs only.

    Parameters
    ----------
    gapped
        Whether the alignments may have gaps; ``False`` solves for any matrix.
    background
        Shares of letters by chance; by default :data:`ROBINSON` for proteins and 1/4 for each base. Published values
        hold for the default.

    Raises
    ------
    InputError
        If nothing is published for these gap costs, or the mean score is not negative or no score is positive, so that
        the best local score grows with the length and has no such distribution.
    """
    scoring = Scoring() if scoring is None else scoring
    if not isinstance(scoring, Scoring):
        raise InputError(_WHO, "scoring", "a Scoring", type(scoring).__name__)
    if not gapped:
        return _solved(*_score_distribution(scoring, background))
    name = scoring.matrix if isinstance(scoring.matrix, str) else ""
    known = published(name)
    costs = (scoring.gap_open, scoring.gap_extend)
    fix = "Ask for gapped=False, or measure it: shuffled_null()."
    if background is not None:
        raise InputError(_WHO, "background", "left out where gaps are allowed", "one of your own", fix)
    if not known or scoring.second_gap is not None:
        what = name or "a matrix of your own, or none"
        raise InputError(_WHO, "scoring", f"one with {', '.join(_PUBLISHED)} and one affine gap cost", what, fix)
    if costs not in known:
        listed = ", ".join(f"{a}/{b}" for a, b in known)
        raise InputError(
            _WHO, "scoring", f"with gap costs published for {name} ({listed})", f"{costs[0]}/{costs[1]}", fix
        )
    scale, k, entropy, alpha, beta = known[costs]
    return KarlinAltschul(scale, k, entropy, alpha, beta, "published")


def _score_distribution(scoring: Scoring, background: Mapping[str, float] | None) -> tuple[np.ndarray, int]:
    """The chance of each score from the lowest on, and the lowest."""
    letters = scoring.alphabet.letters
    if background is None and isinstance(scoring.matrix, Matrix):
        raise InputError(_WHO, "background", "given for a matrix of your own: shares of its letters", "nothing")
    shares = background or (ROBINSON if scoring.matrix is not None else dict.fromkeys("ACGT", 0.25))
    if set(shares) - set(letters) or not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
        raise InputError(_WHO, "background", f"shares, 0 or more, of letters among {letters}", repr(dict(shares)))
    frequency = np.array([shares.get(letter, 0.0) for letter in letters])
    frequency = frequency / frequency.sum()
    chance = np.outer(frequency, frequency)
    used = chance > 0
    lowest = int(scoring.table[used].min())
    return np.bincount((scoring.table - lowest)[used], weights=chance[used]), lowest


def _solved(chance: np.ndarray, lowest: int) -> KarlinAltschul:
    scores = np.arange(chance.size) + lowest
    mean = float(chance @ scores)
    if mean >= 0 or scores[chance > 0].max() <= 0:
        found = f"mean {mean:.3g}, highest {scores[chance > 0].max()}"
        raise InputError(_WHO, "scoring", "one with a negative mean score and some score above 0", found)
    low, high = 0.0, 1.0
    while chance @ np.exp(high * scores) < 1:
        low, high = high, 2 * high
    low = max(low, 1e-12)
    # below the root the sum is less than 1, but for a root at 0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if chance @ np.exp(middle * scores) < 1 else (low, middle)
    scale = (low + high) / 2
    entropy = scale * float(chance @ (scores * np.exp(scale * scores)))
    step = int(np.gcd.reduce(scores[chance > 0]))
    total, walk, begin = 0.0, np.ones(1), 0
    for count in range(1, 400):
        walk, begin = np.convolve(walk, chance), begin + lowest
        values = np.arange(walk.size) + begin
        below = values < 0
        term = (float(walk[below] @ np.exp(scale * values[below])) + float(walk[~below].sum())) / count
        total += term
        if term < 1e-12:
            break
    k = math.exp(-2 * total) * scale * step / (entropy * -math.expm1(-scale * step))
    return KarlinAltschul(scale, k, entropy, scale / entropy, 0.0, "solved")
