"""How often bases are wrong: a table of errors, fitted by gradient to bases over sites that do not vary."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab import io
from genolab.call.alleles import read_rows
from genolab.errors import FileError, InputError
from genolab.io import AlignedReads, Region
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.evidence import Evidence

QUALITIES, CYCLES, CYCLE_BIN, STRANDS, CONTEXTS = 94, 64, 5, 2, 17
SIZES = (QUALITIES, STRANDS * CYCLES, CONTEXTS)
"""Parameters by reported quality, by strand and five cycles, and by the base before and the base itself (16: none)."""
STARTS = tuple(np.cumsum([0, *SIZES]).tolist())
LEAST_BASES = 10_000
"""Bases that a fit needs; of fewer, a table of 239 numbers is noise."""
LOWEST, HIGHEST = 2, 60
"""Qualities (phred) that the model gives."""

_READ_REVERSE, _MISSING = 0x10, 255
_AROUND = 10  # bases around a candidate indel that are not counted

Parameter = Annotated[
    Symbol, Spec("parameter", "float64", "addition to the log odds of an error, natural logarithm", symbol=r"\theta")
]
Cell = Annotated[Symbol, Spec("cell effect=3", "int64", "which parameter of each kind the cell has", index="parameter")]
Reported = Annotated[
    Symbol, Spec("cell", "float64", "log odds of an error as the reported quality has them", symbol="Q")
]


class ErrorLoss(NamedTuple):
    """The fit, and where it leads."""

    loss: Annotated[
        Symbol, Spec("one", "float64", "negative log likelihood with the prior, natural logarithm", symbol="L")
    ]
    slope: Annotated[Symbol, Spec("parameter", "float64", "its gradient")]
    error: Annotated[Symbol, Spec("cell", "float64", "chance of a wrong base", symbol="e")]


def _smallest() -> tuple[Any, ...]:
    two = np.full(2, 2.0)
    return np.zeros(STARTS[-1]), np.tile(np.array(STARTS[:3]), (2, 1)), -two, two, 5 * two, 1.0


@kernel(backend="numpy", example=_smallest)
def error_loss(
    parameters: Parameter,
    cell: Cell,
    reported: Reported,
    errors: Annotated[Symbol, Spec("cell", "float64", "bases that differ from the reference", low=0, symbol="k")],
    total: Annotated[Symbol, Spec("cell", "float64", "bases", low=0, symbol="n")],
    strength: Annotated[
        Symbol, Spec("", "float64", "of the prior that each addition is 0", low=0, high=1e6, symbol=r"\lambda")
    ] = 1.0,
) -> ErrorLoss:
    r"""The loss of a table of errors on counted bases, and its gradient by PyTensor's ``grad``.

    A cell :math:`c` holds the bases of one reported quality, cycle, strand and context, of which :math:`k_c` of
    :math:`n_c` are wrong. With the additions :math:`\theta` of its effects,

    .. math:: \log \frac{e_c}{1 - e_c} = \log \frac{10^{-Q_c/10}}{1 - 10^{-Q_c/10}} + \sum_j \theta_{cj}, \qquad
              L = -\sum_c \left[k_c \log e_c + (n_c - k_c) \log (1 - e_c)\right] + \frac{\lambda}{2} \sum \theta^2

    """
    odds = reported + parameters[cell].sum(axis=1)
    # log e and log (1 - e), neither of them from a difference
    loss = (errors * _softplus(-odds) + (total - errors) * _softplus(odds)).sum()
    loss = loss + 0.5 * strength * (parameters**2).sum()
    return ErrorLoss(loss[None], pytensor.grad(loss, parameters), pt.sigmoid(odds))


def _softplus(z: Symbol) -> Symbol:
    """log(1 + e^z) without overflow, in functions that NumPy has."""
    return pt.maximum(z, 0.0) + pt.log1p(pt.exp(-pt.abs(z)))


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """A fitted table of errors.

    Attributes
    ----------
    parameters
        Additions to the log odds of an error, of :data:`SIZES`.
    cell, errors, total
        The counted bases that it was fitted to, by cell.
    made_from
        Files with digests, region and size of the fit, as plain data.
    """

    parameters: np.ndarray = field(repr=False)
    cell: np.ndarray = field(repr=False)
    errors: np.ndarray = field(repr=False)
    total: np.ndarray = field(repr=False)
    made_from: dict[str, Any]

    def quality_of(self, cell: np.ndarray) -> np.ndarray:
        """The quality (phred, float64) of bases by their cells; the reported one is the first column."""
        odds = log_odds(cell[:, 0].astype(np.float64)) + self.parameters[cell].sum(axis=1)
        return np.asarray(10.0 * np.log10(1.0 + np.exp(-odds)))

    def apply(self, reads: AlignedReads) -> AlignedReads:
        """The reads with qualities of the model, whole phred from 2 to 60; missing ones stay missing."""
        quality = np.clip(np.rint(self.quality_of(cells_of(reads))), LOWEST, HIGHEST).astype(np.uint8)
        return replace(reads, quality=np.where(reads.quality == _MISSING, reads.quality, quality))

    def to_frame(self) -> pd.DataFrame:
        """The recalibration curve, a row a reported quality: observed with its 95 % interval (Jeffreys), and fitted."""
        import pandas as pd
        from scipy.stats import beta

        reported = self.cell[:, 0]
        total = np.bincount(reported, self.total, QUALITIES)
        errors = np.bincount(reported, self.errors, QUALITIES)
        expected = np.bincount(reported, self.total * 10.0 ** (-self.quality_of(self.cell) / 10.0), QUALITIES)
        seen = np.flatnonzero(total > 0)
        k, n = errors[seen], total[seen]
        bounds = [np.asarray(beta.ppf(q, k + 0.5, n - k + 0.5)) for q in (0.975, 0.025)]

        def phred(chance: np.ndarray) -> np.ndarray:
            return np.asarray(-10.0 * np.log10(np.maximum(chance, 1e-12)))

        return pd.DataFrame(
            {
                "reported": seen, "bases": n.astype(np.int64), "errors": k.astype(np.int64),
                "observed": phred((k + 0.5) / (n + 1.0)), "low": phred(bounds[0]), "high": phred(bounds[1]),
                "fitted": phred(expected[seen] / n),
            }
        )  # fmt: skip

    def plot(self) -> Any:
        """Reported against observed quality, with intervals, and what the model makes of it."""
        return import_module("genolab.plots.error_model").plot(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the tables; the same model gives the same bytes, and nothing is pickled."""
        from genolab.io.models import write_model

        arrays = {"parameters": self.parameters, "cell": self.cell, "errors": self.errors, "total": self.total}
        write_model(path, arrays, {"kind": "error model", "version": 1, "made_from": self.made_from})
        return Path(path)

    @property
    def provenance(self) -> dict[str, Any]:
        """What it was fitted to, and a digest of its numbers."""
        import hashlib

        return {**self.made_from, "parameters": hashlib.sha256(self.parameters.tobytes()).hexdigest()}


