"""Good and bad files of the shared corpora: each read, or refused with its path and place.

A rule of a specification that genolab does not enforce is listed here with the reason.
"""

from __future__ import annotations

import csv
import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

import genolab.io as io
from genolab.errors import FileError

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[3] / "shared"))
CORPORA = SHARED / "corpora"
KINDS = ("bam", "sam", "cram", "fasta", "fastq", "bed", "vcf")

UNUSED_HEADER = "a header line or tag that genolab does not read"
UNUSED_FIELD = "a value that genolab does not read; where it is not as declared, that is said"
MAY_BE_READ = {
    "*/vcf/*/failed_meta_info_*": "older callers declare reserved fields otherwise; DP is checked",
    "*/vcf/*/failed_meta_format_*": "older callers declare reserved fields otherwise; GT, GQ and DP are checked",
    "*/vcf/*/failed_meta_alt_*": UNUSED_HEADER,
    "*/vcf/*/failed_meta_sample_*": UNUSED_HEADER,
    "*/vcf/*/failed_meta_pedigree*": UNUSED_HEADER,
    "*/vcf/*/failed_meta_meta_*": UNUSED_HEADER,
    "*/vcf/*/failed_meta_assembly_*": UNUSED_HEADER,
    "*/vcf/*/failed_meta_001.vcf": UNUSED_HEADER,
    "*/vcf/*/failed_body_info_*": UNUSED_FIELD,
    "*/vcf/*/failed_body_sample_0*": UNUSED_FIELD,
    "*/vcf/*/failed_body_duplicated_*": "each record stands for itself; an exact repeat is said",
    "*/vcf/*/failed_body_no_newline_*": "the last line is whole in all its columns, and that it has no end is said",
    "*/vcf/*/failed_body_chrom_00[14].vcf": "HLA contigs of GRCh38 have : and * in their names",
    "*/vcf/*/failed_body_ref_001.vcf": "references hold IUPAC codes, and so do REF columns",
    "*/vcf/4.1/failed/failed_body_format_003.vcf": "VCF 4.2 allows _ in a key",
    "*/vcf/*/failed_body_contiguous_*": "it is said that the order is not that of positions",
    "*/vcf/*/failed_body_unsorted_*": "it is said that the order is not that of positions",
    "*/sam/failed/aux.fail-f1.sam": "an optional field that genolab does not read",
    "*/sam/failed/hdr.HD4.sam": UNUSED_HEADER,
    "*/sam/failed/hdr.PG3.sam": UNUSED_HEADER,
    "*/sam/failed/hdr.RG[235].sam": UNUSED_HEADER,
    "*/sam/failed/hdr.SQ4.sam": UNUSED_HEADER,
    "*/sam/failed/hdr.SQ9.sam": UNUSED_HEADER,
    "*/sam/failed/hdr.SQ13.sam": UNUSED_HEADER,
    "*/sam/failed/hdr.SQ10.sam": "an M5 in capitals is the same number",
    "htsjdk/invalid_mate_cigar_string.sam": "an optional field that genolab does not read",
    "htsjdk/invalid_queryname_sort_order.sam": "reads are sorted by position anyway, and that is said",
    "htsjdk/ce#containsInvalidRecords.3.0.cram": "the invalid records are of fields that genolab does not read",
    "pysam/ex9_fail.sam": "a valid file that an old pysam could not read",
    "generated/bam/missing_middle_block.bam": "what is left is a whole BAM file without reads",
}
MAY_BE_REFUSED = {
    "*/sam/passed/cigar.warn1.sam": "a read past the end of its contig (generated/sam/past_end.sam)",
    "*/sam/passed/pos.warn2.sam": "a read past the end of its contig",
    "*/sam/passed/pnext.pair-2nd.sam": "a read past the end of its contig",
    "*/sam/passed/pnext.warn-pair-2nd.sam": "a read past the end of its contig",
    "*/vcf/*/passed/passed_body_alt.vcf": "GT 0|1 where ALT is . names an allele that is not there",
    "htslib/test-vcf-hdr-in.vcf": "GT 0/1 where ALT is . names an allele that is not there",
    "htslib/noroundtrip.vcf": "FORMAT GT:GT has two values for one key",
    "htslib/vcf44_1.vcf": "a position past the end of its contig (generated/vcf/pos_past_contig.vcf)",
    "htsjdk/trioDup.vcf": "VCF 3.3 declares its fields in another way",
    "htsjdk/bad_index.bam": "reads without an end-of-file marker: the same as a cut file (cut_at_block_no_eof.bam)",
    "dnaio/withplus.fastq": "a letter that is no base",
    "seqkit/sana_sep_id.fq": "a record without its sequence",
    "htsjdk/xx#unsorted.3.0.cram": "reads that are not sorted cannot be read by region",
}
NOT_SAID = {
    "*/sam/passed/pnext.warn-pair-supp.sam": "mates are found by name, not by PNEXT",
    "*/sam/passed/rnext.warn.sam": "RNEXT is not read",
    "*/sam/passed/tlen.warn.sam": "TLEN is not read",
    "*/sam/passed/pos.warn1.sam": "unmapped reads are not read",
    "htsjdk/duplicated_reads*.sam": "the repeated reads are unmapped",
    "htsjdk/missing_platform_unit.sam": UNUSED_HEADER,
    "pysam/example_badcomments.bed.gz": "comments between intervals are usual",
    "seqkit/sana_ground.fas": "long lines are usual",
}


