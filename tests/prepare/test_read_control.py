"""Quality control of reads: against counting letter by letter; what is found, what is said, what is refused."""

import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab import prepare
from genolab.errors import FileError, InputError
from genolab.prepare import read_control as module

few = settings(max_examples=15, deadline=None)
read = st.integers(0, 30).flatmap(
    lambda n: st.tuples(st.text("ACGTNacgtR", min_size=n, max_size=n), st.text("!#5IJ~", min_size=n, max_size=n))
)


@pytest.fixture
def write(tmp_path):
    def write(reads, name="reads.fastq"):
        text = "".join(f"@r{k}\n{bases}\n+\n{quality}\n" for k, (bases, quality) in enumerate(reads))
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return path

    return write


@few
@given(st.lists(read, min_size=1, max_size=12))
def test_every_letter_is_counted(tmp_path_factory, reads):
    path = tmp_path_factory.mktemp("reads") / "r.fastq"
    path.write_text("".join(f"@r{k}\n{bases}\n+\n{quality}\n" for k, (bases, quality) in enumerate(reads)))
    found = prepare.read_quality(path)
    assert (found.reads, found.bases) == (len(reads), sum(len(bases) for bases, _ in reads))
    cycles = max(len(bases) for bases, _ in reads)
    assert len(found.by_base) == len(found.to_frame()) == cycles
    for cycle in range(cycles):
        here = [(b[cycle].upper(), ord(q[cycle]) - 33) for b, q in reads if len(b) > cycle]
        letters = Counter(letter if letter in "ACGT" else "N" for letter, _ in here)
        assert list(found.by_base[cycle]) == [letters[letter] for letter in "ACGTN"]
        qualities = sorted(quality for _, quality in here)
        assert found.mean_quality[cycle] == pytest.approx(np.mean(qualities))
        for p in (0.1, 0.5, 0.9):
            expected = qualities[max(int(np.ceil(p * len(qualities))), 1) - 1]
            assert found.quality_quantile(p)[cycle] == expected
    counted = Counter(len(bases) for bases, _ in reads)
    assert dict(zip(found.lengths, found.length_counts, strict=True)) == counted
    gc = [
        round(100 * sum(x in "GC" for x in known) / len(known))
        for known in ([x for x in bases.upper() if x in "ACGT"] for bases, _ in reads)
        if known
    ]
    assert found.gc_histogram.sum() == len(gc)
    assert {percent for percent, number in enumerate(found.gc_histogram) if number} == set(gc)
    assert found.quality_histogram.sum() == sum(bool(bases) for bases, _ in reads)


def random_reads(number, length, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(number)]


@pytest.mark.parametrize("name", ["reads.fastq", "reads.fastq.gz"])
def test_adapters_and_duplicates_are_found_in_batches(write, monkeypatch, name):
    monkeypatch.setattr(module, "READS", 7)
    inserts = random_reads(40, 60)
    reads = [bases[:45] + "AGATCGGAAGAGCAC" if k % 4 == 0 else bases for k, bases in enumerate(inserts)]
    reads += reads[:10]
    path = write([(bases, "I" * 60) for bases in reads], name)
    seen = []
    found = prepare.read_quality(path, progress=lambda fraction, text: seen.append(fraction))
    share = found.adapters["Illumina universal"]
    assert share[44] == 0
    assert share[45] == share[-1] == pytest.approx(sum("AGATCGGAAGAG" in bases for bases in reads) / 50)
    assert found.adapters["Nextera transposase"].max() == 0
    assert found.duplicate_fraction == pytest.approx(10 / 50)
    assert len(seen) == 8
    assert seen[-1] == 1
    assert list(found.to_frame().columns)[-6:] == list(prepare.ADAPTERS)
    assert found.provenance["reads"]["digest"]
    assert found.provenance["kernels"] == ["cycle_counts", "read_means"]


def test_a_sample_of_reads_tells_the_share_of_duplicates(write, monkeypatch):
    monkeypatch.setattr(module, "TRACKED", 300)
    reads = [(bases, "I" * 40) for bases in random_reads(2000, 40)]
    found = prepare.read_quality(write(reads + reads))
    assert found.duplicate_fraction == pytest.approx(0.5)  # all copies of a read are in the sample, or none
    assert prepare.read_quality(write(reads, "once.fastq")).duplicate_fraction == 0


def test_progress_that_raises_stops_the_work(write):
    def stop(fraction, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare.read_quality(write([("ACGT", "IIII")]), progress=stop)


def test_long_reads_and_old_qualities_are_said(write, monkeypatch):
    monkeypatch.setattr(module, "CYCLES", 20)
    found = prepare.read_quality(write([("ACGTA" * 6, "h" * 30)]))
    assert len(found.by_base) == 20
    assert found.by_base[-1].sum() == 11
    assert "Bases after cycle 20 are counted with it." in found.notices
    assert "Phred + 64" in " ".join(found.notices)


def test_refusals(write):
    with pytest.raises(FileError, match="line"):
        prepare.read_quality(write([("ACGT", "III")]))
    with pytest.raises(InputError, match=r"at least 6 of A, C, G, T; got 'ACGN' for 'mine'"):
        prepare.read_quality(write([("ACGT", "IIII")]), adapters={"mine": "ACGN"})
    found = prepare.read_quality(write([("GGACGTACGT", "IIIIIIIIII")]), adapters={"mine": "acgtac"})
    assert list(found.adapters["mine"]) == [0, 0] + [1] * 8
