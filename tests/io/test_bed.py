from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import FileError

intervals = st.tuples(
    st.sampled_from(["chr1", "NA", "é"]), st.integers(0, 2**31 - 2), st.integers(0, 1000), st.text("ab<>&", min_size=1)
).map(lambda row: (row[0], row[1], min(row[1] + row[2], 2**31 - 1), row[3]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(intervals), st.sampled_from(["\n", "\r\n"]))
def test_intervals_survive(tmp_path: Path, rows: list[tuple[str, int, int, str]], end: str) -> None:
    path = tmp_path / "a.bed"
    lines = ['track name="<b>"', "#comment", "", *("\t".join(map(str, row)) for row in rows)]
    path.write_bytes((end.join(lines) + end).encode())
    bed = io.read_bed(path)
    assert list(zip(bed.contig, bed.start.tolist(), bed.end.tolist(), bed.name, strict=True)) == rows
    assert bed.to_frame()["name"].tolist() == [row[3] for row in rows]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("c\t5\t4", "start, end"),
        ("c\t-1\t4", "start"),
        ("c\t1.0\t4", "start"),
        ("c\t1\t1e3", "end"),
        ("c\t1\t4000000000", "end"),
        ("c\t1", "columns"),
        ("c\t1\t2\tname", "columns"),
        ("d\t1\t2", "contig"),
        ("c\t1\t101", "end"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "a.bed"
    path.write_text(f"# comment\nc\t0\t1\n{line}\n")
    with pytest.raises(FileError) as refusal:
        io.read_bed(path, contigs={"c": 100})
    assert (refusal.value.line, refusal.value.field) == (3, field)


def test_what_is_odd_but_readable_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.bed"
    path.write_text("c\t5\t5\tn\t5000\nc\t1\t2\tn\t0\nd\t1\t2\tn\t0\nc\t7\t8\tn\t0\n")
    bed = io.read_bed(path)
    assert len(bed) == 4
    said = " ".join(bed.notices)
    for words in ("2 intervals are not in the order", "1 intervals are empty", "1 scores"):
        assert words in said
