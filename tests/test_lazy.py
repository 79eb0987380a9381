"""What is made late: names are there for completion before, and threads that ask at a time get one value."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest

from genolab.lazy import made_once

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


def test_threads_that_ask_at_a_time_get_one_value():
    class Owner:
        made = 0
        asked = threading.Barrier(2, timeout=60)

        @made_once
        def value(self):
            Owner.made += 1
            threading.Event().wait(0.2)  # long enough for the other thread to ask too
            return object()

        def ask(self):
            self.asked.wait()
            return self.value

    owner = Owner()
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda _: owner.ask(), range(2))
    assert one is other is owner.value
    assert Owner.made == 1
    assert Owner().value is not one
