"""Sample sheets: joined by name, refused by line and name."""

from __future__ import annotations

import numpy as np
import pytest

import genolab as gl
from genolab.errors import FileError


@pytest.fixture
def sheet(tmp_path):
    """Write a sheet and return its path."""

    def write(text: str, name: str = "samples.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


def test_columns_are_numbers_where_every_cell_is_one(sheet):
    found = gl.io.read_samples(sheet("sample,batch,rin,kind\nb,1,7.5,x\na,2,,\n"))
    assert list(found.samples) == ["b", "a"]
    assert found.columns["batch"].tolist() == [1, 2]
    assert np.isnan(found.columns["rin"][1])
    assert found.columns["kind"].tolist() == ["x", ""]
    assert found.to_frame().loc["b", "rin"] == 7.5


def test_rows_follow_the_counts_and_others_are_left_out_aloud(sheet):
    path = sheet("id\tsample\tbatch\n1\ts2\tA\n2\ts1\tB\n3\ts9\tC\n", "samples.tsv")
    found = gl.io.read_samples(path, ["s1", "s2"])
    assert list(found.samples) == ["s1", "s2"]
    assert found.columns["batch"].tolist() == ["B", "A"]
    assert found.columns["id"].tolist() == [2, 1]
    assert found.notices == ("1 rows of the sample sheet have no counts and are left out.",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample,batch\ns-1,A\ns-2,B\n", r"none for 's1' and 1 more\. The sheet has 's-1'"),
        ("sample,batch\ns1,A\ns2\n", r"line 3: expected 2 cells.*found 1"),
        ("sample,batch\ns1,A\ns1,B\n", r"line 3.*'s1' twice, first on line 2"),
        ("sample,batch\ns1,A\n,B\n", r"line 3.*an empty one"),
        ("sample,batch,batch\ns1,A,B\n", r"line 1.*'batch' twice"),
        ("sample\n", "header and at least one row"),
        ("<!DOCTYPE html><html></html>\n", "web page"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_place(sheet, text, said):
    with pytest.raises(FileError, match=said):
        gl.io.read_samples(sheet(text), ["s1", "s2"])


def test_as_r_writes_it(sheet):
    found = gl.io.read_samples(sheet('"batch","kind"\n"s1",1,"a,b"\n"s2",2,"c"\n'))
    assert list(found.samples) == ["s1", "s2"]
    assert found.columns["kind"].tolist() == ["a,b", "c"]


def test_the_examples_fit():
    for name in ("batches", "bladder"):
        example = gl.data.example(name)
        counts = gl.io.read_counts(example.counts)
        assert list(gl.io.read_samples(example.samples, list(counts.samples)).samples) == list(counts.samples)
