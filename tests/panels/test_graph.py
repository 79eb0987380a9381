from __future__ import annotations

import genolab as gl
from genolab.panels.graph import GraphPanel


def test_a_long_signature_is_cut_and_code_is_coloured() -> None:
    kernels = {kernel.name: kernel for kernel in gl.kernels()}
    panel = GraphPanel("z_score")
    assert panel.view.heading == repr(kernels["z_score"])
    panel.stage.value = "code"
    assert panel.wait(60)
    content = panel.source.code.content
    assert sum(length for length, _ in content["marks"]) == len(content["text"])
    assert "keyword" in {kind for _, kind in content["marks"]}
    long = kernels["family_given_frequency"]
    panel.show(long)
    assert len(panel.view.heading) < len(repr(long))
    assert ", and " in panel.view.heading
    assert panel.wait(60)


def test_code_of_another_backend_does_not_stay_while_it_is_made() -> None:
    panel = GraphPanel("fill_gaps")
    panel.stage.value = "code"
    assert panel.wait(60)
    shown = panel.source.code.text
    assert shown
    seen: list[str] = []
    panel.source.code.observe(lambda change: seen.append(change["new"]["text"]), "content")
    panel.stage.value = "as written"
    panel.stage.value = "code"
    assert panel.wait(60)
    assert "" not in seen
    panel.backend.value = "jax" if "jax" in panel.backend.options else "numba"
    assert panel.wait(60)
    assert "" in seen
    assert panel.source.code.text not in ("", shown)
