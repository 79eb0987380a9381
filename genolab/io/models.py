"""Model files: arrays in the safetensors layout with a card of plain data. Nothing is unpickled, the bytes repeat."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from genolab.errors import FileError
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike, readable

KEY = "genolab"
_KINDS = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I8": "|i1", "U8": "|u1"}
_NAMES = {np.dtype(kind).str: name for name, kind in _KINDS.items()}
_HEADER = 64 * 2**20
_FIX = "Save the model again, or copy the file again."


def write_model(path: PathLike, arrays: dict[str, np.ndarray], card: dict[str, Any]) -> None:
    """Write arrays (by name) and a card (plain data): the same content gives the same bytes."""
    with replacing(path, who="save") as (beside,), open(beside, "wb") as stream:
        stream.write(model_bytes(arrays, card))


def model_bytes(arrays: dict[str, np.ndarray], card: dict[str, Any]) -> bytes:
    """What :func:`write_model` writes."""
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(card, sort_keys=True, allow_nan=True)}}
    start, parts = 0, []
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name])
        value = value.astype(value.dtype.newbyteorder("<"), copy=False)
        data = value.tobytes()
        offsets = [start, start + len(data)]
        header[name] = {"dtype": _NAMES[value.dtype.str], "shape": list(value.shape), "data_offsets": offsets}
        parts.append(data)
        start += len(data)
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])


def read_model(path: PathLike) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the card of a model file.

    Raises
    ------
    FileError
        If it is cut, or is no model of genolab.
    """
    found = readable(path, "load")
    with open(found, "rb") as stream:
        return model_of(stream.read(), found)


def model_of(data: bytes, found: PathLike = "bytes") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the card of what :func:`model_bytes` made; errors name them ``found``."""
    expected = "a model that genolab saved"
    if len(data) < 8:
        raise FileError(found, expected=expected, found=f"{len(data)} bytes: the file was cut", fix=_FIX, offset=0)
    (size,) = struct.unpack("<Q", data[:8])
    if size > min(_HEADER, len(data) - 8):
        reason = "a header that does not end: the file was cut, or is of another kind"
        raise FileError(found, expected=expected, found=reason, fix=_FIX, offset=0)
    try:
        header = json.loads(data[8 : 8 + size])
        card = json.loads(header.pop("__metadata__")[KEY])
        arrays = {name: _array(data[8 + size :], **entry) for name, entry in header.items()}
    except _Cut as error:
        raise FileError(
            found, expected="whole arrays", found=f"{error}: the file was cut", fix=_FIX, offset=len(data)
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FileError(found, expected=expected, found="another kind of file", fix=_FIX, offset=8) from None
    return arrays, card


class _Cut(Exception):
    pass


def _array(data: bytes, *, dtype: str, shape: list[int], data_offsets: list[int]) -> np.ndarray:
    start, end = data_offsets
    kind = np.dtype(_KINDS[dtype])
    if end > len(data):
        raise _Cut(f"{end - len(data):,} bytes fewer than it says")
    if start < 0 or end - start != kind.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise ValueError("shape")
    return np.frombuffer(data[start:end], kind).reshape(shape).copy()
