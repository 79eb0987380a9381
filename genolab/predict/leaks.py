"""What ties a test set to its training set: duplicates, the other strand, similar sequences, shared families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.bases import NONE, Bases, complement, encode

if TYPE_CHECKING:
    import pandas as pd

NEAR, SIMILAR = 0.8, 0.3
"""Shares of a sequence's words that make a near duplicate, and a similar sequence."""

KINDS = ("exact duplicate", "reverse complement", "near duplicate", "similar", "shared family")
_BLOCK, _WORK = 256, 3e8


@dataclass(frozen=True)
class Leaks:
    """Test sequences with a relative in the training set: the closest one of each, and how it is related.

    ``kind``, ``test``, ``train`` (their numbers) and ``similarity`` (share of the shorter one's words) in rows;
    ``checked`` of ``tested`` test sequences were compared by words (all by identity).
    """

    kind: list[str] = field(repr=False)
    test: np.ndarray = field(repr=False)
    train: np.ndarray = field(repr=False)
    similarity: np.ndarray = field(repr=False)
    tested: int
    checked: int
    word: int

    def __len__(self) -> int:
        return len(self.kind)

    def counts(self) -> dict[str, int]:
        """Test sequences of each kind of leak."""
        return {kind: self.kind.count(kind) for kind in KINDS}

    @property
    def share(self) -> float:
        """The share of the test sequences that leak; of those compared, where not all were."""
        return len(set(self.test.tolist())) / max(self.checked, 1)

    def to_frame(self) -> pd.DataFrame:
        """A row per leak: kind, number of the test and of the training sequence, similarity."""
        import pandas as pd

        return pd.DataFrame({"kind": self.kind, "test": self.test, "train": self.train, "similarity": self.similarity})

    def __str__(self) -> str:
        part = "" if self.checked == self.tested else f" ({self.checked:,} of them compared by words)"
        head = f"{self.tested:,} test sequences{part}: "
        found = [f"{number:,} {kind}{'s' if number > 1 and kind != 'similar' else ''}"
                 for kind, number in self.counts().items() if number]  # fmt: skip
        if not found:
            return head + "no relative in the training set was found."
        return head + ", ".join(found).replace("familys", "families") + " in the training set."


def check_leaks(
    train: Any, test: Any, *, train_groups: Any = None, test_groups: Any = None, seed: int = 0
) -> Leaks:  # fmt: skip
    """Look for test sequences that have a relative in the training set.

    In this order, each test sequence by the first that applies: the same sequence; its reverse complement; at least
    0.8 of the shorter one's words (of 6 to 11 letters, either strand) in a training sequence; at least 0.3 of them.
    Groups, where given, add shared families. Sequences under 16 bases are compared by identity alone.

    Raises
    ------
    InputError
        For sequences as :class:`genolab.predict.SequenceClassifier` refuses, or groups of another number.
    """
    known, asked = encode("check_leaks", "train", train), encode("check_leaks", "test", test)
    rows: list[tuple[str, int, int, float]] = []
    first = {known[k].tobytes(): k for k in range(len(known) - 1, -1, -1)}
    rest = []
    for number in range(len(asked)):
        codes = asked[number]
        if (match := first.get(codes.tobytes())) is not None:
            rows.append((KINDS[0], number, match, 1.0))
        elif (match := first.get(complement(codes).tobytes())) is not None:
            rows.append((KINDS[1], number, match, 1.0))
        else:
            rest.append(number)
    word, compared = word_size(known, asked), []
    if word:
        ours, theirs = _word_sets([known, asked], word)
        compared = _sample(rest, ours, theirs, seed)
        for number, match, similarity in _closest(theirs, ours, compared):
            if similarity >= SIMILAR:
                rows.append((KINDS[2] if similarity >= NEAR else KINDS[3], number, match, similarity))
    if train_groups is not None or test_groups is not None:
        rows += _families(_labels("train_groups", train_groups, known), _labels("test_groups", test_groups, asked))
    rows.sort(key=lambda row: (row[1], KINDS.index(row[0])))
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return Leaks(
        list(columns[0]), np.array(columns[1], np.int64), np.array(columns[2], np.int64),
        np.array(columns[3], np.float64), len(asked), len(asked) - len(rest) + len(compared) if word else len(asked),
        word,
    )  # fmt: skip


