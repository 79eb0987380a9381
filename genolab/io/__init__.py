"""Files in, arrays out, and back: the only room that opens files. Coordinates are 0-based and half-open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.io.aligned import aligned_text, write_aligned
    from genolab.io.alignment_writer import check_bam_path, sorted_bam
    from genolab.io.alignments import Alignments, open_alignments
    from genolab.io.bed import BedIntervals, read_bed
    from genolab.io.budget import Limits, allow, limits, limits_here
    from genolab.io.cache import cache_folder
    from genolab.io.checks import Checked, check, check_all
    from genolab.io.contigs import ContigMatch, match_contigs
    from genolab.io.count_reader import CountFile, CountRows, count_blocks, open_counts
    from genolab.io.count_writer import write_counts, writing_counts
    from genolab.io.counts import CountTable, read_counts
    from genolab.io.digests import digest
    from genolab.io.dosages import Dosages, read_dosages
    from genolab.io.fastq import FastqFile, FastqReads, open_fastq, read_batches
    from genolab.io.index import build_index
    from genolab.io.kept import KeptTiles
    from genolab.io.labelled import LabelledSequences, read_labelled
    from genolab.io.looking import first_look
    from genolab.io.models import model_bytes, model_of, read_model, write_model
    from genolab.io.paths import readable
    from genolab.io.pedigree import Pedigree, PloidyTable, read_pedigree, read_ploidy
    from genolab.io.plink import Genotypes, read_plink
    from genolab.io.reads import AlignedReads
    from genolab.io.records import Field, VariantRecords
    from genolab.io.reference import Reference, open_reference
    from genolab.io.region import Region, parse_region
    from genolab.io.samples import SampleSheet, read_samples
    from genolab.io.sequences import NamedSequences, read_sequences
    from genolab.io.variant_writer import variant_bytes, write_variants
    from genolab.io.variants import Variants, read_variants

_HOME = {
    "aligned_text": "aligned", "write_aligned": "aligned",
    "Alignments": "alignments", "open_alignments": "alignments", "AlignedReads": "reads", "BedIntervals": "bed",
    "read_bed": "bed", "cache_folder": "cache",
    "allow": "budget", "limits": "budget", "Limits": "budget", "limits_here": "budget", "first_look": "looking",
    "Checked": "checks", "check": "checks", "check_all": "checks",
    "ContigMatch": "contigs", "match_contigs": "contigs",
    "CountTable": "counts", "read_counts": "counts", "count_blocks": "count_reader",
    "CountFile": "count_reader", "CountRows": "count_reader", "open_counts": "count_reader",
    "write_counts": "count_writer", "writing_counts": "count_writer",
    "SampleSheet": "samples", "read_samples": "samples",
    "digest": "digests",
    "build_index": "index", "Field": "records", "VariantRecords": "records", "Reference": "reference",
    "open_reference": "reference", "Region": "region", "parse_region": "region", "NamedSequences": "sequences",
    "read_sequences": "sequences", "write_variants": "variant_writer",
    "variant_bytes": "variant_writer",
    "Variants": "variants", "read_variants": "variants", "check_bam_path": "alignment_writer",
    "sorted_bam": "alignment_writer", "FastqFile": "fastq", "FastqReads": "fastq", "open_fastq": "fastq",
    "read_batches": "fastq", "readable": "paths",
    "LabelledSequences": "labelled", "read_labelled": "labelled",
    "Pedigree": "pedigree", "PloidyTable": "pedigree", "read_pedigree": "pedigree", "read_ploidy": "pedigree",
    "Genotypes": "plink", "read_plink": "plink", "read_model": "models", "write_model": "models",
    "model_bytes": "models", "model_of": "models", "KeptTiles": "kept",
    "Dosages": "dosages", "read_dosages": "dosages",
}  # fmt: skip

__all__ = [
    "AlignedReads",
    "Alignments",
    "BedIntervals",
    "Checked",
    "ContigMatch",
    "CountFile",
    "CountRows",
    "CountTable",
    "Dosages",
    "FastqFile",
    "FastqReads",
    "Field",
    "Genotypes",
    "KeptTiles",
    "LabelledSequences",
    "Limits",
    "NamedSequences",
    "Pedigree",
    "PloidyTable",
    "Reference",
    "Region",
    "SampleSheet",
    "VariantRecords",
    "Variants",
    "aligned_text",
    "allow",
    "build_index",
    "cache_folder",
    "check",
    "check_all",
    "check_bam_path",
    "count_blocks",
    "digest",
    "first_look",
    "limits",
    "limits_here",
    "match_contigs",
    "model_bytes",
    "model_of",
    "open_alignments",
    "open_counts",
    "open_fastq",
    "open_reference",
    "parse_region",
    "read_batches",
    "read_bed",
    "read_counts",
    "read_dosages",
    "read_labelled",
    "read_model",
    "read_pedigree",
    "read_plink",
    "read_ploidy",
    "read_samples",
    "read_sequences",
    "read_variants",
    "readable",
    "sorted_bam",
    "variant_bytes",
    "write_aligned",
    "write_counts",
    "write_model",
    "write_variants",
    "writing_counts",
]

__getattr__, __dir__ = lazy(__name__, {name: f"io.{file}" for name, file in _HOME.items()})
