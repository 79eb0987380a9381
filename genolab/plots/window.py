"""The stretch of a region that is in sight, as a Bokeh range: moved, zoomed, and kept inside the region."""

from __future__ import annotations

from math import ceil, floor

from bokeh.models import Range1d

from genolab.io import Region

FIRST = 240
"""Positions in sight at first: reads with their ends, and a site that can be told from its neighbours."""
NARROWEST = 20


class Window:
    """A range of 1-based positions, each drawn from a half before to a half after it; the rest counts from 0."""

    def __init__(self) -> None:
        self.range = Range1d(0, FIRST, name="window", min_interval=NARROWEST)
        self.region = Region("", 0, FIRST)

    @property
    def view(self) -> tuple[int, int]:
        """The positions in sight, 0-based and half-open."""
        start = floor(self.range.start - 0.5 + 1e-6)
        end = ceil(self.range.end - 0.5 - 1e-6)
        return max(start, 0), max(end, start + 1)

    @property
    def width(self) -> float:
        """How many positions are in sight."""
        return float(self.range.end - self.range.start)

    def enter(self, region: Region, centre: int) -> None:
        """Go to another region, and there to a position."""
        self.region = region
        self.range.update(bounds=None)
        start, end = self._inside(centre + 1 - FIRST / 2, centre + 1 + FIRST / 2)
        self.range.update(start=start, end=end, bounds=(region.start + 0.5, region.end + 0.5))

    def look_at(self, position: int, width: float = FIRST) -> None:
        """Bring a position into the middle."""
        start, end = self._inside(position + 1 - width / 2, position + 1 + width / 2)
        self.range.update(start=start, end=end)

    def whole(self) -> None:
        """Show the whole region."""
        self.range.update(start=self.region.start + 0.5, end=self.region.end + 0.5)

    def zoom(self, factor: float, position: int | None = None) -> None:
        """Make it narrower (below 1) or wider around a position that is in sight, else around its middle."""
        start, end = self.range.start, self.range.end
        fixed = (start + end) / 2
        if position is not None and start < position + 1 < end:
            fixed = position + 1
        low, high = self._inside(fixed - (fixed - start) * factor, fixed + (end - fixed) * factor)
        self.range.update(start=low, end=high)

    def _inside(self, start: float, end: float) -> tuple[float, float]:
        """The range moved into the region, not narrower than the narrowest and not wider than the region."""
        low, high = self.region.start + 0.5, self.region.end + 0.5
        if end - start < NARROWEST:
            start, end = (start + end - NARROWEST) / 2, (start + end + NARROWEST) / 2
        if end - start >= high - low:
            return low, high
        if start < low:
            return low, low + end - start
        if end > high:
            return high - (end - start), high
        return start, end
