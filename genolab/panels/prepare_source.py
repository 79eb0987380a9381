"""Which table the prepare panel was asked for, its boxes, the way from there to a chain of steps, and its code."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import data, io
from genolab.errors import FileError, InputError
from genolab.panels.paths import LOOK, Allowed, complete, path_box, short
from genolab.prepare.chain import Chain, Step, code, open_chain

if TYPE_CHECKING:
    from genolab.scale import Progress

SHEETS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
TABLES = (*SHEETS, ".mtx", ".mtx.gz", ".h5", ".h5ad")
MOST_VALUES = 20_000_000
"""Values of a table that the panel holds: each step keeps its own, so that a slider answers at once."""
GENES = {"in rows": "rows", "in columns": "columns"}
WHO = "prepare panel"


@dataclass(frozen=True)
class Source:
    """A file (or example) with its sample sheet, or tables that were handed over."""

    counts: Path | None = None
    samples: Path | None = None
    genes: str = "rows"
    example: str | None = None
    table: Any = field(default=None, repr=False)
    sheet: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What the panel calls it."""
        return self.example or (self.counts.name if self.counts is not None else "your table")


@dataclass(frozen=True)
class Loaded:
    """A source in memory, with what was noticed while reading."""

    source: Source
    chain: Chain
    notices: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the sample table."""
        return () if self.chain.samples is None else tuple(self.chain.samples.columns)

    def first_steps(self) -> list[Step]:
        """The steps to begin with: for an example with its batches taken out; for logarithms of one's own, none."""
        counts = self.chain.start.unit.text == "counts"
        steps = [Step("GeneFilter"), Step("TMM", {"log": True})] if counts else []
        if self.source.example is not None and "batch" in self.columns:
            kept = next((each for each in self.columns if each in ("condition", "cancer")), None)
            steps.append(Step("ComBat", {}, {"batch": "batch", **({"covariates": kept} if kept else {})}))
        return steps

    def first_colour(self) -> str:
        """The column to colour by at first."""
        return next((each for each in self.columns if "batch" in each.lower()), self.columns[0] if self.columns else "")


def load(source: Source, progress: Progress) -> Loaded:
    """Read a source; a large table is refused, for the panel keeps one table per step."""
    if source.counts is None:
        sheet = source.sheet
        if isinstance(sheet, str | os.PathLike):
            sheet = io.read_samples(sheet).to_frame()
        if getattr(source.table, "ndim", 2) == 2 and hasattr(source.table, "shape"):
            _check_size(*source.table.shape)
        chain, notices = open_chain(source.table, sheet, WHO)
        return Loaded(source, chain, notices)
    progress(None, "reading")
    read = io.read_counts(source.counts, source.genes)
    _check_size(*read.values.shape)
    notices, sheet = read.notices, None
    if source.samples is not None:
        progress(None, "reading the samples")
        sheet = _sheet(source, read)
        notices += sheet.notices
    table = read.to_frame()
    known = sheet.to_frame() if sheet is not None else None
    if known is None and read.sample_columns:  # some files bring what is known of their samples
        known = table.iloc[:, :0].assign(**read.sample_columns)
    chain, said = open_chain(table, known, WHO)
    return Loaded(source, chain, (*notices, *said))


def _sheet(source: Source, read: io.CountTable) -> io.SampleSheet:
    assert source.samples is not None
    names = [str(name) for name in read.samples]
    try:
        return io.read_samples(source.samples, names)
    except FileError:
        listed = {str(name) for name in io.read_samples(source.samples).samples}
        if len(listed & {str(name) for name in read.genes}) > len(listed & set(names)):
            other = "in columns" if source.genes == "rows" else "in rows"
            found = f"samples {'in rows' if source.genes == 'rows' else 'in columns'}, by the sample sheet"
            raise InputError(WHO, "genes", other, found, f"Set genes to {other}.") from None
        raise


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > MOST_VALUES:
        fix = "Prepare it from Python with gl.prepare, or choose fewer genes."
        found = f"{rows:,} x {columns:,}"
        raise InputError(WHO, "counts", f"a table of at most {MOST_VALUES:,} values, for sliders to answer", found, fix)


