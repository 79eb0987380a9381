"""Docstrings as parts to draw: no markup is left, formulas are MathML of known tags, symbols name their arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import genolab as gl
from genolab.plots.formula import ATTRIBUTES, TAGS, described, formula_tree


def elements(tree: list[Any]) -> Iterator[list[Any]]:
    yield tree
    if isinstance(tree[2], list):
        for child in tree[2]:
            yield from elements(child)


def letters(tree: list[Any]) -> str:
    return "".join(each[2] for each in elements(tree) if isinstance(each[2], str))


def linked(tree: list[Any]) -> list[tuple[str, str]]:
    return [(letters(each), each[1]["name"]) for each in elements(tree) if "name" in each[1]]


@pytest.mark.parametrize("kernel", gl.kernels(), ids=lambda kernel: kernel.name)
def test_every_kernel_s_formulas_are_read(kernel: gl.kernel.Kernel) -> None:
    for part in described(kernel.doc):
        if "math" not in part:
            assert ":math:" not in part.get("text", "")
            continue
        found = list(elements(part["math"]))
        assert {each[0] for each in found} <= TAGS
        assert {name for each in found for name in each[1]} <= ATTRIBUTES
        assert "\\" not in letters(part["math"])
        assert len(found) > 1


def test_a_symbol_names_its_array_and_an_index_does_not() -> None:
    doc = "Scale. With :math:`x` given,\n\n.. math:: y_{sx} = \\frac{x_s}{10^{-x}}, \\quad \\bar{x}\n\nSee ``x``."
    parts = described(doc, {"x": "values", "y": "scaled", r"\bar{x}": "mean"})
    assert [next(iter(part)) for part in parts] == ["text", "math", "text", "math", "text", "code", "text"]
    assert linked(parts[1]["math"]) == [("x", "values")]
    assert linked(parts[3]["math"]) == [("ysx", "scaled"), ("xs", "values"), ("x", "values"), ("x¯", "mean")]


def test_rows_of_a_formula_and_one_that_cannot_be_read() -> None:
    rows = formula_tree(r"a &= b \\ c &= d", block=True)
    assert [each[0] for each in elements(rows)].count("mtr") == 2
    broken = formula_tree(r"a \frac")
    assert broken[2] == [["mtext", {}, r"a \frac"]]


def test_lines_flow_and_paragraphs_stay() -> None:
    assert described("one\n    two\n\nthree `four`") == [{"text": "one two\nthree "}, {"code": "four"}]


FROM_INPUTS = {"column_information", "normal_scores", "rank_sum", "residual_sums", "site_sensitivity", "strand_bias"}
FROM_INPUTS |= {"window_sensitivity"}
"""Their formulas are written in what is first computed from the inputs: ranks, shares, residuals, likelihoods."""
TO_OUTPUTS = {"components_within_stored", "copied_pairs", "gene_quantiles", "relative_log_expression"}
TO_OUTPUTS |= {"tmm_with_singleton_pairing"}
"""Their formulas are the step that differs from another kernel's, or one for several outputs."""


def links(kernel: gl.kernel.Kernel) -> list[tuple[str, str]]:
    symbols = {spec.symbol: name for name, spec in (*kernel.inputs.items(), *kernel.outputs.items()) if spec.symbol}
    return [link for part in described(kernel.doc, symbols) if "math" in part for link in linked(part["math"])]


@pytest.mark.parametrize("kernel", gl.kernels(), ids=lambda kernel: kernel.name)
def test_every_kernel_s_formula_names_its_arrays(kernel: gl.kernel.Kernel) -> None:
    found = {name for _, name in links(kernel)}
    assert ".. math::" in kernel.doc
    assert bool(found & set(kernel.inputs)) == (kernel.name not in FROM_INPUTS)
    assert bool(found & set(kernel.outputs)) == (kernel.name not in TO_OUTPUTS)


def test_symbols_of_several_letters_primes_and_transposes() -> None:
    kernels = {kernel.name: kernel for kernel in gl.kernels()}
    assert {("Eij", "E"), ("E′ij", "E2"), ("o′", "gaps")} <= set(links(kernels["alignment_matrix"]))
    bayes = links(kernels["genotype_posteriors"])
    assert {("P(D∣g)", "log10_likelihood"), ("P(g)", "log10_prior"), ("P(g∣D)", "log10_posterior")} <= set(bayes)
    assert {name for text, name in links(kernels["components_within"]) if text == "T"} == {"span"}
    assert ("T", "span") not in linked(described(":math:`X^T`", {"T": "span", "X": "values"})[0]["math"])
    assert linked(described(r":math:`\mathrm{QUAL}`", {"Q": "base_quality"})[0]["math"]) == []


def test_an_index_is_lowered_whatever_its_letters() -> None:
    struts = [each[1]["height"] for each in elements(formula_tree("x_r + y_r^2")) if each[0] == "mspace"]
    assert struts == ["0.9em", "0.9em"]
