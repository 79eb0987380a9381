"""Depth along the genome as columns: binned where positions are too many to draw, by base where bases disagree."""

from __future__ import annotations

from math import ceil

import numpy as np

from genolab.call import Evidence, Thresholds
from genolab.plots.columns import Columns
from genolab.spec import BASES

MOST_BINS = 1_200
"""More positions than this are drawn as bins of their mean; a screen has hardly more pixels."""
MOST_SITES = 1_000
"""Sites drawn by base; of more, those where most bases disagree."""
ALLELES = 4


def depth_columns(evidence: Evidence, thresholds: Thresholds, start: int, end: int, most: int = MOST_BINS) -> Columns:
    """Mean depth of usable bases in ``start`` to ``end`` (0-based), one row a bin; a bin is one position if few."""
    origin, counts = evidence.region.start, evidence.counts(thresholds)
    start, end = max(start, origin), min(end, evidence.region.end)
    size = max(ceil((end - start) / most), 1)
    # bins begin at multiples of their size, so that they stay where they are while the view moves
    edges = np.unique(np.clip(np.arange(start // size * size, end + size, size), start, end))
    if edges.size < 2:
        edges = np.array([start, start])
    sums = np.zeros((counts.shape[0] + 1, ALLELES), np.int64)
    np.cumsum(counts, axis=0, out=sums[1:])
    width = np.maximum(np.diff(edges), 1)
    mean = np.diff(sums[edges - origin], axis=0) / width[:, None]
    first, last = edges[:-1] + 1, edges[1:]
    return {
        "left": edges[:-1] + 0.5,
        "right": edges[1:] + 0.5,
        "depth": mean.sum(axis=1),
        **{base: mean[:, code] for code, base in enumerate(BASES[:ALLELES])},
        "place": np.array([_place(*pair) for pair in zip(first.tolist(), last.tolist(), strict=True)], dtype=object),
    }


def _place(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,}-{last:,} (mean)"


def flat_line() -> Columns:
    """A step line of nothing; BokehJS never ends drawing one that has no points at all."""
    return {"x": np.zeros(2), "y": np.zeros(2)}


def step_line(columns: Columns) -> Columns:
    """The bins' outline as steps: each depth from its bin's left edge, and the last one to its right edge."""
    if not columns["left"].size:
        return flat_line()
    return {
        "x": np.append(columns["left"], columns["right"][-1]),
        "y": np.append(columns["depth"], columns["depth"][-1]),
    }


def disagreement_columns(
    evidence: Evidence, thresholds: Thresholds, start: int, end: int, least_width: float = 1.0
) -> Columns:
    """Stacked counts of each base at the sites of a window where bases other than the reference's are frequent.

    Frequent is what makes an allele a candidate: ``min_alternate_count`` and ``min_alternate_fraction``.
    ``least_width`` in positions keeps a bar visible when a position is less than a pixel.
    """
    origin = evidence.region.start
    start, end = max(start, origin), min(end, evidence.region.end)
    counts = evidence.counts(thresholds)[start - origin : end - origin]
    reference = evidence.pileup.reference[start - origin : end - origin]
    total = counts.sum(axis=1)
    other = counts.copy()
    known = np.flatnonzero(reference < ALLELES)
    other[known, reference[known]] = 0
    most = other.max(axis=1, initial=0)
    least = np.maximum(thresholds.min_alternate_count, thresholds.min_alternate_fraction * total)
    sites = np.flatnonzero((most >= least) & (reference < ALLELES))
    if sites.size > MOST_SITES:
        share = other[sites].sum(axis=1) / np.maximum(total[sites], 1)
        sites = np.sort(sites[np.argsort(-share, kind="stable")[:MOST_SITES]])
    # the reference base at the bottom, so that what differs stands on it
    order = np.tile(np.arange(ALLELES), (sites.size, 1))
    order = np.take_along_axis(order, np.argsort(order != reference[sites][:, None], axis=1, kind="stable"), axis=1)
    stacked = np.take_along_axis(counts[sites], order, axis=1)
    top = np.cumsum(stacked, axis=1)
    drawn = (stacked > 0).ravel()
    half = max(least_width, 1.0) / 2
    x = np.repeat(sites + start + 1, ALLELES)[drawn]
    code = order.ravel()[drawn]
    return {
        "left": x - half,
        "right": x + half,
        "bottom": (top - stacked).ravel()[drawn],
        "top": top.ravel()[drawn],
        "base": np.array(list(BASES), dtype=object)[code],
        "code": code,
        "count": stacked.ravel()[drawn],
        "depth": np.repeat(total[sites], ALLELES)[drawn],
        "position": x,
        "reference": np.repeat(np.array(list(BASES), dtype=object)[reference[sites]], ALLELES)[drawn],
    }


def reference_columns(evidence: Evidence, start: int, end: int) -> Columns:
    """The reference's letters in a window."""
    origin = evidence.region.start
    start, end = max(start, origin), min(end, evidence.region.end)
    codes = evidence.pileup.reference[start - origin : end - origin]
    return {
        "position": np.arange(start, end) + 1,
        "base": np.array(list(BASES), dtype=object)[codes],
        "code": codes,
    }
