"""The corpora: one file each, found by name; adding a corpus is adding a file."""

from ._corpus import CORPORA, Corpus, Download, Refuse, register
from ._folds import Fold, FoldSet
from ._listed import IDS, Listed, listed, text_of
from ._own import FOLDER, mistaken_for, own_corpus
from ._reading import COLUMNS, PARTITIONS, Reading, cell, fields_of, part_of
from ._scan import Scan, corpus_root, scan
from ._walk import AUDIO_EXTENSIONS, FILM_EXTENSIONS, audio_files

__all__ = [
    "AUDIO_EXTENSIONS",
    "COLUMNS",
    "CORPORA",
    "FILM_EXTENSIONS",
    "FOLDER",
    "IDS",
    "PARTITIONS",
    "Corpus",
    "Download",
    "Fold",
    "FoldSet",
    "Listed",
    "Reading",
    "Refuse",
    "Scan",
    "audio_files",
    "cell",
    "corpus_root",
    "fields_of",
    "listed",
    "mistaken_for",
    "own_corpus",
    "part_of",
    "register",
    "scan",
    "text_of",
]
