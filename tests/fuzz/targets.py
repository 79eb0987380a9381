"""The parsers of genolab's own, each as a function of bytes, with texts to begin from.

Whatever the bytes, a parser reads them or refuses with a `GenolabError` that says what to do; a `FileError` has a place
or names a field. Anything else that is raised is a fault.
"""

from __future__ import annotations

import os
import struct
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from genolab.errors import FileError, GenolabError
from genolab.io import (
    open_fastq,
    open_reference,
    parse_region,
    read_bed,
    read_counts,
    read_labelled,
    read_model,
    read_plink,
    read_samples,
    read_sequences,
    read_variants,
)  # fmt: skip
from genolab.io.guard import nature
from genolab.io.header import parse_header
from genolab.io.sam_text import read_sam

_MEMORY_DISK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_FOLDER = Path(tempfile.mkdtemp(prefix="genolab-fuzz-", dir=_MEMORY_DISK))
CACHE = _FOLDER / "cache"
"""What whoever fuzzes sets ``GENOLAB_CACHE`` to: in no one's own cache, and not by this import, for pytest imports all
tests in every process before the first runs."""

VCF = (
    b'##fileformat=VCFv4.3\n##contig=<ID=c,length=1000>\n##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n'
    b'##INFO=<ID=AF,Number=A,Type=Float,Description="d">\n##FILTER=<ID=q,Description="d">\n'
    b'##FORMAT=<ID=GT,Number=1,Type=String,Description="d">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="d">\n'
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
    b"c\t10\t.\tA\tC,G\t30.5\tPASS\tDP=4;AF=0.5,0.1\tGT:GQ\t0/1:20\t1|2:.\nc\t20\trs1;x\tAT\t<DEL>\t.\tq\t.\tGT\t./.\t1\n"
)
SAM = (
    b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:1000\n@RG\tID:g\tSM:s\n@PG\tID:p\tPP:p\n"
    b"r1\t99\tc\t10\t60\t2S4M1I3M\t=\t30\t30\tACGTACGTAC\tIIIIIIIIII\tNM:i:1\tRG:Z:g\tMC:Z:4M\tXB:B:c,1,2\n"
    b"r1\t147\tc\t30\t60\t4M\t=\t10\t-30\tACGT\t*\n"
)
FASTQ = b"@r1 x\nACGTN\n+\nIIII!\n@r2\nAC\nGT\n+r2\nII\nII\n"
FASTA = b">c1 text\nACGTN\nAC\n>c2\nacgu\n"
BED = b"#c\ntrack name=x\nc1\t1\t5\tname\t900\t+\nc1\t7\t7\tn\t0\t-\n"
COUNTS = b'gene,"a,1",b\ng1,1,2.5\ng2,NA,-3\n'
MARKET = b"%%MatrixMarket matrix coordinate integer general\n%c\n2 3 3\n1 1 5\n2 3 1\n1 2 7\n"
SAMPLES = b"sample,batch,age\ns1,a,3\ns2,b,\n"
LABELLED = b"sequence,label\nACGT,1\nACGA,0\n"
_JSON = b'{"__metadata__":{"genolab":"{\\"kind\\": 1}"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
MODEL = struct.pack("<Q", len(_JSON)) + _JSON + bytes(8)
FAM = b"f1 s1 0 0 1 -9\nf2 s2 0 0 2 1.5\n"


def _file(suffix: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    path = _FOLDER / f"x{suffix}"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        _hold(lambda: read(path))

    return run


def _hold(read: Callable[[], object]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            read()
    except GenolabError as refusal:
        faults = _faults(refusal)
        if faults:
            raise AssertionError(f"{faults}: {refusal}") from refusal


def _faults(refusal: GenolabError) -> str:
    """What a refusal lacks."""
    if not str(refusal):
        return "says nothing"
    if isinstance(refusal, FileError):
        if not {"line", "record", "row", "offset", "field"} & refusal.to_dict().keys():
            return "no place"
        if not (refusal.expected and refusal.found):
            return "not what was expected or found"
    return ""


def _fastq(path: Path) -> None:
    with open_fastq(path) as fastq:
        while reads := fastq.take(3):
            assert reads.letters.size == reads.qualities.size == reads.length.sum()


def _fasta(path: Path) -> None:
    with open_reference(path) as reference:
        for contig, length in reference.contigs.items():
            assert len(reference.fetch(contig, 0, length)) == length


def _sam(path: Path) -> None:
    for columns in read_sam(nature(path, "fuzz")).columns.values():
        assert len(columns.name) == len(columns.cigar)


def _variants(path: Path) -> None:
    found = read_variants(path)
    assert len(found) == len(found.quality) == len(found.genotype)
    if len(found):
        found.to_frame()


def _plink(data: bytes) -> None:
    bed, _, rest = data.partition(b"\0---\0")
    bim, _, fam = rest.partition(b"\0---\0")
    for suffix, part in (("bed", bed), ("bim", bim), ("fam", fam)):
        (_FOLDER / f"p.{suffix}").write_bytes(part)
    _hold(lambda: read_plink(_FOLDER / "p").block(0, 1))


def _region(data: bytes) -> None:
    _hold(lambda: parse_region(data.decode("utf-8", "replace"), {"c1": 100, "HLA:1*2": 50, "c,2": 7}))


def _header(data: bytes) -> None:
    _hold(lambda: parse_header(data.decode("utf-8", "replace").split("\n"), _FOLDER / "h"))


TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
    "vcf": (_file(".vcf", _variants), (VCF,)),
    "sam": (_file(".sam", _sam), (SAM,)),
    "fastq": (_file(".fq", _fastq), (FASTQ,)),
    "fasta": (_file(".fa", _fasta), (FASTA,)),
    "bed": (_file(".bed", read_bed), (BED,)),
    "counts": (_file(".csv", lambda path: read_counts(path, values="amounts")), (COUNTS, COUNTS.replace(b",", b"\t"))),
    "market": (_file(".mtx", read_counts), (MARKET, b"%%MatrixMarket matrix array real general\n2 1\n1.5\n2\n")),
    "samples": (_file(".tsv", read_samples), (SAMPLES,)),
    "labelled": (_file(".csv", read_labelled), (LABELLED,)),
    "sequences": (_file(".fx", read_sequences), (FASTA, FASTQ)),
    "model": (_file(".model", read_model), (MODEL,)),
    "plink": (_plink, (b"\x6c\x1b\x01\xe4\0---\x001 v1 0 100 A C\n\0---\0" + FAM,)),
    "region": (_region, (b"c1:1-50", b"HLA:1*2:3-4", b"{c,2}:1,0-7")),
    "header": (_header, (SAM[: SAM.index(b"r1")],)),
    "nature": (_file(".any", lambda path: nature(path, "fuzz")), (VCF, SAM, FASTA, MODEL, b"\x1f\x8b\x08\0")),
}
