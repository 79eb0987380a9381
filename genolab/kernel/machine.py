"""Loops whose machine code is kept on the disk and loaded without Numba, whose import takes longer than short work.

Numba compiles a loop once for the types of its arguments; the object file goes into the cache, under a key of sources,
versions and processor, and LLVM's linker alone brings it back in some milliseconds. It serves loops that take
C-contiguous arrays and numbers, write into their arrays, return nothing and allocate nothing.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from genolab.kernel.store import kept, load, source_key, store

LOCK = threading.RLock()
"""Held while machine code is loaded or compiled."""
_ENGINES: list[Any] = []  # the code lives as long as its engine
_NOTHING_TO_FREE = "define void @NRT_MemInfo_call_dtor(ptr %0) {\n  ret void\n}\n"
"""Numba's arrays count their users; those of a loop that allocates nothing are not Numba's to free."""

_KNOWN = {"memcpy", "memmove", "memset", "exp", "log", "log10", "log1p", "pow", "sqrt", "fmod", "NRT_MemInfo_call_dtor"}
"""What machine code may call by name, because every process has it; with anything else it is not kept."""

_NONE = -2  # the status of a function that returns None


Kinds = tuple[tuple[str, int | None], ...]


class MachineLoop:
    """A Numba function by its module and name, loaded or compiled when it is first called with arguments of a kind."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name
        self._loaded: dict[Kinds, int] = {}
        self._functions: dict[Kinds, Callable[..., Any]] = {}

    def ready(self, *arguments: Any) -> bool:
        """Whether a call would begin at once: its code is loaded, or was kept by an earlier process."""
        return self._find(_kinds(arguments)) is not None

    def __call__(self, *arguments: Any) -> None:
        """Run on arrays, which it changes, and numbers; other threads run meanwhile."""
        kinds = _kinds(arguments)
        if kinds not in self._functions:
            self._functions[kinds] = _function(self.address(kinds), kinds)
        given: list[Any] = []
        for each in arguments:
            if isinstance(each, np.ndarray):
                if not each.flags.c_contiguous:
                    raise ValueError(f"{self.name}: an array that is not C-contiguous")
                given += (each.ctypes.data, *each.shape)
            else:
                given.append(each)
        self._functions[kinds](*given)

    def address(self, kinds: Kinds) -> int:
        """Where the loop for arguments of these kinds is; it takes what :func:`_function` says."""
        return self._find(kinds) or self._compile(kinds)

    def _find(self, kinds: Kinds) -> int | None:
        if kinds not in self._loaded:
            place = self._place(kinds)
            key = self._key(kinds) if kept(place) else None
            body = None if key is None else load(place, key)
            if body is None:
                return None
            with LOCK:
                if kinds not in self._loaded:
                    self._loaded[kinds] = linked(body)
        return self._loaded[kinds]

    def _compile(self, kinds: Kinds) -> int:
        with LOCK:
            if kinds not in self._loaded:  # another thread may have been first
                loop = getattr(import_module(self.module), self.name)
                self._loaded[kinds], body = _compiled(loop, kinds)
                key = self._key(kinds)
                if key is not None and body is not None:
                    store(self._place(kinds), key, body)
            return self._loaded[kinds]

    def _place(self, kinds: Kinds) -> str:
        return f"{self.module}.{self.name}-{_short(kinds)}.o"

    def _key(self, kinds: Kinds) -> str | None:
        package = ".".join(self.module.split(".")[:2])
        sources = source_key(package, "numba", "llvmlite")
        return None if sources is None else f"{sources} {processor()} {_short(kinds)}"


def _short(kinds: Kinds) -> str:
    return "_".join(f"{np.dtype(dtype).str[1:]}{'' if axes is None else f'x{axes}'}" for dtype, axes in kinds)


