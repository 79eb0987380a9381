"""The genome view: calls, coverage and reads of a region, redrawn for whatever window a person looks at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.events import Tap
from bokeh.layouts import column

from genolab.call import Evidence, VariantCalls, collect
from genolab.io import Region
from genolab.plots import call_tracks, columns, coverage, sites, style
from genolab.plots.columns import Columns
from genolab.plots.reads import Packing, ReadColumns, pack, read_columns, sort_rows
from genolab.plots.window import FIRST, Window

if TYPE_CHECKING:
    from genolab.io import Variants

WIDEST_READS = 12_000
"""Positions up to which reads are drawn; beyond, a read is a few pixels wide and says nothing."""
WIDEST_LETTERS = 150
_MARGIN = 0.5  # of the window, drawn on each side of it so that a small move needs no new data
_SNAP = 7  # pixels around a marker that count as it


class GenomeView:
    """Figures and sources of one region. `show` new calls, `redraw` when the window moved, `select` a position.

    The reads' track has ``reads_height`` pixels, or all that its page leaves to it.

    It computes in whatever thread calls it; wrap a call in the pane's `hold()` to send one frame. `on_pick` is called
    with the position (0-based) that was clicked, `on_move` when the window changed.
    """

    def __init__(
        self,
        on_pick: Callable[[int], None] | None = None,
        on_move: Callable[[], None] | None = None,
        reads_height: int | None = None,
    ) -> None:
        self.on_pick, self.on_move = on_pick, on_move
        self.calls: VariantCalls | None = None
        self.truth: Variants | None = None
        self.sample: str | None = None
        self.rows: Columns = {}  # the calls, and what is known, a row each
        self.known: Columns = {}
        self.selected: int | None = None
        self.said = ""
        self.size = (850, 150)  # pixels of the reads' track
        self.sources = call_tracks.sources()
        self.window = Window()
        self.figures = {
            "overview": call_tracks.overview(self.sources, self.window.range),
            "coverage": call_tracks.coverage(self.sources, self.window.range),
            "calls": call_tracks.calls(self.sources, self.window.range),
            "reads": call_tracks.reads(self.sources, self.window.range),
        }
        reads = self.figures["reads"]
        self._title = reads.title.text
        named = {each.name: each for each in reads.renderers}
        self._letters, self._tips = named["mark_letters"], named["read_tips"]
        self.bands = {}
        for name, figure in self.figures.items():
            self.bands[name] = call_tracks.highlight()
            figure.add_layout(self.bands[name])
            figure.on_event(Tap, self._tapped(name))
        sizing = "stretch_both" if reads_height is None else "stretch_width"
        reads.update(sizing_mode=sizing, height=reads_height or reads.height)
        self.layout = column(*self.figures.values(), sizing_mode=sizing, spacing=0, name="genome")
        self.window.range.on_change("start", self._moved)
        self.window.range.on_change("end", self._moved)
        self._evidence: Evidence | None = None
        self._packing: tuple[object, Packing] | None = None
        self._lock = threading.RLock()

    # --- what is shown

    def show(self, calls: VariantCalls, truth: Variants | None = None, sample: str | None = None) -> None:
        """Draw new calls; the window stays if their region is the same, else it goes to the first that passes.

        ``sample`` is whose reads are drawn where the calls did not keep them.
        """
        with self._lock:
            region = calls.regions[0]
            moved = self.calls is None or self.calls.regions[0] != region
            self.calls, self.truth, self.sample = calls, truth, sample
            self._evidence = calls.evidence if calls.evidence is not None else None if moved else self._evidence
            if moved:
                self.selected = None
                self._enter(region)
            self.rows, self.known = sites.call_columns(calls, truth), sites.truth_columns(calls, truth)
            self._set("calls", self.rows)
            self._set("truth", self.known)
            known = self.figures["calls"].y_range
            known.update(end=2.5 if truth is not None else 1.5)
            self._draw_overview(region, self.rows)
            self.redraw()

    def forget(self) -> None:
        """Begin anew with the next calls, whatever their region."""
        with self._lock:
            self.calls, self.selected, self._evidence = None, None, None

    def _enter(self, region: Region) -> None:
        """Set the ranges for a new region: the first window lies around the first call that passes."""
        calls = self.calls
        assert calls is not None
        passed = calls.position[calls.passed]
        self.figures["overview"].x_range.update(start=region.start + 0.5, end=region.end + 0.5)
        self.window.enter(region, int(passed[0]) if passed.size else region.start + FIRST // 2)
        axis = self.figures["reads"].xaxis
        axis.axis_label = style.escape_text(style.with_unit(f"position on {region.contig}", "bp"))
        self._packing = None

    def redraw(self) -> None:
        """Work out what the present window shows, and send what differs."""
        with self._lock:
            if self.calls is None:
                return
            start, end = self.window.view
            evidence = self._covering(start, end)
            margin = round((end - start) * _MARGIN)
            if evidence is None:
                self._set("steps", coverage.flat_line())
                self._empty("depth", "disagreement", "reference", *_READ_SOURCES)
                self._say(f"Zoom in to {WIDEST_READS:,} positions or fewer to see coverage and reads.")
                return
            low = max(start - margin, evidence.region.start)
            high = min(end + margin, evidence.region.end)
            pixel = (end - start) / self.size[0]
            self._draw_coverage(evidence, low, high, pixel)
            self._draw_reads(evidence, start, end, low, high, pixel)

    def resize(self, width: int, height: int) -> None:
        """Say how many pixels the whole view has; more rows of reads are then drawn, or fewer."""
        taken = sum(figure.height for name, figure in self.figures.items() if name != "reads")
        size = (max(width - call_tracks.LEFT - call_tracks.RIGHT, 100), max(height - taken - call_tracks.AXIS, 60))
        if size != self.size:
            self.size = size
            self.redraw()

    def select(self, position: int | None, centre: bool = False) -> None:
        """Mark a position (0-based) in every track and sort the reads by their base there; None marks nothing."""
        with self._lock:
            changed, self.selected = position != self.selected, position
            for name, band in self.bands.items():
                if position is None:
                    band.visible = False
                else:
                    half = 0.5 if name != "overview" else 0.0
                    band.update(left=position + 1 - half, right=position + 1 + half, visible=True)
            if position is not None:
                start, end = self.window.view
                if centre or not start <= position < end:
                    self.window.look_at(position, min(end - start, WIDEST_READS))
            if changed:
                self.redraw()

    @property
    def evidence(self) -> Evidence | None:
        """The reads behind what is in sight; None where the window is too wide for them to be read."""
        with self._lock:
            return self._covering(*self.window.view)

    # --- drawing

    def _draw_overview(self, region: Region, table: Columns) -> None:
        evidence, calls = self._evidence, self.calls
        assert calls is not None
        if evidence is not None and evidence.region == region:
            line = coverage.step_line(coverage.depth_columns(evidence, calls.thresholds, region.start, region.end, 500))
            self._set("outline", {"x": line["x"], "y": line["y"] / max(line["y"].max(initial=0), 1) * 0.8})
        else:
            self._set("outline", coverage.flat_line())
        # at most one tick of each colour in each of 1,000 places
        place = (table["position"] - region.start) * 1000 // max(region.length, 1)
        passed = table["fill"] > 0
        kind = np.unique(table["kind"].astype(str), return_inverse=True)[1]
        _, first = np.unique(np.stack([place, kind, passed]), axis=1, return_index=True)
        self._set(
            "ticks",
            {
                "position": table["position"][first],
                "colour": np.where(passed, table["colour"], call_tracks.GREY)[first],
                "fill": np.where(passed, 1.0, 0.6)[first],
            },
        )

    def _draw_coverage(self, evidence: Evidence, low: int, high: int, pixel: float) -> None:
        assert self.calls is not None
        thresholds = self.calls.thresholds
        depth = coverage.depth_columns(evidence, thresholds, low, high)
        disagreeing = coverage.disagreement_columns(evidence, thresholds, low, high, 2 * pixel)
        self._set("depth", depth)
        self._set("steps", coverage.step_line(depth))
        self._set("disagreement", _coloured(disagreeing))
        tallest = max(depth["depth"].max(initial=0), disagreeing["top"].max(initial=0))
        self.figures["coverage"].y_range.end = _round_up(tallest)
        width = self.window.width
        letters = coverage.reference_columns(evidence, low, high if width <= WIDEST_LETTERS else low)
        self._set("reference", _coloured(letters))

    def _draw_reads(self, evidence: Evidence, start: int, end: int, low: int, high: int, pixel: float) -> None:
        assert self.calls is not None
        width = end - start
        if width > WIDEST_READS:
            self._empty(*_READ_SOURCES)
            over = (evidence.pileup.reads.position < end) & (evidence.pileup.reads.reference_end > start)
            self._say(f"Zoom in to {WIDEST_READS:,} positions or fewer to see the {int(over.sum()):,} reads.")
            return
        packing = self._packed(evidence)
        drawn = read_columns(evidence, packing, self.calls.thresholds, low, high, pixel)
        height = max(self.size[1], 60)
        has_letters = width <= WIDEST_LETTERS
        fits = int(height // (11 if has_letters else 4))
        rows = max(min(drawn.rows, fits), 8)
        self._scroll(rows, drawn.rows)
        for name in _READ_SOURCES:
            self._set(name, _coloured(getattr(drawn, name)))
        row_pixels = height / (rows + 0.2)
        self._letters.visible = has_letters
        self._tips.glyph.size = float(min(max(round(row_pixels * 0.72), 3), 12))
        self._say(self._counted(evidence, drawn, start, end, rows))

    def _counted(self, evidence: Evidence, drawn: ReadColumns, start: int, end: int, rows: int) -> str:
        """How many of the reads in sight are drawn, and in which order."""
        reads = evidence.pileup.reads
        number = int(((reads.position < end) & (reads.reference_end > start)).sum())
        if not number:
            return f"No reads in {evidence.region.contig}:{start + 1:,}-{end:,}."
        in_sight = (reads.position[drawn.read] < end) & (reads.reference_end[drawn.read] > start)
        top = self.figures["reads"].y_range.end
        seen = int((in_sight & (drawn.row > top) & (drawn.row < top + rows + 0.7)).sum())
        said = f"showing {seen:,} of {number:,} reads"
        if seen < int(in_sight.sum()):
            said += ", drag up for more"
        if self.selected is not None and start <= self.selected < end:
            said += f"; sorted by the base at {self.selected + 1:,}"
        return said

    def _packed(self, evidence: Evidence) -> Packing:
        """The rows of the reads; kept until other reads are shown, or another position is selected."""
        plain = self._packing[1] if self._packing is not None and self._packing[0] is evidence else None
        if plain is None:
            plain = pack(evidence.pileup.reads)
            self._packing = (evidence, plain)
        inside = self.selected is not None and evidence.region.start <= self.selected < evidence.region.end
        return sort_rows(plain, evidence, self.selected if inside else None)

    def _scroll(self, rows: int, all_rows: int) -> None:
        """Show `rows` rows; those that are on top stay there, if there are still so many."""
        y_range = self.figures["reads"].y_range
        top = min(max(y_range.end, -0.7), max(all_rows - rows, 0) - 0.7)
        y_range.update(start=top + rows + 0.2, end=top, bounds=(-0.7, max(all_rows, rows) - 0.5))

    def _say(self, text: str) -> None:
        self.said = text
        # in place: a new text model would have Bokeh look through the whole document
        self._title.text = style.escape_text(text).text

    def _empty(self, *names: str) -> None:
        for name in names:
            columns.empty(self.sources[name])

    def _set(self, name: str, values: Columns) -> None:
        columns.fill(self.sources[name], values)

    # --- what a person does

    def _tapped(self, track: str) -> Callable[[Any], None]:
        def tapped(event: Any) -> None:
            if event.x is None or self.calls is None:
                return
            figure, region = self.figures[track], self.calls.regions[0]
            x_range = figure.x_range
            pixel = (x_range.end - x_range.start) / self.size[0]
            position = min(max(round(event.x) - 1, region.start), region.end - 1)
            position = self._nearest(position, max(_SNAP * pixel, 0.5))
            if self.on_pick is not None:
                self.on_pick(position)
            else:
                self.select(position)

        return tapped

    def _nearest(self, position: int, reach: float) -> int:
        """The call or known variant within reach of a click, else the position itself."""
        assert self.calls is not None
        known = [np.asarray(self.sources["truth"].data["position"], np.int64) - 1] if self.truth is not None else []
        marked = np.concatenate([self.calls.position, *known])
        if not marked.size:
            return position
        distance = np.abs(marked - position)
        return int(marked[distance.argmin()]) if distance.min() <= reach else position

    def _moved(self, _name: str, _old: Any, _new: Any) -> None:
        if self.on_move is not None:
            self.on_move()

    def _covering(self, start: int, end: int) -> Evidence | None:
        """Reads over the window: those of the calls, or of a large region those around the window, read now."""
        calls, held = self.calls, self._evidence
        assert calls is not None
        region = calls.regions[0]
        if held is not None and held.region.start <= start and min(end, region.end) <= held.region.end:
            return held
        if end - start > WIDEST_READS:
            return None
        margin = end - start
        around = Region(region.contig, max(start - margin, region.start), min(end + margin, region.end))
        self._evidence = collect(calls.reads_path, calls.reference_path, around, self.sample)
        return self._evidence


_READ_SOURCES = ("bodies", "tips", "joins", "insertions", "marks")


_PALETTE = np.array(style.BASE_PALETTE, dtype=object)
_INK = np.array([style.BLACK if base in "GN" else "#ffffff" for base in "ACGTN"], dtype=object)


def _coloured(table: Columns) -> Columns:
    """Base codes as colours."""
    if "code" not in table:
        return table
    code = table["code"]
    rest = {name: values for name, values in table.items() if name != "code"}
    return rest | {"colour": _PALETTE[code]} | ({"ink": _INK[code]} if "row" in table else {})


def _round_up(value: float) -> float:
    """The next round number, so that an axis does not tremble while the view moves."""
    value = max(value, 1.0) * 1.05
    step = 10.0 ** np.floor(np.log10(value)) / 2
    return float(np.ceil(value / step) * step)
