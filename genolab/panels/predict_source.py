"""What the predict panel was asked for: its boxes for data, target and split, and the way from there to a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import data, io
from genolab.errors import InputError
from genolab.panels.parts import choices
from genolab.panels.paths import LOOK, Allowed, complete, path_box, short
from genolab.panels.prepare_source import SHEETS, TABLES
from genolab.panels.prepare_source import Source as CountSource
from genolab.predict.study import Study, make_study

if TYPE_CHECKING:
    from genolab.scale import Progress

WHO = "predict panel"
MOST = 60_000
"""Sequences that the panel holds; more are trained from Python or the command line."""
SEQUENCES, EXPRESSION, RISK = WHAT = ("sequences", "expression", "disease risk")
"""What is predicted."""
HANDED = "Counts from Prepare"
"""What the box says of a table that the prepare panel handed over."""
COHORTS = {"Cohort, simulated: a trait": False, "Cohort, simulated: a disease": True}
GENOTYPES = (".bed", ".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
"""Files that hold a cohort."""
FIRST = "splice"
_SPLITS = {"splice": "similarity", "promoters": "similarity"}
"""Of the examples; the others are variants of one sequence, of which no split keeps relatives apart."""
NET = {"promoters": "positional", "splice": "basset", "sortseq": "positional", "mpsa": "positional"}
"""The architecture that an example begins with."""


@dataclass(frozen=True)
class Source:
    """A table of sequences, by path or example, or a table that was handed over; how it is divided."""

    table: Path | None = None
    example: str | None = None
    target: str | None = None
    split: str = "similarity"
    seed: int = 0
    given: Any = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What the panel calls it."""
        return self.example or (self.table.name if self.table is not None else "your sequences")


@dataclass(frozen=True)
class Loaded:
    """A source in memory and divided; ``columns`` are those of the table that sequences may be grouped by."""

    source: Source
    study: Study
    columns: tuple[str, ...]
    notices: tuple[str, ...]


def load(source: Source, progress: Progress) -> Loaded:
    """Read a source, divide it, and look for leaks."""
    progress(None, "reading")
    if source.table is None:
        sequences, labels, columns = source.given
        read = io.LabelledSequences(Path("."), tuple(sequences), labels, columns=columns)
    else:
        read = io.read_labelled(source.table, source.target)
    if len(read) > MOST:
        fix = "Train from Python, with gl.predict.make_study, or with `genolab train`."
        raise InputError(WHO, "data", f"at most {MOST:,} sequences", f"{len(read):,}", fix)
    known = {name.lower(): held for name, held in read.columns.items()}
    groups = None if source.split in ("random", "similarity") else known.get(source.split.lower())
    progress(None, "looking for leaks")
    study = make_study(read.sequences, read.labels, split=source.split, groups=groups, seed=source.seed)
    unknown = study.bases.ambiguous
    notices = (f"{unknown:,} letters are no A, C, G or T: they add nothing.",) if unknown else ()
    return Loaded(source, study, tuple(read.columns), notices)


def leak_words(study: Study) -> tuple[str, str, list[str]]:
    """What the leak check found: a sentence, its tone, and lines that unfold."""
    leaks = study.leaks
    if not len(leaks):
        part = "" if leaks.checked == leaks.tested else f" ({leaks.checked:,} compared by words)"
        short_ones = "" if leaks.word else " Under 16 bases only identity can be checked."
        return f"no relative of the {leaks.tested:,} test sequences{part} among the others.{short_ones}", "plain", []
    kinds = [f"{number:,} {kind}" for kind, number in leaks.counts().items() if number]
    said = f"{100 * leaks.share:.0f} % of the test sequences have a relative in training. The scores flatter the model."
    frame = leaks.to_frame().head(8)
    lines = [*kinds, *(f"test {row.test:,} ~ {row.train:,}: {row.kind}" for row in frame.itertuples())]
    return said, "warning", lines


