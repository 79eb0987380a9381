"""What the prepare panel shows: a line of controls, the pictures before and after, and what was refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.panels.page import Legend, Says
from genolab.panels.parts import Refusal, button, choices
from genolab.plots import style
from genolab.plots.pane import BokehPane
from genolab.plots.prepare_view import PrepareView

if TYPE_CHECKING:
    from genolab.panels.prepare_source import Loaded
    from genolab.prepare.chain import Done

PLAIN = "nothing"
_OFFERED = 200
"""Genes that the box offers at once."""
_NAMED = 3  # samples that are named; more are counted


class PrepareStage(ipywidgets.VBox):
    """The pictures with their headings, the colours' legend and the samples that are chosen.

    `on_colour` is called when another column was chosen to colour by, `on_chosen` when samples were
    chosen, `on_gene` when another gene was.
    """

    def __init__(
        self, on_colour: Callable[[], None], on_chosen: Callable[[], None], on_gene: Callable[[], None]
    ) -> None:
        self._on_gene = on_gene
        self.loaded: Loaded | None = None
        self.done: Done | None = None
        self.lock = threading.RLock()
        self._quiet = False
        self._on_colour, self._on_chosen = on_colour, on_chosen
        self.view = PrepareView(self._chosen)
        self.pane = BokehPane(self.view.layout)
        self.refusal = Refusal()
        self.colour = ipywidgets.Dropdown(
            options=[PLAIN], value=PLAIN, description="colour by", tooltip="a column of the sample table",
            style={"description_width": "64px"}, layout=ipywidgets.Layout(width="200px"),
        )  # fmt: skip
        self.colour.observe(self._colour_chosen, "value")
        self.gene = ipywidgets.Combobox(
            placeholder="gene", ensure_option=False, layout=ipywidgets.Layout(width="130px"),
            tooltip="the gene that is marked among all, by mean and deviation\ntype a part of its name and choose",
        )  # fmt: skip
        self.gene.observe(self._gene_typed, "value")
        self.legend = Legend(self._level_picked)
        self.said = Says("", "soft")
        self.said.add_class("genolab-chosen")
        self.clear = button("×", "choose no samples", lambda: self.choose(()))
        self.clear.layout.visibility = "hidden"
        self.heads = {side: Says("", "soft") for side in ("raw", "prepared")}
        nav = ipywidgets.HBox([self.colour, self.gene, self.legend, self.said, self.clear]).add_class("genolab-nav")
        heads = ipywidgets.HBox(list(self.heads.values())).add_class("genolab-heads")
        self.pane.add_class("genolab-plot")
        scrolled = ipywidgets.Box([self.pane]).add_class("genolab-scroll")
        super().__init__([nav, heads, self.refusal, scrolled])
        self.add_class("genolab-stage").add_class("genolab-tall")

    # --- drawing; in a worker's thread

    def begin(self, loaded: Loaded) -> None:
        """Draw the raw side of another table."""
        with self.lock:
            self.loaded, self.done = loaded, None
            self._offer(loaded)
            self._offer_genes()
            with self.pane.hold():
                self.view.show("raw", loaded.chain.start)
                self.view.mark(self.gene.value.strip())
                self._recolour()
            self._head("raw", loaded.chain.start, "raw")
            self.heads["prepared"].say("prepared: at work (a step new to this machine is compiled first)", "soft")
            self._tell(())

    def show(self, made: Sequence[Done]) -> None:
        """Draw the prepared side."""
        with self.lock:
            if self.loaded is None:
                return
            last = made[-1] if made else self.loaded.chain.start
            size = next((each.size_factor for each in reversed(made) if each.size_factor is not None), None)
            with self.pane.hold():
                self.view.show("prepared", last, size)
            self.done = last
            self._head("prepared", last, "prepared" if made else "prepared (no steps)")

    def recolour(self) -> None:
        """Colour by the column that is chosen."""
        with self.lock, self.pane.hold():
            self._recolour()

    def choose(self, chosen: Sequence[int]) -> None:
        """Mark samples in every picture."""
        with self.lock, self.pane.hold():
            self.view.select(chosen)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the samples that are marked."""
        table = self.view.tables.get("raw")
        return () if table is None else tuple(table.samples[each] for each in self.view.chosen)

    def factors(self) -> Any:
        """Library sizes and size factors of the samples on screen, as a pandas table."""
        return self.view.factors()

    def _recolour(self) -> None:
        assert self.loaded is not None
        name = "" if self.colour.value == PLAIN else self.colour.value
        key = self.view.recolour(self.loaded.chain.samples, name)
        ends = () if key.ends is None else tuple(f"{end:g}" for end in key.ends)
        self.legend.show(key.levels, style.AMOUNTS[::16] if ends else (), ends)

    def _offer(self, loaded: Loaded) -> None:
        self._quiet = True
        try:
            was = self.colour.value
            self.colour.options = choices([PLAIN, *loaded.columns])
            self.colour.value = was if was in loaded.columns else loaded.first_colour() or PLAIN
        finally:
            self._quiet = False

    def _head(self, side: str, done: Done, word: str) -> None:
        samples, genes = done.table.shape
        table = self.view.tables[side]
        gaps = f", {table.gaps:,} values missing" if table.gaps else ""
        drawn = "" if samples <= 200 else "; curves and boxes of 200 samples, evenly spread"
        self.heads[side].say(f"{word}: {samples:,} samples × {genes:,} genes{gaps}{drawn}", "soft")

    # --- what a person chose

    def has_gene(self, name: str) -> bool:
        """Whether the raw table has a gene of the name."""
        return self.loaded is not None and bool(name) and name in self.loaded.chain.table.columns

    def _offer_genes(self) -> None:
        """Offer the genes that hold what was typed; those from the first where it is a whole name."""
        if self.loaded is None:
            return
        text = self.gene.value.strip()
        begun = "" if self.has_gene(text) else text.lower()
        found = [name for name in map(str, self.loaded.chain.table.columns) if begun in name.lower()][:_OFFERED]
        if tuple(found) != tuple(self.gene.options):
            self.gene.options = found

    def _gene_typed(self, change: Any) -> None:
        with self.lock, self.pane.hold():
            self.view.mark(str(change["new"]).strip())
        self._offer_genes()
        if self.has_gene(change["new"]) or not change["new"]:
            self._on_gene()

    def _colour_chosen(self, _change: Any) -> None:
        if not self._quiet and self.loaded is not None:
            self._on_colour()

    def _level_picked(self, number: int) -> None:
        with self.lock:
            level = self.view.key.levels[number][0]
            self.choose(self.view.of_level(level))

    def _chosen(self, chosen: tuple[int, ...]) -> None:
        self._tell(chosen)
        self._on_chosen()

    def _tell(self, chosen: Sequence[int]) -> None:
        names = self.chosen
        self.said.say(f"{len(names):,} samples chosen" if len(names) > _NAMED else ", ".join(names), "soft")
        self.clear.layout.visibility = "visible" if chosen else "hidden"
