"""Several samples in the call panel: read and called together, one of them in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genolab import io
from genolab.call import JointCalls, PloidyMap, Thresholds, VariantCalls, call_variants, collect
from genolab.call.cohort import genotype_together
from genolab.call.joint_calls import Prior
from genolab.io import Region

if TYPE_CHECKING:
    from genolab.panels.source import Loaded, Source
    from genolab.scale import Progress


def samples_of(paths: Sequence[Path], reference: Path) -> list[tuple[Path, str, str | None]]:
    """File, name and name in the file (None where it is the only one) of every sample."""
    found: list[tuple[Path, str, str | None]] = []
    for path in paths:
        with io.open_alignments(path, reference) as alignments:
            names = alignments.samples
        if len(names) > 1:
            found += [(path, name, name) for name in names]
        else:
            found.append((path, names[0] if names else path.name.split(".")[0], None))
    return found


def call_together(
    source: Source,
    region: Region,
    thresholds: Thresholds,
    ploidy: int,
    progress: Progress,
    small: bool,
    backend: str | None,
) -> JointCalls:
    """All samples of a source: with their reads in memory where they are few, else tile by tile."""
    paths = (source.reads, *source.more)
    if not small:
        found = call_variants(
            paths, source.reference, region, ploidy=ploidy, thresholds=thresholds, progress=progress, backend=backend,
            tile=max(min(100_000, region.length // 20), 1_000),
        )  # fmt: skip
        assert isinstance(found, JointCalls)
        return replace(found, regions=(region,), evidences=None)
    evidences = []
    for path, name, in_file in samples_of(paths, source.reference):
        progress(None, f"reading {name}")
        evidences.append(replace(collect(path, source.reference, region, in_file), sample=name))
    progress(None, "calling")
    return genotype_together(evidences, thresholds, Prior(PloidyMap(ploidy)), backend)


def called_again(joint: JointCalls, thresholds: Thresholds, backend: str | None) -> JointCalls:
    """The same reads with other thresholds."""
    assert joint.evidences is not None
    return genotype_together(joint.evidences, thresholds, joint.prior, backend)


def shown(joint: JointCalls, sample: str | None) -> VariantCalls:
    """The calls of the sample in the picture; the first where none is chosen."""
    return joint.of(sample if sample in joint.samples else joint.samples[0])


def switched(loaded: Loaded | None, source: Source, thresholds: Thresholds, ploidy: int) -> Loaded | None:
    """What is on screen with another sample in the picture, if nothing else was asked for."""
    if loaded is None or loaded.joint is None or loaded.too_large or source.sample not in loaded.joint.samples:
        return None
    joint = loaded.joint
    same = replace(loaded.source, sample=source.sample) == source
    if not same or joint.thresholds != thresholds or joint.prior.ploidies.usual != ploidy:
        return None
    return replace(loaded, source=source, calls=shown(joint, source.sample))