class Inputs:
    """Boxes for data, target and split. `on_ready` is called when another one was chosen."""

    def __init__(self, allowed: Allowed, on_ready: Callable[[], None]) -> None:
        self.allowed, self.on_ready, self._quiet = allowed, on_ready, False
        self._handed: Source | None = None
        self.examples = {entry.title: entry.name for entry in data.examples("labelled")}
        self.counts = {entry.title: entry.name for entry in data.examples("counts")}
        self.what = ipywidgets.Dropdown(
            description="predict", options=WHAT, **LOOK, tooltip="sequences: a class or a number of each (activity of "
            "promoters too)\nexpression: one gene of each sample, from other genes or genotypes nearby\n"
            "disease risk: a trait or disease of each person, from genotypes",
        )  # fmt: skip
        about = "an example, or a file\nsequences: a CSV with the columns sequence and label\nexpression: counts (CSV, "
        about += "TSV, MatrixMarket, 10x, .h5ad), or what Prepare handed over\nrisk: genotypes (PLINK bed, VCF, BCF)"
        self.data = path_box("data", about, "example or path")
        self.target = ipywidgets.Dropdown(
            description="target", options=["label"], tooltip="the column to predict", **LOOK
        )  # fmt: skip
        self.split = ipywidgets.Dropdown(
            description="split", options=["similarity", "random"], tooltip="what is kept together, so that no test "
            "sequence has a relative in training:\nsimilarity: sequences that share words\nrandom: nothing\n"
            "a column of the table: its groups (chromosome, family, ...)", **LOOK,
        )  # fmt: skip
        self.seed = ipywidgets.BoundedIntText(
            value=0, min=0, max=9_999, description="seed", **LOOK,
            tooltip="of split, weights and batches: the same seed gives the same model",
        )  # fmt: skip
        every = (*self.examples, *self.counts, HANDED, *COHORTS)
        self.data.options = every
        complete(self.data, allowed, (*TABLES, *GENOTYPES), every, lambda: self._quiet)
        for each in (self.what, self.data, self.target, self.split, self.seed):
            each.observe(self._changed, "value")

    @property
    def is_cohort(self) -> bool:
        """Whether a cohort is chosen."""
        return self.what.value == RISK

    @property
    def is_expression(self) -> bool:
        """Whether a table of expression is chosen."""
        return self.what.value == EXPRESSION

    @property
    def is_file_of_counts(self) -> bool:
        """Whether a file of expression is named, and no example or table from Prepare."""
        return self.is_expression and self.data.value != HANDED and self.data.value not in self.counts

    @property
    def is_file_of_genotypes(self) -> bool:
        """Whether the cohort is a file's, and not simulated."""
        return self.data.value.strip().lower().endswith(GENOTYPES)

    def source(self) -> Source:
        """What the boxes say, each path checked."""
        target = None if self.target.value in ("label", "value") else self.target.value
        rest = {"target": target, "split": self.split.value, "seed": self.seed.value}
        if self._handed is not None and self.data.value == self._handed.name:
            return Source(given=self._handed.given, **rest)
        name = self.examples.get(self.data.value)
        if name is not None:
            return Source(data.example(name).table, name, **rest)  # type: ignore[attr-defined]
        return Source(self.allowed.check(self.data.value, "data"), **rest)

    def counts_source(self, genes: str) -> CountSource:
        """The table of expression that the box names, its path checked; its sample sheet where it is an example.

        ``genes`` says where they are in a file of one's own: in rows or columns.
        """
        name = self.counts.get(self.data.value)
        if name is not None:
            found = data.example(name)
            assert isinstance(found, data.CountExample)
            return CountSource(found.counts, found.samples, example=name)
        return CountSource(self.allowed.check(self.data.value, "data"), genes=genes)

    def name_counts(self, path: Path) -> None:
        """Name a file of counts; nothing starts."""
        self._set(self.what, EXPRESSION)
        self._set(self.data, short(path))

    def hand_counts(self) -> None:
        """Say that a table of expression was handed over; nothing starts."""
        self._set(self.what, EXPRESSION)
        self._set(self.data, HANDED)

    def hand(self, given: Any, split: str) -> None:
        """Name sequences that were handed over; nothing starts."""
        self._handed = Source(given=given)
        self._set(self.what, SEQUENCES)
        self._set(self.data, self._handed.name)
        self.offer(("label", *given[2]), tuple(given[2]), split)

    def name(self, text: str, split: str) -> None:
        """Write a file into the box without starting anything."""
        self._set(self.what, SEQUENCES)
        self._set(self.data, short(text) if text not in self.examples else text)
        self.offer(("label",), (), split)

    def offer(self, targets: tuple[str, ...], columns: tuple[str, ...], split: str | None = None) -> None:
        """Say which targets and groups the table has."""
        chosen = split or self.split.value
        splits = ["similarity", "random", *columns]
        if chosen not in splits:
            splits.append(chosen)
        self._set(self.split, chosen, splits)
        target = self.target.value if self.target.value in targets else targets[0]
        self._set(self.target, target, list(targets))

    def _set(self, widget: Any, value: Any, options: Any = None) -> None:
        was, self._quiet = self._quiet, True
        try:
            if options is not None and tuple(choices(options)) != tuple(widget.options):
                widget.options = choices(options)
            widget.value = value
        finally:
            self._quiet = was

    def _changed(self, change: Any) -> None:
        if self._quiet:
            return
        if change["owner"] is self.what:
            first = {SEQUENCES: [*self.examples], EXPRESSION: [*self.counts], RISK: [*COHORTS]}[change["new"]]
            if not self.data.value.strip() or self._what_of(self.data.value) != change["new"]:
                self._set(self.data, first[0])
        if change["owner"] in (self.what, self.data):
            value = self.data.value
            if not value.strip():
                return
            self._set(self.what, self._what_of(value))
            if value in self.examples:
                self.offer(("label",), (), _SPLITS.get(self.examples[value], "random"))
        self.on_ready()

    def _what_of(self, value: str) -> str:
        """What the data of a name are for; a table may be of sequences or of counts, as was chosen."""
        text = value.strip().lower()
        if value in COHORTS or text.endswith(GENOTYPES):
            return RISK
        if value in self.counts or value == HANDED or (text.endswith(TABLES) and not text.endswith(SHEETS)):
            return EXPRESSION
        known = value in self.examples or (self._handed is not None and value == self._handed.name)
        return SEQUENCES if known or self.what.value == RISK else str(self.what.value)
