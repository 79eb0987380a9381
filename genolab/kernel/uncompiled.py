"""A Numba loop as plain Python: slow, and there without a compiler, so that a small first picture need not wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from genolab.kernel.at_once import compiled, kinds_of, left_to_compile, waited_for


def run(loop: Any, *arguments: Any) -> Any:
    """Run a loop on its arguments; where a person waits and it was never compiled on this machine, as plain Python.

    For what is small: Python takes a hundred times as long. What is compiled behind the answer works on copies.
    """
    if not waited_for() and loop in _ran:
        return loop(*arguments)
    name, kinds = f"{loop.__module__}.{loop.__name__}", kinds_of(arguments)
    if waited_for():
        copies = [np.array(each) if isinstance(each, np.ndarray) else each for each in arguments]
        if left_to_compile(name, kinds, lambda: run(loop, *copies)):
            return uncompiled(loop)(*arguments)
    result = loop(*arguments)
    compiled(name, kinds)
    _ran.add(loop)
    return result


_ran: set[Any] = set()


@cache
def uncompiled(loop: Any) -> Callable[..., Any]:
    """The Python of a loop, which calls the Python of its parts."""
    function = loop.py_func
    scope = dict(function.__globals__)
    for name in function.__code__.co_names:
        if hasattr(scope.get(name), "py_func"):
            scope[name] = uncompiled(scope[name])
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
