"""Where indexes and checksums that must not lie beside the data are kept."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """``GENOLAB_CACHE``, or the user's cache folder for genolab; not created here."""
    chosen = os.environ.get("GENOLAB_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("genolab"))


def identity(path: Path) -> str:
    """A short name for one state of one file: its real path, size and time of change."""
    real = path.resolve()
    status = real.stat()
    state = f"{real}\0{status.st_size}\0{status.st_mtime_ns}"
    return hashlib.sha256(state.encode(errors="surrogateescape")).hexdigest()[:24]


def load(kind: str, path: Path) -> dict[str, Any]:
    """What was remembered about this state of the file; empty when nothing was or it cannot be read."""
    try:
        found = json.loads((cache_folder() / kind / f"{identity(path)}.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def store(kind: str, path: Path, values: dict[str, Any]) -> None:
    """Remember facts about this state of the file; a cache that cannot be written is no reason to fail."""
    target = cache_folder() / kind / f"{identity(path)}.json"
    beside = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(values))
        os.replace(beside, target)
    except OSError:
        beside.unlink(missing_ok=True)
