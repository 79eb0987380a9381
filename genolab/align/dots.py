"""Dot plots: where two sequences share words, forwards and as reverse complements, binned to a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.align.scoring import DNA, PROTEIN, Alphabet
from genolab.align.sequences import SequencesLike, encode
from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

_WHO = "dot_plot"
LONGEST = 50_000_000
"""Letters of a sequence at most: a word takes 16 bytes."""

FirstWords = Annotated[
    Symbol, Spec("first_place", "int64", "the word that begins at each place; below 0 for none", symbol="w")
]
SortedWords = Annotated[Symbol, Spec("second_rank", "int64", "the words of the second sequence, sorted", symbol="v")]
Places = Annotated[Symbol, Spec("second_rank", "int64", "where each of them begins", low=0)]
Window = Annotated[
    Symbol, Spec("edge=4", "int64", "first place in each sequence, and places, that are looked at", low=0)
]
Shape = Annotated[Symbol, Spec("axis=2", "int64", "bins along the first and the second sequence", low=1)]


class WordMatches(NamedTuple):
    """Shared words by place."""

    count: Annotated[Symbol, Spec("first_bin second_bin", "int64", "pairs of places with the same word", symbol="C")]


def _smallest() -> tuple[np.ndarray, ...]:
    words = np.array([0, 1])
    return words, words, np.arange(2), np.array([0, 0, 2, 2]), np.array([2, 2])


@kernel(backend="numpy", example=_smallest)
def word_matches(
    first: FirstWords, second_sorted: SortedWords, places: Places, window: Window, shape: Shape
) -> WordMatches:
    r"""Count the pairs of places that begin the same word, in bins.

    With :math:`w_i` and :math:`v_j` the words, and bins that part the window evenly,

    .. math:: C_{rc} = \left|\{(i, j): w_i = v_j,\; \lfloor (i - i_0) R / m \rfloor = r,\;
              \lfloor (j - j_0) C / n \rfloor = c\}\right|
    """
    i, j = pt.arange(first.shape[0]), places
    row, column = (i - window[0]) * shape[0] // window[2], (j - window[1]) * shape[1] // window[3]
    inside_i = pt.ge(i, window[0]) & pt.lt(i, window[0] + window[2]) & pt.ge(first, 0)
    inside_j = pt.ge(j, window[1]) & pt.lt(j, window[1] + window[3])
    same = pt.eq(first[:, None], second_sorted[None, :]) & inside_i[:, None] & inside_j[None, :]
    in_row = pt.eq(row[:, None], pt.arange(shape[0])[None, :]).astype("int64")
    in_column = pt.eq(column[:, None], pt.arange(shape[1])[None, :]).astype("int64")
    by_row = (same[:, :, None].astype("int64") * in_row[:, None, :]).sum(axis=0)
    return WordMatches((by_row[:, :, None] * in_column[:, None, :]).sum(axis=0).astype("int64"))


@word_matches.driven
def _count(
    first: np.ndarray, second_sorted: np.ndarray, places: np.ndarray, window: np.ndarray, shape: np.ndarray
) -> np.ndarray:
    from genolab.align.loops.dots import count_matches

    counts = np.zeros((int(shape[0]), int(shape[1])), np.int64)
    count_matches(first, second_sorted, places, window, counts)
    return counts


@dataclass(frozen=True, eq=False)
class DotPlot:
    """The words of two sequences, ready to be compared anywhere. Sequences are from 0; a word is at its first letter.

    Attributes
    ----------
    names, lengths
        Of the first and the second sequence.
    word
        Letters of a word.
    """

    names: tuple[str, str]
    lengths: tuple[int, int]
    word: int
    alphabet: Alphabet = field(repr=False)
    first: np.ndarray = field(repr=False)
    forward: tuple[np.ndarray, np.ndarray] = field(repr=False)
    backward: tuple[np.ndarray, np.ndarray] | None = field(repr=False)

    def __repr__(self) -> str:
        return f"<DotPlot: {self.lengths[0]:,} x {self.lengths[1]:,} letters, words of {self.word}>"

    @property
    def whole(self) -> tuple[int, int, int, int]:
        """The window that holds everything: first places, and places, of both sequences."""
        return 0, 0, *self.lengths

    def bins(
        self, window: tuple[int, int, int, int] | None = None, shape: tuple[int, int] = (500, 500)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Shared words in a window (first row and column, rows, columns), in at most ``shape`` bins.

        Returns
        -------
        Two arrays ``int64[row_bin, column_bin]``: shared words, and words shared with the reverse complement of the
        second sequence (none where the letters are not bases).
        """
        place = np.array(self.whole if window is None else window, np.int64)
        top, left, rows, columns = place.tolist()
        if rows < 1 or columns < 1 or top < 0 or left < 0:
            raise InputError("DotPlot.bins", "window", "places of both sequences", str(tuple(place.tolist())))
        size = np.array([min(shape[0], rows), min(shape[1], columns)], np.int64)
        found = [word_matches(self.first, *self.forward, place, size).count]
        if self.backward is None:
            return found[0], np.zeros_like(found[0])
        return found[0], word_matches(self.first, *self.backward, place, size).count

    @property
    def counts(self) -> tuple[int, int]:
        """How many pairs of places share a word, forwards and with the reverse complement."""
        forward, backward = self.bins(shape=(1, 1))
        return int(forward.sum()), int(backward.sum())

    def plot(self) -> Any:
        """The picture; zooming compares words again in what is in sight."""
        from genolab.plots.dot_plot import plot

        return plot(self)


