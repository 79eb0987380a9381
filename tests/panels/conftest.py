"""Files that a panel should refuse, each wrong in one way, made beside good ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from genolab import data


@pytest.fixture
def phage(tmp_path, monkeypatch) -> Path:
    """A working folder with a copy of the phage example: reads.bam with its index, lambda.fa, truth.vcf.gz."""
    source = data.path("phage")
    for path in source.iterdir():
        shutil.copy(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
