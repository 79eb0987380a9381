"""A kernel opened: its graph, the way to it, what flows through it, the code that runs, and every backend beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from genolab.errors import InputError
from genolab.kernel.bind import bind_arrays
from genolab.kernel.choice import backend_in_force, check_backend

if TYPE_CHECKING:
    import numpy as np

    from genolab.kernel.comparison import BackendRow
    from genolab.kernel.flow import DataFlow
    from genolab.kernel.graph_model import GraphModel
    from genolab.kernel.kernel import Kernel
    from genolab.kernel.profile import Profile
    from genolab.kernel.rewrites import RewriteHistory
    from genolab.kernel.source import Source
    from genolab.spec import Spec


class Opened:
    """The part of a :class:`Kernel` that shows what is inside; what it needs is loaded when somebody looks."""

    name: str
    backend: str
    simplify: bool
    inputs: dict[str, Spec]
    outputs: dict[str, Spec]
    defaults: Mapping[str, Any]

    @property
    def _kernel(self) -> Kernel:
        return cast("Kernel", self)

    def graph_model(self, stage: str = "written", backend: str | None = None) -> GraphModel:
        """The graph as plain data with a layout: ``"written"``, ``"compiled"`` (for a backend), or ``"gradient"``.

        The gradient is that of the sum of all results with respect to each floating input; the function stands beside.
        """
        from genolab.kernel.graph_model import model_of

        if stage == "written":
            return model_of(self._kernel.graph.inputs, self._kernel.graph.outputs)
        if stage == "gradient":
            from genolab.kernel.gradient import gradient_model

            return gradient_model(self._kernel)
        if stage != "compiled":
            raise InputError(self.name, "stage", "'written', 'compiled' or 'gradient'", repr(stage))
        fgraph = self._kernel.compiled(backend).function.maker.fgraph
        return model_of(fgraph.inputs, fgraph.outputs)

    def profile(self, *arrays: Any, backend: str = "numpy", **named: Any) -> Profile:
        """Run on arrays and time every node, on the `numpy` or the `c` backend; the others make one node of all.

        How is said by :func:`genolab.kernel.profile.profile_nodes`, and for `c` by
        :func:`~genolab.kernel.profile.profile_by_pytensor`.

        Raises
        ------
        InputError
            If the backend is another.
        """
        from genolab.kernel.profile import profile_by_pytensor, profile_nodes

        values = self._bound_by_nodes(backend, arrays, named)
        if backend == "c":
            return profile_by_pytensor(self.name, "c", self._built_for_c, values)
        return profile_nodes(self.name, self._kernel.compiled("numpy").function, values)

    def data_flow(self, *arrays: Any, backend: str = "numpy", **named: Any) -> DataFlow:
        """Run on arrays, node by node: on `numpy` every node's time, memory and value; on `c` its time.

        Raises
        ------
        InputError
            If the backend is another.
        """
        from genolab.kernel.flow import data_flow, timed_flow

        values = self._bound_by_nodes(backend, arrays, named)
        if backend == "c":
            return timed_flow(self.name, "c", self._built_for_c, values, list(self.outputs))
        return data_flow(self.name, self._kernel.compiled("numpy").function, values, list(self.outputs))

    def _bound_by_nodes(self, backend: str, arrays: tuple[Any, ...], named: dict[str, Any]) -> list[np.ndarray]:
        """The arrays as inputs of a backend that runs node by node; raises InputError for another backend."""
        if check_backend(backend, self.name) not in ("numpy", "c"):
            fix = "Look at the nodes on `numpy`."
            raise InputError(self.name, "backend", "numpy or c, which run node by node", repr(backend), fix)
        return bind_arrays(self.name, self.inputs, self.defaults, arrays, named, writeable=backend == "c")

    def _built_for_c(self, stats: Any) -> Any:
        from genolab.kernel.building import build_function

        return build_function(self._kernel, "c", stats)[0]

    def rewrites(self, backend: str | None = None) -> RewriteHistory:
        """PyTensor's way from the mathematics as written to the graph that a backend would compile of it.

        Of a kernel with a hand-written loop it is the way of its definition.
        """
        from genolab.kernel.backends import compiling_for, mode_of
        from genolab.kernel.rewrites import RewriteHistory

        name = backend_in_force(backend, self.backend)
        graph = self._kernel.definition.graph
        with compiling_for(name):
            return RewriteHistory(graph.inputs, graph.outputs, mode_of(name, self.simplify))

    def sources(self, backend: str | None = None, machine: bool = False) -> tuple[Source, ...]:
        """The code that a backend runs; with `machine`, Numba's LLVM and assembly as well (it compiles once more)."""
        from genolab.kernel.source import sources

        return sources(self._kernel, backend_in_force(backend, self.backend), machine)

    def compare(self, *arrays: Any, **named: Any) -> Iterator[BackendRow]:
        """Run on every backend of this machine: compile times, run time and difference, a row as soon as it is known.

        See :func:`genolab.kernel.comparison.compare_backends` for how.
        """
        from genolab.kernel.comparison import compare_backends

        given: Sequence[Any] = arrays or self._kernel.example()
        return compare_backends(self._kernel, given, named)

    def show(self) -> Any:
        """The graph as a widget; as text where there are no widgets."""
        # the interface lies above this layer, so it is looked up by name when somebody asks to see
        return import_module("genolab.panels.graph").GraphPanel(self)
