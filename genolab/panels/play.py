"""A cell to play in: type an expression, and watch its graph, rewrites, gradient, code and time change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.kernel.expression import EXAMPLES, FUNCTIONS, INPUTS, ExpressionError, kernel_of
from genolab.panels.graph import GraphPanel
from genolab.panels.page import Says
from genolab.panels.trust import guard
from genolab.scale import Job, Latest, Progress, State

if TYPE_CHECKING:
    from genolab.kernel import Kernel

_QUIET = 0.25  # seconds without a key before the text is read
NAME = "expression"


class PlayPanel(ipywidgets.VBox):
    """Text above, what PyTensor makes of it below; a mistake is told in two lines and the last good graph stays."""

    def __init__(self, text: str = "") -> None:
        start = text or next(iter(EXAMPLES.values()))
        inputs = "; ".join(f"{name}: {spec.doc}" for name, spec in INPUTS.items())
        self.examples = ipywidgets.Dropdown(
            options=[("examples", ""), *EXAMPLES.items()], layout=ipywidgets.Layout(width="240px")
        )
        self.help = Says(inputs, "soft", [f"pt.{name}" for name in FUNCTIONS], "functions")
        self.text = ipywidgets.Textarea(
            start, layout=ipywidgets.Layout(width="100%", height="92px"), continuous_update=True
        )
        self.text.add_class("genolab-play")
        self.place = Says("", "error")
        self.message = Says("", "plain")
        self.graph = GraphPanel(kernel_of(start, NAME))
        self.graph.chooser.layout.display = "none"
        self._work = Latest(self._job_changed, debounce=_QUIET)
        head = ipywidgets.HBox([self.examples, self.help], layout=ipywidgets.Layout(align_items="center"))
        super().__init__([head, self.text, self.place, self.message, self.graph])
        guard(self)
        self.add_class("genolab-panel")
        self.examples.observe(self._example, "value")
        self.text.observe(self._typed, "value")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the text was read and drawn."""
        return self._work.wait(timeout) and self.graph.wait(timeout)

    def _example(self, change: Any) -> None:
        if change["new"]:
            self.text.value = change["new"]

    def _typed(self, change: Any) -> None:
        text = change["new"]

        def read(_progress: Progress) -> Kernel:
            return kernel_of(text, NAME)

        self._work.submit(read, name="expression")

    def _job_changed(self, job: Job[Kernel]) -> None:
        if job.superseded:
            return
        if job.state is State.DONE:
            self.place.say("", "error")
            self.message.say("")
            self.graph.show(job.result())
        elif job.state is State.REFUSED:
            refused = job.error
            place, said = (
                (refused.place, refused.message)
                if isinstance(refused, ExpressionError)
                else (type(refused).__name__, str(refused))
            )
            self.place.say(place, "error")
            self.message.say(said)


def play(text: str = "") -> PlayPanel:
    """A cell to type a PyTensor expression in and watch its graph; `text` is what it begins with."""
    return PlayPanel(text)
