"""A read with every operation of a CIGAR, and a place with six alleles, by rules written one step at a time."""

from __future__ import annotations

from pathlib import Path

import naive
import numpy as np
import pysam
import pytest
from made_reads import evidence_of, sam_text, write_bam, write_reference

import genolab as gl
from genolab.call import Thresholds, genotype
from genolab.call.pileup import Pileup
from genolab.errors import FileError

REFERENCE = "".join(np.random.default_rng(7).choice(list("ACGT"), 400))
START = 50
EVERY = "2H3S30M40=1X40=1I2P1I40M2D1P1D30=20N30M1S1H"
OUTCOME = tuple[int, str, str]


def operations(cigar: str) -> list[tuple[int, str]]:
    found, digits = [], ""
    for sign in cigar:
        if sign.isdigit():
            digits += sign
        else:
            found.append((int(digits), sign))
            digits = ""
    return found


def read_of(name: str, flag: int, cigar: str, start: int = START, inserted: str = "GA") -> naive.Read:
    """A read of the reference with the changes of its CIGAR; X shows the next letter, a soft clip shows A."""
    bases, at, left = "", start, inserted
    for length, operation in operations(cigar):
        for _ in range(length):
            if operation == "X":
                bases += "ACGT"["TACG".index(REFERENCE[at])]
            elif operation in "M=":
                bases += REFERENCE[at]
            elif operation == "S":
                bases += "A"
            elif operation == "I":
                bases, left = bases + left[0], left[1:]
            at += operation in "M=XDN"
    return naive.Read(name, flag, start, 60, operations(cigar), bases, [30] * len(bases))


def naive_variants(read: naive.Read) -> list[OUTCOME]:
    """What differs from the reference, gaps that nothing but padding parts taken as one, each as far left as it goes.

    A deletion and an insertion are moved by trying: one position to the left, as long as that gives the same sequence.
    """
    found: list[OUTCOME] = []
    at, on_read, gap = read.position, 0, ("", 0, "")

    def close() -> None:
        nonlocal gap
        kind, place, bases = gap
        if kind:
            size = len(bases) if kind == "D" else 0
            new = "" if kind == "D" else bases
            whole = REFERENCE[:place] + new + REFERENCE[place + size :]
            for before in range(place - 1, 0, -1):
                for letters in {new[-k:] + new[:-k] for k in range(len(new))} or {""}:
                    if REFERENCE[:before] + letters + REFERENCE[before + size :] == whole:
                        place, new = before, letters
                        break
                else:
                    break
            anchor = REFERENCE[place - 1]
            found.append((place - 1, anchor + REFERENCE[place : place + size], anchor + new))
        gap = ("", 0, "")

    for length, operation in read.cigar:
        if operation == "P":
            continue
        if operation in "ID":
            if gap[0] != operation:
                close()
                gap = (operation, at, "")
            taken = read.bases[on_read : on_read + length] if operation == "I" else REFERENCE[at : at + length]
            gap = (gap[0], gap[1], gap[2] + taken)
        else:
            close()
        if operation in "M=X":
            for k in range(length):
                if read.bases[on_read + k] != REFERENCE[at + k]:
                    found.append((at + k, REFERENCE[at + k], read.bases[on_read + k]))
        at += length * (operation in "M=XDN")
        on_read += length * (operation in "M=XIS")
    close()
    return found


