"""Prepare expression: normalise, impute, scale, correct batches. Samples in rows, genes in columns.

Estimators follow scikit-learn's convention and return the kind of table they were given: NumPy, pandas, SciPy sparse
or AnnData (a layer is written, ``X`` stays).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genolab.prepare.estimators.batches import ComBat, LinearBatch
    from genolab.prepare.estimators.filters import GeneFilter, Logarithm
    from genolab.prepare.estimators.imputers import KNNImputer, PPCAImputer, SoftImpute
    from genolab.prepare.estimators.normalizers import RPKM, TPM, LogCPM, PearsonResiduals, QuantileNormalizer
    from genolab.prepare.estimators.scalers import Scaler
    from genolab.prepare.estimators.size_factors import TMM, MedianOfRatios, UpperQuartile
    from genolab.prepare.estimators.stabilizers import VST, Voom

_HOME = {
    "LogCPM": "normalizers", "PearsonResiduals": "normalizers", "QuantileNormalizer": "normalizers",
    "RPKM": "normalizers", "TPM": "normalizers", "Scaler": "scalers", "MedianOfRatios": "size_factors",
    "TMM": "size_factors", "UpperQuartile": "size_factors", "VST": "stabilizers", "Voom": "stabilizers",
    "ComBat": "batches", "LinearBatch": "batches", "GeneFilter": "filters", "Logarithm": "filters",
    "KNNImputer": "imputers", "PPCAImputer": "imputers", "SoftImpute": "imputers",
}  # fmt: skip

__all__ = [
    "RPKM",
    "TMM",
    "TPM",
    "VST",
    "ComBat",
    "GeneFilter",
    "KNNImputer",
    "LinearBatch",
    "LogCPM",
    "Logarithm",
    "MedianOfRatios",
    "PPCAImputer",
    "PearsonResiduals",
    "QuantileNormalizer",
    "Scaler",
    "SoftImpute",
    "UpperQuartile",
    "Voom",
]


def __getattr__(name: str) -> Any:
    """Each name is loaded with its file when it is first used."""
    if name in _HOME:
        return getattr(import_module(f"genolab.prepare.estimators.{_HOME[name]}"), name)
    raise AttributeError(f"module 'genolab.prepare' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
