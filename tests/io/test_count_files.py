"""Matrices of counts in files: MatrixMarket, 10x folders and HDF5, .h5ad; what is refused, and before it is read."""

import csv
import gzip
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import genolab as gl
from genolab.errors import FileError, InputError

h5py = pytest.importorskip("h5py", reason="h5py comes with the anndata extra")
anndata = pytest.importorskip("anndata", reason="anndata is an extra")

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[3] / "shared"))
MANIFEST = SHARED / "corpora" / "MANIFEST.tsv"
pytestmark = pytest.mark.filterwarnings("ignore:.*infer_string")


def counts(samples=6, genes=9, seed=0):
    rng = np.random.default_rng(seed)
    return scipy.sparse.csr_array(rng.poisson(0.7, (samples, genes)).astype(np.int64))


def names(letter, number):
    return [f"{letter}{k}" for k in range(number)]


@pytest.mark.skipif(not MANIFEST.is_file(), reason="the shared corpora are not on this machine (set GENOLAB_SHARED)")
def test_each_file_of_the_corpora_is_read_or_refused_with_its_place():
    wrong = []
    with open(MANIFEST, newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["kind"] in ("csv", "mtx")]
    assert len(rows) > 40
    for row in rows:
        try:
            meant = "counts" if row["valid"] == "no" else "any"  # one of those to be read has fractions
            table = gl.io.read_counts(SHARED / "corpora" / row["file"], values=meant)
        except FileError as refusal:
            place = {"line", "field"} & refusal.to_dict().keys()
            if row["valid"] != "no" or not (place or "empty file" in refusal.found) or not refusal.fix:
                wrong.append(f"{row['file']} ({row['defect']}): {refusal}")
        else:
            if row["valid"] == "no" or (row["valid"] == "warn" and len(table.notices) < 2):
                wrong.append(f"{row['file']} ({row['defect']}) was read: {table.notices}")
    assert wrong == []


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("field", ["integer", "real"])
def test_a_matrix_market_file_is_what_was_written(tmp_path, packed, field):
    matrix, path = counts(), tmp_path / "m.mtx"
    scipy.io.mmwrite(path, matrix.T, field=field, comment="made here")
    if packed:
        path = tmp_path / "m.mtx.gz"
        path.write_bytes(gzip.compress((tmp_path / "m.mtx").read_bytes()))
    table = gl.io.read_counts(path, values="counts")
    assert (table.values != matrix).nnz == 0
    assert table.values.dtype == (np.int64 if field == "integer" else np.float64)
    assert list(table.samples) == ["1", "2", "3", "4", "5", "6"]
    assert (gl.io.read_counts(path, genes="columns").values != matrix.T).nnz == 0
    whole = tmp_path / "whole.mtx"
    scipy.io.mmwrite(whole, matrix.toarray().T)
    assert (gl.io.read_counts(whole).values != matrix).nnz == 0


HEAD = "%%MatrixMarket matrix coordinate integer general\n% about\n3 2 2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "1 1 5\n1 1 6\n", "line 5: expected each place once; found row 1, column 1 twice"),
        (HEAD + "1 1 5\n2 2 x\n", "line 5: expected whole numbers, as the banner says; found '2 2 x'"),
        (HEAD + "1 1 5 7\n2 2 1\n", "line 4: expected 3 numbers; found 4: '1 1 5 7'"),
        (HEAD + "1 1\n2 2 1 1\n", "line 4: .*invalid integer"),
        (HEAD + "1 1 5\n4 2 1\n", "line 5: .*row index out of bounds"),
        (HEAD.replace("integer", "complex") + "1 1 5 5\n2 2 1 1\n", "line 1, banner: expected matrix"),
        (HEAD.replace("3 2 2", "3 2 7") + "1 1 5\n2 2 1\n", "line 3: expected sizes that the file can hold"),
        (HEAD.replace("3 2 2", "3 2") + "1 1 5\n2 2 1\n", "line 3: expected rows, columns and entries"),
        (HEAD.splitlines()[0] + "\n% only\n", "expected a line of sizes; found none"),
        (HEAD.replace("integer", "real") + "1 1 5\n2 2 1e400\n", "line 5: expected finite numbers; found inf"),
        (HEAD.replace("integer", "real") + "1 1 5\n2 2 7abc\n", "line 5: expected a number; found '7abc'"),
        (HEAD.replace("integer", "real") + "1 1 5e\n2 2 7\n", "line 4: expected a number; found '5e'"),
        (HEAD + "1 1 5\n2 2 7-3\n", "line 5: expected a number; found '7-3'"),
        (HEAD.replace("integer", "real") + "1 1 5\n2 2 1.5\n", "line 5, sample '2', gene '2': expected whole counts"),
    ],
)
def test_matrix_market_refusals(tmp_path, text, message):
    path = tmp_path / "bad.mtx"
    path.write_text(text)
    with pytest.raises(FileError, match=message) as refusal:
        gl.io.read_counts(path, values="counts")
    assert refusal.value.fix


