"""`genolab call` against `bcftools mpileup | bcftools call` and `freebayes` on the same reads, turn by turn.

python bench/call.py --data DIR [--region R] [--repeats N] [--markdown FILE]

DIR holds a BAM with its index, a FASTA with its index and, for a score, a truth VCF. Each command is a fresh process
with warm caches (Python's bytecode too): the first turn warms them and is not counted. Wall and CPU time (children
included) are medians; the ratios are those of the medians. ``in process`` is the CPU time of the calls of a session
that runs already.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared"))


class Files(NamedTuple):
    """What a caller is given."""

    reads: Path
    reference: Path
    truth: Path | None


def find(folder: Path) -> Files:
    """The reads, the reference and the truth of a folder."""

    def only(*suffixes: str) -> Path | None:
        found = sorted(path for path in folder.iterdir() if path.name.endswith(suffixes))
        if len(found) > 1:
            sys.exit(f"{folder} holds {len(found)} files that end in {', '.join(suffixes)}; one is needed.")
        return found[0] if found else None

    reads, reference = only(".bam", ".cram"), only(".fa", ".fasta", ".fa.gz", ".fasta.gz")
    if reads is None or reference is None:
        sys.exit(f"{folder} must hold a BAM and a FASTA.")
    return Files(reads, reference, only(".vcf.gz"))


def commands(files: Files, region: str, plain_reference: Path) -> dict[str, Callable[[Path], list[list[str]]]]:
    """Each contender's pipeline, given where its calls go; freebayes where it is on this machine."""
    plain = region.replace(",", "")
    reads, reference = str(files.reads), str(files.reference)

    def genolab(output: Path) -> list[list[str]]:
        options = ["--quiet", "--reference", reference, "--region", region, "--output", str(output)]
        return [[sys.executable, "-m", "genolab.cli", "call", *options, reads]]

    def bcftools(*options: str) -> Callable[[Path], list[list[str]]]:
        def pipeline(output: Path) -> list[list[str]]:
            return [
                ["bcftools", "mpileup", *options, "-f", reference, "-r", plain, "-Ou", reads],
                ["bcftools", "call", "-mv", "-Oz", "-o", str(output)],
            ]

        return pipeline

    def freebayes(output: Path) -> list[list[str]]:
        caller = ["freebayes", "-f", str(plain_reference), "-r", plain.replace("-", ".."), reads]
        return [caller, ["bcftools", "view", "-Oz", "-o", str(output)]]

    found = {"genolab call": genolab, "bcftools": bcftools()}
    return found | ({"freebayes": freebayes} if shutil.which("freebayes") else {})


def uncompressed(reference: Path, scratch: Path) -> Path:
    """The reference as freebayes reads it: plain, with an index beside it."""
    if reference.suffix != ".gz":
        return reference
    import pysam

    plain = scratch / "reference.fa"
    with gzip.open(reference) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target)
    pysam.faidx(str(plain))
    return plain


def run(pipeline: list[list[str]]) -> tuple[float, float]:
    """Wall and CPU seconds of a pipeline; what it says goes nowhere, its failure ends the benchmark."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    began = time.perf_counter()
    stages: list[subprocess.Popen[bytes]] = []
    for command in pipeline:
        last = command is pipeline[-1]
        source = stages[-1].stdout if stages else None
        target = subprocess.DEVNULL if last else subprocess.PIPE
        stages.append(
            subprocess.Popen(command, stdin=source, stdout=target, stderr=subprocess.DEVNULL, env=environment)
        )
        if source is not None:
            source.close()
    codes = [stage.wait() for stage in stages]
    wall, after = time.perf_counter() - began, os.times()
    if any(codes):
        sys.exit(f"failed with {codes}: {' | '.join(' '.join(command) for command in pipeline)}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def in_process(files: Files, region: str, output: Path, repeats: int) -> float:
    """CPU seconds of a call and its file in a session that has called before."""
    from genolab.call import call_variants

    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        call_variants(files.reads, files.reference, region).write(output)
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def score(files: Files, region: str, calls: Path, scorer: Path) -> str:
    """Precision / recall / F1 of SNVs, and of indels with F1 where genotypes count, at QUAL >= 20 of what passes."""
    if files.truth is None or not scorer.is_file():
        return "no truth or no scorer | "
    command = [sys.executable, str(scorer), str(files.truth), "none", str(files.reference), str(calls)]
    command += [region.replace(",", ""), "--min-qual", "20"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = []
    for kind, last in (("SNV", "gt_concordance"), ("INDEL", "f1_gt")):
        values = [found[kind][name] or 0.0 for name in ("precision", "recall", "f1", last)]
        said.append(" / ".join(f"{value:.3f}" for value in values))
    return " | ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=SHARED / "data" / "na12878_wgs50x_chr20", help="default %(default)s"
    )
    parser.add_argument("--region", default="chr20:10,000,001-10,100,000", help="default %(default)s")
    parser.add_argument("--repeats", type=int, default=7, help="turns that count (default %(default)s)")
    parser.add_argument("--scorer", type=Path, default=SHARED / "tools" / "score_vcf.py", help="default %(default)s")
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    options = parser.parse_args()
    if shutil.which("bcftools") is None:
        sys.exit("bcftools is needed for the comparison.")
    files = find(options.data)
    with tempfile.TemporaryDirectory() as scratch:
        contenders = commands(files, options.region, uncompressed(files.reference, Path(scratch)))
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for turn in range(options.repeats + 1):
            for name, pipeline in contenders.items():
                taken = run(pipeline(Path(scratch, f"{name}.vcf.gz")))
                if turn:
                    times[name].append(taken)
        middle = {
            name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()
        }
        wall, cpu = middle["bcftools"]
        heads = [
            "",
            "wall s",
            "CPU s",
            "wall / bcftools",
            "CPU / bcftools",
            "SNV P / R / F1 / GT",
            "indel P / R / F1 / F1 with GT",
        ]
        lines = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|---|"]
        for name, (own_wall, own_cpu) in middle.items():
            scored = score(files, options.region, Path(scratch, f"{name}.vcf.gz"), options.scorer)
            lines.append(
                f"| {name} | {own_wall:.2f} | {own_cpu:.2f} | {own_wall / wall:.2f} | {own_cpu / cpu:.2f} | {scored} |"
            )
        inside = in_process(files, options.region, Path(scratch, "inside.vcf.gz"), options.repeats)
        lines.append(f"| genolab in process, warm | | {inside:.2f} | | {inside / cpu:.2f} | | |")
    version = subprocess.run(["bcftools", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    about = f"{version}, Python {platform.python_version()}, {os.cpu_count()} cores, medians of {options.repeats} turns"
    text = "\n".join([*lines, "", f"{about}; {options.region} of {files.reads.name}"])
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
