"""Setting up: what the README's commands do on a fresh machine, played with stand-ins for Python and uv."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def machine(tmp_path):
    """A fresh clone's Makefile and a PATH with a shell and nothing else; ``machine(target)`` runs make there."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "rm", "touch", "mkdir", "cat"):
        (tools / tool).symlink_to(shutil.which(tool))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    log = tmp_path / "log"
    log.touch()

    def install(program: str, script: str) -> None:
        (tools / program).write_text(f'#!/bin/sh\necho "{program} $*" >> {log}\n{script}\n')
        (tools / program).chmod(0o755)

    def run(target: str, **variables: str) -> subprocess.CompletedProcess[str]:
        log.write_text("")
        words = [shutil.which("make"), target, *(f"{name}={value}" for name, value in variables.items())]
        return subprocess.run(words, cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True)

    run.install, run.log, run.folder = install, log, tmp_path
    return run


def make_venv() -> str:
    """A stand-in that makes an environment whose programs log what they are asked."""
    return (
        'case "$*" in *venv*) mkdir -p .venv/bin; for name in python genolab; do '
        'printf "#!/bin/sh\\necho .venv/$name \\$* >> log\\n" > .venv/bin/$name; '
        f"{shutil.which('chmod')} +x .venv/bin/$name; done;; esac"
    )


def test_an_old_python_alone_is_refused_in_one_sentence(machine):
    machine.install("python3", "exit 1")  # what an old Python answers to the question for its version
    done = machine("test")
    assert done.returncode != 0
    assert "genolab needs Python 3.11 or newer; none was found." in done.stderr
    assert not (machine.folder / ".venv").exists()


def test_a_newer_python_is_found_beside_an_old_one(machine):
    machine.install("python3", "exit 1")
    machine.install("python3.12", make_venv())
    done = machine("test")
    assert done.returncode == 0, done.stderr
    log = machine.log.read_text().splitlines()
    assert "python3.12 -m venv .venv" in log
    assert any(line.startswith(".venv/python -m pip install") and line.endswith("-e .[test]") for line in log)
    assert log[-1] == ".venv/python -m pytest -n auto --maxprocesses 4"


def test_a_python_without_venv_says_what_to_install(machine):
    machine.install("python3", 'case "$*" in *venv*) exit 1;; esac')
    done = machine("lab")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr


def test_uv_is_used_where_it_is_present(machine):
    machine.install("uv", make_venv())
    machine.install("python3", "exit 1")
    done = machine("lab")
    assert done.returncode == 0, done.stderr
    log = machine.log.read_text().splitlines()
    assert log == [
        "uv venv --quiet --python >=3.11 .venv",
        "uv pip install --quiet --compile-bytecode --python .venv/bin/python -e .[lab]",
        ".venv/genolab lab",
    ]


def test_a_second_run_installs_nothing_until_the_project_changes(machine):
    machine.install("python3", make_venv())
    assert machine("test").returncode == 0
    machine("test")
    assert machine.log.read_text() == ".venv/python -m pytest -n auto --maxprocesses 4\n"
    later = (machine.folder / ".venv" / "test").stat().st_mtime + 10
    os.utime(machine.folder / "pyproject.toml", (later, later))
    machine("test")
    assert "-e .[test]" in machine.log.read_text()


def test_the_readme_names_commands_that_exist():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    from genolab.cli import COMMANDS

    targets = set(re.findall(r"^(?:\$ )?make (\w+)", readme, re.MULTILINE))
    assert {"lab", "test"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert set(re.findall(r"^(?:\$ )?genolab (\w+)", readme, re.MULTILINE)) <= set(COMMANDS)


def test_scripts_are_executable():
    for script in (".ci/run", "binder/postBuild", "binder/start"):
        assert os.access(ROOT / script, os.X_OK), script


def test_the_wheel_carries_the_notebooks():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {"notebooks": "genolab/notebooks"}
    assert (ROOT / "notebooks" / "00_start.ipynb").is_file()


def test_binder_pins_what_the_lab_needs():
    lines = (ROOT / "binder" / "requirements.txt").read_text().lower().splitlines()
    pins = {line.split("==")[0] for line in lines if "==" in line}
    needed = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["lab"]
    assert {re.match(r"[\w-]+", requirement)[0].lower() for requirement in needed} <= pins


def test_the_installed_package_is_this_one():
    import genolab

    assert version("genolab") == genolab.__version__ == PROJECT["project"]["version"]
    assert any(requirement.startswith("pytensor") for requirement in requires("genolab"))
