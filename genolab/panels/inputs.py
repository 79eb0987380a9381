"""The boxes for files and region: paths with completion inside the allowed folders, or an example from the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets

from genolab.panels import parts
from genolab.panels.paths import LOOK, Allowed, complete, path_box, short
from genolab.panels.source import READS, REFERENCES, VARIANTS, Choice, Loaded, Source, choices

ALL_SAMPLES = "all together"


class Inputs:
    """Reads, reference and region in sight (`main`), of several samples which one too; truth and ploidy in the fold.

    `on_ready` is called when there is something new to read: an example was chosen, or a region was entered.
    """

    def __init__(self, allowed: Allowed, on_ready: Callable[[], None], ploidy: int = 2) -> None:
        self.allowed, self.on_ready = allowed, on_ready
        self.choices = {choice.label: choice for choice in choices()}
        self.reads = path_box(
            "reads", "an example, or BAM, CRAM or SAM files; several are parted by ;", "example or path"
        )
        self.reads.options = tuple(self.choices)
        self.reference = path_box("reference", "the FASTA file that the reads were mapped to", "path of a FASTA file")
        self.region = ipywidgets.Text(
            description="region",
            placeholder="chr20:10,000,001-10,100,000",
            tooltip="contig:first-last, counted from 1; empty takes the first stretch with reads",
            continuous_update=False,
            **LOOK,
        )
        self.truth = path_box(
            "truth", "a VCF or BCF of known variants to compare with; may stay empty", "path of a VCF"
        )
        self.sample = ipywidgets.Dropdown(
            description="sample", options=[ALL_SAMPLES], tooltip="whose reads are in the picture", **LOOK
        )
        self.sample.layout.display = "none"
        self.ploidy = ipywidgets.Dropdown(
            description="ploidy", options=[1, 2, 3, 4, 5, 6], value=ploidy, tooltip="copies of each chromosome", **LOOK
        )
        self.main = [self.reads, self.sample, self.reference, self.region]
        self.more = [self.truth, self.ploidy]
        self._filled: Loaded | None = None
        self._quiet = False
        for box, suffixes in ((self.reads, READS), (self.reference, REFERENCES), (self.truth, VARIANTS)):
            complete(box, allowed, suffixes, tuple(self.choices) if box is self.reads else (), lambda: self._quiet)
        self.reads.observe(self._reads_changed, "value")
        for each in (self.region, self.sample, self.ploidy):
            each.observe(self._entered, "value")

    def choice(self) -> Choice | None:
        """The example that the reads' box names, if it names one."""
        return self.choices.get(self.reads.value)

    def source(self) -> Source:
        """What the boxes say, each path checked; call it in a job: an example may have to be fetched."""
        choice, filled = self.choice(), self._filled
        same = filled is not None and self.reads.value == self._shown
        region = self.region.value if same or self.region.value != self._region_shown else ""
        if choice is not None:
            found = choice.source()
            truth = self._optional(self.truth.value) if same else found.truth
            region = region or found.region
            return replace(found, region=region, truth=truth, sample=self._sample() if same else None)
        parts = [part for part in self.reads.value.split(";") if part.strip()]
        reads, *more = [self.allowed.check(part.strip(), "reads") for part in parts or [self.reads.value]]
        reference = self.allowed.check(self.reference.value, "reference")
        truth_text = self.truth.value if same or self.truth.value != self._truth_shown else ""
        sample, truth = self._sample() if same else None, self._optional(truth_text)
        return Source(reads, reference, region, sample, truth, more=tuple(more))

    def name(self, reads: str, reference: str, region: str, truth: str) -> None:
        """Write files into the boxes without starting anything."""
        self._quiet = True
        try:
            self.reads.value, self.reference.value = reads, reference
            self.region.value, self.truth.value = region, truth
        finally:
            self._quiet = False

    def fill(self, loaded: Loaded, reads: str) -> None:
        """Write what was read into the boxes; `reads` is what the reads' box said when it was asked for."""
        source = loaded.source
        self.allowed.add([source.reads, *source.more, source.reference, source.truth])
        self._quiet = True
        try:
            self._filled, self._shown = loaded, reads
            self.reference.value = short(source.reference)
            self.region.value = self._region_shown = str(loaded.region)
            self.truth.value = self._truth_shown = "" if source.truth is None else short(source.truth)
            several = len(loaded.samples) > 1
            names = parts.choices(loaded.samples)
            self.sample.options = names if several else [(ALL_SAMPLES, ALL_SAMPLES)]
            self.sample.value = source.sample if several and source.sample else self.sample.options[0][1]
            self.sample.layout.display = "flex" if several else "none"
        finally:
            self._quiet = False

    _shown = _region_shown = _truth_shown = ""

    def _sample(self) -> str | None:
        return None if self.sample.value == ALL_SAMPLES else self.sample.value

    def _optional(self, text: str) -> Path | None:
        return self.allowed.check(text, "truth") if text.strip() else None

    def _reads_changed(self, _change: Any) -> None:
        if not self._quiet and self.choice() is not None:
            self.on_ready()

    def _entered(self, _change: Any) -> None:
        if not self._quiet and self._filled is not None:
            self.on_ready()
