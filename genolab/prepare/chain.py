"""Steps one after the other, with what each made kept: when one is changed, only those after it run again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import prepare
from genolab.errors import GenolabWarning, InputError
from genolab.prepare.checks import checked_table
from genolab.prepare.table import is_anndata, table_of

if TYPE_CHECKING:
    import pandas as pd

KEPT = 6
"""Tables kept besides those of the steps on screen, so that going back to a value costs nothing."""


@dataclass(frozen=True)
class Unit:
    """What the numbers of a table are; on a ``linear`` scale a picture takes their logarithm."""

    text: str
    linear: bool = False

    @property
    def drawn(self) -> str:
        """The label of an axis that they are drawn on."""
        return f"log2({self.text} + 1)" if self.linear else self.text


@dataclass(frozen=True)
class Step:
    """One estimator of :mod:`genolab.prepare` by name, its parameters, and the columns of the sample table it needs.

    ``columns`` goes from the argument's name (``batch``, ``covariates``, ``y``) to the column's.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def estimator(self) -> Any:
        """The estimator, not fitted."""
        return getattr(prepare, self.name)(**self.parameters)

    def arguments(self, samples: pd.DataFrame | None) -> dict[str, Any]:
        """What is given beside the table; refused where a column is not in the sample table."""
        found: dict[str, Any] = {}
        for argument, column in self.columns.items():
            if samples is None or column not in samples.columns:
                have = "no sample table" if samples is None else f"columns {', '.join(map(str, samples.columns))}"
                fix = "Choose another column." if samples is not None else "Give a sample table."
                raise InputError(self.name, argument, "a column of the sample table", f"{column!r}; {have}", fix)
            values = samples[column]
            if values.isna().any() or (values.astype(str) == "").any():
                first = samples.index[values.isna() | (values.astype(str) == "")][0]
                raise InputError(self.name, argument, "known for every sample", f"nothing for {first!r} in {column!r}")
            found[argument] = samples[[column]] if argument == "covariates" else values.to_numpy()
        return found

    def key(self) -> tuple[Any, ...]:
        """What makes its result differ from another's."""
        return (self.name, tuple(sorted(self.parameters.items())), tuple(sorted(self.columns.items())))


@dataclass(frozen=True)
class Done:
    """What came out of a step: the table, the fitted estimator, what it warned of, and what the numbers now are."""

    table: pd.DataFrame = field(repr=False)
    unit: Unit
    estimator: Any = None
    notices: tuple[str, ...] = ()
    size_factor: np.ndarray | None = field(default=None, repr=False)
    """What each sample was divided by, with geometric mean 1, where the step has such a number."""


class StepError(InputError):
    """A step refused its table; ``number`` is its place, from 0."""

    def __init__(self, number: int, error: InputError) -> None:
        self.number = number
        super().__init__(f"step {number + 1}, {error.who}", error.name, error.expected, error.found, error.fix)
        self.who = error.who


class Chain:
    """A table of counts or expression (samples in rows) and the steps that were taken from it."""

    def __init__(self, table: pd.DataFrame, samples: pd.DataFrame | None = None) -> None:
        self.table, self.samples = table, samples
        self.start = Done(table, unit_of(table.to_numpy()))
        self._done: dict[tuple[Any, ...], Done] = {}

    def run(
        self, steps: Sequence[Step], progress: Callable[[float | None, str], object] = lambda _share, _text: None
    ) -> list[Done]:
        """What each step made; those whose steps and parameters are as before are not taken again.

        Raises
        ------
        StepError
            The first step that refuses what the steps before it made.
        """
        made: list[Done] = []
        key: tuple[Any, ...] = ()
        here = self.start
        for number, step in enumerate(steps):
            key = (*key, step.key())
            if key in self._done:
                here = self._done.pop(key)
            else:
                progress(number / len(steps), step.name)
                try:
                    here = take(step, here, self.samples)
                except InputError as error:
                    raise StepError(number, error) from error
            self._done[key] = here  # the newest last
            made.append(here)
        for old in list(self._done)[: -len(steps) - KEPT]:
            del self._done[old]
        return made


