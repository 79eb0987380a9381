"""The sequences that ship: each has an origin and a licence, and aligns."""

from __future__ import annotations

import pytest

from genolab import data
from genolab.align import Scoring, align
from genolab.errors import InputError


@pytest.mark.parametrize("each", data.sequence_sets(), ids=lambda each: each.name)
def test_a_set_says_where_it_is_from_and_aligns(each):
    assert each.origin
    assert each.licence
    assert each.name in (each.path.parent / "README.md").read_text()
    gaps = {} if each.matrix is None else {"gap_open": 10, "gap_extend": 1}
    scores = align(each.path, scoring=Scoring(matrix=each.matrix, **gaps)).scores
    assert len(scores) >= 1
    assert scores.max() > 0


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="globins"):
        data.sequence_set("insulin")
