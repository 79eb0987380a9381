"""What is drawn at random depends on seed and place: never on the worker, how many there are, or who is first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import made_fastq
import numba  # noqa: F401  its import seeds generators of its own
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from made_reads import evidence_of, simple
from pytensor.tensor.random.op import RandomVariable

import genolab as gl
from genolab.align import mapper
from genolab.predict.bases import encode
from genolab.predict.folds import BASELINE, MODEL, SHUFFLED, Fit, Folds

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

PHAGE = Path(gl.__file__).parent / "data" / "phage"
REGION = "NC_001416.1:10,001-11,500"
MODULE_DRAWS = [
    name for name in np.random.__all__ if callable(getattr(np.random, name)) and name not in ("get_state", "set_state")
]


def refused(*given: object, **named: object) -> None:
    raise AssertionError("a random number was drawn")


@pytest.fixture
def no_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever draws by NumPy, PyTensor or Python is refused; a generator is one that could draw."""
    for name in MODULE_DRAWS:
        monkeypatch.setattr(np.random, name, refused)
    for name in ("random", "randint", "randrange", "choice", "shuffle", "sample", "uniform", "gauss", "seed"):
        monkeypatch.setattr(random, name, refused)
    monkeypatch.setattr(RandomVariable, "perform", refused)


@pytest.mark.usefixtures("no_draws")
def test_the_guard_notices_a_draw() -> None:
    seed = pt.random.type.random_generator_type()
    _, normal = pt.random.normal(rng=seed, return_next_rng=True)
    drawing = pytensor.function([seed], normal, mode=pytensor.compile.mode.Mode("py", None))
    for draw in (lambda: drawing(_KEPT), np.random.default_rng, np.random.random, random.random):
        with pytest.raises(AssertionError, match="was drawn"):
            draw()


_KEPT = np.random.default_rng(1)


@pytest.mark.usefixtures("no_draws")
@pytest.mark.parametrize("gvcf", [False, True])
def test_a_tile_of_calls_draws_nothing(gvcf: bool, tmp_path: Path) -> None:
    files = PHAGE / "reads.bam", PHAGE / "lambda.fa", tmp_path / "calls.vcf"
    assert gl.call.call_to_file(*files, REGION, gvcf=gvcf, tile=700).records > 0


@pytest.mark.usefixtures("no_draws")
def test_a_joint_tile_and_a_block_of_counts_draw_nothing(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata", reason="the anndata extra is not installed")
    bases = [simple(f"r{i}", 5, f"CGTAC{'GA'[i % 2]}TACG", 30, 0x10 * (i // 2 % 2)) for i in range(12)]
    places = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        evidence_of(bases, "ACGTACGTACGTACGTACGT", tmp_path / name)
        places.append(tmp_path / name / "reads.sam")
    text = places[1].read_text()
    places[1].write_text(text.replace("SM:donor", "SM:other"))
    assert gl.call.call_variants(places, tmp_path / "one" / "reference.fa", tile=7).position.tolist() == [10]
    counts = (np.arange(90 * 8).reshape(90, 8) * 7919 % 13).astype(np.float32)
    anndata.AnnData(counts).write_h5ad(tmp_path / "counts.h5ad")
    steps = [gl.prepare.LogCPM(), gl.prepare.Scaler()]
    assert gl.prepare.transform_file(tmp_path / "counts.h5ad", tmp_path / "out.h5ad", steps, block=20).samples == 90


@pytest.fixture(scope="module", params=[1, 2, 4])
def some_workers(request: pytest.FixtureRequest) -> Iterator[object]:
    """So many workers of one thread, in this process: what they compile and their BLAS is that of the serial run."""
    cluster = distributed.LocalCluster(
        n_workers=request.param, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


def labelled() -> tuple[list[str], np.ndarray]:
    draw = np.random.default_rng(3)
    texts = ["".join(row) for row in np.array(list("ACGT"))[draw.integers(0, 4, (60, 30))]]
    return texts, np.array([text.count("G") > text.count("C") for text in texts]).astype(int)


def network() -> gl.predict.SequenceClassifier:
    """A network, which draws its weights, its share for validation and its batches."""
    return gl.predict.SequenceClassifier("deepbind", epochs=2, batch_size=16, seed=5, backend="numpy")


@pytest.fixture(scope="module")
def judged_alone() -> gl.predict.Evaluation:
    return gl.predict.cross_validate(network(), *labelled(), split="random", folds=2, seed=4)


def test_models_are_judged_to_the_same_bytes_by_any_number_of_workers(some_workers, judged_alone) -> None:
    found = gl.predict.cross_validate(network(), *labelled(), split="random", folds=2, seed=4, client=some_workers)
    assert found.output.tobytes() == judged_alone.output.tobytes()
    assert found.fold.tobytes() == judged_alone.fold.tobytes()
    for table in ("table", "folds"):
        assert getattr(found, table).equals(getattr(judged_alone, table))


def test_another_seed_gives_other_bytes(judged_alone) -> None:
    model = network().set_params(seed=6)
    other = gl.predict.cross_validate(model, *labelled(), split="random", folds=2, seed=4)
    assert other.fold.tobytes() == judged_alone.fold.tobytes()
    assert other.output.tobytes() != judged_alone.output.tobytes()


def test_a_search_gives_the_same_table_with_any_number_of_workers(some_workers) -> None:
    tried, given = {"penalty": (1e-3, 1e3)}, (*labelled(),)
    model = gl.predict.SequenceClassifier("kmer_logistic", options={"sizes": (1, 2)})
    alone, together = (
        gl.predict.search_settings(model, tried, *given, split="random", folds=2, seed=2, **client)
        for client in ({}, {"client": some_workers})
    )
    assert together.table.equals(alone.table)
    assert together.best == alone.best


def test_a_fit_depends_on_what_it_is_and_not_on_what_was_fitted_before() -> None:
    texts, labels = labelled()
    bases, model = encode("test", "sequences", texts), network()
    fold = np.arange(len(bases)) % 2
    work = Folds((model,), bases, labels, labels[::-1].copy(), model._targets(labels, fitting=True), fold)
    fits = [Fit(0, of, k) for of in (MODEL, BASELINE, SHUFFLED) for k in (0, 1)]
    forward = {fit: work.output(fit).tobytes() for fit in fits}
    np.random.default_rng(9).random(100)
    backward = {fit: work.output(fit).tobytes() for fit in fits[::-1]}
    assert backward == forward
    assert len(set(forward.values())) == len(fits)


def test_reads_that_fit_twice_are_placed_alike_by_any_number_of_workers(
    some_workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeat: which copy a read is given to is drawn, by the seed, the read and the place."""
    monkeypatch.setattr(mapper, "BATCH", 40)
    copy = made_fastq.letters(1500, 1)
    reference = made_fastq.write_fasta(tmp_path / "ref.fa", one=copy, two=copy)
    reads, *_ = made_fastq.simulated({"one": copy}, 200, 70, seed=5, wrong=0.01)
    fastq = made_fastq.write_fastq(tmp_path / "reads.fq", reads)
    written = []
    for name, options in (("alone", {}), ("together", {"client": some_workers}), ("other", {"seed": 1})):
        mapped = gl.align.map_reads(fastq, reference, tmp_path / f"{name}.bam", **options)
        written.append(mapped.path.read_bytes())
    assert written[1] == written[0]
    assert written[2] != written[0]
