"""Which samples are called: their files, their read groups, their names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from genolab import io
from genolab.errors import FileError, InputError
from genolab.io import Alignments

Reads = str | os.PathLike[str]
_WHO = "call_variants"


@dataclass(frozen=True)
class Member:
    """One sample: where its reads are, and its name in that file where it is one of several (else None)."""

    name: str
    alignments: Alignments
    in_file: str | None


def open_members(
    stack: ExitStack,
    reads: Reads | Sequence[Reads],
    reference: Reads,
    sample: str | Sequence[str] | None,
    index: Literal["build", "cache"] | None,
) -> list[Member]:
    """Open the files, to be closed by ``stack``: every sample of every file, or those asked for, in that order.

    Raises
    ------
    FileError, InputError
        If a file has no contigs or other ones than the first, two samples have one name, or one asked for is missing.
    """
    paths = [reads] if isinstance(reads, str | os.PathLike) else list(reads)
    if not paths:
        raise InputError(_WHO, "reads", "one file or more", "none")
    members: list[Member] = []
    first: Alignments | None = None
    for path in paths:
        opened = stack.enter_context(io.open_alignments(path, reference, index))
        if not opened.contigs:
            raise FileError(
                opened.path, field="header", expected="reads mapped to contigs",
                found="no contigs: the reads are not mapped", fix="Map them to the reference first.",
            )  # fmt: skip
        first = first or opened
        if opened.contigs != first.contigs:
            raise FileError(
                opened.path, field="header", expected=f"the contigs of {first.path.name}",
                found=_difference(first, opened), fix="Map all samples to one reference.",
            )  # fmt: skip
        names = opened.samples
        if len(names) > 1:
            members += [Member(name, opened, name) for name in names]
        else:
            members.append(Member(names[0] if names else opened.path.name.split(".")[0], opened, None))
    return _chosen(members, sample)


def _chosen(members: list[Member], sample: str | Sequence[str] | None) -> list[Member]:
    if sample is not None:
        wanted = [sample] if isinstance(sample, str) else list(sample)
        by_name = {each.name: each for each in members}
        for name in wanted:
            if name not in by_name:
                known = ", ".join(list(by_name)[:10])
                raise InputError(_WHO, "sample", "a sample of the files", repr(name), f"There are {known}.")
        if not wanted:
            raise InputError(_WHO, "sample", "one name or more, or None for all", "none")
        members = [each for each in members if each.name in set(wanted)]
        members.sort(key=lambda each: wanted.index(each.name))
    names = [each.name for each in members]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        where = ", ".join(each.alignments.path.name for each in members if each.name == twice)
        fix = "Merge the files of one sample (samtools merge), or name their read groups' samples (SM) apart."
        raise InputError(_WHO, "reads", "samples that differ", f"{twice!r} in {where}", fix)
    return members


def _difference(one: Alignments, other: Alignments) -> str:
    for name, length in other.contigs.items():
        if one.contigs.get(name) != length:
            known = f"{one.contigs[name]:,} long there" if name in one.contigs else "not there"
            return f"{name} of {length:,} positions, {known}"
    missing = next((name for name in one.contigs if name not in other.contigs), None)
    return f"no {missing}" if missing is not None else "another order"
