"""The logarithm of what was normalised already."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.spec import Spec, Symbol


class Logarithms(NamedTuple):
    """Expression on a logarithmic scale."""

    logarithm: Annotated[Symbol, Spec("sample gene", "float32", "logarithm of the values and the offset")]


@kernel(backend="numpy")
def logarithm(
    values: Annotated[Symbol, Spec("sample gene", "float32", "normalised counts", low=0)],
    offset: Annotated[Symbol, Spec("", "float64", "added before the logarithm", low=1e-3, high=100)] = 1.0,
    base: Annotated[Symbol, Spec("", "float64", "base of the logarithm", low=1.1, high=10)] = 2.0,
) -> Logarithms:
    r"""Logarithm of the values and an offset.

    .. math:: y_{sg} = \log_b(x_{sg} + o)
    """
    per = (1 / pt.log(base)).astype(values.dtype)
    return Logarithms(pt.log(values + offset.astype(values.dtype)) * per)
