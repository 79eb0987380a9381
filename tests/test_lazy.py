"""Names that are loaded late are there for completion before, and for use after."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

ROOMS = ["align", "call", "data", "io", "predict", "prepare"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_listed_and_is_there(room):
    module = import_module(f"genolab.{room}")
    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"'genolab.{room}' has no attribute 'nothing'"):
        _ = module.nothing


def test_rooms_load_no_library():
    code = f"import sys, genolab; [dir(getattr(genolab, room)) for room in {ROOMS}]; print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
