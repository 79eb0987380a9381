"""What a file is by its first bytes and its last, whatever it is called: checked before a library is let near it."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from genolab.errors import FileError
from genolab.io import bgzf, budget
from genolab.io.paths import PathLike, readable

_MAGIC = {
    b"CRAM": "CRAM", b"PK\x03\x04": "a zip archive", b"BZh": "a bzip2 file", b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file", b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture",
    b"\x89HDF": "an HDF5 file", b"BAI\1": "a BAM index", b"CSI\1": "a CSI index", b"TBI\1": "a tabix index",
    b"BAM\1": "BAM", b"BCF\2": "BCF", b"SQLite format 3": "a database", b"\x7fELF": "a program",
    b"\x6c\x1b\x00": "a PLINK bed file", b"\x6c\x1b\x01": "a PLINK bed file",
    b"\xff\xfe": "UTF-16 text", b"\xfe\xff": "UTF-16 text",
}  # fmt: skip
_WEB = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")
_SAM_LINE = re.compile(rb"[^\t\n]+\t[0-9]+\t[^\t\n]+\t-?[0-9]+\t[^\t\n]+\t[^\t\n]+\t[^\t\n]+\t")
_STEP = 4 * 2**20
SURE = "Check the file and copy or download it again."


@dataclass(frozen=True)
class Nature:
    """What a file is: ``format`` such as BAM, ``compression`` ("", "gzip", "bgzf"), ``head`` its first bytes."""

    path: Path
    format: str
    compression: str
    head: bytes


def nature(path: PathLike, who: str) -> Nature:
    """Look at the first bytes of a readable file; a web page, a cut gzip head and the like get their own words."""
    found = readable(path, who)
    with open(found, "rb") as stream:
        head = stream.read(65536 + 1024)
    compression = ""
    if head[:2] == b"\x1f\x8b":
        compression = "bgzf" if bgzf.is_bgzf(head) else "gzip"
        try:
            inner = zlib.decompressobj(31).decompress(head, 65536)
        except zlib.error as error:
            reason = f"bytes that cannot be unpacked ({error})"
            raise FileError(found, expected="gzip data", found=reason, offset=0, fix=SURE) from None
        if not inner and len(head) < 65536 and compression == "gzip" and not _unpacks(found):
            reason = "a file cut in its first block"
            raise FileError(found, expected="whole gzip data", found=reason, offset=0, fix=SURE)
        head = inner
    return Nature(found, _format(head), compression, head)


def expect(path: PathLike, who: str, *formats: str) -> Nature:
    """The :func:`nature` of a file that must be one of ``formats``; else a ``FileError`` says what it is instead."""
    seen = nature(path, who)
    if seen.format in formats:
        return seen
    wanted = " or ".join(formats)
    if seen.format == "":
        shown = seen.head[:30].split(b"\n")[0]
        what = f"something else, beginning {shown.decode(errors='replace')!r}" if shown.strip() else "nothing known"
    else:
        what = seen.format
    fix = SURE
    if seen.format == "a web page":
        fix = "The download was an error or login page: download the file itself."
    elif seen.format in ("SAM", "BAM", "CRAM", "VCF", "BCF", "FASTA", "FASTQ"):
        fix = f"Give the {wanted} file here."
    raise FileError(seen.path, expected=wanted, found=what, fix=fix, offset=0)


def whole(seen: Nature) -> None:
    """Refuse a compressed file without its end: it was cut, and what is missing cannot be known."""
    if seen.compression == "bgzf" and not bgzf.has_end(seen.path):
        raise cut(seen.path)
    if seen.format == "CRAM" and not cram_has_end(seen.path):
        raise FileError(seen.path, expected="the CRAM end-of-file container", found="none: the file was cut", fix=SURE)


def cut(path: Path) -> FileError:
    """The refusal of a gzip or BGZF file that lacks its end."""
    found = "none: the file was cut or never finished"
    return FileError(path, expected="the end of the compressed data", found=found, offset=path.stat().st_size, fix=SURE)


def cram_has_end(path: Path) -> bool:
    """Whether a CRAM file (2.1 or 3) ends with its end-of-file container."""
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 38))
        return b"\xe0EOF\x00" in stream.read()


def text_of(seen: Nature, limit: int | None = None) -> bytes:
    """The bytes of a text file, unpacked; a damaged or cut archive is refused, and so is one over ``limit`` bytes."""
    size = seen.path.stat().st_size
    try:
        with open(seen.path, "rb") as stream:
            if not seen.compression:
                budget.ask_memory(seen.path, 2.0 * size, f"{size:,} bytes of text")
                data = stream.read(-1 if limit is None else limit + 1)
            else:
                data = _unpacked(seen.path, stream, limit)
    except (OSError, EOFError, zlib.error) as error:
        raise unpacking_fault(seen, error) from None
    if limit is not None and len(data) > limit:
        raise FileError(
            seen.path, expected=f"at most {limit / 2**20:,.0f} MB of text without an index", found="more",
            fix="Compress it with bgzip and build an index.",
        )  # fmt: skip
    return data


def _unpacked(path: Path, stream: IO[bytes], limit: int | None) -> bytes:
    """What is in an archive, looked at as it swells: it asks before it is more than it may be."""
    parts, total = [], 0
    with gzip.GzipFile(fileobj=stream) as unpacked:
        while part := unpacked.read(_STEP):
            parts.append(part)
            total += len(part)
            if limit is not None and total > limit:
                break
            budget.ask_swelling(path, stream.tell(), total)
            budget.ask_memory(path, 2.0 * total, f"{total:,} bytes of text, and more to come")
    return b"".join(parts)


def unpacking_fault(seen: Nature, error: Exception) -> FileError:
    """What is wrong with a compressed file that cannot be unpacked, and where."""
    fault = bgzf.first_fault(seen.path) if seen.compression == "bgzf" else None
    if fault is None and isinstance(error, EOFError):
        return cut(seen.path)
    offset, reason = fault or (None, str(error))
    return FileError(seen.path, expected="gzip data", found=reason, offset=offset, fix=SURE)


def shown(letter: bytes) -> str:
    """One byte as a reader would name it."""
    return repr(letter.decode()) if 32 < letter[0] < 127 else f"byte 0x{letter[0]:02x}"


def decoded(line: bytes, path: Path, number: int) -> str:
    """A line as text; bytes that are not UTF-8 and control characters are refused with the line."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02x} at column {error.start + 1}"
        raise FileError(path, line=number, expected="UTF-8 text", found=found, fix="Save the file as UTF-8.") from None
    if "\0" in text:
        raise FileError(path, line=number, expected="text", found="a NUL byte", fix=SURE)
    return text


def _unpacks(path: Path) -> bool:
    try:
        with gzip.open(path) as stream:
            stream.read(1)
    except (OSError, EOFError, zlib.error):
        return False
    return True


def _format(head: bytes) -> str:
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[8:10] == b'{"' and b'"dtype"' in head[:65536] and int.from_bytes(head[:8], "little") < 2**27:
        return "a model"
    start = head[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<" and any(mark in start[:1024].lower() for mark in _WEB):
        return "a web page"
    if start.startswith(b"##fileformat=VCF"):
        return "VCF"
    if start[:1] == b"@":
        first = start.split(b"\n", 1)[0].rstrip(b"\r")
        if (first[3:4] == b"\t" and first[1:3].isalpha()) or first[:3] in (b"@HD", b"@SQ", b"@RG", b"@PG", b"@CO"):
            return "SAM"
        return "FASTQ"
    if _SAM_LINE.match(start):
        return "SAM"
    if start[:1] == b">":
        return "FASTA"
    return ""
