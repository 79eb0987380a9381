"""Calling on a Dask cluster of this machine: the same bytes, the speed-up, and workers that are killed.

python bench/scale.py [--workers 1 2 4] [--tile N] [--kills N] [--longest S] [--copies N] [--data DIR] [--markdown FILE]

Calls variants of one BAM alone, then on clusters of 1, 2, ... workers of one thread each, as VCF and as gVCF; the files
must be equal to the byte. Ratios are to one worker; the first tiles of each worker load its kernels, and a first run
that nobody times does that. ``--kills N`` calls again and again on two workers, of which one gets SIGKILL at random
moments until N died, and compares each file. ``--copies N`` calls the region's reads N times, one stretch behind the
other on one contig, where a cluster has more to do than to start. Without ``--data`` it takes the NA12878 slice from
the shared data (``GENOLAB_SHARED``, or ``../shared`` beside the project), else the phage. Needs distributed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pysam

import genolab as gl

sys.path.append(str(Path(__file__).parents[1] / "tests" / "scale"))
from killing import killing
from scale_cluster import local

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared"))
NA12878 = SHARED / "data" / "na12878_wgs50x_chr20"


def inputs(folder: Path | None) -> tuple[Path, Path, str | None]:
    """Reads, reference and region."""
    if folder is not None:
        ends = (".fa", ".fasta", ".fa.gz", ".fasta.gz")
        reference = next(path for path in folder.iterdir() if path.name.endswith(ends))
        return next(folder.glob("*.bam")), reference, None
    if NA12878.is_dir():
        return next(NA12878.glob("*.bam")), next(NA12878.glob("*.fasta.gz")), "chr20:10,000,001-10,100,000"
    phage = Path(gl.__file__).parent / "data" / "phage"
    return phage / "reads.bam", phage / "lambda.fa", None


def repeated(
    reads: Path, reference: Path, region: str | None, copies: int, folder: Path
) -> tuple[Path, Path, str | None]:
    """The region's reads and letters so many times, on one contig."""
    with pysam.AlignmentFile(str(reads)) as old, pysam.FastaFile(str(reference)) as letters:
        contig = old.references[0] if region is None else region.split(":")[0]
        low, high = 0, letters.get_reference_length(contig)
        if region is not None:
            low, high = (int(each.replace(",", "")) for each in region.split(":")[1].split("-"))
            low -= 1
        text = letters.fetch(contig, low, high)
        header = old.header.to_dict()
        header["SQ"] = [{"SN": contig, "LN": len(text) * copies}]
        inside = [
            each
            for each in old.fetch(contig, low, high)
            if each.reference_start >= low and each.reference_end and each.reference_end <= high
        ]
        (folder / "reference.fa").write_text(f">{contig}\n{text * copies}\n")
        with pysam.AlignmentFile(str(folder / "reads.bam"), "wb", header=header) as new:
            for copy in range(copies):
                for each in inside:
                    fields = each.to_dict()
                    shift = len(text) * copy - low
                    fields["name"] += f".{copy}"
                    fields["ref_pos"] = str(int(fields["ref_pos"]) + shift)
                    apart = each.next_reference_id != each.reference_id or not low <= each.next_reference_start < high
                    if apart:  # the mate is not in the stretch
                        fields["next_ref_name"], fields["next_ref_pos"], fields["length"] = "*", "0", "0"
                    else:
                        fields["next_ref_pos"] = str(int(fields["next_ref_pos"]) + shift)
                    fields["tags"] = [tag for tag in fields["tags"] if tag.startswith("RG:")]
                    new.write(pysam.AlignedSegment.from_dict(fields, new.header))
    pysam.index(str(folder / "reads.bam"))
    return folder / "reads.bam", folder / "reference.fa", None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tile", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--longest", type=float, default=10.0, help="seconds between two kills, at most")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    reads, reference, region = inputs(options.data)
    times = f", {options.copies} times" if options.copies > 1 else ""
    lines = [f"{reads.name}, {region or 'everything'}{times}, tiles of {options.tile:,}", ""]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if options.copies > 1:
            reads, reference, region = repeated(reads, reference, region, options.copies, folder)

        def call(name: str, gvcf: bool, client: Any = None) -> tuple[float, bytes]:
            path = folder / f"{name}.vcf.gz"
            began = time.perf_counter()
            gl.call.call_to_file(reads, reference, path, region, gvcf=gvcf, client=client, tile=options.tile)
            return time.perf_counter() - began, path.read_bytes()

        if options.kills:
            lines += killed(options, call)
        else:
            lines += timed(options, call)
    text = "\n".join(lines)
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")


def timed(options: argparse.Namespace, call: Any) -> list[str]:
    """A table of seconds and speed-ups."""
    call("warm", True)
    alone = {gvcf: call("alone", gvcf) for gvcf in (False, True)}
    rows = ["| workers | VCF (s) | speed-up | gVCF (s) | speed-up | same bytes |", "|---|---|---|---|---|---|"]
    rows.append(f"| none (serial) | {alone[False][0]:.2f} | | {alone[True][0]:.2f} | | |")
    first: dict[bool, float] = {}
    for workers in options.workers:
        with local(workers) as client:
            call("warm", True, client)
            found = {gvcf: call("cluster", gvcf, client) for gvcf in (False, True)}
        same = all(found[gvcf][1] == alone[gvcf][1] for gvcf in found)
        assert same, f"{workers} workers: other bytes"
        cells = []
        for gvcf, (seconds, _) in found.items():
            first.setdefault(gvcf, seconds)
            cells.append(f"{seconds:.2f} | {first[gvcf] / seconds:.2f}")
        rows.append(f"| {workers} | {' | '.join(cells)} | yes |")
    return rows


def killed(options: argparse.Namespace, call: Any) -> list[str]:
    """Runs until so many workers were killed."""
    expected, total, runs = call("alone", False)[1], 0, 0
    with local(2) as client:
        while total < options.kills:
            (_, found), kills = killing(
                client, options.kills - total, options.longest, lambda: call("cluster", False, client), seed=runs
            )
            assert found == expected, f"run {runs + 1}: other bytes after {kills} kills"
            total, runs = total + kills, runs + 1
    return [f"{total} workers killed in {runs} runs on two workers: every file has the serial one's bytes."]


if __name__ == "__main__":
    main()
