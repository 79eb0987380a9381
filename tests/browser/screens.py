"""A page of JupyterLab, Notebook 7 or Voila in headless Chromium: for the tests here and for bench/panel.py."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import unquote

FRONTENDS = ("lab", "notebook", "voila")
SCREENSHOTS = Path(__file__).with_name("screenshots")
START_SECONDS = 180  # a cold machine starts a server and a kernel within it
WAIT_MS = 120_000  # a page beside a worker that compiles

# Everything that is not this machine: matched requests are recorded and stopped, the rest never pass through Python.
OUTSIDE = re.compile(r"^(?!(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:|chrome)")

# The template of plain Voila links an icon font; it is stopped like the rest, but is no fault of the notebook.
OF_VOILA = re.compile(r"cdn\.jsdelivr\.net/npm/@fortawesome")

# Said by the frontends themselves, whatever the notebook holds.
NOISE = re.compile(
    r"favicon|source map|ResizeObserver loop|No provider for|Failed to load resource.*404|Window name candidate"
    r"|filebrowser:open-path|undefined \(reading 'schema'\)",  # Notebook 7 without its file browser
    re.IGNORECASE,
)

# A text box that executes what is typed: the only way into a kernel that all three frontends have.
REMOTE = """
import ast as _ast, json as _json, traceback as _traceback, ipywidgets as _widgets
from urllib.parse import quote as _quote
_ask, _answer = _widgets.Text(continuous_update=False), _widgets.Label("")
_ask.add_class("remote-ask"); _answer.add_class("remote-answer")
def _remote(change):
    if not change["new"]: return
    number, code = _json.loads(change["new"])
    try:
        tree, value = _ast.parse(code), None
        last = tree.body.pop() if isinstance(tree.body[-1], _ast.Expr) else None
        exec(compile(tree, "<test>", "exec"), globals())
        if last is not None: value = eval(compile(_ast.Expression(last.value), "<test>", "eval"), globals())
        said = ["ok", repr(value)]
    except BaseException:
        said = ["error", _traceback.format_exc()]
    _answer.value = _quote(_json.dumps([number, *said]))  # a Label would read a backslash as TeX
_ask.observe(_remote, "value")
_stage = _widgets.Output()
def _show(widget): _stage.outputs = (); _stage.append_display_data(widget)
display(_widgets.HBox([_ask, _answer], layout=_widgets.Layout(height="3px", overflow="hidden")), _stage)
"""

BOKEH = "[...(globalThis[Symbol.for('genolab.bokeh')]?.values() ?? [])].flatMap(p => p.root.Bokeh?.documents ?? [])"


LAB_SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',  # cells that are out of sight stay on the page
}


@dataclass
class Screen:
    """One notebook in one frontend, open in a page of its own."""

    frontend: str
    name: str
    page: Any
    errors: list[str] = field(default_factory=list)
    asked: int = 0

    def run(self, code: str, timeout: float = WAIT_MS) -> str:
        """Execute Python in the kernel and return the repr of the last expression."""
        self.asked += 1
        box = self.page.locator(".remote-ask input").first
        box.fill(json.dumps([self.asked, code]))
        box.press("Enter")
        answer = self.until(
            "(() => { const said = document.querySelector('.remote-answer')?.textContent;"
            f" return said && JSON.parse(decodeURIComponent(said))[0] === {self.asked} && said; }})()",
            timeout,
        )
        _, state, value = json.loads(unquote(answer))
        assert state == "ok", value
        return str(value)

    def evaluate(self, code: str, timeout: float = WAIT_MS) -> Any:
        """Execute Python in the kernel and return the value of the last expression."""
        return ast.literal_eval(self.run(code, timeout))

    def until(self, expression: str, timeout: float = WAIT_MS) -> Any:
        """Wait until a JavaScript expression is true and return its value."""
        return self.page.wait_for_function(f"() => ({expression})", timeout=timeout).json_value()

    def model(self, name: str, view: int = 0) -> str:
        """Return a JavaScript expression for the Bokeh model called `name` in the given view."""
        return f"{BOKEH}.map(d => [...d.all_models].find(m => m.name === {json.dumps(name)})).filter(m => m)[{view}]"

    def slider(self, label: str) -> Any:
        """The handle of the slider with that label."""
        words = self.page.get_by_text(label, exact=True)
        return self.page.locator(".genolab-row", has=words).first.locator(".noUi-handle")

    def reload(self) -> None:
        """Save the notebook and load the page again."""
        if self.frontend != "voila":
            self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
            self.until("!window.jupyterapp.shell.currentWidget.context.model.dirty")
        self.page.reload(wait_until="domcontentloaded")
        self.page.wait_for_selector(".remote-answer", timeout=WAIT_MS, state="attached")

    def screenshot(self, name: str) -> Path:
        """Save what is on the screen."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{self.frontend}_{name}.png"
        self.page.screenshot(path=path)
        return path

    def check(self) -> None:
        """Fail where the page reported an error."""
        said, self.errors[:] = list(self.errors), []
        assert not said, "\n".join(said)