def dot_plot(
    first: SequencesLike, second: SequencesLike | None = None, *, word: int | None = None, protein: bool = False
) -> DotPlot:
    """Compare every word of one sequence with every word of another.

    Parameters
    ----------
    first, second
        A text, an array of codes, or the path of a FASTA or FASTQ file, of which the first record is taken. Without
        ``second``, the first with itself.
    word
        Letters of a word; by default so many that chance gives about one match for every four places.
    protein
        Whether the letters are amino acids; of bases the reverse complement is compared too. Words with N and other
        letters that stand for several are left out.

    Raises
    ------
    InputError, FileError
        If a letter is unknown, a sequence is shorter than a word or longer than 50 million letters, or a word is too
        long (31 bases, 13 amino acids).
    """
    alphabet = PROTEIN if protein else DNA
    ours = encode(_WHO, "first", first, alphabet)
    theirs = ours if second is None else encode(_WHO, "second", second, alphabet)
    codes = [each.codes[: each.length[0]] for each in (ours, theirs)]
    lengths = codes[0].size, codes[1].size
    kinds = 20 if protein else 4
    if word is None:
        word = max(2 if protein else 4, int(np.ceil(np.log(4 * min(lengths)) / np.log(kinds))))
        word = min(word, *lengths)
    most = 13 if protein else 31
    if isinstance(word, bool) or not isinstance(word, int) or not 1 <= word <= most:
        raise InputError(_WHO, "word", f"a whole number from 1 to {most}", repr(word))
    for name, length in zip(("first", "second"), lengths, strict=True):
        if not word <= length <= LONGEST:
            raise InputError(_WHO, name, f"of {word:,} to {LONGEST:,} letters", f"{length:,}")
    words = [_words(each, word, kinds) for each in codes]
    backward = None
    if not protein:
        turned = _words(np.where(codes[1] < 4, 3 - codes[1], 4)[::-1].astype(np.uint8), word, kinds)[::-1]
        backward = _sorted(turned)
    names = tuple("" if each.given_names is None else each.given_names[0] for each in (ours, theirs))
    return DotPlot((names[0], names[1]), lengths, word, alphabet, words[0], _sorted(words[1]), backward)


def _words(codes: np.ndarray, word: int, kinds: int) -> np.ndarray:
    """The word that begins at each place as a number, -1 where a letter of it is not one of the kinds."""
    count = codes.size - word + 1
    numbers, plain = np.zeros(count, np.int64), np.ones(count, bool)
    for place in range(word):
        letters = codes[place : place + count]
        numbers = numbers * kinds + np.minimum(letters, kinds - 1)
        plain &= letters < kinds
    return np.where(plain, numbers, -1)


def _sorted(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(words, kind="stable")
    order = order[np.searchsorted(words[order], 0) :]  # those that are no words come first
    return words[order], order
