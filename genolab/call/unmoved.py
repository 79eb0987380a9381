"""Sites that need no second judgement: those over which a moved mapping quality lets no read in, and none out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genolab.call.evidence import Evidence
    from genolab.call.indels import CalledSite

Judged = tuple[list["CalledSite"], list[str]]
"""The called ones among some sites, and the names of their columns."""


def judge_moved(
    evidence: Evidence, sites: np.ndarray, mapping_quality: int, key: Hashable, judge: Callable[[np.ndarray], Judged]
) -> Judged:
    """What ``judge`` says of these sites (sorted, 0-based), asked only of those where it may say something else.

    ``key`` holds all that a judgement depends on beside the reads and the threshold of their mapping quality.
    """
    newest: dict[str, tuple[int, np.ndarray, list[CalledSite]]] = evidence.kept("substitutions", key, dict)
    asked, before = sites, []
    if "of" in newest:
        then, held, called = newest["of"]
        same = np.isin(sites, held) & ~_touched(evidence, sites, *sorted((then, mapping_quality)))
        asked, unmoved = sites[~same], set(sites[same].tolist())
        before = [each for each in called if each.position in unmoved]
    found, names = judge(asked)
    found = sorted([*before, *found], key=lambda each: each.position)
    newest["of"] = mapping_quality, sites, found
    return found, names


def _touched(evidence: Evidence, sites: np.ndarray, low: int, high: int) -> np.ndarray:
    """True where a read of a mapping quality from ``low`` to below ``high`` covers the site."""
    reads, mapping_quality = evidence.wide.reads, evidence.wide.mapping_quality
    moved = (mapping_quality >= low) & (mapping_quality < high)
    steps = np.zeros(sites.size + 1, np.int64)
    np.add.at(steps, np.searchsorted(sites, reads.position[moved]), 1)
    np.add.at(steps, np.searchsorted(sites, reads.reference_end[moved]), -1)
    touched: np.ndarray = np.cumsum(steps)[:-1] > 0
    return touched
