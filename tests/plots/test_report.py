"""Reports of samples that were called together, and of mapped reads: what they show is what the results say."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import genolab as gl
from genolab.align import MappedReads
from genolab.call import JointCalls, call_variants
from genolab.cli import main
from genolab.errors import InputError
from genolab.plots import report, report_reads, style

SLICE = Path(gl.__file__).parent / "data" / "thousand_genomes"
NAMES = ["HG00100", "HG00101", "HG00102"]
BAMS, REFERENCE = [SLICE / f"{name}.bam" for name in NAMES], SLICE / "reference.fa"


@pytest.fixture(scope="module")
def joint() -> JointCalls:
    made = call_variants(BAMS, REFERENCE)
    assert isinstance(made, JointCalls)
    return made


def text_of(path: Path) -> str:
    return html.unescape(path.read_text())


def test_a_report_of_samples_called_together_has_all_of_them(joint, tmp_path):
    everybody, one, why = report_reads.of_joint(joint, sample="HG00101")
    passing = joint.to_frame().query("filter == 'PASS'")
    samples = everybody.tables["Samples"].set_index("sample")
    assert list(samples.index) == NAMES
    for name in NAMES:
        alleles = passing[f"{name} genotype"].str.split("/")
        assert samples.loc[name, "carried"] == sum(bool(set(each) - {"0", "."}) for each in alleles)
        assert samples.loc[name, "heterozygous"] == sum(len(set(each)) > 1 for each in alleles)
        assert samples.loc[name, "unknown"] == sum("." in each for each in alleles)
        assert samples.loc[name, "mean depth"] == pytest.approx(passing[f"{name} depth"].mean())
    assert samples["new mutations"].tolist() == [0, 0, 0]
    assert everybody.tables["Sites"].equals(joint.to_frame())
    assert one.tables["Calls"].equals(joint.of("HG00101").to_frame())
    # the first site that passes and that the sample carries, with what the others add
    carried = passing[[bool(set(each.split("/")) - {"0", "."}) for each in passing["HG00101 genotype"]]]
    place = int(carried["position"].iloc[0])
    assert f"{place:,} " in why.title
    assert why.sentences[0] == joint.explain(str(carried["contig"].iloc[0]), place, "HG00101").sentence

    text = text_of(joint.report(tmp_path / "report.html", "HG00101", code="gl.call.call_variants(...)"))
    assert "3 samples called together" in text
    assert text.count('class="plot"') == 2
    assert "gl.call.call_variants(...)" in text
    assert all(each["digest"] in text for each in joint.provenance["reads"])
    with pytest.raises(InputError, match="one that was called"):
        joint.report(tmp_path / "other.html", "nobody")
    with pytest.raises(InputError, match="html"):
        joint.report(tmp_path / "report.pdf")


def test_where_nothing_was_called_the_report_says_so(joint):
    none = replace(joint, contig=joint.contig[:0], sites=[], filters=[],
                   columns={name: values[:0] for name, values in joint.columns.items()})  # fmt: skip
    everybody, one = report_reads.of_joint(none)
    assert everybody.facts["sites that pass"] == one.facts["calls that pass"] == "0"
    assert everybody.tables["Samples"]["carried"].tolist() == [0, 0, 0]


def test_the_command_reports_several_samples(joint, tmp_path, capsys):
    output = tmp_path / "report.html"
    words = ["report", *map(str, BAMS), "--reference", str(REFERENCE), "--output", str(output), "--json"]
    assert main([*words, "--sample", "HG00101"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["records"], summary["passing"]) == (len(joint), int(joint.passed.sum()))
    text = text_of(output)
    assert "3 samples called together" in text
    assert "Variants of HG00101" in text
    assert main(["report", str(tmp_path), str(BAMS[0]), "--output", str(output)]) == 1
    assert "files of reads, or one session" in capsys.readouterr().err


@pytest.fixture
def mapped(tmp_path) -> MappedReads:
    draw = np.random.default_rng(4)
    letters = "".join(np.array(list("ACGT"))[draw.integers(0, 4, 3_000)])
    (tmp_path / "ref.fa").write_text(f">c<i>\n{letters}\n")
    starts = draw.integers(0, 2_900, 50)
    places = [letters[start : start + 100] for start in starts] + ["A" * 100]
    (tmp_path / "r.fq").write_text("".join(f"@r{n}\n{each}\n+\n{'I' * 100}\n" for n, each in enumerate(places)))
    return gl.align.map_reads(tmp_path / "r.fq", tmp_path / "ref.fa", tmp_path / "out.bam", sample="donor")


def test_a_report_of_mapped_reads(mapped, tmp_path):
    (section,) = report_reads.of_mapped(mapped)
    assert section.facts["reads"] == "51"
    assert section.facts["mapped"] == f"{mapped.mapped} ({mapped.mapped / 51:.1%})"
    assert section.facts["surely (MAPQ ≥ 20)"] == str(mapped.sure)
    (bars,) = section.figures[0].model.renderers
    drawn = bars.data_source.data
    assert drawn["reads"].sum() == mapped.qualities.sum()
    assert drawn["reads"][drawn["quality"] >= 20].sum() == mapped.sure > 0
    text = mapped.report(tmp_path / "mapped.html").read_text()
    assert "c&lt;i&gt;" in text
    assert "<i>" not in re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert mapped.provenance["reads"][0]["digest"] in text


def test_the_map_command_writes_its_report(mapped, tmp_path, capsys):
    words = ["map", str(tmp_path / "r.fq"), "--reference", str(tmp_path / "ref.fa"), "--sample", "donor", "--quiet"]
    assert main([*words, "--output", str(tmp_path / "b.bam"), "--report", str(tmp_path / "b.html")]) == 0
    assert "Reads of donor on ref.fa" in text_of(tmp_path / "b.html")
    assert main([*words, "--output", str(tmp_path / "c.bam"), "--report", str(tmp_path / "c.pdf")]) == 1
    assert "a name that ends in .html" in capsys.readouterr().err
    assert not (tmp_path / "c.bam").exists()


def test_a_report_is_dark_where_that_is_asked_for_and_white_on_paper():
    plot = style.figure(x_label="x", name="plot")
    plot.scatter([1, 2], [3, 4])
    plot.yaxis.major_label_text_color = "#123456"
    page = report.page([report.Section("one", figures=[report.Figure(plot)])])
    rule = re.search(r"@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", page, re.S)
    assert rule is not None
    for colour in (style.DARK.ink, style.DARK.soft, style.DARK.background, style.DARK.grid, style.DARK.shade):
        assert colour in rule[1]
    said = re.search(r'<script type="application/json" id="genolab-figures">(.*?)</script>', page, re.S)
    assert said is not None
    (figure,) = json.loads(said[1])
    changed = {each["id"]: each["values"] for each in figure["dark"]}
    (root,) = figure["content"]["roots"]
    (across,), (up,) = root["attributes"]["below"], root["attributes"]["left"]
    assert across["attributes"]["major_label_text_color"] == style.LIGHT.soft
    assert changed[across["id"]]["major_label_text_color"] == style.DARK.soft
    assert "major_label_text_color" not in changed[up["id"]], "what a picture chose itself stays"
    assert changed[up["id"]]["axis_line_color"] == style.DARK.faint
