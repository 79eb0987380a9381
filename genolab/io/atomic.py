"""Write beside, then rename: a reader sees the old file or the whole new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from genolab.errors import FileError
from genolab.io.paths import PathLike, writable

if sys.platform != "win32":
    import fcntl

_FULL = 2**20
"""Bytes left on a disk below which a write that failed is taken for one that found it full."""
_PREFIX, _SUFFIX = ".genolab-", ".tmp"
_OLD = 3600.0
"""Seconds after which what a killed writer left is taken away, at the next write into its folder."""


@contextlib.contextmanager
def replacing(path: PathLike, *companions: str, who: str = "genolab.io") -> Iterator[tuple[Path, ...]]:
    """Names to write to: for ``path`` and each companion (``path`` + suffix, such as its index); renamed on success.

    Whatever is raised inside, an interrupt too, the old files stay as they were and the new ones are removed, with all
    whose names begin with the first of them, such as drafts. An old companion that was not written anew is taken away,
    for it describes the old file. A full disk or a read-only folder is a ``FileError``. A writer that is killed leaves
    its hidden ``.genolab-*.tmp``, which a later write into the folder takes away.
    """
    target = writable(path, who)
    targets = [target, *(target.with_name(target.name + suffix) for suffix in companions)]
    _clean(target.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent)
    except OSError as error:
        raise _refusal(target, error) from error
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)  # until this process ends, however it does
    beside = [Path(name), *(Path(name + suffix) for suffix in companions)]
    try:
        yield tuple(beside)
        mode = _mode(target)
        for new in beside:
            if new.exists():
                _settle(new, mode)
        if not beside[0].exists():
            raise FileNotFoundError(0, "nothing was written", str(beside[0]))
        # An index on its own does no harm, an old index beside new data does: so the old ones go first.
        for old in targets[1:]:
            old.unlink(missing_ok=True)
        for new, final in zip(beside, targets, strict=True):
            if new.exists():
                os.replace(new, final)
        _settle_folder(target.parent)
    except FileError:
        raise
    except OSError as error:
        raise _refusal(target, error) from error
    finally:
        os.close(handle)
        _remove(beside[0])


def save_text(path: PathLike, text: str, who: str = "genolab.io") -> Path:
    """Write a text file (UTF-8), beside and renamed; returns its path."""
    with replacing(path, who=who) as (beside,):
        beside.write_text(text, encoding="utf-8")
    return Path(path)


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or the usual ones (a temporary file is private)."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _clean(folder: Path) -> None:
    """Take away what killed writers left: nobody holds their lock, and nothing was written for an hour.

    Where there are no locks, or they cannot be asked for, everything stays.
    """
    if sys.platform == "win32":
        return
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}*"):
        first = left.with_name(left.name.partition(_SUFFIX)[0] + _SUFFIX)
        with contextlib.suppress(OSError, ValueError):  # another process may take them away meanwhile
            if time.time() - max(each.stat().st_mtime for each in _written(first)) < _OLD:
                continue
            if first.exists():
                with open(first, "r+b") as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(first)


def _written(first: Path) -> list[Path]:
    return list(first.parent.glob(f"{first.name}*"))


def _remove(first: Path) -> None:
    """Take away a file and all whose names begin with its own, folders too."""
    for each in _written(first):
        with contextlib.suppress(OSError):
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)


def _settle(path: Path, mode: int) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.chmod(path, mode)


def _settle_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refusal(target: Path, error: OSError) -> FileError:
    found = error.strerror or str(error) or type(error).__name__
    full = error.errno == errno.ENOSPC
    with contextlib.suppress(OSError):  # htslib tells no reason, so the disk is asked
        full = full or (not error.errno and shutil.disk_usage(target.parent).free < _FULL)
    if full:
        found = os.strerror(errno.ENOSPC)
    fix = "Free some space, or write to another folder." if full else "Choose a folder you may write to."
    return FileError(target, expected="to write this file", found=found, fix=f"Nothing was written. {fix}")
