"""Tables of counts as text: read as pandas would, refused by line and column."""

import gzip

import numpy as np
import pytest

import genolab as gl
from genolab.errors import FileError, InputError

GOOD = "gene,s1,s2\ng1,1,2\ng2,3,4\ng3,5,6\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="counts.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";"),
        GOOD.replace("gene,", ""),  # as R's write.table
        GOOD.replace("g2", '"g2"').replace("\n", "\r\n"),
        "\ufeff" + GOOD + "\n\n",
        gzip.compress(GOOD.encode(), mtime=0),
    ],
)
def test_samples_are_in_rows(write, text):
    table = gl.io.read_counts(write(text))
    assert list(table.samples) == ["s1", "s2"]
    assert list(table.genes) == ["g1", "g2", "g3"]
    assert table.values.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert table.values.dtype == np.int64
    assert table.to_frame().loc["s2", "g3"] == 6
    assert table.notices == ("3 rows taken as genes, 2 columns as samples.",)


def test_genes_may_be_in_columns_and_values_missing(write):
    table = gl.io.read_counts(write('x,"a,b",g2\ns1,1.5,NA\ns2,,-2e3\n'), genes="columns")
    assert list(table.genes) == ["a,b", "g2"]
    np.testing.assert_array_equal(table.values, [[1.5, np.nan], [np.nan, -2000]])
    assert table.notices[1] == "2 values are missing."


def test_names_stay_text(write):
    table = gl.io.read_counts(write("gene,1,02\n007,1,2\nNA,3,4\n1e5,5,6\n"))
    assert list(table.samples) == ["1", "02"]
    assert list(table.genes) == ["007", "NA", "1e5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("3,4", "3"), "line 3: expected 3 cells, as on the first rows; found 2"),
        (GOOD.replace("g3,5,6", "g3,5,6,7"), "line 4: expected 3 cells"),
        (GOOD.replace("4", "four"), "line 3, column 's2': expected a number; found 'four'"),
        ("gene,s1\ng1,True\ng2,False\n", "line 2, column 's1': expected a number; found 'True'"),
        (GOOD.replace("g3", "g1"), "line 4: expected row names that differ; found 'g1' twice, first on line 2"),
        (GOOD.replace("s2", "s1"), "line 1: expected column names that differ; found 's1' twice"),
        (GOOD.replace("g2", ""), "line 3: expected a name for every row"),
        ("gene\n1\n", "line 1: expected a header of names between tabs, commas or semicolons"),
        ("gene,s1\n", "a header and at least one row; found 1 lines"),
        ("gene,s1,s2,s3\ng1,1,2\n", "line 2: expected as many cells"),
        (GOOD.encode().replace(b"g2", b"g\xff"), "expected UTF-8 text"),
        (gzip.compress(GOOD.encode() * 50, mtime=0)[:-20], "cut"),
    ],
)
def test_what_is_refused(write, text, message):
    with pytest.raises(FileError, match=message):
        gl.io.read_counts(write(text))


def test_the_orientation_is_one_of_two(write):
    with pytest.raises(InputError, match="'rows' or 'columns'"):
        gl.io.read_counts(write(GOOD), genes="both")