@pytest.mark.parametrize("end", ["", " ", "\t", "\r", " \n", "\r\n", "\n "])
def test_a_last_line_may_end_in_anything_blank(tmp_path, end):
    """SciPy's parser ends the process where blanks but no line's end follow the last number."""
    path = tmp_path / "m.mtx"
    path.write_bytes((HEAD.replace("integer", "real") + "1 1 -5.5e+1\n2 2 7." + end).encode())
    values = gl.io.read_counts(path, values="any").values.toarray()
    assert values.T.tolist() == [[-55, 0], [0, 7], [0, 0]]


def write_tenx(folder, version, prefix=""):
    folder.mkdir()
    matrix, genes = counts(), names("ENSG", 9)
    symbols = [*names("S", 7), "TWIN", "TWIN"]
    lines = [f"{gene}\t{symbol}" for gene, symbol in zip(genes, symbols, strict=True)]
    scipy.io.mmwrite(folder / f"{prefix}matrix.mtx", matrix.T, field="integer")
    if version == 2:
        (folder / f"{prefix}genes.tsv").write_text("\n".join(lines) + "\n")
        (folder / f"{prefix}barcodes.tsv").write_text("\n".join(names("B", 6)) + "\n")
        return matrix
    kinds = ["Gene Expression"] * 8 + ["Antibody Capture"]
    lines = [f"{line}\t{kind}" for line, kind in zip(lines, kinds, strict=True)]
    packed = {"features.tsv": "\n".join(lines), "barcodes.tsv": "\n".join(names("B", 6))}
    packed["matrix.mtx"] = (folder / f"{prefix}matrix.mtx").read_text()
    (folder / f"{prefix}matrix.mtx").unlink()
    for name, text in packed.items():
        (folder / f"{prefix}{name}.gz").write_bytes(gzip.compress(text.encode()))
    return matrix[:, :8]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("prefix", ["", "GSM1_"])
def test_a_tenx_folder(tmp_path, version, prefix):
    matrix = write_tenx(tmp_path / "run", version, prefix)
    table = gl.io.read_counts(tmp_path / "run", values="counts")
    assert (table.values != matrix).nnz == 0
    assert list(table.samples) == names("B", 6)
    assert list(table.genes) == names("ENSG", matrix.shape[1])
    if version == 3:
        assert "1 features that are no genes are left out (Antibody Capture)." in table.notices
    else:
        assert list(table.with_symbols().genes[5:]) == ["S5", "S6", "TWIN_ENSG7", "TWIN_ENSG8"]
    assert table.to_frame().loc["B2", "ENSG3"] == matrix[2, 3]
    assert list(table.to_anndata().var.symbol)[:2] == ["S0", "S1"]
    assert gl.prepare.LogCPM().fit_transform(table.values).nnz == matrix.nnz


