"""What can go wrong. Each error names who refuses, what was expected, what was found, and what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class GenolabError(ValueError):
    """The base of every refusal; ``str()`` is one sentence that a person can act on."""

    fix: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        # from another process too the same error comes, which is not made again from its sentence alone
        return _same_error, (type(self), self.args, self.__dict__)


class GenolabWarning(UserWarning):
    """Something was decided for the user that they may want to know; shown as a notice in the lab."""


class Cancelled(GenolabError):
    """A job was stopped by its user; nothing was written."""


class IncompleteError(GenolabError):
    """Some tiles of a work could not be done, and the rest is complete.

    Attributes
    ----------
    missing
        What each of them is called (a region), and the error that it ended with.
    result
        What was made of the rest.
    """

    def __init__(
        self, who: str, missing: Sequence[tuple[str, BaseException]], tiles: int, result: Any, fix: str
    ) -> None:
        self.missing, self.result, self.fix = tuple(missing), result, fix
        names = ", ".join(name for name, _ in self.missing[:5]) + (", ..." if len(self.missing) > 5 else "")
        name, error = self.missing[0]
        found = f"{len(self.missing):,} not done ({names}), the rest complete. {name}: {error}"
        super().__init__(_sentence(f"{who}: expected {tiles:,} tiles", f"found {found.rstrip('.')}", fix))


class ClusterLost(GenolabError):
    """The scheduler of a cluster is gone or cannot be reached, or its workers stay away."""


class InputError(GenolabError):
    """An argument or array is not what was asked for: *who: which input must be X; got Y; do Z.*"""

    def __init__(self, who: str, name: str, expected: str, found: str, fix: str = "") -> None:
        self.who, self.name, self.expected, self.found, self.fix = who, name, expected, found, fix
        super().__init__(_sentence(f"{who}: `{name}` must be {expected}", f"got {found}", fix))


class FileError(GenolabError):
    """A file was refused. The place is a line, record or row (counted from 1) or a byte offset, where one is known.

    Attributes
    ----------
    path, line, record, row, offset, field, expected, found, fix
        Where the file is wrong, how, and what to do about it; also as plain data from :meth:`to_dict`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        expected: str,
        found: str,
        fix: str = "",
        field: str | None = None,
        line: int | None = None,
        record: int | None = None,
        row: int | None = None,
        offset: int | None = None,
    ) -> None:
        self.path, self.field, self.expected, self.found, self.fix = str(path), field, expected, found, fix
        self.line, self.record, self.row, self.offset = line, record, row, offset
        places = {"line": line, "record": record, "row": row, "byte": offset}
        where = [f"{name} {number:,}" for name, number in places.items() if number is not None]
        place = ", ".join([Path(self.path).name, *where, *([field] if field else [])])
        super().__init__(_sentence(f"{place}: expected {expected}", f"found {found}", fix))

    def to_dict(self) -> dict[str, Any]:
        """The refusal as plain data; places that do not apply are left out."""
        names = ("path", "line", "record", "row", "offset", "field", "expected", "found", "fix")
        return {name: getattr(self, name) for name in names if getattr(self, name) not in (None, "")}


class TooLargeError(FileError):
    """More memory would be taken, or an archive swell more, than may be: ``fix`` says how to allow it."""


class MissingIndexError(FileError):
    """An alignment, variant or reference file has no index; :func:`genolab.io.build_index` makes one."""


def _same_error(kind: type[GenolabError], arguments: tuple[Any, ...], held: dict[str, Any]) -> GenolabError:
    made = kind.__new__(kind, *arguments)
    made.args = arguments
    made.__dict__.update(held)
    return made


def _sentence(expected: str, found: str, fix: str) -> str:
    text = f"{expected}; {found}"
    return f"{text}. {fix}" if fix else f"{text}."
