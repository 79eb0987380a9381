"""Pairwise alignment against parasail and edlib: the same pairs, in the same run, turn by turn, one thread.

python bench/align.py [--genome FASTA] [--pairs N] [--repeats N] [--only WORD] [--markdown FILE]
python bench/align.py --compile [--only WORD] [--markdown FILE]

Both sides start from Python strings and end with a score or a CIGAR for each pair. Times are CPU times, the best of the
repeats; a ratio above 1 means that genolab is faster. Scores must be equal, and every CIGAR must be worth its score.
In overlap mode sequences may also not overlap at all, which scores 0; parasail's `sg` pairs at least a letter of each,
so its scores below 0 stand for 0.
With --compile: how long each loop takes to compile, also the mapper's, each workload in a fresh process; CPU seconds,
which a busy machine stretches less, beside the clock. To see another processor, set NUMBA_CPU_NAME and
NUMBA_CPU_FEATURES (and another NUMBA_CACHE_DIR).
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import compile_align
import edlib
import numpy as np
import parasail

import genolab.align as ga
from genolab.align import Scoring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "align"))
import naive_align as naive

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared"))
DNA = parasail.matrix_create("ACGT", 2, -4)
AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYV"
PROTEIN = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)
RANDOM = random.Random(20261122)


LEAST = {"overlap": 0}
"""The least score that a mode has, where parasail's may be less."""


class Contest(NamedTuple):
    """One workload: what each side runs, and how their results must agree."""

    name: str
    asked: str
    cells: int
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    agree: Callable[[Any, Any], bool]


def mutated(sequence: str, substitution: float, gap: float, letters: str = "ACGT") -> str:
    """Substitutions, and insertions and deletions whose lengths are geometric with mean 1.7."""
    out, i = [], 0
    while i < len(sequence):
        draw = RANDOM.random()
        if draw < substitution:
            out.append(RANDOM.choice(letters.replace(sequence[i], "")))
        elif draw < substitution + gap:
            out.append(RANDOM.choice(letters))
            while RANDOM.random() < 0.4:
                out.append(RANDOM.choice(letters))
            continue
        elif draw < substitution + 2 * gap:
            while RANDOM.random() < 0.4:
                i += 1
        else:
            out.append(sequence[i])
        i += 1
    return "".join(out)


def genome(path: Path | None) -> str:
    """The first sequence of a FASTA, or, without one, a random genome of the same size as E. coli's."""
    from genolab.io import read_sequences

    path = path or SHARED / "data" / "align" / "ecoli_mg1655.fa.gz"
    if path.is_file():
        return read_sequences(path).sequences[0].upper()
    return "".join(RANDOM.choices("ACGT", k=4_600_000))


def reads(source: str, count: int) -> tuple[list[str], list[str]]:
    """Reads of 150 with 2 % errors and their windows of 200; one in ten is unrelated."""
    queries, targets = [], []
    for k in range(count):
        at, offset = RANDOM.randrange(len(source) - 400), RANDOM.randrange(40)
        related = mutated(source[at + offset : at + offset + 190], 0.02, 0.003)[:150]
        queries.append("".join(RANDOM.choices("ACGT", k=150)) if k % 10 == 9 else related)
        targets.append(source[at : at + 200])
    return queries, targets


def worth(result: ga.Alignments, queries: list[str], targets: list[str], step: int = 97) -> bool:
    """Whether a sample of the CIGARs re-scores to the scores."""
    letters, table = result.scoring.alphabet.letters, result.scoring.table
    for k in range(0, len(result), step):
        ours = queries[k][result.query_start[k] : result.query_end[k]]
        theirs = targets[k][result.target_start[k] : result.target_end[k]]
        score = naive.rescore(
            result.cigars[k],
            ours,
            theirs,
            lambda a, b: table[letters.index(a), letters.index(b)],
            result.scoring.gap_cost,
        )
        if score != result.scores[k]:
            return False
    return True


