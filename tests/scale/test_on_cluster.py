"""The subjects on a Dask cluster: what is computed alone, with workers killed and regions that are spoilt."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import made_fastq
import numpy as np
import pysam
import pytest
from killing import killing

import genolab as gl
from genolab import cli
from genolab.errors import FileError, IncompleteError

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

PHAGE = Path(gl.__file__).parent / "data" / "phage"
READS, REFERENCE = PHAGE / "reads.bam", PHAGE / "lambda.fa"
REGION = "NC_001416.1:10,001-14,000"


@pytest.fixture(scope="module")
def two_files(tmp_path_factory) -> list[Path]:
    """The phage's reads in two halves, as two samples."""
    folder, paths = tmp_path_factory.mktemp("two"), []
    with pysam.AlignmentFile(str(READS)) as source:
        reads, header = list(source.fetch()), source.header.to_dict()
    for number in range(2):
        paths.append(folder / f"sample{number}.bam")
        own = header | {"RG": [{"ID": "a", "SM": f"sample{number}"}]}
        with pysam.AlignmentFile(str(paths[-1]), "wb", header=own) as target:
            for read in reads[number::2]:
                read.set_tag("RG", "a")
                target.write(read)
        pysam.index(str(paths[-1]))
    return paths


@pytest.mark.parametrize("kind", ["vcf", "gvcf", "joint"])
def test_the_file_has_the_bytes_of_the_serial_one(kind, client, two_files, tmp_path):
    reads, gvcf = (two_files if kind == "joint" else READS), kind == "gvcf"
    alone, together = tmp_path / "alone" / "calls.vcf.gz", tmp_path / "together" / "calls.vcf.gz"
    written = []
    for path, options in ((alone, {}), (together, {"client": client, "tile": 700})):
        path.parent.mkdir()
        written.append(gl.call.call_to_file(reads, REFERENCE, path, REGION, gvcf=gvcf, **options))
    names = ["calls.vcf.gz", "calls.vcf.gz.tbi"]
    assert sorted(each.name for each in together.parent.iterdir()) == names
    for name in names:
        assert (together.parent / name).read_bytes() == (alone.parent / name).read_bytes()
    assert written[1].records == written[0].records > 3
    assert (written[1].passing, written[1].notices) == (written[0].passing, written[0].notices)


def test_the_calls_are_the_serial_ones_and_progress_comes_from_the_cluster(client):
    told = []
    serial = gl.call.call_variants(READS, REFERENCE, REGION)
    options = {"tile": 1000, "client": client}
    calls = gl.call.call_variants(READS, REFERENCE, REGION, progress=lambda *what: told.append(what), **options)
    assert calls.to_frame().equals(serial.to_frame())
    assert calls.provenance == serial.provenance
    assert all(np.array_equal(a, b) for a, b in zip(calls.log10_likelihood, serial.log10_likelihood, strict=True))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert {text for _, text in told if "14,000" in text} == {"calling NC_001416.1:13,001-14,000 on 2 workers"}


