"""Numba's part of the kernels: importing a file of this folder imports Numba, so the kernels do so when they run."""
