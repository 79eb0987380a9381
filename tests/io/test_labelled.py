"""Tables of labelled sequences: the examples that ship, and what is refused."""

import gzip

import pytest

import genolab as gl
from genolab.errors import FileError


@pytest.mark.parametrize(
    ("name", "count", "length"),
    [("promoters", 106, 57), ("splice", 3186, 60), ("sortseq", 6000, 75), ("mpsa", 8000, 9)],
)
def test_the_examples_are_whole(name, count, length):
    example = gl.data.example(name)
    read = gl.io.read_labelled(example.table)
    assert len(read) == count == len(read.to_frame())
    assert {len(text) for text in read.sequences} == {length}
    assert {letter for text in read.sequences for letter in text} == set("ACGT") | ({"N"} if name == "none" else set())
    assert (gl.data.path(name) / "README.md").is_file()


def test_labels_values_and_groups(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("Sequence\tvalue\tset\nACGT\t1\ttrain\nAC\t2.5\ttest\n")
    read = gl.io.read_labelled(path)
    assert read.labels.tolist() == [1.0, 2.5]
    assert read.groups.tolist() == ["train", "test"]
    path.write_bytes(gzip.compress(b"sequence,label\nAC,0\nGT,1\n"))
    assert gl.io.read_labelled(path).labels.dtype.kind == "i"
    path.write_text("sequence,label\nAC,yes\nGT,0\n")
    assert gl.io.read_labelled(path).labels.tolist() == ["yes", "0"]
    path.write_text("sequence,label\nAC,9007199254740993\nGT,9007199254740992\n")  # one float64, two classes
    assert gl.io.read_labelled(path).labels.tolist() == ["9007199254740993", "9007199254740992"]
    path.write_text("sequence,label\nAC,1e300\nGT,0.5\n")
    assert gl.io.read_labelled(path).labels.tolist() == [1e300, 0.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sequence,other\nAC,1\n", "columns named sequence and label"),
        ("sequence,label\n", "a header alone"),
        ("sequence,label\nAC,1\n,0\n", "line 3, sequence"),
        ("sequence,value\nAC,1\nGT,high\n", "line 3, value.*'high'"),
        ("sequence,value\nAC,1\nGT,1e400\n", "line 3, value: expected a finite number; found '1e400'"),
        ("sequence,label\nAC,1,2,3\nGT,1,2,3,4,5\n", "a table"),
        (">name\nACGT\n", "FASTA"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FileError, match=words):
        gl.io.read_labelled(tmp_path / "t.csv")
