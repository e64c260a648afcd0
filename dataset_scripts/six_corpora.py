"""RAVDESS, SAVEE, CREMA-D, ESD, TESS and JL, 7 classes, whole speakers held out: acted speech of six corpora.

The corpora of "Recognition of Emotions in Speech using Neural Networks", whose own split is speaker-mixed.
SAVEE, ESD and TESS may not be passed on: of them the Hub gets a manifest.

Usage: ``python dataset_scripts/six_corpora.py --data_root DATA --output OUT [--push USER/NAME]``; DATA holds one
folder per corpus; further options are those of ``ser-hf build``. Then ``datasets.load_dataset(OUT, "combined")``.
"""

import sys

from ser_hf.cli import main

SETTINGS = "--corpora ravdess savee crema_d esd tess jl --scheme 7class --protocol speaker-independent"

if __name__ == "__main__":
    sys.exit(main(["build", *SETTINGS.split(), *sys.argv[1:]]))
