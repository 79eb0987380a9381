"""Colours of letters: bases as everywhere in genolab, amino acids by what their side chains do."""

from __future__ import annotations

import numpy as np

from genolab.plots import style

RESIDUE_GROUPS = {
    "hydrophobic": ("AVLIMC", style.BLUE),
    "aromatic": ("FWYH", style.SKY),
    "polar": ("STNQ", style.GREEN),
    "positive": ("KR", style.VERMILION),
    "negative": ("DE", style.PINK),
    "bends": ("GP", style.ORANGE),
}
"""Groups of amino acids and the colour of each."""

OTHER = "#999999"


def colours_of(dna: bool) -> dict[str, str]:
    """The colour of every letter that has one; the rest is grey."""
    if dna:
        return {base: colour for base, colour in style.BASE_COLOURS.items() if base in "ACGT"}
    return {letter: colour for letters, colour in RESIDUE_GROUPS.values() for letter in letters}


_DARK_INK = {style.ORANGE, style.SKY, style.PINK, style.YELLOW, OTHER}


def paint(letters: np.ndarray, dna: bool) -> tuple[np.ndarray, np.ndarray]:
    """For an array of single letters: the colour behind each, and the ink that is readable on it."""
    known = colours_of(dna)
    kinds, place = np.unique(letters, return_inverse=True)
    fills = np.array([known.get(str(letter).upper(), OTHER) for letter in kinds], dtype=object)
    inks = np.array([style.BLACK if fill in _DARK_INK else "#ffffff" for fill in fills], dtype=object)
    return fills[place.ravel()].reshape(letters.shape), inks[place.ravel()].reshape(letters.shape)
