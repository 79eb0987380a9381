"""The kernels of a tab are compiled behind its panel's first answer, once, and the drawer hears of it."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

from toy_kernels import matrix_product, scale_counts

import genolab as gl
from genolab.kernel import Kernel
from genolab.panels import warming
from genolab.scale import Job, State


class Panel:
    """One that answers when it is waited for."""

    def __init__(self) -> None:
        self.answered = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.answered += 1
        return True


def test_kernels_are_compiled_after_the_panel_has_answered_and_only_once(monkeypatch) -> None:
    kernels = [Kernel(scale_counts), Kernel(matrix_product)]
    panel, said, jobs = Panel(), [], []
    monkeypatch.setattr(warming, "kernels_of", lambda subject: kernels if panel.answered and subject == "call" else [])
    monkeypatch.setattr(warming, "REST", 0.0)

    def heard(job: Job) -> None:
        jobs.append(job)
        said.append((job.state, job.text))

    background = warming.Warming(heard)
    background.begin("Call", panel)
    assert background.wait(60)
    assert [kernel.state() for kernel in kernels] == ["compiled", "compiled"]
    assert {job.name for job in jobs} == {"warming up"}
    assert jobs[-1].state is State.DONE
    assert any(state is State.COMPILING and "scale_counts, 1 of 2" in text for state, text in said)
    heard_so_far = len(said)
    background.begin("Call", panel)
    background.begin("Graph", panel)  # has no kernels of its own
    assert background.wait(5)
    assert (len(said), panel.answered) == (heard_so_far, 1)


def test_no_kernel_is_compiled_while_a_person_waits(monkeypatch) -> None:
    kernels, waits, asked = [Kernel(scale_counts), Kernel(matrix_product)], threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr(warming, "kernels_of", lambda subject: kernels)
    monkeypatch.setattr(warming, "REST", 0.2)

    def busy() -> bool:
        asked.release()
        if kernels[0].state() == "compiled" and not between:
            between.append(kernels[1].state())
            waits.set()
        return waits.is_set()

    def states_after_five_looks() -> list[str]:
        assert all(asked.acquire(timeout=60) for _ in range(5))
        return [kernel.state() for kernel in kernels]

    between: list[str] = []
    waits.set()
    background = warming.Warming(lambda job: None, busy)
    background.begin("Call", Panel())
    assert "compiled" not in states_after_five_looks()
    waits.clear()
    while not between:
        asked.acquire(timeout=60)
    assert states_after_five_looks()[0] == "compiled"
    assert kernels[1].state() == between[0] != "compiled"
    waits.clear()
    assert background.wait(60)
    assert [kernel.state() for kernel in kernels] == ["compiled", "compiled"]


def test_a_subject_names_its_own_kernels() -> None:
    mine = gl.kernels("call")
    assert {"genotype_likelihoods", "pair_hmm"} <= {kernel.name for kernel in mine}
    assert {kernel.subject for kernel in mine} == {"call"}
    assert len(mine) < len(gl.kernels())
    assert Kernel(scale_counts).subject == ""


def test_other_tabs_are_loaded_while_nobody_waits_and_before_any_kernel(monkeypatch) -> None:
    told, waits, asked = [], threading.Event(), threading.Semaphore(0)
    kernel = Kernel(scale_counts)
    for name in ("toy_align", "toy_predict"):
        ready = SimpleNamespace(get_ready=lambda name=name: told.append((name, kernel.state())))
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(Panel=ready))
    monkeypatch.setattr(warming, "kernels_of", lambda subject: [kernel])
    monkeypatch.setattr(warming, "REST", 0.0)

    def busy() -> bool:
        asked.release()
        return waits.is_set()

    waits.set()
    ahead = {"Align": "toy_align.Panel", "Predict": "toy_predict.Panel"}
    background = warming.Warming(lambda job: None, busy, ahead)
    background.begin("Call", Panel())
    assert all(asked.acquire(timeout=60) for _ in range(5))
    assert told == []
    waits.clear()
    assert background.wait(60)
    background.begin("Align", Panel())
    assert background.wait(60)
    assert [name for name, _ in told] == ["toy_align", "toy_predict"]
    assert all(state != "compiled" for _, state in told)
    assert kernel.state() == "compiled"
