"""The pictures of preparing: what they draw, from tables made by hand; nothing is drawn on a screen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import genolab as gl
from genolab.errors import InputError
from genolab.plots import prepare_columns, style
from genolab.plots.prepare import compare, plot
from genolab.plots.prepare_view import PrepareView
from genolab.prepare.chain import Done, Unit, unit_of

LOGS = Unit("log2 CPM")


def done(values, unit=LOGS):
    values = np.asarray(values, float)
    return Done(pd.DataFrame(values, [f"s{k}" for k in range(len(values))]), unit)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return prepare_columns.table_of(done(rng.normal(5, 2, (6, 500))))


def test_counts_are_drawn_as_logarithms_and_logarithms_as_they_are():
    counts = prepare_columns.table_of(done([[0, 3, 7]], Unit("counts", linear=True)))
    assert counts.values.tolist() == [[0, 2, 3]]
    assert counts.label == "log2(counts + 1)"
    logs = prepare_columns.table_of(done([[-1, 3, 7]]))
    assert logs.values.tolist() == [[-1, 3, 7]]
    assert logs.label == "log2 CPM"
    below = prepare_columns.table_of(done([[-1, 3]], Unit("normalised counts", linear=True)))
    assert (below.label, below.values.min()) == ("normalised counts", -1)


def test_a_curve_per_sample_has_area_one(table):
    columns = prepare_columns.density_columns(table)
    for x, y in zip(columns["density_x"], columns["density_y"], strict=True):
        assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
        assert len(x) == 128, "never a point per gene"


def test_of_many_samples_some_are_drawn_and_rows_stay_in_step():
    many = prepare_columns.table_of(done(np.random.default_rng(1).normal(0, 1, (450, 20))))
    drawn = prepare_columns.shown_samples(450)
    assert len(drawn) == prepare_columns.MOST_CURVES
    assert {0, 449} <= set(drawn)
    lengths = [len(x) for x in prepare_columns.density_columns(many)["density_x"]]
    assert np.flatnonzero(lengths).tolist() == drawn.tolist()
    boxes = prepare_columns.rle_columns(many)["rle_median"]
    assert np.flatnonzero(np.isfinite(boxes)).tolist() == drawn.tolist()


def test_relative_log_expression_shows_a_shifted_sample(table):
    shifted = table.values.copy()
    shifted[2] += 3
    columns = prepare_columns.rle_columns(prepare_columns.table_of(done(shifted)))
    assert columns["rle_median"].argmax() == 2
    assert columns["rle_median"][2] == pytest.approx(3, abs=0.3)
    assert (columns["rle_low"] < columns["rle_lower"]).all()
    assert (columns["rle_upper"] < columns["rle_high"]).all()


def test_components_are_those_of_the_singular_values_and_lie_as_before(table):
    columns, shares = prepare_columns.pca_columns(table)
    centred = table.values - table.values.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    for place, name in enumerate(("pc1", "pc2")):
        np.testing.assert_allclose(
            np.abs(columns[name]), np.abs(left[:, place] * singular[place]), rtol=1e-3, atol=1e-3
        )
    np.testing.assert_allclose(shares, singular[:2] ** 2 / (singular**2).sum(), rtol=1e-4)
    turned = {name: -values for name, values in columns.items()}
    again, _ = prepare_columns.pca_columns(table, turned)
    np.testing.assert_allclose(again["pc1"], turned["pc1"])


@pytest.mark.parametrize(
    "values", [np.ones((1, 1)), np.ones((1, 5)), np.ones((4, 1)), np.zeros((3, 4)), np.full((2, 3), np.nan)]
)
def test_the_smallest_tables_have_pictures(values):
    view = PrepareView()
    view.show("raw", done(values))
    view.recolour(None, "")
    view.show("prepared", done(values))
    assert len(view.sources["prepared"].data["pc1"]) == len(values)
    assert np.isfinite(view.figures["raw_rle"].y_range.end)


def test_genes_are_binned_and_none_is_lost(table):
    bins, trend = prepare_columns.mean_variance_columns(table)
    assert bins["genes"].sum() == 500
    assert len(bins["genes"]) <= np.prod(prepare_columns.BINS)
    assert (bins["right"] > bins["left"]).all()
    assert (np.diff(trend["mean"]) > 0).all()
    scaled = gl.prepare.Scaler().fit_transform(table.values.astype(float))
    bins, _ = prepare_columns.mean_variance_columns(prepare_columns.table_of(done(scaled)))
    assert (bins["right"] - bins["left"]).min() > 1e-3, "means that differ by rounding are one place"


def test_missing_values_are_shares_of_cells():
    values = np.ones((4, 1000))
    values[1, :500] = np.nan
    found = prepare_columns.missing_columns(prepare_columns.table_of(done(values)))
    image = found["image"][0]
    assert image.shape == (4, prepare_columns.MAP_GENES)
    assert image[1, 0] == 1
    assert image[1, -1] == image[0].max() == 0
    assert prepare_columns.missing_columns(prepare_columns.table_of(done(np.ones((2, 2))))) is None


def test_colours_and_shapes_of_a_column():
    sheet = pd.DataFrame(
        {"batch": ["b", "a", "b"], "number": [1, 2, 1], "rin": [1.5, np.nan, 2.5], "many": list("xyz")},
        index=["s0", "s1", "s2"],
    )
    columns, key = prepare_columns.colour_columns(sheet, "batch", 3)
    assert key.levels == (("a", style.BLUE, "circle", 1), ("b", style.ORANGE, "square", 2))
    assert columns["colour"] == [style.ORANGE, style.BLUE, style.ORANGE]
    assert columns["place"].tolist() == [1, 0, 2], "a level's samples stand side by side"
    assert prepare_columns.colour_columns(sheet, "number", 3)[1].levels[0][0] == "1"
    assert [level[0] for level in prepare_columns.colour_columns(sheet, "rin", 3)[1].levels] == [
        "1.5",
        "2.5",
        "missing",
    ]
    wide = pd.DataFrame({"age": np.arange(20.0), "word": [f"w{k}" for k in range(20)]})
    wide.loc[3, "age"] = np.nan
    columns, key = prepare_columns.colour_columns(wide, "age", 20)
    assert key.ends == (0, 19)
    assert (columns["colour"][0], columns["colour"][19]) == (style.AMOUNTS[0], style.AMOUNTS[-1])
    assert (columns["level"][3], columns["colour"][3]) == ("missing", "#9a9a9a")
    _, key = prepare_columns.colour_columns(wide, "word", 20)
    assert len(key.levels) == 8
    assert key.levels[-1][0] == "others"
    assert sum(level[3] for level in key.levels) == 20


def test_what_numbers_are():
    assert unit_of(np.array([[0.0, 5, 900]])) == Unit("counts", linear=True)
    assert unit_of(np.array([[0.5, 5, 900]])).linear
    assert not unit_of(np.array([[2.7, 5, 14]])).linear
    assert not unit_of(np.array([[-2.7, 5, 400]])).linear


def test_a_plot_from_plain_python():
    example = gl.data.example("batches")
    counts = gl.io.read_counts(example.counts).to_frame().iloc[:, :300]
    samples = gl.io.read_samples(example.samples, counts.index).to_frame()
    fitted = gl.prepare.TMM(log=True).fit(counts)
    shown = fitted.plot(counts, samples=samples, colour="batch")
    rows = shown.view.sources["prepared"].data
    library = counts.sum(axis=1).to_numpy() * fitted.norm_factors_
    np.testing.assert_allclose(rows["size_factor"], library / np.exp(np.log(library).mean()))
    assert shown.view.key.column == "batch"
    assert len(shown.view.figures["raw_density"].select({"name": "legend"})) == 1, "nothing else says what colours mean"
    assert shown.view.tables["prepared"].label == "log2(CPM by TMM + 1)"
    corrected = gl.prepare.ComBat().fit(np.log2(counts + 1), batch=samples["batch"])
    assert corrected.plot(np.log2(counts + 1), batch=samples["batch"]).view.tables["raw"].label == "expression"
    pair = compare(counts.to_numpy(), np.log2(counts + 1).to_numpy())
    assert pair.view.tables["raw"].samples[0] == "sample 1"
    with pytest.raises(InputError, match="24 samples of raw"):
        compare(counts, counts.iloc[:3])
    with pytest.raises(InputError, match="one of condition"):
        plot(fitted, counts, counts, samples, "nothing")


def test_a_selection_is_one_for_both_sides(table):
    heard = []
    view = PrepareView(heard.append)
    view.show("raw", done(table.values))
    view.recolour(None, "")
    view.show("prepared", done(table.values))
    view.sources["prepared"].selected.indices = [4, 1, 99]
    assert heard == [(1, 4)], "what a page says is checked"
    view.select([2])
    assert view.sources["raw"].selected.indices == view.sources["prepared"].selected.indices == [2]
    view.show("prepared", done(table.values + 1))
    assert view.chosen == (2,), "a slider keeps the selection"
