"""Simulated reads with a known truth, for teaching and tests: all that is drawn, with its probability, is here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from genolab import __version__, io
from genolab.data.donor import LETTERS, Haplotype, Variants, apply_variants, diverged_copy, draw_variants
from genolab.data.registry import Example
from genolab.errors import InputError
from genolab.io.atomic import replacing
from genolab.io.digests import digest

QUALITY_BINS = np.array([6, 15, 22, 27, 33, 37, 40], np.uint8)
"""The base qualities that occur, as current Illumina machines bin them."""

MOST_BASES = 200_000_000
"""Above this many bases the arrays would not fit a small machine."""

PAIRED, PROPER, REVERSE, MATE_REVERSE, FIRST, SECOND, QC_FAIL, DUPLICATE = 1, 2, 16, 32, 64, 128, 512, 1024


@dataclass(frozen=True)
class Sequencing:
    """How the donor is sequenced; every field is a stated property of the reads.

    A base of quality Q is wrong with probability 10^(-Q/10), each other base alike. Quality falls along the read, is
    2 lower on the second read, and is binned to :data:`QUALITY_BINS`. Three things break that rule on purpose, so
    that a filter has something to find: duplicates, reads of a diverged copy that map here with low mapping
    quality, and a few sites where the forward strand alone shows a wrong base. None of them is in the truth.
    """

    depth: float = 40.0
    read_length: int = 100
    fragment_length: float = 260.0
    fragment_spread: float = 60.0
    duplicates: float = 0.05
    qc_failed: float = 0.01
    copy_divergence: float = 0.02
    copy_depth: float = 0.4
    strand_artefacts: int = 4
    artefact_share: float = 0.5


def simulate(
    reference: str | Path,
    output_folder: str | Path | None = None,
    *,
    depth: float = 40.0,
    seed: int = 1,
    snv_rate: float = 2e-3,
    indel_rate: float = 2e-4,
    heterozygous: float = 2 / 3,
    sequencing: Sequencing | None = None,
    sample: str = "donor",
    progress: Callable[[float, str], object] | None = None,
) -> Example:
    """Simulate a diploid donor of ``reference`` and its paired reads; write the sorted, indexed BAM and the truth VCF.

    Parameters
    ----------
    reference
        FASTA; every contig is sequenced.
    output_folder
        Where ``reads.bam`` and ``truth.vcf.gz`` go (made if missing); by default a folder in the user's cache, named
        after the inputs, where a second call finds them.
    depth
        Mean reads over a base, duplicates not counted.
    seed
        The same seed gives the same reads.
    snv_rate, indel_rate
        Variants per reference base. ``heterozygous`` is the share of them on one haplotype only.
    sequencing
        The rest of the model; see :class:`Sequencing`. ``depth`` goes before its field.
    sample
        Name of the sample in the BAM and VCF.
    progress
        Called with the fraction done and what is being done.
    """
    model = Sequencing(**{**vars(sequencing or Sequencing()), "depth": depth})
    _check(model, snv_rate, indel_rate, heterozygous)
    rates = f"snv_rate={snv_rate:g} indel_rate={indel_rate:g} heterozygous={heterozygous:g}"
    settings = f"depth={depth:g} seed={seed} {rates}"
    tell = progress or (lambda fraction, text: None)
    with io.open_reference(reference) as source:
        key = hashlib.sha256(f"{digest(reference)} {settings} {model} {sample} {__version__}".encode()).hexdigest()
        folder = Path(output_folder) if output_folder is not None else io.cache_folder() / "simulated" / key[:16]
        reads_path, truth_path = folder / "reads.bam", folder / "truth.vcf.gz"
        contigs = dict(source.contigs)
        example = Example(
            name="simulated", title=f"Simulated donor of {Path(reference).name}", description=settings,
            origin=f"genolab {__version__} simulator", licence="as the reference", shipped=False,
            region=f"{next(iter(contigs))}:1-{next(iter(contigs.values())):,}",
            reads=reads_path, all_reads=(reads_path,), reference=Path(reference), truth=truth_path,
        )  # fmt: skip
        if output_folder is None and reads_path.exists() and truth_path.exists():
            return example
        if sum(contigs.values()) * depth > MOST_BASES:
            found = f"{sum(contigs.values()) * depth:,.0f}"
            raise InputError("simulate", "depth", f"small enough for {MOST_BASES:,} bases in all", found,
                             "Take a smaller reference or depth.")  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        truth: dict[str, Variants] = {}
        with replacing(reads_path, ".bai") as (beside, _):
            header = _header(source, contigs, sample, settings)
            with pysam.AlignmentFile(str(beside), "wb", header=header) as output:
                for number, (contig, length) in enumerate(contigs.items()):
                    tell(number / len(contigs), f"simulating {contig}")
                    codes = source.fetch(contig, 0, length)
                    truth[contig] = draw_variants(rng, codes, snv_rate, indel_rate, heterozygous)
                    for line in _sequence(rng, codes, truth[contig], model, contig, number):
                        output.write(pysam.AlignedSegment.fromstring(line, output.header))
            pysam.index(str(beside))
        io.write_variants(_records(truth, contigs, sample, settings), truth_path)
    tell(1.0, "simulated")
    return example


def _sequence(
    rng: np.random.Generator, codes: NDArray[np.uint8], truth: Variants, model: Sequencing, contig: str, number: int
) -> list[str]:
    """The reads of one contig as SAM lines, sorted by position."""
    length = model.read_length
    sources: list[Haplotype] = [apply_variants(codes, truth, copy) for copy in (0, 1)]
    share = [0.5, 0.5]
    if (copy := diverged_copy(rng, codes, model.copy_divergence)) is not None:
        sources.append(copy)
        share.append(model.copy_depth)
    if codes.size < 2 * length:
        return []

    # fragments: which sequence, how long, where; a duplicate is a second read pair of the same fragment
    sizes = np.array([source.base.size for source in sources])
    counts = np.rint(model.depth * np.array(share) * sizes / (2 * length)).astype(int)
    origin = np.repeat(np.arange(len(sources)), counts)
    size = sizes[origin]
    fragment = np.clip(rng.normal(model.fragment_length, model.fragment_spread, origin.size), length, size).astype(int)
    start = (rng.random(origin.size) * (size - fragment + 1)).astype(int)
    again = np.flatnonzero(rng.random(origin.size) < model.duplicates)
    duplicate = np.arange(origin.size + again.size) >= origin.size
    origin, fragment, start = (np.concatenate([array, array[again]]) for array in (origin, fragment, start))
    first_left = rng.random(origin.size) < 0.5  # whether the first read is the left one
    failed = rng.random(origin.size) < model.qc_failed
    mapping_quality = np.where(origin < 2, 60, rng.integers(0, 11, origin.size))

    # the two reads of each fragment, both as the reference reads: row 2 i is the left one, row 2 i + 1 the right one
    offset = np.concatenate([[0], np.cumsum(sizes)])
    left = offset[origin] + start
    begins = np.stack([left, left + fragment - length], 1).ravel()
    index = begins[:, None] + np.arange(length)
    base = np.concatenate([source.base for source in sources])[index]
    position = np.concatenate([source.position for source in sources])[index]
    inserted = np.concatenate([source.inserted for source in sources])[index]
    reverse = np.tile([False, True], origin.size)
    is_first = np.stack([first_left, ~first_left], 1).ravel()
    quality = _qualities(rng, is_first, reverse, np.repeat(failed, 2), length)
    wrong = (rng.random(quality.shape, np.float32) < 10.0 ** (-quality.astype(np.float32) / 10)) & (base < 4)
    base[wrong] ^= rng.integers(1, 4, int(wrong.sum())).astype(np.uint8)
    _mark_artefacts(rng, codes, truth, model, base, position, inserted, reverse)

    begin, end, cigar = _align(position, inserted)
    flag = PAIRED + PROPER + np.where(reverse, REVERSE, MATE_REVERSE) + np.where(is_first, FIRST, SECOND)
    flag += np.repeat(QC_FAIL * failed + DUPLICATE * duplicate, 2)
    mate = begin.reshape(-1, 2)[:, ::-1].ravel()
    span = np.repeat(end[1::2] - begin[::2], 2) * np.where(reverse, -1, 1)
    letters, symbols = LETTERS[base], quality + 33
    lines = []
    for row in np.lexsort((np.arange(begin.size), begin)).tolist():
        pair = row // 2
        placed = f"{contig}\t{begin[row] + 1}\t{mapping_quality[pair]}\t{cigar[row]}\t=\t{mate[row] + 1}\t{span[row]}"
        called = f"{letters[row].tobytes().decode()}\t{symbols[row].tobytes().decode()}"
        lines.append(f"sim{number}:{pair}\t{flag[row]}\t{placed}\t{called}\tRG:Z:1")
    return lines


def _qualities(
    rng: np.random.Generator, is_first: NDArray[Any], reverse: NDArray[Any], failed: NDArray[Any], length: int
) -> NDArray[np.uint8]:
    """Base qualities in the reference's direction, binned: high, falling along the cycles, lower on the second read."""
    cycle = np.arange(length, dtype=np.float32) / length
    drawn = (39.0 - 12.0 * cycle**3)[None, :].repeat(is_first.size, 0)
    drawn += rng.normal(0, 1.5, (is_first.size, 1)).astype(np.float32) - np.where(is_first, 0, 2)[:, None]
    drawn -= np.where(failed, 14, 0)[:, None]
    drawn += 3.0 * rng.standard_normal(drawn.shape, np.float32)
    drawn[reverse] = drawn[reverse, ::-1]
    edges = (QUALITY_BINS[1:].astype(np.float32) + QUALITY_BINS[:-1]) / 2
    return QUALITY_BINS[np.searchsorted(edges, drawn)]


