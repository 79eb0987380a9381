"""Which alleles of two sets spell the same haplotypes: dynamic programming over positions, with phase left open."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from genolab.call.alleles import Allele, Base

MOST_STATES = 4_096
"""Ways to read two sets that are followed at once; of more, the best. It takes a dozen indels of one long repeat."""

TRUTH, QUERY = 0, 1


@dataclass(frozen=True)
class Matched:
    """Which alleles of each side found a partner; ``bounded`` where more than :data:`MOST_STATES` readings competed."""

    truth: tuple[bool, ...]
    query: tuple[bool, ...]
    bounded: bool = False


@dataclass(frozen=True)
class _Change:
    """Bases from ``start`` to ``end`` become ``text``, on the copies of one of ``places``."""

    start: int
    end: int
    text: str
    side: int
    index: int
    places: tuple[tuple[int, ...], ...]


# one haplotype: how far the texts of truth and query are read, whether each ends with an insertion, and what one has
# beyond the other: (side, text)
_Copy = tuple[tuple[int, int], tuple[bool, bool], tuple[int, str]]
# the copies, in order, and whether each side took a change since both were last alike
_State = tuple[tuple[_Copy, ...], tuple[bool, bool]]
# alleles taken for good, alleles taken since then, and the chain of all of them
_Reading = tuple[int, int, "tuple[object, _Change] | None"]


def match(truth: Sequence[Allele], query: Sequence[Allele], letters: Base, *, squash: bool = False) -> Matched:
    """The largest sets of alleles, of truth and query, that make the same haplotypes; genotypes must agree.

    Every heterozygous allele may lie on either copy, and each allele may be left out. From left to right a reading is
    kept with what one text has beyond the other; where both are alike, only the best reading of each kind goes on. So
    the work grows with the longest stretch over which two spellings differ, not with the number of alleles. With
    ``squash`` the alleles alone are compared, each as if on every copy. The idea is vcfeval's (Cleary et al. 2015,
    doi:10.1101/023754).
    """
    if not truth or not query:
        return Matched((False,) * len(truth), (False,) * len(query))
    copies = 1 if squash else max(each.ploidy for each in (*truth, *query))
    changes = [_change(each, TRUTH, at, copies, squash) for at, each in enumerate(truth)]
    changes += [_change(each, QUERY, at, copies, squash) for at, each in enumerate(query)]
    changes.sort(key=lambda each: (each.start, each.end > each.start, each.side, each.end, each.text))
    first = changes[0].start
    copy: _Copy = ((first, first), (False, False), (TRUTH, ""))
    readings: dict[_State, _Reading] = {((copy,) * copies, (False, False)): (0, 0, None)}
    bounded = False
    for change in changes:
        readings = _advance(readings, change.start, letters)
        readings = _take(readings, change)
        if len(readings) > MOST_STATES:
            bounded = True
            ranked = sorted(readings.items(), key=lambda item: -(item[1][0] + item[1][1]))
            safe = [item for item in ranked[MOST_STATES:] if not any(item[0][1])]  # these can always be finished
            readings = dict([*ranked[:MOST_STATES], *safe])
    end = max(each.end for each in changes)
    readings = _advance(readings, end, letters)
    whole = (found for (made, taken), found in readings.items() if not any(taken) and all(_even(one) for one in made))
    chain = max(whole, key=lambda found: found[0])[2]
    kept: tuple[list[bool], list[bool]] = ([False] * len(truth), [False] * len(query))
    while chain is not None:
        before, one = chain
        kept[one.side][one.index] = True
        chain = before  # type: ignore[assignment]  # the chain is its own type
    return Matched(tuple(kept[TRUTH]), tuple(kept[QUERY]), bounded)


def _change(allele: Allele, side: int, index: int, copies: int, squash: bool) -> _Change:
    before, now = allele.reference, allele.alternate
    anchored = len(before) != len(now) and before[0] == now[0]
    start = allele.position + anchored
    everywhere: tuple[tuple[int, ...], ...] = (tuple(range(copies)),)
    places = everywhere
    if squash or (allele.copies is not None and allele.copies >= allele.ploidy):
        pass
    elif allele.copies is not None and allele.ploidy == copies:
        places = tuple(itertools.combinations(range(copies), allele.copies))
    else:  # no genotype, or one of another ploidy: any number of copies
        some = range(1, copies + 1 if allele.copies is None else copies)
        places = tuple(one for number in some for one in itertools.combinations(range(copies), number))
    return _Change(start, allele.end, now[anchored:], side, index, places or everywhere)


def _even(copy: _Copy) -> bool:
    (one, other), _, (_, more) = copy
    return one == other and not more


def _keep(readings: dict[_State, _Reading], state: _State, reading: _Reading) -> None:
    held = readings.get(state)
    if held is None or reading[0] + reading[1] > held[0] + held[1]:
        readings[state] = reading


def _advance(readings: dict[_State, _Reading], position: int, letters: Base) -> dict[_State, _Reading]:
    """Read both texts of every copy on to a position; readings whose texts differ end."""
    found: dict[_State, _Reading] = {}
    for (copies, taken), (kept, open_, chain) in readings.items():
        made = []
        for copy in copies:
            one = _read_on(copy, position, letters)
            if one is None:
                break
            made.append(one)
        if len(made) < len(copies):
            continue
        alike = all(_even(one) and one[0][TRUTH] <= position for one in made)
        if alike and taken[TRUTH] != taken[QUERY]:  # one side's changes undo each other: they match nothing
            continue
        state = (tuple(sorted(made)), (False, False) if alike else taken)
        _keep(found, state, (kept + open_, 0, chain) if alike else (kept, open_, chain))
    return found


def _read_on(copy: _Copy, position: int, letters: Base) -> _Copy | None:
    read, ends, (ahead, more) = copy
    texts = ["", ""]
    texts[ahead] = more
    moved = []
    for side in (TRUTH, QUERY):
        if read[side] < position:
            texts[side] += letters(read[side], position)
        moved.append(max(read[side], position))
    shared = min(len(texts[TRUTH]), len(texts[QUERY]))
    if texts[TRUTH][:shared] != texts[QUERY][:shared]:
        return None
    ahead = TRUTH if len(texts[TRUTH]) > shared else QUERY
    rest = texts[ahead][shared:]
    still = (ends[TRUTH] and moved[TRUTH] == read[TRUTH], ends[QUERY] and moved[QUERY] == read[QUERY])
    return (moved[TRUTH], moved[QUERY]), still, (ahead if rest else TRUTH, rest)


def _take(readings: dict[_State, _Reading], change: _Change) -> dict[_State, _Reading]:
    """Every reading without the change, and with it on each choice of copies where it fits."""
    found = dict(readings)
    side, insertion = change.side, change.start == change.end
    for (copies, taken), (kept, open_, chain) in readings.items():
        now = (taken[TRUTH] or side == TRUTH, taken[QUERY] or side == QUERY)
        for places in change.places:
            made = list(copies)
            for place in places:
                one = _with(made[place], change, side, insertion)
                if one is None:
                    break
                made[place] = one
            else:
                _keep(found, (tuple(sorted(made)), now), (kept, open_ + 1, (chain, change)))
    return found


def _with(copy: _Copy, change: _Change, side: int, insertion: bool) -> _Copy | None:
    read, ends, (ahead, more) = copy
    if read[side] > change.start or (insertion and ends[side]):
        return None  # it overlaps what is there
    texts = ["", ""]
    texts[ahead] = more
    texts[side] += change.text
    shared = min(len(texts[TRUTH]), len(texts[QUERY]))
    if texts[TRUTH][:shared] != texts[QUERY][:shared]:
        return None
    ahead = TRUTH if len(texts[TRUTH]) > shared else QUERY
    rest = texts[ahead][shared:]
    moved = (change.end, read[QUERY]) if side == TRUTH else (read[TRUTH], change.end)
    last = (insertion, ends[QUERY]) if side == TRUTH else (ends[TRUTH], insertion)
    return moved, last, (ahead if rest else TRUTH, rest)
