"""The examples: what ships is whole and described, what is fetched is held against its checksum."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import genolab as gl
from genolab.data import registry
from genolab.errors import FileError, GenolabError, InputError

SHIPPED = [entry.name for entry in gl.data.examples("reads") if entry.shipped]
TABLES = [entry.name for entry in gl.data.examples("counts") if entry.shipped]


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine that has none of the example's files, and no network."""
    monkeypatch.setenv("GENOLAB_SHARED", str(tmp_path / "none"))
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GENOLAB_DATA", raising=False)

    def refuse(url, *rest, **named):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("pooch.retrieve", refuse)
    return tmp_path


def test_every_example_says_where_it_is_from_and_under_which_licence():
    for entry in gl.data.examples():
        assert all([entry.title, entry.description, entry.origin, entry.licence]), entry.name
        assert bool(entry.region) == (entry.kind == "reads"), entry.name


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_whole(name):
    example = gl.data.example(name)
    folder = gl.data.path(name)
    needed = [*example.all_reads, *(Path(f"{reads}.bai") for reads in example.all_reads), example.reference]
    needed += [Path(f"{example.reference}.fai"), folder / "README.md"]
    needed += [example.truth, Path(f"{example.truth}.tbi")] if example.truth else []
    assert [path.name for path in needed if not path.is_file()] == []
    assert example.reads == example.all_reads[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_can_be_read_without_a_notice(name):
    example = gl.data.example(name)
    for path in example.all_reads:
        with gl.io.open_alignments(path) as reads, gl.io.open_reference(example.reference) as reference:
            match = gl.io.match_contigs(reads, reference)
            region = gl.io.parse_region(example.region, reads.contigs)
            assert len(reads.read(region).names) > 100
            assert (reads.notices, reference.notices, match.notices) == ((), (), ())


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_ships_fits_its_samples(name):
    example = gl.data.example(name)
    table = gl.io.read_counts(example.counts)
    sheet = pd.read_csv(example.samples, index_col="sample")
    assert list(sheet.index) == list(table.samples)
    assert table.values.shape == (len(sheet), len(table.genes))
    assert not np.isnan(table.values).any()
    assert (gl.data.path(name) / "README.md").is_file()


def test_the_counts_that_ship_are_what_the_simulator_makes():
    example, made = gl.data.example("batches"), gl.data.simulate_counts(seed=1)
    np.testing.assert_array_equal(gl.io.read_counts(example.counts).values, made.counts)
    pd.testing.assert_frame_equal(pd.read_csv(example.samples, index_col="sample"), made.samples)
    pd.testing.assert_frame_equal(pd.read_csv(example.truth, index_col="gene"), made.truth)


def test_totals_mislead_in_the_simulated_counts_and_the_truth_is_stated():
    made = gl.data.simulate_counts(genes=600, seed=3)
    flooded = made.truth["log2_fold_change"].nlargest(12).index
    treated = made.counts[made.samples["condition"] == "treated"]
    assert 0.2 < treated[flooded].to_numpy().sum() / treated.to_numpy().sum() < 0.5
    calm = made.truth.index[made.truth["log2_fold_change"] == 0]
    size = made.samples["true_size_factor"]
    level = made.counts[calm].sum(axis=1) / size
    assert level.std() / level.mean() < 0.1
    assert np.log(size).mean() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("wrong", [{"genes": 50}, {"replicates": 0}, {"batches": 0}])
def test_a_table_that_cannot_be_simulated_is_refused(wrong):
    with pytest.raises(InputError, match="at least"):
        gl.data.simulate_counts(**wrong)


def test_what_ships_is_small():
    assert sum(entry.size for entry in gl.data.examples() if entry.shipped) < 2_000_000


def test_an_unknown_name_is_refused_with_the_names():
    with pytest.raises(InputError, match=r"one of phage, .*bladder.*; got 'yeast'"):
        gl.data.example("yeast")


def test_without_files_or_network_one_sentence_says_what_to_do(nowhere):
    with pytest.raises(GenolabError, match=r"na12878: .*bam could not be fetched .* GENOLAB_DATA\.$") as refusal:
        gl.data.example("na12878")
    assert "\n" not in str(refusal.value)


def test_listing_fetches_nothing(nowhere):
    assert [entry.name for entry in gl.data.examples() if not entry.shipped] == ["na12878"]


def test_a_wrong_file_is_refused_by_its_checksum(nowhere, monkeypatch):
    (files,) = (files for files in registry._EXAMPLES if files.entry.name == "na12878")
    for name in files.sha256:
        (nowhere / name).write_bytes(b"<html>404</html>")
    monkeypatch.setenv("GENOLAB_DATA", str(nowhere))
    with pytest.raises(FileError, match=r"NA12878.*expected SHA-256 0b8285882182|expected SHA-256 0b82858821bd"):
        gl.data.example("na12878")


def test_the_files_are_found_where_the_user_says(nowhere, monkeypatch):
    shared = registry.HERE.parents[2] / "shared" / "data" / "na12878_wgs50x_chr20"
    if not shared.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    shutil.copytree(shared, nowhere / "mine" / shared.name)
    monkeypatch.setenv("GENOLAB_DATA", str(nowhere / "mine"))
    assert gl.data.example("na12878").reads.parent == nowhere / "mine" / shared.name
    monkeypatch.setenv("GENOLAB_DATA", str(nowhere / "mine" / shared.name))
    assert gl.data.path("na12878") == nowhere / "mine" / shared.name


def test_a_fetch_tries_each_server_and_keeps_what_the_checksum_accepts(nowhere, monkeypatch):
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash))
        if "googleapis" not in url:
            raise ValueError("SHA256 hash of downloaded file does not match the known hash")
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / fname).write_bytes(b"fetched")

    monkeypatch.setattr("pooch.retrieve", retrieve)
    example = gl.data.example("na12878")
    assert example.reads.read_bytes() == b"fetched"
    assert example.reads.is_relative_to(nowhere / "cache")
    assert len(asked) == 16  # eight files, two servers
    assert all(known.startswith("sha256:") and len(known) == 71 for _, known in asked)
