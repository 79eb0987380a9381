"""``genolab predict``: a model file and sequences in, a table out; or what each variant of a VCF changes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from genolab.errors import InputError


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("model", type=Path, metavar="MODEL", help="what `genolab train` wrote")
    command.add_argument("sequences", type=Path, nargs="?", metavar="FASTA", help="FASTA or FASTQ, may be gzipped")
    command.add_argument("--variants", type=Path, metavar="VCF", help="score these in place of sequences")
    command.add_argument("--reference", type=Path, metavar="FASTA", help="of the variants")
    command.add_argument("--region", help="variants of this region alone, such as chr20:1-10,000")
    command.add_argument("--output", type=Path, metavar="CSV", help="default: standard output")
    command.add_argument("--quiet", action="store_true", help="no notices")
    command.add_argument("--json", action="store_true", help="rows as JSON in place of CSV")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    import pandas as pd

    from genolab.io import read_sequences
    from genolab.io.atomic import save_text
    from genolab.predict import load
    from genolab.predict.study import predictions

    who = "genolab predict"
    if (options.sequences is None) == (options.variants is None):
        raise InputError(who, "sequences", "a FASTA file, or --variants", "both" if options.variants else "neither")
    if options.variants is not None and options.reference is None:
        raise InputError(who, "reference", "given with --variants", "nothing")
    model = load(options.model)
    if not hasattr(model, "variant_effects"):
        fix = "Use gl.predict.load(...).predict(genotypes) from Python."
        raise InputError(who, "model", "one of sequences", type(model).__name__, fix)
    if options.variants is not None:
        table = model.variant_effects(options.variants, options.reference, region=options.region)
        for notice in () if options.quiet else table.attrs["notices"]:
            print(f"{who}: {notice}", file=sys.stderr)
    else:
        read = read_sequences(options.sequences)
        made = predictions(model, list(read.sequences))
        columns = {"predicted": made} if made.ndim == 1 else {str(c): made[:, k] for k, c in enumerate(model.classes_)}
        table = pd.DataFrame({"name": list(read.names), **columns})
    text = json.dumps(table.to_dict("records")) + "\n" if options.json else table.to_csv(index=False)
    if options.output is None:
        sys.stdout.write(text)
    else:
        save_text(options.output, text, who)
    return 0
