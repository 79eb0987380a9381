"""Predict from sequences and genotypes: classes, expression, risk; and say how far a score can be trusted.

Estimators follow scikit-learn's convention. Networks and linear models are PyTensor graphs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genolab.predict.evaluation import Evaluation, cross_validate
    from genolab.predict.expression import ExpressionRegressor
    from genolab.predict.leaks import Leaks, check_leaks, similarity_clusters
    from genolab.predict.model import load
    from genolab.predict.risk import RiskReport, RiskScore
    from genolab.predict.sequence import SequenceClassifier

_HOME = {
    "SequenceClassifier": "sequence", "ExpressionRegressor": "expression", "load": "model",
    "RiskScore": "risk", "RiskReport": "risk", "cross_validate": "evaluation", "Evaluation": "evaluation",
    "check_leaks": "leaks",
    "similarity_clusters": "leaks", "Leaks": "leaks",
}  # fmt: skip

__all__ = [
    "Evaluation",
    "ExpressionRegressor",
    "Leaks",
    "RiskReport",
    "RiskScore",
    "SequenceClassifier",
    "check_leaks",
    "cross_validate",
    "load",
    "similarity_clusters",
]


def __getattr__(name: str) -> Any:
    """Each name is loaded with its file when it is first used."""
    if name in _HOME:
        return getattr(import_module(f"genolab.predict.{_HOME[name]}"), name)
    raise AttributeError(f"module 'genolab.predict' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
