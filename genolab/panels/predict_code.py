"""The predict panel as plain calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genolab.predict.model import LINEAR

if TYPE_CHECKING:
    from genolab.panels.predict_runs import Run
    from genolab.panels.predict_source import Source

_USUAL = {"learning_rate": 1e-3, "batch_size": 64, "patience": 5, "weight_decay": 0.01, "strands": "one",
          "optimizer": "adamw", "schedule": "constant", "epochs": 30, "seed": 0}  # fmt: skip
_OF_NETWORKS = ("learning_rate", "batch_size", "patience", "weight_decay", "optimizer", "schedule", "epochs")


def code_of(run: Run, sequence: str | None, target: int) -> str:
    """Calls that give the run on screen, and the sequence that is explained."""
    lines = ["import genolab as gl", "", *table_code(run.source)]
    made = f"study = gl.predict.make_study(table.sequences, table.labels, split={run.source.split!r}"
    if run.source.split not in ("similarity", "random"):
        made += f", groups=table.columns[{run.source.split!r}]"
    made += f", seed={run.source.seed})" if run.source.seed else ")"
    lines += [made, "print(study.leaks)"]
    if run.study.shuffled:
        lines.append("study = study.permuted()  # the control: labels of the training part in another order")
    told = {name: value for name, value in run.settings.items() if value != _USUAL[name]
            and not (run.architecture in LINEAR and name in _OF_NETWORKS)}  # fmt: skip
    options = "".join(f", {name}={value!r}" for name, value in told.items())
    lines += [f"model = study.model({run.architecture!r}{options})", "study.fit(model)"]
    lines += ["judged = study.judge(model)", "print(judged.table)", "judged.plot()"]
    if sequence is not None:
        lines += ["", f"sequence = {sequence!r}"]
        tail = f", target={target}" if target else ""
        lines += ["print(model.predict([sequence]))"]
        lines += [f"changes = model.mutagenesis(sequence{tail})  # [position, base]"]
        if not run.linear:
            lines += [f"shares = model.integrated_gradients([sequence]{tail})"]
            lines += ["motifs = model.filters(table.sequences)"]
    return "\n".join(lines) + "\n"


def table_code(source: Source) -> list[str]:
    """Calls that read the table."""
    if source.table is None:
        return ["# `table` holds the sequences and labels that the panel was given"]
    place = f"gl.data.example({source.example!r}).table" if source.example else repr(str(source.table))
    target = f", target={source.target!r}" if source.target else ""
    return [f"table = gl.io.read_labelled({place}{target})"]


def said(value: Any) -> str:
    """A number for a person."""
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