def similarity_clusters(sequences: Any, threshold: float = SIMILAR) -> np.ndarray:
    """A number per sequence, the same for all that are tied by similarity: the groups of an honest split.

    Two sequences are tied where at least ``threshold`` of the shorter one's words are in the other (either strand), or
    where they are equal; what is tied to the same is tied.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    bases = encode("similarity_clusters", "sequences", sequences)
    first: dict[bytes, int] = {}
    pairs = []
    for number in range(len(bases)):
        codes = bases[number]
        key = min(codes.tobytes(), complement(codes).tobytes())
        pairs.append((number, first.setdefault(key, number)))
    word = word_size(bases, bases)
    if word:
        (sets,) = _word_sets([bases], word)
        sizes = np.diff(sets.indptr)
        for start, shared in _shared(sets, sets, np.arange(len(bases))):
            numbers = np.arange(start, start + len(shared))
            tied = shared >= threshold * np.maximum(np.minimum(sizes[numbers][:, None], sizes[None, :]), 1)
            one, other = np.nonzero(tied)
            pairs += list(zip(one + start, other, strict=True))
    ends = np.array(pairs).T
    graph = coo_matrix((np.ones(ends.shape[1], bool), tuple(ends)), (len(bases), len(bases)))
    clusters: np.ndarray = connected_components(graph, directed=False)[1]
    return clusters


def word_size(*sets: Bases) -> int:
    """Letters of a word: so many that two sequences rarely share one by chance; 0 where sequences are too short."""
    typical = float(np.median(np.concatenate([each.length for each in sets])))
    return 0 if typical < 16 else int(np.clip(round(np.log(typical * 400) / np.log(4)), 6, 11))


def _word_sets(sets: list[Bases], word: int) -> list[Any]:
    """Which words each sequence has, on its strand or the other, as sparse rows over words that occur."""
    from scipy.sparse import csr_matrix

    numbers, edges, powers = [], [0], 4 ** np.arange(word - 1, -1, -1)
    for bases in sets:
        for k in range(len(bases)):
            codes = bases[k].astype(np.int64)
            if codes.size < word:
                numbers.append(np.empty(0, np.int64))
            else:
                windows = np.lib.stride_tricks.sliding_window_view(codes, word)
                windows = windows[(windows < NONE).all(axis=1)]
                numbers.append(np.unique(np.minimum(windows @ powers, (3 - windows)[:, ::-1] @ powers)))
            edges.append(edges[-1] + numbers[-1].size)
    words, column = np.unique(np.concatenate(numbers), return_inverse=True)
    every = csr_matrix((np.ones(column.size, np.float32), column, edges), (len(numbers), max(words.size, 1)))
    starts = np.cumsum([0, *(len(bases) for bases in sets)])
    return [every[a:b] for a, b in pairwise(starts)]


def _sample(rest: list[int], train: Any, test: Any, seed: int) -> list[int]:
    """All of them, or as many as can be compared in seconds where everything shares words with everything."""
    work = float(np.asarray(train.sum(axis=0)).ravel() @ np.asarray(test.sum(axis=0)).ravel())
    most = max(200, int(len(rest) * min(1.0, _WORK / max(work, 1))))
    if len(rest) <= most:
        return rest
    return sorted(np.random.default_rng(seed).choice(rest, most, replace=False).tolist())


def _shared(asked: Any, known: Any, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    turned = known.T.tocsr()
    for start in range(0, len(numbers), _BLOCK):
        yield start, (asked[numbers[start : start + _BLOCK]] @ turned).toarray()


def _closest(asked: Any, known: Any, numbers: list[int]) -> Iterator[tuple[int, int, float]]:
    chosen, sizes, own = np.array(numbers, np.int64), np.diff(known.indptr), np.diff(asked.indptr)
    for start, shared in _shared(asked, known, chosen):
        part = chosen[start : start + len(shared)]
        similarity = shared / np.maximum(np.minimum(own[part][:, None], sizes[None, :]), 1)
        best = similarity.argmax(axis=1)
        yield from zip(part.tolist(), best.tolist(), similarity[np.arange(len(part)), best].tolist(), strict=True)


def _labels(name: str, groups: Any, bases: Bases) -> np.ndarray:
    labels = np.asarray(groups)
    if labels.shape != (len(bases),):
        raise InputError("check_leaks", name, f"a group for each of {len(bases):,} sequences", f"shape {labels.shape}")
    return labels


def _families(train: np.ndarray, test: np.ndarray) -> list[tuple[str, int, int, float]]:
    first = {group: number for number, group in reversed(list(enumerate(train.tolist())))}
    return [(KINDS[4], number, first[group], np.nan) for number, group in enumerate(test.tolist()) if group in first]
