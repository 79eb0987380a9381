"""The rules of the house, held by reading the source: who may import whom, who opens files, what reaches a page."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "genolab"
SUBJECTS = {"align", "call", "predict", "prepare"}

# a room may import from rooms of a lower number only
RANK = {
    "errors": 0, "lazy": 0, "spec": 0, "text": 0, "kernel": 1, "io": 2, "scale": 3, "data": 4,
    **dict.fromkeys(SUBJECTS, 4), "plots": 5, "panels": 6, "servers": 7, "cli": 8,
}  # fmt: skip
INTERFACE = {"bokeh", "ipywidgets", "IPython", "anywidget", "traitlets", "ipykernel", "jupyterlab", "voila"}
INTERFACE_FROM = 5  # plots and above

# a picture is looked up when somebody asks to see one: these functions alone reach upwards
SHOWING = {"plot", "show", "report"}

# files outside `io` that touch files, and why
FILES_ALLOWED = {
    "kernel/store.py": "keeps what was compiled in the cache folder, and reads the sources for its key",
    "data/simulator.py": "writes the simulated BAM, beside and renamed",
    "servers.py": "copies the notebooks into the user's folder, opens the browser",
    "plots/graph.py": "reads the package's own JavaScript",
    "plots/pane.py": "reads the package's own JavaScript",
    "plots/report.py": "reads the package's own style and JavaScript",
}
OPENING = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "copyfile", "fromfile", "tofile", "memmap"}
OPENING |= {"loadtxt", "savetxt", "genfromtxt", "read_csv", "read_table", "read_json", "read_excel", "read_parquet"}

# places that may make HTML, and why what they put into it is safe
_TABLES = ("call/calls.py", "call/comparison.py", "call/joint_calls.py", "call/sensitivity.py")
HTML_ALLOWED = dict.fromkeys(_TABLES, "pandas makes the table, and escapes its text")
HTML_SINKS = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML\w*|srcdoc"
    r"|description_allow_html|CustomJSHover)\b|\{safe\}|\beval\(|new Function\(|javascript:|disable_math\s*=\s*False"
)
SINKS_ALLOWED = {("plots/pane.js", "new Function(")}  # BokehJS itself, which the kernel sends from its installation
HTML_MAKERS = {
    "HTML",
    "HTMLMath",
    "HTMLTemplateFormatter",
    "TeX",
    "MathML",
    "Ascii",
    "PreText",
    "Paragraph",
    "Div",
    "Markdown",
    "Javascript",
    "display_html",
    "publish_display_data",
}

MOST_LINES = 400


def sources(*suffixes: str) -> list[Path]:
    return sorted(path for suffix in suffixes or (".py",) for path in PACKAGE.rglob(f"*{suffix}"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[str, str, int]]:
    """Every imported module of a file, with the function it is in and its line; ``import_module("...")`` too."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, str, int]]:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{name_of(path)}:{child.lineno}: a relative import"
                yield from ((f"{child.module}.{alias.name}", inside, child.lineno) for alias in child.names)
            elif isinstance(child, ast.Call) and _called(child) == "import_module" and child.args:
                yield str(getattr(child.args[0], "value", "")), inside, child.lineno
            yield from walk(child, inside)

    return walk(tree_of(path), "")


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def typing_only(path: Path) -> set[int]:
    """The lines inside ``if TYPE_CHECKING:``, which never run."""
    lines: set[int] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            lines |= {line for child in node.body for line in range(child.lineno, (child.end_lineno or 0) + 1)}
    return lines


def test_every_room_is_known():
    rooms = {room_of(path) for path in sources()} - {"__init__"}
    assert rooms - set(RANK) == set(), "give the new room its rank"


def test_imports_point_one_way():
    wrong = []
    for path in sources():
        room = room_of(path)
        if room == "__init__":
            continue
        for module, function, line in imports(path):
            parts = module.split(".")
            other = parts[1] if parts[0] == "genolab" and len(parts) > 1 else ""
            if other in RANK and other != room and RANK[other] >= RANK[room] and function not in SHOWING:
                wrong.append(f"{name_of(path)}:{line}: {room} imports {other}")
    assert wrong == []


def test_the_package_itself_imports_nothing_when_loaded():
    path = PACKAGE / "__init__.py"
    skipped = typing_only(path)
    loaded = {module.split(".")[0] for module, function, line in imports(path) if not function and line not in skipped}
    assert loaded <= set(sys.stdlib_module_names)


