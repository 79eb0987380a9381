"""Which examples there are, where each came from and under which licence, and where its files are."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, overload

from genolab.errors import FileError, GenolabError, InputError

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of an example before it is opened; ``size`` in bytes, ``shipped`` or fetched when asked for.

    ``kind`` is what it holds: ``"reads"`` of a ``region``, ``"counts"`` (a table of counts or expression), or
    ``"labelled"`` (sequences with a label or a value each).
    """

    name: str
    title: str
    description: str
    origin: str
    licence: str
    shipped: bool
    kind: str = "reads"
    region: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Example(Entry):
    """An example whose files are here. ``reads`` is the first of ``all_reads``, one per sample."""

    reads: Path
    all_reads: tuple[Path, ...]
    reference: Path
    truth: Path | None = None
    confident: Path | None = None


@dataclass(frozen=True, kw_only=True)
class CountExample(Entry):
    """A table whose files are here: genes in the rows of ``counts``, a sample in each row of ``samples``."""

    counts: Path
    samples: Path
    truth: Path | None = None


@dataclass(frozen=True, kw_only=True)
class LabelledExample(Entry):
    """A table of sequences with a label or a value each, for :func:`genolab.io.read_labelled`."""

    table: Path


@dataclass(frozen=True, kw_only=True)
class _Files:
    """An entry's files by role; ``sha256`` names every file that is fetched, ``urls`` the folders that have them."""

    entry: Entry
    reads: tuple[str, ...] = ()
    reference: str = ""
    counts: str = ""
    samples: str = ""
    table: str = ""
    truth: str | None = None
    confident: str | None = None
    folder: str
    urls: tuple[str, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)


