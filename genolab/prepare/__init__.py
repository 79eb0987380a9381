"""Prepare expression: normalise, impute, scale, correct batches. Samples in rows, genes in columns.

Estimators follow scikit-learn's convention and return the kind of table they were given: NumPy, pandas, SciPy sparse
or AnnData (a layer is written, ``X`` stays).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.io.counts import read_counts
    from genolab.prepare.estimators.batches import ComBat, LinearBatch
    from genolab.prepare.estimators.factor_imputers import PPCAImputer, SoftImpute
    from genolab.prepare.estimators.genotypes import GenotypeImputer
    from genolab.prepare.estimators.imputers import KNNImputer, SimpleImputer
    from genolab.prepare.estimators.logarithms import Logarithm
    from genolab.prepare.estimators.normalizers import RPKM, TPM, LogCPM, PearsonResiduals, QuantileNormalizer
    from genolab.prepare.estimators.pipeline import Pipeline, make_pipeline
    from genolab.prepare.estimators.reducers import PCA
    from genolab.prepare.estimators.scalers import Scaler
    from genolab.prepare.estimators.selectors import GeneFilter, HighlyVariableGenes
    from genolab.prepare.estimators.size_factors import TMM, MedianOfRatios, UpperQuartile
    from genolab.prepare.estimators.stabilizers import VST, Voom
    from genolab.prepare.quality import Quality, quality_control
    from genolab.prepare.read_control import ADAPTERS, ReadQuality, read_quality
    from genolab.prepare.streaming import Transformed, transform_file

_HOME = {
    "PCA": "prepare.estimators.reducers",
    "ADAPTERS": "prepare.read_control",
    "RPKM": "prepare.estimators.normalizers",
    "TMM": "prepare.estimators.size_factors",
    "TPM": "prepare.estimators.normalizers",
    "VST": "prepare.estimators.stabilizers",
    "ComBat": "prepare.estimators.batches",
    "GeneFilter": "prepare.estimators.selectors",
    "GenotypeImputer": "prepare.estimators.genotypes",
    "HighlyVariableGenes": "prepare.estimators.selectors",
    "KNNImputer": "prepare.estimators.imputers",
    "LinearBatch": "prepare.estimators.batches",
    "LogCPM": "prepare.estimators.normalizers",
    "Logarithm": "prepare.estimators.logarithms",
    "MedianOfRatios": "prepare.estimators.size_factors",
    "PPCAImputer": "prepare.estimators.factor_imputers",
    "PearsonResiduals": "prepare.estimators.normalizers",
    "Pipeline": "prepare.estimators.pipeline",
    "Quality": "prepare.quality",
    "QuantileNormalizer": "prepare.estimators.normalizers",
    "ReadQuality": "prepare.read_control",
    "Scaler": "prepare.estimators.scalers",
    "SimpleImputer": "prepare.estimators.imputers",
    "SoftImpute": "prepare.estimators.factor_imputers",
    "UpperQuartile": "prepare.estimators.size_factors",
    "Voom": "prepare.estimators.stabilizers",
    "make_pipeline": "prepare.estimators.pipeline",
    "quality_control": "prepare.quality",
    "read_counts": "io.counts",
    "read_quality": "prepare.read_control",
    "transform_file": "prepare.streaming",
    "Transformed": "prepare.streaming",
}

__all__ = [
    "ADAPTERS",
    "PCA",
    "RPKM",
    "TMM",
    "TPM",
    "VST",
    "ComBat",
    "GeneFilter",
    "GenotypeImputer",
    "HighlyVariableGenes",
    "KNNImputer",
    "LinearBatch",
    "LogCPM",
    "Logarithm",
    "MedianOfRatios",
    "PPCAImputer",
    "PearsonResiduals",
    "Pipeline",
    "Quality",
    "QuantileNormalizer",
    "ReadQuality",
    "Scaler",
    "SimpleImputer",
    "SoftImpute",
    "Transformed",
    "UpperQuartile",
    "Voom",
    "make_pipeline",
    "quality_control",
    "read_counts",
    "read_quality",
    "transform_file",
]

__getattr__, __dir__ = lazy(__name__, _HOME)
