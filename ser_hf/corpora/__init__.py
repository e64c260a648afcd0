"""The corpora: one file each, found by name; adding a corpus is adding a file."""

from ._corpus import CORPORA, Corpus, Download, register
from ._folds import Fold, FoldSet
from ._scan import Scan, corpus_root, scan
from ._walk import AUDIO_EXTENSIONS, audio_files

__all__ = [
    "AUDIO_EXTENSIONS",
    "CORPORA",
    "Corpus",
    "Download",
    "Fold",
    "FoldSet",
    "Scan",
    "audio_files",
    "corpus_root",
    "register",
    "scan",
]
