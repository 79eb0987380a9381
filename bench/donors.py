"""Simulated donors whose truth is known: one sample, a trio, ten samples; genolab beside bcftools and freebayes.

python bench/donors.py [--depth 10 30 60] [--samples one trio ten] [--length 60000] [--seed 1] [--read-length 150]
                       [--error-shift 0] [--markdown FILE]

Donors carry SNVs, indels to 50 bp and changes of repeats' lengths, of frequencies as in a population that does not
grow; a child has one copy of each parent. Reads are made by `art_illumina` (HiSeq 2500 profile) and mapped by
`bwa mem`; nothing of genolab has a part in either. Each caller gets the same BAM files. Scores are those of the site
and allele (F1), and of genotypes where the allele was found (GT); spellings are made equal by `bcftools norm`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared"))
REFERENCE = SHARED / "data" / "na12878_wgs50x_chr20" / "ucsc.hg19.chr20.unittest.fasta.gz"
STRETCH = ("chr20", 10_100_000)  # beside the stretch that the accuracy tests use
SNV_RATE, INDEL_RATE, REPEAT_SHARE = 1e-3, 2e-4, 0.3
SPACING = 30
Genotypes = dict[tuple[int, str, str], list[int]]


@dataclass(frozen=True)
class Variant:
    """A change of the reference, 0-based, with the copies (of all chromosomes) that have it."""

    position: int
    reference: str
    alternate: str
    carriers: frozenset[int]


def draw(rng: np.random.Generator, sequence: str, chromosomes: int) -> list[Variant]:
    """Variants at least 30 bases apart; the number of copies k falls as 1/k, as in a population of constant size."""
    size = len(sequence)
    weights = 1.0 / np.arange(1, chromosomes + 1)
    segregating = weights.sum() / (1.0 + 0.5)  # rates are those of a sample of two
    count = round((SNV_RATE + INDEL_RATE) * segregating * size)
    slots = np.sort(rng.choice(np.arange(300, size - 300, SPACING), count, replace=False))
    repeats = list(_repeats(sequence))
    found: list[Variant] = []
    for slot in slots.tolist():
        carriers = frozenset(
            rng.choice(
                chromosomes, int(rng.choice(np.arange(1, chromosomes + 1), p=weights / weights.sum())), False
            ).tolist()
        )
        if rng.random() < SNV_RATE / (SNV_RATE + INDEL_RATE):
            before = sequence[slot]
            others = {"A": "GGGGCT", "G": "AAAACT", "C": "TTTTAG", "T": "CCCCAG"}[before]
            found.append(Variant(slot, before, others[rng.integers(6)], carriers))
        elif repeats and rng.random() < REPEAT_SHARE:
            start, unit, copies = repeats[int(rng.integers(len(repeats)))]
            change = int(rng.integers(1, 3))
            if rng.random() < 0.5 and copies > change + 1:
                gone = sequence[start - 1 : start + len(unit) * change]
                found.append(Variant(start - 1, gone, gone[0], carriers))
            else:
                base = sequence[start - 1]
                found.append(Variant(start - 1, base, base + unit * change, carriers))
        else:
            length = min(int(rng.geometric(0.25)), 50) if rng.random() < 0.8 else int(rng.integers(10, 51))
            base = sequence[slot]
            if rng.random() < 0.5:
                gone = sequence[slot : slot + length + 1]
                found.append(Variant(slot, gone, base, carriers))
            else:
                letters = "".join("ACGT"[each] for each in rng.integers(0, 4, length))
                found.append(Variant(slot, base, base + letters, carriers))
    kept: list[Variant] = []
    for each in sorted(found, key=lambda one: one.position):
        if not kept or each.position > kept[-1].position + len(kept[-1].reference) + 5:
            kept.append(each)
    return kept


def _repeats(sequence: str) -> Iterator[tuple[int, str, int]]:
    """Runs of 6 to 15 bases and repeats of 2 to 4 bases with 4 to 10 units: start, unit, units."""
    at = 400
    while at < len(sequence) - 400:
        for width, least, most in ((1, 6, 15), (2, 4, 10), (3, 4, 10), (4, 4, 10)):
            unit = sequence[at : at + width]
            if width > 1 and len(set(unit)) == 1:
                continue
            units = 1
            while sequence.startswith(unit, at + units * width):
                units += 1
            if least <= units <= most and not sequence.startswith(unit, at - width):
                yield at, unit, units
                at += units * width
                break
        at += 1


def haplotype(sequence: str, variants: list[Variant], copy: int) -> str:
    """The sequence of one chromosome."""
    parts, at = [], 0
    for each in variants:
        if copy in each.carriers:
            parts += [sequence[at : each.position], each.alternate]
            at = each.position + len(each.reference)
    return "".join([*parts, sequence[at:]])


def chromosomes_of(kind: str, rng: np.random.Generator) -> tuple[list[tuple[int, int]], int]:
    """The two copies of each sample, and how many founders' copies there are."""
    if kind == "trio":
        return [(0, 1), (2, 3), (int(rng.integers(2)), 2 + int(rng.integers(2)))], 4
    number = 1 if kind == "one" else 10
    return [(2 * at, 2 * at + 1) for at in range(number)], 2 * number