def test_tenx_folders_that_are_not_whole(tmp_path):
    write_tenx(tmp_path / "a", 2)
    (tmp_path / "a" / "genes.tsv").unlink()
    with pytest.raises(
        FileError, match=r"expected one file features.tsv or genes.tsv, plain or .gz; found barcodes.tsv"
    ):
        gl.io.read_counts(tmp_path / "a")
    write_tenx(tmp_path / "b", 2)
    (tmp_path / "b" / "barcodes.tsv").write_text("B0\nB1\n")
    with pytest.raises(FileError, match=r"barcodes.tsv, line 2: expected 6 lines, .* columns of matrix.mtx; found 2"):
        gl.io.read_counts(tmp_path / "b")
    (tmp_path / "b" / "barcodes.tsv").write_text("B0\nB1\nB2\nB3\nB3\nB5\n")
    with pytest.raises(FileError, match=r"row 5: expected names that differ; found 'B3' twice, first at 4"):
        gl.io.read_counts(tmp_path / "b")
    shutil.copy(tmp_path / "b" / "matrix.mtx", tmp_path / "b" / "other_matrix.mtx")
    with pytest.raises(FileError, match=r"one file matrix.mtx"):
        gl.io.read_counts(tmp_path / "b")


def write_tenx_h5(path, version=3):
    matrix = counts()
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        for name, values in (("data", matrix.data), ("indices", matrix.indices), ("indptr", matrix.indptr)):
            group[name] = values
        group["shape"], group["barcodes"] = np.array([9, 6]), np.array(names("B", 6), "S4")
        if version == 3:
            group["features/id"], group["features/name"] = (np.array(names(x, 9), "S6") for x in ("ENSG", "S"))
            group["features/feature_type"] = np.array(["Gene Expression"] * 9, "S20")
        else:
            group["genes"], group["gene_names"] = (np.array(names(x, 9), "S6") for x in ("ENSG", "S"))
    return matrix


@pytest.mark.parametrize("version", [2, 3])
def test_a_tenx_file(tmp_path, version):
    matrix = write_tenx_h5(tmp_path / "run.h5", version)
    table = gl.io.read_counts(tmp_path / "run.h5", values="counts")
    assert (table.values != matrix).nnz == 0
    assert table.format == "10x HDF5"
    assert list(table.symbols) == names("S", 9)
    blocks = list(gl.io.count_blocks(tmp_path / "run.h5", 4))
    assert [len(block) for block in blocks] == [4, 2]
    assert (scipy.sparse.vstack([block.values for block in blocks]) != matrix).nnz == 0


def write_h5ad(path, kind=scipy.sparse.csr_matrix, **more):
    import pandas as pd

    matrix = kind(counts().toarray().astype(np.float32))
    columns = {"batch": pd.Categorical(list("xyxyxy")), "depth": np.arange(6.0), "note": names("n", 6)}
    held = anndata.AnnData(matrix, pd.DataFrame(columns, names("c", 6)), pd.DataFrame(index=names("g", 9)))
    held.layers["twice"] = matrix * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held.write_h5ad(path, **more)
    return counts()


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_matrix])
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_an_anndata_file(tmp_path, kind, compression):
    path = tmp_path / "a.h5ad"
    matrix = write_h5ad(path, kind, compression=compression)
    table = gl.io.read_counts(path, values="counts")
    assert (scipy.sparse.csr_array(table.values) != matrix).nnz == 0
    assert list(table.samples), list(table.genes) == (names("c", 6), names("g", 9))
    assert list(table.sample_columns["batch"]) == list("xyxyxy")
    assert list(table.sample_columns["depth"]) == list(range(6))
    assert list(table.sample_columns["note"]) == names("n", 6)
    twice = gl.io.read_counts(path, layer="twice").values
    assert (scipy.sparse.csr_array(twice) != matrix * 2).nnz == 0
    with pytest.raises(FileError, match="layers/none: expected a matrix; found none beside twice"):
        gl.io.read_counts(path, layer="none")
    if kind is scipy.sparse.csc_matrix:
        with pytest.raises(FileError, match="expected a matrix stored sample by sample; found csc"):
            next(gl.io.count_blocks(path))
    else:
        blocks = [scipy.sparse.csr_array(block.values) for block in gl.io.count_blocks(path, 5)]
        assert (scipy.sparse.vstack(blocks) != matrix).nnz == 0


