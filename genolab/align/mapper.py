"""Map reads: from FASTQ and a reference to a sorted, indexed BAM file, a batch at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__, io
from genolab.align.mapped import MappedReads, Places
from genolab.align.mapping.index import ReferenceIndex, index_reference
from genolab.errors import InputError
from genolab.kernel.threads import processors

if TYPE_CHECKING:
    from genolab.align.mapping.pairs import InsertSize
    from genolab.align.mapping.work import Tally
    from genolab.io import FastqReads

Progress = Callable[[float, str], None]
PathLike = str | os.PathLike[str]

BATCH = 16_384
"""Reads, or pairs, that are mapped at a time."""

LETTERS = 2**24
"""Letters of a batch, about: long reads come in smaller batches."""

PLATFORMS = (
    "CAPILLARY", "DNBSEQ", "ELEMENT", "HELICOS", "ILLUMINA", "IONTORRENT", "LS454", "ONT", "PACBIO", "SINGULAR",
    "SOLID", "ULTIMA",
)  # fmt: skip

_WHO = "map_reads"
_SAMPLE = re.compile(r"[!-~][ -~]*")


def map_reads(
    reads: PathLike | tuple[PathLike, PathLike],
    reference: PathLike | ReferenceIndex,
    output: PathLike,
    *,
    sample: str | None = None,
    platform: str = "ILLUMINA",
    secondary: int = 0,
    insert_size: tuple[float, float] | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    client: Any = None,
) -> MappedReads:
    """Map reads to a reference and write them, sorted and indexed, as BAM.

    Parameters
    ----------
    reads
        A FASTQ file, plain or gzipped; for paired reads the two files, whose mates face each other.
    reference
        A FASTA file, or what :func:`index_reference` made of it.
    output
        The BAM file; its index goes beside it.
    sample
        Name of the sample and of the read group; by default that of the first file, without its ending.
    platform
        What the read group says of the machine, one of the words of the SAM specification; nothing depends on it.
    secondary
        At most so many secondary records a read, of other places that it may have. Reads whose parts lie apart have
        supplementary records in any case.
    insert_size
        Mean and standard deviation from the outer end of one mate to that of the other; by default estimated from
        the first pairs, which ``notices`` says.
    seed
        Decides between places that are equally good.
    threads
        At most so many; by default one a processor. The file does not depend on it.
    progress
        Called with the fraction done and a text; an exception that it raises stops the work, and nothing is written.
    client
        A ``distributed.Client``: its workers map the batches, each with an index of its own of the same reference, and
        ``threads`` (by default 1) are those of a worker. Reads come in order out of a stream, so they go with the task;
        the file has the same bytes. Finished batches are kept in ``<output>.tiles`` until it is whole.

    Raises
    ------
    FileError, InputError
        If a file is damaged, cut, or another kind; if mates have different names; if an option is not as above.
    IncompleteError, ClusterLost
        With a client: some batches could not be done, and the file has the others; or the scheduler is gone.

    Notes
    -----
    A match is worth 1, a mismatch -4, a gap of k letters -(6 + k), letters that are not A, C, G, T never match, and an
    end is clipped where that gains 5 or more, all as in BWA-MEM (Li 2013, arXiv:1303.3997). Alignments worth less than
    30 are not written (for reads shorter than 40, three quarters of the length).
    """
    from genolab.align.mapping.work import Tally, Work

    paths = _paths(reads)
    threads = _checked_threads(threads if client is None else threads or 1)
    for name, value in (("secondary", secondary), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise InputError(_WHO, name, "a whole number, 0 or more", repr(value))
    insert = _given_insert(insert_size, len(paths))
    io.check_bam_path(output, _WHO)
    sample = _sample(sample, paths)
    if platform not in PLATFORMS:
        raise InputError(_WHO, "platform", f"one of {', '.join(PLATFORMS)}", repr(platform))
    tell = progress or (lambda fraction, text: None)
    tell(0.0, "indexing the reference")
    index = reference if isinstance(reference, ReferenceIndex) else index_reference(reference)
    header = _header(index, sample, platform, paths, secondary, seed, insert)
    tally = Tally(len(index.contigs))
    said: tuple[str, ...] = ()
    prepare()
    work = Work(index, sample, secondary, seed, threads)

    def batches() -> Iterator[tuple[tuple[FastqReads, ...], float, InsertSize | None]]:
        nonlocal said, insert
        for found, fraction, words in io.read_batches(paths, BATCH, LETTERS):
            said = words
            if len(found) == 2 and insert is None and found[0].first == 0:
                insert = work.insert_of(found)
            yield found, fraction, insert

    with ExitStack() as stack:
        if client is not None:
            from genolab.align.mapping.elsewhere import Mapping

            elsewhere = Mapping(client, work, output, paths, insert, tell)
            stack.enter_context(elsewhere.cluster.working())
        with io.sorted_bam(output, header, index.contigs, threads=threads, who=_WHO) as put:
            tell(0.0, "mapping")
            if client is not None:
                for records, counted in elsewhere.run(batches()):
                    put(records)
                    tally += counted
            else:
                for found, fraction, size in batches():
                    records, counted = work.map(found, size)
                    put(records)
                    tally += counted
                    tell(0.95 * fraction, f"mapping: {tally.reads:,} reads")
            tell(0.95, "sorting")
    tell(1.0, "mapped")
    notices = [*index.notices, *said, *_notices(tally, insert, len(paths), insert_size is None)]
    options = {"platform": platform, "secondary": secondary, "seed": seed, "k": index.k, "w": index.w}
    result = MappedReads(
        Path(output), paths, index.path, sample, tally.reads, tally.mapped, tally.sure, tally.pairs, tally.proper,
        tally.supplementary, tally.secondary, index.contigs, tally.reads_on, tally.letters_on, tally.qualities, insert,
        options, tuple(dict.fromkeys(notices)),
    )  # fmt: skip
    if client is not None:
        elsewhere.cluster.check_complete(result)
    return result


def map_sequences(
    sequences: Sequence[str], reference: PathLike | ReferenceIndex, *, seed: int = 0, threads: int | None = None
) -> Places:
    """Find where sequences in memory lie: the best place of each, as :func:`map_reads` has it for single reads.

    Raises
    ------
    InputError
        If there is no sequence, or one has letters that are no bases.
    """
    from genolab.align.mapping import batch as work
    from genolab.align.mapping import chains as c
    from genolab.io.fastq import LETTERS as BASES
    from genolab.io.fastq import reads_in_memory

    who = "map_sequences"
    if isinstance(sequences, str) or not len(sequences):
        raise InputError(who, "sequences", "a list of sequences", "one text" if sequences else "none")
    text = "".join(sequences).encode("ascii", "replace")
    if text.translate(None, BASES):
        number = next(k for k, each in enumerate(sequences) if each.encode("ascii", "replace").translate(None, BASES))
        wrong = chr(sequences[number].encode("ascii", "replace").translate(None, BASES)[0])
        raise InputError(who, f"sequences[{number}]", "bases (A C G T N and IUPAC codes)", repr(wrong))
    index = reference if isinstance(reference, ReferenceIndex) else index_reference(reference)
    threads = _checked_threads(threads)
    reads = reads_in_memory(text, np.fromiter(map(len, sequences), np.int64, len(sequences)))
    placed = work.decide(work.find(work.Batch(reads), index, threads), index, seed, None, threads)
    best = placed.primary
    rows = placed.candidates[best]  # the last row, of zeros, for those that are unmapped
    here = best >= 0
    left, right = rows[:, c.READ_START], reads.length - rows[:, c.READ_END]
    return Places(
        tuple(index.contigs), np.where(here, rows[:, c.CONTIG], -1),
        np.where(here, rows[:, c.START] - index.starts[rows[:, c.CONTIG]], -1), rows[:, c.STRAND] == 1,
        rows[:, c.QUALITY], rows[:, c.SCORE], rows[:, c.EDITS], np.stack([left, right], 1), placed.operations,
        rows[:, c.OPERATIONS], rows[:, c.COUNT],
    )  # fmt: skip


def chained_anchors(
    reads: PathLike, reference: PathLike | ReferenceIndex, *, most: int = 64
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int, int]:
    """Chain the seeds of the first reads of a file by the kernel ``chain_anchors``; what it was given.

    A read's strand, on each contig, is a group of its own; distances and gaps are those allowed for the longest read.
    """
    from genolab.align.chaining import chain_anchors
    from genolab.align.mapping import batch as work
    from genolab.align.mapping.seeds import find_anchors

    index = reference if isinstance(reference, ReferenceIndex) else index_reference(reference)
    with io.open_fastq(reads) as opened:
        batch = work.Batch(opened.take(most))
    length = batch.reads.length
    keys, counts = find_anchors(
        0, length.size, batch.codes, batch.reads.start, length, index.table, index.shift, index.entries, index.k,
        index.w, work.MOST_HITS,
    )  # fmt: skip
    strand, place = keys >> 56, (keys >> 24) & 0xFFFFFFFF
    contig = np.searchsorted(index.starts, place, side="right") - 1
    read = np.repeat(np.arange(length.size), counts)
    size = int(length.max(initial=1))
    group = (read * len(index.contigs) + contig) * 2 + strand
    given = group, place, keys & 0xFFFFFF, index.k, min(5000, size), min(500, max(16, size // 3))
    chain_anchors(*given)
    return given


_ready = False


def prepare() -> None:
    """Compile every loop now, or load it from disk, and announce it: compiling is not running."""
    global _ready
    if _ready:
        return
    import time

    from genolab.align.mapping.warm import run_all
    from genolab.kernel.events import CompileEvent, announce

    began = time.perf_counter()
    announce(CompileEvent("map_reads", "numba", "compiling"))
    try:
        run_all()
    except BaseException:
        announce(CompileEvent("map_reads", "numba", "idle", time.perf_counter() - began))
        raise
    announce(CompileEvent("map_reads", "numba", "compiled", time.perf_counter() - began))
    _ready = True


def _paths(reads: Any) -> tuple[Path, ...]:
    both = reads if isinstance(reads, tuple | list) else (reads,)
    if not 1 <= len(both) <= 2:
        raise InputError(_WHO, "reads", "a FASTQ file, or two with mates", f"{len(both)} files")
    return tuple(io.readable(path, _WHO) for path in both)


def _checked_threads(threads: int | None) -> int:
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise InputError(_WHO, "threads", "1 or more, or None for all processors", repr(threads))
    return threads or processors()


def _given_insert(value: Any, files: int) -> InsertSize | None:
    from genolab.align.mapping.pairs import InsertSize

    if value is None:
        return None
    if files == 1:
        raise InputError(_WHO, "insert_size", "left out for single reads", repr(value))
    numbers = isinstance(value, tuple | list) and len(value) == 2
    if not numbers or not all(isinstance(each, int | float) and 0 < each < 100_000 for each in value):
        raise InputError(_WHO, "insert_size", "mean and standard deviation, both above 0", repr(value))
    return InsertSize.given(*value)


def _sample(sample: str | None, paths: tuple[Path, ...]) -> str:
    if sample is None:
        stem = paths[0].name
        for ending in (".gz", ".bgz", ".fastq", ".fq"):
            stem = stem.removesuffix(ending)
        sample = re.sub(r"[^!-~]", "_", stem) or "sample"
    if not _SAMPLE.fullmatch(sample):
        raise InputError(_WHO, "sample", "a name of plain characters, without tabs", repr(sample))
    return sample


def _header(
    index: ReferenceIndex, sample: str, platform: str, paths: tuple[Path, ...], secondary: int, seed: int,
    insert: InsertSize | None,
) -> str:  # fmt: skip
    with io.open_reference(index.path) as opened:
        sums = [opened.md5(name) for name in index.contigs]
    contigs = [
        f"@SQ\tSN:{name}\tLN:{length}\tM5:{md5}"
        for (name, length), md5 in zip(index.contigs.items(), sums, strict=True)
    ]
    files = " ".join(re.sub(r"[^!-~]", "_", path.name) for path in (*paths, index.path))
    given = "" if insert is None else f" --insert-size {insert.mean:g} {insert.deviation:g}"
    command = f"genolab map {files} --secondary {secondary} --seed {seed}{given}"
    lines = ["@HD\tVN:1.6\tSO:unsorted", *contigs, f"@RG\tID:{sample}\tSM:{sample}\tPL:{platform}"]
    return "\n".join([*lines, f"@PG\tID:genolab\tPN:genolab\tVN:{__version__}\tCL:{command}"]) + "\n"


def _notices(tally: Tally, insert: InsertSize | None, files: int, estimated: bool) -> list[str]:
    said = []
    if files == 2 and insert is None:
        said.append(
            "Too few pairs are sure of their places to estimate the insert size, so none is marked as proper; give it "
            "as insert_size=(mean, standard deviation)."
        )
    elif insert is not None and estimated:
        said.append(f"The insert size, from {insert.pairs:,} pairs, is {insert}.")
        if insert.facing < 0.5:
            said.append(
                f"Only {insert.facing:.0%} of the pairs near each other face each other, as mates are expected to."
            )
    if tally.reads and tally.mapped < tally.reads / 2:
        said.append(f"Only {tally.mapped:,} of {tally.reads:,} reads could be mapped: is this their reference?")
    return said
