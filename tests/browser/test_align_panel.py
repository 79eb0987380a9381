"""The align panel in a real browser: what a person does, and what they then see."""

from __future__ import annotations

from typing import Any

LAB = """
from genolab.panels.lab import Lab
lab = Lab(first="Align")
panel = lab.panel("Align")
"""


def opened(screens: Any, frontend: str) -> Any:
    """The lab on its first example, the same page and kernel for every test of a frontend."""
    screen = screens.show(frontend, "align", LAB, "lab")
    return ready(screen)


def ready(screen: Any) -> Any:
    screen.until(f"{screen.model('matrix_image')}?.data.image?.length === 1")
    screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
    return screen


def test_it_opens_with_an_example_and_fits_the_page(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    assert "HBA_HUMAN and HBB_HUMAN: score" in screen.page.locator(".genolab-nav").first.inner_text()
    width = screen.page.evaluate("document.querySelector('.genolab-lab').getBoundingClientRect().width")
    stage = screen.page.evaluate("document.querySelector('.genolab-stage').getBoundingClientRect().width")
    assert stage > 0.66 * width
    screen.until(f"{screen.model('blocks_letters')}.data.text.length > 100")
    screen.page.locator(".genolab-bar").first.scroll_into_view_if_needed()
    screen.page.wait_for_timeout(500)
    screen.screenshot("align")
    screen.check()


def test_a_slider_aligns_again_and_a_cell_says_why(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    before = screen.evaluate("panel.alignments.scores[0].item()")
    handle = screen.slider("gap open")
    handle.focus()
    for _ in range(8):
        handle.press("ArrowLeft")
    screen.until("document.querySelector('.genolab-side .genolab-facts').textContent.includes('score')")
    screen.run("panel.wait()")
    assert screen.evaluate("panel.controls.scoring.gap_open") == 2
    assert screen.evaluate("panel.alignments.scores[0].item()") != before
    point(screen, 60, 60)
    screen.until("document.querySelector('.genolab-why strong')?.textContent.startsWith('query 60')")
    screen.until(f"{screen.model('matrix_arrows')}.data.x0.length === 3")
    screen.page.wait_for_timeout(300)
    screen.screenshot("align_cell")
    screen.run("panel.controls.example.value = 'Two short sequences'")
    screen.until("document.querySelector('.genolab-nav').textContent.includes('first and second')")
    screen.until(f"{screen.model('matrix_numbers')}.data.text.length === 240")
    screen.page.locator(".genolab-nav button", has_text="▶").first.click()
    screen.until("document.querySelector('.genolab-nav').textContent.includes('2 of 4 equally good')")
    point(screen, 9, 9)
    screen.until("document.querySelector('.genolab-why strong')?.textContent.startsWith('query 9')")
    screen.page.wait_for_timeout(300)
    screen.screenshot("align_short")
    screen.run("panel.controls.example.value = 'Haemoglobins, human'; panel.wait()")
    screen.check()


def point(screen: Any, i: int, j: int) -> None:
    """Move the mouse onto a cell of the matrix."""
    at = screen.page.evaluate(
        f"""() => {{
          const view = {view_of(screen, "matrix")};
          const box = view.el.getBoundingClientRect();
          return [box.left + view.frame.x_scale.compute({j}), box.top + view.frame.y_scale.compute({i})];
        }}"""
    )
    screen.page.mouse.move(at[0] - 2, at[1] - 2)
    screen.page.mouse.move(*at)


def view_of(screen: Any, name: str) -> str:
    """A JavaScript expression for the view of a figure, the first on the page."""
    pages = "[...globalThis[Symbol.for('genolab.bokeh')].values()]"
    return f"{pages}.map(page => page.root.Bokeh.index.find_one({screen.model(name)})).find(view => view)"


def test_many_sequences_are_blocks_and_a_logo(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.run("panel.controls.example.value = 'Eight globins'")
    screen.until(f"{screen.model('logo')}?.data.x?.length > 165")
    screen.until("document.querySelectorAll('.genolab-nav')[1].textContent.includes('8 sequences')")
    screen.page.wait_for_timeout(600)
    screen.screenshot("align_many")
    screen.run("panel.controls.example.value = 'Haemoglobins, human'; panel.wait()")
    screen.until("document.querySelector('.genolab-nav').offsetParent !== null")
    screen.check()


def test_shares_and_shared_words_are_other_looks_at_the_pair(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.run("panel.controls.temperature.value = 4.0")
    screen.until(f"{screen.model('matrix_posterior')}.data.image.length === 1")
    screen.page.wait_for_timeout(400)
    screen.screenshot("align_posterior")
    screen.run("panel.controls.temperature.value = 0.0; panel.controls.example.value = 'MADE1, two copies'")
    screen.page.locator(".genolab-views button", has_text="dot plot").first.click()
    screen.until(f"{screen.model('dots_backward')}?.data.image.length === 1")
    before = screen.evaluate("panel.stage.dots.window")
    at = screen.page.evaluate(
        f"(() => {{ const box = {view_of(screen, 'dots')}.el.getBoundingClientRect();"
        " return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    screen.page.wait_for_timeout(400)
    screen.screenshot("align_dots")
    screen.page.mouse.move(*at)
    for _ in range(4):
        screen.page.mouse.wheel(0, -120)
    screen.until(f"{screen.model('dots_x')}.end - {screen.model('dots_x')}.start < {before[3] * 0.8}")
    screen.run("panel.wait()")
    assert screen.evaluate("panel.stage.dots.sources['forward'].data['image'][0].shape")[1] < before[3]
    screen.page.locator(".genolab-views button", has_text="matrix").first.click()
    screen.run("panel.controls.example.value = 'Haemoglobins, human'; panel.wait()")
    screen.check()


def test_it_follows_a_dark_page(screens: Any, outside: list[str]) -> None:
    screen = opened(screens, "lab")
    themes = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"
    try:
        screen.page.evaluate(themes % "Dark")
        screen.until("document.body.dataset.jpThemeLight === 'false'")
        screen.until(f"{screen.model('matrix')}.below[0].major_label_text_color === '#b4b4b4'")
        screen.page.wait_for_timeout(500)
        screen.screenshot("align_dark")
        screen.run("panel.controls.example.value = 'MADE1, twelve copies'; panel.wait()")
        screen.page.wait_for_timeout(700)
        screen.screenshot("align_many_dark")
        screen.run("panel.controls.example.value = 'Haemoglobins, human'; panel.wait()")
    finally:
        screen.page.evaluate(themes % "Light")
    screen.until("document.body.dataset.jpThemeLight === 'true'")
    screen.check()


def test_what_is_refused_stands_above_the_plot(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    box = screen.page.locator(".genolab-column textarea").first
    good = box.input_value()
    box.fill("MVLSPADKT7")
    box.press("Tab")
    screen.until(
        "document.querySelector('.genolab-refusal .genolab-text')?.textContent.includes(\"'7' at position 10\")"
    )
    screen.screenshot("align_refusal")
    box.fill(good)
    box.press("Tab")
    screen.until("getComputedStyle(document.querySelector('.genolab-refusal')).display === 'none'")
    screen.check()
