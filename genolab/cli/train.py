"""``genolab train``: a table of sequences in, a model file out; the leak check is said before any score."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from genolab.cli.bar import Bar


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    from genolab.predict.model import LINEAR
    from genolab.predict.network.net import ARCHITECTURES

    command.add_argument("table", type=Path, metavar="TABLE", help="CSV or TSV with the columns sequence and label")
    command.add_argument("--output", type=Path, required=True, metavar="MODEL", help="file of weights and model card")
    command.add_argument("--target", metavar="COLUMN", help="the column to predict (default: label, or value)")
    command.add_argument("--network", choices=(*ARCHITECTURES, *LINEAR), default="basset", help="default %(default)s")
    kept = "similarity, random, or a column whose groups stay together (default %(default)s)"
    command.add_argument("--split", default="similarity", metavar="HOW", help=kept)
    command.add_argument("--epochs", type=int, default=30, help="passes at most (default %(default)s)")
    command.add_argument("--learning-rate", type=float, default=1e-3, metavar="X", help="default %(default)s")
    command.add_argument("--batch-size", type=int, default=64, metavar="N", help="default %(default)s")
    command.add_argument("--seed", type=int, default=0, help="of split, weights and batches (default %(default)s)")
    command.add_argument("--checkpoint", type=Path, metavar="FILE", help="written every minute and when stopped")
    command.add_argument("--resume", action="store_true", help="go on from the checkpoint, to the same numbers")
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    began = time.perf_counter()
    from genolab.io import read_labelled
    from genolab.predict.study import make_study

    table = read_labelled(options.table, options.target)
    columns = {name.lower(): held for name, held in table.columns.items()}
    groups = None if options.split in ("random", "similarity") else columns.get(options.split.lower())
    study = make_study(table.sequences, table.labels, split=options.split, groups=groups, seed=options.seed)
    if not options.quiet:
        print(f"leak check: {study.leaks}", file=sys.stderr)
    model = study.model(
        options.network, epochs=options.epochs, learning_rate=options.learning_rate, batch_size=options.batch_size,
        seed=options.seed,
    )  # fmt: skip
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        study.fit(model, progress=bar, checkpoint=options.checkpoint, resume=options.resume)
    judged = study.judge(model)
    model.card_["scores"] = judged.table.to_dict("records")
    model.card_["leaks"] = str(study.leaks)
    model.card_["split"] = f"{options.split}, seed {options.seed}: {len(study.test):,} sequences judged"
    model.save(options.output)
    summary: dict[str, Any] = {
        "output": str(options.output), "sequences": len(study.bases), "test": len(study.test),
        "leaks": len(study.leaks), "epochs": len(model.history_), "scores": judged.table.to_dict("records"),
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        print(judged.sentence)
        print("{epochs} epochs, written to {output} in {seconds:.1f} s".format(**summary))
    return 0
