"""The shared corpora of good and bad files: what each must get, and the rules that genolab does not enforce.

``python tests/io/corpora.py`` checks every file with ``genolab check`` and prints the count by kind; anything that is
not as promised is listed, and the exit status is then 1.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from genolab.io import Checked, check_all

CORPORA = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[3] / "shared")) / "corpora"
CRAM_REFERENCE = CORPORA / "hts-specs" / "test" / "cram" / "ce.fa"
BY_CONTENT = ("bam", "sam", "cram", "fasta", "fastq", "vcf")
SPECIFIED = "hts-specs/test/*/failed/*"
"""What the specifications themselves give as bad."""
PLACES = ("line", "record", "row", "offset")

NOT_USED = "a value that genolab does not read; that it is wrong is said with its place"
SAID: dict[str, tuple[str, str]] = {
    # bad files of the specifications that are read: what is said, and why that is enough
    "*/vcf/*/failed_meta_info_003.vcf": ("ID first", NOT_USED),
    "*/vcf/*/failed_meta_format_003.vcf": ("ID first", NOT_USED),
    "*/vcf/*/failed_meta_info_*": ("reserves Number", "older callers declare reserved fields otherwise; DP is checked"),
    "*/vcf/*/failed_meta_format_*": ("reserves Number", "as above; GT, GQ and DP are checked"),
    "*/vcf/*/failed_meta_*": ("the specification asks for", NOT_USED),
    "*/vcf/*/failed_body_info_0[01][0-6].vcf": ("values of INFO (AA|AC|AF|AN|DP|CIGAR|END)|negative depth", NOT_USED),
    "*/vcf/*/failed_body_info_02[13].vcf": ("values of INFO (MQ0|NS) are negative", NOT_USED),
    "*/vcf/*/failed_body_info_*": ("not what the header declares", NOT_USED),
    "*/vcf/*/failed_body_sample_0*": ("not what the header declares", NOT_USED),
    "*/vcf/*/failed_body_duplicated_*": ("repeat an earlier one", "each record stands for itself"),
    "*/vcf/*/failed_body_no_newline_*": ("last line has no end", "the line is whole in all its columns"),
    "*/vcf/*/failed_body_chrom_00[14].vcf": ("have : or \\*", "HLA contigs of GRCh38 have : and * in their names"),
    "*/vcf/*/failed_body_ref_001.vcf": ("other than A C G T N", "references hold IUPAC codes"),
    "*/vcf/4.1/failed/failed_body_format_003.vcf": ("_ in a FORMAT key", "VCF 4.2 allows it"),
    "*/sam/failed/aux.fail-f1.sam": ("outside single precision", NOT_USED),
    "*/sam/failed/hdr.*.sam": ("@(HD|PG|RG|SQ) ..:", NOT_USED),
    # bad files of other collections
    "htsjdk/invalid_mate_cigar_string.sam": ("another CIGAR \\(MC\\)", "mates are found by name"),
    "htsjdk/invalid_queryname_sort_order.sam": ("order of their names", "reads are sorted by position anyway"),
    "htsjdk/ce#containsInvalidRecords.3.0.cram": ("none by RNEXT", "mates are found by name"),
    "pysam/ex9_fail.sam": ("@RG PL", "a valid file that an old pysam could not read"),
    "generated/bam/missing_middle_block.bam": ("No reads are mapped", "what is left is a whole BAM file without reads"),
}
REFUSED_THOUGH_GOOD = {
    "*/sam/passed/cigar.warn1.sam": "a read past the end of its contig (as generated/sam/past_end.sam)",
    "*/sam/passed/pos.warn2.sam": "a read past the end of its contig",
    "*/sam/passed/pnext.pair-2nd.sam": "a read past the end of its contig",
    "*/sam/passed/pnext.warn-pair-2nd.sam": "a read past the end of its contig",
    "htslib/noroundtrip.vcf": "FORMAT GT:GT has two values for one key, which genolab uses",
    "htslib/vcf44_1.vcf": "a position past the end of its contig (as generated/vcf/pos_past_contig.vcf)",
    "htsjdk/trioDup.vcf": "VCF 3.3 declares its fields in another way",
    "htsjdk/bad_index.bam": "no end-of-file marker: the same as a cut file (generated/bam/cut_at_block_no_eof.bam)",
    "dnaio/withplus.fastq": "a letter that is no base",
    "seqkit/sana_sep_id.fq": "a record with a broken separator",
    "htsjdk/xx#unsorted.3.0.cram": "reads that are not sorted cannot be read by region; SAM text is sorted in memory",
}
NOT_SAID = {
    "htsjdk/missing_platform_unit.sam": "most files have none",
    "seqkit/sana_ground.fas": "long lines are usual",
}


def rows(*kinds: str) -> list[dict[str, str]]:
    """The files of the manifest, of some kinds or all; none where the corpora are not on this machine."""
    if not (CORPORA / "MANIFEST.tsv").is_file():
        return []
    with open(CORPORA / "MANIFEST.tsv", newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if not kinds or row["kind"] in kinds]


def answers(kind: str, folder: Path) -> Iterator[tuple[dict[str, str], Checked]]:
    """What ``genolab check`` says of the files of a kind."""
    found = rows(kind)
    paths = [
        _with_companions(CORPORA / row["file"], folder) if kind == "plink" else CORPORA / row["file"] for row in found
    ]
    reference = CRAM_REFERENCE if kind == "cram" else None
    yield from zip(found, check_all(paths, None if kind in BY_CONTENT else kind, reference), strict=True)


def _with_companions(bed: Path, folder: Path) -> Path:
    """A copy of a bed file with the bim and fam that the corpus means: three variants, four samples (or seven)."""
    copy = folder / bed.name
    shutil.copyfile(bed, copy)
    samples = 7 if bed.stem == "fam_mismatch" else 4
    copy.with_suffix(".fam").write_text("".join(f"f{i} s{i} 0 0 1 -9\n" for i in range(samples)))
    copy.with_suffix(".bim").write_text("".join(f"1\tv{i}\t0\t{100 + i}\tA\tC\n" for i in range(3)))
    return copy


def fault(row: dict[str, str], answer: Checked) -> str:
    """What is not as promised about an answer; nothing where all is well."""
    name, refused = row["file"], answer.verdict == "refused"
    if refused:
        if not any(getattr(answer, place) is not None for place in PLACES) or not (answer.expected and answer.found):
            return "refused without a place"
        if not answer.fix:
            return "refused without a fix"
        if "ended the process" in (answer.found or "") or "failed on" in (answer.found or ""):
            return "killed its reader"
    said = " ".join(answer.warnings)
    if row["valid"] == "no":
        return "" if refused else _silent(name, answer)
    if refused:
        return "" if _listed(name, REFUSED_THOUGH_GOOD) else f"refused: {answer}"
    if row["valid"] == "warn" and not said and not _listed(name, NOT_SAID):
        return f"nothing said of {row['defect']}"
    return ""


def _silent(name: str, answer: Checked) -> str:
    pattern = next((words for files, (words, _) in SAID.items() if fnmatch(name, files)), None)
    if pattern is None:
        return "read"
    for warning in answer.warnings:
        if re.search(pattern, warning) and (re.search(r"(line|record) \d", warning, re.I) or "No reads" in warning):
            return ""
    return f"read without a word of {pattern!r}: {answer.warnings}"


def _listed(name: str, table: dict[str, str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in table)


def main() -> int:
    """Check all files, print the table."""
    counts: Counter[tuple[str, str, str]] = Counter()
    specified: Counter[tuple[str, str]] = Counter()
    wrong, kinds = [], sorted({row["kind"] for row in rows()})
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            for row, answer in answers(kind, Path(folder)):
                verdict = "refused" if answer.verdict == "refused" else "said" if answer.warnings else "read"
                counts[kind, row["valid"], verdict] += 1
                found = fault(row, answer)
                if found:
                    wrong.append(f"{row['file']}: {found}")
                if fnmatch(row["file"], SPECIFIED):
                    specified[kind, "neither" if found else verdict] += 1
    print(f"{'':6}  {'no: refused':>11} {'said':>5} {'silent':>6}   {'warn: said':>10} {'refused':>7} {'silent':>6}   "
          f"{'yes: read':>9} {'refused':>7}")  # fmt: skip
    for kind in kinds:
        no, warn, yes = (
            {v: counts[kind, valid, v] for v in ("refused", "said", "read")} for valid in ("no", "warn", "yes")
        )
        print(f"{kind:6}  {no['refused']:11} {no['said']:5} {no['read']:6}   {warn['said']:10} {warn['refused']:7} "
              f"{warn['read']:6}   {yes['said'] + yes['read']:9} {yes['refused']:7}")  # fmt: skip
    print("\nThe specifications' own failed files: refused with the place, or read and told of with the place")
    for kind in sorted({kind for kind, _ in specified}):
        refused, said, neither = (specified[kind, verdict] for verdict in ("refused", "said", "neither"))
        share = (refused + said) / (refused + said + neither)
        print(f"{kind:6}  {refused:11} {said:5} {neither:6}   {share:.1%}")
    print(f"\n{len(rows())} files; {len(wrong)} not as promised")
    print("\n".join(wrong))
    return bool(wrong) or not kinds


if __name__ == "__main__":
    sys.exit(main())
