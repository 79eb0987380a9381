"""Base counts that follow the sliders: a threshold that moves touches only the bases between its old and new value."""

from __future__ import annotations

import threading

import numpy as np

from genolab.call.counts import ALLELES, allele_counts
from genolab.call.pileup import Pileup
from genolab.call.thresholds import Thresholds

MOST_BASES = 20_000_000
"""Bases that are kept for this, at 6 bytes each; of more, every move counts all anew."""


class Tally:
    """:meth:`Pileup.counts` for one threshold after another.

    Bases are kept in order of their quality, so those between two thresholds lie together.
    """

    def __init__(self, pileup: Pileup) -> None:
        self._reference = pileup.reference
        self._lock = threading.Lock()  # the job that calls and the one that draws both ask
        self._many = pileup.reads.base.size > MOST_BASES
        self._pileup = pileup
        self._base_quality, self._mapping_quality = 256, 0  # nothing is counted yet
        self._counts = np.zeros((pileup.reference.size, ALLELES), np.int64)
        if self._many:
            return
        position, base, quality, mapping_quality = pileup.bases()
        order = np.argsort(quality, kind="stable")
        self._position, self._base, self._mapping = position[order], base[order], mapping_quality[order]
        self._first = np.searchsorted(quality[order], np.arange(257))

    def counts(self, thresholds: Thresholds) -> np.ndarray:
        """Usable bases of each kind at each position of the region, mates both counted. ``(site, allele)`` int64."""
        if self._many:
            return self._pileup.counts(thresholds)
        with self._lock:
            self._move(thresholds.min_base_quality, thresholds.min_mapping_quality)
            return self._counts

    def _move(self, base_quality: int, mapping_quality: int) -> None:
        low, high = sorted((self._base_quality, base_quality))
        between = np.arange(self._first[low], self._first[high])
        between = between[self._mapping[between] >= self._mapping_quality]
        self._change(between, more=base_quality < self._base_quality)
        low, high = sorted((self._mapping_quality, mapping_quality))
        above = self._mapping[self._first[base_quality] :]
        between = np.flatnonzero((above >= low) & (above < high)) + self._first[base_quality]
        self._change(between, more=mapping_quality < self._mapping_quality)
        self._base_quality, self._mapping_quality = base_quality, mapping_quality

    def _change(self, at: np.ndarray, more: bool) -> None:
        if at.size:
            change = allele_counts(self._position[at], self._base[at], self._reference).counts
            # whoever has the old ones keeps them
            self._counts = self._counts + change if more else self._counts - change
