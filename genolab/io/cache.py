"""Where indexes and checksums that must not lie beside the data are kept."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.kernel.store import cache_folder, keep

if TYPE_CHECKING:
    import numpy as np


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
    keep(cache_folder() / kind / f"{identity(path)}.json", lambda beside: beside.write_text(json.dumps(values)))


def load_arrays(kind: str, path: Path, variant: str, names: tuple[str, ...]) -> tuple[np.ndarray, ...] | None:
    """Arrays that were kept for this state of the file; None where there are none or they cannot be read."""
    import numpy as np

    try:
        with np.load(_arrays(kind, path, variant), allow_pickle=False) as found:
            return tuple(found[name] for name in names)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def store_arrays(kind: str, path: Path, variant: str, **arrays: np.ndarray) -> None:
    """Keep arrays for this state of the file; a cache that cannot be written is no reason to fail."""
    import numpy as np

    def write(beside: Path) -> None:
        with open(beside, "wb") as stream:  # savez would add its own ending to a name
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    keep(_arrays(kind, path, variant), write)


def _arrays(kind: str, path: Path, variant: str) -> Path:
    return cache_folder() / kind / f"{identity(path)}-{variant}.npz"
