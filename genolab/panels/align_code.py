"""The align panel as plain calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.align import Scoring
from genolab.data.sequence_sets import FOLDER

if TYPE_CHECKING:
    from genolab.panels.align_many import AlignedMany
    from genolab.panels.align_source import Given
    from genolab.panels.align_stage import PairStage


def code_of_pair(stage: PairStage, temperature: float) -> str:
    """Calls that give the pair on screen, and what is laid over it or shown in its place."""
    shown = stage.shown
    if shown is None:
        return ""
    how = f'mode="{shown.alignments.options["mode"]}", scoring={scoring_code(shown.alignments.scoring)}'
    lines = ["import genolab as gl", ""]
    lines += dict.fromkeys([*code_of(shown.query, "query"), *code_of(shown.target, "target")])  # a file is read once
    lines += [f"alignments = gl.align.align([query], [target], {how}, traceback=True)"]
    lines += ["print(alignments.text())", "alignments.plot()"]
    if stage.matrix.count > 1:
        lines += ["", "# all that are equally good", f"matrix = gl.align.fill_matrix([query], [target], {how})"]
        lines += ["cigars = [path.cigar for path, _ in zip(matrix.paths(), range(10))]"]
    if stage.matrix.posterior is not None:
        lines += ["", "# the share of all alignments that pair each two letters"]
        soft = f"gl.align.soft_align([query], [target], {how}, temperature={temperature:g})"
        lines += [f"posterior = {soft}.posterior(0)"]
    if stage.shows_dots and stage.dots.made is not None:
        word, protein = stage.dots.made.word, not shown.pair.dna
        lines += ["", f"dots = gl.align.dot_plot([query], [target], word={word}, protein={protein})", "dots.plot()"]
    return "\n".join(lines)


def code_of_many(shown: AlignedMany) -> str:
    """Calls that give the multiple alignment on screen."""
    names = "" if shown.given.path is not None else f", names={list(shown.given.names)!r}"
    return "\n".join(
        [
            *("import genolab as gl", ""),
            *code_of(shown.given, "sequences", single=False),
            f"aligned = gl.align.multiple(sequences, scoring={scoring_code(shown.made.scoring)}{names})",
            *("print(aligned.text())", "aligned.plot()"),
        ]
    )


def scoring_code(scoring: Scoring) -> str:
    """A scoring as it would be written: only what differs from the usual."""
    usual = Scoring()
    names = ("match", "mismatch", "gap_open", "gap_extend", "matrix", "second_gap", "ambiguous")
    given = [f"{name}={getattr(scoring, name)!r}" for name in names if getattr(scoring, name) != getattr(usual, name)]
    return f"gl.align.Scoring({', '.join(given)})"


def code_of(given: Given, variable: str, single: bool = True) -> list[str]:
    """Lines of code that give the same sequences: ``variable`` holds the text, or the path of all."""
    if given.path is None:
        texts = given.texts[0] if single else list(given.texts)
        return [f"{variable} = {texts!r}"]
    shipped = given.path.is_relative_to(FOLDER)
    place = f'gl.data.sequence_set("{given.path.stem}").path' if shipped else repr(str(given.path))
    if not single:
        return [f"{variable} = {place}"]
    record = given.record or given.names[0]
    return [
        f"records = gl.io.read_sequences({place})",
        f"{variable} = records.sequences[records.names.index({record!r})]",
    ]
