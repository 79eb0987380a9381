"""Accuracy on thinned reads: genolab and bcftools on the same reads of NA12878, means over seeds of `samtools view -s`.

python bench/depths.py [--data DIR] [--region R] [--shares 0.5 0.2 0.1] [--seeds 5] [--markdown FILE]

Scores are those of bench/call.py: QUAL of 20 or more, F1 of SNVs, and F1 of indels where a wrong genotype is an error.
Ranges are those of the seeds. The truth does not name what lies outside its confident stretch of 9 kb, so nothing is to
be tuned on this set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from call import SHARED, Files, find

MEASURES = (("SNV", "f1"), ("INDEL", "f1_gt"), ("INDEL", "gt_concordance"))


def thinned(reads: Path, share: float, seed: int, scratch: Path) -> Path:
    """A share of the fragments, by name."""
    path = scratch / f"{share}-{seed}.bam"
    subprocess.run(["samtools", "view", "-b", "-s", f"{seed + share:.3f}", "-o", str(path), str(reads)], check=True)
    subprocess.run(["samtools", "index", str(path)], check=True)
    return path


def by_genolab(reads: Path, files: Files, region: str, output: Path) -> None:
    """The calls of a session."""
    from genolab.call import call_variants

    call_variants(reads, files.reference, region).write(output)


def by_bcftools(reads: Path, files: Files, region: str, output: Path) -> None:
    """As bench/call.py runs it."""
    command = ["bcftools", "mpileup", "-f", str(files.reference), "-r", region.replace(",", ""), "-Ou", str(reads)]
    pileup = subprocess.run(command, capture_output=True, check=True).stdout
    subprocess.run(["bcftools", "call", "-mv", "-Oz", "-o", str(output)], input=pileup, capture_output=True, check=True)


def scores(files: Files, region: str, calls: Path, scorer: Path) -> list[float]:
    """The measures of one file of calls."""
    command = [sys.executable, str(scorer), str(files.truth), "none", str(files.reference), str(calls)]
    command += [region.replace(",", ""), "--min-qual", "20"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [found[kind][name] or 0.0 for kind, name in MEASURES]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "na12878_wgs50x_chr20")
    parser.add_argument("--region", default="chr20:10,000,001-10,100,000")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.5, 0.2, 0.1], help="of 52x: 26x, 10x, 5x")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--scorer", type=Path, default=SHARED / "tools" / "score_vcf.py")
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    files = find(options.data)
    callers: dict[str, Callable[[Path, Files, str, Path], None]] = {"genolab": by_genolab, "bcftools": by_bcftools}
    lines = ["| share of 52x | caller | SNV F1 | indel F1 with GT | indel GT of those found |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for share in [1.0, *options.shares]:
            seeds = range(1, options.seeds + 1) if share < 1 else [0]
            sets = [thinned(files.reads, share, seed, scratch) if share < 1 else files.reads for seed in seeds]
            for name, call in callers.items():
                rows = []
                for reads in sets:
                    call(reads, files, options.region, scratch / "calls.vcf.gz")
                    rows.append(scores(files, options.region, scratch / "calls.vcf.gz", options.scorer))
                cells = [
                    f"{statistics.mean(each):.3f}" + (f" ({min(each):.3f} to {max(each):.3f})" if len(each) > 1 else "")
                    for each in zip(*rows, strict=True)
                ]
                lines.append(f"| {share:g} | {name} | {' | '.join(cells)} |")
                print(lines[-1], flush=True)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
