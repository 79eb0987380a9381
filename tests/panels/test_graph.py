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
