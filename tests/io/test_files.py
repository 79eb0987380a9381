"""Which files are taken, what they are, and how new ones are written."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import genolab.io as io
from genolab.errors import Cancelled, FileError, InputError
from genolab.io import digests
from genolab.io.atomic import replacing
from genolab.io.guard import nature

OPENERS = [io.open_alignments, io.open_reference, io.read_variants, io.read_bed, io.build_index, io.digest]


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("https://example.org/a.bam", "URL"),
        ("a.bam##idx##b.bai", "second file"),
        ("-a.bam", "option"),
        ("a\0.bam", "NUL"),
        ("", "empty name"),
        (7, "int"),
        (b"a.bam", "bytes"),
        ("/dev/null", "device"),
        ("/nowhere/a.bam", "nothing at this path"),
        (".", "folder"),
    ],
)
def test_what_is_no_local_file_is_refused(opener, path, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((InputError, FileError)) as refusal:
        opener(path)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"\n <html>", "web page"),
        (b"PK\x03\x04....", "zip"),
        (b"\x89PNG....", "picture"),
        (b"\xff\xfe@\0H\0", "UTF-16"),
        (b"\x1f\x8bnothing", "unpacked"),
        (gzip.compress(b"ACGT" * 100, mtime=0)[:11], "cut"),
        (b"@read\nACGT\n+\nIIII\n", "FASTQ"),
    ],
)
@pytest.mark.parametrize("opener", OPENERS[:4])
def test_what_is_another_kind_of_file_is_named(tmp_path: Path, opener, content: bytes, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "download.bam"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"download\.bam") as refusal:
        opener(path)
    assert words in str(refusal.value)


def test_a_close_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "reads.bam").write_bytes(b"x")
    with pytest.raises(FileError, match=r"Did you mean reads\.bam"):
        io.open_alignments(tmp_path / "raeds.bam")


def test_kinds_are_told_by_content(tmp_path: Path) -> None:
    path = tmp_path / "any"
    for content, expected in (
        (b"@HD\tVN:1.6\n", "SAM"), (b"r\t4\t*\t0\t0\t*\t*\t0\t0\tA\tI\n", "SAM"), (b"##fileformat=VCFv4.3\n", "VCF"),
        (b">a\nA\n", "FASTA"), (b"CRAM\x03\0", "CRAM"), (gzip.compress(b"BAM\1", mtime=0), "BAM"),
        (gzip.compress(b"BCF\2", mtime=0), "BCF"),
    ):  # fmt: skip
        path.write_bytes(content)
        assert nature(path, "test").format == expected


def test_a_new_file_and_its_index_appear_together(tmp_path: Path) -> None:
    target = tmp_path / "out.vcf.gz"
    with replacing(target, ".tbi") as (new, index):
        new.write_text("data")
        index.write_text("index")
        assert not target.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.vcf.gz", "out.vcf.gz.tbi"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask
    target.chmod(0o640)
    with replacing(target, ".tbi") as (new, _):
        new.write_text("newer")
    assert [path.name for path in tmp_path.iterdir()] == ["out.vcf.gz"]  # the index of the old data is gone
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled, RuntimeError, SystemExit])
def test_what_was_there_stays_when_it_fails(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.vcf"
    target.write_text("old")

    def write() -> None:
        with replacing(target, ".tbi") as (new, index):
            new.write_text("half")
            index.write_text("half")
            raise error("stop")

    with pytest.raises(error):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["out.vcf"]
    assert target.read_text() == "old"


def test_no_space_and_no_folder_are_one_sentence(tmp_path: Path) -> None:
    def fill() -> None:
        with replacing(tmp_path / "out.vcf") as (new,):
            new.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match=r"out\.vcf.*No space left.*Nothing was written"):
        fill()
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileError, match="Make the folder"), replacing(tmp_path / "none" / "out.vcf"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_devices_and_folders_are_not_written(tmp_path: Path) -> None:
    for path in (Path("/dev/full"), tmp_path):
        with pytest.raises(FileError, match=r"device|folder"), replacing(path):
            pass


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.vcf").write_text("old")
    (tmp_path / "link.vcf").symlink_to(tmp_path / "real.vcf")
    with replacing(tmp_path / "link.vcf") as (new,):
        new.write_text("new")
    assert (tmp_path / "link.vcf").is_symlink()
    assert (tmp_path / "real.vcf").read_text() == "new"


def test_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert io.digest(path) == "sha256:" + hashlib.sha256(b"x" * 3_000_000).hexdigest()
    monkeypatch.setattr(digests, "WHOLE", 2_999_999)
    first = io.digest(path)
    assert first.startswith("sha256-size-mtime-ends:")
    os.utime(path, (1, 1))
    assert io.digest(path) != first


def test_importing_and_reading_loads_no_pandas(tmp_path: Path) -> None:
    sam = tmp_path / "a.sam"
    sam.write_text("@SQ\tSN:c\tLN:9\nr\t0\tc\t1\t9\t4M\t*\t0\t0\tACGT\tIIII\n")
    code = (
        "import sys, genolab.io as io\n"
        "heavy = {'pandas', 'scipy', 'pytensor', 'bokeh', 'ipywidgets'}\n"
        "[getattr(io, name) for name in io.__all__]\n"
        f"assert len(io.open_alignments({str(sam)!r}).read('c')) == 1\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_all_there() -> None:
    for name in io.__all__ * 2:  # twice: a submodule of the same name would take its place
        assert getattr(io, name).__name__ == name
    with pytest.raises(AttributeError):
        io.nothing  # noqa: B018