@dataclass
class Servers:
    """The two servers, started when first asked for; one folder, one token."""

    root: Path
    environment: dict[str, str]
    token: str = field(default_factory=lambda: token_hex(16))
    running: dict[str, tuple[subprocess.Popen[bytes], str]] = field(default_factory=dict)

    def url(self, frontend: str) -> str:
        """Return the address of the server for a frontend, starting it if it is not running."""
        kind = "voila" if frontend == "voila" else "jupyter"
        if kind not in self.running:
            port = _free_port()
            if kind == "voila":
                command = ["voila", str(self.root), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
                command += [f"--Voila.token={self.token}", "--show_tracebacks=True"]
                command += ["--VoilaConfiguration.extension_denylist=['@jupyter-notebook/lab-extension']"]
            else:
                command = ["jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
                command += [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"]
                command += ["--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]
                command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
            log = (self.root / f"{kind}.log").open("wb")
            process = subprocess.Popen(
                [sys.executable, "-m", *command], env=self.environment, cwd=self.root, stdout=log, stderr=log
            )
            log.close()
            self.running[kind] = process, f"http://127.0.0.1:{port}"
            self._wait(kind, process, f"http://127.0.0.1:{port}/?token={self.token}")
        return self.running[kind][1]

    def _wait(self, kind: str, process: subprocess.Popen[bytes], url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()
            except OSError:
                time.sleep(0.05)
                continue
            return
        raise RuntimeError(f"{kind} did not start:\n" + (self.root / f"{kind}.log").read_text()[-2000:])

    def stop(self) -> None:
        """Stop both servers and the kernels they started."""
        for process, _ in self.running.values():
            process.terminate()
        for process, _ in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Screens:
    """Opens notebooks, each once."""

    context: Any
    servers: Servers
    opened: dict[tuple[str, str, str], Screen] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    def show(self, frontend: str, name: str, code: str, widget: str) -> Screen:
        """Return the frontend's shared page with `widget` on it, alone; `code` is executed unless `name` is shown."""
        screen = self.open(frontend, "shared", [])
        if self.shown.get(frontend) != name:
            screen.run(f"{code}\n_show({widget})")
            self.shown[frontend] = name
        return screen

    def open(self, frontend: str, name: str, cells: Sequence[str]) -> Screen:
        """Return the page of notebook `name` in `frontend`, with every cell run."""
        key = frontend, name, "\n".join(cells)
        if key not in self.opened:
            self.opened[key] = self._open(frontend, f"{frontend}_{name}", cells)
        screen = self.opened[key]
        screen.page.bring_to_front()
        return screen

    def forget(self, screen: Screen) -> None:
        """Close a page that no other test uses, however busy its kernel is."""
        self.opened = {key: other for key, other in self.opened.items() if other is not screen}
        screen.page.close()

    def open_lab(self, name: str, cells: Sequence[str]) -> Screen:
        """Open in JupyterLab."""
        return self.open("lab", name, cells)

    def open_notebook(self, name: str, cells: Sequence[str]) -> Screen:
        """Open in Notebook 7."""
        return self.open("notebook", name, cells)

    def open_voila(self, name: str, cells: Sequence[str]) -> Screen:
        """Open in Voila."""
        return self.open("voila", name, cells)

    def _open(self, frontend: str, name: str, cells: Sequence[str]) -> Screen:
        import nbformat

        hidden = {"jupyter": {"source_hidden": True}}
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell, metadata=hidden) for cell in (REMOTE, *cells)],
            metadata={"kernelspec": kernel},
        )
        nbformat.write(book, self.servers.root / f"{name}.ipynb")
        base, token = self.servers.url(frontend), self.servers.token
        path = {"lab": f"lab/workspaces/{name}/tree", "notebook": "notebooks", "voila": "voila/render"}[frontend]
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        screen = Screen(frontend, name, page)
        page.on("pageerror", lambda error: _note(screen, str(error)))
        page.on("console", lambda said: said.type == "error" and _note(screen, said.text))
        page.goto(f"{base}/{path}/{name}.ipynb?token={token}", wait_until="domcontentloaded")
        if frontend != "voila":
            self._run_all(screen)
        page.wait_for_selector(".remote-answer", timeout=START_SECONDS * 1000, state="attached")
        return screen

    def _run_all(self, screen: Screen) -> None:
        widget = "window.jupyterapp?.shell?.currentWidget"
        session = f"{widget}?.sessionContext?.session"
        screen.until(f"{session}?.kernel?.connectionStatus === 'connected'", START_SECONDS * 1000)
        execute = "(name) => window.jupyterapp.commands.execute(name)"
        if screen.frontend == "lab":
            screen.page.evaluate(
                f"() => {{ if (!window.jupyterapp.shell.leftCollapsed) ({execute})('application:toggle-left-area') }}"
            )
        screen.page.evaluate(execute, "notebook:run-all-cells")
        # An error in a cell is shown at once, with the cell's own words.
        cells = f"{widget}.content.widgets"
        done = f"{cells}.every(c => c.model.executionCount || !c.model.sharedModel.source)"
        outputs = f"{cells}.flatMap(c => c.model.outputs?.toJSON() ?? [])"
        failed = f"{outputs}.find(o => o.output_type === 'error')?.traceback"
        said = screen.until(f"{failed} || {done}", START_SECONDS * 1000)
        assert not isinstance(said, list), re.sub(r"\x1b\[[\d;]*m", "", "\n".join(said))


class MissingError(Exception):
    """Something that a browser test needs is not on this machine."""


@contextmanager
def opened(root: Path, home: Path, outside: list[str], size: tuple[int, int] = (1280, 800)) -> Iterator[Screens]:
    """Chromium and the servers, which serve `root` and keep their settings in `home`.

    Requests that would leave this machine are stopped and added to `outside`.

    Raises
    ------
    MissingError
        Where playwright, Chromium, JupyterLab or Voila is missing.
    """
    for module in ("playwright", "jupyterlab", "voila"):
        if importlib.util.find_spec(module) is None:
            raise MissingError(f"{module} is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        raise MissingError(f"no Chromium on this machine (looked for {', '.join(names)})")
    from playwright.sync_api import sync_playwright

    def stop(route: Any) -> None:
        url = route.request.url
        if OF_VOILA.search(url):
            route.fulfill(status=200, body="", content_type="text/css")
            return
        outside.append(url)
        route.abort()

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--force-color-profile=srgb"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    root.mkdir(parents=True, exist_ok=True)
    servers = Servers(root, _environment(home))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        context.route(OUTSIDE, stop)
        try:
            yield Screens(context, servers)
        finally:
            servers.stop()
            context.close()
            browser.close()


def _environment(home: Path) -> dict[str, str]:
    """The environment of servers with a home folder of their own."""
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    ours = {name: str(home / name.lower()) for name in folders} | {"HOME": str(home), "JUPYTER_PREFER_ENV_PATH": "1"}
    for name, text in LAB_SETTINGS.items():
        settings = home / "jupyter_config_dir/lab/user-settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(text)
    return os.environ | ours


def _note(screen: Screen, text: str) -> None:
    if not NOISE.search(text):
        screen.errors.append(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