def _kinds(arguments: tuple[Any, ...]) -> Kinds:
    """The dtype of each argument, and the number of its axes where it is an array."""
    return tuple(
        (each.dtype.name, each.ndim) if isinstance(each, np.ndarray) else (np.asarray(each).dtype.name, None)
        for each in arguments
    )


@cache
def processor() -> str:
    """What Numba compiles for: this machine, or what ``NUMBA_CPU_NAME`` says instead."""
    chosen = os.environ.get("NUMBA_CPU_NAME")
    if chosen:
        return f"{chosen} {os.environ.get('NUMBA_CPU_FEATURES', '')}"
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def linked(body: bytes) -> int:
    """The address of a function, whose name stands before its object file; an engine each, as names may be alike."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(_NOTHING_TO_FREE), machine)
    name, _, code = body.partition(b"\n")
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _ENGINES.append(engine)
    address: int = engine.get_function_address(name.decode())
    return address


def _function(address: int, kinds: Kinds) -> Callable[..., Any]:
    """Numba's calling convention: places for a result and an exception go first, a status comes back."""
    types: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
    for dtype, axes in kinds:
        scalar = np.ctypeslib.as_ctypes_type(np.dtype(dtype))
        types += [scalar] if axes is None else [ctypes.c_void_p, *[ctypes.c_int64] * axes]
    native = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(address)

    def function(*given: Any) -> None:
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        status = native(ctypes.addressof(result), ctypes.addressof(exception), *given)
        if status not in (0, _NONE):
            raise RuntimeError(f"a compiled loop ended with status {status}")

    return function


def _compiled(loop: Any, kinds: Kinds) -> tuple[int, bytes | None]:
    """Compile for arguments of these kinds; where it is, and its object file if it needs nothing of Numba's."""
    import llvmlite.binding as llvm
    from numba import from_dtype, types
    from numba.core import compiler, registry

    parts: list[Any] = []
    for dtype, axes in kinds:
        kind = from_dtype(np.dtype(dtype))
        parts += [kind] if axes is None else [types.CPointer(kind), *[types.int64] * axes]
    arrays = _arrays(kinds)

    def entry(given):  # type: ignore[no-untyped-def]
        loop(*arrays(given))

    flags = compiler.Flags()
    flags.nrt = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    target = registry.cpu_target
    made = compiler.compile_extra(
        target.typing_context, target.target_context, entry, (types.Tuple(parts),), types.void, flags, {}
    )
    library, name = made.library, made.fndesc.llvm_func_name
    module = llvm.parse_bitcode(library._final_module.as_bitcode())
    outside = {each.name for each in module.functions if each.is_declaration and not each.name.startswith("llvm.")}
    if not outside <= _KNOWN:
        return library.get_pointer_to_function(name), None
    body = name.encode() + b"\n" + library.codegen._tm.emit_object(module)
    return linked(body), body


def _arrays(kinds: Kinds) -> Any:
    """Numba's arrays over memory that is not its own: pointers, lengths and numbers in; arrays and numbers out."""
    from numba import from_dtype, types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import populate_array

    made = [
        from_dtype(np.dtype(dtype)) if axes is None else types.Array(from_dtype(np.dtype(dtype)), axes, "C")
        for dtype, axes in kinds
    ]

    @intrinsic
    def arrays(typing_context, given):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            parts = iter(cgutils.unpack_tuple(builder, arguments[0]))
            values = []
            for kind, (dtype, axes) in zip(made, kinds, strict=True):
                first = next(parts)
                if axes is None:
                    values.append(first)
                    continue
                lengths = [next(parts) for _ in range(axes)]
                size = context.get_constant(types.intp, np.dtype(dtype).itemsize)
                strides = [size]
                for length in lengths[:0:-1]:
                    strides.insert(0, builder.mul(strides[0], length))
                array = context.make_array(kind)(context, builder)
                populate_array(array, first, lengths, strides, size, None)
                values.append(array._getvalue())
            return context.make_tuple(builder, signature.return_type, values)

        return types.Tuple(made)(given), generate

    return arrays
