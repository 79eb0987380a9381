"""FASTA, its contigs and their match with the reads'."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pysam
import pytest
from ascii_reads import draw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import FileError, InputError, MissingIndexError
from genolab.io import reference as reference_module

letters_of_a_contig = st.text("ACGTNacgtnRY", min_size=1, max_size=90)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["a", "b|x", "名"]), letters_of_a_contig, min_size=1),
       st.integers(1, 40), st.sampled_from(["plain", "gzip", "bgzip"]), st.booleans(), st.data())  # fmt: skip
def test_any_stretch_equals_the_text(
    tmp_path: Path, sequences: dict[str, str], width: int, kind: str, indexed: bool, data: st.DataObject
) -> None:
    text = "".join(
        f">{name} about\n" + "".join(f"{letters[i : i + width]}\n" for i in range(0, len(letters), width))
        for name, letters in sequences.items()
    )
    for old in tmp_path.iterdir():
        old.unlink()
    path = tmp_path / "r.fa"
    path.write_text(text)
    if kind != "plain":
        packed = tmp_path / "r.fa.gz"
        if kind == "gzip":
            packed.write_bytes(gzip.compress(text.encode()))
        else:
            pysam.tabix_compress(str(path), str(packed))
        path = packed
    if indexed and kind != "gzip":
        io.build_index(path)
    with io.open_reference(path) as reference:
        assert reference.contigs == {name: len(letters) for name, letters in sequences.items()}
        for name, letters in sequences.items():
            start = data.draw(st.integers(0, len(letters)))
            end = data.draw(st.integers(start, len(letters)))
            expected = letters[start:end].upper()
            assert reference.fetch_text(name, start, end) == expected
            codes = reference.fetch(name, start, end)
            assert codes.dtype == np.uint8
            assert codes.tolist() == ["ACGT".find(letter) if letter in "ACGT" else 4 for letter in expected]
            assert reference.md5(name) == hashlib.md5(letters.upper().encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b">a\nACGT\nAC-T\n", 3, "'-' at column 3"),
        (b">a\nAC\0T\n", 2, "byte 0x00"),
        (b">a\nMKVLE\n", 2, "bases"),
        (b">a\nAC\n>a\nGT\n", 3, "each name once"),
        (b">\nAC\n", 1, "a name after >"),
        (b">caf\xe9\nAC\n", 1, "UTF-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    path = tmp_path / "r.fa"
    path.write_bytes(content)
    for action in (io.open_reference, io.build_index):
        with pytest.raises(FileError) as refusal:
            action(path)
        assert refusal.value.line == line
        assert words in str(refusal.value)
    assert [found.name for found in tmp_path.iterdir()] == ["r.fa"]


def test_what_is_odd_but_readable_is_said(tmp_path: Path) -> None:
    path = tmp_path / "r.fa"
    path.write_text(">a\nACG\nACGU\n>b\n\n>n\nNNN\n")
    with io.open_reference(path) as reference:
        said = " ".join(reference.notices)
        assert reference.fetch_text("a", 0, 7) == "ACGACGT"
    for words in ("differ in length", "U (RNA)", "no sequence: b"):
        assert words in said
    path.write_text(">n\nNNN\n")
    with io.open_reference(path) as reference:
        assert "0 callable bases" in reference.notices[0]


def test_a_large_file_needs_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_module, "WHOLE", 10)
    path = tmp_path / "r.fa"
    path.write_text(">a\nACGTACGT\n")
    with pytest.raises(MissingIndexError, match="build_index"):
        io.open_reference(path)
    io.build_index(path, cache=True)
    with io.open_reference(path) as reference:
        assert reference.fetch_text("a", 2, 4) == "GT"


def test_a_file_that_changed_under_its_index(tmp_path: Path) -> None:
    path = tmp_path / "r.fa"
    path.write_text(">a\nACGTACGT\n")
    index = io.build_index(path)
    path.write_text(">a\nTTTT\n")
    with pytest.raises(FileError, match=r"r\.fa\.fai.*build_index"):
        io.open_reference(path)
    os.utime(index, (1, 1))  # older, and the file is small: read whole
    with io.open_reference(path) as reference:
        assert reference.contigs == {"a": 4}
        assert "older than the file" in reference.notices[0]


def test_outside_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "r.fa"
    path.write_text(">chr1\nACGT\n")
    reference = io.open_reference(path)
    for start, end in ((-1, 2), (3, 2), (0, 5)):
        with pytest.raises(InputError, match="inside chr1"):
            reference.fetch("chr1", start, end)
    with pytest.raises(InputError, match="Did you mean chr1"):
        reference.fetch("1", 0, 1)


def pair(tmp_path: Path, header: str, fasta: str) -> tuple[io.Alignments, io.Reference]:
    (tmp_path / "a.sam").write_text(header)
    (tmp_path / "r.fa").write_text(fasta)
    return io.open_alignments(tmp_path / "a.sam"), io.open_reference(tmp_path / "r.fa")


def test_names_are_matched_with_lengths(tmp_path: Path) -> None:
    names = {"chr20": "20", "chrM": "MT", "CHRX": "chrx", "7": "7", "un": "other"}
    header = "".join(f"@SQ\tSN:{name}\tLN:{i + 3}\n" for i, name in enumerate(names))
    fasta = "".join(f">{name}\n{'A' * (i + 3)}\n" for i, name in enumerate(names.values()))
    match = io.match_contigs(*pair(tmp_path, header, fasta))
    assert match.to_reference == {"chr20": "20", "chrM": "MT", "CHRX": "chrx", "7": "7"}
    assert "chr20 is 20" in match.notices[0]
    assert "un" in match.notices[1]
    with pytest.raises(FileError, match="no such contig"):
        match.name("un")


def test_other_lengths_and_other_bases_are_refused(tmp_path: Path) -> None:
    alignments, reference = pair(tmp_path, "@SQ\tSN:chr1\tLN:5\n@SQ\tSN:chr2\tLN:4\n", ">chr1\nACGT\n>chr2\nACGT\n")
    with pytest.raises(FileError, match=r"r\.fa.*chr1 of 5 .*chr1 of 4"):
        io.match_contigs(alignments, reference, "chr1")
    assert io.match_contigs(alignments, reference, "chr2").name("chr2") == "chr2"
    right = hashlib.md5(b"ACGT").hexdigest()
    for md5, fine in ((right, True), (right.upper(), True), ("0" * 32, False)):
        alignments, reference = pair(tmp_path, f"@SQ\tSN:1\tLN:4\tM5:{md5}\n", ">chr1\nacgt\n")
        if fine:
            assert io.match_contigs(alignments, reference, "1").to_reference == {"1": "chr1"}
        else:
            with pytest.raises(FileError) as refusal:
                io.match_contigs(alignments, reference)
            assert md5 in str(refusal.value)
            assert right in str(refusal.value)


def test_the_md5_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.fa"
    path.write_text(">a\nACGT\n")
    with io.open_reference(path) as reference:
        first = reference.md5("a")
    with io.open_reference(path) as reference:
        monkeypatch.setattr(reference, "_bytes", None)  # not read again
        assert reference.md5("a") == first


def test_the_picture_as_a_reference(tmp_path: Path) -> None:
    picture = draw("ACGTAC--GTAC\n...")
    with io.open_reference(picture.write_fasta(tmp_path / "r.fa", width=3)) as reference:
        assert reference.fetch_text("chr1", 0, 10) == "ACGTACGTAC"
