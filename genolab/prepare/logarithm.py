"""The logarithm of what was normalised already."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.spec import Spec, Symbol

Base = Annotated[Symbol, Spec("", "float64", "base of the logarithm", low=1.1, high=10, symbol="b")]


class Logarithms(NamedTuple):
    """Expression on a logarithmic scale."""

    logarithm: Annotated[Symbol, Spec("sample gene", "float32", "logarithm of the values and the offset", symbol="y")]


@kernel(backend="numpy", at_once=True)
def logarithm(
    values: Annotated[Symbol, Spec("sample gene", "float32", "normalised counts", low=0, symbol="x")],
    offset: Annotated[Symbol, Spec("", "float64", "added before the logarithm", low=1e-3, high=100, symbol="o")] = 1.0,
    base: Base = 2.0,
) -> Logarithms:
    r"""Logarithm of the values and an offset.

    .. math:: y_{sg} = \log_b(x_{sg} + o)
    """
    per = (1 / pt.log(base)).astype(values.dtype)
    return Logarithms(pt.log(values + offset.astype(values.dtype)) * per)


@logarithm.driven
def _logarithm(values: np.ndarray, offset: Any, base: Any) -> np.ndarray:
    out, kind = np.empty_like(values), values.dtype.type
    shift = kind(math.log(offset) / math.log(base))
    _log_scaled(values.reshape(-1), kind(1 / offset), kind(1 / math.log(base)), shift, out.reshape(-1))
    return out


class StoredLogarithms(NamedTuple):
    """Logarithms of a sparse matrix; its zeros stay zeros."""

    logarithm: Annotated[Symbol, Spec("stored", "float32", "logarithm where an entry is stored", symbol="y")]


@kernel(backend="numpy", at_once=True)
def logarithm_stored(
    value: Annotated[
        Symbol, Spec("stored", "float32", "entries of a sparse matrix that are stored", low=0, symbol="x")
    ],
    base: Base = 2.0,
) -> StoredLogarithms:
    r"""Logarithm of one more than the entries of a sparse matrix.

    .. math:: y_{sg} = \log_b(x_{sg} + 1)
    """
    return StoredLogarithms(pt.log1p(value) * (1 / pt.log(base)).astype(value.dtype))


@logarithm_stored.driven
def _logarithm_stored(value: np.ndarray, base: Any) -> np.ndarray:
    out, kind = np.empty_like(value), value.dtype.type
    _log_scaled(value, kind(1), kind(1 / math.log(base)), kind(0), out)
    return out


def _log_scaled(values: np.ndarray, scale: Any, unit: Any, shift: Any, out: np.ndarray) -> None:
    from genolab.prepare.loops import rows

    spread(rows.log_scaled, values.size, values, scale, unit, shift, out)
