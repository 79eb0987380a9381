"""The list of steps: each is switched on and off, moved, removed, and opened for its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets
import traitlets

from genolab.panels.page import Says
from genolab.panels.parts import button, choices
from genolab.panels.prepare_catalogue import BY_NAME, COLUMN_HELP, COLUMN_WORDS, KINDS, NOTHING, Kind, widget_of
from genolab.prepare.chain import Step

ADD = "+ add a step"


class StepRow(ipywidgets.VBox):
    """One step with its switch, its controls, and what it warned of.

    `on_change` is called when its result may differ, `on_ask(row, what)` for "up", "down", "remove" and "open".
    """

    def __init__(
        self,
        kind: Kind,
        columns: Sequence[str],
        on_change: Callable[[], None],
        on_ask: Callable[[StepRow, str], None],
        step: Step | None = None,
    ) -> None:
        self.kind = kind
        self._on_change = on_change
        self._quiet = False
        parameters = {**kind.parameters(), **(dict(step.parameters) if step is not None else {})}
        self._fixed = {name: value for name, value in parameters.items() if name not in kind.controls}
        self.switch = ipywidgets.Checkbox(True, indent=False, tooltip="whether the step is taken")
        self.title = button(kind.title, f"{kind.about}\nClick for its parameters.", lambda: on_ask(self, "open"))
        self.title.add_class("genolab-step-name")
        ways = [
            button(mark, about, partial(on_ask, self, what))
            for mark, about, what in (("▲", "earlier", "up"), ("▼", "later", "down"), ("×", "remove", "remove"))
        ]
        self.controls = {name: widget_of(control, parameters[name]) for name, control in kind.controls.items()}
        self.columns: dict[str, ipywidgets.Dropdown] = {}
        for argument in kind.columns:
            given = None if step is None else step.columns.get(argument)
            self.columns[argument] = self._column_box(argument, columns, given)
        self.said = Says("", "soft")
        head = ipywidgets.HBox([self.switch, self.title, *ways]).add_class("genolab-step-head")
        asked = (*self.columns.values(), *self.controls.values())
        rows = [ipywidgets.HBox([each]).add_class("genolab-row") for each in asked]
        self.body = ipywidgets.VBox(rows or [Says("no parameters", "soft")]).add_class("genolab-step-body")
        super().__init__([head, self.said, self.body])
        self.add_class("genolab-step")
        self.unfold(False)
        self.say((), False)
        for each in (self.switch, *asked):
            each.observe(self._changed, "value")

    @property
    def step(self) -> Step:
        """What the controls say."""
        values = {name: each.value for name, each in self.controls.items()}
        # a logarithmic slider and binary fractions leave digits that nobody chose
        values = {name: float(f"{v:.6g}") if type(v) is float and v != int(v) else v for name, v in values.items()}
        chosen = {argument: box.value for argument, box in self.columns.items() if box.value != NOTHING}
        for argument in chosen:
            values |= self.kind.when.get(argument, {})
        return Step(self.kind.name, {**self._fixed, **values}, chosen)

    @property
    def ready(self) -> bool:
        """Whether it is switched on."""
        return bool(self.switch.value)

    def switch_quietly(self, on: bool) -> None:
        """Switch it on or off; nothing starts."""
        self._quiet = True
        try:
            self.switch.value = on
        finally:
            self._quiet = False

    def unfold(self, opened: bool) -> None:
        """Show the parameters or hide them."""
        self.body.layout.display = "flex" if opened else "none"
        (self.add_class if opened else self.remove_class)("genolab-step-open")

    def say(self, notices: Sequence[str], refused: bool) -> None:
        """Show what the step warned of, or that it refused."""
        shown = "refused: see above the plot" if refused else " ".join(notices)
        self.said.say(shown, "error" if refused else "warning")
        self.said.layout.display = "block" if shown else "none"

    def offer(self, columns: Sequence[str]) -> None:
        """Offer the columns of another sample table; nothing starts."""
        self._quiet = True
        try:
            for argument, box in self.columns.items():
                was = box.value
                offered = self._options(argument, columns)
                box.options = choices(offered)
                box.value = was if was in offered else self._first(argument, columns)
        finally:
            self._quiet = False

    def _options(self, argument: str, columns: Sequence[str]) -> tuple[str, ...]:
        return (*([] if self.kind.columns[argument] and columns else [NOTHING]), *columns)

    def _first(self, argument: str, columns: Sequence[str]) -> str:
        """The column that is named like the argument, else the first where one is needed."""
        named = next((column for column in columns if argument in column.lower()), None)
        if named is not None:
            return named
        return columns[0] if self.kind.columns[argument] and columns else NOTHING

    def _column_box(self, argument: str, columns: Sequence[str], given: str | None) -> ipywidgets.Dropdown:
        first = self._first(argument, columns) if self.kind.columns[argument] else NOTHING
        return ipywidgets.Dropdown(
            options=choices(self._options(argument, columns)),
            value=given if given in columns else first,
            description=COLUMN_WORDS[argument],
            tooltip=COLUMN_HELP[argument],
            style={"description_width": "62px"},
            layout={"width": "auto", "flex": "1 1 auto", "min_width": "0"},
        )

    def _changed(self, change: Any) -> None:
        if change["owner"] is self.switch:
            (self.remove_class if self.switch.value else self.add_class)("genolab-step-off")
        if not self._quiet:
            self._on_change()


class StepList(ipywidgets.VBox):
    """The steps in their order, and the list to add one from. `on_change` is called when the result may differ."""

    changed = traitlets.Int(help="grows when a person changed the steps")

    def __init__(self, on_change: Callable[[], None]) -> None:
        def told() -> None:
            self.changed += 1
            on_change()

        self.on_change = told
        self.rows: list[StepRow] = []
        self.opened: StepRow | None = None
        self._columns: tuple[str, ...] = ()
        self.adder = ipywidgets.Dropdown(
            options=[(ADD, ""), *((kind.title, kind.name) for kind in KINDS)], value="",
            tooltip="add a step at the end", layout={"width": "100%"},
        )  # fmt: skip
        self.adder.observe(self._add_chosen, "value")
        super().__init__([self.adder])
        self.add_class("genolab-steps")

    @property
    def memo(self) -> list[dict[str, Any]]:
        """The steps as plain data, those that are switched off too."""
        found = []
        for row in self.rows:
            step = row.step
            given = {"parameters": dict(step.parameters), "columns": dict(step.columns)}
            found.append({"name": step.name, "on": row.ready, **given})
        return found

    def recall(self, memo: Any) -> None:
        """Take steps back that `memo` gave; plain data that names no step or no plain value is left out."""
        rows = []
        for each in memo if isinstance(memo, list) else ():
            kind = BY_NAME.get(str(each.get("name"))) if isinstance(each, dict) else None
            if kind is None:
                continue
            known = {**kind.parameters(), **kind.controls}
            given, columns = each.get("parameters"), each.get("columns")
            parameters = {
                name: value
                for name, value in (given.items() if isinstance(given, dict) else ())
                if name in known and (value is None or isinstance(value, bool | int | float | str))
            }
            chosen = {
                argument: column
                for argument, column in (columns.items() if isinstance(columns, dict) else ())
                if argument in kind.columns and isinstance(column, str)
            }
            row = self._row(kind, Step(kind.name, parameters, chosen))
            row.switch_quietly(each.get("on") is not False)
            rows.append(row)
        self.rows = rows
        self._open(None)
        self._show()
        self.on_change()

    @property
    def steps(self) -> list[Step]:
        """The steps that are switched on, in order."""
        return [row.step for row in self.taken]

    @property
    def taken(self) -> list[StepRow]:
        """The rows that are switched on."""
        return [row for row in self.rows if row.ready]

    def set(self, steps: Sequence[Step], columns: Sequence[str]) -> None:
        """Begin anew with these steps and the columns of a sample table; nothing starts."""
        self._columns, self.opened = tuple(columns), None
        self.rows = [self._row(BY_NAME[step.name], step) for step in steps]
        if self.rows:
            self._open(self.rows[min(1, len(self.rows) - 1)])  # something to move is in sight
        self._show()

    def offer(self, columns: Sequence[str]) -> None:
        """Keep the steps, with the columns of another sample table; nothing starts."""
        self._columns = tuple(columns)
        for row in self.rows:
            row.offer(columns)

    def add(self, name: str) -> StepRow:
        """Add a step at the end, open."""
        row = self._row(BY_NAME[name], None)
        self.rows.append(row)
        self._open(row)
        self._show()
        self.on_change()
        return row

    def say(self, notices: Sequence[Sequence[str]], refused: int | None = None) -> None:
        """Show at each step that was taken what it warned of; ``refused`` is the number of the one that stopped."""
        for row in self.rows:
            row.say((), False)
        for number, row in enumerate(self.taken):
            row.say(notices[number] if number < len(notices) else (), number == refused)

    def _row(self, kind: Kind, step: Step | None) -> StepRow:
        return StepRow(kind, self._columns, self.on_change, self._asked, step)

    def _asked(self, row: StepRow, what: str) -> None:
        at = self.rows.index(row)
        if what == "open":
            self._open(None if self.opened is row else row)
            return
        if what == "remove":
            del self.rows[at]
            self.opened = None if self.opened is row else self.opened
        else:
            other = at + (-1 if what == "up" else 1)
            if not 0 <= other < len(self.rows):
                return
            self.rows[at], self.rows[other] = self.rows[other], self.rows[at]
        self._show()
        self.on_change()

    def _open(self, row: StepRow | None) -> None:
        self.opened = row
        for each in (*self.rows, *([row] if row is not None else [])):
            each.unfold(each is row)

    def _show(self) -> None:
        self.children = (*self.rows, self.adder)

    def _add_chosen(self, change: Any) -> None:
        if change["new"]:
            self.adder.value = ""
            self.add(change["new"])
