"""What a panel tells the lab that holds it, and what the lab asks of a panel.

Every panel has ``body``, ``bar`` (a :class:`~genolab.panels.parts.StatusBar`), ``place`` (what it shows, in words),
``code`` (plain calls), ``wait(seconds)`` and ``cancel()``. The rest is optional; the lab looks for it by name:

``on_graph(kernel)``, ``on_reads(bam, reference)``, ``on_variants(calls)``, ``on_counts(counts)``
    Attributes that the lab sets to a function: called, they bring the graph, Call or Predict to the front with that.
``open_variants(calls)``, ``open_counts(counts)``
    Methods of the panel that takes what another one hands over.
``handed()``, ``on_need_counts()``
    The :class:`Counts` that Prepare has made; an attribute that the lab sets to a function that waits for them.
``on_select``, ``speaks_of``, ``follow(selection)``
    The one selection: the panel calls `on_select` with what was chosen in it, of the parts it ``speaks_of``; `follow`
    shows what was chosen elsewhere, and does nothing where that has no meaning in the panel.
``held()``
    The :class:`Held` things that the shelf lists.
``takes``, ``take(kind, path, reference)``
    The kinds of files that the panel opens, and the method that does so.
``renew()``
    Reads what the boxes name where that is not what was read: a session asks for it once it has moved them.
``view_state()``, ``set_view_state(state)``
    Windows, marks and open views as plain data, for a session; what was looked at may be gone, then nothing happens.
``results()``
    Arrays by name, for a session: what was computed, so that another machine can tell whether it computes the same.
``report()``
    The :class:`~genolab.plots.report.Section` list of a report.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SUFFIXES = {
    "reads": (".bam", ".cram", ".sam"),
    "variants": (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf"),
    "raw reads": (".fq", ".fastq", ".fq.gz", ".fastq.gz"),
    "sequences": (".fa", ".fasta", ".fna", ".faa", ".fa.gz", ".fasta.gz", ".fna.gz", ".faa.gz", ".fa.bgz"),
    "counts": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".mtx", ".mtx.gz", ".h5", ".h5ad"),
    "model": (".model", ".safetensors"),
}
"""The kind of a file by the end of its name."""


@dataclass(frozen=True)
class Held:
    """One thing that a panel has loaded or made. ``text`` is what the panel's box says where it names the file."""

    kind: str
    name: str
    path: Path | None = None
    about: str = ""
    text: str = ""


@dataclass(frozen=True)
class Counts:
    """A table of expression (pandas, samples in rows), its sample table (or None) and the steps that made it.

    ``code`` makes it as ``prepared``, and ``samples`` where there is a sample table.
    """

    table: Any = field(repr=False)
    name: str
    samples: Any = field(repr=False)
    steps: tuple[str, ...]
    code: str = field(repr=False)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """What is chosen everywhere: a region (``contig:first-last``, 1-based), gene and sample; empty where nothing is."""

    region: str = ""
    gene: str = ""
    sample: str = ""

    def with_(self, **changed: str) -> Selection:
        """The same with something else chosen."""
        return replace(self, **changed)


def kind_of(path: Path) -> str:
    """The kind of a file by the end of its name; empty where it is none that a panel opens."""
    name = path.name.lower()
    return next((kind for kind, ends in SUFFIXES.items() if name.endswith(ends)), "")
