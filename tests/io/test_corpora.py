"""Good and bad files of the shared corpora: each read, or refused with its path and place. See `corpora.py`."""

from __future__ import annotations

from pathlib import Path

import corpora
import pytest

KINDS = sorted({row["kind"] for row in corpora.rows()})


@pytest.mark.skipif(not KINDS, reason="the shared corpora are not on this machine (set GENOLAB_SHARED)")
@pytest.mark.parametrize("kind", KINDS)
def test_each_file_is_read_or_refused_with_its_place(kind: str, tmp_path: Path) -> None:
    wrong = [
        f"{row['file']}: {found}"
        for row, answer in corpora.answers(kind, tmp_path)
        if (found := corpora.fault(row, answer))
    ]
    assert not wrong, "\n".join(wrong)
