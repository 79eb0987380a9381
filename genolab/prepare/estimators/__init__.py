"""Estimators in scikit-learn's convention, hosts of the room's kernels. Importing a file of this folder imports it."""
