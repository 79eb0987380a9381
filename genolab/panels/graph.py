"""The graph panel: a kernel as written, its rewrites, what runs with times and values, its code, every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import kernels as all_kernels
from genolab.errors import GenolabError, InputError
from genolab.kernel import available_backends
from genolab.kernel.comparison import compare_backends
from genolab.kernel.graph_model import graph_text
from genolab.kernel.source import conversions
from genolab.panels.graph_parts import BackendBox, FlowBox, RewriteBar, SourceBox
from genolab.panels.trust import guard
from genolab.plots.formula import described
from genolab.plots.graph import GraphView, NodeTable
from genolab.predict.step import STEPS, training_step
from genolab.scale import Job, Latest, Progress, State

if TYPE_CHECKING:
    from genolab.kernel import Kernel
    from genolab.kernel.comparison import BackendRow
    from genolab.kernel.graph_model import GraphModel

STAGES = {
    "as written": "the formula, node by node",
    "rewrites": "the way to what runs, step by step",
    "compiled": "what runs, with the time, memory and value of every node",
    "gradient": "the function and its derivatives",
    "code": "the text that runs",
    "backends": "numpy, numba, c and jax side by side",
}
WRITTEN, REWRITES, COMPILED, GRADIENT, CODE, BACKENDS = STAGES
LONGEST_HEADING, NAMED = 400, 7  # letters of a signature that is shown whole; names on each side of a longer one
Arguments = tuple[dict[str, Any], list[Any]]
"""Structural parameters and arrays of one call."""


class GraphPanel(ipywidgets.VBox):
    """Choose a kernel, and see what PyTensor makes of it; compiling and measuring happen in the background.

    `kernel` is a `Kernel` or the name of one; the first by name where it is left out. `data` is asked for the arrays
    that the kernel is measured with, by the kernel's name; the smallest input is taken where it returns None.
    """

    def __init__(
        self, kernel: Kernel | str | None = None, data: Callable[[str], Arguments | None] | None = None
    ) -> None:
        kernels: dict[str, Any] = {each.name: each for each in all_kernels()} | dict.fromkeys(STEPS)
        if kernel is not None and not isinstance(kernel, str):
            kernels[kernel.name] = kernel
        first = kernel if isinstance(kernel, str) else kernel.name if kernel is not None else next(iter(kernels), None)
        if first is None:
            raise GenolabError("No kernel is defined yet: define one with @kernel.")
        if first not in kernels:
            raise InputError("GraphPanel", "kernel", "the name of a kernel, see gl.kernels()", repr(first))
        self._kernels, self.data = kernels, data
        self.watchers: list[Callable[[Job[Any]], None]] = []
        """Called with every job when it changes: the lab lists them."""
        self.chooser = ipywidgets.Dropdown(
            options=sorted(kernels), value=first, description="kernel", layout=ipywidgets.Layout(width="330px")
        )
        self.stage = ipywidgets.ToggleButtons(
            options=list(STAGES), style={"button_width": "92px"}, tooltips=list(STAGES.values())
        )
        self.backend = ipywidgets.Dropdown(
            options=available_backends(),
            value="numpy" if kernels[first] is None else kernels[first].backend,
            description="for",
            style={"description_width": "24px"},
            layout=ipywidgets.Layout(width="130px", visibility="hidden"),
        )
        self.status = ipywidgets.Label(layout=ipywidgets.Layout(flex="1 1 auto"))
        self.status.add_class("genolab-status")
        self.view = GraphView(self.kernel.graph_model("written"), name=first, text=self._text())
        self.table = NodeTable(self.view)
        self.rewrites = RewriteBar(lambda model: self._draw(model, same_way=self.rewrites.slider.value > 0))
        self.flow = FlowBox(self._measure, self._recolour)
        self.source = SourceBox(lambda: self._read_code(machine=True))
        self._work = Latest(on_change=self._job_changed)
        self._code_of = ("", "")
        self.backends = BackendBox(self._work.cancel)
        bar = ipywidgets.HBox([self.chooser, self.stage, self.backend], layout=ipywidgets.Layout(align_items="center"))
        below = ipywidgets.HBox([self.flow.view, self.table], layout=ipywidgets.Layout(width="100%"))
        self.flow.view.layout = ipywidgets.Layout(width="360px", flex="0 0 auto")
        self.table.layout = ipywidgets.Layout(flex="1 1 auto", min_width="0")
        shown = [self.rewrites, self.flow, self.view, below, self.source, self.backends]
        super().__init__([bar, self.status, *shown], layout=ipywidgets.Layout(width="100%"))
        guard(self)
        self.chooser.observe(self._choose, "value")
        self.stage.observe(self._change_stage, "value")
        self.backend.observe(self._refresh, "value")
        self.view.observe(lambda change: self.flow.value(change["new"]), "selected")
        self._describe()
        self._arrange()
        self._say_ready(self.view.model)

    @property
    def kernel(self) -> Kernel:
        """The kernel that is shown."""
        name = self.chooser.value
        if self._kernels[name] is None:  # the step of a training is built when somebody wants to see it
            self._kernels[name] = training_step(STEPS[name])
        kernel: Kernel = self._kernels[name]
        return kernel

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being compiled or measured; False when `timeout` seconds passed before."""
        return self._work.wait(timeout)

    # --- what a person chooses

    def _choose(self, _change: Any) -> None:
        self._describe()
        if self.backend.value == self.kernel.backend:
            self._refresh(None)
        else:
            self.backend.value = self.kernel.backend

    def _change_stage(self, _change: Any) -> None:
        """The rewrites for Numba are the ones worth seeing; what runs is what the kernel declares."""
        usual = "numba" if self.stage.value == REWRITES else self.kernel.backend
        if self.backend.value == usual:
            self._refresh(None)
        else:
            self.backend.value = usual

    def show(self, kernel: Kernel) -> None:
        """Show a kernel that may not have been there before, or that has changed."""
        self._kernels[kernel.name] = kernel
        if kernel.name != self.chooser.value:
            self.chooser.options = sorted(self._kernels)
            self.chooser.value = kernel.name
        else:
            self._describe()
            self._refresh(None)

    def _describe(self) -> None:
        kernel = self.kernel
        symbols = {spec.symbol: name for name, spec in (*kernel.inputs.items(), *kernel.outputs.items()) if spec.symbol}
        self.view.heading, self.view.about = _heading(kernel), described(kernel.doc, symbols)

    def _arrange(self) -> None:
        """Show the parts of the stage that is chosen."""
        stage = self.stage.value
        drawn = stage in (WRITTEN, REWRITES, COMPILED, GRADIENT)
        parts: dict[ipywidgets.DOMWidget, bool] = {
            self.rewrites: stage == REWRITES,
            self.flow: stage == COMPILED,
            self.flow.view: stage == COMPILED,
            self.view: drawn,
            self.table: drawn,
            self.source: stage == CODE,
            self.backends: stage == BACKENDS,
        }
        for widget, visible in parts.items():
            widget.layout.display = None if visible else "none"
        self.backend.layout.visibility = "visible" if stage in (REWRITES, COMPILED, CODE) else "hidden"

    def _refresh(self, _change: Any) -> None:
        self.rewrites.stop()
        self._arrange()
        kernel, stage, backend = self.kernel, self.stage.value, self.backend.value
        if stage == CODE:
            self._read_code()
            return
        if stage == BACKENDS:
            self._run_everywhere()
            return
        self.flow.forget()

        def work(progress: Progress) -> Callable[[], None]:
            if stage == REWRITES:
                history = kernel.rewrites(backend)
                return lambda: self.rewrites.show(history)
            if stage == COMPILED and kernel.state(backend) == "idle":
                progress.compiling(f"compiling for {backend}")
            of = {WRITTEN: "written", COMPILED: "compiled", GRADIENT: "gradient"}[stage]
            model = kernel.graph_model(of, backend)
            return lambda: self._draw(model)

        self._work.submit(work, name=f"graph of {kernel.name}")

    def _measure(self) -> None:
        kernel = self.kernel
        backend = "c" if self.backend.value == "c" else "numpy"  # the others make one node of all

        def work(progress: Progress) -> Callable[[], None]:
            (static, arrays), origin = self._arguments()
            shaped = kernel.with_static(**static)
            if backend == "c" or shaped.state(backend) == "idle":  # a profile is compiled in
                progress.compiling(f"compiling for {backend}")
            flow = shaped.data_flow(*arrays, backend=backend)

            def show() -> None:
                if self.backend.value != backend:
                    self.backend.unobserve(self._refresh, "value")
                    self.backend.value = backend  # the nodes that were measured are that backend's
                    self.backend.observe(self._refresh, "value")
                self.flow.show(flow, origin)
                self._recolour()
                self.flow.value(self.view.selected)

            return show

        self._work.submit(work, name=f"measuring {kernel.name}")

    def _recolour(self) -> None:
        model = self.flow.model()
        if model is not None:
            self._draw(model)
        elif self.flow.colour.value != "plain":
            self._measure()

    def _read_code(self, machine: bool = False) -> None:
        kernel, backend = self.kernel, self.backend.value

        def work(progress: Progress) -> Callable[[], None]:
            if machine or kernel.state(backend) == "idle":
                progress.compiling(f"compiling for {backend}")
            found, copies = kernel.sources(backend, machine), conversions(kernel, backend)
            self._code_of = kernel.name, backend
            return lambda: self.source.show(found, copies, backend == "numba")

        if self._code_of != (kernel.name, backend):
            self.source.clear(f"the code for {backend} is being made")
        self._work.submit(work, name=f"code of {kernel.name}")

    def _run_everywhere(self) -> None:
        kernel = self.kernel

        def work(progress: Progress) -> Callable[[], None]:
            (static, arrays), origin = self._arguments()
            rows: list[BackendRow] = []
            said: list[str] = []

            def waiting(backend: str, text: str) -> None:
                progress(None, f"{backend}: {text}")
                if said != [backend, text]:
                    said[:] = backend, text
                    self.backends.show(rows, origin, (backend, text))

            try:
                for row in compare_backends(kernel.with_static(**static), arrays, waiting=waiting):
                    rows.append(row)
            finally:
                self.backends.show(rows, origin)
            return lambda: self.backends.show(rows, origin)

        self._work.submit(work, name=f"backends of {kernel.name}")

    def _arguments(self) -> tuple[Arguments, str]:
        """What to run the kernel with, and where that is from."""
        found = self.data(self.kernel.name) if self.data is not None else None
        if found is not None:
            return found, "the data on screen"
        return (dict(self.kernel.static), list(self.kernel.example())), "the smallest input"

    # --- what is drawn

    def _job_changed(self, job: Job[Callable[[], None]]) -> None:
        for watch in self.watchers:
            watch(job)
        if job.superseded:
            return
        if job.state is State.DONE:
            self.status.value = f"done in {job.elapsed:.1f} s"
            job.result()()
        elif job.state is State.REFUSED:
            self.status.value = str(job.error)
        elif job.state is State.CANCELLED:
            self.status.value = "stopped"
        else:
            self.status.value = job.text or str(job.state)

    def _draw(self, model: GraphModel, same_way: bool = False) -> None:
        self.view.show(model, name=self.kernel.name, text=self._text(), same_way=same_way)
        self.table.rest = self.flow.rest()
        self._say_ready(model)

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


def _heading(kernel: Kernel) -> str:
    """The kernel's signature; a long one is cut to the first names of each side, and the table below lists them all."""
    whole = repr(kernel)
    if len(whole) <= LONGEST_HEADING:
        return whole

    def side(names: list[str]) -> str:
        more = len(names) - NAMED
        return ", ".join(names[:NAMED]) + (f", and {more} more" if more > 0 else "")

    return f"{kernel.name}({side(list(kernel.inputs))}) -> {side(list(kernel.outputs))}"
