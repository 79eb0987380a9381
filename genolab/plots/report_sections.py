"""What a report says of each kind of result: the sentence, the numbers, the picture and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.plots.report import Figure, Section

if TYPE_CHECKING:
    import pandas as pd

    from genolab.align import Alignments, MultipleAlignment
    from genolab.call import Explanation, VariantCalls
    from genolab.io import Variants
    from genolab.prepare.chain import Done

_GENOME, _MATRIX, _BLOCKS, _MULTIPLE, _LOGO = 520, 420, 230, 320, 150  # pixels
_WIDE = 1070  # pixels of a report's column


def of_calls(
    calls: VariantCalls,
    *,
    truth: Variants | None = None,
    position: int | None = None,
    window: tuple[float, float] | None = None,
    code: str = "",
) -> list[Section]:
    """Calls over their region, why one of them (0-based; by default the first that passes), and their table."""
    if position is None and len(calls):
        first = calls.position[calls.passed]
        position = int(first[0] if len(first) else calls.position[0])
    sections = [section_of_calls(calls, truth=truth, position=position, window=window, code=code)]
    if position is not None:
        contig = calls.regions[0].contig if len(calls.regions) == 1 else _contig_at(calls, position)
        sections.append(of_explanation(calls.explain(contig, position + 1)))
    return sections


def section_of_calls(
    calls: VariantCalls,
    *,
    truth: Variants | None = None,
    position: int | None = None,
    window: tuple[float, float] | None = None,
    code: str = "",
) -> Section:
    """Calls over their region, one of them (0-based) marked, and their table."""
    passed = int(calls.passed.sum())
    regions = ", ".join(map(str, calls.regions[:3])) + (" …" if len(calls.regions) > 3 else "")
    facts = {
        "sample": calls.sample,
        "region": regions,
        "calls that pass": f"{passed:,}",
        "filtered": f"{len(calls) - passed:,}",
        "indels": f"{int(calls.is_indel.sum()):,}",
        "ploidy": str(calls.ploidy),
    }
    return Section(
        f"Variants of {calls.sample}",
        sentences=list(calls.notices),
        facts=facts,
        figures=_genome(calls, truth, position, window),
        tables={"Calls": calls.to_frame()},
        code=code,
        provenance=calls.provenance,
    )


def of_explanation(why: Explanation) -> Section:
    """Why a position was or was not called: the steps, and what each read says."""
    import pandas as pd

    from genolab.plots.why import WhyView

    view = WhyView()
    view.show(why)
    steps = pd.DataFrame(
        {
            "step": [step.name for step in why.steps],
            "passed": ["yes" if step.passed else "no" for step in why.steps],
            "decides": ["decides" if step.decides else "" for step in why.steps],
            "what was found": [step.text for step in why.steps],
        }
    )
    said = [why.sentence, why.flip]
    if why.excluded:
        said.append("Not evidence: " + ", ".join(f"{count:,} {reason}" for reason, count in why.excluded.items()) + ".")
    caption = "Each read's odds of a variant, its log10 P under each genotype, and prior, likelihood and posterior."
    return Section(
        f"Why {why.contig}:{why.position:,} {why.reference}>{why.alternate} was {_verdict(why.verdict)}",
        sentences=[each for each in said if each],
        figures=[Figure(view.layout, caption)],
        tables={"Steps of the decision": steps, "Reads": why.reads},
    )


def of_alignments(
    alignments: Alignments, number: int = 0, *, names: tuple[str, str] | None = None, code: str = ""
) -> list[Section]:
    """One pair with its matrix, and the table of all pairs."""
    from genolab.plots.align import facts_of, rows_of
    from genolab.plots.align_matrix import MatrixView
    from genolab.plots.blocks import BlocksView
    from genolab.plots.matrix_window import pair_of

    figures, facts = [], {"pairs": f"{len(alignments):,}", "mode": str(alignments.options["mode"])}
    title = "Alignment"
    if len(alignments) and alignments.cigars is not None:
        pair = pair_of(alignments, number)
        names = names or (
            alignments.queries.name(int(alignments.query_number[number])),
            alignments.targets.name(int(alignments.target_number[number])),
        )
        title = f"{names[0]} and {names[1]}"
        matrix, blocks = MatrixView(height=_MATRIX), BlocksView(height=_BLOCKS)
        matrix.resize(_WIDE, _MATRIX)
        blocks.resize(_WIDE, _BLOCKS)
        matrix.show(pair)
        blocks.show(rows_of(pair, matrix.path or pair.best, names))
        found = facts_of(pair, matrix.path or pair.best, 0.0, float("nan"))
        facts |= {name: value for name, value in found.items() if name not in ("time", "best")}
        figures = [
            Figure(matrix.layout, "The score of every cell, with the best alignments over it."),
            Figure(blocks.layout, "Only letters that differ have colour."),
        ]
    tables = {"Pairs": alignments.to_frame()}
    provenance = alignments.provenance
    return [Section(title, facts=facts, figures=figures, tables=tables, code=code, provenance=provenance)]


def of_multiple(made: MultipleAlignment, *, code: str = "") -> list[Section]:
    """Many sequences, column by column."""
    from genolab.plots.blocks import BlocksView
    from genolab.plots.multiple import LogoView, facts_of, rows_of

    logo, blocks = LogoView(_LOGO), BlocksView(height=_MULTIPLE)
    logo.resize(_WIDE, _LOGO)
    blocks.resize(_WIDE, _MULTIPLE)
    logo.show(made)
    blocks.show(rows_of(made))
    facts = {name: value for name, value in facts_of(made, 0.0).items() if name != "time"}
    return [
        Section(
            f"{made.names[0]} and {len(made) - 1:,} others",
            facts=facts,
            figures=[
                Figure(logo.layout, "The information of each column, shared by its letters."),
                Figure(blocks.layout, "The aligned letters; those that most sequences share are grey."),
            ],
            tables={"Sequences": made.to_frame()},
            code=code,
            provenance=made.provenance,
        )
    ]


def of_table(
    raw: Done,
    made: Sequence[Done],
    samples: pd.DataFrame | None = None,
    colour: str = "",
    *,
    name: str = "table",
    code: str = "",
    provenance: dict[str, Any] | None = None,
) -> list[Section]:
    """A table before and after its steps."""
    from genolab.plots.prepare_view import PrepareView

    last = made[-1] if made else raw
    view = PrepareView()
    view.show("raw", raw)
    view.recolour(samples, colour)
    size = next((each.size_factor for each in reversed(made) if each.size_factor is not None), None)
    view.show("prepared", last, size)
    if view.key.levels:
        view.add_legend()
    steps = [type(each.estimator).__name__ for each in made if each.estimator is not None]
    facts = {
        "samples": f"{len(raw.table):,}",
        "genes": f"{raw.table.shape[1]:,}",
        "genes kept": f"{last.table.shape[1]:,}",
        "steps": " → ".join(steps) or "none",
        "unit": last.unit.text,
    }
    notices = [line for each in made for line in each.notices]
    values = last.table.to_numpy(dtype=float)
    summary = last.table.iloc[:, :0].reset_index(names="sample")
    for label, found in (("mean", np.nanmean), ("median", np.nanmedian), ("deviation", np.nanstd)):
        summary[label] = found(values, axis=1) if values.size else []
    return [
        Section(
            f"Prepared: {name}",
            sentences=notices,
            facts=facts,
            figures=[Figure(view.layout, "Raw on the left, prepared on the right; a box chooses samples in all.")],
            tables={"Samples": view.factors().merge(summary, on="sample", how="left")},
            code=code,
            provenance=provenance or {},
        )
    ]


def _genome(
    calls: VariantCalls, truth: Variants | None, position: int | None, window: tuple[float, float] | None
) -> list[Figure]:
    from genolab.plots.genome import GenomeView

    if len(calls.regions) != 1:
        return []
    view = GenomeView()
    view.resize(_WIDE, 200)
    view.show(calls, truth, calls.sample_in_file)
    if window is not None:
        view.window.range.update(start=window[0], end=window[1])
    if position is not None:
        view.select(position, window is None)
    view.redraw()
    # what is not drawn cannot be shown: no kernel is behind this page
    start, end = view.window.range.start, view.window.range.end
    view.window.range.bounds = (start - (end - start) / 2, end + (end - start) / 2)
    return [Figure(view.layout, "Coverage, calls and reads; drag to move, turn the wheel to zoom.", _GENOME)]


def _contig_at(calls: VariantCalls, position: int) -> str:
    return str(calls.contig[int(np.flatnonzero(calls.position == position)[0])])


def _verdict(verdict: str) -> str:
    return {"called": "called", "filtered": "called but filtered"}.get(verdict, verdict)
