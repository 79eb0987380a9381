"""The two servers of the command line, JupyterLab and Voila: on this machine only, always behind a token."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import sys
import warnings
import webbrowser
from pathlib import Path
from typing import Any

from genolab.errors import GenolabError

HERE = Path(__file__).parent
ADDRESS = "127.0.0.1"
START = "00_start.ipynb"
IDLE_SECONDS = 600  # a kernel whose page was closed lives on for as long, then it is ended


def run_lab(folder: Path | None = None, port: int = 8888, browser: bool = True) -> int:
    """Serve JupyterLab on the start notebook; returns when it is stopped."""
    _need("jupyterlab")
    from jupyterlab.labapp import LabApp

    # Voila, an extension of it, has every deprecation inside Jupyter shown, and no user can do anything about those
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        import voila  # noqa: F401
    root = working_folder(folder)
    hook = {"page_config_hook": _without_question}
    LabApp.initialize_server(argv=lab_arguments(root, port, browser), tornado_settings=hook).start()
    return 0


def _without_question(_handler: Any, page: dict[str, Any]) -> dict[str, Any]:
    """The page without the part that asks whether it may fetch news: over the lab, and there are none to fetch."""
    page["disabledExtensions"] = [*page.get("disabledExtensions", ()), "@jupyterlab/apputils-extension:announcements"]
    return page


def lab_arguments(root: Path, port: int, browser: bool) -> list[str]:
    """What JupyterLab is told: this machine only, no look at the network for news or updates."""
    arguments = [
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.ip={ADDRESS}",
        f"--ServerApp.port={port}",
        f"--LabApp.default_url=/lab/tree/{START}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    if _can_encrypt():
        arguments.append("--KernelManager.transport_encryption=auto")
    return [*arguments, *_as_root(), *([] if browser else ["--no-browser"])]


def working_folder(folder: Path | None = None) -> Path:
    """The folder with the notebooks: those of the checkout, else a copy in ``folder`` (default ``genolab-notebooks``).

    A notebook that is there already is the user's: it stays as it is.
    """
    packaged, checkout = HERE / "notebooks", HERE.parent / "notebooks"
    source = packaged if packaged.is_dir() else checkout
    if not (source / START).is_file():
        raise GenolabError(f"genolab lab: the notebooks are missing from {source}. Install genolab again.")
    if folder is None and source == checkout:
        return checkout
    target = (folder or Path("genolab-notebooks")).expanduser().absolute()
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copyfile(notebook, target / notebook.name)
    print(f"Working in {target}")
    return target


def run_app(port: int = 8866, browser: bool = True, theme: str = "light") -> int:
    """Serve the lab as a page without code; returns when it is stopped."""
    _need("voila")
    from traitlets.config import Config
    from voila.app import Voila

    token = secrets.token_urlsafe(24)

    class App(Voila):
        """Voila with a page that needs no network, telling its address with the token once it listens."""

        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(HERE / "app_page"))

        def launch_browser(self) -> None:
            url = f"http://{ADDRESS}:{self.port}/?token={token}"
            print(f"The lab is at {url}\nStop it with Ctrl-C.", flush=True)
            if browser:
                _open(url)

    # as settings and not on a command line, where other users of the machine could read the token
    App.launch_instance(argv=[str(HERE / "app.ipynb")], config=Config(app_settings(port, token, theme)))
    return 0


def app_settings(port: int, token: str, theme: str = "light") -> dict[str, dict[str, Any]]:
    """What Voila is told: this machine only, a token, no source, no traceback, no look chosen by the address."""
    return {
        "Voila": {
            "ip": ADDRESS,
            "port": port,
            "token": token,
            "open_browser": True,  # leads to App.launch_browser, whether or not one is to open
            "log_level": "ERROR",
        },
        "VoilaConfiguration": {
            "theme": theme,
            "strip_sources": True,
            "show_tracebacks": False,
            "allow_theme_override": "NO",
            "allow_template_override": "NO",
            "file_allowlist": ["(?!)"],  # no file is served
            "extension_denylist": ["@jupyter-notebook/lab-extension"],  # it fails outside Notebook
        },
        "MappingKernelManager": {"cull_idle_timeout": IDLE_SECONDS, "cull_interval": 60},
        **({"KernelManager": {"transport_encryption": "auto"}} if _can_encrypt() else {}),
    }


def _can_encrypt() -> bool:
    """Whether what goes between server and kernel can be encrypted; where it is not, newer kernels warn of it."""
    import zmq
    from jupyter_client.manager import KernelManager

    return hasattr(KernelManager, "transport_encryption") and bool(zmq.has("curve"))


def _as_root() -> list[str]:
    """JupyterLab refuses to run as root unless told; in a container there is nobody else."""
    return ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []


def _open(url: str) -> None:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return  # the address is on the screen
    webbrowser.open(url)


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        python: Any = Path(sys.executable).name
        raise GenolabError(f'{package} is not installed. Run `{python} -m pip install "genolab[lab]"`.')
