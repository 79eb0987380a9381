"""``genolab align``: files or letters in, a table or text out, refusals in one sentence."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from genolab.cli import main


@pytest.fixture
def files(tmp_path):
    queries, targets = tmp_path / "q.fa", tmp_path / "t.fa"
    queries.write_text(">a\nACGTACGT\n>b\nGGGTTT\n")
    targets.write_text(">c\nACGACGT\n>d\nGGGTTT\n")
    return str(queries), str(targets)


def test_a_table_on_the_terminal_or_in_a_file(files, tmp_path, capsys):
    assert main(["align", *files]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[2].split("\t") == ["b", "d", "12", "1", "6", "1", "6", "1.0", "6="]
    output = tmp_path / "out.tsv"
    assert main(["align", *files, "--all", "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"4 alignments, written to {output}\n"
    assert main(["align", *files, "--json"]) == 0
    assert [row["score"] for row in json.loads(capsys.readouterr().out)][1] == 12
    assert main(["align", *files, "--json", "--output", str(output), "--all"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(output), "alignments": 4}
    assert pd.read_csv(output, sep="\t")["query"].tolist() == ["a", "a", "b", "b"]


def test_alignments_as_text_with_costs_of_ones_own(capsys):
    options = ["--mode", "local", "--matrix", "BLOSUM62", "--gap-open", "10", "--gap-extend", "1", "--text"]
    assert main(["align", "HEAGAWGHEE", "PAWHEAE", *options]) == 0
    assert "query  5 AWGHE 9\n         || ||\ntarget 2 AW-HE 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ACGT", "nothing.fa"], "nothing.fa: expected a file"),
        (["ACGT", "ACGT", "--gap-open", "-3"], "a cost of 0 or more"),
        (["MEV", "MEV"], "For proteins"),
    ],
)
def test_refusals(words, said, capsys):
    assert main(["align", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith("genolab align: ")
    assert said in error
    assert error.count("\n") == 1
