"""Parsers on damaged text: 200 inputs each, 10,000 with ``GENOLAB_NIGHTLY=1``, and all that fuzzing ever found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from targets import CACHE, TARGETS

FOUND = Path(__file__).with_name("found")
INPUTS = 10_000 if os.environ.get("GENOLAB_NIGHTLY") else 200
PIECES = [b"\t", b"\n", b"\r\n", b" ", b",", b";", b":", b"-1", b"0", b"99999999999", b"1e400", b"nan", b"\0",
          b"\xff", b"\xe2\x80\xae",
          b"@", b">", b"#", b"+", b"=", b"<", b'"', b".", b"*", b"|", b"\x1f\x8b"]  # fmt: skip

EDIT = st.tuples(
    st.sampled_from(["put", "over", "drop", "copy", "cut"]), st.integers(0, 2**16), st.integers(1, 40),
    st.sampled_from(PIECES) | st.binary(min_size=1, max_size=6),
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _a_cache_of_its_own() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOLAB_CACHE", str(CACHE))
        yield


def damaged(text: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """The text with these edits made one after another."""
    for kind, place, length, piece in edits:
        at = place % (len(text) + 1)
        text = {
            "put": text[:at] + piece + text[at:],
            "over": text[:at] + piece + text[at + len(piece) :],
            "drop": text[:at] + text[at + length :],
            "copy": text[:at] + text[at : at + length] * 2 + text[at + length :],
            "cut": text[:at] if length < 8 else text,
        }[kind]
    return text


@pytest.mark.parametrize("name", list(TARGETS))
def test_damaged_text_is_read_or_refused_with_its_place(name: str) -> None:
    run, seeds = TARGETS[name]

    @seed(1)
    @settings(max_examples=INPUTS, database=None)
    @given(st.sampled_from(seeds), st.lists(EDIT, max_size=4))
    def inputs(text: bytes, edits: list[tuple[str, int, int, bytes]]) -> None:
        run(damaged(text, edits))

    for text in seeds:
        run(text)
    inputs()


@pytest.mark.parametrize("path", sorted(FOUND.rglob("*.*")) or sorted(FOUND.glob("*/*")), ids=lambda path: path.name)
def test_what_fuzzing_found_stays_fixed(path: Path) -> None:
    TARGETS[path.parent.name][0](path.read_bytes())
