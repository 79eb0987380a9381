"""The align panel: two sequences in, their matrix and every best alignment out, each score and cost under a slider."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import data, io
from genolab.align import Alignments, Scoring, align
from genolab.errors import GenolabError
from genolab.panels.align_controls import AlignControls
from genolab.panels.align_source import EXAMPLES, WHO, Given, code_of, read
from genolab.panels.align_stage import Aligned, PairStage
from genolab.panels.page import Code, Downloads, Says
from genolab.panels.parts import Listener, Refusal, StatusBar, button
from genolab.panels.paths import Allowed
from genolab.plots.align import rows_of
from genolab.plots.matrix_window import pair_of
from genolab.scale import Job, Latest, Progress

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel

GRAPH = "alignment_matrix"


class AlignPanel(ipywidgets.VBox):
    """Align two sequences and look at every cell.

    Parameters
    ----------
    query, target
        Letters, FASTA text or paths to start with; the first example where ``query`` is left out.
    mode, scoring
        Where the controls start.
    roots
        The folders that the boxes may name; by default the working folder and the home folder.
    """

    def __init__(
        self,
        query: str | os.PathLike[str] | None = None,
        target: str | os.PathLike[str] | None = None,
        *,
        mode: str = "global",
        scoring: Scoring | None = None,
        roots: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        self.on_graph: Callable[[str], None] | None = None
        self.bar = StatusBar(self.cancel)
        self._aligning = Latest(Listener(self.bar, self._refuse, self._ended))
        self.allowed = Allowed(roots, WHO)
        self.allowed.add([each.path for each in data.sequence_sets()])
        self.allowed.add([each for each in (query, target) if isinstance(each, os.PathLike)])
        self.controls = AlignControls(self.align, self.align)
        self.refusal = Refusal()
        self.stage = PairStage(self._refuse, self.refusal)
        self.code_box, self.downloads, self.place = Code(), Downloads(), Says("", "soft")
        self._read: dict[str, Given] = {}
        self._warmed: set[tuple[bool, bool]] = set()
        self.body = ipywidgets.VBox(self._lay_out())
        self.body.add_class("genolab-body")
        super().__init__([self.body, self.bar])
        self.add_class("genolab-panel")
        if query is None:
            self.controls.fill(EXAMPLES[0])
        else:
            self.controls.start(os.fspath(query), "" if target is None else os.fspath(target))
        if query is not None or scoring is not None:
            self.controls.set(scoring or Scoring(), mode)
        self.align()

    # --- what can be asked of it

    @property
    def alignments(self) -> Alignments | None:
        """The alignment on screen."""
        return None if self.stage.shown is None else self.stage.shown.alignments

    @property
    def refusal_text(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.refusal.text

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        shown = self.stage.shown
        if shown is None:
            return ""
        options = shown.alignments.options
        lines = ["import genolab as gl", ""]
        lines += dict.fromkeys(
            [*code_of(shown.query, "query"), *code_of(shown.target, "target")]
        )  # a file is read once
        scoring = _scoring_code(shown.alignments.scoring)
        call = f'gl.align.align([query], [target], mode="{options["mode"]}", scoring={scoring}, traceback=True)'
        lines += [f"alignments = {call}", "print(alignments.text())", "alignments.plot()"]
        if self.stage.matrix.count > 1:
            filled = f'gl.align.fill_matrix([query], [target], mode="{options["mode"]}", scoring={scoring})'
            lines += ["", "# all that are equally good", f"matrix = {filled}"]
            lines += ["cigars = [path.cigar for path, _ in zip(matrix.paths(), range(10))]"]
        return "\n".join(lines)

    def align(self) -> None:
        """Read what the boxes name and align it, in the background; a newer request replaces this one."""
        controls = self.controls
        query, target, mode = controls.query.value, controls.target.value, controls.mode.value

        def work(progress: Progress) -> None:
            scoring = controls.scoring
            ours, theirs, notices = self._sequences(query, target)
            self._warm(progress, ours, theirs, mode, scoring)
            began = time.perf_counter()
            alignments = align(list(ours.texts), list(theirs.texts), mode=mode, scoring=scoring, traceback=True)
            seconds = time.perf_counter() - began
            self.stage.show(Aligned(ours, theirs, alignments, pair_of(alignments), seconds))
            self.code_box.text = self.code
            self.bar.note(tuple(notices))
            self.place.say(f"{ours.names[0]} and {theirs.names[0]}", "soft")
            self.bar.engine.say("numba loops", "soft")

        self._aligning.submit(work, name="align")

    def _warm(self, progress: Progress, ours: Given, theirs: Given, mode: str, scoring: Scoring) -> None:
        """Have the loops compiled on a few letters, once for each kind of scoring, so that the time shown is theirs."""
        kind = scoring.matrix is None, scoring.second_gap is None
        if kind not in self._warmed:
            progress.compiling("the loops")
            few = align([ours.texts[0][:4]], [theirs.texts[0][:4]], mode=mode, scoring=scoring, traceback=True)
            pair_of(few)
            self._warmed.add(kind)
            progress(None, "aligning")

    def cancel(self) -> None:
        """Stop whatever runs; what is on screen stays."""
        self._aligning.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        return self._aligning.wait(timeout) and self.stage.wait(timeout)

    # --- sequences

    def _sequences(self, query: str, target: str) -> tuple[Given, Given, list[str]]:
        """What the two boxes name: one sequence each, and what was decided."""
        notices: list[str] = []
        ours = self._given(query, "query")
        if not target.strip() and len(ours.texts) == 2:
            first = Given(ours.names[:1], ours.texts[:1], ours.path, ours.names[0])
            return first, Given(ours.names[1:], ours.texts[1:], ours.path, ours.names[1]), notices
        theirs = self._given(target, "target")
        for name, given in (("query", ours), ("target", theirs)):
            if len(given.texts) > 1:
                said = f"The {name} has {len(given.texts):,} sequences; the first, {given.names[0][:60]}, is aligned."
                notices.append(f"{said} Name another as file#record.")
        return ours.one(), theirs.one(), notices

    def _given(self, text: str, name: str) -> Given:
        """Read a box, once: a slider must not read its file again."""
        key = f"{name} {text}"
        if key not in self._read:
            found = read(text, name, self.allowed)
            self._read = {each: kept for each, kept in self._read.items() if not each.startswith(name)}
            self._read[key] = found
        return self._read[key]

    # --- state in words

    def _ended(self, _job: Job[Any]) -> None:
        self.refusal.clear()

    def _refuse(self, error: BaseException | None) -> None:
        shown = self.stage.shown
        self.refusal.show(error, "" if shown is None else f"{shown.names[0]} and {shown.names[1]}")

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``fasta``, ``clustal``, ``csv``, ``png`` or ``svg``."""
        shown = self.stage.shown
        if shown is None:
            return
        name = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{shown.names[0]}_{shown.names[1]}")[:80]
        try:
            if kind in ("fasta", "clustal"):
                rows = rows_of(shown.pair, self.stage.matrix.path or shown.pair.best, shown.names)
                names = rows.names if rows.names[0] != rows.names[1] else ("query", "target")
                stars = rows.marks.replace("|", "*") if kind == "clustal" else ""
                text = io.aligned_text(names, rows.texts, kind, stars)
                self.downloads.offer(f"{name}.{'fa' if kind == 'fasta' else 'aln'}", text.encode("ascii", "replace"))
            elif kind == "csv":
                self.downloads.offer(f"{name}.csv", shown.alignments.to_frame().to_csv(index=False).encode())
            else:
                self.stage.pane.download("svg" if kind == "svg" else "png", name)
        except (GenolabError, OSError) as error:
            self._refuse(error)

    def _open_graph(self) -> None:
        try:
            if self.on_graph is not None:
                self.on_graph(GRAPH)
            elif self._graph is None:
                from genolab.panels.graph import GraphPanel

                self._graph = GraphPanel(GRAPH)
                self.body.children = (*self.body.children, self._graph)
            else:
                self._graph.layout.display = None if self._graph.layout.display == "none" else "none"
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        more = ipywidgets.Accordion([ipywidgets.VBox(self.controls.more)], titles=["More"])
        more.add_class("genolab-more")
        ways = [
            button(text, about, partial(self.export, kind))
            for text, kind, about in (
                ("FASTA", "fasta", "save the alignment as FASTA with gaps"),
                ("ALN", "clustal", "save the alignment as CLUSTAL"),
                ("CSV", "csv", "save score, positions, identity and CIGAR"),
                ("PNG", "png", "save the matrix as pixels"),
                ("SVG", "svg", "save the matrix as vectors"),
            )
        ]
        look = [
            button("Copy as code", "the plain calls that give what is on screen", self.code_box.toggle),
            button("Open the graph", "the recurrence behind every cell, node by node", self._open_graph),
        ]
        rows = [
            *self.controls.main,
            more,
            ipywidgets.HBox(ways).add_class("genolab-buttons").add_class("genolab-small"),
            ipywidgets.HBox(look).add_class("genolab-buttons").add_class("genolab-small"),
        ]
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column")
        self.code_box.layout.display = "none"
        return [ipywidgets.HBox([column, self.stage.top]), self.code_box, self.stage.bottom]


def _scoring_code(scoring: Scoring) -> str:
    usual = Scoring()
    names = ("match", "mismatch", "gap_open", "gap_extend", "matrix", "second_gap", "ambiguous")
    given = [f"{name}={getattr(scoring, name)!r}" for name in names if getattr(scoring, name) != getattr(usual, name)]
    return f"gl.align.Scoring({', '.join(given)})"