def edited(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def replaced(name, values, **more):
    def change(file):
        del file[name]
        file.create_dataset(name, data=values, **more)

    return change


def external_storage(file):
    del file["X/data"]
    file.create_dataset("X/data", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def external_link(file):
    del file["X"]
    file["X"] = h5py.ExternalLink("other.h5", "/X")


def soft_link(file):
    del file["obs/_index"]
    file["obs/_index"] = h5py.SoftLink("/var/_index")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    del file["X/data"]
    file.create_virtual_dataset("X/data", layout)


def huge(file):
    del file["X/data"]
    file.create_dataset("X/data", (2**40,), "f4", chunks=(2**20,))


def unknown_filter(file):
    del file["X/data"]
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((4,))
    creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    h5py.h5d.create(file["X"].id, b"data", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), creation)


def pointer(at, value):
    def change(file):
        file["X/indptr"][at] = value

    return change


def entry(name, at, value):
    def change(file):
        file[f"X/{name}"][at] = value

    return change


def shape(file):
    file["X"].attrs["shape"] = (6, 8)


BAD = [
    (external_storage, "X/data: expected data in this file; found storage in '/etc/hostname'"),
    (external_link, "X: expected a .* in this file; found a link to another file"),
    (soft_link, "obs/_index: expected a dataset in this file; found a symbolic link"),
    (virtual, "X/data: expected data in this file; found a view of other files"),
    (huge, "X/data: expected a size that the file can hold; found 4,398,046,511,104 bytes declared, 0 stored"),
    (unknown_filter, "X/data: expected a filter of deflate.*; found filter 32015"),
    (pointer(-1, 10**6), "X/indptr: expected one more than rows, rising from 0; found pointers from 0 to 1,000,000"),
    (pointer(3, -5), "X/indptr: .* found a pointer that goes back, at 3"),
    (pointer(2, 10**9), "X/indptr: .* found a pointer that goes back, at 3"),
    (replaced("X/indptr", np.array([0, 3])), "X/indptr: .* found 2 pointers for 6 rows"),
    (entry("indices", 1, 9), "X/indices: expected from 0 to 8; found 9 at entry 2"),
    (entry("indices", 0, -1), "X/indices: expected from 0 to 8; found -1 at entry 1"),
    (entry("data", 2, np.nan), "X/data: expected finite numbers; found nan at entry 3"),
    (shape, r"X@shape: expected \(6, 9\), as many as names; found \(6, 8\)"),
    (replaced("var/_index", np.array(["g"] * 9, "S1")), "var/_index: expected names that differ; found 'g' twice"),
    (replaced("var/_index", np.array([b"\xff"] * 9, "S1")), "var/_index: expected UTF-8 text"),
    (lambda file: file.pop("obs"), "obs: expected a group; found none beside"),
    (replaced("X/data", np.array(names("t", 3), "S2")), "X/data: expected numbers"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_anndata_files_that_are_refused(tmp_path, change, message):
    path = tmp_path / "bad.h5ad"
    write_h5ad(path)
    edited(path, change)
    with pytest.raises(FileError, match=message) as refusal:
        gl.io.read_counts(path)
    assert refusal.value.fix
    assert refusal.value.path == str(path)
    if "stored" not in message and "UTF" not in message:
        with pytest.raises(FileError):
            list(gl.io.count_blocks(path))


def test_a_cut_file_and_one_that_is_no_counts(tmp_path):
    path = tmp_path / "a.h5ad"
    write_h5ad(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FileError, match="expected a whole HDF5 file"):
        gl.io.read_counts(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(FileError, match="obs: expected a group; found none beside x"):
        gl.io.read_counts(path)
    with pytest.raises(InputError, match="'any' or 'amounts' or 'counts'"):
        gl.io.read_counts(path, values="whole")
    with pytest.raises(InputError, match="a whole number from 1"):
        next(gl.io.count_blocks(path, 0))


def test_a_sparse_table_that_would_fill_the_memory_stays_sparse(tmp_path, monkeypatch):
    monkeypatch.setattr("genolab.io.counts.MOST_DENSE", 100)
    write_tenx_h5(tmp_path / "run.h5")
    with pytest.raises(InputError, match=r"Use \.values \(sparse\)"):
        gl.io.read_counts(tmp_path / "run.h5").to_frame()
