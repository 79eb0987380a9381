"""Controls made from the caller's own thresholds: a slider each, with what it means and where it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from typing import Any

import ipywidgets

from genolab.call import Thresholds

IN_SIGHT = ("min_base_quality", "min_mapping_quality", "min_quality", "min_genotype_quality", "max_strand_bias")
"""The five that a person moves first; the rest is under More."""


@dataclass(frozen=True)
class Label:
    """One or two words for a threshold, and what happens where it is too low or too high."""

    text: str
    too_low: str
    too_high: str


LABELS = {
    "min_base_quality": Label("base quality", "sequencing errors count as evidence", "variants lose their reads"),
    "min_mapping_quality": Label(
        "mapping quality", "reads of a similar place elsewhere make false calls", "repeats lose all their reads"
    ),
    "min_alternate_count": Label("alternate count", "every error is considered", "variants in thin coverage are lost"),
    "min_alternate_fraction": Label(
        "alternate share", "errors in deep coverage are considered", "variants that few reads show are lost"
    ),
    "heterozygosity": Label("heterozygosity", "weak variants are held for errors", "errors are held for variants"),
    "min_quality": Label("QUAL", "more false calls", "true variants are set aside"),
    "min_genotype_quality": Label("GQ", "0/1 and 1/1 are mixed up", "true variants are set aside"),
    "min_depth": Label("depth", "calls rest on very few reads", "thinly covered regions go silent"),
    "max_strand_bias": Label("strand bias", "true variants are set aside by chance", "artefacts of one strand pass"),
    "max_strand_odds_ratio": Label(
        "strand odds ratio", "true variants are set aside by chance", "artefacts of one strand pass"
    ),
    "min_read_position_rank_sum": Label(
        "read position", "misaligned read ends pass", "true variants are set aside by chance"
    ),
    "min_mapping_quality_rank_sum": Label(
        "mapping rank", "variants shown by badly mapped reads only pass", "true variants are set aside by chance"
    ),
    "min_base_quality_rank_sum": Label(
        "base rank", "variants shown by poor bases only pass", "true variants are set aside by chance"
    ),
    "min_allele_balance": Label("allele balance", "lopsided sites pass", "true variants are set aside by chance"),
    "min_artefact_quality": Label("artefact", "systematic errors pass", "true variants are set aside by chance"),
}


FORMULAS = {
    "min_base_quality": "quality = −10 log10 P(base is wrong)",
    "min_mapping_quality": "quality = −10 log10 P(place is wrong)",
    "min_alternate_fraction": "share = reads with the allele / reads that are evidence",
    "min_quality": "QUAL = −10 log10 P(0/0 | reads)",
    "min_genotype_quality": "GQ = −10 log10 (P(second) / P(best))",
    "max_strand_bias": "FS = −10 log10 p of Fisher's exact test on strand × allele",
    "max_strand_odds_ratio": "SOR = ln(R + 1/R) + ln(ref ratio) − ln(alt ratio)",
    "min_read_position_rank_sum": "z of the Mann-Whitney test, alternate against reference",
    "min_mapping_quality_rank_sum": "z of the Mann-Whitney test, alternate against reference",
    "min_base_quality_rank_sum": "z of the Mann-Whitney test, alternate against reference",
    "min_allele_balance": "AB = alternate / (alternate + reference)",
    "min_artefact_quality": "AQ = 10 log10 (P(reads | variant) / P(reads | artefact))",
}
"""What a threshold is compared with, where that is a number that is worked out."""


def help_text(field: Field[Any]) -> str:
    """What a threshold means, its unit, range and default, and what happens if it is too low or too high."""
    about, label = field.metadata, LABELS[field.name]
    unit = f" {about['unit']}" if about["unit"] else ""
    formula = f"Formula: {FORMULAS[field.name]}\n" if field.name in FORMULAS else ""
    return (
        f"{about['doc'][0].upper()}{about['doc'][1:]}.\n{formula}"
        f"{about['low']:g} to {about['high']:g}{unit}, usually {field.default:g}.\n"
        f"Too low: {label.too_low}.\nToo high: {label.too_high}."
    )


def slider(field: Field[Any], value: float) -> ipywidgets.Widget:
    """A slider for one threshold, of its kind, range and step."""
    about = field.metadata
    common = {
        "value": value,
        "description": LABELS[field.name].text,
        "tooltip": help_text(field),
        "style": {"description_width": "98px"},
        "layout": ipywidgets.Layout(width="auto", flex="1 1 auto", min_width="0"),
    }
    if field.type == "int":
        return ipywidgets.IntSlider(min=about["low"], max=about["high"], step=about["step"], **common)
    if about["low"] > 0 and about["high"] / about["low"] >= 1000:  # over decades only a logarithm is even
        low, high = (int(f"{about[side]:e}".partition("e")[2]) for side in ("low", "high"))
        return ipywidgets.FloatLogSlider(min=low, max=high, step=0.1, readout_format=".0e", **common)
    digits = len(f"{about['step']:g}".partition(".")[2])
    return ipywidgets.FloatSlider(
        min=about["low"], max=about["high"], step=about["step"], readout_format=f".{digits}f", **common
    )


class ThresholdControls:
    """A slider for every threshold: five in sight (`main`), the others for the fold (`more`).

    `on_change` is called when one was moved; `reset` returns to the defaults with one call.
    """

    def __init__(self, thresholds: Thresholds | None = None, on_change: Callable[[], None] | None = None) -> None:
        self.on_change = on_change
        given = thresholds or Thresholds()
        kinds = {field.name: field for field in fields(Thresholds)}
        self.sliders = {name: slider(field, getattr(given, name)) for name, field in kinds.items()}
        rows = {}
        for name, each in self.sliders.items():
            unit = ipywidgets.Label(kinds[name].metadata["unit"]).add_class("genolab-unit")
            rows[name] = ipywidgets.HBox([each, unit]).add_class("genolab-row")
            each.observe(self._changed, "value")
        self.main = [rows[name] for name in IN_SIGHT]
        self.more = [row for name, row in rows.items() if name not in IN_SIGHT]
        self._quiet = False

    @property
    def thresholds(self) -> Thresholds:
        """What the sliders say, checked by :class:`~genolab.call.Thresholds` again."""
        return Thresholds(**self._values())

    def say(self, thresholds: Thresholds) -> bool:
        """Whether the sliders say just this."""
        return self._values() == vars(thresholds)

    def _values(self) -> dict[str, Any]:
        # a logarithmic slider and binary fractions leave digits that nobody chose
        values = {name: each.value for name, each in self.sliders.items()}
        return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in values.items()}

    def set(self, thresholds: Thresholds) -> None:
        """Move every slider; `on_change` is called once."""
        self._quiet = True
        try:
            for name, each in self.sliders.items():
                each.value = getattr(thresholds, name)
        finally:
            self._quiet = False
        self._changed(None)

    def reset(self) -> None:
        """Back to the defaults."""
        self.set(Thresholds())

    def _changed(self, _change: Any) -> None:
        if not self._quiet and self.on_change is not None:
            self.on_change()