def take(step: Step, before: Done, samples: pd.DataFrame | None) -> Done:
    """What a step makes of what came before it."""
    estimator, arguments = step.estimator(), step.arguments(samples)
    with _heard() as said:
        table = estimator.fit_transform(before.table, **arguments)
    constant = getattr(estimator, "constant_", None)
    if constant is not None and constant.any():
        said.append(f"{step.name}: {int(constant.sum()):,} constant genes became 0.")
    size = size_factor_of(estimator, before.table)
    return Done(table, unit_after(estimator, before.unit), estimator, tuple(dict.fromkeys(said)), size)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Inside, our own warnings become sentences; those of others are passed on."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GenolabWarning)
        yield said
    for each in caught:
        if issubclass(each.category, GenolabWarning):
            said.append(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def open_chain(X: Any, samples: pd.DataFrame | None = None, who: str = "Chain") -> tuple[Chain, tuple[str, ...]]:
    """A chain on a table of any kind, and what was noticed; ``samples`` is joined by its index, or a column of names.

    An AnnData object brings its own sample table (``obs``) where none is given.

    Raises
    ------
    InputError
        What :func:`genolab.prepare.checks.checked_table` refuses, or a sample without a row in the sample table.
    """
    with _heard() as heard:
        checked_table(who, X, missing=True)
    said = tuple(each.removeprefix(f"{who}: ") for each in heard)
    if samples is None and is_anndata(X) and len(X.obs.columns):
        samples = X.obs
    table = frame_of(X)
    return Chain(table, None if samples is None else _joined(samples, list(table.index), who)), said


def frame_of(X: Any) -> pd.DataFrame:
    """A table of any kind (NumPy, pandas, sparse, AnnData) as pandas; samples and genes without names get numbers."""
    import pandas as pd

    table = table_of(X)
    rows, genes = table.shape
    names = [f"sample {k + 1}" for k in range(rows)] if table.samples is None else table.samples
    columns = [f"gene {k + 1}" for k in range(genes)] if table.genes is None else table.genes
    return pd.DataFrame(table.dense(), index=[str(name) for name in names], columns=[str(name) for name in columns])


def _joined(samples: pd.DataFrame, names: list[str], who: str) -> pd.DataFrame:
    """The sample table in the order of the samples, by its index or by whichever column holds their names."""
    held = samples.set_axis([str(column) for column in samples.columns], axis=1)
    wanted = set(names)
    candidates = [held.index.astype(str), *(held[column].astype(str) for column in held.columns)]
    best = max(candidates, key=lambda labels: len(wanted & set(labels)))
    if wanted & set(best):
        held = held.set_axis([str(label) for label in best], axis=0)
    elif len(held) == len(names) and list(held.index) == list(range(len(names))):
        return held.set_axis(names, axis=0)  # neither has names: by order
    absent = [name for name in names if name not in set(held.index)]
    if absent or held.index.has_duplicates:
        others = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
        found = f"none for {absent[0]!r}{others}" if absent else "a name that comes twice"
        fix = f"Its rows are named {held.index[0]!r} ...: spell them as in the table of counts."
        raise InputError(who, "samples", "a row for every sample of the counts", found, fix)
    return held.loc[names]


def unit_of(values: np.ndarray) -> Unit:
    """What the numbers of a table seem to be: counts, something normalised but not logarithmic, or logarithms."""
    known = values[np.isfinite(values)]
    if not known.size or known.min() < 0:
        return Unit("expression")
    if (known == np.floor(known)).all():
        return Unit("counts", linear=True)
    return Unit("expression", linear=bool(known.max() > 100))  # no logarithm of an intensity or a count is that large


def unit_after(estimator: Any, before: Unit) -> Unit:
    """What the numbers are after an estimator, which may keep what they were."""
    match type(estimator).__name__:
        case "LogCPM":
            what = "CPM" if estimator.target == 1e6 else f"counts per {estimator.target:,.0f}"
            return Unit(f"{_logarithm(estimator.base)}({what} + {estimator.offset:g})")
        case "Logarithm":
            return Unit(f"{_logarithm(estimator.base)}({before.text} + {estimator.offset:g})")
        case "TMM" | "UpperQuartile":
            what = f"CPM by {'TMM' if isinstance(estimator, prepare.TMM) else 'upper quartile'}"
            return Unit(f"log2({what} + 1)") if estimator.log else Unit(what, linear=True)
        case "MedianOfRatios":
            return Unit("normalised counts", linear=True)
        case "TPM" | "RPKM" as name:
            return Unit(name, linear=True)
        case "VST":
            return Unit("VST (about log2)")
        case "Voom":
            return Unit("log2 CPM")
        case "PearsonResiduals":
            return Unit("Pearson residual")
        case "Scaler":
            kinds = {"z": "z score", "robust": "quartile distances", "minmax": "from 0 to 1", "rank": "normal score"}
            return Unit(kinds[estimator.kind])
    return before


def _logarithm(base: float) -> str:
    return {2.0: "log2", 10.0: "log10", math.e: "ln"}.get(float(base), f"log{base:g}")


def size_factor_of(estimator: Any, table: pd.DataFrame) -> np.ndarray | None:
    """What a fitted estimator divides each sample of its table by, with geometric mean 1; None if by nothing."""
    size = getattr(estimator, "size_factors_", None)
    if size is None:
        within = getattr(estimator, "tmm_", None) or estimator  # voom holds a TMM of its own
        factor = getattr(within, "norm_factors_", None)
        if factor is None and not isinstance(estimator, prepare.LogCPM | prepare.Voom):
            return None
        library = np.maximum(table.to_numpy().sum(axis=1, dtype=np.float64), 1)
        size = library if factor is None else library * factor
    scaled: np.ndarray = size / np.exp(np.log(size).mean())
    return scaled


def code(steps: Sequence[Step], start: str = "counts") -> list[str]:
    """Plain calls that take the same steps from a table called ``start``, a line each; the result is ``prepared``."""
    lines, here = [], start
    for step in steps:
        defaults = getattr(prepare, step.name)().get_params()
        given = [f"{name}={value!r}" for name, value in step.parameters.items() if value != defaults.get(name)]
        extra = [
            f"{name}=samples[[{column!r}]]" if name == "covariates" else f"{name}=samples[{column!r}]"
            for name, column in step.columns.items()
        ]
        lines.append(
            f"prepared = gl.prepare.{step.name}({', '.join(given)}).fit_transform({', '.join([here, *extra])})"
        )
        here = "prepared"
    return lines or [f"prepared = {start}"]
