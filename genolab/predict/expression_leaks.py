"""What makes predicted expression look better than it is: samples seen twice, relatives, and genes that are copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.95
"""Correlation of two samples over standardised genes from which they count as one sample measured twice."""
COPY = 0.99
"""Correlation with the gene to be predicted from which another gene counts as its copy."""
FEWEST = 50
"""Genes below which a correlation of samples says nothing; only identical samples are then found."""


@dataclass(frozen=True)
class ExpressionLeaks:
    """Samples with a twin or relative in another fold, and genes that are copies of the one to be predicted.

    ``pairs`` has the columns ``sample``, ``other``, ``kind`` (identical, near copy, same family) and ``r``;
    ``copies`` has ``gene`` and ``r``.
    """

    pairs: pd.DataFrame = field(repr=False)
    copies: pd.DataFrame = field(repr=False)
    samples: int
    compared: bool
    """Whether samples were compared by correlation; with few genes only identical ones are found."""

    def __len__(self) -> int:
        return len(self.pairs) + len(self.copies)

    def __str__(self) -> str:
        said = []
        if len(self.pairs):
            number = self.pairs["sample"].nunique()
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.pairs["kind"].value_counts().items())
            part = f"{number:,} of {self.samples:,} samples have a twin or relative in another fold"
            said.append(f"{part} ({kinds}): the scores flatter the model.")
        if len(self.copies):
            shown = ", ".join(f"{row.gene} (r {row.r:.3f})" for row in self.copies.head(3).itertuples())
            more = f" and {len(self.copies) - 3:,} more" if len(self.copies) > 3 else ""
            said.append(f"Copies of the gene are among the predictors, and predict it whatever it does: {shown}{more}.")
        if said:
            return " ".join(said)
        few = "" if self.compared else f" Under {FEWEST} genes only identical samples can be found."
        return f"no twin or relative of the {self.samples:,} samples in another fold.{few}"

    def to_frame(self) -> pd.DataFrame:
        """The pairs of samples, a row each."""
        return self.pairs.copy()


def check_expression_leaks(table: pd.DataFrame, gene: str, fold: Any, related: Any = None) -> ExpressionLeaks:
    r"""Look for samples that stand on both sides of a split, and for genes that are copies of the one to be predicted.

    Two samples are one measured twice where the correlation of their standardised genes z reaches 0.95, whatever the
    depth of either; c is z less the sample's mean over genes.

    .. math:: r_{ij} = \frac{\sum_g c_{ig} c_{jg}}{\lVert c_i \rVert \lVert c_j \rVert}

    Parameters
    ----------
    table
        Expression [sample, gene], in logarithms.
    gene
        The column to be predicted; it is left out of the comparison of samples.
    fold
        The fold of each sample.
    related
        A label per sample that relatives share (family, donor), where it is known.

    Raises
    ------
    InputError
        A number of folds or labels that is not that of the samples.
    """
    import pandas as pd

    names, folds = [str(name) for name in table.index], np.asarray(fold)
    family = None if related is None else np.asarray(related).astype(str)
    for word, held in (("fold", folds), ("related", family)):
        if held is not None and held.shape != (len(table),):
            raise InputError("check_expression_leaks", word, f"one for each of {len(table):,} samples", f"{held.shape}")
    values = table.to_numpy(np.float64)
    spread = values.std(axis=0)
    target = np.array([str(column) == gene for column in table.columns])
    varying = (spread > 0) & ~target
    standard = (values[:, varying] - values[:, varying].mean(axis=0)) / spread[varying]
    compared = standard.shape[1] >= FEWEST
    centred = standard - standard.mean(axis=1, keepdims=True) if standard.shape[1] else standard
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    unit = centred / np.where(length > 0, length, 1)
    alike = unit @ unit.T
    apart = folds[:, None] != folds[None, :]
    same = np.array([(standard == row).all(axis=1) for row in standard]) if standard.shape[1] else ~apart & False
    kin = family[:, None] == family[None, :] if family is not None else np.zeros_like(apart)
    rows = []
    for kind, found in (("identical", same), ("near copy", (alike >= NEAR) & compared & ~same), ("same family", kin)):
        for one, other in np.argwhere(apart & found):
            rows.append({"sample": names[one], "other": names[other], "kind": kind, "r": float(alike[one, other])})
    copies = []
    if target.any() and spread[target][0] > 0:
        wanted = (values[:, target][:, 0] - values[:, target].mean()) / spread[target][0]
        r = standard.T @ wanted / len(wanted)
        labels = np.asarray(table.columns).astype(str)[varying]
        order = np.argsort(-np.abs(r))
        copies = [{"gene": labels[k], "r": float(r[k])} for k in order if abs(r[k]) >= COPY]
    return ExpressionLeaks(
        pd.DataFrame(rows, columns=["sample", "other", "kind", "r"]), pd.DataFrame(copies, columns=["gene", "r"]),
        len(table), compared,
    )  # fmt: skip
