"""Sites of several samples as rows: each with everybody's genotype, and the numbers of the sample in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genolab.plots.columns import Columns

if TYPE_CHECKING:
    from genolab.call import JointCalls


def joint_columns(joint: JointCalls, sample: str) -> Columns:
    """One row a site; ``sample 0``, ``sample 1``, ... are the genotypes, GQ and DP are those of ``sample``."""
    at, rows = joint.number(sample), range(len(joint))
    counts = [joint.allele_counts(row) for row in rows]
    columns: Columns = {
        "position": joint.position + 1,
        "reference": _objects([each.reference for each in joint.sites]),
        "alternate": _objects([",".join(each.alternates) for each in joint.sites]),
        "genotype": _objects([joint.genotype_text(row, at) for row in rows]),
        "quality": joint.columns["quality"],
        "genotype_quality": np.array([each.genotype_quality[at] for each in joint.sites], np.float64),
        "depth": np.array([each.depth[at] for each in joint.sites], np.int64),
        "allele_count": _objects([f"{','.join(map(str, count))}/{number}" for count, number in counts]),
        "filter": _objects([";".join(names) or "PASS" for names in joint.filters]),
        "truth": _objects([""] * len(joint)),
    }
    for number in range(len(joint.samples)):
        columns[f"sample {number}"] = _objects([joint.genotype_text(row, number) for row in rows])
    return columns


def _objects(values: list[str]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
