"""The align panel without a browser: what a control changes, what is refused, and what leaves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genolab import data
from genolab.align import Scoring, align, dot_plot, multiple, soft_align
from genolab.kernel import on_compile
from genolab.panels.align import AlignPanel
from genolab.panels.align_source import EXAMPLES, WHO, read
from genolab.panels.lab import Lab
from genolab.panels.parts import StatusBar
from genolab.panels.paths import Allowed


@pytest.fixture(scope="module")
def panel() -> AlignPanel:
    """The panel as it opens; tests put the example back."""
    made = AlignPanel()
    assert made.wait()
    return made


@pytest.fixture(autouse=True)
def example_is_back(panel: AlignPanel):
    yield
    panel.controls.fill(EXAMPLES[0])
    panel.align()
    assert panel.wait()
    assert panel.refusal_text == ""


def settled(panel: AlignPanel) -> AlignPanel:
    assert panel.wait()
    return panel


def drawn(panel: AlignPanel, name: str) -> dict[str, np.ndarray]:
    return dict(panel.stage.matrix.sources[name].data)


def test_it_opens_with_an_example_already_aligned(panel: AlignPanel) -> None:
    assert panel.alignments is not None
    assert panel.stage.facts.rows["score"] == "281"
    image = drawn(panel, "image")["image"][0]
    assert (image.shape, image.dtype) == ((142, 147), np.uint8)
    path = panel.stage.matrix.path
    assert path is not None
    assert list(drawn(panel, "path")["x"]) == list(path.column)
    assert panel.stage.cigar.rows["CIGAR"] == panel.alignments.cigars[0] == path.cigar
    assert "".join(panel.stage.blocks.rows.texts[0].split("-")) == panel.stage.shown.query.texts[0]
    assert panel.bar.state.text.startswith("done in")


def test_a_slider_aligns_again_and_compiles_nothing(panel: AlignPanel) -> None:
    events = []
    unsubscribe = on_compile(events.append)
    try:
        panel.controls.sliders["gap_extend"].value = 5
        settled(panel)
        assert panel.alignments.scoring == Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=5)
        assert panel.stage.facts.rows["score"] == str(panel.alignments.scores[0])
        panel.controls.mode.value = "local"
        settled(panel)
        assert panel.alignments.options["mode"] == "local"
        assert panel.stage.facts.rows["E-value"] == "none published for these costs"
        panel.controls.sliders["gap_extend"].value = 1
        settled(panel)
        assert float(panel.stage.facts.rows["E-value"]) < 1e-20
        assert panel.stage.matrix.pair.score == panel.alignments.scores[0]
        assert events == []
    finally:
        unsubscribe()


def test_choosing_a_matrix_of_the_other_alphabet_sets_its_usual_costs(panel: AlignPanel) -> None:
    panel.controls.fill(EXAMPLES[2])
    panel.controls.matrix.value = "BLOSUM62"
    assert panel.controls.scoring == Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)
    assert panel.controls.rows["match"].layout.display == "none"
    panel.controls.matrix.value = "DNA"
    assert panel.controls.scoring == Scoring()
    assert panel.controls.rows["match"].layout.display == "flex"


def test_equally_good_alignments_are_shown_one_after_the_other(panel: AlignPanel) -> None:
    panel.controls.example.value = "Two short sequences"
    settled(panel)
    seen = []
    for number in range(1, 5):
        assert panel.stage.which.text == f"{number} of 4 equally good"
        seen.append((panel.stage.cigar.rows["CIGAR"], panel.stage.blocks.rows.texts))
        panel.stage.choose(1)
    assert len(set(seen)) == 4
    assert panel.stage.which.text == "4 of 4 equally good", "the last stays"
    assert len(drawn(panel, "edges")["x0"]) > len(panel.stage.matrix.path.row)
    assert len(drawn(panel, "numbers")["text"]) == 16 * 15


def test_a_cell_shows_what_competed(panel: AlignPanel) -> None:
    panel.stage.matrix._pointed(type("Event", (), {"x": 60.2, "y": 59.8})())
    settled(panel)
    content = panel.stage.why.content
    assert content["place"] == "query 60 K · target 60 V"
    assert len(content["steps"]) == 3
    found = panel.stage.matrix.pair.candidates(60, 60)
    assert [step["decides"] for step in content["steps"]] == [each.won for each in found]
    assert content["verdict"] == f"score {panel.stage.matrix.pair.matrix.H[60, 60]}"
    assert drawn(panel, "arrows")["width"] == [3.5 if each.won else 1.5 for each in found]
    assert drawn(panel, "walk")["x"][-1] == 60


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("ACGTJ", "'J' at position 5"),
        ("", "a sequence, FASTA text or a path"),
        ("/etc/passwd", "a file inside"),
        ("no/such/file.fa", "nothing at this path"),
        ("genolab:sequences/globins.fa#HBX", "a record of globins.fa"),
        (">only a name", "empty"),
    ],
)
def test_what_is_refused_is_said_above_the_plot_and_the_picture_stays(panel: AlignPanel, query, words) -> None:
    score = panel.alignments.scores[0]
    panel.controls.query.value = query
    panel.controls.matrix.value = "DNA" if query.startswith("ACGT") else "BLOSUM62"
    settled(panel)
    assert words in panel.refusal_text
    assert panel.bar.state.text == "refused"
    assert panel.alignments.scores[0] == score


def test_letters_fasta_text_and_files_are_read(tmp_path: Path) -> None:
    allowed = Allowed([tmp_path], WHO)
    (tmp_path / "two.fa").write_text(">one\nACGT\n>two\nAC\nGG\n")
    assert read("AC GT\nAC", "query", allowed).texts == ("AC GT\nAC".replace(" ", "").replace("\n", ""),)
    assert read(">x y\nAC\nGT\n>z\nA", "query", allowed).texts == ("ACGT", "A")
    found = read(str(tmp_path / "two.fa"), "query", allowed)
    assert (found.names, found.texts) == (("one", "two"), ("ACGT", "ACGG"))
    assert read(f"{tmp_path}/two.fa#two", "query", allowed).texts == ("ACGG",)


def test_a_file_of_two_is_a_pair_and_of_many_says_what_it_took(panel: AlignPanel) -> None:
    panel.controls.start("genolab:sequences/short.fa", "")
    panel.controls.matrix.value = "DNA"
    panel.align()
    settled(panel)
    assert panel.stage.shown.names == ("first", "second")
    panel.controls.start("genolab:sequences/made1.fa", "genolab:sequences/made1.fa")
    panel.align()
    settled(panel)
    assert "12 sequences" in str(panel.bar.notices.content)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.target], ids=lambda each: each.label)
def test_the_code_gives_the_same_alignment(panel: AlignPanel, example) -> None:
    panel.controls.fill(example)
    panel.align()
    settled(panel)
    names: dict[str, object] = {}
    exec(panel.code.replace("alignments.plot()", ""), names)
    assert names["alignments"].cigars == panel.alignments.cigars
    if panel.stage.matrix.count > 1:
        assert len(names["cigars"]) == min(panel.stage.matrix.count, 10)


def test_files_for_the_browser(panel: AlignPanel) -> None:
    sent = {}
    panel.downloads.offer = lambda name, content: sent.update({name.rpartition(".")[2]: content.decode()})
    for kind in ("fasta", "clustal", "csv"):
        panel.export(kind)
    assert sent["fa"].startswith(">HBA_HUMAN\nV-LSPADKTN")
    assert sent["aln"].startswith("CLUSTAL")
    assert "281" in sent["csv"]


def test_a_large_matrix_is_drawn_in_bins_and_says_so(panel: AlignPanel) -> None:
    rng = np.random.default_rng(3)
    query = "".join(rng.choice(list("ACGT"), 2_500))
    panel.controls.start(query, query[:1_200] + query[1_300:])
    panel.controls.matrix.value = "DNA"
    settled(panel)
    matrix = panel.stage.matrix
    assert matrix.said == "each point is the best of 3 × 3 cells; zoom in to see every cell"
    assert panel.stage.facts.rows["best"] == "not counted"
    assert drawn(panel, "image")["image"][0].shape == (834, 801)
    matrix.x_range.update(start=1_190, end=1_210)
    matrix.y_range.update(start=1_210, end=1_190)
    settled(panel)
    assert drawn(panel, "image")["image"][0].shape == (21, 21)
    matrix._pointed(type("Event", (), {"x": 1_200, "y": 1_200})())
    settled(panel)
    assert panel.stage.why.content["place"].startswith("query 1,200")


def test_the_lab_makes_it_when_its_tab_is_opened() -> None:
    lab = Lab(_Nothing(), first="Call")  # the call panel is not needed here
    assert "Align" not in lab.panels
    lab.bring("Align")
    assert isinstance(lab.panels["Align"], AlignPanel)
    lab.panels["Align"].wait()
    assert lab.panels["Align"].place.text == "HBA_HUMAN and HBB_HUMAN"
    lab.panels["Align"].on_reads(Path("reads.bam"), Path("ref.fa"))
    assert lab.panels["Call"].opened == (Path("reads.bam"), Path("ref.fa"))
    assert lab.panels["Call"].body.layout.display == "flex"


class _Nothing:
    """A panel of nothing, in place of one that reads files."""

    def __init__(self) -> None:
        import ipywidgets

        self.body, self.bar, self.place = ipywidgets.VBox(), StatusBar(lambda: None), ipywidgets.Label()
        self.on_graph = None

    def open_files(self, *paths: Path) -> None:
        self.opened = paths


def test_a_result_shows_itself() -> None:
    globins = data.sequence_set("globins").path
    result = align(globins, scoring=Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1), traceback=True)
    plot = result.plot(3)
    assert plot.matrix.pair.score == result.scores[3]
    assert plot.blocks.rows.names == ("HBB_HUMAN", "MYG_PHYCA")
    with pytest.raises(ValueError, match="traceback=True"):
        align("ACGT", "ACG").plot()


def test_more_than_two_sequences_are_aligned_together(panel: AlignPanel) -> None:
    panel.controls.example.value = "Eight globins"
    settled(panel)
    assert panel.refusal_text == ""
    assert panel.multiple is not None
    assert (panel.stage.top.layout.display, panel.many.top.layout.display) == ("none", "flex")
    assert panel.many.facts.rows["sequences"] == "8"
    assert panel.drawn_by == "align_profiles"
    profiles = panel.arguments("align_profiles")[1][:2]
    assert all(each.shape[0] >= 140 for each in profiles), "whole globins"
    assert panel.many.blocks.rows.names[:2] == ("consensus", "HBB_HUMAN")
    assert len(panel.many.logo.source.data["x"]) > 165
    score = panel.multiple.score
    panel.controls.sliders["gap_open"].value = 4
    settled(panel)
    assert panel.multiple.scoring.gap_open == 4
    assert panel.multiple.score > score
    names: dict[str, object] = {}
    exec(panel.code.replace("aligned.plot()", ""), names)
    assert names["aligned"].texts == panel.multiple.texts
    sent = {}
    panel.downloads.offer = lambda name, content: sent.update({name.rpartition(".")[2]: content.decode()})
    for kind in ("fasta", "clustal", "csv"):
        panel.export(kind)
    assert sent["fa"].count(">") == 8
    assert "*" in sent["aln"]
    panel.controls.example.value = "Two short sequences"
    settled(panel)
    assert panel.multiple is None
    assert (panel.stage.top.layout.display, panel.many.top.layout.display) == ("flex", "none")


def test_names_stay_at_the_edge_when_the_view_changes_its_size() -> None:
    view = multiple(["ACGTACGTAC", "ACGTCGTAC"], names=["first", "a_long_name"]).plot().blocks
    for width in (900, 500):
        view.resize(width, 300)
        assert set(view.sources["names"].data["x"]) == {view.x_range.start + 0.3}


def test_a_multiple_alignment_shows_itself() -> None:
    made = multiple(data.sequence_set("made1").path)
    plot = made.plot()
    assert plot.logo.made is made
    heights = np.zeros(made.length)
    np.add.at(heights, plot.logo.source.data["x"].astype(int) - 1, plot.logo.source.data["bits"])
    assert heights == pytest.approx(made.information * made.occupancy, abs=0.05)


def test_the_share_of_every_pair_is_laid_over_the_scores(panel: AlignPanel) -> None:
    panel.controls.temperature.value = 3.0
    settled(panel)
    shades = drawn(panel, "posterior")["image"][0]
    assert (shades.shape, shades.dtype) == ((141, 146), np.uint8)
    expected = soft_align(
        panel.stage.shown.query.texts[0], panel.stage.shown.target.texts[0], scoring=panel.alignments.scoring,
        temperature=3.0,
    ).posterior(0)  # fmt: skip
    assert np.array_equal(shades, np.rint(expected.paired * 255))
    assert panel.stage.facts.rows["soft score"] == f"{expected.score:,.2f}"
    names: dict[str, object] = {}
    exec(panel.code.replace("alignments.plot()", ""), names)
    assert np.array_equal(names["posterior"].paired, expected.paired)
    panel.controls.sliders["gap_open"].value = 8
    settled(panel)
    assert panel.stage.matrix.posterior is not None, "it stays while a cost is moved"
    assert panel.drawn_by == "soft_posteriors"
    assert panel.arguments("soft_posteriors")[1][0].shape == shades.shape
    panel.controls.mode.value = "overlap"
    settled(panel)
    assert panel.stage.facts.rows["soft score"] == "global and local only"
    panel.controls.temperature.value = 0.0
    panel.controls.mode.value = "global"
    settled(panel)
    assert len(drawn(panel, "posterior")["image"]) == 0
    assert "soft score" not in panel.stage.facts.rows
    assert panel.drawn_by == "alignment_matrix"
    lengths = [len(each.texts[0]) for each in (panel.stage.shown.query, panel.stage.shown.target)]
    assert [each.size for each in panel.arguments("alignment_matrix")[1][:2]] == lengths
    assert panel.arguments("align_profiles") is None


def test_the_dot_plot_compares_words_again_where_it_is_zoomed(panel: AlignPanel) -> None:
    panel.controls.example.value = "MADE1, two copies"
    panel.stage.view.value = "dot plot"
    settled(panel)
    dots = panel.stage.dots
    assert "with the reverse complement" in dots.said
    whole = dots.sources["backward"].data["image"][0]
    assert whole.shape == dots.made.lengths
    assert whole.any()
    dots.x_range.update(start=20.5, end=60.5)
    settled(panel)
    assert dots.sources["forward"].data["image"][0].shape == (dots.made.lengths[0], 40)
    panel.controls.word.value = 10
    settled(panel)
    assert dots.made.word == 10
    assert panel.drawn_by == "word_matches"
    first, _, _, window, _ = panel.arguments("word_matches")[1]
    assert (first.size + 9, window[3]) == (dots.made.lengths[0], 40 + 9)
    assert dots.said.startswith(f"{dots.made.bins(dots.window)[0].sum()} shared words of 10")
    names: dict[str, object] = {}
    exec(panel.code.replace("alignments.plot()", "").replace("dots.plot()", ""), names)
    assert names["dots"].counts == dots.made.counts
    panel.controls.word.value = 0
    panel.stage.view.value = "matrix"
    settled(panel)


def test_a_dot_plot_shows_itself() -> None:
    made = dot_plot(data.sequence_set("made1").path, word=6)
    assert made.plot().dots.sources["forward"].data["image"][0].any()
