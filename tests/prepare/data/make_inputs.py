"""Makes the inputs of ``expected.R`` from a folder with bladder_expr.csv.gz and bladder_pheno.csv: its argument."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE, SOURCE = Path(__file__).parent, Path(sys.argv[1])

rng = np.random.default_rng(7)
genes, samples = 400, 12
mean = rng.gamma(0.6, 150, genes) + 0.2
dispersion = 0.05 + 2 / mean * rng.gamma(4, 0.25, genes)
depth = rng.uniform(0.4, 2.5, samples)
level = np.outer(depth, mean)
level[1::2, :40] *= 3  # the second group differs in a tenth of the genes
counts = rng.negative_binomial(1 / dispersion, 1 / (1 + level * dispersion))
counts[:, 17] = 0  # a gene never seen, and one seen once
counts[:, 18] = 0
counts[3, 18] = 2
names = [f"gene{g + 1}" for g in range(genes)]
table = pd.DataFrame(counts, index=[f"sample{s + 1}" for s in range(samples)], columns=names)
table.to_csv(HERE / "counts.csv.gz", compression={"method": "gzip", "mtime": 0})

# every 150th probe of bladderbatch (Artistic-2.0; Leek 2016, doi:10.18129/B9.bioc.bladderbatch)
bladder = pd.read_csv(SOURCE / "bladder_expr.csv.gz", index_col=0).iloc[::150].T
bladder.to_csv(HERE / "bladder.csv.gz", compression={"method": "gzip", "mtime": 0})
pd.read_csv(SOURCE / "bladder_pheno.csv", index_col=0).to_csv(HERE / "bladder_pheno.csv")
