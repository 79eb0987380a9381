"""What identifies an input in provenance."""

from __future__ import annotations

import hashlib

from genolab.io.paths import PathLike, readable

WHOLE = 64 * 2**20
"""Files up to this size (bytes) are digested whole."""


def digest(path: PathLike) -> str:
    """``sha256:...`` of a file's bytes; above 64 MB ``sha256-size-mtime-ends:...`` of size, time and both end MBs."""
    found = readable(path, "digest")
    status = found.stat()
    with open(found, "rb") as stream:
        if status.st_size <= WHOLE:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        state = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}\n".encode())
        state.update(stream.read(2**20))
        stream.seek(-(2**20), 2)
        state.update(stream.read(2**20))
    return f"sha256-size-mtime-ends:{state.hexdigest()}"
