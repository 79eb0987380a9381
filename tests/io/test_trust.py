"""Files that nobody vouches for: what crashes C code, swells, fills the memory, or points somewhere else."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pysam
import pytest

import genolab.io as io
from genolab.cli import main
from genolab.cli.allowance import READING
from genolab.errors import FileError, InputError, TooLargeError

KILLED = """
import os, signal, sys
for line in sys.stdin:
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.fixture(autouse=True)
def nobody_vouches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENOLAB_TRUST")


@pytest.fixture
def two_samples(tmp_path: Path) -> Path:
    """A BAM file of two samples, with an index."""
    path = tmp_path / "two.bam"
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "c", "LN": 100_000}],
        "RG": [{"ID": "a", "SM": "s1"}, {"ID": "b", "SM": "s2"}],
    }
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for i in range(40):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.reference_id, read.reference_start, read.mapping_quality = (
                f"r{i}",
                0,
                100 + i * 10,
                60,
            )
            read.cigarstring, read.query_sequence = "20M", "ACGT" * 5
            read.query_qualities = pysam.qualitystring_to_array("I" * 20)
            read.set_tag("MD", "20")
            read.set_tag("XB", np.array([1, 2, 3], np.int32).tolist())
            read.set_tag("RG", "ab"[i % 2])
            file.write(read)
    io.build_index(path)
    return path


def test_a_file_that_kills_its_reader_is_an_error(
    two_samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "killed_reader.py").write_text(KILLED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import genolab.io.checks

    monkeypatch.setattr(genolab.io.checks, "READER", "killed_reader")
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "empty"))  # nothing is known of the file that was indexed
    bcf = tmp_path / "calls.bcf"
    with pysam.VariantFile(str(bcf), "wb", header=pysam.VariantHeader()):
        pass
    doors = (io.first_look, io.open_alignments, io.build_index)
    for opened, path in [*((door, two_samples) for door in doors), (io.read_variants, bcf), (io.build_index, bcf)]:
        with pytest.raises(FileError, match=r"ended the process that read it \(SIGSEGV\)"):
            opened(path)
    assert not io.cache_folder().joinpath("look").exists()


