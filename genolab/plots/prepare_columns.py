"""What the pictures of preparing draw, as columns: a row per sample, or per bin of genes; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.plots import style
from genolab.plots.columns import Columns
from genolab.prepare import PCA
from genolab.prepare.chain import Done
from genolab.prepare.components import sample_products
from genolab.prepare.distributions import PLACES, known_moments, relative_log_expression, sample_densities
from genolab.text import plain

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Ends of whiskers and boxes, and the line between."""
MOST_CURVES = 200
"""Samples whose densities and boxes are drawn; of more, as many spread evenly over them."""
BINS = (64, 36)
"""Of the mean and of the standard deviation."""
MOST_LEVELS = len(style.CATEGORIES)
"""Values of a column that are told apart by colour and shape; numbers with more become a ramp, words the rest."""
EXACT_UP_TO = 1500
"""Samples whose products with each other give the components; of more, :class:`~genolab.prepare.PCA` finds them."""
MAP_GENES, MAP_SAMPLES = 240, 160
"""Cells of the map of missing values."""
OTHERS = "others"


@dataclass(frozen=True)
class Table:
    """A table as it is drawn: logarithms where its scale is linear, with names, label and library sizes."""

    values: np.ndarray = field(repr=False)
    label: str
    samples: tuple[str, ...] = field(repr=False)
    genes: int = 0
    gaps: int = 0
    gene_names: tuple[str, ...] = field(default=(), repr=False)


def table_of(done: Done) -> Table:
    """The numbers of a step as they are drawn."""
    held = done.table.to_numpy()
    values = np.ascontiguousarray(held, np.float32)
    linear = done.unit.linear and not (values < 0).any()
    if linear:
        values = np.log2(values + np.float32(1))
    label = done.unit.drawn if linear else done.unit.text
    names = tuple(str(name) for name in done.table.index)
    return Table(values, label, names, held.shape[1], int(np.isnan(values).sum()), tuple(map(str, done.table.columns)))


def shown_samples(number: int) -> np.ndarray:
    """Which samples get a curve and a box."""
    return np.unique(np.linspace(0, number - 1, min(number, MOST_CURVES)).round().astype(int))


