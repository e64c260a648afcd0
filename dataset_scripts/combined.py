"""Every corpus there is a folder of, 8 classes, whole speakers held out.

Corpora that may not be passed on go to the Hub as a manifest.

Usage: ``python dataset_scripts/combined.py --data_root DATA --output OUT [--push USER/NAME]``; DATA holds one
folder per corpus; further options are those of ``ser-hf build``. Then ``datasets.load_dataset(OUT, "combined")``.
"""

import sys

from ser_hf.cli import main

SETTINGS = "--corpora all --scheme 8class --protocol speaker-independent"

if __name__ == "__main__":
    sys.exit(main(["build", *SETTINGS.split(), *sys.argv[1:]]))
