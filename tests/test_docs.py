"""The documentation: it builds without a warning, and what it claims is held by a test that exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_claim_about_other_tools_names_a_test_that_exists():
    rows = [line for line in (ROOT / "docs" / "peers.md").read_text().splitlines() if line.startswith("| ")]
    linked = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "\n".join(rows))
    assert len(linked) > 15
    assert [f"{path}::{name}" for path, name in linked if f"def {name}(" not in (ROOT / path).read_text()] == []
    claims = [row for row in rows if re.match(r"\| [^|]+ \| (yes|a )", row)]
    assert [row for row in claims if "tests/" not in row] == []


def test_every_page_and_picture_that_a_page_links_to_exists():
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text()):
            made = target.startswith(("notebooks/", "made/", "reference/commands"))
            source = ROOT / target.replace(".md", ".ipynb") if target.startswith("notebooks/") else page.parent / target
            assert source.exists() or (made and not target.startswith("notebooks/")), f"{page.name}: {target}"


def test_the_site_builds_without_a_warning_and_asks_for_nothing(tmp_path):
    for needed in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(needed, reason='the docs extra is not installed: pip install ".[docs]"')
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run([*command, str(ROOT / "docs"), str(tmp_path / "site")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    study = (tmp_path / "site" / "notebooks" / "06_study.html").read_text()
    assert "Three people, their reads, and a risk" in study
    assert "call_variants" in (tmp_path / "site" / "reference" / "call.html").read_text()
    loads = [
        (page.name, address)
        for page in (tmp_path / "site").rglob("*.html")
        for address in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]+)"', page.read_text())
    ]
    assert loads == []
