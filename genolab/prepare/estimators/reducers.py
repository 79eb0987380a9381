"""The estimator that finds a few directions in which samples differ most."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from genolab.errors import InputError
from genolab.prepare import components
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.summaries import moments_of
from genolab.prepare.table import Table, is_anndata, is_frame

EXACT_UP_TO = 1500
"""Samples, or genes, whose products with each other are made: beyond it the iteration is faster."""

MORE = 10
"""Columns that are iterated beside those wanted: the last ones wanted settle sooner."""

SOLVERS = ("auto", "exact", "iterative")


class PCA(ClassNamePrefixFeaturesOutMixin, Preparation):
    r"""Principal components: the directions along which samples vary most, as scikit-learn's of this name.

    With :math:`X_c` the table less its genes' means, :math:`X_c = U \Sigma V^T`; scores are :math:`U \Sigma`. Nothing
    is centred or made dense as a whole. The loading furthest from 0 of each component is positive, so signs do not
    depend on the machine. AnnData gets the scores as ``obsm["X_pca"]``; a pandas table comes back with columns
    ``pca0``, ``pca1``, ... Genes on one scale (logarithms) are meant.

    Parameters
    ----------
    n_components
        Components; never more than samples or genes.
    solver
        ``"exact"``: from the products of all samples, or of all genes, whichever are fewer; ``"iterative"``: block
        Krylov iteration from a seeded start; ``"auto"``: exact up to 1,500 of them.
    n_iter
        Passes of the iteration. Components that stand out need two; a slow decline of variances needs more.
    random_state
        Seed of the iteration's start.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``.

    Attributes
    ----------
    components_ : component by gene
        Loadings; squares of each component sum to 1 (to 0 where the table has no further variance).
    explained_variance_, explained_variance_ratio_, singular_values_ : component
        Variance along each component, its share of the variance of all genes, and the root of its sum of squares.
    mean_ : gene
        What is taken off each gene.
    n_components_
        Components found.

    Sources: Halko, Martinsson and Tropp 2011, doi:10.1137/090771806; Musco and Musco 2015,
    doi:10.48550/arXiv.1504.05477.
    """

    def __init__(
        self, n_components: int = 50, solver: str = "auto", n_iter: int = 4, random_state: int = 0,
        layer: str | None = None,
    ) -> None:  # fmt: skip
        self.n_components, self.solver, self.n_iter = n_components, solver, n_iter
        self.random_state, self.layer = random_state, layer

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def inverse_transform(self, X: Any) -> np.ndarray:
        """The table that the components alone give: :math:`t V^T + \\mu`, dense."""
        score = np.asarray(X)
        if score.ndim != 2 or score.shape[1] != self.n_components_:
            found = f"shape {score.shape}"
            raise InputError("PCA", "X", f"scores of {self.n_components_} components in columns", found)
        table: np.ndarray = score @ self.components_ + self.mean_.astype(self.components_.dtype)
        return table

    def _learn(self, table: Table, y: Any) -> None:
        self._learn_and_apply(table, y)

    def _learn_and_apply(self, table: Table, y: Any) -> np.ndarray:
        wanted = self._checked(table)
        moments, samples = moments_of(table), table.shape[0]
        self.mean_ = moments.mean
        exact = self.solver == "exact" or (self.solver == "auto" and min(table.shape) <= EXACT_UP_TO)
        found = self._exact(table, wanted) if exact else self._iterated(table, wanted)
        self.n_components_ = wanted
        self.components_ = np.ascontiguousarray(found.loading[:, :wanted].T, table.dtype)
        self.singular_values_ = found.singular[:wanted]
        self.explained_variance_ = self.singular_values_**2 / max(samples - 1, 1)
        total = float(moments.squares.sum()) / max(samples - 1, 1)
        self.explained_variance_ratio_ = self.explained_variance_ / (total or 1.0)
        return np.ascontiguousarray(found.score[:, :wanted])

    def _apply(self, table: Table) -> np.ndarray:
        return self._scores(table, np.ascontiguousarray(self.components_.T))

    def _written(self, table: Table, values: Any) -> Any:
        if is_anndata(table.given):
            table.given.obsm["X_pca"] = values
            return table.given
        if is_frame(table.given):
            import pandas as pd

            return pd.DataFrame(values, index=table.given.index, columns=self.get_feature_names_out())
        return values

    def _checked(self, table: Table) -> int:
        if self.solver not in SOLVERS:
            raise InputError("PCA", "solver", f"one of {', '.join(SOLVERS)}", repr(self.solver))
        for name in ("n_components", "n_iter"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError("PCA", name, "a whole number from 1", repr(value))
        return min(int(self.n_components), *table.shape)

    def _exact(self, table: Table, wanted: int) -> Any:
        """The span from the smaller table of products, and the components within it."""
        from scipy.linalg import eigh

        samples, genes = table.shape
        by_samples = samples <= genes
        product = self._products(table, by_samples)
        last = min(samples, genes) - 1
        vectors = eigh(product, subset_by_index=[last - wanted + 1, last], overwrite_a=True, check_finite=False)[1]
        vectors = np.ascontiguousarray(vectors[:, ::-1], table.dtype)
        return self._within(table, vectors if by_samples else self._scores(table, vectors))

    def _products(self, table: Table, by_samples: bool) -> np.ndarray:
        """Products of the centred samples or genes; a sparse table is made dense in blocks along the other axis."""
        kernel = (components.sample_products if by_samples else components.gene_products).at(table.dtype)
        if not table.is_sparse:
            product: np.ndarray = kernel(table.values, self.mean_).product
            return product
        total = np.zeros((min(table.shape), min(table.shape)))
        for part, values in table.gene_blocks() if by_samples else table.blocks():
            total += kernel(values, self.mean_[part] if by_samples else self.mean_).product
        return total

    def _iterated(self, table: Table, wanted: int) -> Any:
        """Block Krylov iteration: what every pass found spans where the components are looked for at the end."""
        width = min(wanted + MORE, *table.shape)
        kind = table.dtype
        span = [np.random.default_rng(self.random_state).normal(size=(table.shape[0], width)).astype(kind)]
        for _ in range(int(self.n_iter)):
            found = self._within(table, span[-1])
            score = self._scores(table, found.loading)
            span.append(score / np.maximum(found.singular, np.finfo(kind).tiny).astype(kind))
        return self._within(table, np.hstack(span[::-1])[:, : min(table.shape)])

    def _within(self, table: Table, span: np.ndarray) -> Any:
        if table.is_sparse:
            value, column, start = table.stored()
            return components.components_within_stored.at(value.dtype)(value, column, start, self.mean_, span)
        return run(components.components_within, table, self.mean_, span)

    def _scores(self, table: Table, loading: np.ndarray) -> np.ndarray:
        if table.is_sparse:
            value, column, start = table.stored()
            held = loading.astype(value.dtype, copy=False)
            found = components.component_scores_stored.at(value.dtype)(value, column, start, self.mean_, held)
        else:
            found = run(components.component_scores, table, self.mean_, loading.astype(table.dtype, copy=False))
        score: np.ndarray = found.score
        return score
