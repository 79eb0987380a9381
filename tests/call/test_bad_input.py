"""Damaged or unfitting files: one clear sentence, and nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from made_reads import evidence_of, sam_text, simple, write_bam, write_reference

from genolab.call import call_variants
from genolab.errors import FileError, InputError, MissingIndexError


@pytest.fixture
def good(tmp_path) -> tuple[Path, Path]:
    """A small BAM with an index, and its reference of 2,000 bases."""
    random = np.random.default_rng(8)
    sequence = "".join(random.choice(list("ACGT"), 2_000))
    reads = [simple(f"r{at}", at, sequence[at : at + 100]) for at in range(0, 1_900, 5)]
    folder = tmp_path / "input"
    folder.mkdir()
    return write_bam(folder / "reads.bam", sam_text(reads, 2_000)), write_reference(folder / "reference.fa", sequence)


def truncated(reads: Path, reference: Path) -> dict[str, str]:
    data = reads.read_bytes()
    reads.write_bytes(data[: len(data) // 2])
    return {}


def without_index(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    return {}


def outside(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:1,990-2,100"}


def unknown_contig(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr7:1-100"}


def empty_region(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:200-100"}


def other_contigs(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 500, "scaffold_9")
    return {}


def other_length(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 499)
    return {}


def other_sequence(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "".join(np.random.default_rng(9).choice(list("ACGT"), 2_000)))
    return {}


def other_md5(reads: Path, reference: Path) -> dict[str, str]:
    with pysam.AlignmentFile(str(reads)) as file:
        text = str(file.header).replace("LN:2000", "LN:2000\tM5:0123456789abcdef0123456789abcdef")
        body = "".join(f"{read.to_string()}\n" for read in file)
    write_bam(reads, text + body)
    return {}


def web_page(reads: Path, reference: Path) -> dict[str, str]:
    reads.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    return {}


def unmapped(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    with pysam.AlignmentFile(str(reads), "wb", text="@HD\tVN:1.6\n") as file:
        file.write(pysam.AlignedSegment.fromstring("r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII", file.header))
    return {}


def no_such_file(reads: Path, reference: Path) -> dict[str, str]:
    reads.unlink()
    return {}


BAD = {
    truncated: ("reads.bam", "cut"),
    without_index: ("reads.bam", "build_index"),
    outside: ("region", "2,000"),
    unknown_contig: ("chr7", "chr1"),
    empty_region: ("region", "200-100"),
    other_contigs: ("reference.fa", "no such contig (it has scaffold_9)"),
    other_length: ("reference.fa", "chr1 of 1,996"),
    other_sequence: ("reference.fa", "bases alike"),
    other_md5: ("reference.fa", "MD5"),
    web_page: ("reads.bam", "a web page"),
    unmapped: ("reads.bam", "no contigs"),
    no_such_file: ("reads.bam", "found nothing at this path"),
}


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_input_is_one_clear_error(damage, good):
    reads, reference = good
    assert len(call_variants(reads, reference)) == 0
    options = damage(reads, reference)
    with pytest.raises((FileError, InputError)) as refused:
        call_variants(reads, reference, **options)
    sentence = str(refused.value)
    for word in BAD[damage]:
        assert word.lower() in sentence.lower(), sentence
    assert "\n" not in sentence
    if damage is without_index:
        assert isinstance(refused.value, MissingIndexError)


@pytest.mark.parametrize("damage", [truncated, other_sequence, web_page], ids=lambda damage: damage.__name__)
def test_bad_input_on_the_command_line_writes_nothing(damage, good, tmp_path):
    reads, reference = good
    damage(reads, reference)
    output = tmp_path / "output"
    output.mkdir()
    command = [sys.executable, "-m", "genolab.cli", "call", "--reference", str(reference)]
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, "--output", str(output / "calls.vcf.gz"), str(reads)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("genolab call: ")
    assert list(output.iterdir()) == []


def test_a_missing_index_is_made_where_it_is_wanted(good, tmp_path, monkeypatch):
    reads, reference = good
    without_index(reads, reference)
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "cache"))
    assert any("An index was built" in each for each in call_variants(reads, reference, index="cache").notices)
    assert not Path(f"{reads}.bai").exists()
    call_variants(reads, reference, index="build")
    assert list((tmp_path / "cache").rglob("*.bai"))


def test_a_region_without_reads_gives_no_calls_and_says_so(tmp_path):
    evidence = evidence_of([simple("r", 5, "CGTACGTACG")], "ACGTACGTACGTACGTACGT", tmp_path)
    calls = call_variants(evidence.reads_path, evidence.reference_path, "chr1:1-3")
    assert len(calls) == 0
    assert any("No reads overlap chr1:1-3" in notice for notice in calls.notices)
