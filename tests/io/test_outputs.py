"""A write that is killed, runs out of disk, may not write or is cancelled leaves the old file or the whole new one.

``GENOLAB_NIGHTLY=1`` kills each writer at 50 moments instead of 5.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest

from genolab.errors import Cancelled, FileError
from genolab.io.alignment_writer import sorted_bam
from genolab.io.atomic import replacing

KILLS = 50 if os.environ.get("GENOLAB_NIGHTLY") else 5
WRITERS = [kind for kind in faults.WRITERS if kind != "npz"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", list(faults.WRITERS) if KILLS == 50 else ["vcf.gz", "bam", "model", "npz"])
def test_a_killed_write_leaves_one_whole_file(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, str(Path(faults.__file__)), kind, str(tmp_path), str(KILLS), "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"old or new": KILLS, "after": 1}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_one_error_and_the_old_file_stays(
    kind: str, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name, write = faults.WRITERS[kind]
    (small_disk / name).write_bytes(b"the old file")
    (small_disk / "filler").write_bytes(b"x" * 48_000)
    with pytest.raises(FileError, match=rf"{name}.*[Nn]othing was written\. Free some space") as refusal:
        write(small_disk / name, 1)
    assert refusal.value.path.endswith(name)
    assert (small_disk / name).read_bytes() == b"the old file"
    assert sorted(path.name for path in small_disk.iterdir()) == sorted(["filler", name])
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_that_is_read_only_is_one_error(kind: str, small_disk: Path) -> None:
    name, write = faults.WRITERS[kind]
    (small_disk / name).write_bytes(b"the old file")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(FileError, match="Nothing was written"):
        write(small_disk / name, 1)
    assert (small_disk / name).read_bytes() == b"the old file"


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
