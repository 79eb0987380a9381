"""FASTQ by batches: the same reads whatever the batch, and each refusal with its record and line."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import FileError
from genolab.io import fastq as module

reads = st.lists(
    st.tuples(
        st.text("abc/12:", min_size=1, max_size=8), st.text("ACGTNacgtn", max_size=30), st.sampled_from(["", " more"])
    ),
    min_size=1,
    max_size=25,
)


def all_reads(path, size):
    found = []
    with io.open_fastq(path) as file:
        while len(batch := file.take(size)):
            for k in range(len(batch)):
                begin, end = batch.start[k], batch.start[k] + batch.length[k]
                letters, qualities = (part[begin:end].tobytes().decode() for part in (batch.letters, batch.qualities))
                found.append((batch.name(k), letters, qualities))
    return found


@settings(max_examples=60)
@given(reads, st.sampled_from([1, 3, 100]), st.sampled_from(["\n", "\r\n"]), st.integers(0, 9), st.booleans())
def test_what_is_written_is_read(tmp_path_factory, made, size, end, chunk, packed):
    """In any batches, with any ends of lines, in chunks that cut lines anywhere."""
    text = "".join(
        f"@{name}{more}{end}{bases}{end}+{end}{'@' * len(bases)}{end}" for name, bases, more in made
    ).encode()
    path = tmp_path_factory.mktemp("fastq") / "reads.fq"
    path.write_bytes(gzip.compress(text) if packed else text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 2**20 if chunk == 0 else 7 * chunk)
        assert all_reads(path, size) == [(name, bases, "@" * len(bases)) for name, bases, _ in made]


@pytest.mark.parametrize("width", [4, 10])
def test_wrapped_records(tmp_path, width, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 13)
    bases, scores = "ACGTACGTACGTAC", "@+@+@@++@+IIII"
    lines = [text[at : at + width] for text in (bases, scores) for at in range(0, 14, width)]
    half = len(lines) // 2
    record = "\n".join(["@r", *lines[:half], "+", *lines[half:]]) + "\n"
    path = tmp_path / "reads.fq"
    path.write_text(record * 3)
    assert all_reads(path, 2) == [("r", bases, scores)] * 3


GOOD = "@a\nACGT\n+\nIIII\n"
BAD = {
    "cut after the bases": (GOOD + "@b\nACGT\n", "line 6, record 2, record: expected name, bases, + and qualities"),
    "cut after the name": (GOOD + "@b\n", "line 5, record 2"),
    "qualities too few": (GOOD + "@b\nACGT\n+\nII\n", "line 8, record 2, qualities: expected 4, one a base; found 2"),
    "qualities too many": (GOOD + "@b\nACGT\n+\nIIIIII\n", "line 8, record 2, qualities"),
    "no @": (GOOD + "b\nACGT\n+\nIIII\n", "line 5, record 2, name"),
    "no +": (GOOD + "@b\nACGT\n-\nIIII\n", "line 7, record 2, separator"),
    "another name behind +": (GOOD + "@b\nACGT\n+c\nIIII\n", "line 7, record 2, separator"),
    "a digit": (GOOD + "@b\nAC1T\n+\nIIII\n", "line 6, record 2, sequence"),
    "a control character": (GOOD + "@b\nACGT\n+\nII\x1fI\n", "line 8, record 2, qualities"),
    "no name": (GOOD + "@ b\nACGT\n+\nIIII\n", "line 5, record 2, name"),
    "a long name": (GOOD + f"@{'x' * 255}\nACGT\n+\nIIII\n", "line 5, record 2, name"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals_name_record_and_line(name, tmp_path):
    text, words = BAD[name]
    path = tmp_path / "reads.fq"
    path.write_text(text)
    with pytest.raises(FileError) as refusal:
        all_reads(path, 10)
    assert f"reads.fq, {words}" in str(refusal.value)
    assert refusal.value.fix


def test_old_qualities_are_said(tmp_path):
    path = tmp_path / "reads.fq"
    path.write_text("@a\nACGT\n+\nhhhB\n")
    with io.open_fastq(path) as file:
        file.take(1)
        assert "Phred+64" in file.notices[0]
