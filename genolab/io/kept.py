"""The tiles of a long work that are finished, in a folder beside its output, for the next try to go on from."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from genolab import __version__
from genolab.io.atomic import replacing
from genolab.io.json_file import plain
from genolab.io.paths import PathLike, writable

_ABOUT, _TILE, _SUM = "about.json", ".tile", 32


class KeptTiles:
    """What finished tiles came to, as bytes, in the folder ``<output>.tiles``.

    Parameters
    ----------
    output
        The file that the tiles will make.
    about
        What the tiles depend on, as plain data: digests of the inputs, and parameters. Tiles of anything else, or of
        another version of genolab, are removed.

    Raises
    ------
    FileError
        If the output could not be written there.
    """

    def __init__(self, output: PathLike, about: dict[str, Any]) -> None:
        target = writable(output, "KeptTiles")
        self.folder = target.with_name(f"{target.name}.tiles")
        text = json.dumps(plain({"genolab": __version__} | about), indent=1, sort_keys=True)
        self._key = text.encode()
        place = self.folder / _ABOUT
        if self.folder.exists() and not (place.is_file() and place.read_text(encoding="utf-8") == text):
            self.remove()
        self.folder.mkdir(exist_ok=True)
        with replacing(place, who="KeptTiles") as (beside,):
            beside.write_text(text, encoding="utf-8")

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob(f"*{_TILE}"))

    def get(self, name: str) -> bytes | None:
        """What a tile came to; None where it is not kept, or was damaged."""
        try:
            held = self._path(name).read_bytes()
        except OSError:
            return None
        found = held[_SUM:]
        return found if held[:_SUM] == self._checksum(name, found) else None

    def put(self, name: str, found: bytes) -> None:
        """Keep what a tile came to."""
        with replacing(self._path(name), who="KeptTiles") as (beside,):
            beside.write_bytes(self._checksum(name, found) + found)

    def remove(self) -> None:
        """Take the tiles away, and the folder with them where nothing else lies in it."""
        for path in (*self.folder.glob(f"*{_TILE}"), *self.folder.glob(".genolab-*.tmp"), self.folder / _ABOUT):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}{_TILE}"

    def _checksum(self, name: str, found: bytes) -> bytes:
        """Over what it depends on too, so that no tile of another work is ever taken for one of this."""
        state = hashlib.sha256(self._key)
        state.update(name.encode() + b"\0")
        state.update(found)
        return state.digest()
