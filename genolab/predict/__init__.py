"""Predict from sequences and genotypes: classes, expression, risk; and say how far a score can be trusted.

Estimators follow scikit-learn's convention. Networks and linear models are PyTensor graphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.predict.cis import CisWindow, cis_window, read_gene_places
    from genolab.predict.evaluation import Evaluation, cross_validate
    from genolab.predict.expression import ExpressionRegressor
    from genolab.predict.expression_leaks import ExpressionLeaks, check_expression_leaks
    from genolab.predict.expression_linear import CisExpression, GeneExpression
    from genolab.predict.expression_report import ExpressionReport, judge_expression
    from genolab.predict.leaks import Leaks, check_leaks, similarity_clusters
    from genolab.predict.model import load
    from genolab.predict.one_sequence import SequenceExplanation, explain_sequence
    from genolab.predict.risk import RiskScore
    from genolab.predict.risk_report import RiskReport
    from genolab.predict.search import Settings, search_settings
    from genolab.predict.sequence import SequenceClassifier
    from genolab.predict.splits import held_out
    from genolab.predict.study import Judged, Study, make_study

_HOME = {
    "SequenceClassifier": "sequence", "ExpressionRegressor": "expression", "load": "model",
    "RiskScore": "risk", "RiskReport": "risk_report", "cross_validate": "evaluation", "Evaluation": "evaluation",
    "check_leaks": "leaks",
    "similarity_clusters": "leaks", "Leaks": "leaks", "explain_sequence": "one_sequence",
    "SequenceExplanation": "one_sequence", "CisExpression": "expression_linear",
    "GeneExpression": "expression_linear", "Judged": "study", "Study": "study", "make_study": "study",
    "judge_expression": "expression_report", "ExpressionReport": "expression_report",
    "check_expression_leaks": "expression_leaks", "ExpressionLeaks": "expression_leaks",
    "cis_window": "cis", "CisWindow": "cis", "read_gene_places": "cis",
    "held_out": "splits", "Settings": "search", "search_settings": "search",
}  # fmt: skip

__all__ = [
    "CisExpression",
    "CisWindow",
    "Evaluation",
    "ExpressionLeaks",
    "ExpressionRegressor",
    "ExpressionReport",
    "GeneExpression",
    "Judged",
    "Leaks",
    "RiskReport",
    "RiskScore",
    "SequenceClassifier",
    "SequenceExplanation",
    "Settings",
    "Study",
    "check_expression_leaks",
    "check_leaks",
    "cis_window",
    "cross_validate",
    "explain_sequence",
    "held_out",
    "judge_expression",
    "load",
    "make_study",
    "read_gene_places",
    "search_settings",
    "similarity_clusters",
]

__getattr__, __dir__ = lazy(__name__, {name: f"predict.{file}" for name, file in _HOME.items()})
