"""The picture of preparing: a table before and after, as a notebook shows it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genolab.errors import InputError
from genolab.plots.pane import BokehPane
from genolab.plots.prepare_view import PrepareView
from genolab.prepare.chain import Done, frame_of, size_factor_of, unit_after, unit_of

if TYPE_CHECKING:
    import pandas as pd


class PreparePlot(BokehPane):
    """A table before and after as a live picture; `view` is what it draws."""

    def __init__(self, raw: Done, prepared: Done, samples: pd.DataFrame | None = None, colour: str = "") -> None:
        self.view = PrepareView()
        self.view.show("raw", raw)
        self.view.recolour(samples, colour)
        self.view.show("prepared", prepared, prepared.size_factor)
        if self.view.key.levels:
            self.view.add_legend()
        super().__init__(self.view.layout)


def compare(raw: Any, prepared: Any, samples: pd.DataFrame | None = None, colour: str = "") -> PreparePlot:
    """Two tables of the same samples side by side: densities, relative log expression, components, moments, gaps.

    Drag a box or click to choose samples; they are marked in every picture. ``colour`` is a column of ``samples``.
    """
    before, after = frame_of(raw), frame_of(prepared)
    if len(before) != len(after):
        raise InputError("compare", "prepared", f"the {len(before):,} samples of raw", f"{len(after):,} rows")
    sheet = _sheet(samples, colour, len(before))
    return PreparePlot(Done(before, unit_of(before.to_numpy())), Done(after, unit_of(after.to_numpy())), sheet, colour)


def plot(estimator: Any, raw: Any, prepared: Any, samples: pd.DataFrame | None = None, colour: str = "") -> PreparePlot:
    """What a fitted estimator did to a table, side by side; see :func:`compare`."""
    before, after = frame_of(raw), frame_of(prepared)
    unit = unit_of(before.to_numpy())
    done = Done(after, unit_after(estimator, unit), estimator, (), size_factor_of(estimator, before))
    return PreparePlot(Done(before, unit), done, _sheet(samples, colour, len(before)), colour)


def _sheet(samples: pd.DataFrame | None, colour: str, number: int) -> pd.DataFrame | None:
    if samples is None:
        return None
    if len(samples) != number:
        raise InputError("plot", "samples", f"a row for each of {number:,} samples", f"{len(samples):,} rows")
    if colour and colour not in samples.columns:
        raise InputError("plot", "colour", f"one of {', '.join(map(str, samples.columns))}", repr(colour))
    return samples
