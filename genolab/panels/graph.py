"""The graph panel: any kernel's formula and its compute graph, as written and as compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import kernels as all_kernels
from genolab.errors import GenolabError, InputError
from genolab.kernel import available_backends
from genolab.kernel.graph_model import graph_text
from genolab.plots.graph import GraphView, NodeTable, readable
from genolab.scale import Job, Latest, Progress, State

if TYPE_CHECKING:
    from genolab.kernel import Kernel
    from genolab.kernel.graph_model import GraphModel

WRITTEN, COMPILED = "as written", "compiled"


class GraphPanel(ipywidgets.VBox):
    """Choose a kernel, see its docstring and its graph; compiling happens in the background.

    `kernel` is a `Kernel` or the name of one; the first by name where it is left out.
    """

    def __init__(self, kernel: Kernel | str | None = None) -> None:
        kernels = {each.name: each for each in all_kernels()}
        if kernel is not None and not isinstance(kernel, str):
            kernels[kernel.name] = kernel
        first = kernel if isinstance(kernel, str) else kernel.name if kernel is not None else next(iter(kernels), None)
        if first is None:
            raise GenolabError("No kernel is defined yet: define one with @kernel.")
        if first not in kernels:
            raise InputError("GraphPanel", "kernel", "the name of a kernel, see gl.kernels()", repr(first))
        self._kernels = kernels
        self.chooser = ipywidgets.Dropdown(
            options=sorted(kernels), value=first, description="kernel", layout=ipywidgets.Layout(width="330px")
        )
        self.stage = ipywidgets.ToggleButtons(
            options=[WRITTEN, COMPILED],
            style={"button_width": "96px"},
            tooltips=["the formula, node by node", "what runs, after PyTensor's rewrites"],
        )
        self.backend = ipywidgets.Dropdown(
            options=available_backends(),
            value=kernels[first].backend,
            description="for",
            style={"description_width": "24px"},
            layout=ipywidgets.Layout(width="130px", visibility="hidden"),
        )
        self.status = ipywidgets.Label(layout=ipywidgets.Layout(flex="1 1 auto"))
        self.status.add_class("genolab-status")
        self.view = GraphView(self._model(None), name=first, text=self._text())
        self.table = NodeTable(self.view)
        self._work = Latest(on_change=self._job_changed)
        bar = ipywidgets.HBox(
            [self.chooser, self.stage, self.backend, self.status], layout=ipywidgets.Layout(align_items="center")
        )
        super().__init__([bar, self.view, self.table], layout=ipywidgets.Layout(width="100%"))
        self.chooser.observe(self._choose, "value")
        self.stage.observe(self._change_stage, "value")
        self.backend.observe(self._refresh, "value")
        self._describe()
        self._say_ready(self.view.model)

    @property
    def kernel(self) -> Kernel:
        """The kernel that is shown."""
        return self._kernels[self.chooser.value]

    def _choose(self, _change: Any) -> None:
        self.backend.value = self.kernel.backend
        self._describe()
        self._refresh(None)

    def _change_stage(self, _change: Any) -> None:
        self.backend.layout.visibility = "visible" if self.stage.value == COMPILED else "hidden"
        self._refresh(None)

    def _describe(self) -> None:
        self.view.heading, self.view.about = repr(self.kernel), readable(self.kernel.doc)

    def _refresh(self, _change: Any) -> None:
        backend = self.backend.value if self.stage.value == COMPILED else None

        def work(progress: Progress) -> GraphModel:
            if backend is not None and self.kernel.state(backend) == "idle":
                progress.compiling(f"compiling for {backend}")
            return self._model(backend)

        self._work.submit(work, name=f"graph of {self.kernel.name}")

    def _job_changed(self, job: Job[GraphModel]) -> None:
        if job.superseded:
            return
        if job.state is State.DONE:
            model = job.result()
            self.view.show(model, name=self.kernel.name, text=self._text())
            self._say_ready(model)
        elif job.state is State.REFUSED:
            self.status.value = str(job.error)
        else:
            self.status.value = job.text or str(job.state)

    def _model(self, backend: str | None) -> GraphModel:
        return self.kernel.graph_model("written") if backend is None else self.kernel.graph_model("compiled", backend)

    def _say_ready(self, model: GraphModel) -> None:
        inside = sum(1 for node in model.walk()) - len(model.nodes)
        self.status.value = f"{len(model.nodes)} nodes" + (f", {inside} inside" if inside else "")

    def _text(self) -> str:
        """The graph for a terminal."""
        return f"{self.kernel!r}\n\n{self.kernel.doc}\n\n{graph_text(self.kernel.graph.outputs)}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        shown = super()._repr_mimebundle_(**options)
        data = shown[0] if isinstance(shown, tuple) else shown
        if data is not None:
            data["text/plain"] = self.view.text
        return shown
