"""Whole numbers that fit together: where rows begin, codes of a table, places in a sequence; what no spec can say."""

from __future__ import annotations

import numpy as np

from genolab.kernel import Kernel

GENOTYPES = 10  # of two copies of four bases
CODES = 4
DEEPEST = 50


def lengths(kernel: Kernel, drawn: dict[str, int]) -> dict[str, int]:
    """Lengths of axes that hang together."""
    fixed = {
        "query_code": CODES, "target_code": CODES,
        "edge": drawn.get("sample", drawn.get("gene", 2)) + 1,
        "cycle": drawn.get("place", 1),
        "count": 4 * DEEPEST + 1,
        "gate": 4 * drawn.get("unit", 1),
    }  # fmt: skip
    if kernel.name == "family_given_frequency":
        fixed["sample"] = drawn["child"] + 2
    if kernel.name in ("genotype_posteriors", "site_sensitivity"):
        fixed["genotype"] = GENOTYPES
    return drawn | {axis: length for axis, length in fixed.items() if axis in drawn}


def fit(
    kernel: Kernel, values: dict[str, np.ndarray], lengths: dict[str, int], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Drawn values with those that must fit made to fit."""
    for name, spec in kernel.inputs.items():
        shape, dtype = values[name].shape, spec.dtype
        if spec.dims == ("edge",) and spec.lengths == (None,):
            whole = lengths[next(axis for axis in ("stored", "place", "gap") if axis in lengths)]
            inner = np.sort(random.integers(0, whole + 1, shape[0] - 2))
            values[name] = np.concatenate(([0], inner, [whole])).astype(dtype)
        elif name in ("batch", "group", "column") and not spec.index and kernel.name != "chain_anchors":
            axis = "gene" if name == "column" else name
            values[name] = random.integers(0, lengths[axis], shape).astype(dtype)
        elif name == "copies":
            values[name] = random.integers(0, 3, shape).astype(dtype)
        elif name in ("substitution", "gaps") and np.dtype(dtype).kind == "i":
            values[name] = random.integers(0 if name == "gaps" else -20, 20, shape).astype(dtype)
        elif name == "length" and spec.dims == ("sequence",):
            values[name] = random.integers(0, lengths["position"] + 1, shape).astype(dtype)
        elif name == "letters":
            values[name] = random.choice(np.frombuffer(b"ACGTNacgt*", np.uint8), shape)
    for part, letters in (("query", "query_letter"), ("target", "target_letter"),
                          ("read", "read_base"), ("haplotype", "column")):  # fmt: skip
        if f"{part}_start" in values:  # of queries and targets one letter more than is used
            room = lengths[letters] - (kernel.name != "pair_hmm")
            least = int(kernel.inputs[f"{part}_length"].low or 0)
            shape = values[f"{part}_start"].shape
            size = random.integers(min(least, room), room + 1, shape)
            values[f"{part}_length"], values[f"{part}_start"] = size, random.integers(0, room - size + 1)
    special = _SPECIAL.get(kernel.name)
    if special is not None:
        values |= special(values, lengths, random)
    return values


def _anchors(values: dict[str, np.ndarray], _: dict[str, int], random: np.random.Generator) -> dict[str, np.ndarray]:
    count = len(values["group"])
    group, place = np.sort(random.integers(0, 3, count)), random.integers(0, 200, count)
    order = np.lexsort((place, group))
    return {"group": group[order], "reference_place": place[order], "read_place": random.integers(0, 200, count)}


def _matrix(_: dict[str, np.ndarray], lengths: dict[str, int], random: np.random.Generator) -> dict[str, np.ndarray]:
    rows, columns = lengths["query_position"] + 1, lengths["target_position"] + 1
    first = random.integers(0, (rows, columns))
    return {"window": np.concatenate((first, random.integers(1, np.array((rows, columns)) - first + 1)))}


def _words(
    values: dict[str, np.ndarray], lengths: dict[str, int], random: np.random.Generator
) -> dict[str, np.ndarray]:
    first, second = lengths["first_place"], lengths["second_rank"]
    words = random.integers(0, 3, second)
    order = np.argsort(words, kind="stable")
    return {
        "first": random.integers(-1, 3, first), "second_sorted": words[order], "places": order,
        "window": np.array([0, 0, first, second]), "shape": random.integers(1, 4, 2),
    }  # fmt: skip


def _counted(_: dict[str, np.ndarray], lengths: dict[str, int], random: np.random.Generator) -> dict[str, np.ndarray]:
    return {"table": random.integers(0, DEEPEST, (lengths["site"], 4)), "ladder": np.arange(lengths["count"])}


_SPECIAL = {"chain_anchors": _anchors, "alignment_matrix": _matrix, "word_matches": _words, "strand_bias": _counted}
