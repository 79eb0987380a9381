"""Genotypes of drawn sites: any ploidy, several alleles, unknown references, samples kept apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import naive
import numpy as np
import pysam
import pytest
from made_reads import evidence_of, sam_text, simple, write_reference

import genolab as gl
from genolab.call import call_variants, genotype
from genolab.errors import InputError
from genolab.spec import BASES

REFERENCE = "ACGTACGTACGTACGTACGT"


def site(bases: str, folder: Path, quality: int = 30) -> gl.call.Evidence:
    """Fragments over position 10 (0-based, reference G) that show these bases, strands taking turns."""
    reads = [simple(f"r{at}", 5, f"CGTAC{base}TACG", quality, 0x10 * (at % 2)) for at, base in enumerate(bases)]
    folder.mkdir(exist_ok=True)
    return evidence_of(reads, REFERENCE, folder)


@pytest.mark.parametrize(
    ("bases", "ploidy", "genotype_text", "alternates", "depth"),
    [
        ("GGGGGAAAAA", 2, "0/1", "A", (5, 5)),
        ("AAAAAAAAAA", 2, "1/1", "A", (0, 10)),
        ("AAAAATTTTT", 2, "1/2", "AT", (0, 5, 5)),
        ("AAAAAAAAAA", 1, "1", "A", (0, 10)),
        ("GGGGGGGGGGGGAAAAAAAAAAAA", 4, "0/0/1/1", "A", (12, 12)),
        ("GGGGGGGGGGGGGGGGGGAAAAAA", 4, "0/0/0/1", "A", (18, 6)),
        ("GGGGGGGGAAAAAAAATTTTTTTT", 3, "0/1/2", "AT", (8, 8, 8)),
    ],
)
def test_genotypes_of_any_ploidy(bases, ploidy, genotype_text, alternates, depth, tmp_path):
    calls = genotype(site(bases, tmp_path), ploidy=ploidy)
    assert calls.position.tolist() == [10]
    assert calls.genotype_text(0) == genotype_text
    assert "".join(calls.alternates[0]) == alternates
    assert calls.allele_depth(0) == depth
    alleles = "G" + alternates
    phred = calls.phred_likelihoods(0)
    kinds = naive.genotypes(ploidy, len(alleles))
    assert len(phred) == len(kinds)
    likelihoods = [
        sum(
            np.log10(naive.probability("ACGT".index(base), 30, 60, [BASES.index(alleles[a]) for a in kind], 1e-5))
            for base in bases
        )
        for kind in kinds
    ]
    expected = [round(-10 * (each - max(likelihoods))) for each in likelihoods]
    assert list(phred) == expected
    with pysam.VariantFile(str(calls.write(tmp_path / "calls.vcf"))) as file:
        (record,) = file
        sample = record.samples["donor"]
        assert sample["GT"] == tuple(map(int, genotype_text.split("/")))
        assert sample["AD"] == depth
        assert tuple(np.add(sample["ADF"], sample["ADR"])) == depth
        assert list(sample["PL"]) == expected
        assert record.alleles == tuple(alleles)


def test_a_base_seen_too_rarely_is_not_called_beside_one_seen_enough(tmp_path):
    evidence = site("AAAT", tmp_path, quality=60)
    calls = genotype(evidence, ploidy=2)
    assert [calls.genotype_text(0), calls.alternates[0]] == ["1/1", ("A",)]
    assert calls.allele_depth(0) == (0, 3)
    assert len(genotype(site("T" + "G" * 3, tmp_path / "one", 60))) == 0


def test_nothing_is_called_over_an_unknown_reference(tmp_path):
    reads = [simple(f"r{at}", 5, "CGTACATACG") for at in range(10)]
    calls = genotype(evidence_of(reads, REFERENCE[:8] + "NNNNN" + REFERENCE[13:], tmp_path))
    assert len(calls) == 0
    assert calls.write(tmp_path / "none.vcf.gz").exists()
    assert len(calls.to_frame()) == 0


def test_deep_evidence_of_one_position_is_no_wrong_reference(tmp_path):
    deep = site("A" * 2_500, tmp_path)
    calls = call_variants(deep.reads_path, deep.reference_path, "chr1:11-11")
    assert calls.genotype_text(0) == "1/1"
    assert replace(calls, evidence=None).explain("chr1", 11).verdict in ("called", "filtered")


def test_samples_are_named_as_in_the_file_and_kept_apart(tmp_path):
    reads = [simple(f"r{at}", 5, f"CGTAC{base}TACG") for at, base in enumerate("AAAAAGGGGG")]
    text = sam_text(reads, len(REFERENCE)).replace("@RG\tID:a\tSM:donor\n", "@RG\tID:a\tSM:one\n@RG\tID:b\tSM:two\n")
    lines = [
        line.replace("RG:Z:a", "RG:Z:b") if line[:2] in ("r5", "r6", "r7", "r8", "r9") else line
        for line in text.splitlines()
    ]
    path = tmp_path / "two.sam"
    path.write_text("\n".join(lines) + "\n")
    reference = write_reference(tmp_path / "reference.fa", REFERENCE)
    one = call_variants(path, reference, sample="one", tile=7)
    assert (one.sample, one.genotype_text(0), one.allele_depth(0)) == ("one", "1/1", (0, 5))
    assert len(one.explain("chr1", 11).reads) == 5  # read again, of this sample alone
    assert len(call_variants(path, reference, sample="two")) == 0
    both = call_variants(path, reference)
    assert (both.samples, both.genotype_text(0, 0), both.genotype_text(0, 1)) == (("one", "two"), "1/1", "0/0")
    assert both.allele_counts(0) == ((2,), 4)
    with pytest.raises(InputError, match=r"`sample` must be a sample of the files; got 'three'\. There are one, two"):
        call_variants(path, reference, sample="three")
