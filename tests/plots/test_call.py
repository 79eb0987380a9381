"""The picture of calls: rows of reads, bins of depth, what agrees with the truth, and the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bokeh.events import Tap
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab import data
from genolab.call import Thresholds, collect, genotype
from genolab.io import Region
from genolab.plots import coverage, sites
from genolab.plots.call import plot
from genolab.plots.call_table import CallTable
from genolab.plots.genome import GenomeView
from genolab.plots.reads import GAP, base_at, pack, read_columns, sort_rows
from genolab.plots.why import WhyView
from genolab.plots.window import NARROWEST, Window

PLAIN = Thresholds()


@pytest.fixture(scope="module")
def evidence():
    example = data.example("phage")
    return collect(example.reads, example.reference, "NC_001416.1:1-6,000")


@pytest.fixture(scope="module")
def calls(evidence):
    return genotype(evidence)


@pytest.fixture(scope="module")
def truth(evidence):
    return sites.read_truth(data.example("phage").truth, evidence.region)


class Spans:
    """Reads of which only the place is known."""

    def __init__(self, spans):
        self.position = np.array([start for start, _ in spans], np.int64)
        self.reference_end = np.array([start + length for start, length in spans], np.int64)

    def __len__(self):
        return self.position.size


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=60))
def test_reads_of_one_row_never_touch(spans):
    reads = Spans(sorted(spans))
    packing = pack(reads)
    for row in range(packing.rows):
        members = np.flatnonzero(packing.row == row)
        assert members.size, "no row is empty"
        ends, starts = reads.reference_end[members][:-1], reads.position[members][1:]
        assert (ends + GAP <= starts).all()
    # no more rows than reads that are near each other somewhere
    depth = [((reads.position <= at) & (at < reads.reference_end + GAP)).sum() for at in range(370)]
    assert packing.rows == max(depth, default=0)


def test_rows_are_sorted_by_the_base_at_a_position(evidence, calls):
    position = int(calls.position[0])
    plain = pack(evidence.pileup.reads)
    packing = sort_rows(plain, evidence, position)
    covering, shown = base_at(evidence, position)
    reference = evidence.pileup.reference[position]
    other = packing.row[covering[(shown != reference) & (shown >= 0)]]
    same = packing.row[covering[shown == reference]]
    assert other.max() < same.min()
    # whole rows moved: reads that shared one still do
    pairs = {(a, b) for a, b in zip(plain.row.tolist(), packing.row.tolist(), strict=True)}
    assert len(pairs) == plain.rows == packing.rows
    assert sort_rows(plain, evidence, None) is plain


def test_bins_keep_the_sum_of_the_depth(evidence):
    counts = evidence.counts(PLAIN)
    for most in (10_000, 700, 13):
        bins = coverage.depth_columns(evidence, PLAIN, 0, 6_000, most)
        width = bins["right"] - bins["left"]
        assert len(width) <= most + 2
        assert (bins["depth"] * width).sum() == pytest.approx(counts.sum())
        assert sum((bins[base] * width).sum() for base in "ACGT") == pytest.approx(counts.sum())
    one = coverage.depth_columns(evidence, PLAIN, 1_008, 1_009)
    assert one["place"].tolist() == ["1,009"]
    assert one["left"].tolist() == [1_008.5]


def test_bins_stay_where_they_are_while_the_view_moves(evidence):
    first = coverage.depth_columns(evidence, PLAIN, 0, 4_000, 100)
    second = coverage.depth_columns(evidence, PLAIN, 33, 4_033, 100)
    assert set(second["left"][1:-1]) <= {*first["left"], *second["left"][first["left"].size - 2 :]}
    shared = np.intersect1d(first["left"], second["left"][1:-1])
    assert shared.size > 90


def test_bases_are_stacked_where_they_disagree(evidence, calls):
    stacked = coverage.disagreement_columns(evidence, PLAIN, 0, 6_000)
    at = set(stacked["position"].tolist())
    assert {int(p) + 1 for p in calls.position} <= at
    position = int(calls.position[0]) + 1
    here = stacked["position"] == position
    assert stacked["count"][here].sum() == stacked["depth"][here][0] == stacked["top"][here].max()
    assert stacked["base"][here][0] == stacked["reference"][here][0], "the reference's base is at the bottom"
    assert (stacked["bottom"] < stacked["top"]).all()


def test_reads_are_drawn_as_they_are(evidence, calls):
    packing = pack(evidence.pileup.reads)
    position = int(calls.position[0])
    drawn = read_columns(evidence, packing, PLAIN, position - 50, position + 50)
    reads = evidence.pileup.reads
    over = (reads.position < position + 50) & (reads.reference_end > position - 50)
    assert drawn.read.size == over.sum()
    _, shown = base_at(evidence, position)
    reference = evidence.pileup.reference[position]
    marks = drawn.marks["position"] == position + 1
    assert marks.sum() == ((shown != reference) & (shown >= 0)).sum()
    assert (drawn.bodies["alpha"][drawn.bodies["why"] == "used"] > 0.5).all()
    strict = read_columns(evidence, packing, replace(PLAIN, min_mapping_quality=60), position - 50, position + 50)
    low = strict.bodies["why"] == "mapping quality too low"
    assert (strict.bodies["alpha"][low] < 0.5).all()


def test_deep_coverage_is_thinned_and_said(evidence):
    packing = pack(evidence.pileup.reads)
    drawn = read_columns(evidence, packing, PLAIN, 0, 6_000, most_rows=10)
    assert drawn.rows == 10
    assert 0 < drawn.read.size < len(evidence.pileup.reads)
    few = read_columns(evidence, packing, PLAIN, 0, 6_000, most_reads=200)
    assert few.read.size <= 260


def test_truth_is_compared_by_bases(calls, truth):
    columns = sites.truth_columns(calls, truth)
    states = dict(zip(columns["position"].tolist(), columns["state"].tolist(), strict=True))
    passed = {int(p) + 1 for p, ok in zip(calls.position, calls.passed, strict=True) if ok}
    assert {p for p, state in states.items() if state == sites.FOUND} <= passed
    empty = genotype(calls.evidence, replace(PLAIN, min_alternate_fraction=0.5, min_alternate_count=20))
    missed = sites.truth_columns(empty, truth)
    assert (missed["state"] == sites.MISSED).sum() > 0
    rows = sites.missed_columns(empty, missed)
    assert set(rows["truth"]) == {sites.MISSED}
    table = CallTable()
    table.show(sites.call_columns(empty, truth), rows)
    table.narrow("missed")
    assert table.count[0] == (missed["state"] == sites.MISSED).sum()


def test_a_picture_says_how_many_reads_it_shows(calls, truth):
    view = GenomeView()
    view.show(calls, truth)
    assert view.said.startswith("showing ")
    view.select(int(calls.position[0]))
    assert f"sorted by the base at {calls.position[0] + 1:,}" in view.said
    view.window.whole()
    view.redraw()
    assert "reads" in view.said
    tall = view.sources["bodies"].data["row"].max()
    view.resize(1_000, 900)
    assert view.sources["bodies"].data["row"].max() >= tall


def test_a_click_beside_a_marker_means_the_marker(calls):
    picked = []
    view = GenomeView(picked.append)
    view.show(calls)
    position = int(calls.position[0])
    view.window.look_at(position, 4_000)
    figure = view.figures["calls"]
    for x in (position + 1 + 10, position + 1 + 300):
        for callback in figure._event_callbacks["tap"]:
            callback(Tap(figure, x=x, y=1))
    assert picked[0] == position
    assert picked[1] == position + 300


def test_a_large_region_reads_only_what_is_in_sight(calls):
    whole = replace(calls, evidence=None)
    view = GenomeView()
    view.show(whole)
    assert view.evidence is not None
    assert view.evidence.region.length < 1_000
    assert len(view.sources["bodies"].data["left"]) > 0


def test_plot_is_a_pane(calls):
    pane = calls.plot()
    assert type(pane).__name__ == "CallPlot"
    assert "NC_001416.1" in pane.to_html()
    assert plot(calls).genome.calls is calls


def test_the_window_stays_inside_its_region():
    window = Window()
    window.enter(Region("x", 100, 5_000), 110)
    assert window.view == (100, 340)
    window.zoom(1e-9)
    assert window.width == NARROWEST
    window.zoom(1e9)
    assert window.view == (100, 5_000)
    window.look_at(4_990, 100)
    assert window.view == (4_900, 5_000)
    window.enter(Region("x", 0, 10), 3)
    assert window.view == (0, 10)


def test_why_draws_every_fragment_or_says_how_many(evidence, calls):
    view = WhyView()
    explanation = calls.explain("NC_001416.1", int(calls.position[0]) + 1)
    view.show(explanation)
    used = explanation.reads["used"].sum()
    assert len(view.reads.data["weight"]) == used
    assert len(view.cells.data["log10"]) == 3 * used
    probability = dict(zip(view.genotypes.data["factor"], view.genotypes.data["probability"], strict=True))
    assert sum(p for (_, quantity), p in probability.items() if quantity == "prior") == pytest.approx(1, abs=0.01)
    view.show(None)
    assert len(view.reads.data["weight"]) == 0


def test_a_truth_that_names_the_contig_otherwise_is_found(tmp_path):
    path = tmp_path / "truth.vcf"
    head = "##fileformat=VCFv4.2\n##contig=<ID=20,length=1000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    path.write_text(head + "20\t10\t.\tA\tG\t.\t.\t.\n")
    assert sites.read_truth(path, Region("chr20", 0, 100)).position.tolist() == [9]


def test_kinds_of_genotypes():
    assert sites.kind_of((0, 1)) == sites.HETEROZYGOUS
    assert sites.kind_of((1, 1)) == sites.HOMOZYGOUS
    assert sites.kind_of((1,)) == sites.HOMOZYGOUS
    assert sites.kind_of((1, 2)) == sites.SEVERAL


def test_reads_with_an_indel_come_first_where_one_is_chosen(evidence):
    from genolab.plots.reads import with_indel

    whole = collect(evidence.reads_path, evidence.reference_path, "NC_001416.1:7,000-8,500")
    calls = genotype(whole)
    position = int(calls.position[calls.is_indel][0])
    plain = pack(whole.pileup.reads)
    packing = sort_rows(plain, whole, position)
    having = with_indel(whole, position)
    assert having.size > 5
    others = np.setdiff1d(packing.row[base_at(whole, position)[0]], packing.row[having])
    assert packing.row[having].max() < others.min()
    view = WhyView()
    view.show(calls.explain("NC_001416.1", position + 1))
    assert len(set(view.reads.data["colour"])) == 2
