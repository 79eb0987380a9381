"""What was compiled, kept on the disk for the next process: each entry with its key and a checksum.

An entry that is damaged, of other sources, of another machine or another user counts as absent, so it is made again.
Two processes may write at once: each writes beside and renames.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import os
import stat
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from genolab import __version__

_OLD = 3600.0  # seconds


def cache_folder() -> Path:
    """``GENOLAB_CACHE``, or the user's cache folder for genolab; not created here."""
    chosen = os.environ.get("GENOLAB_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("genolab"))


def _folder() -> Path:
    return cache_folder() / "kernels" / str(sys.implementation.cache_tag)


def kept(name: str) -> bool:
    """Whether anything was kept under a name: a key takes time to work out, and a first process has no use for it."""
    return (_folder() / name).is_file()


def load(name: str, key: str) -> bytes | None:
    """What was kept under a name, if it was kept with this key, is whole, and nobody else can have written it."""
    try:
        with (_folder() / name).open("rb") as file:
            if not _own(os.fstat(file.fileno())):
                return None
            head, _, body = file.read().partition(b"\n")
    except OSError:
        return None
    return body if head == _head(key, body) else None


def _own(status: os.stat_result) -> bool:
    """Whether a file is this user's, or the machine's, and not for all to write: a checksum is no signature."""
    return not hasattr(os, "getuid") or (status.st_uid in (0, os.getuid()) and not status.st_mode & stat.S_IWOTH)


def store(name: str, key: str, body: bytes) -> None:
    """Keep something; a cache that cannot be written is no reason to fail."""
    keep(_folder() / name, lambda beside: beside.write_bytes(_head(key, body) + b"\n" + body))


def keep(target: Path, write: Callable[[Path], object]) -> None:
    """Have a file of the cache written beside and renamed; one that cannot be written is no reason to fail.

    What a writer of the same file left when it was killed, an hour ago or more, is taken away.
    """
    beside = target.with_name(f"{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        os.replace(beside, target)
        for left in target.parent.glob(f"{glob.escape(target.name)}.*.tmp"):
            if time.time() - left.stat().st_mtime > _OLD:
                left.unlink(missing_ok=True)
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _head(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + body).hexdigest().encode()


@cache
def source_key(package: str, *peers: str) -> str | None:
    """A digest of what compiled code depends on: Python, genolab's sources below ``package``, and other packages.

    Nothing is imported for it. None where there are no source files to look at.
    """
    digest = hashlib.sha256(f"{__version__} {sys.version} {sys.platform}".encode())
    root = Path(__file__).parents[1]
    try:
        for path in (root / "spec.py", *sorted((root / "kernel").glob("*.py")), *_below(package)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        for peer in peers:
            found = importlib.util.find_spec(peer)
            if found is None or not found.origin:
                return None
            version = Path(found.origin).with_name("_version.py")
            version = version if version.is_file() else Path(found.origin)
            digest.update(str(found.origin).encode() + b"\0" + version.read_bytes())
    except OSError:
        return None
    return digest.hexdigest()


def _below(package: str) -> list[Path]:
    found = importlib.util.find_spec(package)
    if found is None or not found.origin:
        raise OSError(f"no sources of {package}")
    return sorted(Path(found.origin).parent.rglob("*.py"))
