"""HDF5 files opened with care: what could reach other files, run foreign code or fill the memory is refused unread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import budget, guard
from genolab.io.looking import first_look
from genolab.io.paths import PathLike

FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 5: "n-bit", 6: "scale-offset", 32000: "lzf"}
"""Filters that come with h5py; any other would be loaded as a plugin."""

MOST_PACKED = 1100
"""Bytes that one stored byte can become; a bomb says more."""

MOST_OF_CHUNK = 2**30
"""Bytes of one chunk, which is unpacked as a whole."""

SMALL = 2**26
"""Bytes below which a dataset without storage (all fill value) is taken at its word."""


@contextmanager
def opened(path: PathLike, who: str) -> Iterator[Any]:
    """The root group of an HDF5 file, for reading."""
    seen = guard.expect(path, who, "an HDF5 file")
    first_look(seen.path)
    try:
        import h5py
    except ImportError:
        fix = 'Install it with `pip install "genolab[anndata]"`.'
        raise InputError(who, "path", "a file whose library is installed", "HDF5 without h5py", fix) from None
    try:
        file = h5py.File(seen.path, "r", locking=False)
    except OSError as error:
        raise FileError(
            seen.path, expected="a whole HDF5 file", found=_short(error), offset=0, fix=guard.SURE
        ) from None
    with file:
        yield file


def member(path: Path, group: Any, name: str, kind: str, *, whole: bool = True) -> Any:
    """The ``kind`` ("group" or "dataset") called ``name`` below ``group``; links are refused.

    A dataset must fit in memory if it is to be read as a ``whole``.
    """
    import h5py

    here, where = group, group.name.strip("/")
    for part in name.split("/"):
        where = f"{where}/{part}".strip("/")
        if not isinstance(here, h5py.Group) or part not in here:
            held = ", ".join(list(here)[:8]) if isinstance(here, h5py.Group) else "a dataset"
            raise FileError(
                path, field=where, expected=f"a {kind}", found=f"none beside {held or 'nothing'}", fix=guard.SURE
            )
        link = here.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            found = "a link to another file" if isinstance(link, h5py.ExternalLink) else "a symbolic link"
            fix = "Copy the file with h5repack or anndata, so that it holds its own data."
            raise FileError(path, field=where, expected=f"a {kind} in this file", found=found, fix=fix)
        try:
            here = here[part]
        except (OSError, RuntimeError, KeyError) as error:
            raise FileError(path, field=where, expected=f"a {kind}", found=_short(error), fix=guard.SURE) from None
    if not isinstance(here, h5py.Group if kind == "group" else h5py.Dataset):
        found = "a group" if isinstance(here, h5py.Group) else "a dataset"
        raise FileError(path, field=where, expected=f"a {kind}", found=found, fix=guard.SURE)
    if kind == "dataset":
        _check_dataset(path, here, whole)
    return here


def walk(path: Path, root: Any, most: int = 5000) -> None:
    """Open every group, dataset and attribute of a file and read the first row of each dataset, for a first look.

    What the readers refuse is left to them. Native code that follows damage ends the process: so this is called only in
    one that may end.
    """
    import h5py

    waiting, seen = [root], set[int]()
    while waiting and len(seen) < most:
        node = waiting.pop()
        with suppress(OSError, RuntimeError, KeyError, ValueError, TypeError, FileError):
            address = h5py.h5o.get_info(node.id).addr
            if address in seen:
                continue
            seen.add(address)
            list(node.attrs.items())
            if isinstance(node, h5py.Group):
                names = [name for name in node if isinstance(node.get(name, getlink=True), h5py.HardLink)]
                for name in names:
                    with suppress(OSError, RuntimeError, KeyError, ValueError):
                        waiting.append(node[name])
            elif isinstance(node, h5py.Dataset):
                _check_dataset(path, node, whole=False)
                node[:1] if node.ndim else node[()]


def numbers(path: Path, dataset: Any, part: Any = ...) -> np.ndarray:
    """The numbers of a checked dataset, or a part of it."""
    if dataset.dtype.kind not in "biuf":
        fix = "The matrix must hold numbers."
        raise FileError(path, field=_name(dataset), expected="numbers", found=f"type {dataset.dtype}", fix=fix)
    found: np.ndarray = _read(path, dataset, part)
    return found


def texts(path: Path, dataset: Any) -> np.ndarray:
    """The names that a checked dataset holds, as text; numbers are written as text."""
    import h5py

    if dataset.ndim != 1:
        raise FileError(
            path, field=_name(dataset), expected="a list of names", found=f"shape {dataset.shape}", fix=guard.SURE
        )
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    if not is_text and dataset.dtype.kind not in "biuf":
        raise FileError(path, field=_name(dataset), expected="text", found=f"type {dataset.dtype}", fix=guard.SURE)
    held = _read(path, dataset, ...)
    try:
        return np.array([each.decode() if isinstance(each, bytes) else str(each) for each in held], object)
    except UnicodeDecodeError as error:
        fix = "Save the file with names in UTF-8."
        raise FileError(path, field=_name(dataset), expected="UTF-8 text", found=str(error), fix=fix) from None


def attribute(path: Path, node: Any, name: str, default: Any = None) -> Any:
    """An attribute as text or numbers; references and other objects are refused."""
    if name not in node.attrs:
        return default
    try:
        value = node.attrs[name]
    except (OSError, RuntimeError, TypeError, KeyError) as error:
        raise FileError(
            path, field=f"{_name(node)}@{name}", expected="an attribute", found=_short(error), fix=guard.SURE
        ) from None
    return value.decode() if isinstance(value, bytes) else value


def pointers(
    path: Path, place: str, start: np.ndarray, index: np.ndarray | None, shape: tuple[int, int], entries: int
) -> None:
    """Check the pointers of a compressed sparse matrix: native code would follow wrong ones out of its memory."""
    rows, columns = shape
    wrong = ""
    if start.ndim != 1 or len(start) != rows + 1:
        wrong = f"{start.size:,} pointers for {rows:,} rows"
    elif start[0] != 0 or start[-1] != entries:
        wrong = f"pointers from {start[0]:,} to {start[-1]:,} for {entries:,} entries"
    elif (np.diff(start) < 0).any():
        wrong = f"a pointer that goes back, at {int(np.flatnonzero(np.diff(start) < 0)[0]) + 1:,}"
    if wrong:
        raise FileError(
            path, field=f"{place}/indptr", expected="one more than rows, rising from 0", found=wrong, fix=guard.SURE
        )
    if index is not None and index.size and (index.min() < 0 or index.max() >= columns):
        entry = int(np.flatnonzero((index < 0) | (index >= columns))[0])
        found = f"{index[entry]:,} at entry {entry + 1:,}"
        raise FileError(
            path, field=f"{place}/indices", expected=f"from 0 to {columns - 1:,}", found=found, fix=guard.SURE
        )


def _check_dataset(path: Path, dataset: Any, whole: bool) -> None:
    """Storage in other files, unknown filters and sizes that the file cannot hold are refused before reading."""
    name, creation = _name(dataset), dataset.id.get_create_plist()
    if dataset.is_virtual or dataset.external:
        found = "a view of other files" if dataset.is_virtual else f"storage in {dataset.external[0][0]!r}"
        raise FileError(path, field=name, expected="data in this file", found=found, fix="Copy the data into one file.")
    for number in range(creation.get_nfilters()):
        code = creation.get_filter(number)[0]
        if code not in FILTERS:
            fix = "Write the file again with gzip compression."
            raise FileError(
                path, field=name, expected=f"a filter of {', '.join(FILTERS.values())}", found=f"filter {code}", fix=fix
            )
    size = int(np.prod([int(length) for length in dataset.shape], dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    chunk = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize if dataset.chunks else 0
    if size > max(stored * MOST_PACKED, SMALL) or chunk > MOST_OF_CHUNK:
        found = f"{size:,} bytes declared, {stored:,} stored" + (
            f", chunks of {chunk:,}" if chunk > MOST_OF_CHUNK else ""
        )
        raise FileError(path, field=name, expected="a size that the file can hold", found=found, fix=guard.SURE)
    budget.ask_swelling(path, stored, size if stored else 0)
    if whole:
        budget.ask_memory(path, 2.0 * size, f"{name}", "Read it in blocks: genolab.io.count_blocks.")


def _read(path: Path, dataset: Any, part: Any) -> Any:
    try:
        return dataset[part]
    except (OSError, RuntimeError, ValueError) as error:
        raise FileError(
            path, field=_name(dataset), expected="data that can be read", found=_short(error), fix=guard.SURE
        ) from None


def _name(node: Any) -> str:
    return str(node.name).strip("/") or "/"


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:160]
