"""RAVDESS + SAVEE as one dataset, EmoBox fold 1: the two corpora of the first recipes.

Usage: ``python dataset_scripts/ravdess_savee.py DATA_ROOT OUT``, where DATA_ROOT holds ``ravdess/`` and ``savee/``.
Then ``datasets.load_dataset(OUT, "combined")``. For your own use: SAVEE may not be published again.
"""

import sys

from ser_hf.building import build
from ser_hf.data import SplitOptions

if __name__ == "__main__":
    data_root, output = sys.argv[1:3]
    built = build(["ravdess", "savee"], output, protocol="emobox", options=SplitOptions(fold=1), data_root=data_root)
    sys.stdout.write(built.corpora.ledger.to_table())