def every_read() -> list[naive.Read]:
    """Twelve reads with every operation, and twelve of the reference, strands taking turns."""
    return [read_of(f"r{i}", 0x10 * (i // 2 % 2), EVERY if i % 2 else "235M") for i in range(24)]


def as_bam(text: str, folder: Path) -> Path:
    return write_bam(folder / "reads.bam", text)


def as_cram(text: str, folder: Path) -> Path:
    source, path, fasta = folder / "text.sam", folder / "reads.cram", str(folder / "reference.fa")
    source.write_text(text)
    with (
        pysam.AlignmentFile(str(source)) as reads,
        pysam.AlignmentFile(str(path), "wc", template=reads, reference_filename=fasta) as target,
    ):
        for read in reads:
            target.write(read)
    pysam.index(str(path))
    return path


def as_sam(text: str, folder: Path) -> Path:
    path = folder / "reads.sam"
    path.write_text(text)
    return path


@pytest.mark.parametrize("written", [as_sam, as_bam, as_cram])
def test_every_operation_is_read_piled_up_and_called(written, tmp_path: Path) -> None:
    reads = every_read()
    assert {operation for _, operation in reads[1].cigar} == set("MIDNSHP=X")
    fasta = write_reference(tmp_path / "reference.fa", REFERENCE)
    path = written(sam_text(reads, len(REFERENCE)), tmp_path)
    whole = gl.io.Region("chr1", 0, len(REFERENCE))
    with gl.io.open_alignments(path, fasta) as alignments:
        found = alignments.read(whole)
    for number, read in enumerate(reads):
        own = slice(*found.base_offset[number : number + 2])
        assert "".join("ACGTN"[code] for code in found.base[own]) == read.bases
        assert found.position[number] == read.position
        assert found.reference_end[number] == max(naive.walk(read, 0)) + 1
        if written is not as_cram:  # which writes M for = and X
            own = slice(*found.operation_offset[number : number + 2])
            signs = ["MIDNSHP=X"[code] for code in found.operation[own]]
            assert list(zip(found.length[own].tolist(), signs, strict=True)) == read.cigar

    pileup = Pileup(found, np.array(["ACGT".index(base) for base in REFERENCE], np.uint8))
    seen = pileup.observe(np.arange(len(REFERENCE)), Thresholds())
    for position in range(len(REFERENCE)):
        expected = naive.pile(reads, position, 10, 20)
        used = seen.where(seen.site == position).used
        shown = zip(used.read, used.base, used.base_quality, used.end_distance, strict=True)
        assert [(r, "ACGT"[b], int(q), int(d)) for r, b, q, d in shown] == [tuple(e) for e in expected.used.values()]

    variants = sorted(naive_variants(reads[1]))
    assert [len(reference) - len(alternate) for _, reference, alternate in variants] == [0, -2, 3]
    for tile in (100_000, 37):
        calls = gl.call.call_variants(path, fasta, tile=tile)
        texts = zip(calls.position.tolist(), calls.reference, [each for (each,) in calls.alternates], strict=True)
        assert list(texts) == variants
        for at in range(len(calls)):
            assert (calls.genotype_text(at), calls.allele_depth(at)) == ("0/1", (12, 12))
    assert naive_variants(reads[0]) == []


@pytest.mark.parametrize("cigar", ["5M2S5M", "5M2H5M", "2S2H5M", "5M2S3S", "1H1H5M"])
def test_a_clip_inside_is_refused_whatever_the_file(cigar: str, tmp_path: Path) -> None:
    text = sam_text([read_of("good", 0, "2H1S9M1S1H"), read_of("bad", 0, cigar)], len(REFERENCE))
    for path in (as_sam(text, tmp_path), as_bam(text, tmp_path)):
        with pytest.raises(FileError) as said, gl.io.open_alignments(path) as alignments:
            alignments.read(gl.io.Region("chr1", 0, len(REFERENCE)))
        assert (said.value.expected, said.value.found) == ("clips (H, S) only at the ends", repr(cigar))


def test_six_alleles_of_simulated_reads_are_called_written_and_read(tmp_path: Path) -> None:
    """Six copies of a chromosome, five with another insertion at one place; a base is wrong as often as its quality
    says."""
    rng, place, length = np.random.default_rng(3), 200, 100
    assert REFERENCE[place - 1] == "A"  # no insertion that ends otherwise can be moved to the left
    inserted = ["", "G", "CC", "GTG", "TTTT", "CTCTC"]
    reads = []
    for number in range(6 * 16):
        extra, start = inserted[number % 6], int(rng.integers(120, 180))
        rest = length - (place - start)
        cigar = f"{place - start}M{len(extra)}I{rest}M" if extra else f"{length}M"
        read = read_of(f"r{number}", 0x10 * int(rng.integers(2)), cigar, start, extra)
        quality = rng.integers(20, 41, len(read.bases))
        wrong = rng.random(quality.size) < 10.0 ** (-quality / 10)
        shift = rng.integers(1, 4, quality.size) * wrong
        bases = "".join("ACGT"[("ACGT".index(b) + int(k)) % 4] for b, k in zip(read.bases, shift, strict=True))
        reads.append(read._replace(bases=bases, qualities=quality.tolist()))
    reads.sort(key=lambda read: read.position)
    calls = genotype(evidence_of(reads, REFERENCE, tmp_path), ploidy=6)
    assert calls.position.tolist() == [place - 1]
    assert calls.reference == ["A"]
    assert sorted(calls.alternates[0]) == sorted("A" + each for each in inserted[1:])
    assert calls.genotype_text(0) == "0/1/2/3/4/5"
    assert all(12 <= depth <= 18 for depth in calls.allele_depth(0))
    assert len(calls.phred_likelihoods(0)) == 462  # combinations of 6 of 6 alleles, with repetition
    calls.write(tmp_path / "six.vcf")
    found = gl.io.read_variants(tmp_path / "six.vcf")
    assert found.alternates == calls.alternates
    assert found.genotype == calls.genotype
