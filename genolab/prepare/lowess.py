"""Locally weighted regression of a scatter, as in R's ``lowess``."""

from __future__ import annotations

import numpy as np


def lowess(x: np.ndarray, y: np.ndarray, span: float = 0.5, iterations: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Smooth ``y`` over ``x``; returns ``x`` in order and the smooth curve there.

    A line through the ``span`` of the points that are nearest, weighted by distance and, after the first round, by how
    well a point was met. Points closer than a hundredth of the range are interpolated.
    See Cleveland 1979, doi:10.1080/01621459.1979.10481038.
    """
    order = np.argsort(x, kind="stable")
    x, y = np.asarray(x, float)[order], np.asarray(y, float)[order]
    n = x.size
    if n < 2 or x[0] == x[-1]:
        return x, np.full(n, y.mean() if n else 0.0)
    near = max(2, min(n, int(span * n + 1e-7)))
    places = _places(x, 0.01 * (x[-1] - x[0]))
    robust = np.ones(n)
    for iteration in range(iterations + 1):
        smooth = np.interp(x, x[places], [_line_at(x, y, place, near, robust) for place in places])
        residual = np.abs(y - smooth)
        limit = 6 * np.median(residual)
        if iteration == iterations or limit < 1e-7 * residual.mean():
            break
        robust = (1 - np.minimum(residual / limit, 1) ** 2) ** 2
        robust[residual <= 0.001 * limit] = 1
        robust[residual > 0.999 * limit] = 0
    return x, smooth


def _places(x: np.ndarray, step: float) -> np.ndarray:
    """Where lines are fitted: the ends, and in between the last point before each step is over."""
    places = [0]
    while places[-1] < x.size - 1:
        at = places[-1]
        same = int(np.searchsorted(x, x[at], side="right")) - 1
        beyond = int(np.searchsorted(x, x[at] + step, side="right"))
        following = max(same + 1, beyond - 1)
        if following >= x.size:
            break
        places.append(following)
    # of equal x one place is enough
    return np.array([place for k, place in enumerate(places) if k == 0 or x[place] > x[places[k - 1]]])


def _line_at(x: np.ndarray, y: np.ndarray, place: int, near: int, robust: np.ndarray) -> float:
    """The value at ``x[place]`` of the line through the points around it."""
    at, left = x[place], _window(x, place, near)
    width = max(at - x[left], x[left + near - 1] - at)
    # points as far as the farthest neighbour have no weight, so that ties with it do not matter
    first = max(int(np.searchsorted(x, at - 0.999 * width, side="left")), left)
    last = int(np.searchsorted(x, at + 0.999 * width, side="right"))
    part = slice(first, max(last, first))
    distance = np.abs(x[part] - at)
    weight = (
        np.where(distance <= 0.001 * width, 1.0, (1 - (distance / width) ** 3) ** 3)
        if width > 0
        else np.ones(distance.size)
    )
    weight = weight * robust[part]
    total = weight.sum()
    if total <= 0:
        return float(y[place])
    weight /= total
    centre = weight @ x[part]
    square = weight @ (x[part] - centre) ** 2
    if np.sqrt(square) > 0.001 * (x[-1] - x[0]):
        weight = weight * (1 + (at - centre) / square * (x[part] - centre))
    return float(weight @ y[part])


def _window(x: np.ndarray, place: int, near: int) -> int:
    """Where the ``near`` points nearest to ``x[place]`` begin."""
    low, high = 0, x.size - near
    while low < high:  # the first window whose left end is not farther than the point right of it
        middle = (low + high) // 2
        if x[place] - x[middle] > x[middle + near] - x[place]:
            low = middle + 1
        else:
            high = middle
    return low
