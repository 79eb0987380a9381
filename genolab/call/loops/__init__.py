"""The hand-written loops, which need Numba: loaded when reads are first held against haplotypes."""
