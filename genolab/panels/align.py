"""The align panel: two sequences in, their matrix and every best alignment out, each score and cost under a slider."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import data, io
from genolab.align import Alignments, MultipleAlignment, Scoring, align, dot_plot, multiple
from genolab.errors import GenolabError, InputError
from genolab.kernel.at_once import at_once
from genolab.panels import align_drawn
from genolab.panels.align_code import code_of_many, code_of_pair
from genolab.panels.align_controls import AlignControls
from genolab.panels.align_many import AlignedMany, ManyStage
from genolab.panels.align_map import MapPart
from genolab.panels.align_seam import AlignSeam
from genolab.panels.align_source import EXAMPLES, WHO, Given, read
from genolab.panels.align_stage import Aligned, PairStage
from genolab.panels.compiling import Compiling
from genolab.panels.page import Code, Downloads, Says
from genolab.panels.parts import Listener, Refusal, StatusBar, button, open_graph
from genolab.panels.paths import Allowed
from genolab.panels.trust import guard
from genolab.plots.align import rows_of
from genolab.plots.matrix_window import pair_of
from genolab.scale import Job, Latest, Progress
from genolab.text import csv_of

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel

_BOXES = {"queries": "query", "targets": "target"}
MOST_SEQUENCES = 200
"""Sequences that are aligned together while a slider moves."""


class AlignPanel(AlignSeam, ipywidgets.VBox):
    """Align two sequences and look at every cell, or many and look at every column.

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
        listener = Listener(self.bar, self._refuse, self._ended)
        self._aligning, self._looking = Latest(listener), Latest(listener)
        self._compiling = Compiling(self.bar, lambda: not self._aligning.wait(0))
        self.allowed = Allowed(roots, WHO)
        self.allowed.add([each.path for each in data.sequence_sets()])
        self.allowed.add([each for each in (query, target) if isinstance(each, os.PathLike)])
        self.controls = AlignControls(self.align, self.align, self.look)
        self.mapping = MapPart(self.allowed, listener)
        self.mapping.on_sample = self.tell_sample
        self.refusal = Refusal()
        self.refusal.again = self.align
        self.stage, self.many = PairStage(self._refuse, self.refusal, self.look), ManyStage(self.refusal)
        self.code_box, self.downloads, self.place = Code(), Downloads(), Says("", "soft")
        self._read: dict[str, Given] = {}
        self._warmed: set[tuple[bool, bool]] = set()
        self.body = ipywidgets.VBox(self._lay_out())
        self.body.add_class("genolab-body")
        super().__init__([self.body, self.bar])
        guard(self)
        self.add_class("genolab-panel")
        if query is None:
            self.controls.fill(EXAMPLES[0])
        else:
            self.controls.start(os.fspath(query), "" if target is None else os.fspath(target))
        if query is not None or scoring is not None:
            self.controls.set(scoring or Scoring(), mode)
        self.align()

    @staticmethod
    def get_ready() -> None:
        """Load what a first alignment needs, before anybody waits for it."""
        from genolab.align.loops import cells, get_ready, trace  # noqa: F401 - loaded, not called

        get_ready()

    @property
    def on_reads(self) -> Callable[[Path, Path], None] | None:
        """Called with a BAM file that was written here, and its reference, to have them shown."""
        return self.mapping.on_open

    @on_reads.setter
    def on_reads(self, show: Callable[[Path, Path], None] | None) -> None:
        self.mapping.on_open = show

    # --- what can be asked of it

    @property
    def alignments(self) -> Alignments | None:
        """The alignment on screen."""
        return None if self.stage.shown is None else self.stage.shown.alignments

    @property
    def multiple(self) -> MultipleAlignment | None:
        """The multiple alignment, where more than two sequences are on screen."""
        return self.many.shown.made if self._shows_many and self.many.shown is not None else None

    @property
    def refusal_text(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.refusal.text

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        if self._shows_many and self.many.shown is not None:
            return code_of_many(self.many.shown)
        return code_of_pair(self.stage, self.controls.temperature.value)

    def align(self) -> None:
        """Read what the boxes name and align it, in the background; a newer request replaces this one."""
        controls = self.controls
        query, target, mode = controls.query.value, controls.target.value, controls.mode.value

        def work(progress: Progress) -> None:
            scoring, notices = controls.scoring, list[str]()
            ours = self._given(query, "query")
            with at_once() as behind:
                if not target.strip() and len(ours.texts) > 2:
                    self._align_many(progress, ours, scoring)
                else:
                    self._align_pair(progress, *self._pair(ours, target, notices), mode, scoring)
            self._compiling.add(behind)
            self.code_box.text = self.code
            self.bar.note(tuple(notices))
            self.bar.engine.say("plain Python, loops compile" if len(behind) else "numpy, loops by numba", "soft")

        self._aligning.submit(work, name="align")

    def _align_pair(self, progress: Progress, ours: Given, theirs: Given, mode: str, scoring: Scoring) -> None:
        self._warm(progress, ours, theirs, mode, scoring)
        began = time.perf_counter()
        alignments = align(list(ours.texts), list(theirs.texts), mode=mode, scoring=scoring, traceback=True)
        seconds = time.perf_counter() - began
        self.stage.show(Aligned(ours, theirs, alignments, pair_of(alignments), seconds))
        self.place.say(f"{ours.names[0]} and {theirs.names[0]}", "soft")
        self._show_many(False)
        if self._soft_ready or not self.controls.temperature.value or self.stage.shows_dots:
            self._look(progress)
        else:  # its kernel compiles the first time: the sliders must not wait for that
            self.look()

    def _align_many(self, progress: Progress, given: Given, scoring: Scoring) -> None:
        if len(given.texts) > MOST_SEQUENCES:
            found = f"{len(given.texts):,}"
            raise InputError(
                WHO, "query", f"a file of at most {MOST_SEQUENCES:,} sequences", found, "Use gl.align.multiple."
            )
        began = time.perf_counter()
        made = multiple(list(given.texts), names=given.names, scoring=scoring, progress=progress)
        self.many.show(AlignedMany(given, made, time.perf_counter() - began))
        self.place.say(self.many.title.text, "soft")
        self._show_many(True)

    def _show_many(self, many: bool) -> None:
        """Bring the picture of many sequences to the front, or that of two."""
        self._shows_many = many
        for stage, visible in ((self.stage, not many), (self.many, many)):
            for part in (stage.top, stage.bottom):
                part.layout.display = "flex" if visible else "none"
        self.controls.mode.layout.display = "none" if many else "flex"
        self.controls.temperature_row.layout.display = "none" if many or self.stage.shows_dots else "flex"

    _shows_many = _soft_ready = False

    def _warm(self, progress: Progress, ours: Given, theirs: Given, mode: str, scoring: Scoring) -> None:
        """Have the loops compiled on a few letters, once for each kind of scoring, so that the time shown is theirs."""
        kind = scoring.matrix is None, scoring.second_gap is None
        if kind not in self._warmed:
            progress.compiling("the loops")
            few = align([ours.texts[0][:4]], [theirs.texts[0][:4]], mode=mode, scoring=scoring, traceback=True)
            matrix = pair_of(few).matrix
            assert matrix is not None
            next(matrix.paths())
            self._warmed.add(kind)
            progress(None, "aligning")

    def look(self) -> None:
        """Show the posterior or the dot plot as the controls say; the alignment stays."""
        dots = self.stage.shows_dots
        self.controls.word_row.layout.display = "flex" if dots else "none"
        self.controls.temperature_row.layout.display = "none" if dots or self._shows_many else "flex"
        if self.stage.shown is None:
            return

        def work(progress: Progress) -> None:
            self._look(progress)
            self.code_box.text = self.code

        self._looking.submit(work, name="look")

    def _look(self, progress: Progress) -> None:
        shown, stage = self.stage.shown, self.stage
        if shown is None:
            return
        if stage.shows_dots:
            texts = shown.query.texts[0], shown.target.texts[0]
            word = min(self.controls.word.value, 13 if not shown.pair.dna else 31, *map(len, texts))
            codes = shown.pair.query, shown.pair.target
            stage.show_dots(dot_plot(*codes, word=word or None, protein=not shown.pair.dna))
            return
        temperature = self.controls.temperature.value
        mode, scoring = shown.alignments.options["mode"], shown.alignments.scoring
        if not temperature:
            if stage.matrix.posterior is not None:
                stage.show_posterior(None)
        elif mode not in ("global", "local"):
            stage.show_posterior(None, "global and local only")
        elif scoring.second_gap is not None:
            stage.show_posterior(None, "one gap piece only")
        elif shown.pair.matrix is None:
            stage.show_posterior(None, "shorter sequences only")
        else:
            soft = align_drawn.soft_of(shown, temperature)
            progress(None, "weighing all alignments")
            stage.show_posterior(soft.posterior(0))
            self._soft_ready = True

    def cancel(self) -> None:
        """Stop whatever runs; what is on screen stays."""
        for queue in (self._aligning, self._looking, self.mapping.queue):
            queue.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        queues = (self._aligning, self._looking, self.mapping.queue, self.mapping.counting, self.stage, self.many)
        return all(each.wait(timeout) for each in queues)

    # --- sequences

    def _pair(self, ours: Given, target: str, notices: list[str]) -> tuple[Given, Given]:
        """One sequence of each box; what was decided goes to the notices."""
        if not target.strip() and len(ours.texts) == 2:
            first = Given(ours.names[:1], ours.texts[:1], ours.path, ours.names[0])
            return first, Given(ours.names[1:], ours.texts[1:], ours.path, ours.names[1])
        theirs = self._given(target, "target")
        for name, given in (("query", ours), ("target", theirs)):
            if len(given.texts) > 1:
                said = f"The {name} has {len(given.texts):,} sequences; the first, {given.names[0][:60]}, is aligned."
                notices.append(f"{said} Name another as file#record, or leave the target empty to align all of them.")
        return ours.one(), theirs.one()

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
        if isinstance(error, InputError) and error.name in _BOXES:  # as the boxes are called here
            error = InputError(error.who, _BOXES[error.name], error.expected, error.found, error.fix)
        self.refusal.show(error, self.place.text)

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``fasta``, ``clustal``, ``csv``, ``png`` or ``svg``."""
        shown, many = self.stage.shown, self.many.shown
        if shown is None and many is None:
            return
        try:
            if self._shows_many and many is not None:
                pane, frame, title = self.many.pane, many.made.to_frame(), f"{many.made.names[0]}_and_others"
                names, texts, marks = many.made.names, many.made.texts, many.made.marks
            else:
                assert shown is not None
                pane, frame = self.stage.pane, shown.alignments.to_frame()
                rows = rows_of(shown.pair, self.stage.matrix.path or shown.pair.best, shown.names)
                names = rows.names if rows.names[0] != rows.names[1] else ("query", "target")
                texts, marks, title = rows.texts, rows.marks.replace("|", "*"), "_".join(shown.names)
            name = "".join(c if c.isalnum() or c in "._-" else "_" for c in title)[:80]
            if kind in ("fasta", "clustal"):
                text = io.aligned_text(names, texts, kind, marks)
                self.downloads.offer(f"{name}.{'fa' if kind == 'fasta' else 'aln'}", text.encode("ascii", "replace"))
            elif kind == "csv":
                self.downloads.offer(f"{name}.csv", csv_of(frame).encode())
            else:
                pane.download("svg" if kind == "svg" else "png", name)
        except (GenolabError, OSError) as error:
            self._refuse(error)

    @property
    def drawn_by(self) -> str:
        """The kernel that made what is on screen; of reads that were mapped, the one that chained their seeds."""
        if self._mapping_box.selected_index is not None and self.mapping.mapped is not None:
            return align_drawn.MAPPING
        if self._shows_many:
            return align_drawn.MANY
        if self.stage.shows_dots:
            return align_drawn.DOTS
        return align_drawn.MATRIX if self.stage.matrix.posterior is None else align_drawn.POSTERIOR

    def arguments(self, kernel: str) -> tuple[dict[str, Any], list[Any]] | None:
        """What a kernel was given to make what is on screen; None where it had no part in it."""
        if kernel == align_drawn.MAPPING and self.mapping.mapped is not None:
            return align_drawn.calls_of_mapping(self.mapping.mapped).get(kernel)
        if self._shows_many and self.many.shown is not None:
            return align_drawn.calls_of_many(self.many.shown).get(kernel)
        return align_drawn.calls_of_pair(self.stage, self.controls.temperature.value).get(kernel)

    def _open_graph(self) -> None:
        try:
            open_graph(self, self.drawn_by)
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        more = ipywidgets.Accordion([ipywidgets.VBox(self.controls.more)], titles=["More"]).add_class("genolab-more")
        mapping = ipywidgets.Accordion([self.mapping], titles=["Map reads"]).add_class("genolab-more")
        self._mapping_box = mapping
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
        aligning = [*self.controls.main, more]

        def make_room(change: Any) -> None:
            """The column has room for one of both: how pairs are aligned, or what is mapped."""
            for each in aligning:
                (each.add_class if change["new"] == 0 else each.remove_class)("genolab-hidden")

        mapping.observe(make_room, "selected_index")
        rows = [
            *aligning,
            ipywidgets.HBox(ways).add_class("genolab-buttons").add_class("genolab-small"),
            ipywidgets.HBox(look).add_class("genolab-buttons").add_class("genolab-small"),
            mapping,
        ]
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column")
        self.code_box.layout.display = "none"
        for part in (self.many.top, self.many.bottom):
            part.layout.display = "none"
        tops = ipywidgets.HBox([column, self.stage.top, self.many.top])
        return [tops, self.code_box, self.stage.bottom, self.many.bottom]
