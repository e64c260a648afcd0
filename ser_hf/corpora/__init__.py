"""The corpora: one file each, found by name; adding a corpus is adding a file."""

from ._corpus import CORPORA, Corpus, register
from ._scan import AUDIO_EXTENSIONS, Scan, audio_files, corpus_root, scan

__all__ = ["AUDIO_EXTENSIONS", "CORPORA", "Corpus", "Scan", "audio_files", "corpus_root", "register", "scan"]
