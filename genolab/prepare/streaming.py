"""A table of counts larger than memory: a file in, a file out, a block of samples at a time, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from genolab import io
from genolab.errors import InputError
from genolab.io import CountRows
from genolab.io.paths import PathLike
from genolab.prepare.chain import Unit, unit_after, unit_of
from genolab.prepare.checks import checked_table

STREAMS = ("LogCPM", "Logarithm", "TPM", "RPKM", "PearsonResiduals", "Scaler")
"""The estimators that need no more of other samples than sums over them."""

BLOCK_BYTES = 2**25
"""A block of samples takes about this much when it is dense, and has at most :data:`MOST` samples."""

MOST = 1000

_WHO = "transform_file"
Progress = Callable[[float, str], object]


@dataclass(frozen=True)
class Transformed:
    """What was written, and how; ``steps`` are the fitted estimators."""

    path: Path
    samples: int
    genes: int
    unit: Unit
    steps: tuple[Any, ...] = field(repr=False)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """What all blocks share: where the counts are, the steps that are fitted, and the one that is not yet."""

    rows: CountRows
    fitted: tuple[Any, ...]
    learning: Any = None

    def table(self, part: tuple[int, int]) -> Any:
        """A block after the fitted steps."""
        with self.rows.opened() as read:
            return reduce(lambda table, step: step.transform(table), self.fitted, read(slice(*part)))

    def summary(self, part: tuple[int, int]) -> bytes:
        """What the step that learns needs of a block, packed."""
        step = self.learning
        table = checked_table(type(step).__name__, self.table(part), counts=step._takes_counts)
        return io.model_bytes(step._summary(table), {})

    def prepared(self, part: tuple[int, int]) -> bytes:
        """A block after all steps, packed."""
        values = self.table(part)
        if isinstance(values, np.ndarray):
            return io.model_bytes({"dense": values}, {})
        return io.model_bytes(
            {"data": values.data, "indices": values.indices.astype(np.int32), "indptr": values.indptr.astype(np.int64)},
            {},
        )


def transform_file(
    path: PathLike,
    output: PathLike,
    steps: Any,
    *,
    layer: str | None = None,
    block: int | None = None,
    progress: Progress | None = None,
    client: Any = None,
) -> Transformed:
    """Prepare a matrix of counts that need not fit in memory: one block of samples is read, prepared and written.

    Parameters
    ----------
    path
        A 10x HDF5 or .h5ad file whose matrix is dense, or sparse by samples, as :func:`genolab.io.count_blocks` reads.
    output
        A name that ends in .h5ad. What stays sparse is written sparse; names and sample columns are kept.
    steps
        An estimator, or several in order, of those in :data:`STREAMS` (``Scaler`` with ``kind="z"``). The counts are
        read once to write, and once more for each step that learns from all samples (``PearsonResiduals``, ``Scaler``).
    layer
        Of .h5ad: the layer to read; ``None`` reads ``X``.
    block
        Samples of a block; by default so many as take 32 MB when dense, at most 1,000. Sums over samples are added
        block by block, so with a step that learns the last digits depend on it.
    progress
        Called with the fraction done and a text; an exception that it raises stops the work, and nothing is written.
    client
        A ``distributed.Client``: its workers read and prepare the blocks; the file has the same bytes. Finished blocks
        are kept in ``<output>.tiles`` until it is whole.

    Raises
    ------
    InputError, FileError
        An estimator that needs all samples at once; what it refuses of a block; a file as for ``count_blocks``.
    IncompleteError, ClusterLost
        With a client: some blocks could not be done, and nothing is written; or the scheduler is gone.
    """
    steps = _checked_steps(steps)
    if not Path(output).name.lower().endswith(".h5ad"):
        raise InputError(_WHO, "output", "a name that ends in .h5ad", repr(Path(output).name))
    about = io.open_counts(path, layer)
    samples, genes = len(about.samples), len(about.genes)
    if block is None:
        block = max(1, min(MOST, BLOCK_BYTES // max(1, 4 * genes)))
    if isinstance(block, bool) or not isinstance(block, int | np.integer) or block < 1:
        raise InputError(_WHO, "block", "a whole number from 1", repr(block))
    if not samples or not genes:
        raise InputError(_WHO, "path", "at least one sample and one gene", f"{samples} and {genes}")
    parts = [(first, min(first + int(block), samples)) for first in range(0, samples, int(block))]
    work = _Work(about.rows, output, steps, parts, progress, client)
    fitted: tuple[Any, ...] = ()
    with about.rows.opened() as read:
        first = read(slice(*parts[0]))
    unit = unit_of(first if isinstance(first, np.ndarray) else first.data)
    for step in steps:
        length: Any = getattr(step, "length", None)
        if hasattr(length, "reindex"):  # by name, for blocks have none
            step.set_params(length=length.reindex(about.genes).to_numpy(float))
        step.fit(first)
        if hasattr(step, "_summary"):
            step._take(reduce(step._joined, work.summaries(_Plan(about.rows, fitted, step))))
        first, fitted, unit = step.transform(first), (*fitted, step), unit_after(step, unit)
    work.write(_Plan(about.rows, fitted), about)
    constant = [int(step.constant_.sum()) for step in fitted if hasattr(step, "constant_")]
    notices = [*about.notices, *(f"Scaler: {number:,} constant genes became 0." for number in constant if number)]
    return Transformed(Path(output), samples, genes, unit, fitted, tuple(notices))


def _checked_steps(steps: Any) -> list[Any]:
    """Copies of the estimators, not fitted."""
    given = list(steps) if isinstance(steps, Sequence) else [steps]
    if not given:
        raise InputError(_WHO, "steps", "at least one estimator", "none")
    for step in given:
        name = type(step).__name__
        if name not in STREAMS or (name == "Scaler" and step.kind != "z"):
            fix = "Read the whole table with genolab.io.read_counts for others."
            found = f"Scaler(kind={step.kind!r})" if name == "Scaler" else name
            raise InputError(_WHO, "steps", f"of {', '.join(STREAMS)} (kind 'z')", found, fix)
    return [clone(step) for step in given]


class _Work:
    """The passes over a file's blocks: here one after the other, or on the workers of a client."""

    def __init__(
        self, rows: CountRows, output: PathLike, steps: list[Any], parts: list[tuple[int, int]],
        progress: Progress | None, client: Any,
    ) -> None:  # fmt: skip
        self._output, self._parts, self._client, self._progress = output, parts, client, progress
        self._passes, self._pass = 1 + sum(hasattr(step, "_summary") for step in steps), 0
        self._about: dict[str, Any] = {}
        if client is not None:
            self._about = {
                "file": str(rows.path), "digest": io.digest(rows.path), "layer": rows.layer, "block": parts[0],
                "steps": [[type(step).__name__, {k: str(v) for k, v in _plain(step).items()}] for step in steps],
            }  # fmt: skip

    def summaries(self, plan: _Plan) -> Iterator[dict[str, np.ndarray]]:
        """The summaries of all blocks, in order."""
        for packed in self._each(_Plan.summary, plan, "learning"):
            yield io.model_of(packed)[0]

    def write(self, plan: _Plan, about: io.CountFile) -> None:
        """Prepare all blocks and write them."""
        import pandas as pd
        import scipy.sparse

        samples = pd.DataFrame(about.sample_columns, index=_index(about.samples))
        genes = pd.DataFrame({} if about.symbols is None else {"symbol": about.symbols}, index=_index(about.genes))
        sides = len(about.genes)
        with io.writing_counts(self._output, samples, genes, _WHO) as append:
            for packed in self._each(_Plan.prepared, plan, "preparing"):
                held = io.model_of(packed)[0]
                if "dense" in held:
                    append(held["dense"])
                    continue
                parts = held["data"], held["indices"], held["indptr"]
                append(scipy.sparse.csr_array(parts, shape=(len(held["indptr"]) - 1, sides)))

    def _each(self, function: Callable[[_Plan, Any], bytes], plan: _Plan, doing: str) -> Iterator[bytes]:
        before, self._pass = self._pass / self._passes, self._pass + 1

        def tell(share: float, text: str) -> None:
            if self._progress is not None:
                self._progress(before + share / self._passes, text)

        if self._client is None:
            for number, part in enumerate(self._parts):
                tell(number / len(self._parts), f"{doing} {_name(part)}")
                yield function(plan, part)
            tell(1.0, doing)
            return
        from genolab.scale import Cluster, Tile

        kept = io.KeptTiles(self._output, self._about | {"pass": self._pass})
        cluster = Cluster(self._client, _WHO, doing, tell, kept)
        tiles = [Tile(_name(part), 1 / len(self._parts), part) for part in self._parts]
        with cluster.working():
            for _, packed in cluster.map(function, plan, tiles):
                yield packed
        cluster.check_complete(None)


def _plain(step: Any) -> dict[str, Any]:
    """Parameters, with arrays as lists, for the key of what is kept."""
    return {k: np.asarray(v).tolist() if np.ndim(v) else v for k, v in step.get_params().items()}


def _name(part: tuple[int, int]) -> str:
    return f"samples {part[0] + 1:,} to {part[1]:,}"


def _index(names: np.ndarray) -> Any:
    import pandas as pd

    return pd.Index([str(name) for name in names])
