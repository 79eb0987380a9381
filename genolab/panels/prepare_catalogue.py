"""The steps that a person may choose, and how their parameters become controls: ranges come from the kernels' specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import ipywidgets

from genolab import prepare
from genolab.plots.graph import readable
from genolab.spec import Spec

BASES = {"2": 2.0, "e": 2.718281828459045, "10": 10.0}


@dataclass(frozen=True)
class Control:
    """One parameter on screen: a word or two, what goes wrong at its ends, and where its range is written.

    ``spec`` names a kernel's input (``tmm.tmm:ratio_trim`` of :mod:`genolab.prepare`) or is a spec itself; ``choices``
    are the values of a parameter that is no number.
    """

    text: str
    too_low: str = ""
    too_high: str = ""
    spec: str | Spec = ""
    choices: Mapping[str, Any] | None = None
    doc: str = ""

    def range(self) -> Spec | None:
        """The spec, looked up in its kernel."""
        if isinstance(self.spec, Spec):
            return self.spec
        if not self.spec:
            return None
        place, _, name = self.spec.partition(":")
        module, _, kernel = place.rpartition(".")
        found: Spec = getattr(import_module(f"genolab.prepare.{module}"), kernel).inputs[name]
        return found


@dataclass(frozen=True)
class Kind:
    """One step: its estimator and title, the kernel that its graph shows, its controls and the columns it asks for."""

    name: str
    title: str
    kernel: str
    controls: Mapping[str, Control] = field(default_factory=dict)
    columns: Mapping[str, bool] = field(default_factory=dict)
    """Argument to whether it must be given (``batch``) or may stay empty (``covariates``)."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the step when it is added, where they are not the estimator's defaults."""

    when: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters that follow from a column being given."""

    @property
    def about(self) -> str:
        """The first sentence of the estimator's docstring."""
        return readable((getattr(prepare, self.name).__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " "))

    def parameters(self) -> dict[str, Any]:
        """The estimator's parameters as the step begins."""
        defaults = getattr(prepare, self.name)().get_params()
        for unseen in ("layer", "copy"):
            defaults.pop(unseen, None)
        return {**defaults, **self.given}


_LOG = Control("log2", doc="whether the result is the logarithm (base 2) of counts per million and 1")
_BASE = Control("base", choices=BASES, doc="base of the logarithm")
_POSCOUNTS = Control("zeros count", doc="genes with zeros take part; for sparse counts, where every gene has one")
_OFFSET = ("offset", "noise of rare genes is blown up", "differences vanish")
_TRIM = ("few genes are left to tell",)
_FACTORS = ("factors", "little is explained", "noise is learnt")
_NUMBER_OF_FACTORS = Spec("", "int64", "factors that explain the table", low=1, high=30, step=1)
_THETA = "residuals.pearson_residuals:theta"
_NEIGHBOURS = "impute_neighbours.neighbour_impute:neighbours"
_COUNT = Spec("", "float64", "counts that a gene needs, in a library of median size", "counts", 0, 100, 1)
_SAMPLES = Spec("", "int64", "samples that must reach it: the smallest group", low=1, high=50, step=1)
_SPAN = Spec("", "float64", "share of the genes that each piece of the trend sees", low=0.1, high=1, step=0.05)

