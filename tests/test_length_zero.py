"""Inputs of length 0, wherever something may be empty: a stated result, or one error that says what is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_reads import evidence_of, sam_text, write_reference

import genolab as gl
from genolab.errors import FileError, InputError

REFERENCE = "ACGTTGCAAC" * 4


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Reads of which there are none, and their reference."""
    reads = tmp_path / "reads.sam"
    reads.write_text(sam_text([], len(REFERENCE)))
    return reads, write_reference(tmp_path / "reference.fa", REFERENCE)


def test_no_reads_are_no_variants_and_one_block_of_a_gvcf(files: tuple[Path, Path], tmp_path: Path) -> None:
    calls = gl.call.call_variants(*files)
    assert len(calls) == len(calls.to_frame()) == 0
    assert gl.call.call_to_file(*files, tmp_path / "calls.vcf").records == 0
    assert len(gl.io.read_variants(tmp_path / "calls.vcf")) == 0
    assert gl.call.call_to_file(*files, tmp_path / "calls.g.vcf", "chr1", gvcf=True).records == 1
    block = (tmp_path / "calls.g.vcf").read_text().splitlines()[-1].split("\t")
    assert (block[1], block[4], block[7]) == ("1", "<*>", "END=40")
    assert dict(zip(block[8].split(":"), block[9].split(":"), strict=True))["DP"] == "0"


def test_an_empty_region_is_refused_where_it_is_asked_for_and_holds_nothing_inside(files: tuple[Path, Path]) -> None:
    empty = gl.io.Region("chr1", 5, 5)
    for region in (empty, "chr1:6-5"):
        with pytest.raises(InputError, match="first not after last"):
            gl.call.call_variants(*files, region)
    with pytest.raises(InputError, match="a region with positions"):
        gl.call.call_variants(*files, [])
    with gl.io.open_reference(files[1]) as reference:
        assert reference.fetch("chr1", 5, 5).size == 0
    evidence = gl.call.collect(*files, empty)
    assert len(gl.call.genotype(evidence)) == 0


def test_an_empty_record_is_a_contig_without_positions(tmp_path: Path) -> None:
    path = tmp_path / "empty.fa"
    path.write_text(">a\nACGT\n>empty\n>b\nACGTACGT\n")
    with gl.io.open_reference(path) as reference:
        assert dict(reference.contigs) == {"a": 4, "empty": 0, "b": 8}
        assert [reference.fetch(name, 0, size).size for name, size in reference.contigs.items()] == [4, 0, 8]
    assert [len(each) for each in gl.io.read_sequences(path).sequences] == [4, 0, 8]
    path.write_text(">empty\n")
    with pytest.raises(FileError, match="record 1: expected a sequence; found an empty one"):
        gl.align.align(path, "ACGT")


@pytest.mark.parametrize("suffix", [".fa", ".fq", ".csv", ".bed", ".vcf", ".mtx", ".sam"])
def test_a_file_of_no_bytes_is_refused_by_its_place(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"nothing{suffix}"
    path.write_bytes(b"")
    read = {
        ".fa": gl.io.open_reference, ".fq": gl.io.open_fastq, ".csv": gl.io.read_counts, ".bed": gl.io.read_bed,
        ".vcf": gl.io.read_variants, ".mtx": gl.io.read_counts, ".sam": gl.io.open_alignments,
    }  # fmt: skip
    with pytest.raises(FileError, match=r"byte 0: expected content; found an empty file \(0 bytes\)"):
        read[suffix](path)


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0)])
@pytest.mark.parametrize(
    "estimator",
    [
        gl.prepare.LogCPM(), gl.prepare.TMM(), gl.prepare.MedianOfRatios(), gl.prepare.UpperQuartile(),
        gl.prepare.QuantileNormalizer(), gl.prepare.Scaler(), gl.prepare.PearsonResiduals(), gl.prepare.PCA(),
        gl.prepare.PPCAImputer(), gl.prepare.SoftImpute(), gl.prepare.KNNImputer(), gl.prepare.SimpleImputer(),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_an_empty_matrix_is_refused_by_every_estimator(estimator, shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"{type(estimator).__name__}: `X` must be at least one sample and one gene"):
        estimator.fit_transform(np.zeros(shape))


def test_no_sequences_are_refused_by_every_way_in() -> None:
    model = gl.predict.SequenceClassifier("kmer_logistic", options={"sizes": (1, 2)})
    model.fit(["ACGT", "AAAA", "CCGG", "TTTT"] * 5, [1, 0, 1, 0] * 5)
    asked = (
        model.predict,
        model.predict_proba,
        gl.align.multiple,
        lambda none: model.fit(none, none),
        lambda none: gl.align.align(none, none),
        lambda none: gl.predict.cross_validate(model, none, none),
        lambda none: gl.predict.search_settings(model, {"penalty": (1,)}, none, none),
    )
    for ask in asked:
        with pytest.raises(InputError, match="sequence"):
            ask([])
    with pytest.raises(InputError, match=r"sequences\[1\]` must be a sequence; got an empty one"):
        model.predict(["ACGT", ""])


def test_no_reads_can_be_asked_about_any_position(tmp_path: Path) -> None:
    evidence = evidence_of([], REFERENCE, tmp_path)
    calls = gl.call.genotype(evidence, ploidy=6)
    assert len(calls) == 0
    said = calls.explain("chr1", 7)
    assert said.verdict == "not called"
    assert len(said.reads) == 0
