"""Forward and backward passes of the copying model; `panel` holds a row of haplotypes for every site."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, inlined, inner, outer


@njit(**inner)
def _haploid_chances(alleles, x, error, out):
    for h in range(alleles.size):
        out[h] = 1.0 if x < 0 else (1 - error if alleles[h] == x else error)


@njit(fastmath=SUMS, **inner)
def _haploid_step(before, here, change, out):
    """f = e ((1 - s) f + s / H) of what sums to 1, and its sum."""
    move, total = change / here.size, 0.0
    for h in range(here.size):
        out[h] = here[h] * ((1 - change) * before[h] + move)
        total += out[h]
    for h in range(here.size):
        out[h] /= total
    return total


@njit(fastmath=SUMS, **inner)
def _haploid_back(after, here, change):
    total = 0.0
    for h in range(here.size):
        after[h] *= here[h]
        total += after[h]
    for h in range(here.size):
        after[h] = (1 - change) * after[h] / total + change / here.size


@njit(fastmath=SUMS, **inner)
def _allele_one(ahead, behind, alleles, error):
    one = both = 0.0
    for h in range(alleles.size):
        joint = ahead[h] * behind[h]
        both += joint
        one += joint if alleles[h] == 1 else 0.0
    return (one * (1 - error) + (both - one) * error) / both


@njit(**outer)
def haploid(first, last, panel, observed, switch, error, posterior, likelihood):
    sites, number = panel.shape
    ahead, here = np.empty((sites, number)), np.empty(number)
    for t in range(first, last):
        before, likelihood[t] = np.full(number, 1.0 / number), 0.0
        for j in range(sites):
            _haploid_chances(panel[j], observed[t, j], error, here)
            likelihood[t] += math.log(_haploid_step(before, here, switch[j], ahead[j]))
            before = ahead[j]
        behind = np.full(number, 1.0 / number)
        for j in range(sites - 1, -1, -1):
            posterior[t, j] = _allele_one(ahead[j], behind, panel[j], error)
            _haploid_chances(panel[j], observed[t, j], error, here)
            _haploid_back(behind, here, switch[j])


@njit(**inner)
def _table(x, error, out):
    """Chance of genotype x for 0, 1, 2 copies of allele 1 among the two that are copied."""
    right = 1 - error
    if x < 0:
        out[:] = 1.0
    elif x == 1:
        out[0] = out[2] = 2 * error * right
        out[1] = right * right + error * error
    else:
        out[1] = error * right
        out[0] = right * right if x == 0 else error * error
        out[2] = error * error if x == 0 else right * right


@njit(fastmath=SUMS, **inner)
def _add_pairs(pairs, rows):
    total = 0.0
    for h in range(rows.size):
        row = 0.0
        for k in range(rows.size):
            row += pairs[h, k]
        rows[h] = row
        total += row
    return total


@njit(fastmath=SUMS, **inner)
def _mix_row(row, stay, shared, sides, by_allele, out):
    """One row of the step; `sides` are column sums, `by_allele` the chances beside this row's allele."""
    total = 0.0
    for k in range(row.size):
        out[k] = by_allele[k] * (stay * row[k] + shared + sides[k])
        total += out[k]
    return total


@njit(**inner)
def _weights(alleles, table, out):
    """Beside a haplotype with allele 0 (first row) and with allele 1."""
    for k in range(alleles.size):
        out[0, k] = table[alleles[k]]
        out[1, k] = table[1 + alleles[k]]


@njit(**inner)
def _diploid_step(before, alleles, table, change, rows, sides, weights, out):
    """Pairs are symmetric, so column sums are row sums; what comes in sums to 1. Returns the sum of what comes out."""
    number = alleles.size
    stay, move = 1 - change, change / number
    _add_pairs(before, rows)
    for k in range(number):
        sides[k] = stay * move * rows[k]
    _weights(alleles, table, weights)
    total = 0.0
    for h in range(number):
        shared = stay * move * rows[h] + move * move
        total += _mix_row(before[h], stay * stay, shared, sides, weights[alleles[h]], out[h])
    _divide(out, total)
    return total


@njit(fastmath=SUMS, **inner)
def _divide(pairs, total):
    per = 1 / total
    for h in range(pairs.shape[0]):
        for k in range(pairs.shape[1]):
            pairs[h, k] *= per


@njit(fastmath=SUMS, **inner)
def _times_row(row, weights):
    total = 0.0
    for k in range(row.size):
        row[k] *= weights[k]
        total += row[k]
    return total


