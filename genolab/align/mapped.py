"""The results of mapping: counts and where the file is, or, for reads in memory, the places themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from genolab.align.mapping.pairs import InsertSize
    from genolab.io import Region

MOST_LETTERS = 1_000_000
"""Letters of a region whose reads are counted."""
SURE = 20
"""Mapping quality from which a place counts as sure: one in a hundred is wrong."""
SECONDARY, SUPPLEMENTARY = 0x100, 0x800  # of a read's flag


@dataclass(frozen=True)
class Within:
    """Of one region: reads that begin or end in it or reach over it, those that surely lie there, and their mean depth.

    The depth counts a read's whole span on the reference, its deletions as well.
    """

    region: Region
    reads: int
    sure: int
    depth: float


@dataclass(frozen=True, eq=False)
class MappedReads:
    """What became of the reads of a file; they themselves are in ``path``, sorted by position and indexed.

    Attributes
    ----------
    path, sample
        The BAM file, and the sample that it names.
    reads, mapped, sure
        Reads in all, those with a place, and those whose place has a mapping quality of 20 or more.
    pairs, proper_pairs
        Pairs in all, and those whose mates face each other at the expected distance; 0 for single reads.
    supplementary, secondary
        Further records: of reads whose parts lie apart, and of other places that a read may have.
    contigs
        Names and lengths.
    reads_on, letters_on
        Primary alignments on each contig, and the letters of the reference under them.
    qualities
        How many reads have mapping quality 0, 1, ... 60.
    insert_size
        How far apart mates are; None for single reads, and where too few pairs could tell.
    """

    path: Path
    reads_paths: tuple[Path, ...] = field(repr=False)
    reference_path: Path = field(repr=False)
    sample: str
    reads: int
    mapped: int
    sure: int
    pairs: int
    proper_pairs: int
    supplementary: int
    secondary: int
    contigs: dict[str, int] = field(repr=False)
    reads_on: np.ndarray = field(repr=False)
    letters_on: np.ndarray = field(repr=False)
    qualities: np.ndarray = field(repr=False)
    insert_size: InsertSize | None
    options: dict[str, Any] = field(repr=False)
    notices: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        share = f"{self.mapped / self.reads:.1%}" if self.reads else "none"
        pairs = f", {self.proper_pairs:,} of {self.pairs:,} pairs proper" if self.pairs else ""
        return f"<MappedReads: {self.mapped:,} of {self.reads:,} reads mapped ({share}){pairs}, in {self.path.name}>"

    def to_frame(self) -> pd.DataFrame:
        """One row a contig: length, reads, and the mean depth, letters aligned a letter of the contig."""
        import pandas as pd

        lengths = np.fromiter(self.contigs.values(), np.int64, len(self.contigs))
        return pd.DataFrame(
            {
                "contig": list(self.contigs),
                "length": lengths,
                "reads": self.reads_on,
                "depth": self.letters_on / lengths,
            }
        )

    def within(self, region: Region | str) -> Within:
        """Count the primary alignments in a region, ``contig:first-last`` (1-based) as text.

        Raises
        ------
        InputError, FileError
            If the contigs do not have it, it is longer than a million letters, or the file cannot be read.
        """
        from genolab.io import open_alignments, parse_region

        place = parse_region(region, self.contigs, "within")
        if place.length > MOST_LETTERS:
            raise InputError("within", "region", f"at most {MOST_LETTERS:,} letters", f"{place.length:,}")
        with open_alignments(self.path) as file:
            found = file.read(place)
        primary = (found.flag & (SECONDARY | SUPPLEMENTARY)) == 0
        start, end = found.position[primary], found.reference_end[primary]
        letters = np.minimum(end, place.end) - np.maximum(start, place.start)
        sure = int((found.mapping_quality[primary] >= SURE).sum())
        return Within(place, int(primary.sum()), sure, float(letters.sum()) / place.length)

    def report(self, path: str | os.PathLike[str], *, code: str = "") -> Path:
        """Write one HTML file: how many reads have a place and how sure it is, depths, and where all of it is from.

        Raises
        ------
        InputError, FileError
            If the name does not end in .html, or the file cannot be written.
        """
        from genolab.plots import report, report_reads

        return report.write(report_reads.of_mapped(self, code=code), path)

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs with digests, options, kernels and version, as plain data."""
        from genolab.io import digest

        return {
            "genolab": __version__,
            "reads": [{"path": str(path), "digest": digest(path)} for path in self.reads_paths],
            "reference": {"path": str(self.reference_path), "digest": digest(self.reference_path)},
            "sample": self.sample,
            **self.options,
            "kernels": kernels_used(),
        }


@dataclass(frozen=True, eq=False)
class Places:
    """Where reads in memory lie. All arrays have the axis ``read``; of an unmapped read, contig and position are -1.

    Attributes
    ----------
    contig, position, reverse
        Number of the contig, 0-based position of the first aligned letter, whether on the reverse strand.
    mapping_quality, score, edits
        As in the file: MAPQ, AS and NM.
    clipped
        Letters that are not aligned at the left and at the right end, in the reference's direction.
    """

    contigs: tuple[str, ...] = field(repr=False)
    contig: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    reverse: np.ndarray = field(repr=False)
    mapping_quality: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    edits: np.ndarray = field(repr=False)
    clipped: np.ndarray = field(repr=False)
    operations: np.ndarray = field(repr=False)
    first_operation: np.ndarray = field(repr=False)
    operation_count: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return self.position.size

    def __repr__(self) -> str:
        return f"<Places: {int((self.position >= 0).sum()):,} of {len(self):,} reads mapped>"

    @cached_property
    def cigars(self) -> list[str]:
        """The CIGAR of every read, soft clips among it; ``*`` for an unmapped one."""
        texts = []
        clips = self.clipped.tolist()
        for read, (first, count) in enumerate(
            zip(self.first_operation.tolist(), self.operation_count.tolist(), strict=True)
        ):
            runs = self.operations[first : first + count].tolist()
            left, right = (f"{clip}S" if clip else "" for clip in clips[read])
            texts.append(left + "".join(f"{run >> 4}{'MIDNSHP=X'[run & 15]}" for run in runs) + right if runs else "*")
        return texts

    def to_frame(self) -> pd.DataFrame:
        """One row a read; positions 1-based, as in the file."""
        import pandas as pd

        names = np.array([*self.contigs, "*"], dtype=object)
        columns = {
            "contig": names[self.contig], "position": self.position + 1, "reverse": self.reverse,
            "mapping_quality": self.mapping_quality, "score": self.score, "edits": self.edits, "cigar": self.cigars,
        }  # fmt: skip
        return pd.DataFrame(columns)


def kernels_used() -> list[dict[str, str]]:
    """The kernels whose loops map reads."""
    from genolab.align.chaining import chain_anchors
    from genolab.align.pairwise import pairwise_scores
    from genolab.kernel.choice import backend_in_force

    both = (chain_anchors, pairwise_scores)
    return [{"name": each.name, "backend": backend_in_force(None, each.backend)} for each in both]