def test_a_killed_worker_costs_nothing(client, tmp_path):
    alone, together = tmp_path / "alone.vcf", tmp_path / "together.vcf"
    gl.call.call_to_file(READS, REFERENCE, alone, REGION)

    def work():
        return gl.call.call_to_file(READS, REFERENCE, together, REGION, tile=250, client=client)

    _, kills = killing(client, 2, 0.2, work)
    assert kills >= 1
    assert together.read_bytes() == alone.read_bytes()


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> Path:
    """A BAM of the same reads, one of whose blocks is spoilt."""
    path = tmp_path_factory.mktemp("poison") / "reads.bam"
    path.write_bytes(READS.read_bytes())
    pysam.index(str(path))
    with pysam.AlignmentFile(str(path)) as reads:
        blocks = [reads.tell() >> 16 for _ in reads.fetch("NC_001416.1", 40_000, 45_000)]
    block = blocks[len(blocks) // 2]
    data = bytearray(path.read_bytes())
    data[block + 40] ^= 0xFF  # inside the compressed data: its checksum does not hold any more
    path.write_bytes(bytes(data))
    return path


def test_a_region_that_cannot_be_read_is_named_and_the_rest_is_written(client, poisoned, tmp_path):
    output = tmp_path / "calls.vcf"
    with pytest.raises(IncompleteError) as said:
        gl.call.call_to_file(poisoned, REFERENCE, output, tile=4000, client=client)
    error = said.value
    missing = [name for name, _ in error.missing]
    assert 1 <= len(missing) < 8
    assert all(isinstance(cause, FileError) for _, cause in error.missing)
    assert missing[0] in str(error)
    with pysam.VariantFile(str(output)) as file:
        lines = [str(line).strip() for line in file.header.records if "genolabMissing" in str(line)]
        found = [record.pos for record in file]
    assert lines == [f"##genolabMissing={name}" for name in missing]
    whole = gl.call.call_variants(READS, REFERENCE)
    lost = [bounds(name) for name in missing]
    inside = [pos for pos in (whole.position + 1).tolist() if not any(start <= pos <= end for start, end in lost)]
    assert found == inside
    assert len(found) > 30


def bounds(name: str) -> tuple[int, int]:
    start, _, end = name.partition(":")[2].replace(",", "").partition("-")
    return int(start), int(end)


@pytest.mark.parametrize("mates", [False, True])
def test_reads_are_mapped_to_the_same_bytes(mates, client, tmp_path, monkeypatch):
    from genolab.align import mapper

    monkeypatch.setattr(mapper, "BATCH", 100)
    contigs = {"one": made_fastq.letters(6000, 1), "two": made_fastq.letters(3000, 2)}
    reference = made_fastq.write_fasta(tmp_path / "ref.fa", **contigs)
    first, *second = made_fastq.simulated(contigs, 350, 70, seed=5, wrong=0.02, **({"insert": 300} if mates else {}))
    paths = [made_fastq.write_fastq(tmp_path / "a_1.fq", first)]
    if mates:
        paths.append(made_fastq.write_fastq(tmp_path / "a_2.fq", second[0]))
    results = []
    for folder, options in (("alone", {}), ("together", {"client": client})):
        (tmp_path / folder).mkdir()
        output = tmp_path / folder / "out.bam"
        results.append(gl.align.map_reads(tuple(paths), reference, output, sample="donor", **options))
    alone, together = results
    assert sorted(each.name for each in together.path.parent.iterdir()) == ["out.bam", "out.bam.bai"]
    for suffix in ("", ".bai"):
        bytes_of = [Path(f"{each.path}{suffix}").read_bytes() for each in results]
        assert bytes_of[0] == bytes_of[1]
    assert together.to_frame().equals(alone.to_frame())
    assert (together.reads, together.mapped, together.sure) == (alone.reads, alone.mapped, alone.sure)
    assert (together.qualities == alone.qualities).all()
    assert together.notices == alone.notices
    if not mates:
        (tmp_path / "command").mkdir()
        output = tmp_path / "command" / "out.bam"
        words = ["map", str(paths[0]), "--reference", str(reference), "--output", str(output), "--sample", "donor"]
        assert cli.main([*words, "--dask", client.scheduler.address, "--quiet"]) == 0
        assert output.read_bytes() == alone.path.read_bytes()


def test_a_matrix_is_prepared_to_the_same_bytes(client, tmp_path):
    pytest.importorskip("anndata", reason="the anndata extra is not installed")
    import anndata
    import scipy.sparse

    draw = np.random.default_rng(2)
    counts = scipy.sparse.csr_array(draw.poisson(np.geomspace(0.05, 5, 40), (90, 40)).astype(np.float32))
    anndata.AnnData(counts).write_h5ad(tmp_path / "counts.h5ad")
    steps = [gl.prepare.LogCPM(), gl.prepare.Scaler()]
    for name, given in (("stored", steps[:1]), ("learnt", steps), ("dense", [gl.prepare.PearsonResiduals()])):
        paths = [tmp_path / f"{name}-{where}.h5ad" for where in ("alone", "together")]
        for path, who in zip(paths, (None, client), strict=True):
            gl.prepare.transform_file(tmp_path / "counts.h5ad", path, given, block=20, client=who)
        assert paths[1].read_bytes() == paths[0].read_bytes()
    assert not list(tmp_path.glob("*.tiles"))
    words = ["normalize", str(tmp_path / "counts.h5ad"), "--step", "LogCPM", "--output", str(tmp_path / "command.h5ad")]
    assert cli.main([*words, "--dask", client.scheduler.address, "--quiet"]) == 0
    assert (tmp_path / "command.h5ad").read_bytes() == (tmp_path / "stored-alone.h5ad").read_bytes()

    with anndata_with_a_gap(tmp_path / "counts.h5ad"), pytest.raises(IncompleteError, match="samples 41 to 60") as said:
        gl.prepare.transform_file(tmp_path / "counts.h5ad", tmp_path / "out.h5ad", steps[:1], block=20, client=client)
    assert [name for name, _ in said.value.missing] == ["samples 41 to 60"]
    assert not (tmp_path / "out.h5ad").exists()


@contextmanager
def anndata_with_a_gap(path):
    """A value that is no count in the 50th sample."""
    import h5py

    with h5py.File(path, "a") as file:
        place = int(file["X/indptr"][49])
        file["X/data"][place] = -1
    yield


def test_a_fastq_that_is_cut_is_refused_as_alone(client, tmp_path):
    reference = made_fastq.write_fasta(tmp_path / "ref.fa", one=made_fastq.letters(2000, 1))
    path = tmp_path / "cut.fq"
    path.write_text("@r1\nACGTACGT\n+\nIIIIIIII\n@r2\nACGT\n")
    with pytest.raises(FileError, match="it was cut"):
        gl.align.map_reads(path, reference, tmp_path / "out.bam", client=client)
    assert not (tmp_path / "out.bam").exists()


def test_models_are_judged_as_alone(client):
    draw = np.random.default_rng(3)
    texts = ["".join(row) for row in np.array(list("ACGT"))[draw.integers(0, 4, (120, 30))]]
    labels = np.array([text.count("G") > text.count("C") for text in texts]).astype(int)
    model = gl.predict.SequenceClassifier("kmer_logistic", options={"sizes": (1, 2)})
    alone, together = (
        gl.predict.cross_validate(model, texts, labels, split="random", folds=2, shuffled=False, **options)
        for options in ({}, {"client": client})
    )
    assert np.allclose(together.output, alone.output, rtol=1e-4, atol=1e-5)  # BLAS of workers has fewer threads
    assert list(together.folds["of"]) == list(alone.folds["of"])
    assert together.value("auroc") == pytest.approx(alone.value("auroc"), abs=1e-3)

    tried = {"penalty": (1e-3, 1e3), "strands": ("one", "average")}
    found, elsewhere = (
        gl.predict.search_settings(model, tried, texts, labels, split="random", folds=2, **options)
        for options in ({}, {"client": client})
    )
    assert len(found.table) == 4
    assert found.best == elsewhere.best
    assert (found.best["penalty"], found.model.penalty) == (1e-3, 1e-3)
    assert found.table["value"].is_monotonic_decreasing
    assert np.allclose(elsewhere.table["value"], found.table["value"], atol=1e-3)


def test_settings_that_a_model_has_not_are_refused():
    model = gl.predict.SequenceClassifier("kmer_logistic")
    with pytest.raises(gl.errors.InputError, match=r"parameters of the model .*; got 'depth'"):
        gl.predict.search_settings(model, {"depth": (1, 2)}, ["ACGT"] * 4, [0, 1, 0, 1])
    with pytest.raises(gl.errors.InputError, match=r"settings\['penalty'\]` must be a list of values"):
        gl.predict.search_settings(model, {"penalty": ()}, ["ACGT"] * 4, [0, 1, 0, 1])


def test_each_worker_takes_a_first_look_that_ends_in_time(client, two_files, tmp_path):
    """The workers vouch for nothing, the client does: so what was looked at, each worker looked at itself."""
    from genolab.io import cache, checks, looking

    reads = two_files[0]
    (tmp_path / "sleeping_reader.py").write_text("import time\ntime.sleep(600)\n")

    def change(folder: str, reader: str, seconds: float) -> tuple[str | None, str, float]:
        import os

        from genolab.io import checks, looking

        was = os.environ.pop("GENOLAB_TRUST", None), checks.READER, looking.SECONDS
        os.environ["GENOLAB_CACHE"], os.environ["PYTHONPATH"] = f"{folder}/{os.getpid()}", folder
        checks.READER, looking.SECONDS = reader, seconds
        return was

    def back(was: tuple[str | None, str, float]) -> None:
        import os

        from genolab.io import checks, looking

        os.environ["GENOLAB_TRUST"] = was[0] or "1"
        checks.READER, looking.SECONDS = was[1:]
        del os.environ["GENOLAB_CACHE"], os.environ["PYTHONPATH"]

    kept = client.run(change, str(tmp_path), checks.READER, looking.SECONDS)
    try:
        for _ in range(10):  # until both were given tiles
            assert len(gl.call.call_variants(reads, REFERENCE, REGION, tile=250, client=client).position) > 0
            looked = list(tmp_path.glob(f"*/look/{cache.identity(reads)}.json"))
            if len(looked) == 2:
                break
        assert len(looked) == len(kept) == 2
        client.run(change, str(tmp_path), "sleeping_reader", 1.0)
        for each in looked:
            each.unlink()
        with pytest.raises(FileError, match="not read after 1 s"):
            gl.call.call_variants(reads, REFERENCE, REGION, tile=4000, client=client)
    finally:
        for was in list(kept.values())[:1]:
            client.run(back, was)
