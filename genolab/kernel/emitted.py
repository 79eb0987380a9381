"""Functions that a loop's author emits for LLVM, called by address, so that the loop around them compiles only once.

Numba would compile a loop again for each function it is given. A function that takes pointers and 64-bit integers and
returns nothing needs none of Numba's typing: it is compiled in a tenth of the time, and kept as machine code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genolab.kernel.machine import LOCK, linked, processor
from genolab.kernel.store import kept, load, source_key, store

Emit = Callable[[Any, str], None]
"""Adds a function of that name to an LLVM module."""

_ADDRESSES: dict[str, int] = {}


def address_of(package: str, name: str, emit: Emit) -> int:
    """The address of an emitted function, which is loaded or compiled when it is first asked for.

    Parameters
    ----------
    package
        Whose sources the function depends on, as ``"genolab.align"``.
    name
        Its own name, which says all that ``emit`` depends on beside these sources.
    """
    if name not in _ADDRESSES:
        with LOCK:
            if name not in _ADDRESSES:  # another thread may have been first
                _ADDRESSES[name] = _loaded(package, name, emit)
    return _ADDRESSES[name]


def _loaded(package: str, name: str, emit: Emit) -> int:
    sources = source_key(package, "numba", "llvmlite")
    place, key = f"{package}.{name}.o", f"{sources} {processor()} {name}"
    body = load(place, key) if sources is not None and kept(place) else None
    if body is None:
        body = _compiled(name, emit)
        if sources is not None:
            store(place, key, body)
    return linked(body)


def _compiled(name: str, emit: Emit) -> bytes:
    """An object file behind the function's name, for the processor and with the passes of Numba's own code."""
    from numba.core import registry
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        library = registry.cpu_target.target_context.codegen().create_library(name)
        module = library.create_ir_module(name)
        emit(module, name)
        library.add_ir_module(module)
        library._optimize_final_module()  # not finalised, which would make code for this process alone
        code: bytes = library.codegen._tm.emit_object(library._final_module)
    return name.encode() + b"\n" + code
