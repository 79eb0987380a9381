"""The call panel: reads in, calls out, every threshold under a slider, and a reason for every position."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import io
from genolab.call import Thresholds, VariantCalls, compare, explain, genotype
from genolab.call.provenance import KERNELS
from genolab.call.stream import records_of
from genolab.errors import GenolabError
from genolab.kernel.choice import backend_in_force
from genolab.kernel.recording import recorded
from genolab.panels import many
from genolab.panels.call_seam import CallSeam
from genolab.panels.controls import ThresholdControls
from genolab.panels.inputs import Inputs
from genolab.panels.page import Code, Downloads, Says
from genolab.panels.parts import Listener, StatusBar, button, open_graph
from genolab.panels.paths import Allowed, short
from genolab.panels.source import MOST_READS, Loaded, code, load
from genolab.panels.stage import Stage
from genolab.panels.trust import guard
from genolab.scale import Job, Latest, Progress, State
from genolab.text import csv_of

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel

_QUIET = 0.03  # seconds without a move of the window before it is drawn again
_REST = 0.3  # seconds that a slider must rest before the calls are compared with the truth again
GRAPH, GRAPH_OF_WINDOW, GRAPH_OF_MANY = "genotype_posteriors", "haplotype_genotypes", "integrate_frequency"


class CallPanel(CallSeam, ipywidgets.VBox):
    """Call variants and look at every reason.

    Parameters
    ----------
    reads, reference, region, sample, truth
        Files to start with, as for :func:`genolab.call.call_variants`; the first example where ``reads`` is left out.
    thresholds, ploidy
        Where the sliders start.
    roots
        The folders that the path boxes may name; by default the working folder and the home folder.
    most_reads
        Reads that are kept in memory so that sliders answer at once; a region with more is called tile by tile.
    """

    def __init__(
        self,
        reads: str | os.PathLike[str] | None = None,
        reference: str | os.PathLike[str] | None = None,
        region: str | None = None,
        sample: str | None = None,
        truth: str | os.PathLike[str] | None = None,
        *,
        thresholds: Thresholds | None = None,
        ploidy: int = 2,
        roots: Sequence[str | os.PathLike[str]] | None = None,
        most_reads: int = MOST_READS,
    ) -> None:
        self.most_reads = most_reads
        self.on_graph: Callable[[str], None] | None = None
        self._given_sample = sample
        self.bar = StatusBar(self.cancel)
        working = Listener(self.bar, self._refuse, self._ended)
        self._reading = Latest(working)
        self._calling = Latest(working)
        self._preparing = Latest(working)
        self._looking = Latest(self._looked, debounce=_QUIET)
        self._picking = Latest(self._looked)
        self._resting = Latest(self._looked)
        self._comparing = Latest(self._looked, debounce=_REST)
        self.allowed = Allowed(roots)
        self.allowed.add([reads, reference, truth])
        self.inputs = Inputs(self.allowed, self.call, ploidy)
        self.controls = ThresholdControls(thresholds, self._thresholds_moved)
        self.stage = Stage(
            self.pick, self._window_moved, self._build_index, self._backend, self._against_truth, self._rest
        )
        self.stage.refusal.again = self.call
        self.code_box = Code()
        self.downloads = Downloads()
        self.onward = button("Effects", "what the calls do to the output of the model in Predict", self.hand_over)
        self.onward.layout.display = "none"  # until the lab says where to
        self.place = Says("", "soft")
        self.body = ipywidgets.VBox(self._lay_out())
        self.body.add_class("genolab-body")
        super().__init__([self.body, self.bar])
        guard(self)
        self.add_class("genolab-panel")
        self._start(reads, reference, region, truth)

    # --- what can be asked of it

    @property
    def calls(self) -> VariantCalls | None:
        """The calls on screen."""
        return self.stage.loaded.calls if self.stage.loaded is not None else None

    @property
    def thresholds(self) -> Thresholds:
        """What the sliders say."""
        return self.controls.thresholds

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        loaded, why = self.stage.loaded, self.stage.explanation
        if loaded is None:
            return ""
        place = None if why is None else (why.contig, why.position)
        return code(loaded.source, loaded.calls.thresholds, loaded.calls.ploidy, place, loaded.joint is not None)

    @property
    def refusal(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.stage.refusal.text

    def call(self) -> None:
        """Read what the boxes name and call it, in the background."""
        text = self.inputs.reads.value

        def work(progress: Progress) -> None:
            source = self.inputs.source()
            if self._given_sample is not None:
                source, self._given_sample = replace(source, sample=self._given_sample), None
            backend, ploidy = self._backend(), self.inputs.ploidy.value
            loaded = many.switched(self.stage.loaded, source, self.thresholds, ploidy)
            loaded = loaded or load(source, self.thresholds, ploidy, progress, self.most_reads, backend)
            progress(None, "drawing")
            self.inputs.fill(loaded, text)
            self._show(loaded)
            if not self.controls.say(loaded.calls.thresholds):  # moved while the files were read
                self._thresholds_moved(loaded)
            if loaded.empty:
                self.stage.refusal.warn(f"{source.reads.name} has no reads in {loaded.region}. Choose another region.")
            self._refuse(loaded.too_large)

        self.stage.refusal.clear()
        self._reading.submit(work, name="call")

    def open_files(self, reads: Path, reference: Path) -> None:
        """Show other files, named by the program and not by a page."""
        self.allowed.add([reads, reference])
        self.inputs.name(short(reads), short(reference), "", "")
        self.call()

    def cancel(self) -> None:
        """Stop whatever runs; what is on screen stays."""
        for queue in (self._reading, self._calling, self._preparing):
            queue.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        queues = (self._reading, self._calling, self._preparing, self._picking, self._looking, self._resting)
        return all(queue.wait(timeout) for queue in queues)

    def pick(self, position: int, centre: bool = False) -> None:
        """Say why a position (0-based) was or was not called, and mark it, as a click does."""

        def work(_progress: Progress) -> None:
            self.stage.select(position, centre)
            self.code_box.text = self.code
            self.tell_selection()

        self._picking.submit(work, name="explain", cancel_running=False)

    def arguments(self, kernel: str) -> tuple[dict[str, Any], list[Any]] | None:
        """What the chosen position, or else the calls on screen, gave a kernel; None where they do not use it."""
        loaded, evidence, chosen = self.stage.loaded, self.stage.genome.evidence, self.stage.explanation
        if loaded is None:
            return None
        with recorded() as calls:  # the last call of each kernel: that of the position comes last
            if loaded.joint is not None and loaded.joint.evidences is not None:
                anew = tuple(replace(each, _kept={}) for each in loaded.joint.evidences)
                many.called_again(replace(loaded.joint, evidences=anew), loaded.joint.thresholds, None)
            elif loaded.calls.evidence is not None:
                genotype(replace(loaded.calls.evidence, _kept={}), self.thresholds, loaded.calls.ploidy)
            if evidence is not None and chosen is not None:
                explain(replace(evidence, _kept={}), chosen.position - 1, self.thresholds, loaded.calls.ploidy)
        return calls.get(kernel)

    @property
    def drawn_by(self) -> str:
        """The kernel that judged what is chosen: of many samples, of an indel's window, or of a site by its bases."""
        loaded, chosen = self.stage.loaded, self.stage.explanation
        if loaded is not None and loaded.joint is not None:
            return GRAPH_OF_MANY
        return GRAPH if chosen is None or chosen.haplotypes is None else GRAPH_OF_WINDOW

    # --- data flow: a control's value, a job, calls, columns, sources

    def _start(self, reads: Any, reference: Any, region: str | None, truth: Any) -> None:
        if reads is None:
            self.inputs.reads.value = next(iter(self.inputs.choices))  # an example starts by itself
            return
        self.inputs.name(short(reads), short(reference), region or "", short(truth))
        self.call()

    def _backend(self) -> str | None:
        """None where every kernel is ready on its declared backend; else numpy, which answers at once."""
        for each in KERNELS:
            name = backend_in_force(None, each.backend)
            if name != "numpy" and each.state(name) in ("idle", "compiling"):
                return "numpy"
        return None

    def _thresholds_moved(self, loaded: Loaded | None = None) -> None:
        loaded = loaded or self.stage.loaded
        if loaded is None:
            return
        shown = self.controls.say(loaded.calls.thresholds) and self._calling.current is None
        if shown and not self.refusal:  # a page that shows a slider may answer with the value it was given
            return
        if not loaded.live:
            self.bar.state.say("thresholds changed: press Call")
            return

        def work(_progress: Progress) -> None:
            self._call_again(self._backend())

        self._calling.submit(work, name="call")

    def _call_again(self, backend: str | None) -> None:
        """Call what is in memory with the sliders' values, and show it if the same reads are still on screen."""
        loaded = self.stage.loaded
        if loaded is None or loaded.calls.evidence is None:
            return
        joint = None
        if loaded.joint is not None:
            joint = many.called_again(loaded.joint, self.thresholds, backend)
            calls = many.shown(joint, loaded.source.sample)
        else:
            calls = genotype(loaded.calls.evidence, self.thresholds, loaded.calls.ploidy, backend)
        with self.stage.lock:
            if self.stage.loaded is not None and self.stage.loaded.calls.evidence is calls.evidence:
                self._show(replace(self.stage.loaded, calls=calls, joint=joint))

    def _show(self, loaded: Loaded) -> None:
        self.stage.show(loaded)
        self._against_truth()
        self.code_box.text = self.code
        self.bar.note(loaded.notices)
        self.tell_selection()
        self.place.say(f"{loaded.source.reads.name}  {loaded.region}", "soft")
        waiting = self._backend() is not None
        names = {"numpy"} if waiting else {backend_in_force(None, each.backend) for each in KERNELS}
        self.bar.engine.say(f"{', '.join(sorted(names))}{'; the declared backend compiles' if waiting else ''}", "soft")
        if waiting and self._preparing.current is None:
            self._preparing.submit(lambda _progress: self._call_again(None), name="compile")

    def _against_truth(self) -> None:
        """Hold what is on screen against the truth, where that is looked at."""
        loaded, against = self.stage.loaded, self.stage.against
        if loaded is None or loaded.truth is None or not against.shown:
            return
        calls, truth = loaded.calls, loaded.truth

        def work(_progress: Progress) -> None:
            found = compare(calls, truth, region=loaded.region)
            if self.stage.loaded is loaded:
                against.draw(found)

        self._comparing.submit(work, name="compare")

    def _rest(self) -> None:
        """Find out what the verdict on screen rests on; the first time kernels are compiled."""
        self._resting.submit(lambda _progress: self.stage.rest(self.stage.explanation), name="rests on")

    def _window_moved(self) -> None:
        def work(_progress: Progress) -> None:
            self.stage.redraw()
            self.tell_selection()

        self._looking.submit(work, name="view")

    def _build_index(self, path: str) -> None:
        def work(progress: Progress) -> None:
            progress(None, "building the index")
            io.build_index(self.allowed.check(path, "path"))
            self.call()

        self.stage.refusal.clear()
        self._preparing.submit(work, name="index")

    # --- state in words

    def _ended(self, job: Job[Any]) -> None:
        empty = self.stage.loaded is not None and self.stage.loaded.empty
        if job.name in ("call", "compile") and not empty and not self.stage.refusal.large:
            self.stage.refusal.clear()

    def _looked(self, job: Job[Any]) -> None:
        if job.state is State.REFUSED and not job.superseded:
            self._refuse(job.error)

    def _refuse(self, error: BaseException | None) -> None:
        loaded = self.stage.loaded
        self.stage.refusal.show(error, "" if loaded is None else f"{loaded.source.reads.name}, {loaded.region}")

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``vcf``, ``csv``, ``png`` or ``svg``."""
        calls = self.calls
        if calls is None:
            return
        region = self.stage.loaded.region if self.stage.loaded is not None else None
        joint = self.stage.loaded.joint if self.stage.loaded is not None else None
        whose = calls.sample if joint is None else f"{len(joint.samples)}_samples"
        name = f"{whose}_{region.contig}_{region.start + 1}-{region.end}" if region else whose
        name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
        try:
            if kind == "vcf":
                self.downloads.offer(f"{name}.vcf", io.variant_bytes(records_of(joint or calls)))
            elif kind == "csv":
                self.downloads.offer(f"{name}.csv", csv_of((joint or calls).to_frame()).encode())
            else:
                self.stage.pane.download("svg" if kind == "svg" else "png", name)
        except (GenolabError, OSError) as error:
            self._refuse(error)

    def _open_graph(self) -> None:
        try:
            open_graph(self, self.drawn_by)
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        reset = button("Defaults", "every threshold as it was at first", self.controls.reset)
        more = ipywidgets.Accordion([ipywidgets.VBox([*self.controls.more, *self.inputs.more, reset])], titles=["More"])
        more.add_class("genolab-more")
        start = button("Call", "read the files and call the region", self.call)
        start.button_style = "primary"
        ways = [
            button(kind.upper(), about, partial(self.export, kind))
            for kind, about in (
                ("vcf", "save the calls as VCF 4.3"),
                ("csv", "save the table of calls"),
                ("png", "save the picture as pixels"),
                ("svg", "save the picture as vectors"),
            )
        ]
        look = [
            button("Copy as code", "the plain calls that give what is on screen", self.code_box.toggle),
            button("Open the graph", "the computation that judged what is chosen, node by node", self._open_graph),
            self.onward,
        ]
        rows = [
            *self.inputs.main,
            *self.controls.main,
            more,
            ipywidgets.HBox([start]).add_class("genolab-buttons"),
            ipywidgets.HBox(ways).add_class("genolab-buttons").add_class("genolab-small"),
            ipywidgets.HBox(look).add_class("genolab-buttons").add_class("genolab-small"),
        ]
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column")
        return [ipywidgets.HBox([column, self.stage.top]), self.code_box, self.stage.bottom]
