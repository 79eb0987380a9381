"""What a risk score learns from in the predict panel: a simulated cohort, or genotypes in PLINK or VCF and a sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import io
from genolab.errors import InputError
from genolab.predict.risk import RiskScore

if TYPE_CHECKING:
    import pandas as pd

    from genolab.predict.risk_report import RiskReport
    from genolab.scale import Progress


WHO = "predict panel"


@dataclass(frozen=True)
class Chosen:
    """Genotypes with a trait (NaN where unknown), covariates and the family of each sample.

    ``effects`` and ``prevalence`` are those of a simulation.
    """

    genotypes: Any = field(repr=False)
    samples: np.ndarray = field(repr=False)
    trait: np.ndarray = field(repr=False)
    covariates: Any = field(repr=False)
    families: np.ndarray = field(repr=False)
    effects: np.ndarray | None = field(default=None, repr=False)
    prevalence: float | None = None
    notices: tuple[str, ...] = ()

    def judged(self, model: RiskScore, test: np.ndarray, progress: Progress) -> tuple[RiskReport, pd.DataFrame]:
        """Fit by the samples that are not of the test, judge by those that are; the score of every sample."""
        import pandas as pd

        known = ~np.isnan(self.trait)
        learnt, held = (np.where(part & known, self.trait, np.nan) for part in (~test, test))
        model.fit(self.genotypes, learnt, self.covariates, groups=self.families, progress=progress)
        progress(None, "judging")
        report = model.evaluate(self.genotypes, held, self.covariates, self.prevalence)
        table = pd.DataFrame({
            "sample": self.samples, "family": self.families, "part": np.where(test, "test", "training"),
            "trait": self.trait, "score": model.score_samples(self.genotypes),
            "probability" if model.binary_ else "expected": model.predict(self.genotypes, self.covariates),
        })  # fmt: skip
        table.loc[~known, "part"] = "trait unknown"
        return report, table


def simulated(made: Any) -> Chosen:
    """A simulated cohort (:func:`genolab.data.simulate_cohort`)."""
    names = np.array([f"sample {k + 1}" for k in range(len(made.trait))], object)
    return Chosen(made.dosages, names, made.trait, made.covariates, made.families, made.effects, made.prevalence)


def read_cohort(path: Path, sheet: Path | None, column: str | None) -> tuple[Chosen, list[str]]:
    """Genotypes of a file; the trait is a column of the sheet, or the fam file's. Also the columns it may be.

    Other columns of numbers are covariates; one that is called ``family`` says who is related.
    """
    is_plink = path.suffix == ".bed"
    genotypes: Any = io.read_plink(path) if is_plink else io.read_dosages(path)
    families = genotypes.families if is_plink else genotypes.samples
    trait, covariates, names = genotypes.phenotype if is_plink else None, None, list[str]()
    notices = tuple(genotypes.notices)
    if sheet is not None:
        read = io.read_samples(sheet, genotypes.samples.tolist())
        related = next((name for name in read.columns if name.lower() == "family"), None)
        numbers = {name: values.astype(np.float64) for name, values in read.columns.items()
                   if values.dtype.kind in "iuf" and name != related}  # fmt: skip
        if not numbers:
            raise InputError(WHO, "sheet", "a column of numbers to learn", "none", "Write cases as 1, controls as 0.")
        names = list(numbers)
        trait = numbers.pop(column if column in numbers else names[0])
        covariates = np.column_stack(list(numbers.values())) if numbers else None
        families = families if related is None else read.columns[related].astype(str)
        notices += read.notices
    if trait is None:
        fix = "Name a CSV with the columns sample and trait in the box below; other numbers in it are covariates."
        raise InputError(WHO, "sheet", "a trait for the samples of a VCF", "no sheet", fix)
    chosen = Chosen(genotypes, genotypes.samples, np.asarray(trait, np.float64), covariates, families, notices=notices)
    return chosen, names


def code_of(path: Path, sheet: Path | None, column: str | None, method: str, apart: bool, seed: int) -> str:
    """Plain calls that give the score of a file."""
    reader = "read_plink" if path.suffix == ".bed" else "read_dosages"
    family = "genotypes.families" if path.suffix == ".bed" else "genotypes.samples"
    lines = ["import numpy as np", "import genolab as gl", "", f"genotypes = gl.io.{reader}({str(path)!r})"]
    if sheet is None:
        lines += ["trait, covariates = genotypes.phenotype, None", f"families = {family}"]
    else:
        lines += [
            f"columns = gl.io.read_samples({str(sheet)!r}, genotypes.samples.tolist()).columns",
            f'families = next((held for name, held in columns.items() if name.lower() == "family"), {family})',
            'numbers = {name: held for name, held in columns.items() if held.dtype.kind in "iuf" '
            'and name.lower() != "family"}',
            f"trait = numbers.pop({column!r})",
            "covariates = np.column_stack(list(numbers.values())) if numbers else None",
        ]
    return "\n".join([
        *lines, f"test = gl.predict.held_out({'families' if apart else 'genotypes.samples'}, seed={seed})",
        f"score = gl.predict.RiskScore({method!r}, folds=3, seed={seed})",
        "score.fit(genotypes, np.where(test, np.nan, trait), covariates, groups=families)",
        "report = score.evaluate(genotypes, np.where(test, trait, np.nan), covariates)",
        "print(report, report.deciles)", "",
    ])  # fmt: skip
