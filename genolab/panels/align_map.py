"""Map reads from the align panel: FASTQ and a reference in, a sorted and indexed BAM out, shown in the call panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from genolab.align import MappedReads, map_reads
from genolab.errors import GenolabError, InputError
from genolab.panels.page import Facts
from genolab.panels.parts import Listener, button
from genolab.panels.paths import Allowed, complete, path_box
from genolab.scale import Latest, Progress

READS = (".fq", ".fastq", ".fq.gz", ".fastq.gz")
REFERENCES = (".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz", ".fa.bgz")
_WHO = "align panel"


class MapPart(ipywidgets.VBox):
    """Boxes for reads, mates, reference and the file to write. `on_open(bam, reference)` shows the result."""

    def __init__(self, allowed: Allowed, listener: Listener) -> None:
        self.allowed = allowed
        self.on_open: Callable[[Path, Path], None] | None = None
        self.on_sample: Callable[[str], None] = lambda _name: None
        self.mapped: MappedReads | None = None
        self.region = self.sample = ""
        self._rows: list[tuple[str, str]] = []
        self.queue, self.counting = Latest(listener), Latest()
        self.reads = path_box("reads", "a FASTQ file, plain or gzipped", "path of a FASTQ file")
        self.mates = path_box("mates", "the FASTQ file of the mates; may stay empty", "path, for paired reads")
        self.reference = path_box("reference", "the FASTA file to map to", "path of a FASTA file")
        self.output = path_box("write to", "the BAM file to write, with its index; it must not exist", "path.bam")
        for box, suffixes in (
            (self.reads, READS),
            (self.mates, READS),
            (self.reference, REFERENCES),
            (self.output, (".bam",)),
        ):
            complete(box, allowed, suffixes)
        self.facts = Facts()
        self.start = button("Map", "map the reads, in the background", self.map)
        self.opener = button("Open in Call", "coverage, reads and calls of the file", self._open)
        self.opener.layout.display = "none"
        buttons = ipywidgets.HBox([self.start, self.opener]).add_class("genolab-buttons")
        super().__init__([self.reads, self.mates, self.reference, self.output, buttons, self.facts])

    def map(self) -> None:
        """Map what the boxes name; progress and cancel are in the status line."""
        texts = self.reads.value, self.mates.value, self.reference.value, self.output.value

        def work(progress: Progress) -> None:
            reads, mates, reference, output = texts
            first = self.allowed.check(reads, "reads")
            given: Any = (first, self.allowed.check(mates, "mates")) if mates.strip() else first
            fasta, target = self.allowed.check(reference, "reference"), self.allowed.check(output, "write to")
            if target.suffix != ".bam":
                raise InputError(_WHO, "write to", "a name that ends in .bam", repr(target.name))
            if target.exists():
                raise InputError(_WHO, "write to", "a file that does not exist", target.name, "Choose another name.")
            self._show(map_reads(given, fasta, target, progress=progress))

        self.opener.layout.display = "none"
        self.queue.submit(work, name="map")

    def _show(self, mapped: MappedReads) -> None:
        self.mapped = mapped
        self.allowed.add([mapped.path, mapped.reference_path])
        rows = [("reads", f"{mapped.reads:,}"), ("mapped", _share(mapped.mapped, mapped.reads))]
        rows.append(("sure", _share(mapped.sure, mapped.reads)))
        if mapped.pairs:
            rows.append(("proper pairs", _share(mapped.proper_pairs, mapped.pairs)))
        self._rows = [*rows, ("file", mapped.path.name)]
        self.facts.show(self._rows)
        self.on_sample(mapped.sample)
        self.follow(self.region, mapped.sample)
        self.opener.layout.display = "flex" if self.on_open is not None else "none"

    def follow(self, region: str, sample: str) -> None:
        """Say how many of the reads lie in a region that was chosen, and whether the sample that was is theirs."""
        self.region, self.sample = region, sample
        mapped = self.mapped
        if mapped is None:
            return

        def work(_progress: Progress) -> None:
            theirs = f"{mapped.sample} (chosen)" if mapped.sample == sample else mapped.sample
            rows = [("sample", theirs), *self._rows]
            try:
                found = mapped.within(region) if region else None
            except GenolabError:  # another file's contig, or too much to count
                found = None
            if found is not None:
                rows += [("in", str(found.region)), ("reads there", f"{found.reads:,}")]
                rows += [("sure there", _share(found.sure, found.reads)), ("mean depth", f"{found.depth:.1f}")]
            self.facts.show(rows)

        self.counting.submit(work, name="count")

    def _open(self) -> None:
        if self.mapped is not None and self.on_open is not None:
            self.on_open(self.mapped.path, self.mapped.reference_path)


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else "0"
