"""The other side of `checks`: a process of its own that reads whole files, one after another, and says what it found.

It may be killed by a file at any moment; `checks` then says so. Nothing but answers goes to its standard output.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from genolab.errors import FileError, GenolabError, TooLargeError
from genolab.io import guard

Reader = Callable[[Path, Path | None], Iterable[str]]
RECORDS = 20_000
"""Records that a first look reads."""


def kind_of(path: Path) -> str:
    """The kind by the file's first bytes, and where these do not tell, by its name; a folder is a 10x run.

    Raises
    ------
    FileError
        If neither tells.
    """
    if path.is_dir():
        return "10x"
    seen = guard.nature(path, "check")
    if seen.format in _BY_FORMAT:
        return _BY_FORMAT[seen.format]
    name = path.name.lower().removesuffix(".gz").removesuffix(".bgz")
    by_name = next((kind for suffix, kind in _BY_SUFFIX.items() if name.endswith(suffix)), None)
    if by_name is not None:
        return by_name
    found = seen.format or "first bytes and a name that say nothing"
    known = ", ".join(READERS)
    raise FileError(path, expected=f"one of {known}", found=found, fix="Say what it is with --kind.", offset=0)


def _alignments(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io
    from genolab.io import native

    said: list[str] = []
    if guard.nature(path, "check").format != "SAM":
        said += native.look_at(path, reference)
        io.build_index(path, cache=True)  # in a folder that goes away, so that the one beside the file is not trusted
    with io.open_alignments(path, reference=reference, index="cache") as alignments:
        said, reads = [*said, *alignments.notices], 0
        for contig in alignments.contigs:
            found = alignments.read(f"{{{contig}}}")
            reads += found.position.size
            said += found.notices if found.position.size else ()  # a contig without reads is no fault
    return said if reads else [*said, "No reads are mapped."]


def _variants(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_variants(path).notices


def _intervals(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_bed(path).notices


def _reference(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    with io.open_reference(path) as opened:
        for contig, length in opened.contigs.items():
            opened.fetch(contig, 0, length)
        return opened.notices


def _reads(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    with io.open_fastq(path) as fastq:
        while fastq.take(10_000):
            pass
        return fastq.notices


def _counts(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_counts(path, values="amounts").notices


def _table(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_counts(path).notices


def _counts_of(*formats: str) -> Reader:
    def read(path: Path, reference: Path | None) -> Iterable[str]:
        from genolab import io

        table = io.read_counts(path, values="amounts")
        if table.format not in formats:
            found, fix = table.format, "Leave --kind out, or name another."
            raise FileError(path, expected=" or ".join(formats), found=found, offset=0, fix=fix)
        return table.notices

    return read


def _genotypes(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_plink(path).notices


def _model(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    io.read_model(path)
    return ()


READERS: dict[str, Reader] = {
    "bam": _alignments,
    "sam": _alignments,
    "cram": _alignments,
    "fasta": _reference,
    "fastq": _reads,
    "vcf": _variants,
    "bcf": _variants,
    "bed": _intervals,
    "counts": _counts,
    "table": _table,
    "csv": _counts_of("text"),
    "tsv": _counts_of("text"),
    "mtx": _counts_of("MatrixMarket"),
    "10x": _counts_of("10x folder", "10x HDF5"),
    "h5ad": _counts_of("h5ad"),
    "plink": _genotypes,
    "model": _model,
}
"""What can be checked, and what reads it: the package's own readers, each to the end of the file.

``counts`` is any table of counts, by its content; ``table`` is one of measured values, with gaps and below zero.
"""

_BY_FORMAT = {name.upper(): name for name in ("bam", "sam", "cram", "fasta", "fastq", "vcf", "bcf")}
_BY_FORMAT |= {"a PLINK bed file": "plink", "a model": "model"}
_BY_SUFFIX = {
    ".bed": "bed", ".csv": "counts", ".tsv": "counts", ".txt": "counts", ".mtx": "counts", ".h5": "counts",
    ".h5ad": "counts", ".genolab": "model", ".safetensors": "model", ".bim": "plink", ".fam": "plink",
    ".bam": "bam", ".sam": "sam", ".cram": "cram", ".vcf": "vcf", ".bcf": "bcf", ".fastq": "fastq", ".fq": "fastq",
    ".fasta": "fasta", ".fa": "fasta", ".fna": "fasta",
}  # fmt: skip


def look(path: Path, reference: Path | None, swells: float | None = None) -> dict[str, Any]:
    """Open a file and read its beginning, as far as native code reads it; the answer as of :func:`read_whole`, and
    whether it was refused for its size alone."""
    from genolab.io import budget, hdf5, native

    def begin(path: Path, reference: Path | None) -> Iterable[str]:
        form = guard.nature(path, "open").format
        if form in ("BAM", "CRAM", "BCF"):
            native.look_at(path, reference, RECORDS)
        elif form == "an HDF5 file":
            with hdf5.opened(path, "open") as file:
                hdf5.walk(path, file)
        return ()

    with budget.limits(swells=swells):
        return _answer(path, "", begin, reference, sized=True)


def read_whole(path: Path, kind: str | None, reference: Path | None) -> dict[str, Any]:
    """Read a file to its end; returns the answer as plain data."""
    return _answer(path, kind, None, reference)


def _answer(
    path: Path, kind: str | None, reader: Reader | None, reference: Path | None, sized: bool = False
) -> dict[str, Any]:
    answer: dict[str, Any] = {"path": str(path), "kind": kind or "", "verdict": "read", "warnings": []}
    try:
        answer["kind"] = kind_of(path) if kind is None else kind
        answer["warnings"] = list((reader or READERS[answer["kind"]])(path, reference))
    except FileError as refusal:
        large = {"too_large": isinstance(refusal, TooLargeError)} if sized else {}
        return answer | refusal.to_dict() | {"path": str(path), "verdict": "refused"} | large
    except MemoryError:
        return answer | _refused("a file that fits in the memory allowed", "one that needs more", "Allow more memory.")
    except (GenolabError, OSError) as refusal:
        return answer | _refused("a file that can be read", str(refusal), getattr(refusal, "fix", "") or guard.SURE)
    except Exception as error:  # a fault of genolab, which must not pass for a good file
        found = f"one that its reader failed on ({type(error).__name__}: {error})"
        return answer | _refused("a file that can be read", found[:300], "Please report it with the file.")
    return answer


def _refused(expected: str, found: str, fix: str) -> dict[str, str]:
    return {"verdict": "refused", "expected": expected, "found": found, "fix": fix}


def main() -> None:
    """Answer a request a line: ``{"path", "kind", "reference", "look"}``. The memory allowed is the first argument."""
    import resource

    from genolab.io.native import mark

    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # macOS does not keep this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        reference = request["reference"]
        fasta = Path(reference) if reference else None
        path = Path(request["path"])
        mark(0)
        answer = (
            look(path, fasta, request.get("swells"))
            if request.get("look")
            else read_whole(path, request["kind"], fasta)
        )
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
