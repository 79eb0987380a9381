"""The logarithm as a step of its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import logarithm
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.table import Table


class Logarithm(Preparation):
    r"""The logarithm of normalised counts and an offset: :math:`\log_b(x_{sg} + o)`.

    Parameters
    ----------
    offset
        Added before the logarithm. With 1 a zero stays 0, and a sparse matrix sparse.
    base
        Of the logarithm.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``logarithm``.
    """

    _writes = "logarithm"

    def __init__(self, offset: float = 1.0, base: float = 2.0, layer: str | None = None) -> None:
        self.offset, self.base, self.layer = offset, base, layer

    def inverse_transform(self, X: Any) -> Any:
        """Back from the logarithm: :math:`b^y - o`."""
        table = self._read(X, fitting=False)
        held = table.values.data if table.is_sparse else table.values
        nats = held * held.dtype.type(math.log(self.base))
        back = np.expm1(nats) if self.offset == 1 else np.exp(nats) - held.dtype.type(self.offset)
        return self._written(table, table.with_stored(back) if table.is_sparse else back)

    def _apply(self, table: Table) -> Any:
        held = table.values.data if table.is_sparse else table.values
        least = float(held.min(initial=0 if table.is_sparse else np.inf))
        if least < 0 or least + self.offset <= 0:
            fix = "Normalised counts are meant; raise the offset where there are zeros."
            raise InputError("Logarithm", "X", "values from 0, and above 0 with the offset", f"{least:g}", fix)
        if not table.is_sparse:
            return run(logarithm.logarithm, table, self.offset, self.base).logarithm
        if self.offset != 1:
            fix = "Use offset=1, or X.toarray()."
            found = f"{self.offset:g}"
            raise InputError("Logarithm", "offset", "1 for a sparse matrix, whose zeros must stay zeros", found, fix)
        return table.with_stored(logarithm.logarithm_stored.at(held.dtype)(held, self.base).logarithm)
