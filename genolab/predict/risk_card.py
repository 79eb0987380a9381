"""Risk scores on the disk: weights as numbers, and a card that says what they were learnt from."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.errors import FileError

if TYPE_CHECKING:
    from genolab.predict.risk import RiskScore

_ARRAYS = ("weights_", "loadings_", "coefficients_", "link_centre_", "link_scale_", "used_")
_NUMBERS = ("binary_", "timed_", "mean_score_", "spread_", "heritability_")


def card_of(model: RiskScore, trait: np.ndarray, samples: int, groups: Any) -> dict[str, Any]:
    """What the model was learnt from, as plain data; the digest is of trait and allele frequencies."""
    state = hashlib.sha256(np.ascontiguousarray(trait).tobytes())
    state.update(model.standard_.mean.tobytes())
    tried = model.candidates_
    return {
        "kind": "RiskScore", "genolab": __version__, "parameters": model.get_params(deep=False),
        "data": {"digest": f"sha256:{state.hexdigest()}", "samples": int(samples), "variants": len(model.weights_),
                 "variants used": int((model.weights_ != 0).sum()),
                 "cases": int(trait.sum()) if model.binary_ else None},
        "split": f"{model.folds} inner folds, " + ("whole groups" if groups is not None else "each sample by itself"),
        "scores": {} if tried.empty else {"r in inner folds, best of those tried": float(tried["r"].max())},
        "notices": list(model.notices_),
    }  # fmt: skip


def save_risk(model: RiskScore, path: str | os.PathLike[str]) -> None:
    """Write a fitted score; the same score gives the same bytes."""
    from genolab.io import write_model

    arrays = {name: np.asarray(getattr(model, name)) for name in _ARRAYS if hasattr(model, name)}
    arrays |= {"mean": model.standard_.mean, "scale": model.standard_.scale}
    for group in ("link_", "network_"):
        arrays |= {f"{group}:{name}": np.asarray(held) for name, held in getattr(model, group, {}).items()}
    numbers = {name: float(getattr(model, name)) for name in _NUMBERS if hasattr(model, name)}
    write_model(path, arrays, {**model.card_, "numbers": numbers})


def load_risk(path: Any, card: dict[str, Any], arrays: dict[str, np.ndarray]) -> RiskScore:
    """The score that was saved, from what :func:`genolab.io.read_model` found."""
    import pandas as pd

    from genolab.predict.cohort import Standard
    from genolab.predict.risk import RiskScore

    try:
        model = RiskScore(**card["parameters"])
        model.standard_ = Standard(arrays["mean"], arrays["scale"])
        for name in _ARRAYS:
            if name in arrays:
                setattr(model, name, arrays[name])
        for group in ("link_", "network_"):
            held = {name.partition(":")[2]: value for name, value in arrays.items() if name.startswith(f"{group}:")}
            if held:
                setattr(model, group, held)
        model.timed_ = False  # as before times to an event
        for name, value in card.pop("numbers").items():
            setattr(model, name, bool(value) if name in ("binary_", "timed_") else value)
        if not len(model.weights_) == len(model.standard_.mean) == len(model.loadings_):
            raise ValueError("weights of another number than variants")
        model.notices_, model.card_, model.candidates_ = card["notices"], card, pd.DataFrame({"candidate": [], "r": []})
        model.variants_ = np.flatnonzero(model.weights_)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(path, expected="a whole model card", found=f"one that does not fit ({error})") from None
    return model