def scores(
    name: str, asked: str, pairs: tuple[list[str], list[str]], mode: str, peer: str, scoring: Scoring, matrix: Any
) -> Contest:
    """Scores alone."""
    run, (queries, targets) = getattr(parasail, peer), pairs
    opening, extend, least = scoring.gap_cost(1), scoring.gap_extend, LEAST.get(mode, -np.inf)
    return Contest(
        name, asked, sum(len(a) * len(b) for a, b in zip(*pairs, strict=True)),
        lambda: ga.align(queries, targets, mode=mode, scoring=scoring, threads=1).scores,
        lambda: [run(a, b, opening, extend, matrix).score for a, b in zip(queries, targets, strict=True)],
        lambda ours, theirs: bool((ours == np.maximum(theirs, least)).all()),
    )  # fmt: skip


def cigars(name: str, asked: str, pairs: tuple[list[str], list[str]], mode: str, peer: str) -> Contest:
    """Scores with CIGARs."""
    run, (queries, targets) = getattr(parasail, peer), pairs
    results = [max(run(a, b, 6, 2, DNA).score, LEAST.get(mode, -np.inf)) for a, b in zip(queries, targets, strict=True)]
    return Contest(
        name, asked, sum(len(a) * len(b) for a, b in zip(*pairs, strict=True)),
        lambda: ga.align(queries, targets, mode=mode, traceback=True, threads=1),
        lambda: [run(a, b, 6, 2, DNA).cigar.decode for a, b in zip(queries, targets, strict=True)],
        lambda ours, theirs: bool((ours.scores == results).all()) and worth(ours, queries, targets),
    )  # fmt: skip


def edits(name: str, asked: str, pairs: tuple[list[str], list[str]], mode: str, task: str) -> Contest:
    """Edit distances, or their paths."""
    (queries, targets), kind = pairs, {"global": "NW", "infix": "HW", "prefix": "SHW"}[mode]
    key = "editDistance" if task == "distance" else "cigar"
    path = task == "path"
    distances = [edlib.align(a, b, mode=kind)["editDistance"] for a, b in zip(queries, targets, strict=True)]
    return Contest(
        name, asked, sum(len(a) * len(b) for a, b in zip(*pairs, strict=True)),
        lambda: ga.edit_distance(queries, targets, mode=mode, traceback=path, threads=1),
        lambda: [edlib.align(a, b, mode=kind, task=task)[key] for a, b in zip(queries, targets, strict=True)],
        lambda ours, theirs: bool(((ours.distances if path else ours) == distances).all()),
    )  # fmt: skip


