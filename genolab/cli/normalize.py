"""``genolab normalize``: a table of counts in, the table after some steps out."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.cli.bar import Bar
from genolab.errors import InputError

if TYPE_CHECKING:
    from genolab.prepare.chain import Step

STEPS = (
    "GeneFilter", "HighlyVariableGenes", "TMM", "UpperQuartile", "MedianOfRatios", "LogCPM", "TPM", "RPKM", "Logarithm",
    "VST", "Voom", "PearsonResiduals", "QuantileNormalizer", "SimpleImputer", "KNNImputer", "SoftImpute", "PPCAImputer",
    "ComBat", "LinearBatch", "Scaler",
)  # fmt: skip
"""The estimators of :mod:`genolab.prepare` that give a table of genes back."""

COLUMNS = {"ComBat": ("batch", "covariates"), "LinearBatch": ("batch", "covariates"), "VST": ("y",), "Voom": ("y",)}
"""What a step may take from the sample table."""

BY_LENGTH = ("TPM", "RPKM")


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    kinds = "CSV, TSV, MatrixMarket, .h5ad, a 10x .h5 or the folder of a 10x run"
    command.add_argument("counts", type=Path, metavar="COUNTS", help=kinds)
    ends = "the table that is written: .csv, .tsv, .csv.gz, .tsv.gz or .h5ad"
    command.add_argument("--output", type=Path, required=True, metavar="TABLE", help=ends)
    step = "may come again, in order: TMM, TMM:log=true, ComBat:batch=run,covariates=condition"
    command.add_argument("--step", action="append", required=True, metavar="NAME[:PARAMETER=VALUE,...]", help=step)
    command.add_argument("--samples", type=Path, metavar="SHEET", help="CSV or TSV with a row per sample")
    command.add_argument("--lengths", type=Path, metavar="SHEET", help="for TPM and RPKM: genes and a column `length`")
    turned = "where the genes of a text table are, read and written (default %(default)s)"
    command.add_argument("--genes", choices=("rows", "columns"), default="rows", help=turned)
    command.add_argument("--layer", help="of .h5ad: the layer to read instead of X")
    stream = "a block of samples at a time, for a 10x .h5 or .h5ad larger than memory; writes .h5ad"
    command.add_argument("--stream", action="store_true", help=stream)
    where = "the same on the Dask cluster whose scheduler is at ADDRESS, such as tls://10.0.0.1:8786"
    command.add_argument("--dask", metavar="ADDRESS", help=where)
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary, with the provenance, as JSON")
    names = ", ".join(f"{name} ({', '.join(_parameters(name))})" for name in STEPS)
    command.epilog = f"The steps and their parameters: {names}. `y`, `batch` and `covariates` name columns of SHEET."


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab import __version__
    from genolab.io import digest
    from genolab.io.count_writer import check_ending
    from genolab.io.paths import writable

    began = time.perf_counter()
    check_ending(options.output, "--output")
    writable(options.output, "--output")
    steps = [step_of(text) for text in options.step]
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        streams = options.stream or options.dask
        samples, genes, unit, notices = (_streamed if streams else _whole)(options, steps, bar)
    if not options.quiet:
        for notice in notices:
            print(f"genolab normalize: {notice}", file=sys.stderr)
    taken = [
        {"name": step.name, "parameters": {k: v for k, v in step.parameters.items() if k != "length"},
         "columns": dict(step.columns)}
        for step in steps
    ]  # fmt: skip
    summary: dict[str, Any] = {
        "output": str(options.output), "samples": samples, "genes": genes, "unit": unit,
        "genolab": __version__, "input": str(options.counts),
        "digest": "" if options.counts.is_dir() else digest(options.counts),
        "steps": taken, "notices": notices, "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        text = "{samples:,} samples, {genes:,} genes, {unit}, written to {output} in {seconds:.1f} s"
        print(text.format(**summary))
    return 0


def _whole(options: argparse.Namespace, steps: list[Step], bar: Bar) -> tuple[int, int, str, list[str]]:
    """The table in memory; returns its samples, genes and unit, and what was noticed."""
    import pandas as pd

    from genolab.io import read_counts, read_samples, write_counts
    from genolab.prepare.chain import open_chain, take

    bar(0.0, "reading")
    read = read_counts(options.counts, options.genes, layer=options.layer)
    samples = pd.DataFrame(read.sample_columns, index=read.samples) if read.sample_columns else None
    if options.samples is not None:
        samples = read_samples(options.samples, list(read.samples)).to_frame()
    if any(step.name in BY_LENGTH for step in steps):
        steps = _with_lengths(steps, options.lengths, read.genes)
    chain, noticed = open_chain(read.to_frame(), samples, "genolab normalize")
    here = chain.start
    heard: list[str] = []
    for number, step in enumerate(steps):
        bar(number / len(steps), step.name)
        here = take(step, here, chain.samples)
        heard += here.notices
    bar(1.0, "writing")
    write_counts(here.table, options.output, options.genes, chain.samples)
    notices = list(dict.fromkeys([*read.notices, *noticed, *heard]))
    return len(here.table), len(here.table.columns), here.unit.text, notices


def _streamed(options: argparse.Namespace, steps: list[Step], bar: Bar) -> tuple[int, int, str, list[str]]:
    """The same of a file that need not fit in memory, here or on a cluster."""
    from genolab.io import open_counts
    from genolab.prepare import transform_file
    from genolab.scale import connected

    if options.samples is not None:
        fix = "No step that streams needs it; sample columns of .h5ad are kept."
        raise InputError("genolab normalize", "--samples", "left out with --stream or --dask", "given", fix)
    if any(step.name in BY_LENGTH for step in steps):
        steps = _with_lengths(steps, options.lengths, open_counts(options.counts, options.layer).genes)
    estimators = [step.estimator() for step in steps]
    with connected(options.dask, "--dask") if options.dask else nullcontext() as client:
        done = transform_file(
            options.counts, options.output, estimators, layer=options.layer, progress=bar, client=client
        )
    return done.samples, done.genes, done.unit.text, list(done.notices)


def step_of(text: str) -> Step:
    """``NAME:PARAMETER=VALUE,...`` as a step; a value is read as what the parameter's default is."""
    from genolab.prepare.chain import Step

    name, _, rest = text.partition(":")
    known = {each.lower(): each for each in STEPS}
    if name.lower() not in known:
        raise InputError("--step", "name", f"one of {', '.join(STEPS)}", repr(name))
    name = known[name.lower()]
    parameters: dict[str, Any] = {}
    columns: dict[str, str] = {}
    offered = _parameters(name)
    for pair in filter(None, rest.split(",")):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or key not in offered:
            raise InputError("--step", name, f"PARAMETER=VALUE of {', '.join(offered) or 'nothing'}", repr(pair))
        if key in COLUMNS.get(name, ()):
            columns[key] = value
        else:
            parameters[key] = _value(f"{name}:{key}", value, offered[key])
    return Step(name, parameters, columns)


