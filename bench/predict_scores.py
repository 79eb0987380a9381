"""What prediction reaches on real and simulated sets: ``python bench/predict_scores.py [CASE ...]``.

Cases: ``promoters`` (leave one out), ``splice`` (five folds), ``sortseq`` and ``mpsa`` (held-out part, beside the
additive model), ``yeast`` (five folds by similarity, and at random with what the leak check says of it), ``risk``
(2,000 siblings x 20,000 variants, heritability 0.5, 200 causal: the trait, and which half has more of it), ``mouse``
(six traits, whole families held out, beside GBLUP). Sets that do not ship are looked for in GENOLAB_SHARED, or
`../shared` beside the project.
Seeds are fixed, so each line is the same on every run.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import genolab as gl
from genolab.errors import GenolabWarning
from genolab.predict.metrics import auroc, pearson
from genolab.predict.risk import METHODS
from genolab.predict.splits import fold_numbers

DATA = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared")) / "data"
OTHERS = ("lasso", "ldpred")


def promoters() -> Iterator[str]:
    """UCI promoters: 106 sequences of 57 bases."""
    table = gl.io.read_labelled(gl.data.example("promoters").table)
    model = gl.predict.SequenceClassifier("kmer_logistic")
    found = gl.predict.cross_validate(model, table.sequences, table.labels, split="leave_one_out", shuffled=False)
    yield f"kmer_logistic, leave one out: AUROC {found.value('auroc'):.3f}"


def splice() -> Iterator[str]:
    """UCI splice junctions: 3,186 stretches of 60 bases, three classes."""
    table = gl.io.read_labelled(gl.data.example("splice").table)
    for architecture in ("kmer_logistic", "positional", "basset"):
        model = gl.predict.SequenceClassifier(architecture, seed=1)
        found = gl.predict.cross_validate(model, table.sequences, table.labels, shuffled=False)
        yield f"{architecture}, five folds by similarity: accuracy {found.value('accuracy'):.3f}"


def sortseq() -> Iterator[str]:
    """Sort-seq of the lac promoter: the mean bin of each of 50,518 sequences of 75 bases."""
    rows = _rows(DATA / "expression" / "sortseq_data.csv.gz")
    counts = np.array([[float(row[f"ct_{bin_}"]) for bin_ in range(10)] for row in rows])
    yield from _beside_additive([row["x"] for row in rows], counts @ np.arange(10) / counts.sum(axis=1), rows)


def mpsa() -> Iterator[str]:
    """Splicing of 30,483 donor sites of 9 bases (log10 of the share spliced in)."""
    rows = _rows(DATA / "expression" / "mpsa_data.csv.gz")
    texts = [row["x"].replace("U", "T") for row in rows]
    yield from _beside_additive(texts, np.array([float(row["y"]) for row in rows]), rows)


def yeast() -> Iterator[str]:
    """Expression of 3,733 native yeast promoters of 110 bases."""
    rows = _rows(DATA / "expression" / "yeast_native.csv.gz")
    texts, level = [row["sequence"] for row in rows], np.array([float(row["Measured Expression"]) for row in rows])
    model = gl.predict.ExpressionRegressor("gkm", strands="one")
    for split in ("similarity", "random"):
        found = gl.predict.cross_validate(model, texts, level, split=split, shuffled=False)
        yield f"gapped k-mers, five folds, {split}: r {found.value('r'):.3f}"
        yield from (f"  {each}" for each in found.notices)


def risk() -> Iterator[str]:
    """Simulated siblings; a quarter of the families is held out."""
    made = gl.data.simulate_cohort(2_000, 20_000, heritability=0.5, causal=200, engine="msprime", seed=1)
    fold = fold_numbers("risk", made.trait, made.families, 4, 0)
    train, test = fold != 0, fold == 0
    known, upper = made.covariates, (made.trait > np.median(made.trait)).astype(float)
    for method in METHODS:
        found = []
        for target in (made.trait, upper):
            model = gl.predict.RiskScore(method)
            model.fit(made.dosages[train], target[train], known[train], groups=made.families[train])
            found.append(model.score_samples(made.dosages[test]))
        areas = [auroc(upper[test], score) for score in found]
        yield (
            f"{method}: r2 {pearson(found[0], made.trait[test]) ** 2:.3f}; AUROC for the upper half {areas[0]:.3f}, "
            f"{areas[1]:.3f} where only the halves are known to it"
        )


def mouse() -> Iterator[str]:
    """Heterogeneous-stock mice: 1,940 x 12,226 variants, six traits; each sibship is one unit of five folds."""
    folder = DATA / "genotypes" / "mouse_hs1940"
    traits = np.array([
        [float("nan") if cell == "NA" else float(cell) for cell in line.split()]
        for line in gzip.decompress((folder / "mouse_hs1940.pheno.txt.gz").read_bytes()).decode().splitlines()
    ])  # fmt: skip
    with tempfile.TemporaryDirectory() as unpacked:
        for kind in ("bed", "bim", "fam"):
            made = Path(unpacked, f"mouse.{kind}")
            made.write_bytes(gzip.decompress((folder / f"mouse_hs1940.{kind}.gz").read_bytes()))
        genotypes = gl.io.read_plink(Path(unpacked, "mouse"))
        sibships = np.array([" x ".join(line.split()[2:4]) for line in made.read_text().splitlines()])
        for number, trait in enumerate(traits.T):
            known = np.flatnonzero(~np.isnan(trait))
            fold = fold_numbers("mouse", trait[known], sibships[known], 5, 0)
            words = []
            for method in ("ridge", *OTHERS):
                guess = np.zeros(known.size)
                for k in range(5):
                    hidden = trait.copy()
                    hidden[known[fold == k]] = float("nan")
                    model = gl.predict.RiskScore(method).fit(genotypes, hidden, groups=sibships)
                    guess[fold == k] = model.score_samples(genotypes)[known[fold == k]]
                words.append(f"{'GBLUP' if method == 'ridge' else method} {pearson(guess, trait[known]):.3f}")
            yield f"trait {number + 1} ({known.size:,} mice), five folds by sibship: r {', '.join(words)}"


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        sys.exit(f"{path} is not there; name the folder that holds data/ with GENOLAB_SHARED.")
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def _beside_additive(texts: list[str], value: np.ndarray, rows: list[dict[str, str]]) -> Iterator[str]:
    part = np.array([row["set"] for row in rows])
    train, test = np.flatnonzero(part == "training"), np.flatnonzero(part == "test")
    additive = {"sizes": (1,), "at_positions": True}
    for name, architecture, options in (("additive", "kmer_logistic", additive), ("network", "positional", None)):
        model = gl.predict.ExpressionRegressor(architecture, options=options, seed=1)
        model.fit([texts[k] for k in train], value[train], validation=0.1, check=False)
        yield f"{name}: held-out r {pearson(model.predict([texts[k] for k in test]), value[test]):.3f}"


CASES: dict[str, Callable[[], Iterator[str]]] = {
    case.__name__: case for case in (promoters, splice, sortseq, mpsa, yeast, risk, mouse)
}


def main() -> int:
    """Run the cases and print what they reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="all of them where none is named")
    warnings.simplefilter("ignore", GenolabWarning)
    for name in parser.parse_args().cases or CASES:
        began = time.monotonic()
        print(name)
        for line in CASES[name]():
            print(f"  {line}", flush=True)
        print(f"  ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
