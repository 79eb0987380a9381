"""The prepare panel: a table and its steps, raw against prepared side by side, live."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.errors import GenolabError
from genolab.kernel.at_once import at_once
from genolab.kernel.recording import recorded
from genolab.panels.compiling import Compiling
from genolab.panels.page import Code, Downloads, Says
from genolab.panels.parts import Listener, StatusBar, button, open_graph
from genolab.panels.paths import Allowed, short
from genolab.panels.prepare_catalogue import BY_NAME
from genolab.panels.prepare_seam import PrepareSeam
from genolab.panels.prepare_source import Inputs, Loaded, code_of, load, source_of
from genolab.panels.prepare_stage import PrepareStage
from genolab.panels.prepare_steps import StepList
from genolab.panels.trust import guard
from genolab.prepare.chain import StepError, take
from genolab.scale import Job, Latest, Progress
from genolab.text import csv_of

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel
    from genolab.prepare.chain import Done, Step

GRAPH = "log_cpm"


class PreparePanel(PrepareSeam, ipywidgets.VBox):
    """Prepare a table of counts or expression, and see what every step did to it.

    Parameters
    ----------
    counts
        A CSV or TSV file, or a table with samples in rows: pandas, NumPy, SciPy sparse or AnnData. The first example
        where it is left out.
    samples
        What is known of the samples: a file, or a pandas table with their names as its index.
    steps
        The steps to begin with; for counts a filter and TMM where they are left out.
    genes
        Whether genes are in the ``"rows"`` or ``"columns"`` of the file.
    roots
        The folders that the path boxes may name; by default the working folder and the home folder.
    """

    def __init__(
        self,
        counts: Any = None,
        samples: Any = None,
        *,
        steps: Sequence[Step] | None = None,
        genes: str = "rows",
        roots: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        self.on_graph: Callable[[str], None] | None = None
        self.bar = StatusBar(self.cancel)
        working = Listener(self.bar, self._refuse, self._ended)
        self._reading, self._working = Latest(working), Latest(working)
        self._looking = Latest()
        self._compiling = Compiling(self.bar, lambda: not self._working.wait(0))
        self._given_steps = steps
        self._made: list[Done] = []
        self._warned: tuple[str, ...] = ()
        self.allowed = Allowed(roots, "prepare panel")
        self.inputs = Inputs(self.allowed, self.read)
        self.steps = StepList(self.prepare)
        self.stage = PrepareStage(self._recolour, self._chosen, self.tell_gene)
        self.stage.refusal.again = self.read
        self.code_box = Code()
        self.downloads = Downloads()
        self.place = Says("", "soft")
        self.body = ipywidgets.VBox(self._lay_out()).add_class("genolab-body")
        super().__init__([self.body, self.bar])
        guard(self)
        self.add_class("genolab-panel")
        self._start(counts, samples, genes)

    # --- what can be asked of it

    @property
    def loaded(self) -> Loaded | None:
        """The table on screen."""
        return self.stage.loaded

    @property
    def prepared(self) -> Any:
        """The prepared table on screen (pandas, samples in rows); None before there is one."""
        return None if self.stage.done is None else self.stage.done.table

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the samples that are chosen."""
        return self.stage.chosen

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        return "" if self.loaded is None else code_of(self.loaded.source, self._shown_steps)

    @property
    def refusal(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.stage.refusal.text

    def read(self) -> None:
        """Read what the boxes name, draw it, and take the steps."""

        def work(progress: Progress) -> None:
            source = self.inputs.source()
            loaded = load(source, progress)
            progress(None, "drawing")
            new = self.loaded is None or self.loaded.source != source
            self._begin(loaded, new)

        self.stage.refusal.clear()
        self._reading.submit(work, name="read")

    def prepare(self) -> None:
        """Take the steps as the controls say and draw what they made; the newest request wins."""
        loaded = self.loaded
        if loaded is None:
            return
        steps = self.steps.steps

        def work(progress: Progress) -> None:
            with at_once() as behind:
                made = loaded.chain.run(steps, progress)
                progress(None, "drawing")
                with self.stage.lock:
                    if self.loaded is loaded:
                        self._show(made, steps)
            self._compiling.add(behind)

        self._working.submit(work, name="prepare")

    def cancel(self) -> None:
        """Stop whatever runs, at its next step; what is on screen stays."""
        for queue in (self._reading, self._working):
            queue.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        return all(queue.wait(timeout) for queue in (self._reading, self._working, self._looking))

    # --- data flow: a control's value, a job, a chain of tables, columns, sources

    _shown_steps: Sequence[Step] = ()

    def _start(self, counts: Any, samples: Any, genes: str) -> None:
        if counts is None:
            self.inputs.counts.value = next(iter(self.inputs.examples))  # an example starts by itself
            return
        source = source_of(counts, samples, genes)
        if source.counts is None:
            self.inputs.hand(source)
        else:
            self.allowed.add([source.counts, source.samples])
            self.inputs.name(short(source.counts), short(source.samples))
            self.inputs.set_genes(genes)
        self.read()

    def _begin(self, loaded: Loaded, new: bool) -> None:
        self.inputs.fill(loaded.source)
        self.stage.begin(loaded)
        self.follow(self._followed)
        if new or self._given_steps is not None:
            steps, self._given_steps = self._given_steps, None
            self.steps.set(loaded.first_steps() if steps is None else steps, loaded.columns)
        else:
            self.steps.offer(loaded.columns)
        self._warned = ()
        self.place.say(loaded.source.name, "soft")
        self.bar.note(loaded.notices)
        self.prepare()

    def _show(self, made: list[Done], steps: Sequence[Step]) -> None:
        assert self.loaded is not None
        self.stage.show(made)
        self._made, self._shown_steps = made, steps
        self.code_box.text = self.code
        notices = [each.notices for each in made]
        self.steps.say(notices)
        self.bar.note((*self.loaded.notices, *(line for each in notices for line in each)))
        self.bar.engine.say("numpy", "soft")

    def _recolour(self) -> None:
        self._looking.submit(lambda _progress: self.stage.recolour(), name="colour")

    def _chosen(self) -> None:
        self.tell_samples()

    # --- state in words

    def _ended(self, job: Job[Any]) -> None:
        if job.name != "prepare":
            return
        warned = tuple(line for each in self._made for line in each.notices)
        if warned and warned != self._warned:
            self.stage.refusal.warn(" ".join(warned))
        elif not warned or not self.stage.refusal.warning:
            self.stage.refusal.clear()
        self._warned = warned

    def _refuse(self, error: BaseException | None) -> None:
        if isinstance(error, StepError):
            self.steps.say([], error.number)
        self._warned = ()
        still = "" if self.stage.done is None else f"the table after {len(self._shown_steps)} steps"
        self.stage.refusal.show(error, still)

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``csv``, ``factors``, ``png`` or ``svg``."""
        loaded, done = self.loaded, self.stage.done
        if loaded is None or done is None:
            return
        name = loaded.source.name.partition(".")[0]
        name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
        try:
            if kind == "csv":
                self.downloads.offer(f"{name}_prepared.csv", csv_of(done.table.T, index=True).encode())
            elif kind == "factors":
                self.downloads.offer(f"{name}_size_factors.csv", csv_of(self.stage.factors()).encode())
            else:
                self.stage.pane.download("svg" if kind == "svg" else "png", f"{name}_prepared")
        except (GenolabError, OSError) as error:
            self._refuse(error)

    @property
    def drawn_by(self) -> str:
        """The kernel of the step that is open, or of the last one."""
        taken = self.steps.opened or (self.steps.taken[-1] if self.steps.taken else None)
        return GRAPH if taken is None else BY_NAME[taken.kind.name].kernel

    def arguments(self, kernel: str) -> tuple[dict[str, Any], list[Any]] | None:
        """What a step on screen gave a kernel, the last that uses it; None where no step does."""
        loaded, steps = self.loaded, list(self._shown_steps)
        if loaded is None:
            return None
        tables = [loaded.chain.start, *self._made]
        for step, before in reversed(list(zip(steps, tables, strict=False))):
            with recorded() as calls:
                take(step, before, loaded.chain.samples)
            if kernel in calls:
                return calls[kernel]
        return None

    def _open_graph(self) -> None:
        try:
            open_graph(self, self.drawn_by)
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        start = button("Read", "read the files that the boxes name", self.read)
        start.button_style = "primary"
        ways = [
            button(text, about, partial(self.export, kind))
            for kind, text, about in (
                ("csv", "CSV", "save the prepared table, genes in rows"),
                ("factors", "Factors", "save library sizes and size factors as CSV"),
                ("png", "PNG", "save the pictures as pixels"),
                ("svg", "SVG", "save the pictures as vectors"),
            )
        ]
        self.onward = button("Predict", "predict a gene of the prepared table in Predict", self.hand_over)
        self.onward.layout.display = "none"  # until the lab says where to
        look = [
            self.onward,
            button("Copy as code", "the plain calls that give what is on screen", self.code_box.toggle),
            button("Open the graph", "the computation behind the step that is open", self._open_graph),
        ]
        rows = [
            *self.inputs.main,
            ipywidgets.HBox([start]).add_class("genolab-buttons"),
            self.steps,
            ipywidgets.HBox(ways).add_class("genolab-buttons").add_class("genolab-small"),
            ipywidgets.HBox(look).add_class("genolab-buttons").add_class("genolab-small"),
        ]
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column").add_class("genolab-tall")
        return [ipywidgets.HBox([column, self.stage]), self.code_box]
