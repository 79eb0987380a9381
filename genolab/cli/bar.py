"""A progress bar on a terminal."""

from __future__ import annotations

import time
from typing import Any


class Bar:
    """A progress bar on a terminal; called with the fraction done and what is being done."""

    def __init__(self, stream: Any, shown: bool) -> None:
        self._stream, self._shown, self._drawn = stream, shown, 0.0

    def __call__(self, fraction: float | None = None, text: str = "") -> None:
        now = time.monotonic()
        if not self._shown or now - self._drawn < 0.1:
            return
        self._drawn = now
        bar = "" if fraction is None else f"{'#' * round(30 * fraction):.<30} {100 * fraction:3.0f} % "
        print(f"\r{bar}{text}\033[K", end="", file=self._stream, flush=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown and self._drawn:
            print("\r\033[K", end="", file=self._stream, flush=True)
