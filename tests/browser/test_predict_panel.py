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


def test_a_gene_is_predicted_after_its_leak_check(screens: Any, outside: list[str]) -> None:
    screen = screens.show("voila", "predict", LAB, "lab")  # whether a network is trained by then or not
    screen.page.locator(".genolab-of-Predict select").first.select_option("expression")
    screen.until(f"{screen.model('expression_samples')}?.data.x?.length > 3", TRAINED_MS)
    assert screen.evaluate("panel.expression.queue.wait(60) and panel.expression.refusal.text") == ""
    rows = "[...document.querySelectorAll('.genolab-facts')].filter(e => e.offsetWidth)"
    screen.until(f"{rows}.some(e => e.textContent.includes('predictors used'))")
    box = "name => [...document.querySelectorAll(name)].filter(e => e.offsetWidth)"
    box += ".map(e => e.getBoundingClientRect().toJSON())"
    (leaks,), (facts,) = (screen.page.evaluate(box, name) for name in (".genolab-leaks", ".genolab-facts"))
    assert leaks["top"] < facts["top"], "the leak check stands above every score"
    (stage,), (lab,) = (screen.page.evaluate(box, name) for name in (".genolab-expression", ".genolab-lab"))
    assert stage["width"] > 0.66 * lab["width"]
    assert stage["right"] <= lab["right"] + 1
    screen.run("panel.expression.view.sources['samples'].selected.indices = [3]")
    screen.until(f"{screen.model('expression_chosen')}?.data.sample?.length === 1")
    assert screen.evaluate("lab.selection.sample == panel.expression.report.samples['sample'][3]")
    screen.screenshot("predict_expression")
    screen.check()
