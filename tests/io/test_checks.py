"""Whole files read in a process of their own: what is said of good ones, bad ones, and those that kill the reader."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

import genolab as gl
from genolab import cli
from genolab.errors import InputError
from genolab.io import check, check_all

CRASHES = """
import os, signal, sys
for line in sys.stdin:
    if "bad" in line:
        print("free(): invalid pointer", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    print('{"path": "good", "kind": "bam", "verdict": "read", "warnings": []}', flush=True)
"""


def test_good_files_are_read_and_bad_ones_have_their_place(tmp_path: Path) -> None:
    example = gl.data.example("phage")
    (tmp_path / "cut.fq").write_text("@r1\nACGT\n+\nIIII\n@r2\nACGT\n+\nII\n")
    (tmp_path / "page.bam").write_text("<!doctype html><html>404</html>")
    (tmp_path / "t.csv").write_text("gene,a,b\ng1,1,2\ng1,3,4\n")
    names = [example.reads, example.reference, example.truth]
    read = list(check_all(names))
    assert [each.verdict for each in read] == ["read"] * 3
    assert [each.kind for each in read] == ["bam", "fasta", "vcf"]
    assert str(read[0]).startswith(f"{example.reads}: read (bam)")
    assert not list(Path(example.reads).parent.glob("*.bai.*")), "nothing is written beside a file"
    cut, page, table, nothing = check_all([tmp_path / name for name in ("cut.fq", "page.bam", "t.csv", "none.bam")])
    assert (cut.verdict, cut.line, cut.record, cut.field) == ("refused", 8, 2, "qualities")
    assert page.offset == 0
    assert "web page" in str(page)
    assert table.line == 3
    assert nothing.verdict == "refused"
    assert all(each.expected and each.found and each.fix for each in (cut, page, table))


def test_a_file_that_kills_its_reader_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crashing_reader.py").write_text(CRASHES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys.modules["genolab.io.checks"], "READER", "crashing_reader")
    good, bad, after = check_all(["good.bam", "bad.bam", "good.bam"])
    assert good.verdict == after.verdict == "read"
    assert bad.verdict == "refused"
    assert bad.found == "one that ended the process that read it (SIGSEGV: free(): invalid pointer)"


def test_time_is_bounded() -> None:
    found = check(gl.data.example("phage").reads, seconds=0.001)
    assert found.verdict == "refused"
    assert found.found == "one that was not read after 0.001 s"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the limit")
def test_memory_is_bounded(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.fq.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as stream:
        stream.write(b"@r1\n")
        for _ in range(450):
            stream.write(b"A" * 2**20)
    found = check(bomb, memory=500 * 2**20)
    assert found.verdict == "refused"
    assert found.expected == "an archive that becomes at most 100 times its size"
    assert "limits(swells=" in (found.fix or "")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="kind"):
        check("reads.bam", kind="docx")


def test_the_command_answers_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "x.bed"
    bad.write_text("chr1\t5\t2\n")
    good = gl.data.example("phage").reference
    assert cli.main(["check", str(good), str(bad), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in rows] == ["read", "refused"]
    assert rows[1]["line"] == 1
    assert {"expected", "found", "fix"} <= rows[1].keys()
    assert cli.main(["check", str(good)]) == 0
    with pytest.raises(SystemExit) as usage:
        cli.main(["check", str(good), "--kind", "docx"])
    assert usage.value.code == 2
