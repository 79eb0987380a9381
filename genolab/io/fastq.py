"""FASTQ: reads with their qualities, a batch at a time, so that memory does not grow with the file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import budget, guard
from genolab.io.paths import PathLike

LETTERS = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv."
"""What a read may hold: bases and IUPAC codes, either case; a dot is an N."""

LONGEST_NAME = 254
"""Letters of a name that BAM has room for."""

LONGEST_LINE = 2**28
"""Letters of a line; no sequencer comes near."""

_QUALITIES = bytes(range(33, 127))
_CHUNK = 2**20
_FIX = "Correct the file or download it again."


@dataclass(frozen=True, eq=False)
class FastqReads:
    """Reads in a row: read ``k`` has ``letters[start[k]:start[k] + length[k]]``, and its qualities are there too.

    ``letters`` and ``qualities`` (Phred + 33) are bytes as in the file, ``names`` (up to the first blank) are in a row
    as well; ``first`` is the number of the first read in its file, from 0.
    """

    names: np.ndarray = field(repr=False)
    name_start: np.ndarray = field(repr=False)
    name_length: np.ndarray = field(repr=False)
    letters: np.ndarray = field(repr=False)
    qualities: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    length: np.ndarray = field(repr=False)
    first: int = 0

    def __len__(self) -> int:
        return self.start.size

    def name(self, number: int) -> str:
        """The name of one read."""
        begin = self.name_start[number]
        return self.names[begin : begin + self.name_length[number]].tobytes().decode("ascii")


def reads_in_memory(letters: bytes, length: np.ndarray) -> FastqReads:
    """Reads without names and qualities."""
    nothing = np.zeros(length.size, np.int64)
    return FastqReads(
        np.empty(0, np.uint8), nothing, nothing, _bytes(letters), np.empty(0, np.uint8), _starts(length), length
    )


class FastqFile:
    """An open FASTQ file; made by :func:`open_fastq`, used as a context manager. ``path`` and ``notices``."""

    def __init__(self, seen: guard.Nature) -> None:
        self.path: Path = seen.path
        self.notices: list[str] = []
        self._seen = seen
        self._raw: IO[bytes] = open(seen.path, "rb")  # noqa: SIM115 - closed by close()
        self._text: IO[bytes] = self._raw
        if seen.compression:
            self._text = gzip.GzipFile(fileobj=self._raw)  # type: ignore[assignment]
        self._size = seen.path.stat().st_size
        self._parts: list[bytes] = []  # of a line whose end is not read yet
        self._held = 0  # letters of it
        self._unpacked = 0  # bytes of text so far
        self._rest: list[bytes] = []  # lines that are not grouped into records yet
        self._records: list[bytes] = []  # four lines each
        self._lines = self._taken = 0  # lines before the rest, records handed out
        self._plain = True  # four lines a record so far
        self._at_end = False
        if seen.path.name.endswith(".gz") and not seen.compression:
            self.notices.append(f"{seen.path.name} is named .gz and is plain text; it was read as such.")

    def __enter__(self) -> FastqFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FastqFile {self.path.name}: {self._taken:,} reads taken>"

    def close(self) -> None:
        """Close the file."""
        self._text.close()
        self._raw.close()

    @property
    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size)

    def take(self, reads: int, letters: int | None = None) -> FastqReads:
        """The next reads: at most so many, and about so many letters; none at the end of the file.

        Raises
        ------
        FileError
            With record and line: a record that is not whole, letters that are no bases, qualities that do not fit.
        """
        while not self._at_end and len(self._records) < 4 * reads:
            if letters is not None and sum(map(len, self._records[1::4])) >= letters:
                break
            self._read_on()
        count = min(reads, len(self._records) // 4)
        lines, self._records = self._records[: 4 * count], self._records[4 * count :]
        found = self._reads(lines)
        self._taken += count
        return found

    def _read_on(self) -> None:
        try:
            chunk = self._text.read(_CHUNK)
        except (OSError, EOFError, zlib.error) as error:
            fault = guard.unpacking_fault(self._seen, error)
            if fault.offset is None:
                at = self._raw.tell()
                fault = FileError(self.path, offset=at, expected=fault.expected, found=fault.found, fix=fault.fix)
            raise fault from None
        self._unpacked += len(chunk)
        if self._seen.compression:
            budget.ask_swelling(self.path, self._raw.tell(), self._unpacked)
        self._at_end = not chunk
        if chunk and b"\n" not in chunk:  # joined once the line ends: a long line must not be copied again and again
            self._parts.append(chunk)
            self._held += len(chunk)
            if self._held > LONGEST_LINE:
                self._refuse(len(self._rest), "line", f"at most {LONGEST_LINE:,} letters", "more")
            return
        lines = b"".join([*self._parts, chunk]).split(b"\n")
        self._parts = [] if self._at_end else [lines.pop()]
        self._held = sum(map(len, self._parts))
        if self._at_end:
            while lines and not lines[-1].strip():
                lines.pop()
            self._end()
        self._rest += [line.removesuffix(b"\r") for line in lines]
        if self._at_end and len(self._rest) % 4 and len(self._rest) % 4 >= 2 and not self._wrapped():
            self._rest += [b""] * (-len(self._rest) % 4)  # a last read without letters has blank lines
        self._group()

    def _wrapped(self) -> bool:
        lines = self._rest[len(self._rest) // 4 * 4 :]
        return bool(lines[1]) or (len(lines) == 3 and not lines[2].startswith(b"+"))

    def _end(self) -> None:
        if self._seen.compression == "gzip":
            with open(self.path, "rb") as stream:
                stream.seek(-min(self._size, 16), 2)
                if not stream.read().strip(b"\0"):
                    self.notices.append(f"{self.path.name} is padded with zero bytes behind its end.")

    def _group(self) -> None:
        """Move whole records from the lines read: four lines a record, or, more slowly, wrapped ones."""
        whole = len(self._rest) // 4 * 4
        heads, bases, pluses, scores = (self._rest[k:whole:4] for k in range(4))
        if (
            {head[:1] for head in heads} <= {b"@"}
            and (set(pluses) <= {b"+"} or all(p in (b"+", b"+" + h[1:]) for p, h in zip(pluses, heads, strict=True)))
            and list(map(len, bases)) == list(map(len, scores))
        ):
            self._records += self._rest[:whole]
            del self._rest[:whole]
            self._lines += whole
            if self._at_end and self._rest:
                self._cut(0, len(self._rest))
            return
        at, self._plain = 0, False
        while at < len(self._rest):
            record = self._one(at)
            if record is None:
                break
            at, lines = record
            self._records += lines
        del self._rest[:at]
        self._lines += at

    def _one(self, at: int) -> tuple[int, list[bytes]] | None:
        """The record that begins with line ``at`` of the rest, and the line behind it; None where it goes on later."""
        rest = self._rest
        head = rest[at]
        if not head.startswith(b"@"):
            self._refuse(at, "name", "a line that starts with @", repr(head[:30].decode(errors="replace")))
        plus = at + 1
        while plus < len(rest) and not rest[plus].startswith(b"+"):
            if not rest[plus] and plus > at + 1:
                self._refuse(plus, "separator", "a line that starts with +", "an empty line")
            wrong = rest[plus].translate(None, LETTERS)
            if wrong and plus > at + 1:  # not a second line of bases
                self._refuse(plus, "separator", "a line that starts with +", repr(rest[plus][:30].decode("latin-1")))
            if wrong:
                self._refuse(plus, "sequence", "bases (A C G T N and IUPAC codes)", guard.shown(wrong[:1]))
            plus += 1
        if plus >= len(rest):
            self._check_end(at)
            return None
        if len(rest[plus]) > 1 and rest[plus][1:] != head[1:]:
            found = repr(rest[plus][:30].decode(errors="replace"))
            self._refuse(plus, "separator", "+ alone or with the name of the read", found)
        bases = b"".join(rest[at + 1 : plus])
        end, scores = plus + 1, b""
        if plus - at <= 2:  # bases in one line: so are the qualities
            if end >= len(rest):
                self._check_end(at)
                return None
            scores, end = rest[end], end + 1
            if 0 < len(scores) < len(bases):  # unless they are wrapped all the same
                more, after = scores, end
                while after < len(rest) and len(more) < len(bases):
                    more, after = more + rest[after], after + 1
                if after >= len(rest) and not self._at_end:
                    return None
                if len(more) == len(bases) and (after == len(rest) or rest[after].startswith(b"@")):
                    scores, end = more, after
        else:
            while len(scores) < len(bases):
                if end >= len(rest):
                    self._check_end(at)
                    return None
                scores, end = scores + rest[end], end + 1
        if len(scores) != len(bases):
            self._refuse(end - 1, "qualities", f"{len(bases):,}, one a base", f"{len(scores):,}")
        return end, [head, bases, b"+", scores]

    def _check_end(self, at: int) -> None:
        if self._at_end:
            self._cut(at, len(self._rest) - at)

    def _cut(self, at: int, lines: int) -> NoReturn:
        if not self._rest[at].startswith(b"@"):
            self._refuse(at, "name", "a line that starts with @", repr(self._rest[at][:30].decode(errors="replace")))
        found = f"the end of the file after {lines} line{'s' * (lines > 1)}: it was cut"
        self._refuse(len(self._rest) - 1, "record", "name, bases, + and qualities", found)

    def _refuse(self, at: int, what: str, expected: str, found: str) -> NoReturn:
        record, line = self._taken + len(self._records) // 4 + 1, self._lines + at + 1
        raise FileError(self.path, record=record, line=line, field=what, expected=expected, found=found, fix=_FIX)

    def _reads(self, lines: list[bytes]) -> FastqReads:
        heads, bases, scores = lines[0::4], lines[1::4], lines[3::4]
        names = [head[1:].split(None, 1)[0] if len(head) > 1 and head[1:2] > b" " else b"" for head in heads]
        joined, letters, qualities = b"".join(names), b"".join(bases), b"".join(scores)
        name_length = np.fromiter(map(len, names), np.int64, len(names))
        length = np.fromiter(map(len, bases), np.int64, len(names))
        if joined.translate(None, _QUALITIES) or (name_length == 0).any() or (name_length > LONGEST_NAME).any():
            self._refuse_name(names)
        for what, text, allowed, parts in (
            ("sequence", letters, LETTERS, bases), ("qualities", qualities, _QUALITIES, scores),
        ):  # fmt: skip
            wrong = text.translate(None, allowed)
            if wrong:
                number = next(k for k, part in enumerate(parts) if part.translate(None, allowed))
                column = parts[number].index(wrong[:1]) + 1
                expected = "bases (A C G T N and IUPAC codes)" if what == "sequence" else "characters from ! to ~"
                self._refuse_record(number, what, expected, f"{guard.shown(wrong[:1])} at column {column:,}")
        if self._taken == 0 and qualities and min(qualities) >= 64 and max(qualities) > 75:
            self.notices.append(
                f"The qualities of {self.path.name} look like Phred+64, of old machines; they were read as Phred+33."
            )
        return FastqReads(
            _bytes(joined), _starts(name_length), name_length, _bytes(letters), _bytes(qualities), _starts(length),
            length, self._taken,
        )  # fmt: skip

    def _refuse_name(self, names: list[bytes]) -> NoReturn:
        for number, name in enumerate(names):
            wrong = name.translate(None, _QUALITIES)
            expected = f"a name of 1 to {LONGEST_NAME} plain characters"
            if wrong:
                self._refuse_record(number, "name", expected, guard.shown(wrong[:1]))
            if not 0 < len(name) <= LONGEST_NAME:
                self._refuse_record(number, "name", expected, f"{len(name):,}" if name else "nothing")
        raise AssertionError("a name was wrong")

    def _refuse_record(self, number: int, what: str, expected: str, found: str) -> NoReturn:
        record = self._taken + number + 1
        line = 4 * record - {"name": 3, "sequence": 2}.get(what, 0) if self._plain else None
        raise FileError(self.path, record=record, line=line, field=what, expected=expected, found=found, fix=_FIX)


def open_fastq(path: PathLike) -> FastqFile:
    """Open a FASTQ file, plain or gzipped, four lines a record or wrapped; refused where it is another kind of file."""
    seen = guard.expect(path, "open_fastq", "FASTQ")
    guard.whole(seen)
    return FastqFile(seen)


def read_batches(
    paths: tuple[PathLike, ...], reads: int, letters: int
) -> Iterator[tuple[tuple[FastqReads, ...], float, tuple[str, ...]]]:
    """Batches of one file, or of two with mates: the reads of each file, the fraction read, and what should be said.

    Raises
    ------
    FileError
        As :meth:`FastqFile.take`; where one file ends before the other; where mates have different names.
    """
    files: list[FastqFile] = []
    try:
        files += [open_fastq(path) for path in paths]
        if len(files) == 2 and files[0].path == files[1].path:
            raise InputError("read_batches", "reads", "two different files", f"{files[0].path.name} twice")
        while True:
            first = files[0].take(reads, letters)
            batch = (first, *(file.take(max(len(first), 1)) for file in files[1:]))
            if len(batch) == 2:
                _check_mates(files, batch)
            if len(first):
                yield batch, files[0].fraction, tuple(notice for file in files for notice in file.notices)
            else:
                break
    finally:
        for file in files:
            file.close()


def _check_mates(files: list[FastqFile], batch: tuple[FastqReads, ...]) -> None:
    first, second = batch
    if len(first) != len(second):
        short, other = (0, 1) if len(first) < len(second) else (1, 0)
        record = batch[short].first + len(batch[short])
        raise FileError(
            files[short].path, record=record + 1, expected=f"a mate for each read of {files[other].path.name}",
            found=f"the end of the file after {record:,} reads", fix=_FIX,
        )  # fmt: skip
    same = np.array_equal(first.names, second.names) and np.array_equal(first.name_length, second.name_length)
    if same:
        return
    for number in range(len(first)):
        one, two = first.name(number), second.name(number)
        if fragment_name(one, 1) != fragment_name(two, 2):
            raise FileError(
                files[1].path, record=first.first + number + 1, field="name", expected=f"the mate of {one[:60]!r}",
                found=repr(two[:60]), fix="Give the two files of one run, with their reads in the same order.",
            )  # fmt: skip


def fragment_name(name: str, mate: int) -> str:
    """The name that both mates share: without ``/1`` or ``/2``."""
    return name.removesuffix(f"/{mate}")


def _bytes(text: bytes) -> np.ndarray:
    return np.frombuffer(text, np.uint8)


def _starts(length: np.ndarray) -> np.ndarray:
    start = np.zeros(length.size, np.int64)
    np.cumsum(length[:-1], out=start[1:])
    return start