@njit(**inlined)
def _diploid_back(after, alleles, table, change, rows, sides, weights, flat, out):
    """One step to the left: emission first, then the change of haplotypes."""
    _weights(alleles, table, weights)
    total = 0.0
    for h in range(alleles.size):
        total += _times_row(after[h], weights[alleles[h]])
    _divide(after, total)
    return _diploid_step(after, alleles, flat, change, rows, sides, weights, out)


@njit(fastmath=SUMS, **inner)
def _joint_sums(ahead, behind, alleles, sums):
    sums[:] = 0
    for h in range(alleles.size):
        zero = one = 0.0
        for k in range(alleles.size):
            joint = ahead[h, k] * behind[h, k]
            one += joint * alleles[k]
            zero += joint
        sums[alleles[h]] += zero - one
        sums[alleles[h] + 1] += one


@njit(**inlined)
def _copy(pairs, out):
    """By cells: a slice would have Numba compile what to say where shapes differ, for two seconds."""
    for h in range(pairs.shape[0]):
        for k in range(pairs.shape[1]):
            out[h, k] = pairs[h, k]


@njit(**inlined)
def _set(pairs, value):
    for h in range(pairs.shape[0]):
        for k in range(pairs.shape[1]):
            pairs[h, k] = value


@njit(**inlined)
def _forward(before, start, end, mask, panel, observed, switch, error, rows, sides, weights, table, ahead):
    """Steps over the sites of a stretch; all states stay in ``ahead`` with the mask -1, the last two with 1."""
    likelihood = 0.0
    for j in range(start, end):
        _table(observed[j], error, table)
        source = before if j == start else ahead[(j - start - 1) & mask]
        out = ahead[(j - start) & mask]
        likelihood += math.log(_diploid_step(source, panel[j], table, switch[j], rows, sides, weights, out))
    return likelihood


@njit(**inlined)
def _posterior(ahead, behind, alleles, chances, sums, out):
    _joint_sums(ahead, behind, alleles, sums)
    total = sums[0] + sums[1] + sums[2]
    for g in range(3):
        out[g] = (sums[0] * chances[g, 0] + sums[1] * chances[g, 1] + sums[2] * chances[g, 2]) / total


@njit(**outer)
def _diploid(
    first, last, panel, observed, switch, error, posterior, likelihood,
    kept, ahead, room, rows, sides, weights, table, flat, sums, chances,
):  # fmt: skip
    sites, number = panel.shape
    parts, stretch = kept.shape[0], ahead.shape[0]
    for g in range(3):
        _table(np.int8(g), error, chances[g])
    for t in range(first, last):
        x = observed[t]
        likelihood[t] = 0.0
        for turn in range(2 * parts):  # one place to call each loop from: it is compiled into every place
            back = turn >= parts
            part = 2 * parts - 1 - turn if back else turn
            start = part * stretch
            end = min(sites, start + stretch)
            if turn == 0:
                _set(kept[0], 1.0 / (number * number))
            mask = -1 if back else 1
            found = _forward(kept[part], start, end, mask, panel, x, switch, error, rows, sides, weights, table, ahead)
            if not back:
                likelihood[t] += found
                if part + 1 < parts:
                    _copy(ahead[(end - start - 1) & 1], kept[part + 1])
                else:
                    _set(room[0], 1.0 / (number * number))
                continue
            for j in range(end - 1, start - 1, -1):
                now = (sites - 1 - j) & 1
                behind = room[now]
                _posterior(ahead[j - start], behind, panel[j], chances, sums, posterior[t, j])
                _table(x[j], error, table)
                _diploid_back(behind, panel[j], table, switch[j], rows, sides, weights, flat, room[1 - now])


def diploid(first, last, panel, observed, switch, error, posterior, likelihood):
    """Forward states are kept at the beginning of every stretch of sites and made again from there.

    Room is made here: Numba would compile each kind of allocation for a tenth of a second.
    """
    sites, number = panel.shape
    stretch = max(2, math.isqrt(sites))
    pairs, empty = (number, number), np.empty
    _diploid(
        first, last, panel, observed, switch, error, posterior, likelihood,
        empty((-(-sites // stretch), *pairs)), empty((stretch, *pairs)), empty((2, *pairs)),
        empty(number), empty(number), empty((2, number)), empty(3), np.ones(3), empty(3), empty((3, 3)),
    )  # fmt: skip
