"""What can go wrong. Each error names who refuses, what was expected, what was found, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class GenolabError(ValueError):
    """The base of every refusal; ``str()`` is one sentence that a person can act on."""

    fix: str = ""


class GenolabWarning(UserWarning):
    """Something was decided for the user that they may want to know; shown as a notice in the lab."""


class Cancelled(GenolabError):
    """A job was stopped by its user; nothing was written."""


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


def _sentence(expected: str, found: str, fix: str) -> str:
    text = f"{expected}; {found}"
    return f"{text}. {fix}" if fix else f"{text}."
