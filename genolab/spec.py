"""The vocabulary: what an array means. Coordinates are 0-based and half-open everywhere inside genolab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytensor.tensor.variable import TensorVariable as Symbol
else:
    Symbol = Any  # the vocabulary must not load PyTensor


@dataclass(frozen=True)
class Spec:
    """What an array means: its axes in order, dtype, meaning, unit and range (a scalar's range feeds its slider).

    ``axes`` names them outermost first, with a length where it never varies: ``"site allele=4"``. Where the values
    number the places along an axis of another array, ``index`` names that axis. ``symbol`` is what the kernel's formula
    calls the array, in LaTeX; several are parted by semicolons.
    """

    axes: str
    dtype: str
    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    index: str = ""
    symbol: str = ""

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the axes, outermost first."""
        return tuple(axis.partition("=")[0] for axis in self.axes.split())

    @property
    def lengths(self) -> tuple[int | None, ...]:
        """The lengths of the axes that never vary; None for the others."""
        return tuple(
            int(length) if length else None for _, _, length in (axis.partition("=") for axis in self.axes.split())
        )

    def __str__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.dtype}[{', '.join(self.dims)}] ({self.doc}{unit})"


BASES = "ACGTN"
"""Base codes: A 0, C 1, G 2, T 3, and 4 for everything else."""
