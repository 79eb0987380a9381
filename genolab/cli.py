"""The command line, ``genolab lab | app | call | align | ...``: what a command does not need is not loaded."""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from genolab import __version__
from genolab.errors import Cancelled, GenolabError, InputError

COMMANDS = {
    "lab": "open JupyterLab on the start notebook",
    "app": "open the lab as a page without code",
    "call": "call variants: reads and a reference in, a VCF out",
    "align": "align pairs of sequences: scores, identities and CIGARs as a table",
    "map": "map reads: FASTQ and a reference in, a sorted and indexed BAM out",
    "check": "read whole files and say what is wrong with them, and where",
    "index": "build the missing index of BAM, CRAM, FASTA or VCF files",
    "warmup": "compile every kernel now, so that no click waits for it",
    "info": "versions, backends and folders, for a report of a problem",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 refused (one sentence on stderr), 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    try:
        run = {
            "lab": _lab,
            "app": _app,
            "call": _call,
            "align": _align,
            "map": _map,
            "check": _check,
            "index": _index,
            "warmup": _warmup,
            "info": _info,
        }
        return run[options.command](options)
    except KeyboardInterrupt:
        print(f"genolab {options.command}: stopped; nothing was written.", file=sys.stderr)
        return 130
    except (GenolabError, OSError) as error:
        print(f"genolab {options.command}: {error}", file=sys.stderr)
        return 130 if isinstance(error, Cancelled) else 1


def _parser(words: list[str]) -> argparse.ArgumentParser:
    about = "An interactive genomics lab for Jupyter."
    parser = argparse.ArgumentParser(prog="genolab", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"genolab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, summary in COMMANDS.items():
        about = f"{summary[0].upper()}{summary[1:]}."
        command = commands.add_parser(name, help=summary, description=about, allow_abbrev=False)
        if words[:1] == [name]:  # only the command that runs: the flags of `call` come from the caller's own thresholds
            _add_options(command, name)
    return parser


def _add_options(command: argparse.ArgumentParser, name: str) -> None:
    if name in ("lab", "app"):
        command.add_argument("--no-browser", action="store_true", help="only print the address")
        port = 8888 if name == "lab" else 8866
        command.add_argument("--port", type=int, default=port, help="default %(default)s, or the next free one")
    if name == "lab":
        command.add_argument("--folder", type=Path, help="where to work; missing notebooks are copied there")
    if name == "call":
        _add_call_options(command)
    if name == "align":
        _add_align_options(command)
    if name == "map":
        _add_map_options(command)
    if name == "check":
        _add_check_options(command)
    if name == "index":
        command.add_argument("files", nargs="+", type=Path, metavar="FILE")
        command.add_argument("--cache", action="store_true", help="keep it in the cache folder, not beside the file")
    if name == "warmup":
        command.add_argument("--backend", choices=("numpy", "numba", "c", "jax"), help="instead of each kernel's own")
    if name in ("check", "warmup", "info"):
        command.add_argument("--json", action="store_true", help="print JSON")


def _add_call_options(command: argparse.ArgumentParser) -> None:
    from genolab.call.thresholds import Thresholds

    command.add_argument("reads", type=Path, metavar="READS", help="BAM, CRAM or SAM")
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="plain or bgzipped")
    kinds = ".vcf, .vcf.gz (with .tbi) or .bcf (with .csi)"
    command.add_argument("--output", type=Path, required=True, metavar="VCF", help=kinds)
    command.add_argument("--region", help="such as chr20:10,000,001-10,100,000 (1-based); default: everything")
    command.add_argument("--sample", help="which sample, where the file has several")
    command.add_argument("--ploidy", type=int, default=2, help="copies of each chromosome (default %(default)s)")
    places = "make a missing index beside the file or in the cache"
    command.add_argument("--index", choices=("build", "cache"), help=places)
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    group = command.add_argument_group("thresholds")
    for each in fields(Thresholds):
        about = each.metadata
        unit = f", {about['unit']}" if about["unit"] else ""
        span = f"{about['low']:g} to {about['high']:g}"
        group.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=int if each.type == "int" else float,
            default=each.default,
            metavar="N" if each.type == "int" else "X",
            help=f"{about['doc']} ({span}{unit}; default {each.default:g})".replace("%", "%%"),
        )