def test_no_lazy_name_is_hidden_by_its_module():
    """``genolab.io.digest`` cannot be both a lazy function and a file: importing the file replaces the function."""
    hidden = []
    for path in PACKAGE.rglob("__init__.py"):
        assigned = [node for node in tree_of(path).body if isinstance(node, ast.Assign)]
        homes = [node.value for node in assigned if getattr(node.targets[0], "id", "") in ("_HOME", "_NAMES")]
        names = {key.value for home in homes if isinstance(home, ast.Dict) for key in home.keys}
        hidden += [f"{name_of(path)}: {name}" for name in names if (path.parent / f"{name}.py").exists()]
    assert hidden == []


def test_no_subject_knows_the_interface():
    wrong = []
    for path in sources():
        if RANK.get(room_of(path), INTERFACE_FROM) < INTERFACE_FROM:
            wrong += [
                f"{name_of(path)}:{line}: {module}"
                for module, _, line in imports(path)
                if module.split(".")[0] in INTERFACE
            ]
    assert wrong == []


def test_only_io_opens_files():
    wrong = []
    for path in sources():
        if room_of(path) == "io" or name_of(path) in FILES_ALLOWED:
            continue
        found = [(module, line) for module, _, line in imports(path) if module.split(".")[0] == "pysam"]
        wrong += [f"{name_of(path)}:{line}: {module}" for module, line in found]
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and _called(node) in OPENING:
                wrong.append(f"{name_of(path)}:{node.lineno}: {_called(node)}()")
    assert wrong == []


def test_nothing_unpickles():
    unsafe = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    words = re.compile(r"allow_pickle\s*=\s*True|\beval\(|\bexec\(")
    wrong = []
    for path in sources():
        wrong += [f"{name_of(path)}:{line}" for module, _, line in imports(path) if module.split(".")[0] in unsafe]
        wrong += [f"{name_of(path)}: {found}" for found in words.findall(path.read_text())]
    assert wrong == []


def test_html_is_made_in_listed_places_only():
    wrong = []
    for path in sources(".py", ".js"):
        if name_of(path) in HTML_ALLOWED:
            continue
        text = path.read_text()
        found_here = {found for found in HTML_SINKS.findall(text) if (name_of(path), found) not in SINKS_ALLOWED}
        wrong += [f"{name_of(path)}: {found}" for found in found_here]
        if path.suffix == ".py":
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Call) and _called(node) in HTML_MAKERS:
                    wrong.append(f"{name_of(path)}:{node.lineno}: {_called(node)}()")
                if isinstance(node, ast.FunctionDef) and node.name == "_repr_html_":
                    wrong.append(f"{name_of(path)}:{node.lineno}: _repr_html_")
    assert wrong == []


def test_panels_compute_nothing():
    maths = {"numpy", "pytensor", "scipy", "numba", "jax", "math", "statistics"}
    wrong = []
    for path in (path for path in sources() if room_of(path) == "panels"):
        skipped = typing_only(path)
        wrong += [
            f"{name_of(path)}:{line}: {module}"
            for module, _, line in imports(path)
            if module.split(".")[0] in maths and line not in skipped
        ]
    assert wrong == []


def test_exceptions_are_still_needed():
    for name in {**FILES_ALLOWED, **HTML_ALLOWED}:
        assert (PACKAGE / name).is_file(), f"{name} is gone: strike it from the list"


def test_files_stay_short():
    long = {name_of(p): n for p in sources(".py", ".js") if (n := len(p.read_text().splitlines())) > MOST_LINES}
    assert long == {}


def run(code: str, *options: str) -> str:
    """What a fresh interpreter prints; it must not fail."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


LOADED = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"


def test_importing_genolab_loads_nothing_and_warns_of_nothing():
    loaded = set(run(f"import genolab; dir(genolab); {LOADED}", "-W", "error").split())
    assert loaded.isdisjoint({"numpy", "pandas", "pytensor", "pysam", "bokeh", "pooch"})


@pytest.mark.parametrize(
    "room",
    [
        "genolab.align",
        "genolab.call",
        "genolab.predict",
        "genolab.prepare",
        "genolab.io",
        "genolab.data",
        "genolab.scale",
        "genolab.kernel",
    ],
)
def test_importing_a_subject_loads_no_interface(room):
    loaded = set(run(f"import {room}; {LOADED}", "-W", "error").split())
    assert loaded.isdisjoint(INTERFACE - {"traitlets"} | {"numba", "pooch", "requests", "dask", "distributed"})
