"""The hand-written loops, which need Numba: loaded when something is first aligned."""
