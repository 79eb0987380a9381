"""The predict panel in JupyterLab and Voila: it trains live, says what it is worth, and a click moves a prediction."""

from __future__ import annotations

from typing import Any

LAB = """
from genolab.panels.lab import Lab
lab = Lab(first="Predict")
panel = lab.panel("Predict")
"""

HOSTILE = r"""
import numpy as np
from genolab.panels.predict import PredictPanel
evil = '<img/src=x/onerror=document.title="hacked">'
rng = np.random.default_rng(0)
texts = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(120)]
names = f"$$\\href{{javascript:alert(1)}}{{x}}$$ {evil}", f"@b{{safe}} {evil}"
labels = [names[text[10] in "AC"] for text in texts]
panel = PredictPanel(texts, labels, split="random", architecture="kmer_logistic")
"""


def ready(screen: Any) -> Any:
    screen.until(f"{screen.model('predict_contribution')}?.data.xs?.length > 3", 90_000)
    screen.until("[...document.querySelectorAll('.genolab-state')].some(e => e.textContent.startsWith('done'))")
    assert screen.evaluate("panel.wait(120) and panel.refusal") == ""
    return screen


def opened(screens: Any, frontend: str) -> Any:
    """The lab on its example, the same page and kernel for every test of a frontend."""
    return ready(screens.show(frontend, "predict", LAB, "lab"))


def figure(screen: Any, name: str) -> str:
    """A JavaScript expression for the view of a figure."""
    pages = "[...globalThis[Symbol.for('genolab.bokeh')].values()]"
    return f"{pages}.map(page => page.root.Bokeh.index.find_one({screen.model(name)})).find(view => view)"


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
    # the leak check stands above every score
    tops = screen.page.evaluate(
        "['.genolab-leaks', '.genolab-predict ~ *, .genolab-facts'].map(name => "
        "[...document.querySelectorAll(name)].map(e => e.getBoundingClientRect().top).find(top => top > 0))"
    )
    assert tops[0] < tops[1]
    screen.screenshot("predict")
    for kind in ("PR", "calibration", "confusion", "sequences", "ROC"):
        choose(screen, kind)
        screen.page.wait_for_timeout(400)
        screen.screenshot(f"predict_{kind}")
    for metric in ("gradient", "rate", "score"):
        choose(screen, metric)
        screen.page.wait_for_timeout(300)
        screen.screenshot(f"predict_{metric}")
    screen.check()
