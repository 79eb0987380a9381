"""A first look at a file that nobody vouches for, in a process of its own: a file that crashes C code ends that."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from genolab.errors import FileError, TooLargeError
from genolab.io import budget, cache, guard
from genolab.io.native import INSIDE
from genolab.io.paths import PathLike, checked

NATIVE = ("BAM", "CRAM", "BCF", "an HDF5 file")
"""What C code reads record by record; text is read by Python, and cannot end it."""
SECONDS = 30.0
"""That a first look may take; a crash is an answer at once."""
MEMORY = 2 * 2**30

_TRUSTED = Path(__file__).parents[1] / "data"


def first_look(path: PathLike, reference: PathLike | None = None) -> None:
    """Let another process read the beginning of a file that C code reads; its state is known from then on.

    Nothing is done for text, for the examples that ship, and where ``GENOLAB_TRUST=1`` is set.

    Raises
    ------
    FileError
        If the file is refused, ends the process that reads it, or takes more time or memory than a first look may.
    """
    if os.environ.get(INSIDE) or os.environ.get("GENOLAB_TRUST") == "1":
        return
    found = checked(path, "open")
    if not found.is_file() or found.resolve().is_relative_to(_TRUSTED):
        return
    form = guard.nature(found, "open").format
    if form not in NATIVE:
        return
    beside = checked(reference, "open") if form == "CRAM" and reference is not None else None
    looked_with = cache.identity(beside) if beside is not None and beside.is_file() else "alone"
    known = cache.load("look", found)
    if known.get(looked_with):
        return
    from genolab.io.checks import Worker

    with tempfile.TemporaryDirectory(prefix="genolab-look-") as folder:
        worker = Worker(Path(folder), MEMORY)
        request = {"path": str(found), "kind": None, "reference": beside and os.fspath(beside), "look": True}
        answer = worker.ask(request | {"swells": budget.swells(found)}, SECONDS)
        if answer is None:
            answer = {"verdict": "refused", **worker.end(SECONDS)}
        else:
            worker.close()
    if answer["verdict"] == "refused":
        names = ("line", "record", "row", "offset", "field", "expected", "found", "fix")
        kind = TooLargeError if answer.get("too_large") else FileError
        raise kind(found, **{name: answer[name] for name in names if name in answer})
    cache.store("look", found, known | {looked_with: True})
