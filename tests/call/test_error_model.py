"""The fitted error table: its gradient, the distortion that it must find again, and how it is kept and used."""

from __future__ import annotations

from pathlib import Path

import naive
import numpy as np
import pytest
from made_reads import sam_text, write_bam, write_reference

import genolab as gl
from genolab.call.error_model import (
    STARTS,
    ErrorModel,
    cells_of,
    error_loss,
    fit_error_model,
    load_error_model,
    log_odds,
)
from genolab.errors import FileError, InputError

LENGTH, READS, SIZE = 3_000, 6_000, 50


def distorted(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Reads that say 20, 30 and 40 and are of 15, 22 and 28, five less on the reverse strand's first ten cycles."""
    rng = np.random.default_rng(seed)
    genome = "".join(rng.choice(list("ACGT"), LENGTH))
    codes = np.array(["ACGT".index(base) for base in genome])
    start = np.sort(rng.integers(0, LENGTH - SIZE, READS))
    said = rng.choice([20, 30, 40], (READS, SIZE))
    truth = np.select([said == 20, said == 30], [15.0, 22.0], 28.0)
    reverse = rng.random(READS) < 0.5
    truth[reverse, -10:] -= 5.0
    base = codes[start[:, None] + np.arange(SIZE)]
    wrong = rng.random(base.shape) < 10 ** (-truth / 10)
    base = np.where(wrong, (base + rng.integers(1, 4, base.shape)) % 4, base)
    reads = [
        naive.Read(f"r{at}", 0x10 * bool(reverse[at]), int(start[at]), 60, [(SIZE, "M")],
                   "".join("ACGT"[code] for code in base[at]), said[at].tolist())
        for at in range(READS)
    ]  # fmt: skip
    return write_bam(folder / "reads.bam", sam_text(reads, LENGTH)), write_reference(folder / "reference.fa", genome)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    return distorted(tmp_path_factory.mktemp("distorted"))


@pytest.fixture(scope="module")
def model(files) -> ErrorModel:
    return fit_error_model(*files, f"chr1:1-{LENGTH:,}")


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(0)
    cell = np.stack([rng.integers(STARTS[k], STARTS[k] + 3, 6) for k in range(3)], axis=1)
    parameters, reported = rng.normal(0, 0.5, STARTS[-1]), log_odds(rng.uniform(5, 40, 6))
    errors, total = rng.integers(0, 5, 6).astype(float), rng.integers(10, 90, 6).astype(float)
    found = error_loss(parameters, cell, reported, errors, total, 2.0)
    chance = 1 / (1 + np.exp(-(reported + parameters[cell].sum(axis=1))))
    naive_loss = -(errors * np.log(chance) + (total - errors) * np.log(1 - chance)).sum() + (parameters**2).sum()
    assert found.loss[0] == pytest.approx(naive_loss)
    for at in np.unique(cell):
        step = np.zeros_like(parameters)
        step[at] = 1e-5
        up, down = (error_loss(parameters + s, cell, reported, errors, total, 2.0).loss[0] for s in (step, -step))
        assert found.slope[at] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


def test_cells_are_what_the_sequencer_saw(files):
    with gl.io.open_alignments(files[0]) as alignments:
        reads = alignments.read(gl.io.Region("chr1", 0, 60))
    cell = cells_of(reads)
    for read in range(3):
        low, high = int(reads.base_offset[read]), int(reads.base_offset[read + 1])
        bases, flag = reads.base[low:high].astype(int), int(reads.flag[read])
        reverse = bool(flag & 0x10)
        seen = (3 - bases)[::-1] if reverse else bases
        order = np.arange(high - low)[::-1] if reverse else np.arange(high - low)
        for cycle, at in enumerate(order.tolist()):
            context = 16 if cycle == 0 else 4 * seen[cycle - 1] + seen[cycle]
            expected = [reads.quality[low + at], STARTS[1] + 64 * reverse + cycle // 5, STARTS[2] + context]
            assert cell[low + at].tolist() == expected


def test_a_known_distortion_is_found_again(model):
    curve = model.to_frame().set_index("reported")
    assert curve.index.tolist() == [20, 30, 40]
    # a tenth of the bases is 5 phred worse, which is 2.16 times as many errors there: 0.48 phred in all
    for said, true in ((20, 15.0), (30, 22.0), (40, 28.0)):
        mean = -10 * np.log10(0.9 * 10 ** (-true / 10) + 0.1 * 10 ** (-(true - 5) / 10))
        assert curve["low"][said] < mean < curve["high"][said]
        assert curve["low"][said] < curve["observed"][said] < curve["high"][said]
        assert curve["fitted"][said] == pytest.approx(curve["observed"][said], abs=0.1)
    cell = np.array([[30, STARTS[1] + 64 * strand + 3, STARTS[2] + 6] for strand in (0, 1)])
    cell = np.concatenate([cell, [[30, STARTS[1] + 64 * strand, STARTS[2] + 6] for strand in (0, 1)]])
    assert model.quality_of(cell) == pytest.approx([22, 22, 22, 17], abs=1.0)


def test_it_is_kept_without_pickling_and_the_same_fit_gives_the_same_bytes(model, files, tmp_path):
    one = model.save(tmp_path / "one.model")
    again = fit_error_model(*files, f"chr1:1-{LENGTH:,}").save(tmp_path / "two.model")
    assert one.read_bytes() == again.read_bytes()
    loaded = load_error_model(one)
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    assert loaded.provenance == model.provenance
    from genolab.io.models import write_model

    write_model(tmp_path / "other.model", {"a": np.zeros(2)}, {"kind": "net"})
    with pytest.raises(FileError, match="an error model"):
        load_error_model(tmp_path / "other.model")


def test_calls_use_it_and_say_so(model, files):
    region = "chr1:1-500"
    plain = gl.call.call_variants(*files, region)
    calls = gl.call.call_variants(*files, region, error_model=model)
    assert plain.provenance["error_model"] is None
    assert calls.provenance["error_model"] == model.provenance
    assert calls.evidence is not None
    assert plain.evidence is not None
    assert calls.evidence.wide.reads.quality.mean() < plain.evidence.wide.reads.quality.mean() - 4
    why = calls.explain("chr1", 2_000)  # read again, outside of the region
    assert why.reads["base_quality"].max() < 35
    assert len(calls) <= len(plain)


def test_too_few_bases_are_refused(files):
    with pytest.raises(InputError, match="10,000 bases or more to fit"):
        fit_error_model(*files, "chr1:1-20")


def test_the_curve_is_drawn(model):
    drawn = model.plot().view.source.data
    assert drawn["reported"].tolist() == [20, 30, 40]
    assert (drawn["low"] < drawn["high"]).all()