_EXAMPLES: tuple[_Files, ...] = (
    _Files(
        entry=Entry(
            name="phage",
            title="Phage lambda, simulated donor, 40x",
            description=(
                "A diploid donor simulated on the genome of phage lambda (a real phage is haploid): the truth is "
                "known. With duplicates, overlapping mates, wrongly mapped reads and strand artefacts for the filters to find."  # noqa: E501
            ),
            origin="Genome NC_001416.1 from Debian's bowtie2-examples; reads from genolab's simulator, seed 1",
            licence="genome: public domain; reads: BSD-3-Clause",
            shipped=True,
            region="NC_001416.1:1-48,502",
        ),
        folder="phage",
        reads=("reads.bam",),
        reference="lambda.fa",
        truth="truth.vcf.gz",
    ),
    _Files(
        entry=Entry(
            name="thousand_genomes",
            title="1000 Genomes, three samples, 4.2 kb",
            description="Real reads (13x, 5x, 5x) of HG00100, HG00101 and HG00102, chromosome 17:1-4,200, GRCh37.",
            origin="bcftools test data (test/mpileup), from the 1000 Genomes Project",
            licence="MIT",
            shipped=True,
            region="17:1-4,200",
        ),
        folder="thousand_genomes",
        reads=("HG00100.bam", "HG00101.bam", "HG00102.bam"),
        reference="reference.fa",
    ),
    _Files(
        entry=Entry(
            name="na12878",
            title="NA12878, 52x, 100 kb with truth",
            description=(
                "Real Illumina reads (2 x 101 bases) of NA12878, chr20:10,000,001-10,100,000, hg19, with the variants "
                "of Genome in a Bottle. The confident regions cover 9 kb only: outside them an extra call may be right."
            ),
            origin="DeepVariant test data; reads from Illumina Platinum Genomes (ENA ERP001960)",
            licence="BSD-3-Clause",
            size=4_590_000,
            shipped=False,
            region="chr20:10,000,001-10,100,000",
        ),
        folder="na12878_wgs50x_chr20",
        reads=("NA12878_S1.chr20.10_10p1mb.bam",),
        reference="ucsc.hg19.chr20.unittest.fasta.gz",
        truth="test_nist.b37_chr20_100kbp_at_10mb.vcf.gz",
        confident="test_nist.b37_chr20_100kbp_at_10mb.bed",
        urls=(
            "https://raw.githubusercontent.com/google/deepvariant/v1.6.1/deepvariant/testdata/input/",
            "https://storage.googleapis.com/deepvariant/quickstart-testdata/",
        ),
        sha256={
            "NA12878_S1.chr20.10_10p1mb.bam": "0b82858821bd8817df03b35f90cdfcb2bae53af5ab46e61b8bcff1ad9ba49643",
            "NA12878_S1.chr20.10_10p1mb.bam.bai": "5ce54eede47a7ae2440a877f812fc6c7f101e67d4e84d8d279778aa6165b4d67",
            "test_nist.b37_chr20_100kbp_at_10mb.bed": "7105c5d3a7b0efb726562f9ec22b1a3ca31e0ef1c568e1d6f1f703e0407a9553",  # noqa: E501
            "test_nist.b37_chr20_100kbp_at_10mb.vcf.gz": "50cf21fa136216c6aa92d71120d275965cbc0507d82ec1e98800713d92ef3044",  # noqa: E501
            "test_nist.b37_chr20_100kbp_at_10mb.vcf.gz.tbi": "b0b7b1430a99330d381172430efc9f76d1131f5ad73717fd3f875b0353d3ad13",  # noqa: E501
            "ucsc.hg19.chr20.unittest.fasta.gz": "ec79703b6819d323c1f2da6a15c259384bb3b678914ab34176ea5d11af60988d",
            "ucsc.hg19.chr20.unittest.fasta.gz.fai": "3cc62926bafa8f397679927070c40e970a414bb21fdb92c46dfb497a7a955032",
            "ucsc.hg19.chr20.unittest.fasta.gz.gzi": "ac926b2af10ed5dcf656c720768925b1fcd5bbcb03d73dc741efe2df7621e269",
        },
    ),
    _Files(
        entry=Entry(
            name="batches",
            title="Counts in three runs, simulated",
            description=(
                "2,500 genes of 24 samples, control and treated, sequenced in three runs: batches, depth and response "
                "are known. A few genes flood the treated libraries, so that totals mislead."
            ),
            origin="genolab's simulator of counts, seed 1",
            licence="BSD-3-Clause",
            shipped=True,
            kind="counts",
        ),
        folder="batches",
        counts="counts.csv.gz",
        samples="samples.csv",
        truth="truth.csv.gz",
    ),
    _Files(
        entry=Entry(
            name="bladder",
            title="Bladder cancer, 57 arrays in five batches",
            description=(
                "Log2 expression of 4,457 probes in cancers, biopsies and normal tissue; the batch goes along with the "
                "kind of tissue."
            ),
            origin="Bioconductor's bladderbatch (Leek), from Dyrskjøt et al. 2004, Cancer Research 64:4040",
            licence="Artistic-2.0",
            shipped=True,
            kind="counts",
        ),
        folder="bladder",
        counts="expression.csv.gz",
        samples="samples.csv",
    ),
)


def _labelled(name: str, title: str, description: str, origin: str, licence: str) -> _Files:
    entry = Entry(
        name=name, title=title, description=description, origin=origin, licence=licence, shipped=True, kind="labelled"
    )
    return _Files(entry=entry, folder=name, table="sequences.csv.gz")


_EXAMPLES += (
    _labelled(
        "promoters",
        "Promoters of E. coli, 106 sequences",
        "57 bases each, half of them promoters. The others overlap one another: words counted anywhere tell by that.",
        "UCI Machine Learning Repository, data set 67 (Harley, Reynolds, Noordewier)",
        "CC BY 4.0",
    ),
    _labelled(
        "splice",
        "Splice junctions of primates, 3,186 sequences",
        "60 bases each: donors, acceptors, and neither. Some sequences come more than once.",
        "UCI Machine Learning Repository, data set 69 (Noordewier, Towell, Shavlik)",
        "CC BY 4.0",
    ),
    _labelled(
        "sortseq",
        "Sort-seq of the lac promoter, 6,000 variants",
        "75 bases each with the mean bin of fluorescence; all are variants of one sequence.",
        "Kinney et al. 2010, doi:10.1073/pnas.1004290107, by the Python package mavenn; a draw of 6,000",
        "MIT",
    ),
    _labelled(
        "mpsa",
        "Splicing by 5' splice sites, 8,000 variants",
        "Nine bases each with how often the exon is spliced in.",
        "Wong, Kinney and Krainer 2018, doi:10.1016/j.molcel.2018.07.033, by mavenn; a draw of 8,000",
        "MIT",
    ),
)


