"""The predict panel in JupyterLab and Voila: it trains live, says what it is worth, and a click moves a prediction."""

from __future__ import annotations

from typing import Any

LAB = """
from genolab.panels.lab import Lab
lab = Lab(first="Predict")
panel = lab.panel("Predict")
"""

TRAINED_MS = 300_000  # 12 s where the machine is ours, two minutes beside a worker that compiles


def ready(screen: Any) -> Any:
    done = "[...document.querySelectorAll('.genolab-state')].some(e => e.textContent.startsWith('done'))"
    screen.until(f"{screen.model('predict_contribution')}?.data.xs?.length > 3", TRAINED_MS)
    screen.until(done, TRAINED_MS)
    assert screen.evaluate("panel.wait(120) and panel.refusal") == ""
    return screen


def opened(screens: Any, frontend: str) -> Any:
    """The lab on its example, the same page and kernel for every test of a frontend."""
    return ready(screens.show(frontend, "predict", LAB, "lab"))


def choose(screen: Any, label: str) -> None:
    screen.page.locator(".genolab-predict .genolab-views button", has_text=label).first.click()


def test_it_opens_trained_and_fits_the_page(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    sizes = screen.page.evaluate(
        "['.genolab-lab', '.genolab-predict', '.genolab-tall.genolab-column']"
        ".map(name => document.querySelector(name).getBoundingClientRect().width)"
    )
    assert sizes[1] > 0.66 * sizes[0]
    assert 230 < sizes[2] < 270
    tops = screen.page.evaluate(
        "['.genolab-leaks', '.genolab-facts'].map(name => document.querySelector(name).getBoundingClientRect().top)"
    )
    assert tops[0] < tops[1], "the leak check stands above every score"
    screen.screenshot("predict")
    choose(screen, "confusion")
    screen.until(f"{screen.model('predict_cells')}?.data_source.data.count?.length === 9")
    screen.screenshot("predict_confusion")
    choose(screen, "ROC")
    screen.check()
