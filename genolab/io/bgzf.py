"""The blocks of a BGZF file: is the last one there, and which one is broken."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a BGZF file (SAM specification, section 4.1.2)."""

_HEAD = struct.Struct("<4BI2BH2BHH")


def is_bgzf(head: bytes) -> bool:
    """Whether a file that starts with these bytes is in blocks, not plain gzip."""
    return len(head) >= 16 and head[:4] == b"\x1f\x8b\x08\x04" and head[12:16] == b"BC\x02\x00"


def has_end(path: Path) -> bool:
    """Whether the file ends with the empty block; without it the file was cut, or never finished."""
    with open(path, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        if stream.tell() < len(END):
            return False
        stream.seek(-len(END), os.SEEK_END)
        return stream.read() == END


def first_fault(path: Path, start: int = 0, count: int | None = None) -> tuple[int, str] | None:
    """Byte offset and fault of the first broken block, or None, among ``count`` blocks (all of them) from ``start``."""
    offset = start
    with open(path, "rb") as stream:
        stream.seek(start)
        while head := stream.read(_HEAD.size):
            if count is not None:
                if count == 0:
                    return None
                count -= 1
            if len(head) < _HEAD.size:
                return offset, "the file ends inside a block"
            if not is_bgzf(head):
                return offset, "no BGZF block starts here"
            size = struct.unpack_from("<H", head, 16)[0] + 1
            rest = stream.read(size - len(head))
            if len(rest) < size - len(head) or size < _HEAD.size + 8:
                return offset, "the file ends inside a block"
            checksum, length = struct.unpack("<II", rest[-8:])
            try:
                data = zlib.decompress(rest[:-8], -15)
            except zlib.error:
                return offset, "the block cannot be decompressed"
            if len(data) != length or zlib.crc32(data) != checksum:
                return offset, "the block does not match its checksum"
            offset += size
    return None


def header_text(path: Path) -> bytes:
    """The text header of a BAM file, at most its first MB; for another file, ``@SQ``, which says nothing."""
    try:
        with gzip.open(path) as stream:
            magic, length = struct.unpack("<4sI", stream.read(8))
            return stream.read(min(length, 2**20)) if magic == b"BAM\1" else b"@SQ"
    except (OSError, EOFError, zlib.error, struct.error):
        return b"@SQ"
