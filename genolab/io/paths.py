"""Which paths are taken. A name from a user or a browser is a plain file name, never a URL, an option or a device."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from genolab.errors import FileError, InputError

PathLike = str | os.PathLike[str]


def checked(path: PathLike, who: str) -> Path:
    """The path as given, made absolute; refuses what htslib would take for a URL, an option or another file's index."""
    try:
        text = os.fspath(path)
    except TypeError:
        raise InputError(who, "path", "a file name", type(path).__name__) from None
    if not isinstance(text, str):
        raise InputError(who, "path", "a file name as text", type(text).__name__)
    reason = ""
    if not text:
        reason = "an empty name"
    elif "\0" in text:
        reason = "a name with a NUL character"
    elif "://" in text:
        reason = f"{text!r}, which looks like a URL"
    elif "##idx##" in text:
        reason = f"{text!r}, which names a second file"
    elif text.startswith("-"):
        reason = f"{text!r}, which looks like an option"
    if reason:
        raise InputError(who, "path", "the name of a local file", reason, "Download it first or write ./ before it.")
    return Path(os.path.abspath(os.path.expanduser(text)))


def readable(path: PathLike, who: str) -> Path:
    """A :func:`checked` path of a regular file that exists, is not empty and may be read."""
    found = checked(path, who)
    try:
        status = found.stat()
    except FileNotFoundError:
        raise FileError(found, expected="a file", found="nothing at this path", fix=_neighbour(found)) from None
    except OSError as error:
        raise FileError(found, expected="a readable file", found=str(error.strerror or error)) from None
    if stat.S_ISDIR(status.st_mode):
        raise FileError(found, expected="a file", found="a folder", fix="Name a file inside it.")
    if not stat.S_ISREG(status.st_mode):
        fix = "Save it as a file first."
        raise FileError(found, expected="a regular file", found="a device, pipe or socket", fix=fix)
    if not os.access(found, os.R_OK):
        fix = "Change its permissions."
        raise FileError(found, expected="a readable file", found="no permission to read it", fix=fix)
    if status.st_size == 0:
        raise FileError(
            found, expected="content", found="an empty file (0 bytes)", offset=0, fix="Copy or download it again."
        )
    return found


def writable(path: PathLike, who: str) -> Path:
    """A :func:`checked` path where a regular file may be written; a symbolic link is followed to its file."""
    found = checked(path, who)
    real = Path(os.path.realpath(found))
    if real.is_dir():
        raise FileError(found, expected="a file name to write", found="a folder", fix="Add a file name.")
    if real.exists() and not real.is_file():
        fix = "Name a plain file."
        raise FileError(found, expected="a file name to write", found="a device, pipe or socket", fix=fix)
    if not real.parent.is_dir():
        fix = "Make the folder first."
        raise FileError(found, expected="an existing folder", found=f"no folder {real.parent}", fix=fix)
    return real


def _neighbour(path: Path) -> str:
    """A hint: a file in the same folder that is spelt much the same."""
    import difflib

    try:
        names = os.listdir(path.parent)
    except OSError:
        return "Check the folder's name."
    close = difflib.get_close_matches(path.name, names, 1, 0.75)
    return f"Did you mean {close[0]}?" if close else "Check the name."
