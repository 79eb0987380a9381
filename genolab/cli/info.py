"""``genolab info``: versions, backends and folders, for a report of a problem."""

from __future__ import annotations

import argparse
import json
import warnings
from typing import Any

from genolab import __version__


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    facts = _facts()
    if options.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        print(f"{name:<16} {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _facts() -> dict[str, Any]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import pytensor

    from genolab.io import cache_folder
    from genolab.kernel import available_backends

    facts: dict[str, Any] = {"genolab": __version__, "python": platform.python_version(), "system": platform.platform()}
    packages = "numpy pytensor numba pysam bokeh ipywidgets anywidget jupyterlab voila jax"
    for package in packages.split():
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    facts["backends"] = list(available_backends())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTensor warns of a missing BLAS; here it is a row of the table
        flags = pytensor.config.blas__ldflags
    facts["blas (c)"] = flags or "none: matrix products are slow on the c backend, and on no other"
    facts["cache"] = str(cache_folder())
    facts["compiled code"] = str(pytensor.config.compiledir)
    return facts