def load_error_model(path: str | os.PathLike[str]) -> ErrorModel:
    """Read what :meth:`ErrorModel.save` wrote; another kind of file is refused with ``FileError``."""
    from genolab.io.models import read_model

    arrays, card = read_model(path)
    wanted = {"parameters", "cell", "errors", "total"}
    sound = card.get("kind") == "error model" and set(arrays) == wanted and arrays["parameters"].shape == (STARTS[-1],)
    if not sound:
        raise FileError(path, expected="an error model", found="another model", fix="Fit and save one.")
    return ErrorModel(**arrays, made_from=card["made_from"])


def fit_error_model(
    reads: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    region: str | Region,
    *,
    known: str | os.PathLike[str] | None = None,
    sample: str | None = None,
    strength: float = 1.0,
    min_mapping_quality: int = 20,
) -> ErrorModel:
    """Fit how often bases are wrong, by reported quality, cycle, strand and context, over sites that do not vary.

    Left out are the sites of ``known`` variants (VCF or BCF), those that the caller would look at (a base that two
    reads and a tenth of them show), and what lies within 10 bases of a candidate indel. A site that varies and slips
    through counts as errors: give the known variants where there are some. Fitted by L-BFGS with the kernel's gradient.

    Raises
    ------
    FileError, InputError
        If a file is damaged or does not fit the others, or fewer than 10,000 bases are left.
    """
    from scipy.optimize import minimize

    from genolab.call.evidence import collect

    evidence = collect(reads, reference, region, sample)
    cell, errors, total = count_errors(evidence, known, min_mapping_quality)
    if total.sum() < LEAST_BASES:
        found = f"{int(total.sum()):,}"
        raise InputError(
            "fit_error_model", "region", f"{LEAST_BASES:,} bases or more to fit", found, "Take a wider one."
        )
    reported = log_odds(cell[:, 0].astype(np.float64))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        result = error_loss(parameters, cell, reported, errors, total, strength)
        return float(result.loss[0]), result.slope

    done = minimize(loss, np.zeros(STARTS[-1]), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    made_from = {
        "reads": io.digest(evidence.reads_path), "reference": io.digest(evidence.reference_path),
        "known": None if known is None else io.digest(known), "region": str(evidence.region),
        "bases": int(total.sum()), "errors": int(errors.sum()), "strength": strength, "iterations": int(done.nit),
    }  # fmt: skip
    return ErrorModel(np.asarray(done.x), cell, errors, total, made_from)


def count_errors(
    evidence: Evidence, known: str | os.PathLike[str] | None, min_mapping_quality: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells, wrong bases and all bases over sites of the evidence's region that do not vary."""
    from genolab.call.genotyping import screen
    from genolab.call.thresholds import Thresholds

    wide, region = evidence.wide, evidence.region
    begin, size = wide.reads.region.start, wide.reference.size
    thresholds = Thresholds(min_base_quality=LOWEST, min_mapping_quality=min_mapping_quality)
    position = np.arange(size) + begin
    usable = (wide.reference < 4) & (position >= region.start) & (position < region.end)
    screened = screen(evidence, thresholds)
    usable[screened.sites - begin] = False
    for window in screened.windows:
        usable[max(window.low - _AROUND - begin, 0) : max(window.high + _AROUND - begin, 0)] = False
    if known is not None:
        with io.open_reference(evidence.reference_path) as opened:
            length = opened.contigs.get(region.contig, 2**31 - 1)
        rows = read_rows(known, region, None, length)
        for start, text in zip(rows.position.tolist(), rows.reference, strict=True):
            usable[max(start - begin, 0) : max(start + len(text) - begin, 0)] = False
    read, place, query, length_of = wide.blocks
    steps = np.arange(length_of.sum()) - np.repeat(np.cumsum(length_of) - length_of, length_of)
    where, at = np.repeat(place - begin, length_of) + steps, np.repeat(query, length_of) + steps
    good = (wide.exclusion == 0) & (wide.mapping_quality >= min_mapping_quality)
    inside = (where >= 0) & (where < size) & np.repeat(good[read], length_of)
    where, at = where[inside], at[inside]
    chosen = usable[where] & (wide.reads.base[at] < 4) & (wide.reads.quality[at] != _MISSING)
    where, at = where[chosen], at[chosen]
    cell = cells_of(wide.reads)[at]
    wrong = wide.reads.base[at] != wide.reference[where]
    key = cell @ np.array([STARTS[-1] ** 2, STARTS[-1], 1])
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    total = np.bincount(inverse, minlength=first.size).astype(np.float64)
    return cell[first], np.bincount(inverse, wrong, first.size), total


def log_odds(quality: np.ndarray) -> np.ndarray:
    """Natural log odds of an error at a reported quality; 0 and 1 count as 2."""
    chance = 10.0 ** (-np.maximum(quality, LOWEST) / 10.0)
    return np.asarray(np.log(chance / (1.0 - chance)))


def cells_of(reads: AlignedReads) -> np.ndarray:
    """Which parameters every base of the reads has, ``(base, 3)``, cycles and letters as the sequencer saw them."""
    length = np.diff(reads.base_offset).astype(np.int64)
    owner = np.repeat(np.arange(length.size), length)
    at = np.arange(owner.size) - reads.base_offset[:-1].astype(np.int64)[owner]
    reverse = (reads.flag[owner] & _READ_REVERSE) != 0
    cycle = np.where(reverse, length[owner] - 1 - at, at)
    code = reads.base.astype(np.int64)
    step = np.where(reverse, 1, -1)
    before = np.clip(np.arange(owner.size) + step, 0, max(owner.size - 1, 0))
    known = (cycle > 0) & (code < 4) & (code[before] < 4)
    turned = np.where(reverse, 3 - code, code), np.where(reverse, 3 - code[before], code[before])
    context = np.where(known, 4 * turned[1] + turned[0], CONTEXTS - 1)
    quality = np.minimum(reads.quality.astype(np.int64), QUALITIES - 1)
    bins = np.minimum(cycle // CYCLE_BIN, CYCLES - 1)
    return np.stack([quality, STARTS[1] + CYCLES * reverse + bins, STARTS[2] + context], axis=1)
