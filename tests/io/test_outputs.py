"""A write that is killed, runs out of disk, may not write or is cancelled leaves the old file or the whole new one.

``GENOLAB_NIGHTLY=1`` kills each writer at 50 moments instead of 5.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faults
import numpy as np
import pytest

from genolab.errors import Cancelled, FileError
from genolab.io import atomic
from genolab.io.alignment_writer import sorted_bam
from genolab.io.atomic import replacing

KILLS = 50 if os.environ.get("GENOLAB_NIGHTLY") else 5
WRITERS = [kind for kind in faults.WRITERS if kind not in faults.CACHED]
SOME = ["vcf.gz", "bam", "session", "npz"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", list(faults.WRITERS) if KILLS == 50 else SOME)
def test_a_killed_write_leaves_one_whole_file(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, str(Path(faults.__file__)), kind, str(tmp_path), str(KILLS), "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"old or new": KILLS, "after": 1, "left over": 0}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_one_error_and_the_old_file_stays(
    kind: str, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name, write, state = faults.WRITERS[kind]
    write(small_disk / name, 0)
    old, filler = state(small_disk / name), small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 8192))
    before = sorted(small_disk.rglob("*"))
    with pytest.raises(FileError, match=r"[Nn]othing was written\. Free some space") as refusal:
        write(small_disk / name, 1)
    assert name in refusal.value.path
    assert state(small_disk / name) == old
    assert sorted(small_disk.rglob("*")) == before
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "index"])  # the cache's folder is taken then
def test_a_folder_that_is_read_only_is_one_error(kind: str, small_disk: Path) -> None:
    name, write, state = faults.WRITERS[kind]
    write(small_disk / name, 0)
    old, before = state(small_disk / name), sorted(small_disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(FileError, match="Nothing was written"):
        write(small_disk / name, 1)
    assert state(small_disk / name) == old
    assert sorted(small_disk.rglob("*")) == before


@pytest.mark.parametrize("kind", faults.CACHED)
def test_a_cache_on_a_full_disk_is_no_error(kind: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, write, state = faults.WRITERS[kind]
    monkeypatch.setenv("GENOLAB_CACHE", str(small_disk / "cache"))
    (small_disk / name).write_bytes(b"whatever is kept of it")
    write(small_disk / name, 0)
    old, before = state(small_disk / name), sorted(small_disk.rglob("*"))
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 4096))
    write(small_disk / name, 1)
    assert state(small_disk / name) == old
    assert sorted(small_disk.rglob("*")) == sorted([*before, small_disk / "filler"])


@pytest.mark.parametrize("kind", WRITERS)
def test_an_interrupted_write_leaves_the_old_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, write, state = faults.WRITERS[kind]
    write(tmp_path / name, 0)
    old, before = state(tmp_path / name), sorted(tmp_path.rglob("*"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "_settle", stop)  # all is written, and nothing renamed
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / name, 1)
    assert state(tmp_path / name) == old
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_killed_write_left_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    code = "import sys, genolab.io.atomic as a\nwith a.replacing(sys.argv[1]) as (new,): print(new, flush=1), input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "x.csv")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    beside = Path(writer.stdout.readline().strip())
    draft = beside.with_name(f"{beside.name}.draft")
    draft.write_text("half")

    def others() -> list[Path]:
        with replacing(tmp_path / "y.csv") as (new,):
            new.write_text("whole")
        return sorted(path for path in tmp_path.iterdir() if path.name != "y.csv")

    os.utime(beside, (0, 0))
    assert others() == [beside, draft]
    os.utime(draft, (0, 0))
    assert others() == [beside, draft], "it is old, and its writer lives"
    writer.kill()
    writer.communicate()
    assert others() == []


@pytest.mark.parametrize("stop", [Cancelled("stopped"), KeyboardInterrupt()])
def test_a_cancelled_write_leaves_nothing(stop: BaseException, tmp_path: Path) -> None:
    (tmp_path / "x.bam").write_bytes(b"the old file")

    def reads() -> None:
        with sorted_bam(tmp_path / "x.bam", "@SQ\tSN:c\tLN:9\n", {"c": 9}) as write:
            write(b"")
            raise stop

    def text() -> None:
        with replacing(tmp_path / "x.csv") as (beside,):
            beside.write_text("half")
            raise stop

    for written in (reads, text):
        with pytest.raises(type(stop)):
            written()
    assert [path.name for path in tmp_path.iterdir()] == ["x.bam"]
    assert (tmp_path / "x.bam").read_bytes() == b"the old file"


def test_results_of_a_session_are_compared_to_single_precision() -> None:
    from genolab.io.sessions import same

    values = np.array([0.1, np.nan, -300.0, np.inf])
    assert same(values, values * (1 + 1e-7))
    assert same(values.astype(np.float32), values)
    for other in (values + 0.01, values * (1 + 1e-4), np.nan_to_num(values), values[:3], None):
        assert not same(values, other)
    assert not same(np.array([1, 2]), np.array([1, 3]))
    assert not same(np.array(["a"]), np.array([1.0]))
