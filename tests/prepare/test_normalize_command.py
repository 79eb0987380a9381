"""``genolab normalize``: the same table as the estimators give, read back digit for digit; refusals write nothing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

import genolab as gl
from genolab import cli

SMALL = pd.DataFrame(
    np.random.default_rng(1).poisson(np.geomspace(3, 3_000, 40), (6, 40)),
    [f"s{k}" for k in range(6)],
    [f"g{k}" for k in range(40)],
)


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.csv"
    SMALL.T.to_csv(path, index_label="gene")
    return path


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("sample,run,kind\n" + "".join(f"s{k},r{k % 2},{'ab'[k // 3]}\n" for k in range(6)))
    return path


def run(*words):
    return cli.main(["normalize", *map(str, words)])


@pytest.mark.parametrize("end", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".h5ad"])
def test_what_is_written_is_what_the_steps_make(tmp_path, counts, sheet, end):
    if end == ".h5ad":
        pytest.importorskip("anndata", reason="the anndata extra is not installed")
    output = tmp_path / f"out{end}"
    steps = ("--step", "GeneFilter:min_count=5", "--step", "TMM:log=true", "--step", "ComBat:batch=run,covariates=kind")
    assert run(counts, "--samples", sheet, *steps, "--output", output, "--quiet") == 0
    samples = gl.io.read_samples(sheet, list(SMALL.index)).to_frame()
    expected = gl.prepare.GeneFilter(min_count=5).fit_transform(gl.io.read_counts(counts).to_frame())
    expected = gl.prepare.TMM(log=True).fit_transform(expected)
    expected = gl.prepare.ComBat().fit_transform(expected, batch=samples["run"], covariates=samples[["kind"]])
    read = gl.io.read_counts(output).to_frame().astype(np.float32)  # the steps' own precision
    pd.testing.assert_frame_equal(read, expected, check_exact=True, check_names=False, check_dtype=False)


def test_a_run_of_10x_and_lengths_by_name(tmp_path, counts):
    folder = tmp_path / "run"
    folder.mkdir()
    scipy.io.mmwrite(folder / "matrix.mtx", scipy.sparse.csc_matrix(SMALL.T.to_numpy()))
    (folder / "barcodes.tsv").write_text("".join(f"{name}\n" for name in SMALL.index))
    (folder / "features.tsv").write_text("".join(f"{name}\t{name}\tGene Expression\n" for name in SMALL.columns))
    lengths = pd.Series(np.arange(40) * 100 + 500, SMALL.columns, name="length")
    lengths[::-1].to_csv(tmp_path / "lengths.csv", index_label="gene")
    output = tmp_path / "tpm.csv"
    assert run(folder, "--step", "tpm", "--lengths", tmp_path / "lengths.csv", "--output", output) == 0
    expected = gl.prepare.TPM(length=lengths).fit_transform(SMALL.astype(float))
    pd.testing.assert_frame_equal(
        gl.io.read_counts(output).to_frame(),
        expected,
        check_exact=False,
        rtol=1e-6,
        check_names=False,
        check_dtype=False,
    )


def test_genes_in_columns_stay_there(tmp_path):
    SMALL.to_csv(tmp_path / "turned.tsv", sep="\t", index_label="sample")
    output = tmp_path / "out.tsv"
    assert run(tmp_path / "turned.tsv", "--genes", "columns", "--step", "LogCPM:base=2", "--output", output) == 0
    assert output.read_text().split("\n", 1)[0].split("\t") == ["sample", *SMALL.columns]


def test_the_summary_as_json_says_what_was_done(tmp_path, counts, capsys):
    output = tmp_path / "out.csv"
    assert run(counts, "--step", "medianofratios", "--output", output, "--json") == 0
    said, stderr = capsys.readouterr()
    summary = json.loads(said)
    assert stderr.splitlines() == [f"genolab normalize: {each}" for each in summary["notices"]]  # no bar in a pipe
    assert (summary["samples"], summary["genes"], summary["unit"]) == (6, 40, "normalised counts")
    assert summary["steps"] == [{"name": "MedianOfRatios", "parameters": {}, "columns": {}}]
    assert summary["digest"] == gl.io.digest(counts)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--step", "RUV"], "one of GeneFilter"),
        (["--step", "TMM:trim=1"], "ratio_trim"),
        (["--step", "TMM:log=perhaps"], "true or false"),
        (["--step", "TMM:ratio_trim=much"], "a number"),
        (["--step", "ComBat:batch=run"], "sample table"),
        (["--step", "TPM"], "--lengths"),
        (["--step", "TMM", "--output", "out.xlsx"], ".h5ad"),
    ],
)
def test_a_refusal_is_one_sentence_and_writes_nothing(tmp_path, counts, capsys, monkeypatch, change, sentence):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert run(counts, "--output", "out.csv", *change) == 1
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.startswith("genolab normalize: ")
    assert stderr.count("\n") == 1
    assert sentence in stderr
    assert set(tmp_path.iterdir()) == before