def _mark_artefacts(
    rng: np.random.Generator, codes: NDArray[np.uint8], truth: Variants, model: Sequencing,
    base: NDArray[np.uint8], position: NDArray[np.int32], inserted: NDArray[Any], reverse: NDArray[Any],
) -> None:  # fmt: skip
    """At a few sites without a variant, make a share of the forward reads show one wrong base."""
    far = np.ones(codes.size, bool)
    for place in truth.position:
        far[max(place - 20, 0) : place + 40] = False
    free = np.flatnonzero(far & (codes < 4))
    sites = rng.choice(free, min(model.strand_artefacts, free.size), replace=False)
    forward = np.flatnonzero(~reverse)
    for site in np.sort(sites).tolist():
        rows, columns = np.nonzero((position[forward] == site) & ~inserted[forward])
        shown = rng.random(rows.size) < model.artefact_share
        base[forward[rows[shown]], columns[shown]] = codes[site] ^ 2


def _align(position: NDArray[np.int32], inserted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], list[str]]:
    """Begin, end and CIGAR of every read from the map of its bases; an insertion at an end is soft-clipped."""
    length = position.shape[1]
    begin, end = position[:, 0].astype(int), position[:, -1].astype(int) + 1
    cigar = [f"{length}M"] * len(position)
    for row in np.flatnonzero(inserted.any(1) | (end - begin != length)).tolist():
        matched = np.flatnonzero(~inserted[row])
        begin[row] = position[row, matched[0]]
        operations: list[list[Any]] = [[matched[0], "S"]]
        for before, now in zip(matched[:-1].tolist(), matched[1:].tolist(), strict=True):
            operations.append([1, "M"])
            operations.append([now - before - 1, "I"])
            operations.append([position[row, now] - position[row, before] - 1, "D"])
        operations += [[1, "M"], [length - 1 - matched[-1], "S"]]
        joined: list[list[Any]] = []
        for count, letter in operations:
            if count and joined and joined[-1][1] == letter:
                joined[-1][0] += count
            elif count:
                joined.append([count, letter])
        cigar[row] = "".join(f"{count}{letter}" for count, letter in joined)
    return begin, end, cigar