def run(command: list[str], **options: object) -> None:
    """A program that must succeed and whose words are not wanted."""
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=options.pop("stdout", subprocess.DEVNULL), **options)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed: {done.stderr.decode()[-400:]}")


def sequence_reads(folder: Path, name: str, texts: tuple[str, str], depth: float, options: argparse.Namespace,
                   seed: int, reference: Path) -> Path:  # fmt: skip
    """Reads of both haplotypes, mapped, sorted and indexed."""
    files: dict[str, list[Path]] = {"1": [], "2": []}
    for copy, text in enumerate(texts):
        fasta = folder / f"{name}.{copy}.fa"
        fasta.write_text(f">{name}_{copy}\n{text}\n")
        shift = ["-qs", str(options.error_shift), "-qs2", str(options.error_shift)] if options.error_shift else []
        run(["art_illumina", "-ss", "HS25", "-i", str(fasta), "-p", "-l", str(options.read_length), "-f",
             f"{depth / 2:g}", "-m", "380", "-s", "60", "-rs", str(seed + copy), "-na", "-q", *shift, "-d",
             f"{name}_{copy}_", "-o", str(folder / f"{name}.{copy}.")])  # fmt: skip
        for mate in files:
            files[mate].append(folder / f"{name}.{copy}.{mate}.fq")
    for mate, parts in files.items():
        with (folder / f"{name}.{mate}.fq").open("wb") as target:
            for part in parts:
                target.write(part.read_bytes())
    bam = folder / f"{name}.bam"
    group = f"@RG\\tID:{name}\\tSM:{name}\\tPL:ILLUMINA"
    with (folder / f"{name}.sam").open("wb") as target:
        run(["bwa", "mem", "-t", "2", "-R", group, str(reference), str(folder / f"{name}.1.fq"),
             str(folder / f"{name}.2.fq")], stdout=target)  # fmt: skip
    run(["samtools", "sort", "-o", str(bam), str(folder / f"{name}.sam")])
    run(["samtools", "index", str(bam)])
    return bam


def callers(
    bams: list[Path], reference: Path, folder: Path, kind: str, names: list[str]
) -> dict[str, Callable[[], Path]]:
    """Each contender, from the same BAM files to a VCF."""
    several = [str(each) for each in bams]

    def genolab() -> Path:
        output = folder / "genolab.vcf.gz"
        pedigree = []
        if kind == "trio":
            (folder / "trio.ped").write_text("".join(
                f"f\t{name}\t{father}\t{mother}\t{sex}\t-9\n"
                for name, father, mother, sex in ((names[0], 0, 0, 1), (names[1], 0, 0, 2), (names[2], *names[:2], 1))
            ))  # fmt: skip
            pedigree = ["--pedigree", str(folder / "trio.ped")]
        run([sys.executable, "-m", "genolab.cli", "call", "--quiet", "--reference", str(reference), "--output",
             str(output), *pedigree, *several])  # fmt: skip
        return output

    def bcftools() -> Path:
        pileup, output = folder / "pileup.bcf", folder / "bcftools.vcf.gz"
        run(["bcftools", "mpileup", "-f", str(reference), "-Ou", "-o", str(pileup), *several])
        run(["bcftools", "call", "-mv", "-Oz", "-o", str(output), str(pileup)])
        return output

    def freebayes() -> Path:
        output = folder / "freebayes.vcf"
        with output.open("wb") as target:
            run(["freebayes", "-f", str(reference), *several], stdout=target)
        return output

    found = {"genolab": genolab, "bcftools": bcftools}
    return found | ({"freebayes": freebayes} if shutil.which("freebayes") else {})


def genotypes_of(path: Path, reference: Path, names: list[str], folder: Path) -> Genotypes:
    """Copies of each alternate in each sample (-1 unknown), QUAL 20 and more, passing; spelled as short as they go."""
    spelled = folder / (path.name.split(".")[0] + ".norm.vcf")
    run(["bcftools", "norm", "-f", str(reference), "-m", "-any", "-a", "-o", str(spelled), str(path)])
    again = spelled.with_suffix(".again.vcf")
    run(["bcftools", "norm", "-f", str(reference), "-o", str(again), str(spelled)])
    found: Genotypes = {}
    with pysam.VariantFile(str(again)) as file:
        for record in file:
            if (record.qual is not None and record.qual < 20) or not set(record.filter.keys()) <= {"PASS"}:
                continue
            alternate = record.alts[0] if record.alts else ""
            if not alternate or set(alternate) - set("ACGTN"):
                continue
            copies = []
            for name in names:
                genotype = record.samples[name]["GT"]
                copies.append(-1 if None in genotype else sum(allele == 1 for allele in genotype))
            if any(each > 0 for each in copies):
                key = (record.pos, record.ref, alternate)
                before = found.get(key)
                found[key] = copies if before is None else [max(a, b) for a, b in zip(before, copies, strict=True)]
    return found


