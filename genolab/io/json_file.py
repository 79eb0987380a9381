"""Plain data as JSON, written beside its name first."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from genolab.io.atomic import replacing
from genolab.io.paths import PathLike


def write_json(path: PathLike, data: Any) -> Path:
    """Write plain data and NumPy's scalars; NaN and infinity, which JSON has not, become null."""
    with replacing(path, who="save") as (beside,), open(beside, "w", encoding="utf-8") as stream:
        stream.write(f"{json.dumps(plain(data), indent=1, allow_nan=False)}\n")
    return Path(path)


def plain(value: Any) -> Any:
    """What JSON can hold of a value: numbers, text, lists and mappings; a path becomes its text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
