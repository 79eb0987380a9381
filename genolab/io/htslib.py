"""htslib's own words: never printed, kept for the error that needs them."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator

import pysam

# where no reference is given htslib would look one up by its checksum, in some releases on a server
os.environ.setdefault("REF_PATH", os.devnull)
_lock = threading.RLock()
_depth = 0
_before = 0
_listening = False
_LINE = re.compile(r"^\[([EWM])::(\S+?)\] ?(.*)$")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence htslib's log for a while; nested and threaded uses share one switch, and the user's level comes back."""
    global _depth, _before
    with _lock:  # another thread that listens in `words` is waited for
        listening = _listening
        if not listening:
            if _depth == 0:
                _before = pysam.set_verbosity(0)
            _depth += 1
    try:
        yield
    finally:
        if not listening:
            with _lock:
                _depth -= 1
                if _depth == 0:
                    pysam.set_verbosity(_before)


@contextlib.contextmanager
def no_end() -> Iterator[None]:
    """Open a file whose missing end was looked into already, without pysam's warning of it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no BGZF EOF marker")
        yield


def words(action: Callable[[], object]) -> tuple[str, ...]:
    """What htslib says while a failing action is tried again; whatever it raises is swallowed.

    The words go to file descriptor 2, which belongs to the whole process, so it is taken over only here, after a
    failure, and lines that are not htslib's are passed on.
    """
    global _listening
    with _lock, tempfile.TemporaryFile() as sink:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        try:
            saved = os.dup(2)
        except OSError:
            return ()
        level = pysam.set_verbosity(3)
        os.dup2(sink.fileno(), 2)
        _listening = True
        try:
            with contextlib.suppress(Exception):
                action()
        finally:
            _listening = False
            os.dup2(saved, 2)
            pysam.set_verbosity(level)
        sink.seek(0)
        said, others = [], []
        for line in sink.read().decode(errors="replace").splitlines(keepends=True):
            match = _LINE.match(line.rstrip("\n"))
            if match:
                said.append(match[3].strip())
            else:
                others.append(line)
        if others:
            with contextlib.suppress(OSError):
                os.write(saved, "".join(others).encode(errors="replace"))
        os.close(saved)
    return tuple(dict.fromkeys(said))


def quote(said: tuple[str, ...] | str, limit: int = 200) -> str:
    """htslib's words as the end of a sentence, shortened; empty when it said nothing."""
    text = said if isinstance(said, str) else "; ".join(said)
    text = " ".join(text.split())
    return f" (htslib: {text[:limit]})" if text else ""
