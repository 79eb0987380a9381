"""The pictures of predictions as a notebook shows them by themselves: a judgement, and one sequence explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from bokeh.layouts import row

from genolab.plots.pane import BokehPane
from genolab.plots.predict_sequence import SequenceView
from genolab.plots.predict_training import TrainingView

if TYPE_CHECKING:
    from genolab.predict.one_sequence import SequenceExplanation
    from genolab.predict.study import Judged


class JudgedPlot(BokehPane):
    """What a model and its baseline are worth: ROC curves and confusion for classes; tenths and points for numbers."""

    def __init__(self, judged: Judged) -> None:
        self.views = [TrainingView(height=260), TrainingView(height=260)]
        kinds = ("ROC", "confusion") if judged.names else ("calibration", "sequences")
        figures = []
        for view, kind in zip(self.views, kinds, strict=True):
            view.look(kind=kind)
            view.show_judged(judged, np.arange(len(judged.truth)))
            shown = {"confusion": view.confusion, "sequences": view.points}.get(kind, view.curves)
            view.layout.children = [each for each in view.layout.children if each is not shown]
            figures.append(shown)
        super().__init__(row(*figures, sizing_mode="stretch_width"))


class SequencePlot(BokehPane):
    """One sequence explained: contributions, gradients, and the change by each other base."""

    def __init__(self, explained: SequenceExplanation, names: Sequence[str] = ()) -> None:
        self.view = SequenceView()
        size = explained.prediction.size
        labels = names or (tuple(f"class {k + 1}" for k in range(size)) if size > 1 else ())
        self.view.show(explained, explained.codes, explained.prediction, labels)
        super().__init__(self.view.layout)


def plot(judged: Judged) -> JudgedPlot:
    """A judgement as a live picture, the baseline beside the model."""
    return JudgedPlot(judged)


def plot_sequence(explained: SequenceExplanation, names: Sequence[str] = ()) -> SequencePlot:
    """One sequence explained as a live picture; ``names`` are those of the classes."""
    return SequencePlot(explained, names)