def rows() -> list[dict[str, str]]:
    if not (CORPORA / "MANIFEST.tsv").is_file():
        return []
    with open(CORPORA / "MANIFEST.tsv", newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row["kind"] in KINDS]


def listed(name: str, table: dict[str, str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in table)


def read(path: Path, kind: str) -> list[str]:
    """Read everything of a file; returns what is said."""
    if kind == "vcf":
        return list(io.read_variants(path).notices)
    if kind == "bed":
        return list(io.read_bed(path).notices)
    if kind == "fastq":
        with io.open_fastq(path) as fastq:
            while reads := fastq.take(1000):
                assert reads.letters.size == reads.qualities.size == reads.length.sum()
            return fastq.notices
    if kind == "fasta":
        with io.open_reference(path) as reference:
            for contig, length in reference.contigs.items():
                assert len(reference.fetch(contig, 0, length)) == length
            return list(reference.notices)
    reference_path = CORPORA / "hts-specs" / "test" / "cram" / "ce.fa" if kind == "cram" else None
    with io.open_alignments(path, reference=reference_path, index="cache") as alignments:
        said = list(alignments.notices)
        for contig in alignments.contigs:
            said += alignments.read(f"{{{contig}}}").notices
        return said


@pytest.mark.skipif(not rows(), reason="the shared corpora are not on this machine (set GENOLAB_SHARED)")
@pytest.mark.parametrize("kind", KINDS)
def test_each_file_is_read_or_refused_with_its_place(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for row in rows():
        name = row["file"]
        if row["kind"] != kind:
            continue
        try:
            said = read(CORPORA / name, kind)
        except FileError as refusal:
            place = {"line", "record", "row", "offset", "field"} & refusal.to_dict().keys()
            if Path(name).name not in str(refusal) or not (place or "empty file" in refusal.found) or not refusal.fix:
                wrong.append(f"{name}: no place or fix in {refusal}")
            if row["valid"] != "no" and not listed(name, MAY_BE_REFUSED):
                wrong.append(f"{name}: refused: {refusal}")
        else:
            if row["valid"] == "no" and not listed(name, MAY_BE_READ):
                wrong.append(f"{name}: read, though {row['defect']}")
            if row["valid"] == "warn" and not said and not listed(name, NOT_SAID):
                wrong.append(f"{name}: nothing said of {row['defect']}")
    assert not wrong, "\n".join(wrong)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