def examples(kind: str | None = None) -> tuple[Entry, ...]:
    """Every example, or those of one kind, the one to start with first; nothing is opened or fetched."""
    return tuple(_entry(files) for files in _EXAMPLES if kind in (None, files.entry.kind))


@overload
def example(name: Literal["batches", "bladder"]) -> CountExample: ...  # type: ignore[overload-overlap]
@overload
def example(name: Literal["promoters", "splice", "sortseq", "mpsa"]) -> LabelledExample: ...  # type: ignore[overload-overlap]
@overload
def example(name: str) -> Example: ...
def example(name: str) -> Example | CountExample | LabelledExample:
    """The example ``name`` with the paths of its files.

    One that does not ship is looked for in ``GENOLAB_DATA``, in ``GENOLAB_SHARED`` and beside a checkout of genolab,
    then in the cache, and only then fetched; every fetched file is held against its SHA-256.
    """
    files = _find(name)
    folder = _folder(files)
    truth = folder / files.truth if files.truth else None
    if files.entry.kind == "labelled":
        return LabelledExample(**vars(_entry(files)), table=folder / files.table)
    if files.entry.kind == "counts":
        return CountExample(
            **vars(_entry(files)), counts=folder / files.counts, samples=folder / files.samples, truth=truth
        )
    return Example(
        **vars(_entry(files)),
        reads=folder / files.reads[0],
        all_reads=tuple(folder / reads for reads in files.reads),
        reference=folder / files.reference,
        truth=truth,
        confident=folder / files.confident if files.confident else None,
    )


def path(name: str) -> Path:
    """The folder that holds the files of the example ``name``, fetched if need be."""
    return _folder(_find(name))


def _entry(files: _Files) -> Entry:
    if not files.entry.shipped:
        return files.entry
    return replace(files.entry, size=sum(path.stat().st_size for path in (HERE / files.folder).iterdir()))


def _find(name: str) -> _Files:
    for files in _EXAMPLES:
        if files.entry.name == name:
            return files
    names = ", ".join(files.entry.name for files in _EXAMPLES)
    raise InputError("example", "name", f"one of {names}", repr(name))


def _folder(files: _Files) -> Path:
    if files.entry.shipped:
        return HERE / files.folder
    for folder in _places(files.folder):
        if all((folder / name).is_file() for name in files.sha256):
            _check(folder, files)
            return folder
    return _fetch(files)


def _places(name: str) -> list[Path]:
    """Where the files may already be, in order: what the user names, what lies beside the checkout."""
    places = []
    if chosen := os.environ.get("GENOLAB_DATA"):
        places += [Path(chosen).expanduser() / name, Path(chosen).expanduser()]
    shared = os.environ.get("GENOLAB_SHARED")
    beside = Path(shared).expanduser() if shared else HERE.parents[2] / "shared"
    return [*places, beside / "data" / name]


def _check(folder: Path, files: _Files) -> None:
    from genolab.io.digests import digest

    for name, expected in files.sha256.items():
        found = digest(folder / name)
        if found != f"sha256:{expected}":
            fix = "Remove it, and it is fetched again."
            raise FileError(folder / name, expected=f"SHA-256 {expected[:12]}...", found=found[7:19] + "...", fix=fix)


def _fetch(files: _Files) -> Path:
    import pooch

    from genolab.io import cache_folder

    folder = cache_folder() / "examples" / files.folder
    pooch.get_logger().setLevel("WARNING")
    for name, expected in files.sha256.items():
        reasons = []
        for url in files.urls:
            try:
                pooch.retrieve(url + name, f"sha256:{expected}", fname=name, path=folder)
                break
            except Exception as error:  # whatever the network or the server does: try the next, then say so
                reasons.append(f"{re.split('[/:]', url)[3]} ({_reason(error)})")
        else:
            raise GenolabError(
                f"{files.entry.name}: {name} could not be fetched from {' or '.join(reasons)}. "
                f"Connect to the network, or put the files into a folder and name it in GENOLAB_DATA."
            )
    return folder


def _reason(error: Exception) -> str:
    text = str(error)
    if "hash" in text.lower():
        return "its content is not what is expected"
    if code := re.search(r"\b(4\d\d|5\d\d)\b (?:Client|Server) Error", text):
        return f"HTTP {code[1]}"
    return "not reachable"