def _header(source: Any, contigs: dict[str, int], sample: str, settings: str) -> dict[str, Any]:
    sequences = [
        {"SN": name, "LN": length, "M5": hashlib.md5(source.fetch_text(name, 0, length).upper().encode()).hexdigest()}
        for name, length in contigs.items()
    ]
    return {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": sequences,
        "RG": [{"ID": "1", "SM": sample, "PL": "ILLUMINA"}],
        "PG": [{"ID": "genolab", "PN": "genolab", "VN": __version__, "CL": f"genolab.data.simulate {settings}"}],
    }


def _records(truth: dict[str, Variants], contigs: dict[str, int], sample: str, settings: str) -> io.VariantRecords:
    rows = [(contig, *row) for contig, found in truth.items() for row in zip(
        found.position, found.reference, found.alternate, found.genotype, strict=True)]  # fmt: skip
    return io.VariantRecords(
        contigs=contigs, samples=(sample,), filters={}, info={},
        format={"GT": io.Field("1", "String", "Genotype, phased: first and second haplotype")},
        contig=[row[0] for row in rows],
        position=np.array([row[1] for row in rows], np.int64),
        reference=[row[2] for row in rows],
        alternates=[(row[3],) for row in rows],
        quality=np.full(len(rows), np.nan),
        filter=[()] * len(rows),
        info_values={},
        format_values={"GT": [[f"{row[4][0]}|{row[4][1]}"] for row in rows]},
        header_lines=(f"##source=genolab {__version__} simulator, {settings}",),
    )  # fmt: skip


def _check(model: Sequencing, snv_rate: float, indel_rate: float, heterozygous: float) -> None:
    shares = {"duplicates": model.duplicates, "qc_failed": model.qc_failed, "artefact_share": model.artefact_share}
    shares |= {"copy_divergence": model.copy_divergence, "heterozygous": heterozygous}
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise InputError("simulate", name, "a share between 0 and 1", f"{value:g}")
    for name, value in {"snv_rate": snv_rate, "indel_rate": indel_rate}.items():
        if not 0 <= value <= 1 / 25:
            raise InputError("simulate", name, "between 0 and 0.04 (one variant in 25 bases)", f"{value:g}")
    if not model.depth > 0:
        raise InputError("simulate", "depth", "more than 0", f"{model.depth:g}")
    if not 30 <= model.read_length <= model.fragment_length:
        found = f"{model.read_length} with fragments of {model.fragment_length:g}"
        raise InputError("simulate", "read_length", "at least 30 and at most the fragment length", found)
