"""Files larger than memory: block by block the same numbers as at once, and the same file for any way of working."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse

import genolab as gl
from genolab import cli, prepare
from genolab.errors import FileError, InputError

h5py = pytest.importorskip("h5py", reason="h5py is not installed")
pytest.importorskip("anndata", reason="the anndata extra is not installed")

GENES, SAMPLES = 30, 23


def ten_x(path, antibodies=2):
    """A 10x file of few counts, with features that are no genes."""
    draw = np.random.default_rng(4)
    features = GENES + antibodies
    counts = scipy.sparse.csr_array(draw.poisson(np.geomspace(0.05, 20, features), (SAMPLES, features)))
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(counts, name)
        group["shape"] = np.array([features, SAMPLES])
        group["barcodes"] = np.array([f"cell{k}" for k in range(SAMPLES)], "S8")
        group["features/id"] = np.array([f"ENSG{k}" for k in range(features)], "S8")
        group["features/name"] = np.array([f"gene{k}" for k in range(features)], "S8")
        group["features/feature_type"] = np.array(
            ["Gene Expression"] * GENES + ["Antibody Capture"] * antibodies, "S18"
        )
    return path


@pytest.fixture
def counts(tmp_path):
    return ten_x(tmp_path / "counts.h5")


LENGTHS = np.linspace(500, 4000, GENES)
CASES = {
    "LogCPM": lambda: [prepare.LogCPM(target=1e4)],
    "TPM": lambda: [prepare.TPM(length=LENGTHS), prepare.Logarithm()],
    "RPKM": lambda: [prepare.RPKM(length=LENGTHS)],
    "PearsonResiduals": lambda: [prepare.PearsonResiduals()],
    "Scaler": lambda: [prepare.LogCPM(), prepare.Scaler()],
}


@pytest.mark.parametrize("case", CASES)
def test_blocks_make_what_the_whole_table_makes(case, counts, tmp_path):
    expected = gl.io.read_counts(counts).values
    for step in CASES[case]():
        expected = step.fit_transform(expected)
    done = prepare.transform_file(counts, tmp_path / "out.h5ad", CASES[case](), block=5)
    read = gl.io.read_counts(done.path)
    assert read.is_sparse == scipy.sparse.issparse(expected) == (case not in ("PearsonResiduals", "Scaler"))
    assert list(read.samples) == [f"cell{k}" for k in range(SAMPLES)]
    assert list(read.genes) == [f"ENSG{k}" for k in range(GENES)]
    found, wanted = (each.toarray() if scipy.sparse.issparse(each) else each for each in (read.values, expected))
    if case == "Scaler":  # moments are added in another order
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype
    assert any("2 features that are no genes are left out" in notice for notice in done.notices)


def test_anndata_reads_the_file_with_its_names_and_columns(counts, tmp_path):
    import anndata

    source = gl.io.read_counts(counts).to_anndata()
    source.obs["run"] = [f"r{k % 2}" for k in range(SAMPLES)]
    source.write_h5ad(tmp_path / "in.h5ad")
    done = prepare.transform_file(tmp_path / "in.h5ad", tmp_path / "out.h5ad", prepare.LogCPM(), block=4)
    read = anndata.read_h5ad(done.path)
    assert read.shape == (SAMPLES, GENES) == (done.samples, done.genes)
    assert list(read.obs["run"]) == list(source.obs["run"])
    assert list(read.var_names) == list(source.var_names)
    np.testing.assert_array_equal(read.X.toarray(), prepare.LogCPM().fit_transform(source.X).toarray())


def test_a_constant_gene_becomes_zero_as_at_once(tmp_path):
    import anndata

    values = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    values[:, 1] = 0.1
    anndata.AnnData(values).write_h5ad(tmp_path / "in.h5ad")
    done = prepare.transform_file(tmp_path / "in.h5ad", tmp_path / "out.h5ad", prepare.Scaler(), block=7)
    assert (gl.io.read_counts(done.path).values[:, 1] == 0).all()
    assert done.steps[0].constant_.tolist() == [False, True, False]
    assert any("1 constant genes became 0" in notice for notice in done.notices)


def test_progress_covers_every_pass_and_a_cancel_leaves_nothing(counts, tmp_path):
    told = []
    output = tmp_path / "out.h5ad"
    prepare.transform_file(counts, output, CASES["Scaler"](), block=8, progress=lambda *said: told.append(said))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert {text.split()[0] for _, text in told} == {"learning", "preparing"}
    output.unlink()

    def stop(share, text):
        if share > 0.7:
            raise gl.errors.Cancelled("enough")

    with pytest.raises(gl.errors.Cancelled):
        prepare.transform_file(counts, output, CASES["Scaler"](), block=8, progress=stop)
    assert list(tmp_path.iterdir()) == [counts]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": prepare.TMM()}, r"`steps` must be of LogCPM, .*; got TMM.*read_counts"),
        ({"steps": prepare.Scaler(kind="robust")}, r"got Scaler\(kind='robust'\)"),
        ({"steps": []}, "at least one estimator"),
        ({"output": "out.csv"}, r"a name that ends in .h5ad; got 'out.csv'"),
        ({"block": 0}, "`block` must be a whole number from 1; got 0"),
        ({"layer": "counts"}, "None for a file without layers"),
    ],
)
def test_what_cannot_be_streamed_is_refused(change, message, counts, tmp_path):
    given = {"path": counts, "output": tmp_path / "out.h5ad", "steps": prepare.LogCPM()} | change
    with pytest.raises(InputError, match=message):
        prepare.transform_file(**given)


def test_a_value_that_is_no_count_stops_the_work_and_nothing_is_written(counts, tmp_path):
    with h5py.File(counts, "a") as file:
        file["matrix/data"][0] = -3
    with pytest.raises((InputError, FileError), match="-3"):
        prepare.transform_file(counts, tmp_path / "out.h5ad", prepare.LogCPM(), block=5)
    assert list(tmp_path.iterdir()) == [counts]


def test_the_command_streams_a_file(counts, tmp_path, capsys):
    output = tmp_path / "out.h5ad"
    words = ["normalize", str(counts), "--step", "LogCPM:target=10000", "--step", "Scaler", "--output", str(output)]
    assert cli.main([*words, "--stream", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["samples"], summary["genes"], summary["unit"]) == (SAMPLES, GENES, "z score")
    first = output.read_bytes()
    prepare.transform_file(counts, output, [prepare.LogCPM(target=10000), prepare.Scaler()])
    assert output.read_bytes() == first
    assert cli.main([*words, "--stream", "--samples", str(counts)]) == 1
    assert "--samples" in capsys.readouterr().err
