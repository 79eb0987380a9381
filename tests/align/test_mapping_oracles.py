"""What samtools, Picard and bwa say of our BAM files."""

from __future__ import annotations

import random
import re
import shutil
import subprocess

import made_fastq as made
import pytest

from genolab.align import map_reads

pytestmark = pytest.mark.oracle
RANDOM = random.Random(7)
CONTIGS = {name: made.letters(size, size) for name, size in (("a", 9000), ("b", 4000), ("c", 700))}
CONTIGS["b"] += CONTIGS["a"][3000:3500]


def program(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Pairs with errors, gaps, chimeras, unknown letters, and mates from nowhere."""
    folder = tmp_path_factory.mktemp("oracles")
    reference = folder / "ref.fa"
    reference.write_text(
        "".join(
            f">{name}\n" + "\n".join(text[at : at + 60] for at in range(0, len(text), 60)) + "\n"
            for name, text in CONTIGS.items()
        )
    )
    first, second, truth = made.simulated(CONTIGS, 300, 90, wrong=0.02, insert=250)
    for number, name in enumerate(list(first)):
        read = first[name]
        if number % 9 == 0:
            first[name] = read[:40] + read[40 + RANDOM.randint(1, 12) :]
        if number % 10 == 0:
            first[name] = read[:45] + made.reverse_complement(CONTIGS["a"][1000 + number : 1045 + number])
        if number % 11 == 0:
            second[name] = made.letters(90, number)
        if number % 13 == 0:
            first[name] = read[:20] + "NNN" + read[23:]
        if number % 50 == 0:
            first[name] = made.letters(80, 1000 + number)
    paths = made.write_fastq(folder / "1.fq", first), made.write_fastq(folder / "2.fq", second)
    result = map_reads(paths, reference, folder / "out.bam", secondary=2)
    return result, reference, paths, truth


def test_our_own_checks(mapped):
    assert made.faults(mapped[0].path, CONTIGS) == []
    assert mapped[0].supplementary > 10
    assert mapped[0].secondary > 5


def test_samtools_finds_nothing_to_mend(mapped):
    samtools = program("samtools")
    result, reference, *_ = mapped
    assert run(samtools, "quickcheck", "-v", result.path).returncode == 0
    again = run(samtools, "calmd", "--no-PG", result.path, reference)
    assert again.stderr == ""  # NM and MD as they should be
    lines = [line.split("\t") for line in again.stdout.splitlines() if not line.startswith("@")]
    ours = [read.to_string().split("\t") for read in made.records(result.path)]
    assert [sorted(line) for line in lines] == [sorted(line) for line in ours]
    counted = run(samtools, "idxstats", result.path).stdout.split("\n")
    assert [line.split("\t")[0] for line in counted[:3]] == list(CONTIGS)


def test_picard_finds_no_fault(mapped):
    picard = program("PicardCommandLine")
    result, reference, *_ = mapped
    made_dict = run(picard, "CreateSequenceDictionary", f"R={reference}", f"O={reference.with_suffix('.dict')}")
    assert made_dict.returncode == 0
    run(program("samtools"), "faidx", reference)
    found = run(picard, "ValidateSamFile", f"I={result.path}", f"R={reference}", "MODE=SUMMARY")
    assert "No errors found" in found.stdout + found.stderr


def worth_of(cigar, edits):
    """An alignment's score from its CIGAR and NM; bwa's AS is that before it extends to the ends."""
    runs = [(int(count), kind) for count, kind in re.findall(r"(\d+)([MID])", cigar)]
    gaps = [count for count, kind in runs if kind != "M"]
    return sum(count for count, kind in runs if kind == "M") - 5 * (edits - sum(gaps)) - sum(gaps) - 6 * len(gaps)


def test_bwa_puts_them_where_we_do(mapped):
    bwa = program("bwa")
    result, reference, paths, _ = mapped
    assert run(bwa, "index", reference).returncode == 0
    theirs = {}
    for line in run(bwa, "mem", "-t", "1", reference, *paths).stdout.splitlines():
        fields = line.split("\t")
        if not line.startswith("@") and not int(fields[1]) & 0x900:
            edits = next((int(field[5:]) for field in fields if field.startswith("NM:i:")), 0)
            worth = worth_of(fields[5], edits)
            theirs[fields[0], bool(int(fields[1]) & 128)] = (fields[2], int(fields[3]), int(fields[4]), worth)
    same = sure = better = 0
    for read in made.records(result.path):
        if read.flag & 0x900 or read.is_unmapped or read.mapping_quality < 20:
            continue
        if read.has_tag("SA"):  # of the parts of a chimera, we put that first which fits its mate
            continue
        contig, position, quality, worth = theirs[read.query_name, read.is_read2]
        if quality >= 20:
            sure += 1
            same += read.reference_name == contig and abs(read.reference_start + 1 - position) <= 10
            better += read.get_tag("AS") >= worth
    assert sure > 400
    assert same == sure
    assert better >= 0.99 * sure
