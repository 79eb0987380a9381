"""Read whole files in a process of their own, and say of each whether it can be read, or where it is wrong.

Libraries in C can be crashed by a damaged file. Here that ends the other process, and is an answer like any other.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from genolab.errors import InputError
from genolab.io.checking import READERS
from genolab.io.native import INSIDE
from genolab.io.paths import PathLike

SECONDS = 120.0
"""For one file, unless the caller allows more."""
MEMORY = 4 * 2**30
"""Bytes of address space, unless the caller allows more; kept on Linux."""

READER = "genolab.io.checking"

_DAMAGED = "Do not use this file: it is damaged, or made to do harm. Copy or download it again from its source."


@dataclass(frozen=True)
class Checked:
    """What was found out about one file.

    ``verdict`` is "read" or "refused". Places count from 1 (``line``, ``record``, ``row``) or from 0 (``offset``,
    bytes); those that do not apply are None, and all are where the file was read.
    """

    path: str
    kind: str
    verdict: Literal["read", "refused"]
    warnings: tuple[str, ...] = ()
    line: int | None = None
    record: int | None = None
    row: int | None = None
    offset: int | None = None
    field: str | None = None
    expected: str | None = None
    found: str | None = None
    fix: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; places that do not apply are left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["warnings"] = list(self.warnings)
        return {name: value for name, value in values.items() if value is not None}

    def __str__(self) -> str:
        """One line for a terminal, and one more for each warning."""
        if self.verdict == "read":
            return "\n  warning: ".join([f"{self.path}: read ({self.kind})", *self.warnings])
        places = {"line": self.line, "record": self.record, "row": self.row, "byte": self.offset}
        where = [f"{name} {number:,}" for name, number in places.items() if number is not None]
        place = ", ".join([*where, *([self.field] if self.field else [])])
        said = f"{self.path}: refused: {place + ': ' if place else ''}expected {self.expected}, found {self.found}."
        return f"{said} {self.fix}" if self.fix else said


def check(
    path: PathLike,
    kind: str | None = None,
    reference: PathLike | None = None,
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Checked:
    """Read one file to its end in a process of its own, with every check that the package's readers make.

    ``kind`` is a name in :data:`genolab.io.checking.READERS`; left out, the file's first bytes tell, or its name.
    ``reference`` is the FASTA file that CRAM needs. ``seconds`` and ``memory`` (bytes) bound the process.

    Raises
    ------
    InputError
        If the kind is none of these. A file that cannot be read is an answer, not an error.
    """
    return next(check_all([path], kind, reference, seconds=seconds, memory=memory))


def check_all(
    paths: Iterable[PathLike],
    kind: str | None = None,
    reference: PathLike | None = None,
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Iterator[Checked]:
    """:func:`check` of many files, one process for all that do not end it."""
    if kind is not None and kind not in READERS:
        raise InputError("check", "kind", f"one of {', '.join(READERS)}", repr(kind))
    return _answers(paths, kind, reference, seconds, memory)


def _answers(
    paths: Iterable[PathLike], kind: str | None, reference: PathLike | None, seconds: float, memory: int
) -> Iterator[Checked]:
    worker: Worker | None = None
    with tempfile.TemporaryDirectory(prefix="genolab-check-") as folder:
        try:
            for path in paths:
                worker = worker or Worker(Path(folder), memory)
                request = {"path": os.fspath(path), "kind": kind, "reference": reference and os.fspath(reference)}
                answer = worker.ask(request, seconds)
                if answer is None:
                    why = worker.end(seconds)
                    worker = None
                    answer = {"path": os.fspath(path), "kind": kind or "", "verdict": "refused", **why}
                yield Checked(**{**answer, "warnings": tuple(answer.get("warnings", ()))})
        finally:
            if worker is not None:
                worker.close()


class Worker:
    """The process that reads; indexes that it has to build go to a folder that is removed."""

    def __init__(self, folder: Path, memory: int) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
        self._place = folder / "place"
        self._place.write_bytes(bytes(8))
        environment = os.environ | {
            "GENOLAB_CACHE": str(folder),
            INSIDE: str(self._place),
            "GENOLAB_MEMORY": f"{memory / 2**30:.3f}",
        }
        command = [sys.executable, "-m", READER, str(memory)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=self._said, env=environment, text=True, encoding="utf-8"
        )
        self.timed_out = False

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """Its answer, or None where it died or took too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            # once more, for a process that was stopped and goes on has no time left by the clock
            if not selector.select(seconds) and not selector.select(min(seconds, 1.0)):
                self.timed_out = True
                self._process.kill()
                return None
        line = self._process.stdout.readline()
        answer: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return answer

    def end(self, seconds: float) -> dict[str, Any]:
        """Why there was no answer."""
        status = self._process.wait()
        said = self._last_words()
        self.close()
        if self.timed_out:
            found = f"one that was not read after {seconds:g} s"
            fix = "Allow more time if the file is very large."
            return {"expected": "a file that is read in the time allowed", "found": found, "fix": fix, "offset": 0}
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        found = f"one that ended the process that read it ({how}{': ' + said if said else ''})"
        record = int.from_bytes(self._place.read_bytes(), "little")
        place = {"record": record} if record else {"offset": 0}
        return {"expected": "a file that its library can read", "found": found, "fix": _DAMAGED, **place}

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""

    def close(self) -> None:
        """End the process, which waits for requests."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it died
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._said.close()