def _parameters(name: str) -> dict[str, Any]:
    """Parameters of a step with their defaults, and the columns that it takes."""
    from genolab import prepare

    found = inspect.signature(getattr(prepare, name).__init__).parameters.values()
    hidden = ("self", "layer", "copy", "length", "batch", "covariates")
    given = {each.name: each.default for each in found if each.name not in hidden}
    return given | dict.fromkeys(COLUMNS.get(name, ()))


def _value(who: str, text: str, default: Any) -> Any:
    """Text as the kind of the default; where that is None, a number."""
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise InputError("--step", who, "true or false", repr(text))
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        raise InputError("--step", who, "a number", repr(text)) from None
    whole = number.is_integer() and not isinstance(default, float)
    return int(number) if whole else number


def _with_lengths(steps: list[Step], path: Path | None, genes: Any) -> list[Step]:
    """The steps, those by length with the genes' lengths in bases, matched by name."""
    from dataclasses import replace

    from genolab.io import read_samples

    if path is None:
        raise InputError("genolab normalize", "--lengths", "given for TPM and RPKM", "nothing")
    sheet = read_samples(path, list(genes)).to_frame()
    if "length" not in sheet:
        raise InputError("--lengths", "column", "`length`, in bases", ", ".join(map(str, sheet.columns)))
    given = {"length": sheet["length"]}
    return [replace(s, parameters={**s.parameters, **given}) if s.name in BY_LENGTH else s for s in steps]
