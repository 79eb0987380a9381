"""The settings of a training: architecture in sight, the rest under "More"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from genolab.panels.paths import LOOK
from genolab.predict.model import LINEAR, STRANDS
from genolab.predict.network.net import ARCHITECTURES
from genolab.predict.network.optimizers import OPTIMIZERS, SCHEDULES

_ABOUT = {
    "kmer_logistic": "words of bases, at their positions where all sequences have one length; linear",
    "gkm": "words with gaps; linear",
    "deepbind": "filters, the strongest match of each; any lengths",
    "basset": "filters, pooling, dense layers over positions; one length",
    "danq": "filters, then a recurrent layer; any lengths",
    "dilated": "filters, then residual blocks that see ever farther; any lengths",
    "positional": "every base at its position, dense layers; for aligned sequences",
}
_HELP = {
    "epochs": "Passes over the training part, at most.\n1 to 100, usually 10 to 30.\nToo low: it has not learnt.\n"
    "Too high: nothing worse than time, for it stops by the validation loss.",
    "rate": "Learning rate: how far a step goes.\n0.0001 to 0.03, usually 0.001.\nToo low: slow.\n"
    "Too high: the loss jumps.",
    "patience": "Epochs without a smaller validation loss before it stops.\n1 to 20, usually 5.",
    "batch": "Sequences a step.\n16 to 256, usually 64.\nToo low: noisy steps.\nToo high: few steps an epoch.",
    "decay": "Weight decay: how much weights shrink each step, times the learning rate.\n0 to 0.3, usually 0.01.\n"
    "Too low: noise is learnt by heart.\nToo high: nothing is learnt.",
}


class Settings:
    """Everything that a model takes; `on_change` is called when the architecture was changed."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        names = (*ARCHITECTURES, *LINEAR)
        self.architecture = ipywidgets.Dropdown(
            description="network", options=names, value="basset",
            tooltip="\n".join(f"{name}: {_ABOUT[name]}" for name in names), **LOOK,
        )  # fmt: skip
        self.epochs = ipywidgets.IntSlider(12, 1, 100, **_look("epochs", "epochs"))
        self.rate = ipywidgets.FloatLogSlider(
            1e-3, base=10, min=-4, max=-1.5, step=0.25, readout_format=".2g", **_look("rate", "rate")
        )  # fmt: skip
        self.batch = ipywidgets.IntSlider(64, 16, 256, step=16, **_look("batch", "batch size"))
        self.patience = ipywidgets.IntSlider(5, 1, 20, **_look("patience", "patience"))
        self.decay = ipywidgets.FloatSlider(0.01, min=0, max=0.3, step=0.01, **_look("decay", "decay"))
        self.strands = ipywidgets.Dropdown(
            description="strands", options=STRANDS, **LOOK, tooltip="one: as given\naugment: turned half of the time "
            "while training\naverage: predictions over both strands\nboth: both",
        )  # fmt: skip
        self.optimizer = ipywidgets.Dropdown(description="steps by", options=OPTIMIZERS, value="adamw", **LOOK)
        self.schedule = ipywidgets.Dropdown(description="schedule", options=list(SCHEDULES), **LOOK,
                                            tooltip="how the learning rate goes over the training")  # fmt: skip
        rows = {each: ipywidgets.HBox([each]).add_class("genolab-row") for each in (
            self.epochs, self.rate, self.batch, self.patience, self.decay)}  # fmt: skip
        rows[self.rate].add_class("genolab-wide")
        self.main = [self.architecture, rows[self.epochs], rows[self.rate]]
        self.more = [rows[self.batch], rows[self.patience], rows[self.decay], self.strands]
        self.more += [self.optimizer, self.schedule]
        self.architecture.observe(lambda _change: on_change(), "value")

    def values(self, seed: int) -> dict[str, Any]:
        """The settings by the names that a model has for them."""
        return {
            "epochs": self.epochs.value, "learning_rate": float(f"{self.rate.value:.3g}"),
            "batch_size": self.batch.value, "patience": self.patience.value,
            "weight_decay": round(self.decay.value, 4), "strands": self.strands.value,
            "optimizer": self.optimizer.value, "schedule": self.schedule.value, "seed": seed,
        }  # fmt: skip


def _look(name: str, label: str) -> dict[str, Any]:
    return {
        "description": label, "tooltip": _HELP[name], "style": {"description_width": "64px"},
        "layout": ipywidgets.Layout(width="auto", flex="1 1 auto", min_width="0"),
    }  # fmt: skip
