"""Steps in order: scikit-learn's own pipeline, that knows what it was given and can be written as code."""

from __future__ import annotations

import inspect
import numbers
from typing import Any

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline as _Pipeline
from sklearn.pipeline import _name_estimators

from genolab import __version__
from genolab.errors import InputError
from genolab.prepare.provenance import described
from genolab.prepare.table import is_anndata, is_frame, table_of


class Pipeline(_Pipeline):
    """scikit-learn's ``Pipeline``: each step learns from what the one before it gave; test samples are only applied to.

    AnnData goes through as a table with its names. What comes out is the layer ``prepared`` (of an AnnData of its own
    where genes were left out), or ``obsm["X_pca"]`` where the last step is :class:`PCA`.

    Parameters
    ----------
    steps
        Pairs of a name and an estimator, in order.
    memory, verbose
        As in scikit-learn.

    Attributes
    ----------
    provenance_ : dict
        Versions, the table learnt from with a digest, and each step with all its parameters; plain data.
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Learn every step from the samples; returns the pipeline."""
        self._remember(X)
        super().fit(_plain(X), y, **params)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Learn every step from the samples and prepare them."""
        self._remember(X)
        return self._given_back(X, super().fit_transform(_plain(X), y, **params))

    def transform(self, X: Any, **params: Any) -> Any:
        """Samples prepared by what was learnt."""
        return self._given_back(X, super().transform(_plain(X), **params))

    def to_code(self, source: str | None = None, name: str = "pipeline") -> str:
        """The plain calls that make this pipeline and run it on the counts of a file (``source``: its path).

        Only parameters that differ from their default are written. Arrays cannot be: they are left as names, with a
        comment that says what they hold.
        """
        parts, imports, held = [], {"import genolab as gl"}, []
        for step, estimator in self.steps:
            call, needed, arrays = _call(step, estimator)
            parts.append(f"    ({step!r}, {call}),")
            imports |= needed
            held += arrays
        read = "counts = ...  # samples in rows, genes in columns"
        if source is not None:
            read = f"counts = gl.io.read_counts({source!r}).to_frame()"
        lines = [*sorted(imports), "", read, *held, f"{name} = gl.prepare.Pipeline([", *parts, "])"]
        return "\n".join([*lines, f"prepared = {name}.fit_transform(counts)", ""])

    def _remember(self, X: Any) -> None:
        steps = [
            {"name": step, "estimator": type(each).__name__, "parameters": _told(each)} for step, each in self.steps
        ]
        versions = {"genolab": __version__, "scikit_learn": sklearn.__version__}
        self.provenance_ = {**versions, "input": described(table_of(X)), "steps": steps}

    def _given_back(self, given: Any, prepared: Any) -> Any:
        if not is_anndata(given):
            return prepared
        values = prepared.to_numpy() if is_frame(prepared) else prepared
        if "PCA" in type(self.steps[-1][1]).__name__:
            given.obsm["X_pca"] = values
            return given
        names = self.get_feature_names_out(given.var_names.to_numpy(object))
        if len(names) < given.shape[1]:
            given = given[:, names].copy()
        given.layers["prepared"] = values
        return given


def make_pipeline(*steps: Any, memory: Any = None, verbose: bool = False) -> Pipeline:
    """A :class:`Pipeline` of estimators that are named after their classes."""
    if not steps:
        raise InputError("make_pipeline", "steps", "at least one estimator", "none")
    return Pipeline(_name_estimators(steps), memory=memory, verbose=verbose)


def _plain(X: Any) -> Any:
    """AnnData as a table with names, or as the sparse matrix that it holds; anything else as it is."""
    if not is_anndata(X):
        return X
    return X.X if hasattr(X.X, "tocsr") else X.to_df()


def _call(step: str, estimator: Any) -> tuple[str, set[str], list[str]]:
    """The constructor's call, the imports it needs, and lines for arrays."""
    if estimator is None or isinstance(estimator, str):
        return repr(estimator), set(), []
    kind = type(estimator)
    ours = kind.__module__.startswith("genolab.")
    module = kind.__module__.split("._")[0]
    needed = set() if ours else {f"from {module} import {kind.__name__}"}
    written, held = [], []
    for parameter, value in _changed(estimator).items():
        if _is_plain(value):
            written.append(f"{parameter}={_python(value)}")
        else:
            variable = f"{step.replace('-', '_')}_{parameter}"
            shape = f"{len(value):,} values" if hasattr(value, "__len__") else type(value).__name__
            held.append(f"{variable} = ...  # {type(value).__name__}, {shape}")
            written.append(f"{parameter}={variable}")
    return f"{'gl.prepare.' * ours}{kind.__name__}({', '.join(written)})", needed, held


def _changed(estimator: Any) -> dict[str, Any]:
    """Parameters that differ from their default, in the order of the constructor."""
    defaults = {k: p.default for k, p in inspect.signature(type(estimator).__init__).parameters.items()}
    given = estimator.get_params(deep=False)
    return {
        name: given[name]
        for name, default in defaults.items()
        if name in given and not (_is_plain(given[name]) and repr(given[name]) == repr(default))
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 20 and all(_is_plain(each) for each in value)
    return value is None or isinstance(value, str | bool | numbers.Number)


def _python(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _told(estimator: Any) -> dict[str, Any]:
    """All parameters as plain data; an array by its type and length."""
    if not hasattr(estimator, "get_params"):
        return {}
    told = {}
    for name, value in estimator.get_params(deep=False).items():
        length = f" of {len(value):,}" if hasattr(value, "__len__") else ""
        told[name] = value if _is_plain(value) else f"{type(value).__name__}{length}"
    return told