def density_columns(table: Table) -> Columns:
    """``x`` and ``y`` of a curve per sample; empty for a sample that is not drawn."""
    values, shown = table.values, shown_samples(len(table.values))
    known = values[shown]
    known = known[np.isfinite(known)]
    empty: list[Any] = [np.zeros(0, np.float32)] * len(values)
    if not known.size:
        return {"density_x": empty, "density_y": list(empty)}
    low, high = float(known.min()), float(known.max())
    quarter = np.subtract(*np.percentile(known[:: max(known.size // 20_000, 1)], [75, 25])) / 1.34
    spread = min(float(known.std()), quarter) or float(known.std()) or 1.0
    bandwidth = max(0.9 * spread * table.genes**-0.2, (high - low) / PLACES, 1e-3)  # Silverman's rule
    low, high = low - 3 * bandwidth, high + 3 * bandwidth
    density = sample_densities(values[shown], low, high, bandwidth).density.astype(np.float32)
    places = np.linspace(low, high, PLACES, dtype=np.float32)
    x, y = list(empty), list(empty)
    for row, curve in zip(shown, density, strict=True):
        x[row], y[row] = places, curve
    return {"density_x": x, "density_y": y}


def rle_columns(table: Table) -> Columns:
    """Quantiles of each sample's relative log expression; NaN for a sample that is not drawn."""
    names = ("rle_low", "rle_lower", "rle_median", "rle_upper", "rle_high")
    quantile = relative_log_expression(table.values, np.array(QUANTILES)).quantile.astype(np.float32)
    shown = shown_samples(len(quantile))
    drawn = np.full_like(quantile, np.nan)
    drawn[shown] = quantile[shown]
    return dict(zip(names, drawn.T, strict=True))


def pca_columns(table: Table, like: Columns | None = None) -> tuple[Columns, tuple[float, float]]:
    """Scores of the first two components, and the share of the variance that each explains.

    Gaps stand at the gene's mean. A component has no sign of its own: it is turned to lie as in ``like``.
    """
    mean = known_moments(table.values).mean
    values = table.values
    if table.gaps:
        values = np.where(np.isfinite(values), values, mean.astype(np.float32))
        values[~np.isfinite(values)] = 0
    mean = np.where(np.isfinite(mean), mean, 0.0)
    if len(values) > EXACT_UP_TO:
        fitted = PCA(n_components=2)
        scores, squares = fitted.fit_transform(values).astype(float), fitted.singular_values_.astype(float)[::-1] ** 2
        total = float(((values - mean) ** 2).sum())
    else:
        product = sample_products(values, mean).product
        squares, vectors = np.linalg.eigh(product)
        total = float(np.trace(product))
        scores = np.zeros((len(values), 2))
        for place in range(min(2, len(values))):
            scores[:, place] = vectors[:, -1 - place] * np.sqrt(max(squares[-1 - place], 0))
    for place, name in enumerate(("pc1", "pc2")):
        before = scores[np.abs(scores[:, place]).argmax(), place] if like is None else scores[:, place] @ like[name]
        scores[:, place] *= -1 if before < 0 else 1
    shares = [max(float(square), 0.0) / max(total, 1e-30) for square in squares[::-1][:2]] + [0.0, 0.0]
    return {"pc1": scores[:, 0], "pc2": scores[:, 1]}, (shares[0], shares[1])


def mean_variance_columns(table: Table) -> tuple[Columns, Columns]:
    """Bins of genes by mean and standard deviation with their number, and the median deviation along the mean."""
    mean, deviation = known_moments(table.values)
    known = np.isfinite(mean) & np.isfinite(deviation)
    mean, deviation = mean[known], deviation[known]
    names = ("left", "right", "bottom", "top", "genes")
    if not mean.size:
        return {name: np.zeros(0) for name in names}, {"mean": np.zeros(0), "deviation": np.zeros(0)}
    counts, x, y = np.histogram2d(mean, deviation, BINS, [_range(mean), _range(deviation)])
    column, row = np.nonzero(counts)
    number = counts[column, row]
    bins = dict(zip(names, (x[column], x[column + 1], y[row], y[row + 1], number), strict=True))
    order = np.argsort(mean, kind="stable")
    parts = [part for part in np.array_split(order, min(30, mean.size)) if part.size]
    trend = {
        "mean": np.array([np.median(mean[part]) for part in parts]),
        "deviation": np.array([np.median(deviation[part]) for part in parts]),
    }
    return bins, trend


def gene_columns(table: Table, name: str) -> Columns:
    """One gene by mean and standard deviation; nothing where the table has it not, or no values of it."""
    if name in table.gene_names:
        held = table.values[:, [table.gene_names.index(name)]]
        mean, deviation = known_moments(held)
        if np.isfinite(mean[0]) and np.isfinite(deviation[0]):
            return {"mean": mean, "deviation": deviation, "name": [plain(name)[:40]]}
    return {"mean": np.zeros(0), "deviation": np.zeros(0), "name": []}


def _range(values: np.ndarray) -> tuple[float, float]:
    """From the smallest to the largest value, and wider where they are equal but for rounding."""
    low, high = float(values.min()), float(values.max())
    least = 1e-4 * max(1.0, abs(low), abs(high))
    return (low, high) if high - low > least else (low - 0.5, high + 0.5)


def missing_columns(table: Table) -> Columns | None:
    """The share of missing values in a grid of samples and genes, as one image; None where nothing is missing."""
    if not table.gaps:
        return None
    gaps = np.isnan(table.values)
    rows, columns = (
        np.linspace(0, length, min(length, most) + 1).astype(int)
        for length, most in zip(gaps.shape, (MAP_SAMPLES, MAP_GENES), strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(gaps, rows[:-1], axis=0, dtype=np.float64), columns[:-1], axis=1)
    share = sums / np.outer(np.diff(rows), np.diff(columns))
    return {"image": [share.astype(np.float32)], "samples": [gaps.shape[0]], "genes": [gaps.shape[1]]}


def size_columns(library: np.ndarray, size_factor: np.ndarray | None) -> Columns:
    """Library sizes and what each sample was divided by; without a step that divides, by nothing."""
    factor = np.ones(len(library)) if size_factor is None else size_factor
    return {"library": library.astype(float), "size_factor": factor.astype(float)}


@dataclass(frozen=True)
class Key:
    """What the colours mean: levels with colour, shape and number of samples, or the ends of a ramp."""

    column: str
    levels: tuple[tuple[str, str, str, int], ...] = ()
    ends: tuple[float, float] | None = None


def colour_columns(samples: pd.DataFrame | None, column: str, number: int) -> tuple[Columns, Key]:
    """Colour, shape, level and place (samples of one level side by side) of each sample by a column of their table."""
    values = None if samples is None or column not in samples.columns else samples[column].to_numpy()
    if values is None:
        plain = {"colour": [style.BLUE] * number, "marker": ["circle"] * number, "level": [""] * number}
        return {**plain, "place": np.arange(number, dtype=float)}, Key("")
    is_number = np.asarray(values).dtype.kind in "iuf"
    if is_number and len(np.unique(values[~np.isnan(values.astype(float))])) > MOST_LEVELS:
        return _ramp(values.astype(float), column)
    text = np.array([_word(value) for value in values], object)
    names, counts = np.unique(text.astype(str), return_counts=True)
    if len(names) > MOST_LEVELS:
        kept = set(names[np.argsort(-counts, kind="stable")[: MOST_LEVELS - 1]])
        text = np.array([word if word in kept else OTHERS for word in text], object)
        names, counts = np.unique(text.astype(str), return_counts=True)
        names = np.array([*(name for name in names if name != OTHERS), OTHERS])
    levels = tuple(
        (str(name), style.CATEGORIES[place], style.MARKERS[place], int((text == name).sum()))
        for place, name in enumerate(names)
    )
    place_of = {name: place for place, name in enumerate(names)}
    order = np.argsort([place_of[word] for word in text], kind="stable")
    found: Columns = {
        "colour": [style.CATEGORIES[place_of[word]] for word in text],
        "marker": [style.MARKERS[place_of[word]] for word in text],
        "level": list(text),
        "place": _places(order),
    }
    return found, Key(column, levels)


def _ramp(values: np.ndarray, column: str) -> tuple[Columns, Key]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    share = np.nan_to_num((values - low) / ((high - low) or 1.0))
    grey = np.isnan(values)
    ramp = [style.AMOUNTS[round(255 * each)] for each in share]
    found: Columns = {
        "colour": ["#9a9a9a" if gap else colour for gap, colour in zip(grey, ramp, strict=True)],
        "marker": ["circle"] * len(values),
        "level": [_word(value) for value in values],
        "place": _places(np.argsort(values, kind="stable")),
    }
    return found, Key(column, (), (low, high))


def _word(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "missing" if np.isnan(value) else f"{value:g}"
    return str(value) or "missing"


def _places(order: np.ndarray) -> np.ndarray:
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    return place