def _call(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    from genolab.call import Thresholds, call_variants

    thresholds = Thresholds(**{each.name: getattr(options, each.name) for each in fields(Thresholds)})
    _check_output(options.output)
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        calls = call_variants(
            options.reads,
            options.reference,
            region=options.region,
            sample=options.sample,
            ploidy=options.ploidy,
            thresholds=thresholds,
            index=options.index,
            progress=bar,
        )
        bar(1.0, "writing")
        calls.write(options.output)
    if not options.quiet:
        for notice in calls.notices:
            print(f"genolab call: {notice}", file=sys.stderr)
    summary: dict[str, Any] = {
        "output": str(options.output),
        "records": len(calls),
        "passing": int(calls.passed.sum()),
        "notices": list(calls.notices),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        print("{records:,} records, {passing:,} pass, written to {output} in {seconds:.1f} s".format(**summary))
    return 0


def _add_align_options(command: argparse.ArgumentParser) -> None:
    from genolab.align import Scoring
    from genolab.align.aligner import MODES

    command.add_argument("queries", metavar="QUERIES", help="FASTA or FASTQ, plain or gzipped, or one sequence")
    command.add_argument("targets", metavar="TARGETS", help="the same: as many, or one, or with --all any number")
    command.add_argument("--mode", choices=MODES, default="global", help="default %(default)s")
    command.add_argument("--all", action="store_true", help="every query with every target")
    command.add_argument("--matrix", help="for proteins: BLOSUM62, PAM250, ...")
    for name in ("match", "mismatch", "gap_open", "gap_extend"):
        kind = "a cost, 0 or more" if name.startswith("gap") else "a score"
        default = getattr(Scoring(), name)
        flag = f"--{name.replace('_', '-')}"
        command.add_argument(flag, type=int, default=default, metavar="N", help=f"{kind} (default {default})")
    command.add_argument("--band", type=int, metavar="N", help="diagonals to keep beyond those of the corners")
    command.add_argument("--text", action="store_true", help="print the alignments instead of the table")
    command.add_argument("--output", type=Path, metavar="TSV", help="write the table there instead of printing it")


def _align(options: argparse.Namespace) -> int:
    from genolab.align import Scoring, align

    costs = {name: getattr(options, name) for name in ("match", "mismatch", "gap_open", "gap_extend")}
    some, others = (Path(text) if Path(text).is_file() else text for text in (options.queries, options.targets))
    scoring = Scoring(matrix=options.matrix, **costs)
    pairing = "all" if options.all else "pairs"
    result = align(some, others, mode=options.mode, scoring=scoring, traceback=True, pairing=pairing, band=options.band)
    if options.text:
        frame = result.to_frame()
        titles = frame["query"] + " and " + frame["target"]
        print("\n\n\n".join(f"{title}: {result.text(number)}" for number, title in enumerate(titles)))
    elif options.output is None:
        print(result.to_frame().to_csv(sep="\t", index=False), end="")
    else:
        result.write(options.output)
        print(f"{len(result):,} alignments, written to {options.output}")
    return 0


def _add_map_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("reads", type=Path, metavar="READS", help="FASTQ, plain or gzipped")
    command.add_argument("mates", type=Path, nargs="?", metavar="MATES", help="the second file of paired reads")
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="plain or compressed")
    command.add_argument("--output", type=Path, required=True, metavar="BAM", help="a name that ends in .bam")
    command.add_argument("--sample", help="name of the sample (default: that of the first file)")
    command.add_argument("--secondary", type=int, default=0, metavar="N", help="other places of a read (default 0)")
    size = "mean and standard deviation; estimated by default"
    command.add_argument("--insert-size", type=float, nargs=2, metavar=("MEAN", "SD"), help=size)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="decides between equal places (default 0)")
    command.add_argument("--threads", type=int, metavar="N", help="default: one a processor")
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def _map(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    from genolab.align import map_reads

    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        result = map_reads(
            (options.reads, options.mates) if options.mates else options.reads,
            options.reference,
            options.output,
            sample=options.sample,
            secondary=options.secondary,
            insert_size=options.insert_size and tuple(options.insert_size),
            seed=options.seed,
            threads=options.threads,
            progress=bar,
        )
    if not options.quiet:
        for notice in result.notices:
            print(f"genolab map: {notice}", file=sys.stderr)
    names = ("reads", "mapped", "sure", "pairs", "proper_pairs", "supplementary", "secondary")
    summary = {"output": str(options.output)} | {name: getattr(result, name) for name in names}
    summary |= {"notices": list(result.notices), "seconds": round(time.perf_counter() - began, 3)}
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        text = "{mapped:,} of {reads:,} reads mapped, {sure:,} of them surely, written to {output} in {seconds:.1f} s"
        print(text.format(**summary))
    return 0


def _check_output(path: Path) -> None:
    """Refuse before the work what could not be written after it."""
    from genolab.io.paths import writable

    if not path.name.lower().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")):
        raise InputError("--output", "path", "a name that ends in .vcf, .vcf.gz or .bcf", repr(path.name))
    writable(path, "--output")


def _add_check_options(command: argparse.ArgumentParser) -> None:
    from genolab.io.checking import READERS
    from genolab.io.checks import MEMORY, SECONDS

    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--kind", choices=tuple(READERS), help="default: by the first bytes, or the name")
    command.add_argument("--reference", type=Path, metavar="FASTA", help="what CRAM files were compressed against")
    command.add_argument("--seconds", type=float, default=SECONDS, help="for one file (default %(default)g)")
    memory = "gigabytes that reading may take (default %(default)g; kept on Linux)"
    command.add_argument("--memory", type=float, default=MEMORY / 2**30, metavar="GB", help=memory)


def _check(options: argparse.Namespace) -> int:
    from genolab.io import check_all

    memory = round(options.memory * 2**30)
    found = check_all(options.files, options.kind, options.reference, seconds=options.seconds, memory=memory)
    rows = []
    for each in found:
        rows.append(each)
        if not options.json:
            print(each, flush=True)
    if options.json:
        print(json.dumps([each.to_dict() for each in rows], indent=1))
    return int(any(each.verdict == "refused" for each in rows))


def _index(options: argparse.Namespace) -> int:
    from genolab.io import build_index

    for path in options.files:
        print(build_index(path, cache=options.cache))
    return 0


def _warmup(options: argparse.Namespace) -> int:
    import genolab
    from genolab.align.mapper import prepare
    from genolab.align.usual import compile_usual

    rows: list[dict[str, Any]] = []

    def report(name: str, backend: str, state: str, began: float) -> None:
        seconds = round(time.perf_counter() - began, 3)
        rows.append({"kernel": name, "backend": backend, "state": state, "seconds": seconds})
        if not options.json:
            print("{kernel:<32} {backend:<6} {state:<9} {seconds:8.2f} s".format(**rows[-1]), flush=True)

    for kernel in genolab.kernels():
        backend = options.backend or kernel.backend
        began = time.perf_counter()
        kernel(*kernel.example(), backend=backend)  # the first call compiles, a fast loop too
        report(kernel.name, backend, kernel.state(backend), began)
    began = time.perf_counter()
    prepare()
    report("map_reads", "numba", "compiled", began)
    for name, state, began in compile_usual():
        report(name, "numba", state, began)
    if options.json:
        print(json.dumps(rows))
    return 0


def _info(options: argparse.Namespace) -> int:
    facts = _facts()
    if options.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        print(f"{name:<16} {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _facts() -> dict[str, Any]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import pytensor

    from genolab.io import cache_folder
    from genolab.kernel import available_backends

    facts: dict[str, Any] = {"genolab": __version__, "python": platform.python_version(), "system": platform.platform()}
    packages = "numpy pytensor numba pysam bokeh ipywidgets anywidget jupyterlab voila jax"
    for package in packages.split():
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    facts["backends"] = list(available_backends())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTensor warns of a missing BLAS; here it is a row of the table
        flags = pytensor.config.blas__ldflags
    facts["blas (c)"] = flags or "none: matrix products are slow on the c backend, and on no other"
    facts["cache"] = str(cache_folder())
    facts["compiled code"] = str(pytensor.config.compiledir)
    return facts


def _lab(options: argparse.Namespace) -> int:
    from genolab.servers import run_lab

    return run_lab(folder=options.folder, port=options.port, browser=not options.no_browser)


def _app(options: argparse.Namespace) -> int:
    from genolab.servers import run_app

    return run_app(port=options.port, browser=not options.no_browser)


class Bar:
    """A progress bar on a terminal; called with the fraction done and what is being done."""

    def __init__(self, stream: Any, shown: bool) -> None:
        self._stream, self._shown, self._drawn = stream, shown, 0.0

    def __call__(self, fraction: float | None = None, text: str = "") -> None:
        now = time.monotonic()
        if not self._shown or now - self._drawn < 0.1:
            return
        self._drawn = now
        bar = "" if fraction is None else f"{'#' * round(30 * fraction):.<30} {100 * fraction:3.0f} % "
        print(f"\r{bar}{text}\033[K", end="", file=self._stream, flush=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown and self._drawn:
            print("\r\033[K", end="", file=self._stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
