"""Damaged or unfitting files: one clear sentence in Python and on the command line, and nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_inputs import BAD, good_input, other_sequence, without_index
from made_reads import evidence_of, simple

from genolab import cli
from genolab.call import call_variants
from genolab.errors import FileError, InputError, MissingIndexError


@pytest.fixture
def good(tmp_path) -> tuple[Path, Path]:
    """Reads and their reference, in a folder of their own."""
    (tmp_path / "input").mkdir()
    return good_input(tmp_path / "input")


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


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_input_on_the_command_line_is_one_line_and_nothing_is_written(damage, good, tmp_path, capsys):
    reads, reference = good
    region = damage(reads, reference).get("region")
    before = sorted(reads.parent.iterdir())
    output = tmp_path / "output"
    output.mkdir()
    words = ["call", "--reference", str(reference), "--output", str(output / "calls.vcf.gz"), str(reads)]
    assert cli.main([*words, *(["--region", region] if region else [])]) == 1
    printed, said = capsys.readouterr()
    assert printed == ""
    (line,) = said.splitlines()
    assert line.startswith("genolab call: ")
    for word in BAD[damage]:
        assert word.lower() in line.lower()
    assert list(output.iterdir()) == []
    assert sorted(reads.parent.iterdir()) == before


def test_a_process_that_refuses_warns_of_nothing(good, tmp_path):
    reads, reference = good
    other_sequence(reads, reference)
    command = [sys.executable, "-m", "genolab.cli", "call", "--reference", str(reference)]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "calls.vcf.gz"), str(reads)],
        capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("genolab call: reference.fa")
    assert not (tmp_path / "calls.vcf.gz").exists()


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
