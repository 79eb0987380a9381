"""Which genes are counted often enough to say anything."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.prepare.depth import Counts
from genolab.spec import Spec, Symbol

Cutoff = Annotated[
    Symbol, Spec("sample", "float64", "count from which a gene is expressed in the sample", low=0, symbol="c")
]


class Expressed(NamedTuple):
    """How often each gene is counted."""

    samples: Annotated[Symbol, Spec("gene", "int64", "samples in which the gene reaches the cut-off", symbol="n")]
    total: Annotated[Symbol, Spec("gene", "float64", "sum over all samples", unit="counts", symbol="t")]


@kernel(backend="numpy")
def expressed_genes(counts: Counts, cutoff: Cutoff) -> Expressed:
    r"""In how many samples each gene reaches the sample's cut-off, and its sum over the samples.

    .. math:: n_g = \#\{s : x_{sg} \ge c_s\}, \qquad t_g = \sum_s x_{sg}
    """
    reached = pt.ge(counts, cutoff[:, None]).sum(axis=0, dtype="int64")
    return Expressed(reached, counts.sum(axis=0, dtype="float64", acc_dtype="float64"))
