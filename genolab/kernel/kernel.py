"""A kernel: a pure symbolic function with specs, compiled on first call, once per backend."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from genolab.errors import InputError
from genolab.kernel.at_once import compiled_for, first_answer
from genolab.kernel.bind import bind_arrays, specs_of
from genolab.kernel.choice import backend_in_force, check_backend
from genolab.kernel.driver import DrivenImplementation, Driver
from genolab.kernel.events import CompileEvent, State, announce
from genolab.kernel.implementation import FastImplementation, Loop, run_implementation
from genolab.kernel.opened import Opened
from genolab.kernel.program import Program, keep_program, kept_program
from genolab.kernel.pullback import DrivenGradient
from genolab.kernel.recording import record
from genolab.lazy import made_once
from genolab.spec import Spec

Arrays = tuple[np.ndarray, ...]


class Graph(NamedTuple):
    """A kernel's symbolic inputs and outputs, as written."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


class Compiled(NamedTuple):
    """A kernel on one backend: PyTensor's function, how it came to be, and what that took."""

    function: Any
    backend: str
    state: State
    seconds: float


class Kernel(Opened):
    """A symbolic function that knows what its arrays mean.

    Call it with arrays and it computes; call :meth:`expr` with symbolic variables and it composes and differentiates.
    Parameters of the function that carry a :class:`~genolab.spec.Spec` are inputs; the others are structure
    (:meth:`with_static`). Scalars with a default are what a slider moves: moving one never recompiles.

    Attributes
    ----------
    name, doc
        The function's name and docstring.
    inputs, outputs
        Name to :class:`~genolab.spec.Spec`, in order.
    backend
        The backend that the kernel declares, chosen by measurement (``bench/compile.py``).
    at_once
        Whether the definition may answer where a person would wait for the loop to compile (:mod:`.at_once`).
    """

    def __init__(
        self,
        build: Callable[..., Any],
        *,
        backend: str = "numpy",
        simplify: bool = True,
        example: Callable[..., tuple[Any, ...]] | None = None,
        static: Mapping[str, Any] | None = None,
        dtype: str | None = None,
        implementation: FastImplementation | None = None,
        gradient: Callable[..., Mapping[str, Any]] | None = None,
        jax_needs: tuple[str, ...] = (),
        kept: bool = False,
        fits: Callable[..., None] | None = None,
        at_once: bool = False,
    ) -> None:
        self._kept, self._fits, self.at_once = kept, fits, at_once
        self._gradient, self._jax_needs = gradient, jax_needs
        self._build, self._example, self._implementation, self._dtype = build, example, implementation, dtype
        self.name: str = build.__name__
        self.doc: str = inspect.cleandoc(build.__doc__ or "")
        self.__doc__ = self.doc
        self.backend, self.simplify = backend, simplify
        hints = get_type_hints(build, include_extras=True)
        self.Result: Any = hints.pop("return")
        parameters = inspect.signature(build).parameters
        self.inputs = specs_of(hints, dtype)
        self.outputs = specs_of(get_type_hints(self.Result, include_extras=True), dtype)
        given = {k: p.default for k, p in parameters.items() if p.default is not p.empty}
        self.defaults: dict[str, Any] = {k: v for k, v in given.items() if k in self.inputs}
        self.static: dict[str, Any] = {k: v for k, v in given.items() if k not in self.inputs} | dict(static or {})
        unknown = set(static or {}) - (set(parameters) - set(self.inputs))
        if unknown:
            raise InputError(self.name, sorted(unknown)[0], "a structural parameter of this kernel", "an unknown name")
        self._compiled: dict[str, Compiled] = {}
        self._variants: dict[tuple[Any, ...], Kernel] = {}
        self._state: dict[str, State] = {}
        self._run_lock, self._program_lock = threading.Lock(), threading.Lock()
        self._program: list[Program | None] = []  # empty until somebody asked

    @property
    def subject(self) -> str:
        """The subject of genolab that defines it, such as ``call``; empty for a kernel from elsewhere."""
        package, _, rest = self._build.__module__.partition(".")
        return rest.partition(".")[0] if package == "genolab" else ""

    def __repr__(self) -> str:
        def side(specs: Mapping[str, Spec]) -> str:
            return ", ".join(f"{name}[{', '.join(spec.dims)}]" for name, spec in specs.items())

        return f"{self.name}({side(self.inputs)}) -> {side(self.outputs)}"

    # ------------------------------------------------------------------ symbolic

    @made_once
    def graph(self) -> Graph:
        """The symbolic inputs and outputs as written, before any rewrite."""
        from genolab.kernel.building import graph_of

        return Graph(*graph_of(self))

    @made_once
    def definition(self) -> Kernel:
        """The same kernel without its fast loop: the mathematics alone, which tests compare the loop with."""
        if self._implementation is None:
            return self
        return self._changed(implementation=None, kept=False, at_once=False)

    def expr(self, *variables: Any) -> Any:
        """Apply symbolically: one named node of a larger graph, that opens into this kernel's definition.

        Numbers and arrays may stand for variables; inputs with a default may be left out. Returns the kernel's result
        type, holding variables.

        Raises
        ------
        InputError
            If a variable has not the axes that its spec states, or a dtype that does not fit without loss.
        """
        from genolab.kernel.building import applied

        return self.Result(*applied(self, variables))

    def with_static(self, **static: Any) -> Kernel:
        """The kernel with another structure (number of alleles, ploidy, ...), which compiles for itself, once."""
        wanted = self.static | static
        return self if wanted == self.static else self._variant(static=wanted)

    def at(self, dtype: np.dtype[Any] | type | str) -> Kernel:
        """The kernel with each float32 of its specs as ``dtype``: one definition in single and in double precision."""
        wanted = np.dtype(dtype).name
        return self if wanted == (self._dtype or "float32") else self._variant(dtype=wanted)

    def _variant(self, **change: Any) -> Kernel:
        key = tuple((name, tuple(sorted(v.items())) if isinstance(v, dict) else v) for name, v in change.items())
        if key not in self._variants:
            self._variants.setdefault(key, self._changed(**change))  # another thread may have been first
        return self._variants[key]

    def _changed(self, **change: Any) -> Kernel:
        same: dict[str, Any] = {
            "backend": self.backend,
            "simplify": self.simplify,
            "example": self._example,
            "static": self.static,
            "dtype": self._dtype,
            "implementation": self._implementation,
            "gradient": self._gradient,
            "jax_needs": self._jax_needs,
            "kept": self._kept,
            "fits": self._fits,
            "at_once": self.at_once,
        }
        return Kernel(self._build, **(same | change))

    def fast(self, *, version: int, arrays: Loop | None = None) -> Callable[[Loop], Loop]:
        """Decorate a plain loop that computes the same as the definition, for the `numba` and `numpy` backends.

        ``version`` is part of the disk cache's key, as is the loop's source. ``arrays`` is the loop's stand-in on
        the `numpy` backend where NumPy alone is as fast; without it the loop is compiled there too.
        """

        def decorate(loop: Loop) -> Loop:
            self._implementation = FastImplementation(loop, arrays, version)
            return loop

        return decorate

    def driven(self, driver: Driver) -> Driver:
        """Decorate a driver: a Python function that computes the same by handing work to several cached loops.

        Arrays in (read-only), arrays out, for the `numba` and `numpy` backends.
        """
        self._implementation = DrivenImplementation(driver)
        return driver

    def fits(self, check: Callable[..., None]) -> Callable[..., None]:
        """Decorate a look at a call's arrays, by name: it raises ``InputError`` where lengths must fit together beyond
        the names of their axes. An error of the computation itself is a fault of the kernel, and is never renamed."""
        self._fits = check
        return check

    def gradient(self, build: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
        """Decorate the gradient of a kernel with a loop: symbolic inputs and gradients of the outputs, both by name.

        It returns those of the inputs that are real numbers, by name; one that is left out does not matter. Without it
        `grad` differentiates the definition, which is right but runs no loop.
        """
        self._gradient = build
        return build

    def driven_gradient(self, *wanted: str) -> Callable[[Driver], Driver]:
        """Decorate a driver: inputs, outputs, gradient of the first output to those of the ``wanted`` inputs."""

        def decorate(driver: Driver) -> Driver:
            assert self._implementation is not None, "give the kernel its loop first"
            self._implementation.gradient = DrivenGradient(driver, wanted)
            return driver

        return decorate

    # ------------------------------------------------------------------ compiled

    def compiled(self, backend: str | None = None) -> Compiled:
        """The kernel on a backend, compiled now if it was not before; announces its progress to the listeners."""
        name = backend_in_force(backend, self.backend)
        if name not in self._compiled:
            from genolab.kernel.backends import COMPILE_LOCK

            with COMPILE_LOCK:
                if name not in self._compiled:  # another thread may have been first
                    self._compiled[name] = self._compile(name)
        return self._compiled[name]

    def _compile(self, backend: str) -> Compiled:
        from genolab.kernel.building import build_function

        self._state[backend] = "compiling"
        announce(CompileEvent(self.name, backend, "compiling"))
        began = time.perf_counter()
        try:
            function, from_disk = build_function(self, backend)
        except BaseException:
            self._state[backend] = "idle"
            announce(CompileEvent(self.name, backend, "idle", time.perf_counter() - began))
            raise
        state: State = "cached" if from_disk else "compiled"
        result = Compiled(function, backend, state, time.perf_counter() - began)
        self._state[backend] = state
        announce(CompileEvent(self.name, backend, state, result.seconds))
        return result

    def state(self, backend: str | None = None) -> State:
        """``idle``, ``compiling``, ``compiled``, or ``cached`` where the machine code came from the disk."""
        return self._state.get(check_backend(backend or self.backend, self.name), "idle")

    def example(self) -> tuple[Any, ...]:
        """The smallest input that the kernel accepts; compiling runs it once."""
        if self._example is not None:
            given = self._example(**self.static)
            return (*given, *(self.defaults[name] for name in tuple(self.inputs)[len(given) :]))
        fixed = {
            axis: length
            for spec in self.inputs.values()
            for axis, length in zip(spec.dims, spec.lengths, strict=True)
            if length is not None
        }

        def smallest(spec: Spec) -> np.ndarray:
            value = 0 if spec.low is None else max(spec.low, 0)
            value = value if spec.high is None else min(spec.high, value)
            return np.full([fixed.get(axis, 2) for axis in spec.dims], value, spec.dtype)

        return tuple(self.defaults[name] if name in self.defaults else smallest(s) for name, s in self.inputs.items())

    # ------------------------------------------------------------------ numeric

    def __call__(self, *arrays: Any, backend: str | None = None, **named: Any) -> Any:
        """Compute on arrays; returns the kernel's result type, holding arrays. Structural parameters go by name too.

        Raises
        ------
        InputError
            If an array has not the axes, dtype, range or matching lengths that its spec states.
        """
        static = {k: named.pop(k) for k in tuple(named) if k in self.static}
        if static:
            return self.with_static(**static)(*arrays, backend=backend, **named)
        writeable = backend_in_force(backend, self.backend) == "numba"
        values = bind_arrays(self.name, self.inputs, self.defaults, arrays, named, writeable)
        if self._fits is not None:
            self._fits(**dict(zip(self.inputs, values, strict=True)))
        record(self.name, self.static, values)
        results = self._run(backend_in_force(backend, self.backend), values)
        return self.Result(*(np.asarray(result) for result in results))

    def _run(self, backend: str, values: list[np.ndarray]) -> Any:
        if backend == "numpy" and self._implementation is not None:
            answer = first_answer(self, values)
            if answer is not None:
                return answer
            if backend not in self._state:  # no graph is built: the loop compiles itself when it is first needed
                self._announce("compiled", 0.0)
            with self._run_lock:
                results = run_implementation(self._bound, self.outputs, values)
            if self.at_once:
                compiled_for(self, values)
            return results
        if backend == "numpy" and self._kept and (program := self._numpy_program()) is not None:
            return program(*values)
        function = self.compiled(backend).function
        with self._run_lock:  # a PyTensor function keeps its intermediate values in itself
            return function(*values)

    @made_once
    def _bound(self) -> FastImplementation:
        assert self._implementation is not None
        return self._implementation.bound(self.static)

    def _numpy_program(self) -> Program | None:
        """What runs on `numpy`: kept by an earlier process, or compiled and kept now; None where it cannot be kept."""
        if not self._program:
            with self._program_lock:
                if not self._program:  # another thread may have been first
                    began = time.perf_counter()
                    found = kept_program(self)
                    if found is not None:
                        self._announce("cached", time.perf_counter() - began)
                    self._program.append(found or keep_program(self))
        return self._program[0]

    def _announce(self, state: State, seconds: float) -> None:
        """Tell of something that was ready at once on `numpy`."""
        self._state["numpy"] = "compiling"
        announce(CompileEvent(self.name, "numpy", "compiling"))
        self._state["numpy"] = state
        announce(CompileEvent(self.name, "numpy", state, seconds))


_registry: dict[str, Kernel] = {}


def registered() -> list[Kernel]:
    """Every kernel defined so far, by name."""
    return [_registry[name] for name in sorted(_registry)]


def kernel(
    *,
    backend: str = "numpy",
    simplify: bool = True,
    example: Callable[..., tuple[Any, ...]] | None = None,
    jax_needs: tuple[str, ...] = (),
    at_once: bool = False,
) -> Callable[[Callable[..., Any]], Kernel]:
    """Turn a symbolic function into a :class:`Kernel` and list it in ``gl.kernels()``.

    ``simplify=False`` is for a definition that is written as it should run: without PyTensor's simplifications the
    `numpy` backend is ready in a tenth of the time. A definition that holds gradients needs them. ``example`` makes the
    smallest input from the structural parameters, where the specs alone do not say its shape. ``jax_needs`` names the
    structural parameters without which JAX, which compiles for lengths that it knows, is refused. ``at_once`` is for a
    definition that answers sooner than its loop compiles: where a person waits it answers first (:mod:`.at_once`).
    """

    def decorate(build: Callable[..., Any]) -> Kernel:
        made = Kernel(
            build, backend=backend, simplify=simplify, example=example, jax_needs=jax_needs, kept=True, at_once=at_once
        )
        if made.name in _registry and _registry[made.name]._build.__module__ != build.__module__:
            raise InputError("kernel", "name", "one that no other kernel has", repr(made.name))
        _registry[made.name] = made
        return made

    return decorate
