"""Small kernels that the tests of the abstraction itself are about; they stay out of the registry."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import Kernel
from genolab.spec import Spec, Symbol

Values = Annotated[Symbol, Spec("sample gene=3", "float64", "counts")]
Factor = Annotated[Symbol, Spec("", "float64", "scaling factor", unit="fold", low=0, high=10)]


class Scaled(NamedTuple):
    scaled: Annotated[Symbol, Spec("sample gene", "float64", "scaled counts")]
    total: Annotated[Symbol, Spec("sample", "float64", "sum of the scaled counts")]


def scale_counts(
    counts: Values,
    weight: Annotated[Symbol, Spec("gene", "float64", "weight of the gene", low=0, high=100)],
    factor: Factor = 2.0,
    *,
    power: int = 1,
) -> Scaled:
    r"""Scale. .. math:: s = (c w f)^p"""
    scaled = (counts * weight * factor) ** power
    return Scaled(scaled, scaled.sum(axis=1))


class Mixed(NamedTuple):
    real: Annotated[Symbol, Spec("value", "float32", "a sum of three terms")]
    whole: Annotated[Symbol, Spec("value", "int32", "a cast")]
    filled: Annotated[Symbol, Spec("value", "float64", "one number everywhere")]


def mixed_terms(
    number: Annotated[Symbol, Spec("value", "int64", "numbers")],
    real: Annotated[Symbol, Spec("value", "float32", "more numbers")],
    shift: Annotated[Symbol, Spec("", "float64", "a shift")] = 0.5,
) -> Mixed:
    r"""Casts, sums and products of many terms, a clip, and a number spread over an array (`Second`)."""
    real = pt.clip(real, -1.5, 1.25)
    total = number.astype("float32") + real + real * real * real + shift.astype("float32")
    spread = pt.second(number, shift)
    return Mixed(total, (real * 10).astype("int32") + number.astype("int32"), spread)


class Product(NamedTuple):
    product: Annotated[Symbol, Spec("row column", "float64", "matrix product")]


def matrix_product(
    left: Annotated[Symbol, Spec("row inner", "float64", "left")],
    right: Annotated[Symbol, Spec("inner column", "float64", "right")],
) -> Product:
    r"""Multiply. .. math:: P = L R"""
    return Product(left @ right)


class Running(NamedTuple):
    total: Annotated[Symbol, Spec("value", "float64", "running total")]


MARK = 1000.0
"""What the deliberately wrong loop adds, so that it can be told from the definition."""


def running_total(
    values: Annotated[Symbol, Spec("value", "float64", "values")],
    start: Annotated[Symbol, Spec("", "float64", "where the total begins")] = 0.0,
) -> Running:
    r"""Add up. .. math:: t_i = s + \sum_{j \le i} x_j"""
    return Running(start + pt.cumsum(values))


def marked_loop(values, start):
    out = np.empty_like(values)
    total = start.item() + 1000.0
    for i in range(values.size):
        total += values[i]
        out[i] = total
    return out


def kernel_with_loop() -> Kernel:
    """A new kernel whose loop differs from its definition by ``MARK``."""
    made = Kernel(running_total)
    made.fast(version=1)(marked_loop)
    return made
