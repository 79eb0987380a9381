"""The controls of the align panel: sequences, mode, and a slider for every score and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from genolab.align import Scoring
from genolab.align.aligner import MODES
from genolab.align.matrices import NAMES
from genolab.align.scoring import AMBIGUOUS
from genolab.panels.align_source import EXAMPLES, Example
from genolab.panels.paths import LOOK

OWN, DNA = "own sequences", "DNA"
_COSTS = {True: (4, 2), False: (10, 1)}
"""Usual costs of opening and extending a gap: of DNA, of proteins."""

_ABOUT = {
    "match": "Score of two equal bases.\n1 to 10, usually 2.\nToo low: gaps are as good as matches.\n"
    "Too high: mismatches and gaps cost next to nothing.",
    "mismatch": "Score of two different bases.\n−10 to 0, usually −4.\n"
    "Too low: gaps in place of mismatches.\nToo high: unrelated stretches are aligned.",
    "gap_open": "Cost of a gap, whatever its length.\nFormula: cost(k letters) = open + k × extend\n"
    "0 to 20, usually 4 for DNA, 10 for proteins.\n"
    "Too low: many short gaps.\nToo high: mismatches in place of gaps.",
    "temperature": "How far alignments below the best count: the share of each grows with its score.\n"
    "Formula: share = exp(score / T) / Σ exp(score / T)\n"
    "0 shows none, usually 1 to 5.\nToo low: only the best is seen.\nToo high: everything looks possible.\n"
    "For the modes global and local.",
    "word": "Letters of a word in the dot plot; 0 takes the usual length.\n0 to 31, usually 0.\n"
    "Too low: chance matches everywhere.\n"
    "Too high: nothing but copies.",
    "gap_extend": "Cost of each letter of a gap.\nFormula: cost(k letters) = open + k × extend\n"
    "0 to 10, usually 2 for DNA, "
    "1 for proteins.\nToo low: long gaps cost nothing.\nToo high: long insertions are broken up.",
    "second_open": "Cost of a long gap, where this piece is the cheaper one.\n"
    "Formula: cost(k) = min(open + k × extend, second open + k × second extend)\n0 to 60, usually 24.\n"
    "Too low: every gap is a long one.\nToo high: the second piece is never used.",
    "second_extend": "Cost of each letter of a long gap.\n"
    "Formula: cost(k) = min(open + k × extend, second open + k × second extend)\n0 to 10, usually 1.\n"
    "Too low: long gaps cost nothing.\nToo high: the second piece is never used.",
}
_EXAMPLE = "sequences that come with genolab, with a scoring that suits them"
_MODES = {
    "global": "both from end to end",
    "semiglobal": "the whole query somewhere in the target",
    "overlap": "free at all four ends",
    "local": "the best stretch of each",
    "extension": "from the first letters as far as it pays",
}


class AlignControls:
    """Boxes for two sequences and everything that :class:`genolab.align.Scoring` takes.

    `on_change` is called when a value was moved, `on_example` when an example was chosen, and `on_look` when only the
    picture of the same alignment is to change.
    """

    def __init__(
        self, on_change: Callable[[], None], on_example: Callable[[], None], on_look: Callable[[], None]
    ) -> None:
        self.on_change, self.on_example = on_change, on_example
        self._quiet = False
        names = [each.label for each in EXAMPLES]
        self.example = ipywidgets.Dropdown(
            description="example", options=[*names, OWN], value=OWN, tooltip=_EXAMPLE, **LOOK
        )
        self.query = _letters("query", "letters, FASTA text, or the path of a FASTA file (file.fa#record)")
        self.target = _letters("target", "the same; leave it empty to align all sequences of the query's file")
        self.mode = ipywidgets.Dropdown(
            description="mode",
            options=[(name, name) for name in MODES],
            tooltip=_describe(_MODES),
            **LOOK,
        )
        self.matrix = ipywidgets.Dropdown(
            description="scores",
            options=[DNA, *NAMES],
            tooltip="match and mismatch of bases, or a protein matrix",
            **LOOK,
        )
        self.sliders = {
            "match": _slider("match", 2, 1, 10),
            "mismatch": _slider("mismatch", -4, -10, 0),
            "gap_open": _slider("gap_open", 4, 0, 20),
            "gap_extend": _slider("gap_extend", 2, 0, 10),
        }
        self.temperature = ipywidgets.FloatSlider(
            value=0.0, min=0.0, max=20.0, step=0.5, readout_format=".1f", **_look("temperature")
        )
        self.temperature_row = ipywidgets.HBox([self.temperature]).add_class("genolab-row")
        self.word = _slider("word", 0, 0, 31)
        self.word_row = ipywidgets.HBox([self.word], layout=ipywidgets.Layout(display="none"))
        self.word_row.add_class("genolab-row")
        self.ambiguous = ipywidgets.Dropdown(
            description="N, R, Y …",
            options=AMBIGUOUS,
            tooltip="what IUPAC codes score: see Scoring",
            **LOOK,
        )
        self.second = ipywidgets.Checkbox(
            description="second gap piece", value=False, indent=False, tooltip="a flatter cost for long gaps"
        )
        self.second_open, self.second_extend = _slider("second_open", 24, 0, 60), _slider("second_extend", 1, 0, 10)
        self.rows = {name: ipywidgets.HBox([each]).add_class("genolab-row") for name, each in self.sliders.items()}
        self.second_rows = ipywidgets.VBox(
            [ipywidgets.HBox([each]).add_class("genolab-row") for each in (self.second_open, self.second_extend)],
            layout=ipywidgets.Layout(display="none"),
        )
        self.main = [self.example, self.query, self.target, self.mode, self.matrix, *self.rows.values()]
        self.main += [self.temperature_row, self.word_row]
        self.more = [self.ambiguous, self.second, self.second_rows]
        moved = (
            self.query, self.target, self.mode, self.ambiguous, self.second, self.second_open, self.second_extend,
            *self.sliders.values(),
        )  # fmt: skip
        for each in moved:
            each.observe(self._moved, "value")
        self.temperature.observe(lambda _change: on_look(), "value")
        self.word.observe(lambda _change: on_look(), "value")
        self.matrix.observe(self._matrix_chosen, "value")
        self.example.observe(self._example_chosen, "value")

    @property
    def scoring(self) -> Scoring:
        """What the sliders say, checked by :class:`genolab.align.Scoring`."""
        values = {name: each.value for name, each in self.sliders.items()}
        if self.matrix.value != DNA:
            values |= {"matrix": self.matrix.value}
            del values["match"], values["mismatch"]
        second = (self.second_open.value, self.second_extend.value) if self.second.value else None
        return Scoring(**values, second_gap=second, ambiguous=self.ambiguous.value)

    def set(self, scoring: Scoring, mode: str) -> None:
        """Move every control; `on_change` is not called."""
        was, self._quiet = self._quiet, True
        try:
            self.mode.value = mode
            self.matrix.value = scoring.matrix if isinstance(scoring.matrix, str) else DNA
            for name, each in self.sliders.items():
                each.value = getattr(scoring, name)
            self.ambiguous.value = scoring.ambiguous
            self.second.value = scoring.second_gap is not None
            if scoring.second_gap is not None:
                self.second_open.value, self.second_extend.value = scoring.second_gap
            self._arrange()
        finally:
            self._quiet = was

    def start(self, query: str, target: str) -> None:
        """Write own sequences into the boxes; `on_change` is not called."""
        was, self._quiet = self._quiet, True
        try:
            self.query.value, self.target.value = query, target
        finally:
            self._quiet = was

    def fill(self, example: Example) -> None:
        """Write an example into the boxes and take its scoring; `on_change` is not called."""
        was, self._quiet = self._quiet, True
        try:
            self.example.value, self.query.value, self.target.value = example.label, example.query, example.target
        finally:
            self._quiet = was
        self.set(example.scoring, example.mode)

    def _arrange(self) -> None:
        """Show what applies: match and mismatch with DNA only."""
        for name in ("match", "mismatch"):
            self.rows[name].layout.display = "flex" if self.matrix.value == DNA else "none"
        self.ambiguous.layout.display = "flex" if self.matrix.value == DNA else "none"
        self.second_rows.layout.display = "flex" if self.second.value else "none"

    def _matrix_chosen(self, change: Any) -> None:
        self._arrange()
        if self._quiet:
            return
        if (change["old"] == DNA) != (change["new"] == DNA):  # costs of the other alphabet would mislead
            self._quiet = True
            try:
                costs = _COSTS[change["new"] == DNA]
                self.sliders["gap_open"].value, self.sliders["gap_extend"].value = costs
            finally:
                self._quiet = False
        self.on_change()

    def _example_chosen(self, change: Any) -> None:
        if self._quiet:
            return
        for example in EXAMPLES:
            if example.label == change["new"]:
                self.fill(example)
                self.on_example()

    def _moved(self, change: Any) -> None:
        if change["owner"] is self.second:
            self._arrange()
        if self._quiet:
            return
        if change["owner"] in (self.query, self.target):
            self._quiet = True
            try:
                self.example.value = OWN
            finally:
                self._quiet = False
        self.on_change()


def _letters(name: str, tooltip: str) -> ipywidgets.Textarea:
    return ipywidgets.Textarea(
        description=name, tooltip=tooltip, placeholder="letters, FASTA or a path", continuous_update=False, rows=2,
            **LOOK,
    )  # fmt: skip


def _slider(name: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(value=value, min=low, max=high, **_look(name))


def _look(name: str) -> dict[str, Any]:
    return {
        "description": name.replace("_", " "),
        "tooltip": _ABOUT[name],
        "style": {"description_width": "78px"},
        "layout": ipywidgets.Layout(width="auto", flex="1 1 auto", min_width="0"),
    }


def _describe(meanings: dict[str, str]) -> str:
    return "\n".join(f"{name}: {meaning}" for name, meaning in meanings.items())
