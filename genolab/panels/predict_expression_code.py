"""From a file of counts to expression, covariates as numbers, and what the panel shows as plain calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genolab.panels import prepare_source
from genolab.panels.seam import Counts
from genolab.prepare.chain import Step

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from genolab.scale import Progress

_RELATED = ("family", "donor", "patient", "subject", "individual")
_DEFAULTS = {"folds": 5, "share": 0.5, "seed": 0, "shuffle": False}


def prepared_of(source: prepare_source.Source, progress: Progress) -> Counts:
    """A table of a file; counts are filtered and normalised, other numbers brought to logarithms, and that is said."""
    loaded = prepare_source.load(source, progress)
    unit = loaded.chain.start.unit
    steps: list[Step] = []
    if unit.text == "counts":
        steps = [Step("GeneFilter"), Step("TMM", {"log": True})]
    elif unit.linear:
        steps = [Step("Logarithm")]
    done = loaded.chain.run(steps, progress)[-1] if steps else loaded.chain.start
    said = (f"{unit.text}: taken through {', '.join(step.name for step in steps)} first.",) if steps else ()
    code = prepare_source.code_of(source, steps, sheet=True)
    names = tuple(step.name for step in steps)
    return Counts(done.table, source.name, loaded.chain.samples, names, code, (*loaded.notices, *said))


def related_column(sheet: Any) -> Any:
    """The column of a sample table that relatives share, for the leak check; None where it has none."""
    return None if sheet is None else next((each for each in sheet if str(each).lower() in _RELATED), None)


def covariate_table(samples: pd.DataFrame | None, columns: Sequence[str]) -> Any:
    """Columns of a sample table as numbers: words become a column of 0 and 1 for each level but the first."""
    import pandas as pd

    if samples is None or not columns:
        return None
    return pd.get_dummies(samples[list(columns)], drop_first=True).to_numpy(float)


def code_of(counts: Counts, told: Mapping[str, Any], paths: Mapping[str, Path], apart: str) -> str:
    """Plain calls that give the report on screen."""
    lines = counts.code.rstrip("\n").splitlines()
    given = [f"prepared, {told['gene']!r}"]
    if told["covariates"]:
        lines.insert(0, "import pandas as pd")
        chosen = list(told["covariates"])
        lines.append(f"covariates = pd.get_dummies(samples[{chosen!r}], drop_first=True).to_numpy(float)")
        given.append("covariates=covariates")
    if told["cis"]:
        lines.append(f"genes = gl.predict.read_gene_places({str(paths['places'])!r})")
        near = f"{str(paths['genotypes'])!r}, prepared.index, genes, {told['gene']!r}, window={told['window']}"
        lines.append(f"nearby = gl.predict.cis_window({near})")
        given.append("genotypes=nearby")
    if told["split"] != apart:
        given.append(f"groups=samples[{told['split']!r}]")
    if told["related"] is not None:
        given.append(f"related=samples[{told['related']!r}]")
    given += [f"{name}={told[name]!r}" for name, usual in _DEFAULTS.items() if told[name] != usual]
    lines += [f"report = gl.predict.judge_expression({', '.join(given)})", "print(report)", "report.plot()"]
    return "\n".join(lines) + "\n"
