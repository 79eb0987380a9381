"""The picture of a comparison: what it draws at a threshold, and the table of differences; nothing is on a screen."""

from __future__ import annotations

import numpy as np
import pytest

import genolab as gl
from genolab.call.alleles import Allele
from genolab.call.comparison import Comparison, Curve, Judged
from genolab.plots.compare import CompareView, plot
from genolab.plots.compare_table import DifferenceTable


def made(states: str = "f1 m f2", quality: float = 20.0) -> Comparison:
    """A truth of three SNVs, two found with QUAL 50 and 30, and a false call of QUAL 10."""
    snv = [Allele("1", at, "A", "G", 1) for at in (10, 20, 30)]
    curve = Curve(np.array([np.inf, 50.0, 30.0, 10.0]), np.zeros((4, 4, 5), np.int64))
    curve.counts[:, 0] = [(3, 0, 0, 0, 0), (3, 1, 1, 1, 0), (3, 2, 2, 2, 1), (3, 3, 2, 2, 1)]
    truth = tuple(Judged(one, state) for one, state in zip(snv, ("found", "missed", "genotype differs"), strict=True))
    query = (Judged(snv[0], "found"), Judged(snv[2], "genotype differs"), Judged(Allele("1", 40, "A", "C", 1), "false"))
    return Comparison(truth, query, (), curve, 100, None, quality)


def test_a_moved_threshold_moves_line_and_markers_and_matches_nothing():
    view = CompareView()
    view.show(made())
    assert view.line.location == 20
    assert view.points.data["recall"][0] == pytest.approx(2 / 3)
    assert view.slider is not None
    view.slider.value = 40
    assert view.line.location == 40
    assert view.points.data["recall"][0] == pytest.approx(1 / 3)
    assert "SNV F1 0.500 (P 1.000, R 0.333)" in view.plane.title.text
    curve = view.curves["SNV"].data
    assert curve["quality"].tolist() == [50, 30, 10, 0], "on to where every call counts"
    assert curve["precision"].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    view.show(None)
    assert len(view.curves["SNV"].data["recall"]) == 0


def test_the_plot_is_a_pane():
    assert plot(made()).view.comparison is not None
    assert gl.call.Comparison.plot(made()).view.line.location == 20


def test_differences_are_rows_and_a_click_gives_the_place():
    picked = []
    table = DifferenceTable(picked.append)
    found = made()
    table.show(found.false_negatives, found.false_positives)
    assert table.source.data["position"].tolist() == [21, 31, 41], "a wrong genotype once"
    assert table.source.data["state"].tolist() == ["missed", "genotype differs", "false"]
    table.source.selected.indices = [1]
    assert picked == [30]
