"""Call variants: from aligned reads to genotypes, each with its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.call.caller import call_variants
    from genolab.call.calls import VariantCalls
    from genolab.call.comparing import compare
    from genolab.call.comparison import Comparison
    from genolab.call.error_model import ErrorModel, fit_error_model, load_error_model
    from genolab.call.evidence import Evidence, collect
    from genolab.call.explanation import Explanation, explain
    from genolab.call.genotyping import genotype
    from genolab.call.joint_calls import JointCalls
    from genolab.call.ploidy import PloidyMap
    from genolab.call.stream import call_to_file
    from genolab.call.thresholds import Thresholds

_HOME = {
    "call_variants": "caller",
    "VariantCalls": "calls",
    "compare": "comparing",
    "Comparison": "comparison",
    "ErrorModel": "error_model",
    "fit_error_model": "error_model",
    "load_error_model": "error_model",
    "Evidence": "evidence",
    "collect": "evidence",
    "Explanation": "explanation",
    "explain": "explanation",
    "genotype": "genotyping",
    "JointCalls": "joint_calls",
    "PloidyMap": "ploidy",
    "call_to_file": "stream",
    "Thresholds": "thresholds",
}

__all__ = [
    "Comparison",
    "ErrorModel",
    "Evidence",
    "Explanation",
    "JointCalls",
    "PloidyMap",
    "Thresholds",
    "VariantCalls",
    "call_to_file",
    "call_variants",
    "collect",
    "compare",
    "explain",
    "fit_error_model",
    "genotype",
    "load_error_model",
]

__getattr__, __dir__ = lazy(__name__, {name: f"call.{file}" for name, file in _HOME.items()})
