"""The picture of an alignment that a notebook shows by itself: the matrix above, the letters below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column

from genolab.errors import InputError
from genolab.plots.align_matrix import MatrixView
from genolab.plots.blocks import BlocksView, Rows
from genolab.plots.matrix_window import Pair, pair_of
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

if TYPE_CHECKING:
    from genolab.align import Alignments
    from genolab.align.score_matrix import Path

_QUIET = 0.03  # seconds without a move of the window before it is drawn again
_MATRIX, _BLOCKS = 380, 220  # pixels
_AROUND = 5  # columns on each side that the identity track is averaged over


def rows_of(pair: Pair, path: Path, names: tuple[str, str] = ("query", "target")) -> Rows:
    """One alignment of a pair as rows to be read: ``|`` for equal letters, ``:`` for a positive score."""
    alphabet = np.array([*pair.scoring.alphabet.letters, "-"])
    gap = len(alphabet) - 1
    ours = np.where(np.diff(path.row) > 0, pair.query[path.row[1:] - 1], gap)
    theirs = np.where(np.diff(path.column) > 0, pair.target[path.column[1:] - 1], gap)
    both = (ours < gap) & (theirs < gap)
    equal = both & (ours == theirs)
    table = pair.scoring.table
    alike = both & (table[np.where(both, ours, 0), np.where(both, theirs, 0)] > 0)
    marks = np.where(equal, "|", np.where(alike, ":", " "))
    return Rows(
        names=names,
        texts=("".join(alphabet[ours]), "".join(alphabet[theirs])),
        first=(int(path.row[0]), int(path.column[0])),
        marks="".join(marks),
        track=smooth(equal.astype(float)),
        track_name="identity",
        loud=np.where(equal, 0.0, np.where(alike, 0.25, 1.0)),
        dna=pair.dna,
    )


def smooth(values: np.ndarray, around: int = _AROUND) -> np.ndarray:
    """The mean over ``around`` neighbours on each side, fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(values.size)
    low, high = np.maximum(place - around, 0), np.minimum(place + around + 1, values.size)
    return (total[high] - total[low]) / np.maximum(high - low, 1)


def facts_of(pair: Pair, path: Path, seconds: float, count: float) -> dict[str, str]:
    """The numbers that go with an alignment, named, as text."""
    rows = rows_of(pair, path)
    columns = rows.length
    equal, alike = rows.marks.count("|"), rows.marks.count(":")
    gaps = rows.texts[0].count("-") + rows.texts[1].count("-")
    cells = pair.query.size * pair.target.size
    facts = {
        "score": f"{pair.score:,}".replace("-", "−"),
        "identity": f"{equal / columns:.1%} ({equal:,} of {columns:,})" if columns else "none",
        "similar": f"{(equal + alike) / columns:.1%}" if columns and not pair.dna else "",
        "gaps": f"{gaps:,} letters",
        "query": f"{path.row[0] + 1:,}–{path.row[-1]:,} of {pair.query.size:,}" if columns else "",
        "target": f"{path.column[0] + 1:,}–{path.column[-1]:,} of {pair.target.size:,}" if columns else "",
        "cells": f"{cells:,}",
        "time": duration(seconds),
        "best": "not counted" if count != count else f"{count:,.0f}" if count < 1e6 else f"about {count:.1g}",
        "CIGAR": path.cigar if len(path.cigar) <= 400 else f"{path.cigar[:399]}…",
    }
    return {name: value for name, value in (facts | _surprise(pair)).items() if value}


def _surprise(pair: Pair) -> dict[str, str]:
    """Bit score and E-value of a local alignment, where statistics of its scoring are published."""
    from genolab.align.score_statistics import karlin_altschul

    if not pair.free_ends[4] or pair.dna:
        return {}
    try:
        found = karlin_altschul(pair.scoring)
    except InputError:
        return {"E-value": "none published for these costs"}
    expected = float(found.e_value(pair.score, pair.query.size, pair.target.size))
    return {"bit score": f"{float(found.bit_score(pair.score)):.1f}", "E-value": f"{expected:.1e}"}


def duration(seconds: float) -> str:
    """Milliseconds below a tenth of a second, else seconds."""
    return f"{seconds * 1e3:.2g} ms" if seconds < 0.1 else f"{seconds:.2g} s"


class AlignPlot(BokehPane):
    """One pair as a live picture: `matrix` and `blocks` are what it draws."""

    def __init__(self, alignments: Alignments, number: int = 0) -> None:
        self._moves, self._cells = Latest(debounce=_QUIET), Latest()
        self.matrix, self.blocks = MatrixView(height=_MATRIX), BlocksView(height=_BLOCKS)
        pair = pair_of(alignments, number)
        self.matrix.show(pair)
        names = (
            alignments.queries.name(int(alignments.query_number[number])),
            alignments.targets.name(int(alignments.target_number[number])),
        )
        given = alignments.queries.given_names is not None
        self.blocks.show(rows_of(pair, self.matrix.path or pair.best, names if given else ("query", "target")))
        self.matrix.on_move, self.matrix.on_hover = self._moved, self._hovered
        super().__init__(column(self.matrix.layout, self.blocks.layout, sizing_mode="stretch_width", name="alignment"))
        self.observe(self._resized, "size")

    def _moved(self) -> None:
        self._moves.submit(self._redraw, name="view")

    def _hovered(self, i: int, j: int) -> None:
        def work(_progress: Progress) -> None:
            with self.hold():
                self.matrix.look_at(i, j)

        self._cells.submit(work, name="cell", cancel_running=False)

    def _redraw(self, _progress: Progress) -> None:
        with self.hold():
            self.matrix.redraw()

    def _resized(self, change: Any) -> None:
        with self.hold():
            self.matrix.resize(change["new"][0], _MATRIX)
            self.blocks.resize(change["new"][0], _BLOCKS)


def plot(alignments: Alignments, number: int = 0) -> AlignPlot:
    """The matrix of a pair with its best alignments, and the alignment: turn the wheel to zoom, point at a cell."""
    return AlignPlot(alignments, number)
