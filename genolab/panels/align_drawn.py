"""Which kernel drew what the align panel shows, and what it was given: for the graph view."""

from __future__ import annotations

from dataclasses import replace

from genolab.align import MappedReads, SoftAlignments, align, dot_plot, multiple, soft_align
from genolab.kernel.recording import Recorded, recorded
from genolab.panels.align_many import AlignedMany
from genolab.panels.align_stage import Aligned, PairStage

MATRIX, MANY, DOTS, POSTERIOR = "alignment_matrix", "align_profiles", "word_matches", "soft_posteriors"
MAPPING = "chain_anchors"
MOST_DOTS = 300
"""Places of each sequence that are handed over: the definition compares all with all, for every bin."""


def soft_of(shown: Aligned, temperature: float) -> SoftAlignments:
    """The pair on screen over all alignments, with its own mode and scoring."""
    result, query, target = shown.alignments, [shown.query.texts[0]], [shown.target.texts[0]]
    return soft_align(query, target, mode=result.options["mode"], scoring=result.scoring, temperature=temperature)


def calls_of_many(shown: AlignedMany) -> Recorded:
    """The last join of the guide tree, and the columns of the logo."""
    made = shown.made
    with recorded() as calls:
        multiple(list(shown.given.texts), scoring=made.scoring, refinements=0, weighted=made.options["weighted"])
        _ = made.information
    return calls


def calls_of_pair(stage: PairStage, temperature: float) -> Recorded:
    """The cells, shared words, or shares of what is in sight, and the score."""
    shown = stage.shown
    if shown is None:
        return {}
    with recorded() as calls:
        result = shown.alignments
        align([shown.query.texts[0]], [shown.target.texts[0]], mode=result.options["mode"], scoring=result.scoring)
        replace(shown.pair, matrix=None).scores(stage.matrix.window)
        if stage.shows_dots and stage.dots.made is not None:
            top, left, rows, columns = stage.dots.window
            rows, columns = min(rows, MOST_DOTS), min(columns, MOST_DOTS)
            word = stage.dots.made.word
            codes = shown.pair.query[top : top + rows + word - 1], shown.pair.target[left : left + columns + word - 1]
            if min(map(len, codes)) >= word:
                made = dot_plot(*codes, word=word, protein=not shown.pair.dna)
                replace(made, backward=None).bins()
        if stage.matrix.posterior is not None:
            soft_of(shown, temperature).posterior(0)
    return calls


def calls_of_mapping(shown: MappedReads) -> Recorded:
    """The chains of the first reads of the file, as mapping finds them."""
    from genolab.align.mapper import chained_anchors

    with recorded() as calls:
        chained_anchors(shown.reads_paths[0], shown.reference_path)
    return calls
