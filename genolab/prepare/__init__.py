"""Prepare expression and genotypes: normalise, impute, scale, correct batches. Samples in rows, genes in columns."""

from __future__ import annotations