def contests(source: str, count: int) -> Iterator[Contest]:
    """The workloads of issue 3, as far as pairs go."""
    short = reads(source, count)
    peers = (
        ("global", "nw", "scan"), ("semiglobal", "sg_dx", "scan"), ("overlap", "sg", "scan"),
        ("local", "sw", "striped"),
    )  # fmt: skip
    for mode, peer, kind in peers:
        yield scores(f"150 x 200 scores, {mode}", "6", short, mode, f"{peer}_{kind}_16", Scoring(), DNA)
    for mode, peer, kind in peers:
        yield cigars(f"150 x 200 CIGARs, {mode}", "5", short, mode, f"{peer}_trace_{kind}_16")
    for mode in ("global", "infix"):
        yield edits(f"150 x 200 edit distance, {mode}", "3", short, mode, "distance")
        yield edits(f"150 x 200 edit path, {mode}", "3", short, mode, "path")
    mixed = tuple(
        [(a + b)[: RANDOM.randint(50, 300)] for a, b in zip(*some, strict=True)] for some in (short, short[::-1])
    )
    yield scores("mixed 50-300 scores, global", "4", mixed, "global", "nw_scan_16", Scoring(), DNA)
    yield cigars("mixed 50-300 CIGARs, global", "4", mixed, "global", "nw_trace_scan_16")
    starts = [RANDOM.randrange(len(source) - 6000) for _ in range(96)]
    targets = [source[at : at + 5000] for at in starts]
    queries = [(mutated(each, 0.06, 0.02) + "".join(RANDOM.choices("ACGT", k=400)))[:5000] for each in targets]
    yield scores("5 kb x 5 kb scores, global", "1.7", (queries, targets), "global", "nw_scan_16", Scoring(), DNA)
    yield edits("5 kb x 5 kb edit distance", "1", (queries, targets), "global", "distance")
    proteins = ["".join(RANDOM.choices(AMINO_ACIDS, k=350)) for _ in range(2000)]
    relatives = [(mutated(each, RANDOM.uniform(0.2, 0.6), 0.01, AMINO_ACIDS) + each)[:350] for each in proteins]
    yield scores(
        "protein 350 x 350 pairs, local",
        "1.2",
        (relatives, proteins),
        "local",
        "sw_striped_16",
        PROTEIN,
        parasail.blosum62,
    )
    profile = parasail.profile_create_sat(relatives[0], parasail.blosum62)
    yield Contest(
        "protein 350, one against 2,000, local", "2", 350 * 350 * 2000,
        lambda: ga.align(relatives[0], proteins, mode="local", scoring=PROTEIN, threads=1).scores,
        lambda: [parasail.sw_striped_profile_sat(profile, each, 11, 1).score for each in proteins],
        lambda ours, theirs: bool((ours == theirs).all()),
    )  # fmt: skip


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and its result."""
    began = time.process_time()
    result = run()
    return time.process_time() - began, result


def measure(contest: Contest, repeats: int) -> dict[str, Any]:
    """Both sides in turns."""
    began = time.perf_counter()
    contest.ours()
    first = time.perf_counter() - began
    best = [float("inf"), float("inf")]
    results: list[Any] = [None, None]
    for _ in range(repeats):
        for side, run in enumerate((contest.ours, contest.theirs)):
            seconds, results[side] = timed(run)
            best[side] = min(best[side], seconds)
    return {
        "workload": contest.name, "genolab ms": best[0] * 1e3, "peer ms": best[1] * 1e3, "ratio": best[1] / best[0],
        "asked": contest.asked, "GCUPS": contest.cells / best[0] / 1e9, "equal": contest.agree(*results),
        "first s": first,
    }  # fmt: skip


def main() -> None:
    """Run, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", type=Path)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="workloads whose name has this word")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--compile", action="store_true", help="measure compiling instead")
    options = parser.parse_args()
    if options.compile:
        lines = []
        for line in compile_align.table(options.only):
            lines.append(line)
            print(line, flush=True)
        if options.markdown:
            options.markdown.write_text("\n".join(lines) + "\n")
        return
    rows = []
    form = "| {workload:<40} | {genolab ms:10.1f} | {peer ms:8.1f} | {ratio:5.2f} | {asked:>5} | {GCUPS:6.2f} "
    form += "| {equal!s:<5} | {first s:7.1f} |"
    names = ("workload", "genolab ms", "peer ms", "ratio", "asked", "GCUPS", "equal", "first s")
    head = "| {:<40} | {:>10} | {:>8} | {:>5} | {:>5} | {:>6} | {:<5} | {:>7} |".format(*names)
    rule = "|" + "|".join("-" * len(cell) for cell in head.split("|")[1:-1]) + "|"
    lines = [f"parasail {parasail.__version__}, {platform.processor() or platform.machine()}", "", head, rule]
    print("\n".join(lines), flush=True)
    for contest in contests(genome(options.genome), options.pairs):
        if options.only in contest.name:
            rows.append(measure(contest, options.repeats))
            lines.append(form.format(**rows[-1]))
            print(lines[-1], flush=True)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")
    if not np.all([row["equal"] for row in rows]):
        sys.exit("Results differ.")


if __name__ == "__main__":
    main()
