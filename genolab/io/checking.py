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

from genolab.errors import FileError, GenolabError
from genolab.io import guard


def kind_of(path: Path) -> str:
    """The kind by the file's first bytes, and where these do not tell, by its name.

    Raises
    ------
    FileError
        If neither tells.
    """
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

    if guard.nature(path, "check").format != "SAM":
        io.build_index(path, cache=True)  # in a folder that goes away, so that the one beside the file is not trusted
    with io.open_alignments(path, reference=reference, index="cache") as alignments:
        said, reads = list(alignments.notices), 0
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


def _sequences(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    io.read_sequences(path)
    return ()


def _counts(path: Path, reference: Path | None) -> Iterable[str]:
    from genolab import io

    return io.read_counts(path).notices


READERS: dict[str, Callable[[Path, Path | None], Iterable[str]]] = {
    "bam": _alignments,
    "sam": _alignments,
    "cram": _alignments,
    "fasta": _reference,
    "fastq": _sequences,
    "vcf": _variants,
    "bcf": _variants,
    "bed": _intervals,
    "counts": _counts,
}
"""What can be checked, and what reads it: the package's own readers, each to the end of the file."""

_BY_FORMAT = {name.upper(): name for name in ("bam", "sam", "cram", "fasta", "fastq", "vcf", "bcf")}
_BY_SUFFIX = {
    ".bed": "bed", ".csv": "counts", ".tsv": "counts", ".txt": "counts", ".mtx": "counts", ".h5": "counts",
    ".h5ad": "counts",
    ".bam": "bam", ".sam": "sam", ".cram": "cram", ".vcf": "vcf", ".bcf": "bcf", ".fastq": "fastq", ".fq": "fastq",
    ".fasta": "fasta", ".fa": "fasta", ".fna": "fasta",
}  # fmt: skip


def read_whole(path: Path, kind: str | None, reference: Path | None) -> dict[str, Any]:
    """Read a file to its end; returns the answer as plain data."""
    answer: dict[str, Any] = {"path": str(path), "kind": kind or "", "verdict": "read", "warnings": []}
    try:
        answer["kind"] = kind or kind_of(path)
        answer["warnings"] = list(READERS[answer["kind"]](path, reference))
    except FileError as refusal:
        return answer | refusal.to_dict() | {"path": str(path), "verdict": "refused"}
    except MemoryError:
        return answer | _refused("a file that fits in the memory allowed", "one that needs more", "Allow more memory.")
    except (GenolabError, OSError) as refusal:
        return answer | _refused("a file that can be read", str(refusal), getattr(refusal, "fix", ""))
    return answer


def _refused(expected: str, found: str, fix: str) -> dict[str, str]:
    return {"verdict": "refused", "expected": expected, "found": found, "fix": fix}


def main() -> None:
    """Answer one request a line: ``{"path", "kind", "reference"}``. The memory allowed is the first argument."""
    import resource

    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # macOS does not keep this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        reference = request["reference"]
        answer = read_whole(Path(request["path"]), request["kind"], Path(reference) if reference else None)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
