from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import InputError

CONTIGS = {"chr20": 63_025_520, "chrM": 16_571, "HLA-A*01:01": 3_503, "a": 100, "a:1-2": 50}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr20:10,000,001-10,100,000", ("chr20", 10_000_000, 10_100_000)),
        ("chr20", ("chr20", 0, 63_025_520)),
        ("chr20:5", ("chr20", 4, 5)),
        ("chr20:63025501-", ("chr20", 63_025_500, 63_025_520)),
        ("  chr20:1_000–2_000 ", ("chr20", 999, 2_000)),
        ("HLA-A*01:01", ("HLA-A*01:01", 0, 3_503)),
        ("HLA-A*01:01:2-3", ("HLA-A*01:01", 1, 3)),
        ("{a}:1-2", ("a", 0, 2)),
        ("{a:1-2}", ("a:1-2", 0, 50)),
        ("{a:1-2}:3-4", ("a:1-2", 2, 4)),
    ],
)
def test_reads_what_people_write(text: str, expected: tuple[str, int, int]) -> None:
    assert io.parse_region(text, CONTIGS) == io.Region(*expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20:1-2", "Did you mean chr20"),
        ("chrm", "Did you mean chrM"),
        ("chr2", "Did you mean chr20"),
        ("chr20:0-5", "first position of a contig is 1"),
        ("chr20:9-5", "first not after last; got 'chr20:9-5'. Write chr20:5-9."),
        ("chr20:7-63,025,521", "Write chr20:7-63,025,520."),
        ("chr20:63,025,521-", "Its last position is 63,025,520."),
        ("chr20:five-six", "whole 1-based positions"),
        ("chr20:1e3-2e3", "whole 1-based positions"),
        ("chr20:-5", "whole 1-based positions"),
        ("chr20:１-２", "whole 1-based positions"),
        ("", "on a contig"),
        ("{chr9}:1-2", "'chr9'"),
        ("a:1-2", "{a:1-2}"),
        (f"chr20:{'9' * 5000}", "chr20"),
    ],
)
def test_refuses_with_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        io.parse_region(text, CONTIGS)
    assert words in str(refusal.value)


def test_a_region_is_checked_too_and_a_number_is_no_region() -> None:
    with pytest.raises(InputError, match="inside a"):
        io.parse_region(io.Region("a", 0, 101), CONTIGS)
    with pytest.raises(InputError, match="got int"):
        io.parse_region(5, CONTIGS)  # type: ignore[arg-type]


names = st.text(st.characters(codec="ascii", min_codepoint=33, exclude_characters="{}"), min_size=1, max_size=8)


@given(names, st.integers(1, 10**9), st.integers(1, 10**9))
def test_text_and_back(name: str, one: int, other: int) -> None:
    first, last = sorted((one, other))
    region = io.Region(name, first - 1, last)
    assert io.parse_region(f"{{{name}}}:{first}-{last}", {name: 10**9}) == region
    assert io.parse_region(str(region), {name: 10**9}) == region


@given(st.text("chrMHLA-*01:2a,_{} –\t\0é", max_size=30))
def test_any_text_gives_a_region_inside_or_a_refusal(text: str) -> None:
    try:
        region = io.parse_region(text, CONTIGS)
    except InputError:
        return
    assert 0 <= region.start < region.end <= CONTIGS[region.contig]