def write_truth(path: Path, variants: list[Variant], people: list[tuple[int, int]], names: list[str], contig: str,
                length: int) -> None:  # fmt: skip
    """The truth as a VCF."""
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={contig},length={length}>",
             '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
             "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])]  # fmt: skip
    for each in variants:
        texts = ["/".join(str(int(copy in each.carriers)) for copy in pair) for pair in people]
        lines.append("\t".join([contig, str(each.position + 1), ".", each.reference, each.alternate, "99", "PASS", ".",
                                "GT", *texts]))  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def score(truth: Genotypes, found: Genotypes) -> tuple[str, dict[str, tuple[float, float]]]:
    """F1 and genotype concordance of SNVs and of indels; a genotype that is missing is wrong."""
    said, values = [], {}
    for kind, wanted in (("SNV", True), ("indel", False)):
        known = {key for key in truth if (len(key[1]) == len(key[2]) == 1) == wanted}
        called = {key for key in found if (len(key[1]) == len(key[2]) == 1) == wanted}
        both = known & called
        precision, recall = len(both) / max(len(called), 1), len(both) / max(len(known), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        pairs = [(a, b) for key in both for a, b in zip(truth[key], found[key], strict=True)]
        right = sum(a == b for a, b in pairs) / max(len(pairs), 1)
        values[kind] = (f1, right)
        said.append(f"{precision:.3f} / {recall:.3f} / {f1:.4f} / {right:.4f}")
    return " | ".join(said), values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=float, nargs="+", default=[10, 30, 60])
    parser.add_argument("--samples", nargs="+", choices=("one", "trio", "ten"), default=["one", "trio", "ten"])
    parser.add_argument("--length", type=int, default=60_000, help="bases of the reference (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--read-length", type=int, default=150)
    parser.add_argument("--error-shift", type=int, default=0, help="added to every quality, with its errors")
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--keep", type=Path, help="keep the files of the last cell here")
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    options = parser.parse_args()
    with pysam.FastaFile(str(options.reference)) as fasta:
        text = fasta.fetch(STRETCH[0], STRETCH[1], STRETCH[1] + options.length).upper()
    rows = [
        "| samples | depth | caller | SNV P / R / F1 / GT | indel P / R / F1 / GT | s |",
        "|---|---|---|---|---|---|",
    ]
    lost: list[str] = []
    print("\n".join(rows), flush=True)
    for kind in options.samples:
        for depth in options.depth:
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                made = cell(folder, text, kind, depth, options)
                best: dict[str, tuple[float, float]] = {}
                for name, (line, values, seconds) in made.items():
                    rows.append(f"| {kind} | {depth:g}x | {name} | {line} | {seconds:.1f} |")
                    print(rows[-1], flush=True)
                    for what, pair in values.items():
                        if name != "genolab":
                            old = best.get(what, (0.0, 0.0))
                            best[what] = (max(old[0], pair[0]), max(old[1], pair[1]))
                for what, pair in made["genolab"][1].items():
                    for measure, own, other in zip(("F1", "GT"), pair, best[what], strict=True):
                        if own < other:
                            lost.append(f"{kind} {depth:g}x {what} {measure}: {own:.4f} against {other:.4f}")
                if options.keep:
                    shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    text = "\n".join([*rows[2:], "", f"lost cells: {'; '.join(lost) or 'none'}"])
    print("\n" + text.splitlines()[-1])
    if options.markdown:
        options.markdown.write_text("\n".join([*rows[:2], text]) + "\n")


def cell(folder: Path, text: str, kind: str, depth: float, options: argparse.Namespace) -> dict[
    str, tuple[str, dict[str, tuple[float, float]], float]]:  # fmt: skip
    """One row of the table for each caller."""
    rng = np.random.default_rng([options.seed, len(kind), int(depth)])
    reference = folder / "reference.fa"
    reference.write_text(">ref\n" + "\n".join(text[at : at + 60] for at in range(0, len(text), 60)) + "\n")
    pysam.faidx(str(reference))
    run(["bwa", "index", str(reference)])
    people, founders = chromosomes_of(kind, rng)
    variants = draw(rng, text, founders)
    variants = [each for each in variants if any(copy in each.carriers for pair in people for copy in pair)]
    names = [f"s{at:02d}" for at in range(len(people))]
    bams = [
        sequence_reads(folder, name, tuple(haplotype(text, variants, copy) for copy in pair), depth, options,
                       options.seed * 1_000 + 10 * at, reference)
        for at, (name, pair) in enumerate(zip(names, people, strict=True))
    ]  # fmt: skip
    write_truth(folder / "truth.vcf", variants, people, names, "ref", len(text))
    truth = genotypes_of(folder / "truth.vcf", reference, names, folder)
    found = {}
    for name, caller in callers(bams, reference, folder, kind, names).items():
        began = time.perf_counter()
        path = caller()
        seconds = time.perf_counter() - began
        found[name] = (*score(truth, genotypes_of(path, reference, names, folder)), seconds)
    return found


if __name__ == "__main__":
    main()
