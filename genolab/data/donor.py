"""A simulated diploid donor: variants put into a reference, and the two haplotypes with their map back to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genolab.spec import BASES

SPACING = 25
"""At most one variant in this many bases, so that truth has one reading."""


@dataclass(frozen=True)
class Variants:
    """The truth: one row per variant, sorted, left-aligned, one alternate each; 0-based positions."""

    position: list[int]
    reference: list[str]
    alternate: list[str]
    genotype: list[tuple[int, int]]


@dataclass(frozen=True)
class Haplotype:
    """A donor sequence: its base codes, the reference position of each base, and which bases were inserted after it."""

    base: NDArray[np.uint8]
    position: NDArray[np.int32]
    inserted: NDArray[np.bool_]


def draw_variants(
    rng: np.random.Generator, reference: NDArray[np.uint8], snv_rate: float, indel_rate: float, heterozygous: float
) -> Variants:
    """Draw SNVs (two transitions to a transversion) and short indels (1-12 bases), away from the ends and from N."""
    slots = np.arange(100, reference.size - 100 - SPACING, SPACING)
    count = min(slots.size, round((snv_rate + indel_rate) * reference.size))
    places = np.sort(rng.choice(slots, count, replace=False)) + rng.integers(0, SPACING - 10, count)
    indel = rng.random(count) < indel_rate / max(snv_rate + indel_rate, 1e-300)
    result = Variants([], [], [], [])
    after = 0  # the first position that is free
    for place, is_indel in zip(places.tolist(), indel.tolist(), strict=True):
        change = rng.choice([2, 2, 2, 2, 1, 3])  # by exclusive or: A-G and C-T are 2 apart
        length = min(int(rng.geometric(0.4)), 12)
        letters = rng.integers(0, 4, length).astype(np.uint8)
        deletion, both, first = rng.random() < 0.5, rng.random() >= heterozygous, int(rng.integers(2))
        if (reference[place - 2 : place + length + 2] > 3).any():
            continue
        if not is_indel:
            before, now = reference[place : place + 1], reference[place : place + 1] ^ change
        elif deletion:
            while place > after and reference[place] == reference[place + length]:
                place -= 1
            before, now = reference[place : place + length + 1], reference[place : place + 1]
        else:
            while place > after and reference[place] == letters[-1]:
                letters = np.roll(letters, 1)
                place -= 1
            before, now = reference[place : place + 1], np.concatenate([reference[place : place + 1], letters])
        if place <= after or before[0] > 3:
            continue
        after = place + before.size
        result.position.append(place)
        result.reference.append(text_of(before))
        result.alternate.append(text_of(now))
        result.genotype.append((1, 1) if both else (first, 1 - first))
    return result


def apply_variants(reference: NDArray[np.uint8], variants: Variants, copy: int) -> Haplotype:
    """The haplotype of chromosome copy 0 or 1."""
    base, position = reference.copy(), np.arange(reference.size, dtype=np.int32)
    keep = np.ones(reference.size, bool)
    places: list[int] = []
    letters: list[int] = []
    rows = zip(variants.position, variants.reference, variants.alternate, variants.genotype, strict=True)
    for place, before, now, genotype in rows:
        if not genotype[copy]:
            continue
        if len(before) == len(now):
            base[place] = BASES.index(now)
        keep[place + len(now) : place + len(before)] = False
        added = now[len(before) :]
        places += [place + 1] * len(added)
        letters += [BASES.index(letter) for letter in added]
    inserted = np.insert(np.zeros(base.size, bool), places, True)
    keep = np.insert(keep, places, True)
    base = np.insert(base, places, np.array(letters, np.uint8))
    position = np.insert(position, places, np.array(places, np.int32) - 1)
    return Haplotype(base[keep], position[keep], inserted[keep])


def diverged_copy(rng: np.random.Generator, reference: NDArray[np.uint8], divergence: float) -> Haplotype | None:
    """Up to 1 kb that the donor also has elsewhere, ``divergence`` apart: that copy's reads map here by mistake."""
    length = min(1000, reference.size // 20)
    if length < 200 or divergence <= 0:
        return None
    start = int(rng.integers(reference.size // 4, 3 * reference.size // 4 - length))
    base = reference[start : start + length].copy()
    changed = (rng.random(length) < divergence) & (base < 4)
    base[changed] ^= rng.integers(1, 4, int(changed.sum())).astype(np.uint8)
    return Haplotype(base, np.arange(start, start + length, dtype=np.int32), np.zeros(length, bool))


def text_of(codes: NDArray[np.uint8]) -> str:
    """Base codes as letters."""
    return LETTERS[codes].tobytes().decode()


LETTERS = np.frombuffer(BASES.encode(), np.uint8)
