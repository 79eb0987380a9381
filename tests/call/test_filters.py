"""Every filter and every threshold does what it says, and refuses what is out of its range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from made_reads import evidence_of, simple

import genolab as gl
from genolab.call import Thresholds, genotype
from genolab.call.filters import FILTERS
from genolab.errors import InputError

REFERENCE = "ACGTACGTACGTACGTACGT"

FLIPS: dict[str, tuple[str, Callable[[dict[str, float]], float]]] = {
    "LowQual": ("min_quality", lambda value: value["quality"] + 0.01),
    "LowGQ": ("min_genotype_quality", lambda value: value["genotype_quality"] + 0.01),
    "LowDepth": ("min_depth", lambda value: int(value["depth"]) + 1),
    "StrandBias": ("max_strand_bias", lambda value: value["fisher_strand"] - 0.01),
    "StrandOddsRatio": ("max_strand_odds_ratio", lambda value: value["strand_odds_ratio"] - 0.01),
    "ReadPosition": ("min_read_position_rank_sum", lambda value: value["read_position_rank_sum"] + 0.01),
    "MappingQuality": ("min_mapping_quality_rank_sum", lambda value: value["mapping_quality_rank_sum"] + 0.01),
    "BaseQuality": ("min_base_quality_rank_sum", lambda value: value["base_quality_rank_sum"] + 0.01),
    "AlleleBalance": ("min_allele_balance", lambda value: value["allele_balance"] + 0.001),
    "Artefact": ("min_artefact_quality", lambda value: value["artefact_quality"] + 0.01),
}


@pytest.fixture(scope="module")
def suspicious(tmp_path_factory) -> gl.call.Evidence:
    """One heterozygous site whose alternate allele is a little suspect in every way, with some indels beside it."""
    reads = []
    for at in range(20):
        alternate = at % 5 < 2
        lead = 4 if alternate else 5
        bases = f"{'CGTAC'[5 - lead :]}{'ATAC' if alternate else 'GTACG'}"
        strand = 0x10 * (at % 2 if at < 16 else alternate)
        reads.append(
            simple(
                f"r{at}",
                10 - lead,
                bases,
                28 if alternate and at < 15 else 30,
                strand,
                50 if alternate and at > 5 else 60,
            )
        )
    return evidence_of(sorted(reads, key=lambda read: read.position), REFERENCE, tmp_path_factory.mktemp("suspicious"))


OPEN = Thresholds(
    min_quality=0, min_genotype_quality=0, min_depth=0, max_strand_bias=200, max_strand_odds_ratio=10,
    min_read_position_rank_sum=-20, min_mapping_quality_rank_sum=-20, min_base_quality_rank_sum=-20,
    min_allele_balance=0, min_artefact_quality=-100,
)  # fmt: skip


def test_every_filter_is_tested():
    assert set(FLIPS) == {each.name for each in FILTERS}


@pytest.mark.parametrize("name", FLIPS)
def test_a_threshold_flips_its_filter_and_no_other(suspicious, name):
    ploidy = 4 if name == "LowGQ" else 2  # of two copies the genotype is beyond doubt, of four it is not
    calls = genotype(suspicious, OPEN, ploidy)
    assert calls.filters == [()]
    values = {column: float(found[0]) for column, found in calls.columns.items()}
    threshold, beyond = FLIPS[name]
    strict = replace(OPEN, **{threshold: beyond(values)})
    assert genotype(suspicious, strict, ploidy).filters == [(name,)]
    explained = gl.call.explain(suspicious, 10, strict, ploidy)
    assert explained.verdict == "filtered"
    assert [step.name for step in explained.steps if step.decides] == [name]
    assert explained.sentence.startswith(f"Called but filtered ({name}): ")


@pytest.mark.parametrize(
    ("threshold", "value"),
    [
        ("min_base_quality", 31),
        ("min_mapping_quality", 60),
        ("min_alternate_count", 9),
        ("min_alternate_fraction", 0.45),
    ],
)
def test_thresholds_of_the_evidence(suspicious, threshold, value):
    assert len(genotype(suspicious, OPEN)) == 1
    after = genotype(suspicious, replace(OPEN, **{threshold: value}))
    if threshold == "min_mapping_quality":
        assert after.columns["depth"][0] < 20
    else:
        assert len(after) == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"min_quality": -1}, "Thresholds: `min_quality` must be between 0 and 200; got -1"),
        ({"min_depth": 2.5}, "`min_depth` must be a whole number; got 2.5"),
        ({"min_quality": "20"}, "`min_quality` must be a number; got '20'"),
        ({"heterozygosity": 0}, "between 1e-06 and 0.1"),
        ({"min_quality": float("nan")}, "got nan"),
    ],
)
def test_thresholds_out_of_range_are_refused(values, said):
    with pytest.raises(InputError) as refused:
        Thresholds(**values)
    assert said in str(refused.value)


@pytest.mark.parametrize("ploidy", [0, 7, 2.5, True, "2"])
def test_ploidies_that_cannot_be_called_are_refused(ploidy, suspicious):
    with pytest.raises(InputError, match="`ploidy` must be a whole number from 1 to 6"):
        genotype(suspicious, ploidy=ploidy)
