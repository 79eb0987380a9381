"""Browser tests: a real headless Chromium on JupyterLab, Notebook 7 and Voila, with no network but this machine.

Fixtures, shared by the whole session, so that servers, pages and kernels start once:

``screens``     ``screens.show(frontend, name, code, widget)`` executes ``code`` in the one kernel that this frontend
                has for all tests, displays ``widget`` (an expression) alone on its page, and returns the `Screen`;
                asked again for the same name it changes nothing. This is the quick way: a second, not ten.
                ``screens.open(frontend, name, cells)`` writes ``name.ipynb``, runs every cell and returns a `Screen`
                with a page and kernel of its own. ``screens.open_lab(name, cells)``, ``open_notebook`` and
                ``open_voila`` name the frontend.
``frontend``    "lab", "notebook", "voila": a test that takes it runs three times.
``outside``     the requests that left this machine; a test that opened screens fails where there is one.

A `Screen` has the Playwright ``page`` and

``run(code)``        executes Python in the kernel, as a widget callback would, and returns the repr of the last
                     expression (raises what the kernel raised); the names of the notebook's cells are in scope,
``evaluate(code)``   the same, read back as a Python literal,
``until(js)``        waits until a JavaScript expression is true and returns its value: no fixed sleeps anywhere,
``slider(label)``    the handle of a panel's slider,
``model(name, 0)``   a JavaScript expression for the Bokeh model of that name in the n-th view on the page,
``reload()``         saves the notebook and loads the page again; the kernel lives on (not in Voila),
``screenshot(name)`` saves ``screenshots/<frontend>_<name>.png`` (git-ignored); look at it,
``errors``           what the console and exceptions said, the frontends' own noise left out,
``check()``          fails where there are errors: the last line of a test.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from screens import FRONTENDS, MissingError, Screens, opened


@pytest.fixture(scope="session")
def outside() -> list[str]:
    """Addresses that a page asked for and that are not this machine."""
    return []


@pytest.fixture(scope="session")
def screens(tmp_path_factory: pytest.TempPathFactory, outside: list[str]) -> Iterator[Screens]:
    """Opens notebooks in the three frontends; see the top of this file."""
    root, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    try:
        with opened(root, home, outside) as started:
            yield started
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=FRONTENDS)
def frontend(request: pytest.FixtureRequest) -> str:
    """Each frontend in turn."""
    if request.param == "notebook" and importlib.util.find_spec("notebook") is None:
        pytest.skip("Notebook 7 is not installed")
    return str(request.param)


@pytest.fixture(params=["lab", "voila"])
def place(request: pytest.FixtureRequest) -> str:
    """JupyterLab and Voila in turn: where a whole panel is driven."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "outside" in request.fixturenames:
        asked = request.getfixturevalue("outside")
        seen, asked[:] = list(asked), []
        assert not seen, f"requests to the outside: {seen}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
