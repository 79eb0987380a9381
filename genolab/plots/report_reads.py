"""What a report says of samples that were called together, and of reads that were mapped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from genolab.plots.report import Figure, Section
from genolab.plots.report_sections import of_explanation, section_of_calls

if TYPE_CHECKING:
    import pandas as pd
    from bokeh.plotting import figure

    from genolab.align import MappedReads
    from genolab.call import JointCalls

_HEIGHT = 240  # pixels


def of_joint(
    joint: JointCalls,
    *,
    sample: str | None = None,
    position: int | None = None,
    window: tuple[float, float] | None = None,
    code: str = "",
) -> list[Section]:
    """Sites of all samples, one of them (by default the first) over the region, and why it was called as it was.

    ``position`` is 0-based; by default the first site that passes and that the sample carries.
    """
    chosen = joint.samples[0] if sample is None else sample
    passed = int(joint.passed.sum())
    families = ", ".join(f"{child} of {father or '?'} and {mother or '?'}"
                         for child, (father, mother) in joint.prior.parents.items())  # fmt: skip
    facts = {
        "samples": f"{len(joint.samples):,}",
        "region": ", ".join(map(str, joint.regions[:3])) + (" …" if len(joint.regions) > 3 else ""),
        "sites that pass": f"{passed:,}",
        "filtered": f"{len(joint) - passed:,}",
        "ploidy": str(joint.prior.ploidies.usual),
    } | ({"families": families} if families else {})
    everybody = Section(
        f"{len(joint.samples):,} samples called together",
        sentences=list(joint.notices),
        facts=facts,
        tables={"Samples": _of_samples(joint), "Sites": joint.to_frame()},
        code=code,
        provenance=joint.provenance,
    )
    contig = joint.regions[0].contig
    if position is None:
        carried = [at for at, each in enumerate(joint.sites) if any(each.genotype[joint.number(chosen)] or ())]
        best = next((at for at in carried if not joint.filters[at]), carried[0] if carried else None)
        if best is not None:
            contig, position = str(joint.contig[best]), joint.sites[best].position
    one = section_of_calls(joint.of(chosen), position=position, window=window)
    sections = [everybody, replace(one, provenance={})]  # the same as above
    return sections if position is None else [*sections, of_explanation(joint.explain(contig, position + 1, chosen))]


def _of_samples(joint: JointCalls) -> pd.DataFrame:
    """One row a sample, over the sites that pass: how many it carries, once or on every copy, depth and quality."""
    import pandas as pd

    passing = [each for each, passed in zip(joint.sites, joint.passed, strict=True) if passed]
    rows = []
    for at, name in enumerate(joint.samples):
        known = [genotype for each in passing if (genotype := each.genotype[at]) is not None]
        rows.append(
            {
                "sample": name,
                "carried": sum(any(each) for each in known),
                "heterozygous": sum(len(set(each)) > 1 for each in known),
                "unknown": len(passing) - len(known),
                "mean depth": float(np.mean([each.depth[at] for each in passing])) if passing else np.nan,
                "mean GQ": float(np.mean([each.genotype_quality[at] for each in passing])) if passing else np.nan,
                "new mutations": sum(
                    bool(each.de_novo[at] > 0.5) for each in passing
                ),  # their probability; NaN: no parents
            }
        )
    return pd.DataFrame(rows)


def of_mapped(mapped: MappedReads, *, code: str = "") -> list[Section]:
    """How many reads have a place and how sure it is, and the depth of every contig."""
    share = f" ({mapped.mapped / mapped.reads:.1%})" if mapped.reads else ""
    facts = {
        "sample": mapped.sample,
        "reads": f"{mapped.reads:,}",
        "mapped": f"{mapped.mapped:,}{share}",
        "surely (MAPQ ≥ 20)": f"{mapped.sure:,}",
    }
    if mapped.pairs:
        facts["proper pairs"] = f"{mapped.proper_pairs:,} of {mapped.pairs:,}"
    if mapped.insert_size is not None:
        size = mapped.insert_size
        facts["insert size"] = f"{size.mean:,.0f} ± {size.deviation:,.0f}, proper from {size.low:,} to {size.high:,}"
    facts |= {"supplementary": f"{mapped.supplementary:,}", "secondary": f"{mapped.secondary:,}"}
    return [
        Section(
            f"Reads of {mapped.sample} on {mapped.reference_path.name}",
            sentences=list(mapped.notices),
            facts=facts,
            figures=[
                Figure(_qualities(mapped), "How sure the places are: 10 is one wrong in ten, 20 one in a hundred.")
            ],
            tables={"Contigs": mapped.to_frame()},
            code=code,
            provenance=mapped.provenance,
        )
    ]


def _qualities(mapped: MappedReads) -> figure:
    from bokeh.models import ColumnDataSource, HoverTool

    from genolab.plots import style

    counts = np.asarray(mapped.qualities)
    quality = np.arange(counts.size)
    source = ColumnDataSource({"quality": quality, "reads": counts})
    made = style.figure(x_label="mapping quality", y_label="reads", y_format="count", height=_HEIGHT)
    bars = made.vbar(x="quality", top="reads", width=0.9, source=source, color=style.BLUE)
    made.y_range.start = 0
    made.add_tools(HoverTool(renderers=[bars], tooltips=[("MAPQ", "@quality"), ("reads", "@reads{0,0}")]))
    return made
