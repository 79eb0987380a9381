"""The alignment that is shown while the loops compile is the one that they find."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from test_score_matrix import problems

import genolab as gl
from genolab.kernel import uncompiled
from genolab.kernel.at_once import at_once


@settings(max_examples=40)
@given(problem=problems(longest=6))
def test_python_finds_what_the_loops_find(problem) -> None:
    query, target, mode, scoring, ends = problem
    given_to = {"mode": mode, "scoring": scoring, "free_ends": ends, "traceback": True}
    for cigar in ("=X", "M"):
        wanted = gl.align.align([query], [target], cigar=cigar, **given_to)
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setenv("GENOLAB_CACHE", folder)
            patch.setattr("genolab.kernel.at_once._compiled", set())
            patch.setattr(uncompiled, "_ran", set())
            with at_once() as behind:
                found = gl.align.align([query], [target], cigar=cigar, **given_to)
        assert len(behind) == 3  # the alignment, the matrix, the walk
        assert found.cigars == wanted.cigars
        for name in ("scores", "query_start", "query_end", "target_start", "target_end", "matches", "columns"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
