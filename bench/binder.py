"""The image of binder/, made here: the same steps in an empty folder, then the first clicks and the memory.

    python bench/binder.py                 # clone, install, postBuild, and visit
    python bench/binder.py --keep FOLDER   # make it there, or only visit what was made there before

Ends with 1 where a first click takes 2 s or more, or the kernel with two panels open 1.5 GB or more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from five_minutes import CALLED, HERE, WHY, Clock, browser, environment, served

CLICK_SECONDS, MEMORY = 2.0, 1.5e9


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="a folder that stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="binder-") as made:
        folder = (options.keep or Path(made)).resolve()
        if not (folder / "built").exists():
            _build(folder)
        return _visit(folder)


def _build(folder: Path) -> None:
    """What repo2docker does with binder/."""
    root, clock = folder / "genolab", Clock("The image")
    subprocess.run(["git", "clone", "-q", str(HERE.parent), str(root)], check=True)
    version = (root / "binder" / "runtime.txt").read_text().strip().replace("-", "")
    surroundings = environment(folder / "home")
    subprocess.run([version, "-m", "venv", str(root / ".venv")], check=True, env=surroundings)
    surroundings["PATH"] = f"{root / '.venv/bin'}:{surroundings['PATH']}"
    install = [
        str(root / ".venv/bin/python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-cache-dir",
        "--disable-pip-version-check",
    ]
    subprocess.run([*install, "-r", "binder/requirements.txt"], check=True, env=surroundings, cwd=root)
    clock.lap("requirements (the network)")
    with (folder / "postBuild.log").open("wb") as said:
        subprocess.run(["bash", "binder/postBuild"], check=True, env=surroundings, cwd=root, stdout=said)
    clock.lap("postBuild")
    (folder / "built").touch()


def _visit(folder: Path) -> int:
    """A session: `binder/start` and JupyterLab, as the image runs it."""
    root, clock, waits = folder / "genolab", Clock("A session"), {}
    command = [
        "bash",
        str(root / "binder/start"),
        str(root / ".venv/bin/jupyter"),
        "lab",
        "--no-browser",
        "--allow-root",
    ]
    command += [
        "--port",
        "8891",
        f"--ServerApp.root_dir={root}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb",
    ]
    with served(command, folder / "home", root / ".venv/bin") as address, browser() as context:
        clock.lap("the server is up")
        page = context.new_page()
        page.set_default_timeout(180_000)
        page.goto(address, wait_until="domcontentloaded")
        cell = page.locator(".jp-Notebook .jp-CodeCell").first
        cell.locator(".cm-content").click()
        clock.lap("the notebook is open")
        while "[ ]" in cell.locator(".jp-InputPrompt").first.inner_text():
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
        page.wait_for_function(f"() => {CALLED}")
        clock.lap("variants are called")
        waits["why a variant was called"] = _click(page, ".genolab-nav button", "call ▶", WHY)
        shown = "document.querySelector('.genolab-of-Align .genolab-facts td')"
        waits["Align is opened"] = _click(page, ".genolab-tabs button", "Align", shown)
        kernels = "ps -eo rss,args | grep ipykernel_launcher | grep -F " + str(folder) + " | grep -v grep"
        memory = sum(int(line.split()[0]) for line in subprocess.getoutput(kernels).splitlines()) * 1024
    for name, seconds in waits.items():
        print(f"  {name:<44} {seconds:7.2f} s after the click")
    print(f"  {'the kernel with two panels open':<44} {memory / 1e9:7.2f} GB")
    return int(max(waits.values()) >= CLICK_SECONDS or not 0 < memory < MEMORY)


def _click(page: Any, selector: str, text: str, shown: str) -> float:
    """Seconds from a click to what it leads to."""
    began = time.perf_counter()
    page.locator(selector, has_text=text).first.click()
    page.wait_for_function(f"() => {shown}")
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