class Inputs:
    """The boxes for counts and sample sheet, and where the genes are; `on_ready` is called when one was chosen."""

    def __init__(self, allowed: Allowed, on_ready: Callable[[], None]) -> None:
        self.allowed, self.on_ready = allowed, on_ready
        self.examples = {entry.title: entry.name for entry in data.examples("counts")}
        self.counts = path_box("counts", "an example; or CSV, TSV, MatrixMarket, 10x or .h5ad", "example or path")
        self.counts.options = tuple(self.examples)
        self.samples = path_box("samples", "a CSV or TSV file with a row per sample; may be empty", "path of a CSV")
        self.genes = ipywidgets.Dropdown(
            description="genes",
            options=list(GENES.items()),
            tooltip="where the genes are in the file of counts",
            **LOOK,
        )
        self.main = [self.counts, self.samples, self.genes]
        self._quiet = False
        self._handed: Source | None = None
        complete(self.counts, allowed, TABLES, tuple(self.examples), lambda: self._quiet)
        complete(self.samples, allowed, SHEETS, (), lambda: self._quiet)
        self.counts.observe(self._chosen, "value")
        self.genes.observe(self._entered, "value")

    def source(self) -> Source:
        """What the boxes say, each path checked."""
        if self._handed is not None and self.counts.value == self._handed.name:
            return self._handed
        name = self.examples.get(self.counts.value)
        if name is not None:
            found = data.example(name)
            assert isinstance(found, data.CountExample)
            return Source(found.counts, found.samples, example=name)
        samples = self.allowed.check(self.samples.value, "samples") if self.samples.value.strip() else None
        return Source(self.allowed.check(self.counts.value, "counts"), samples, self.genes.value)

    def hand(self, source: Source) -> None:
        """Name tables that were handed over; nothing starts."""
        self._handed = source
        self.name(source.name, "")

    def name(self, counts: str, samples: str) -> None:
        """Write files into the boxes without starting anything."""
        self._quiet = True
        try:
            self.counts.value, self.samples.value = counts, samples
        finally:
            self._quiet = False

    def set_genes(self, genes: str) -> None:
        """Say where the genes are; nothing starts."""
        self._quiet = True
        try:
            self.genes.value = genes
        finally:
            self._quiet = False

    def fill(self, source: Source) -> None:
        """Say which files an example has."""
        if source.samples is not None and source.example is not None and self._names(source.example):
            self._quiet = True
            try:
                self.samples.value, self.genes.value = short(source.samples), "rows"
            finally:
                self._quiet = False

    def _names(self, example: str) -> bool:
        """Whether the box still names an example: another file may have been named while it was read."""
        return self.examples.get(self.counts.value) == example

    def _chosen(self, change: Any) -> None:
        if not self._quiet and change["new"] in self.examples:
            self.on_ready()

    def _entered(self, _change: Any) -> None:
        if not self._quiet and self.counts.value and self.counts.value not in self.examples:
            self.on_ready()


def source_of(counts: Any, samples: Any, genes: str) -> Source:
    """What the author of a notebook handed over: paths, or tables in memory."""
    if isinstance(counts, str | os.PathLike):
        sheet = None if samples is None else Path(samples)
        return Source(Path(counts), sheet, genes)
    return Source(table=counts, sheet=samples)


def code_of(source: Source, steps: Sequence[Step], sheet: bool = False) -> str:
    """Plain calls that prepare the same table; with ``sheet`` the sample table is read where no step needs it too."""
    lines = ["import genolab as gl", ""]
    needs = any(step.columns for step in steps) or (sheet and source.samples is not None)
    if source.counts is None:
        lines.append("# `counts` (and `samples`) are the tables that the panel was given")
    else:
        counts, samples = repr(str(source.counts)), repr(str(source.samples))
        if source.example is not None:
            lines.append(f"example = gl.data.example({source.example!r})")
            counts, samples = "example.counts", "example.samples"
        where = "" if source.genes == "rows" else f", genes={source.genes!r}"
        lines.append(f"counts = gl.io.read_counts({counts}{where}).to_frame()")
        if needs:
            lines.append(f"samples = gl.io.read_samples({samples}, counts.index).to_frame()")
    return "\n".join([*lines, *code(steps)]) + "\n"
