"""RAVDESS + SAVEE, 8 classes, EmoBox fold 1: the two corpora of the first recipes.

SAVEE may not be passed on: of it the Hub gets a manifest.

Usage: ``python dataset_scripts/ravdess_savee.py --data_root DATA --output OUT [--push USER/NAME]``; DATA holds one
folder per corpus; further options are those of ``ser-hf build``. Then ``datasets.load_dataset(OUT, "combined")``.
"""

import sys

from ser_hf.cli import main

SETTINGS = "--corpora ravdess savee --scheme 8class --protocol emobox --fold 1"

if __name__ == "__main__":
    sys.exit(main(["build", *SETTINGS.split(), *sys.argv[1:]]))
