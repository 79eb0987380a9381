"""The letters A, C, G and T as outlines that stretch: a logo's letters are as wide and as high as they should be."""

from __future__ import annotations

from functools import cache

import numpy as np

from genolab.plots import style

LETTERS = "ACGT"
COLOURS = tuple(style.BASE_COLOURS[letter] for letter in LETTERS)


def _arc(first: float, last: float, radius_x: float, radius_y: float, points: int = 14) -> list[tuple[float, float]]:
    """Points of an ellipse about the middle of the square, angles in degrees."""
    angle = np.radians(np.linspace(first, last, points))
    return list(zip((0.5 + radius_x * np.cos(angle)).tolist(), (0.5 + radius_y * np.sin(angle)).tolist(), strict=True))


@cache
def outline(letter: str) -> tuple[np.ndarray, np.ndarray]:
    """The outline of a letter in the unit square, x and y; the hole of A is reached by a slit."""
    if letter == "A":
        points = [(0, 0), (0.4, 1), (0.6, 1), (1, 0), (0.8, 0), (0.71, 0.24), (0.29, 0.24), (0.2, 0), (0, 0),
                  (0.2, 0), (0.29, 0.24), (0.36, 0.41), (0.64, 0.41), (0.5, 0.8), (0.36, 0.41), (0.29, 0.24),
                  (0.2, 0)]  # fmt: skip
    elif letter == "C":
        points = [*_arc(48, 312, 0.5, 0.5), *_arc(312, 48, 0.31, 0.33)]
    elif letter == "G":
        points = [*_arc(48, 312, 0.5, 0.5), (0.98, 0.5), (0.56, 0.5), (0.56, 0.34), (0.79, 0.34),
                  *_arc(318, 48, 0.31, 0.33)]  # fmt: skip
    else:
        points = [(0.4, 0), (0.4, 0.84), (0, 0.84), (0, 1), (1, 1), (1, 0.84), (0.6, 0.84), (0.6, 0)]
    x, y = np.array(points).T
    return x, y


def stacked(
    heights: np.ndarray, left: float = 0.0, bottom: float = 0.0, scale: float = 1.0, least: float = 0.02
) -> dict[str, list[object]]:
    """Outlines of a stack of letters at each position: ``heights`` [position, base], negative ones hang down.

    The largest lies outermost. Letters lower than ``least`` are left out. Columns for Bokeh's ``patches``: xs, ys,
    fill; and of each letter its ``letter``, ``position`` (from 1) and ``height``.
    """
    made: dict[str, list[object]] = {name: [] for name in ("xs", "ys", "fill", "letter", "position", "height")}
    order = np.argsort(np.abs(heights), axis=1, kind="stable")
    for place, row in enumerate(heights):
        ends = [0.0, 0.0]  # reached so far, upwards and downwards
        for base in order[place]:
            height = float(row[base])
            if abs(height) < least:
                continue
            x, y = outline(LETTERS[base])
            side = int(height < 0)
            low = ends[side] + min(height, 0.0)
            made["xs"].append(left + place + 0.04 + 0.92 * x)
            made["ys"].append(bottom + scale * (low + abs(height) * y))
            made["fill"].append(COLOURS[base])
            made["letter"].append(LETTERS[base])
            made["position"].append(place + 1)
            made["height"].append(height)
            ends[side] += height
    return made
