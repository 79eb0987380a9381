"""A session on disk: a folder with one JSON file and one npz file of plain arrays. What is read is data, never code.

The arrays are written first, under a name that holds their digest; the JSON that names them is renamed into place last,
so that an interrupted save leaves the session that was there before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from genolab.errors import FileError
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

CARD = "session.json"
MOST_LETTERS, MOST_BYTES = 50_000_000, 2**31
"""Bytes of the JSON file, and of all arrays together, that are read."""
_RESULTS = re.compile(r"results-[0-9a-f]{16}\.npz")
_KINDS = "biufU"
_FIX = "Save the session again, or copy the whole folder again."


def write_session(folder: PathLike, card: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
    """Write a session into a folder, which is made; another session in it is replaced.

    Raises
    ------
    FileError
        If the folder holds something else, or cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        others = [each.name for each in target.iterdir() if not each.name.startswith(".")]
    except OSError as error:
        found = error.strerror or type(error).__name__
        fix = "Choose a folder you may write to."
        raise FileError(target, expected="a folder to save a session in", found=found, fix=fix) from error
    if others and CARD not in others:
        found = f"a folder with other files ({', '.join(sorted(others)[:3])})"
        fix = "Choose a folder of its own."
        raise FileError(target, expected="an empty folder or one with a session", found=found, fix=fix)
    buffer = io.BytesIO()
    kept: dict[str, Any] = {name: np.ascontiguousarray(np.asarray(values)) for name, values in sorted(arrays.items())}
    np.savez_compressed(buffer, allow_pickle=False, **kept)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    name = f"results-{digest[:16]}.npz"
    with replacing(target / name, who="session") as (beside,):
        beside.write_bytes(content)
    whole = card | {"results": {"file": name, "digest": f"sha256:{digest}"}}
    with replacing(target / CARD, who="session") as (beside,):
        beside.write_text(json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    for old in target.glob("results-*.npz"):
        if old.name != name and _RESULTS.fullmatch(old.name):
            with contextlib.suppress(OSError):
                old.unlink()
    return target


def read_session(folder: PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a session.

    Raises
    ------
    FileError
        If a file is missing, cut, too large, changed since it was saved, or of another kind.
    """
    source = Path(folder)
    path = source / CARD
    try:
        if path.stat().st_size > MOST_LETTERS:
            raise _refusal(path, f"at most {MOST_LETTERS:,} bytes", f"{path.stat().st_size:,}")
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _refusal(path, "a session that genolab saved", found, "Name the folder that was saved.") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "JSON", f"something else ({str(error)[:80]})") from None
    if not isinstance(card, dict):
        raise _refusal(path, "an object", type(card).__name__)
    named = card.get("results")
    if not isinstance(named, dict) or not isinstance(named.get("file"), str) or not _RESULTS.fullmatch(named["file"]):
        raise _refusal(path, "the name of the results' file", repr(named)[:80], field="results")
    return card, _arrays(source / named["file"], str(named.get("digest")))


def arrays_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a table as plain arrays: numbers as they are, everything else as text."""
    return {
        str(name): values.to_numpy() if values.dtype.kind in _KINDS else values.astype(str).to_numpy(str)
        for name, values in frame.items()
    }


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Whether two results are equal, missing values included; nothing is equal to a result that is not there.

    Real numbers within a hundred-thousandth of the largest: a panel's first answer may come from a kernel's definition
    and the restored one from its loop, which agree to rounding in single precision.
    """
    if a is None or b is None or a.shape != b.shape or (a.dtype.kind == "U") != (b.dtype.kind == "U"):
        return False
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    known = np.abs(b[np.isfinite(b)])
    return bool(np.allclose(a, b, rtol=0, atol=1e-5 * float(known.max(initial=0)), equal_nan=True))


def _arrays(path: Path, digest: str) -> dict[str, np.ndarray]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refusal(path, f"at most {MOST_BYTES:,} bytes", f"{path.stat().st_size:,}")
        content = path.read_bytes()
    except OSError as error:
        raise _refusal(path, "the results of the session", error.strerror or type(error).__name__) from error
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        raise _refusal(path, "the results that were saved with session.json", "other content")
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > MOST_BYTES:
                raise _refusal(path, f"at most {MOST_BYTES:,} bytes of arrays", "more")
            for each in archive.infolist():
                arrays[each.filename.removesuffix(".npy")] = _array(archive.read(each), path, each.filename)
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zlib.error):
        raise _refusal(path, "an npz file of plain arrays", "something else") from None
    return arrays


def _array(content: bytes, path: Path, name: str) -> np.ndarray:
    """One array, of plain numbers or text; what its head says is believed only as far as there are bytes."""
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream, max_header_size=10_000)
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.fields is not None:
        raise _refusal(path, "numbers or text", f"{dtype} in {name}", field=name)
    body = content[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(body):
        raise _refusal(path, f"{math.prod(shape):,} values in {name}", f"{len(body):,} bytes", field=name)
    values = np.frombuffer(body, dtype).copy() if dtype.itemsize else np.zeros(math.prod(shape), dtype)
    return values.reshape(shape, order="F" if fortran else "C")


def _refusal(path: Path, expected: str, found: str, fix: str = _FIX, field: str | None = None) -> FileError:
    return FileError(path, expected=expected, found=found, fix=fix, field=field)