KINDS = (
    Kind("GeneFilter", "Filter genes", "expressed_genes", {
        "min_count": Control("count", "genes that are mostly noise stay", "genes of interest are lost", _COUNT),
        "min_samples": Control("samples", "one odd sample keeps a gene", "genes of a small group are lost", _SAMPLES),
    }),
    Kind("LogCPM", "Log CPM", "log_cpm", {
        "target": Control("per", "all values shrink to 0", "differences of zeros are blown up", "depth.log_cpm:target"),
        "offset": Control(*_OFFSET, "depth.log_cpm:offset"),
        "base": _BASE,
    }, given={"base": 2.0}),
    Kind("TMM", "TMM", "tmm", {
        "ratio_trim": Control("M trim", "changed genes move the factor", *_TRIM, "tmm.tmm:ratio_trim"),
        "sum_trim": Control("A trim", "rare genes move the factor", *_TRIM, "tmm.tmm:sum_trim"),
        "singleton_pairing": Control("pair zeros", doc="edgeR's TMMwsp: better for many zeros"),
        "log": _LOG,
    }, given={"log": True}),
    Kind("UpperQuartile", "Upper quartile", "count_quantiles", {
        "p": Control("quantile", "zeros decide", "a few loud genes decide", "factors.count_quantiles:probability"),
        "log": _LOG,
    }, given={"log": True}),
    Kind("MedianOfRatios", "Median of ratios", "median_of_ratios", {"poscounts": _POSCOUNTS}),
    Kind("Logarithm", "Logarithm", "logarithm", {
        "offset": Control(*_OFFSET, "logarithm.logarithm:offset"),
        "base": _BASE,
    }),
    Kind("VST", "VST", "variance_stabilised", {"poscounts": _POSCOUNTS}, {"y": False}, when={"y": {"blind": False}}),
    Kind("Voom", "Voom", "voom_log_cpm", {
        "span": Control("span", "the trend follows noise", "the trend is stiff", _SPAN),
        "normalize": Control("TMM", doc="whether library sizes are multiplied by TMM factors"),
    }, {"y": False}),
    Kind("PearsonResiduals", "Pearson residuals", "pearson_residuals", {
        "theta": Control("theta", "differences count as noise", "noise counts as difference", _THETA),
    }),
    Kind("QuantileNormalizer", "Quantiles", "quantile_normalise", {
        "ties": Control("ties", choices={"mid rank": "midrank", "by order": "first"}, doc="what equal values become"),
    }),
    Kind("KNNImputer", "Impute: neighbours", "neighbour_impute", {
        "n_neighbors": Control("nearest", "values are noisy", "distant samples take part", _NEIGHBOURS),
    }),
    Kind("SoftImpute", "Impute: soft SVD", "soft_step", {
        "max_rank": Control(*_FACTORS, _NUMBER_OF_FACTORS),
    }, given={"max_rank": 10}),
    Kind("PPCAImputer", "Impute: PPCA", "ppca_step", {"n_components": Control(*_FACTORS, _NUMBER_OF_FACTORS)}),
    Kind("ComBat", "ComBat", "combat_posteriors", {
        "mean_only": Control("level only", doc="batches differ in their level, not in their spread"),
    }, {"batch": True, "covariates": False}),
    Kind("LinearBatch", "Linear batch removal", "linear_effects", {}, {"batch": True, "covariates": False}),
    Kind("Scaler", "Scale genes", "z_score", {
        "kind": Control("kind", choices={"z": "z", "robust": "robust", "0 to 1": "minmax", "ranks": "rank"},
                        doc="z: mean 0, deviation 1; robust: median 0, quartile distance 1; or ranks as normal scores"),
    }),
)  # fmt: skip
"""In the order in which they are usually taken."""

BY_NAME = {kind.name: kind for kind in KINDS}
COLUMN_WORDS = {"batch": "batch", "covariates": "keep", "y": "groups"}
COLUMN_HELP = {
    "batch": "the column that says which batch a sample is of",
    "covariates": "a condition whose differences must stay; without one, what goes along with the batch is lost",
    "y": "the groups that are compared; without them every difference counts as spread",
}
NOTHING = "none"


def widget_of(control: Control, value: Any) -> ipywidgets.Widget:
    """A slider, a box to tick or a list, of the parameter's kind and range."""
    look: dict[str, Any] = {"description": control.text, "tooltip": help_text(control, value)}
    look |= {"style": {"description_width": "62px"}, "layout": {"width": "auto", "flex": "1 1 auto", "min_width": "0"}}
    if control.choices is not None:
        return ipywidgets.Dropdown(options=list(control.choices.items()), value=value, **look)
    if isinstance(value, bool):
        return ipywidgets.Checkbox(value=value, indent=True, **look)
    spec = control.range()
    assert spec is not None, control.text
    low, high = spec.low or 0, spec.high or 1
    if isinstance(value, int) and not spec.dtype.startswith("float"):
        return ipywidgets.IntSlider(min=int(low), max=int(high), value=value, step=int(spec.step or 1), **look)
    if low > 0 and high / low >= 1000:  # over decades only a logarithm is even
        ends = {side: int(f"{end:e}".partition("e")[2]) for side, end in (("min", low), ("max", high))}
        return ipywidgets.FloatLogSlider(value=value, step=0.1, readout_format=".2g", **ends, **look)
    step = spec.step or 0.01
    digits = len(f"{step:g}".partition(".")[2])
    return ipywidgets.FloatSlider(min=low, max=high, value=value, step=step, readout_format=f".{digits}f", **look)


def help_text(control: Control, value: Any) -> str:
    """What a parameter means, its unit and range, its usual value, and what happens at the ends."""
    spec = control.range()
    doc = control.doc or (spec.doc if spec is not None else control.text)
    lines = [f"{doc[0].upper()}{doc[1:]}."]
    if spec is not None and spec.low is not None and spec.high is not None:
        lines.append(f"{spec.low:g} to {spec.high:g}{f' {spec.unit}' if spec.unit else ''}, usually {value:g}.")
    if control.too_low:
        lines += [f"Too low: {control.too_low}.", f"Too high: {control.too_high}."]
    return "\n".join(lines)
