"""What made a prepared table: enough to make it again, and to see whether it is still the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from genolab import __version__
from genolab.prepare.table import Table


def provenance_of(what: str, parameters: dict[str, Any], table: Table, kernels: Iterable[str]) -> dict[str, Any]:
    """The step with its parameters, the table that was given, the kernels' names, and the version, as plain data."""
    return {
        "genolab": __version__,
        "step": what,
        "parameters": parameters,
        "input": described(table),
        "kernels": list(kernels),
    }


def described(table: Table) -> dict[str, Any]:
    """Shape, kind and digest of a table's values."""
    return {
        "samples": table.shape[0],
        "genes": table.shape[1],
        "dtype": str(table.dtype),
        "sparse": table.is_sparse,
        "digest": digest_of(table),
    }


def digest_of(table: Table) -> str:
    """A digest of the values, the same for dense and sparse tables that are equal in one precision."""
    digest = hashlib.blake2b(digest_size=16)
    for _, values in table.blocks():
        digest.update(np.ascontiguousarray(values).data)
    return f"blake2b:{digest.hexdigest()}"
