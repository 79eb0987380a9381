"""Letters to codes, where there are many: three times as fast as ``bytes.translate``."""
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import numpy as np

from genolab.align.loops import loop


@loop
def translate(text, table):
    """``table[text]`` of a byte array."""
    codes = np.empty(text.size, np.uint8)
    for i in range(text.size):
        codes[i] = table[text[i]]
    return codes
