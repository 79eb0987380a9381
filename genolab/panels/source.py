"""What the call panel was asked to read, and the way from there to calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genolab import data, io
from genolab.call import JointCalls, Thresholds, VariantCalls, call_variants, collect, genotype
from genolab.errors import FileError, GenolabError, TooLargeError
from genolab.io import Alignments, Region
from genolab.panels import many
from genolab.plots.sites import read_truth

if TYPE_CHECKING:
    from genolab.io import Variants
    from genolab.scale import Progress

MOST_READS = 200_000
"""Reads kept in memory so that sliders answer at once; a region with more is called tile by tile."""
LONGEST = 1_000_000
"""Positions taken as small where the index cannot tell how many reads there are (CRAM, SAM)."""
READS = (".bam", ".cram", ".sam")
REFERENCES = (".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz", ".fa.bgz")
VARIANTS = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")


@dataclass(frozen=True)
class Source:
    """What a panel was asked to show. ``example`` is the registry's name and the sample's number, where it is one."""

    reads: Path
    reference: Path
    region: str = ""
    sample: str | None = None
    truth: Path | None = None
    example: tuple[str, int] | None = None
    more: tuple[Path, ...] = ()  # files of further samples, called together with the first


@dataclass(frozen=True)
class Choice:
    """One sample of an example, or all together, as the list of reads offers it."""

    label: str
    name: str
    number: int = 0
    together: bool = False

    def source(self) -> Source:
        """Its files; fetched, if it does not ship and is not here yet."""
        found = data.example(self.name)
        reads = found.all_reads[self.number]
        more = found.all_reads[1:] if self.together else ()
        return Source(reads, found.reference, found.region, None, found.truth, (self.name, self.number), more)


def choices() -> list[Choice]:
    """The examples, each sample of its own; nothing is fetched."""
    offered = []
    for entry in data.examples("reads"):
        names = [path.name.split(".")[0] for path in data.example(entry.name).all_reads] if entry.shipped else [""]
        if len(names) > 1:
            offered.append(Choice(f"{entry.title.partition(',')[0]}, {len(names)} together", entry.name, together=True))
        for number, name in enumerate(names):
            title = entry.title if len(names) == 1 else f"{entry.title.partition(',')[0]}, {name}"
            offered.append(Choice(title, entry.name, number))
    return offered


@dataclass(frozen=True)
class Loaded:
    """A source with its calls. ``live`` if the reads are in memory, so that sliders answer at once."""

    source: Source
    region: Region
    calls: VariantCalls
    truth: Variants | None
    samples: tuple[str, ...]
    notices: tuple[str, ...]
    too_large: TooLargeError | None = None  # why the truth is not read until it is asked for once more
    joint: JointCalls | None = None  # where there are several samples; `calls` are then those of one of them

    @property
    def empty(self) -> bool:
        """Whether there are no reads at all."""
        return self.calls.evidence is not None and not len(self.calls.evidence.pileup.reads)

    @property
    def live(self) -> bool:
        """Whether the reads are in memory."""
        return self.calls.evidence is not None


def load(
    source: Source,
    thresholds: Thresholds,
    ploidy: int,
    progress: Progress,
    most_reads: int = MOST_READS,
    backend: str | None = None,
) -> Loaded:
    """Read a source and call it: a small region into memory, a large one tile by tile with progress and cancel."""
    progress(None, "reading")
    io.first_look(source.reads, source.reference)
    with io.open_alignments(source.reads, source.reference) as alignments:
        notices: list[str] = []
        region = _region(alignments, source.region, notices)
        expected = alignments.estimate(region)
        samples = alignments.samples
    small = region.length <= LONGEST and (expected is None or expected * (1 + len(source.more)) <= most_reads)
    joint = None
    if source.more or len(samples) > 1:
        joint = many.call_together(source, region, thresholds, ploidy, progress, small, backend)
        calls, samples = many.shown(joint, source.sample), joint.samples
        sample: str | None = calls.sample
    else:
        sample = source.sample if source.sample in samples else None
        calls = _of_one(source, sample, region, thresholds, ploidy, progress, small, backend)
    truth, too_large = None, None
    if source.truth is not None:
        progress(None, "reading the truth")
        try:
            truth = read_truth(source.truth, region)
            notices += truth.notices
        except GenolabError as error:  # the calls are worth showing without it
            too_large = error if isinstance(error, TooLargeError) else None
            notices.append(f"The truth is not shown. {error}")
    said = tuple(dict.fromkeys((*notices, *calls.notices)))
    source = replace(source, region=str(region), sample=sample)
    return Loaded(source, region, calls, truth, samples, said, too_large, joint)


def _of_one(
    source: Source,
    sample: str | None,
    region: Region,
    thresholds: Thresholds,
    ploidy: int,
    progress: Progress,
    small: bool,
    backend: str | None,
) -> VariantCalls:
    """The calls of the only sample."""
    if small:
        evidence = collect(
            source.reads, source.reference, region, sample, progress=lambda share: progress(share, "reading")
        )
        progress(None, "calling")
        return genotype(evidence, thresholds, ploidy, backend)
    found = call_variants(
        source.reads, source.reference, region, sample=sample, ploidy=ploidy, thresholds=thresholds,
        progress=progress, backend=backend, tile=max(min(100_000, region.length // 20), 1_000),
    )  # fmt: skip
    assert isinstance(found, VariantCalls)
    return replace(found, regions=(region,), evidence=None)


def _region(alignments: Alignments, text: str, notices: list[str]) -> Region:
    """The region a text names; without one, the first stretch that has reads."""
    if text.strip():
        return io.parse_region(text, alignments.contigs)
    for name, length in alignments.contigs.items():
        whole = Region(name, 0, length)
        number = alignments.estimate(whole)
        if number == 0:
            continue
        if length <= 100_000 or number is None:
            return Region(name, 0, min(length, 100_000))
        low, high = 0, length  # halve the stretch that the first reads lie in
        while high - low > 100_000:
            middle = (low + high) // 2
            low, high = (low, middle) if alignments.estimate(Region(name, low, middle)) else (middle, high)
        notices.append("No region was named: this is the first that has reads.")
        return Region(name, low, high)
    fix = "Map the reads to the reference first."
    raise FileError(alignments.path, expected="reads mapped to contigs", found="no mapped reads", fix=fix)


def code(
    source: Source, thresholds: Thresholds, ploidy: int, place: tuple[str, int] | None = None, joint: bool = False
) -> str:
    """Plain calls that give the same table, and the explanation of a place (contig, 1-based) if one is chosen."""
    lines = ["import genolab as gl", ""]
    reads, reference = repr(str(source.reads)), repr(str(source.reference))
    if source.example is not None:
        name, number = source.example
        lines.append(f"example = gl.data.example({name!r})")
        reads = "example.reads" if number == 0 else f"example.all_reads[{number}]"
        reference = "example.reference"
        if source.more:
            reads = "example.all_reads"
    elif source.more:
        reads = repr([str(each) for each in (source.reads, *source.more)])
    usual = Thresholds()
    changed = [f"{name}={value!r}" for name, value in vars(thresholds).items() if value != getattr(usual, name)]
    arguments = [reads, reference, f"region={source.region!r}"]
    if source.sample is not None and not joint:
        arguments.append(f"sample={source.sample!r}")
    if ploidy != 2:
        arguments.append(f"ploidy={ploidy}")
    if changed:
        lines.append(f"thresholds = gl.call.Thresholds({', '.join(changed)})")
        arguments.append("thresholds=thresholds")
    lines += [
        "calls = gl.call.call_variants(",
        *(f"    {each}," for each in arguments),
        ")",
        "table = calls.to_frame()",
    ]
    if place is not None:
        whose = f", {source.sample!r}" if joint else ""
        lines.append(f"why = calls.explain({place[0]!r}, {place[1]:_}{whose})")
    return "\n".join(lines) + "\n"