def test_a_first_look_reads_every_field_and_remembers_good_files(
    two_samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    io.first_look(two_samples)
    monkeypatch.setattr(sys, "executable", "/nonexistent")  # a second look starts no process
    io.first_look(two_samples)
    data = bytearray(gzip.decompress(two_samples.read_bytes()))
    at = data.index(b"XBB") + 3
    data[at + 1 : at + 5] = (2**30).to_bytes(4, "little")  # an array that would reach far out of its record
    with pysam.BGZFile(str(two_samples), "wb") as file:
        file.write(bytes(data))
    monkeypatch.undo()
    with pytest.raises(FileError, match=r"two\.bam") as refusal:
        io.first_look(two_samples)
    assert refusal.value.fix


def test_damaged_optional_fields_are_refused_or_read_but_kill_nothing(two_samples: Path, tmp_path: Path) -> None:
    good = gzip.decompress(two_samples.read_bytes())
    start, random = good.index(b"MDZ"), np.random.default_rng(0)
    paths = []
    for k in range(20):
        data = bytearray(good)
        for at in random.integers(start, len(data), 3):
            data[at] = random.choice([*b"\0\xffZBHqf", int(random.integers(256))])
        paths.append(tmp_path / f"{k}.bam")
        with pysam.BGZFile(str(paths[-1]), "wb") as file:
            file.write(bytes(data))
    answers = list(io.check_all(paths))
    assert {answer.verdict for answer in answers} <= {"read", "refused"}
    refused = [answer for answer in answers if answer.verdict == "refused"]
    assert refused
    assert all(answer.fix and (answer.record or answer.offset is not None) for answer in refused)


def test_an_archive_that_swells_asks_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = tmp_path / "bomb.bed.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as stream:
        stream.write(b"chr1\t5\t2\n")  # refused too, once the archive is allowed
        for _ in range(80):
            stream.write(b"chr1\t1\t2\n" * 116_508)
    with pytest.raises(TooLargeError, match="at most 100 times its size") as refusal:
        io.read_bed(bomb)
    assert refusal.value.offset
    with io.limits(swells=2000, memory=1e8), pytest.raises(TooLargeError, match="GB of memory"):
        io.read_bed(bomb)
    assert main(["check", str(bomb), "--json", "--memory", "1"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["expected"] == "an archive that becomes at most 100 times its size"
    assert main(["check", str(bomb), "--json", "--memory", "1", "--swells", "2000"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["line"] == 1


def test_a_memory_budget_is_kept(two_samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with io.open_alignments(two_samples) as reads:
        assert len(reads.read("c:1-100,000")) == 40
        with io.limits(memory=20_000), pytest.raises(TooLargeError, match="Read a smaller region") as refusal:
            reads.read("c:1-100,000")
        assert "GENOLAB_MEMORY" in refusal.value.fix
        with io.limits(memory=20_000):
            assert len(reads.read("c:101-130")) == 3
    table = two_samples.with_name("t.csv")
    table.write_text("gene,a\n" + "".join(f"g{i},1\n" for i in range(1000)))
    monkeypatch.setenv("GENOLAB_MEMORY", "0.00001")
    with pytest.raises(TooLargeError):
        io.read_counts(table)
    with io.limits(memory=1e9):
        assert len(io.read_counts(table).genes) == 1000
    with pytest.raises(InputError, match="above 0"), io.limits(memory=-1):
        pass
    io.allow(table)  # for every thread, and for the file as it is now
    with ThreadPoolExecutor(1) as other:
        assert len(other.submit(io.read_counts, table).result().genes) == 1000
    table.write_text(table.read_text() + "g,1\n")
    with pytest.raises(TooLargeError):
        io.read_counts(table)


def test_each_command_that_reads_files_can_be_allowed_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENOLAB_MEMORY", "0.00001")
    table, made = tmp_path / "t.csv", tmp_path / "made.csv"
    table.write_text("gene,a,b\n" + "".join(f"g{i},{i + 1},{i + 2}\n" for i in range(1000)))
    words = ["normalize", str(table), "--step", "LogCPM", "--output", str(made), "--quiet"]
    assert main(words) == 1
    assert "--memory 1" in capsys.readouterr().err
    assert main([*words, "--memory", "1"]) == 0
    assert made.is_file()
    assert os.environ["GENOLAB_MEMORY"] == "0.00001"
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--memory", "-1"])
    for command in READING:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert {"--memory", "--swells"} <= set(capsys.readouterr().out.replace("[", " ").split())


def test_no_sequence_is_fetched_from_an_address_that_a_cram_names(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    fasta = tmp_path / "r.fa"
    fasta.write_text(">c\n" + "ACGT" * 100 + "\n>d\nACGT\n")
    io.build_index(fasta)
    header = {"SQ": [{"SN": "c", "LN": 400}]}
    path = tmp_path / "x.cram"
    with pysam.AlignmentFile(str(path), "wc", header=header, reference_filename=str(fasta)) as file:
        read = pysam.AlignedSegment(file.header)
        read.query_name, read.reference_id, read.reference_start, read.cigarstring = "r", 0, 10, "8M"
        read.query_sequence, read.query_qualities = "GTACGTAC", pysam.qualitystring_to_array("I" * 8)
        file.write(read)
    text = tmp_path / "header.sam"
    text.write_text(f"@SQ\tSN:c\tLN:400\tUR:http://127.0.0.1:{port}/r.fa\n")
    pysam.samtools.reheader("-P", "-i", str(text), str(path), catch_stdout=False)
    with io.open_alignments(path, fasta, index="cache") as reads:
        assert len(reads.read("c:1-400")) == 1
    fasta.write_text(">other\nACGT\n")
    fasta.with_name("r.fa.fai").unlink()
    io.build_index(fasta)
    with pytest.raises(FileError, match="would be fetched from"):
        io.open_alignments(path, fasta, index="cache")
    with pytest.raises(FileError, match="would be fetched from"):
        io.first_look(path, fasta)
    with listener, pytest.raises(TimeoutError):
        listener.accept()


def test_a_line_without_end_is_no_way_to_stop_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "long.fq"
    with open(path, "wb") as stream:
        stream.write(b"@r\n")
        for _ in range(48):
            stream.write(b"A" * 2**20)
    began = time.process_time()
    with io.open_fastq(path) as fastq, pytest.raises(FileError, match="cut"):
        fastq.take(1)
    assert time.process_time() - began < 4  # joined once, not once a megabyte


def test_a_bed_file_of_the_old_kind_is_turned_round(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 4, (7, 5))  # variants, samples

    def packed(rows: np.ndarray) -> bytes:
        wide = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).reshape(len(rows), -1, 4)
        return bytes((wide << np.array([0, 2, 4, 6])).sum(axis=2).astype(np.uint8).ravel())

    for name, magic, rows in (("new", b"\x6c\x1b\x01", codes), ("old", b"\x6c\x1b\x00", codes.T)):
        (tmp_path / f"{name}.bed").write_bytes(magic + packed(rows))
        (tmp_path / f"{name}.fam").write_text("".join(f"f{i} s{i} 0 0 1 -9\n" for i in range(5)))
        (tmp_path / f"{name}.bim").write_text("".join(f"1\tv{i}\t0\t{100 + i}\tA\tC\n" for i in range(7)))
    new, old = (io.read_plink(tmp_path / name) for name in ("new", "old"))
    np.testing.assert_array_equal(new.block(0, 7), old.block(0, 7))
    np.testing.assert_array_equal(new.block(0, 7), np.array([2, -1, 1, 0])[codes])
    assert "row per sample" in old.notices[0]
    assert not new.notices
    (tmp_path / "new.bim").unlink()
    with pytest.raises(FileError, match=r"its \.bim and \.fam beside it"):
        io.read_plink(tmp_path / "new")
