"""``genolab map``: FASTQ in, BAM out; quiet in a pipe; refusals in one sentence, with nothing written."""

from __future__ import annotations

import json

import made_fastq as made
import pytest

from genolab.cli import main

TEXT = made.letters(3000, 1)


@pytest.fixture
def files(tmp_path):
    first, second, _ = made.simulated({"c": TEXT}, 60, 60, insert=200)
    reads = made.write_fastq(tmp_path / "r_1.fq", first), made.write_fastq(tmp_path / "r_2.fq", second)
    return [str(each) for each in (*reads, made.write_fasta(tmp_path / "ref.fa", c=TEXT), tmp_path / "out.bam")]


def test_pairs_are_mapped_and_counted(files, capsys):
    first, second, reference, output = files
    assert main(["map", first, second, "--reference", reference, "--output", output]) == 0
    printed, said = capsys.readouterr()
    assert printed.startswith("120 of 120 reads mapped, 120 of them surely, written to ")
    assert said.startswith("genolab map: The insert size, from 60 pairs, is ")
    assert said.count("\n") == 1
    assert made.faults(files[3], {"c": TEXT}) == []


def test_single_reads_as_json_or_quiet(files, capsys):
    first, _, reference, output = files
    words = ["map", first, "--reference", reference, "--output", output, "--sample", "donor"]
    assert main([*words, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["reads"], summary["mapped"], summary["pairs"]) == (60, 60, 0)
    assert {read.get_tag("RG") for read in made.records(output)} == {"donor"}
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--output": "out.sam"}, "a name that ends in .bam"),
        ({"--reference": "nowhere.fa"}, "nowhere.fa"),
        ({"--threads": "0"}, "`threads`"),
        ({"--insert-size": "0 5"}, "`insert_size`"),
    ],
)
def test_refusals(files, change, sentence, capsys, tmp_path):
    first, second, reference, output = files
    options = {"--reference": reference, "--output": output} | change
    words = [word for name, value in options.items() for word in (name, *value.split(" "))]
    assert main(["map", first, second, *words]) == 1
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.startswith("genolab map: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert not list(tmp_path.glob("*.bam*"))
