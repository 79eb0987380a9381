"""From a fresh clone to a called, explained variant and its report, as a person does it, on the clock.

    python bench/five_minutes.py                    # clone, set up, JupyterLab, then Voila
    python bench/five_minutes.py --setup .          # without cloning: the set-up that is here

A clone of this checkout is set up by `make .venv/lab` in a home of its own, so that nothing is cached and every package
is downloaded. Then `genolab lab` and `genolab app` are started, each with empty caches, and Chromium does what a person
does: opens the address, runs the first cell, waits for the calls, goes to the next call, reads why it was called, and
takes the report, which is opened without a network. Every step is timed; what is on the screen after each goes to
bench/screenshots (git-ignored), at 1280 and 1920 pixels, light and dark. Look at them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCREENSHOTS = HERE / "screenshots"
WIDTHS = (1280, 1920)
SETTINGS = "jupyter/lab/user-settings/@jupyterlab/apputils-extension"
BOKEH = "[...(globalThis[Symbol.for('genolab.bokeh')]?.values() ?? [])].flatMap(p => p.root.Bokeh?.documents ?? [])"
CALLED = f"{BOKEH}.some(d => [...d.all_models].some(m => m.name === 'calls' && m.data.position?.length > 3))"
WHY = "document.querySelector('.genolab-why strong')?.textContent.includes('1,364')"
PLOTS = (
    "document.querySelector('.plot') && [...document.querySelectorAll('.plot')].every(p => p.dataset.drawn === 'yes')"
)


class Clock:
    """Seconds since it was started, said step by step."""

    def __init__(self, title: str, before: float = 0.0) -> None:
        print(title)
        self.began = self.last = time.perf_counter()
        self.before = before

    def lap(self, step: str) -> None:
        """Say what took how long."""
        now = time.perf_counter()
        print(f"  {step:<44} {now - self.last:7.1f} s   {self.before + now - self.began:7.1f} s", flush=True)
        self.last = now


def main() -> int:
    """Run it; returns the exit status: 1 where five minutes were not enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surface", choices=("lab", "app"), action="append", help="default: both")
    parser.add_argument("--theme", choices=("light", "dark"), action="append", help="default: both")
    parser.add_argument("--setup", type=Path, help="a folder that is set up already, instead of a fresh clone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="five-minutes-") as made:
        folder, before = Path(made), 0.0
        root = options.setup
        if root is None:
            root = folder / "genolab"
            clock = Clock("From nothing")
            surroundings = environment(folder / "setup")
            subprocess.run(["git", "clone", "-q", str(HERE.parent), str(root)], check=True)
            clock.lap("git clone")
            subprocess.run(["make", "-s", "-C", str(root), ".venv/lab"], check=True, env=surroundings)
            clock.lap("make .venv/lab")
            before = time.perf_counter() - clock.began
        worst = 0.0
        for surface in options.surface or ("lab", "app"):
            for theme in options.theme or ("light", "dark"):
                home = folder / f"{surface}-{theme}"
                worst = max(worst, _visit(root.resolve(), home, surface, theme, before))
    print(f"the slowest way took {worst:.0f} s")
    return int(worst > 300)


def _visit(root: Path, home: Path, surface: str, theme: str, before: float) -> float:
    """One person's way through the lab or the app; returns the seconds it took, those of the set-up included."""
    clock = Clock(f"genolab {surface}, {theme}", before)
    (home / SETTINGS).mkdir(parents=True)
    settings = f'{{"theme": "JupyterLab {theme.title()}"}}'
    (home / SETTINGS / "themes.jupyterlab-settings").write_text(settings)
    command = [str(root / ".venv/bin/genolab"), surface, "--no-browser", "--port", "8890"]
    command += ["--theme", theme] if surface == "app" else []
    with served(command, home, root / ".venv/bin") as address, browser() as context:
        clock.lap("the server is up")
        page = context.new_page()
        page.set_default_timeout(180_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, wait_until="domcontentloaded")
        if surface == "lab":
            cell = page.locator(".jp-Notebook .jp-CodeCell").first
            cell.locator(".cm-content").click()
            clock.lap("the notebook is open")
            while "[ ]" in cell.locator(".jp-InputPrompt").first.inner_text():  # pressed again until there is a kernel
                page.keyboard.press("Control+Enter")
                page.wait_for_timeout(500)
        page.wait_for_function(f"() => {CALLED}")
        clock.lap("variants are called")
        _shoot(page, f"{surface}_{theme}_called")
        page.locator(".genolab-nav button", has_text="call ▶").first.click()
        page.wait_for_function(f"() => {WHY}")
        clock.lap("a variant is explained")
        _shoot(page, f"{surface}_{theme}_explained")
        page.locator(".genolab-tools button", has_text="Session").click()
        with page.expect_download() as waited:
            page.locator(".genolab-menu button", has_text="Report").click()
        report = home / "report.html"
        waited.value.save_as(report)
        clock.lap("its report is saved")
        total = before + clock.last - clock.began
        _shoot(page, f"{surface}_{theme}_saved")
        _open_report(context, report, f"{surface}_{theme}_report", theme)
        assert not errors, errors
    return total


def _open_report(context: Any, report: Path, name: str, theme: str) -> None:
    """The report, opened where there is no network."""
    alone = context.browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, color_scheme=theme)
    page = alone.new_page()
    page.goto(report.as_uri())
    page.wait_for_function(f"() => {PLOTS}")
    _shoot(page, name)
    alone.close()


def _shoot(page: Any, name: str) -> None:
    """The page at every width, once it stays as it is."""
    SCREENSHOTS.mkdir(exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": round(width * 0.625)})
        last = b""
        for _ in range(20):
            page.wait_for_timeout(300)
            now = page.screenshot()
            if now == last:
                break
            last = now
        (SCREENSHOTS / f"{name}_{width}.png").write_bytes(now)
    page.set_viewport_size({"width": WIDTHS[0], "height": round(WIDTHS[0] * 0.625)})


@contextmanager
def served(command: list[str], home: Path, programs: Path) -> Iterator[str]:
    """The address that a server prints; it is stopped afterwards. ``programs`` is the folder of its environment."""
    surroundings = environment(home)
    surroundings["PATH"] = f"{programs}:{surroundings['PATH']}"
    log = home / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=home, env=surroundings, stdout=said, stderr=said)
    try:
        while (found := re.search(r"http://127\.0\.0\.1:\d+/\S*token=\S+", log.read_text())) is None:
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield found[0]
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
        browser.close()


def environment(home: Path) -> dict[str, str]:
    """A home of its own: no cache of packages, of compiled code, or of settings."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTENSOR", "JUPYTER", "PYTHON", "XDG"))
    }
    places = {
        "XDG_CACHE_HOME": "cache",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "data",
        "IPYTHONDIR": "ipython",
    }
    return kept | {"HOME": str(home)} | {name: str(home / folder) for name, folder in places.items()}


if __name__ == "__main__":
    sys.exit(main())
