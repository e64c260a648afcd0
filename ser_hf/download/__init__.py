"""Corpora with a public address: fetched, checked and unpacked into their folders."""

from .download_corpus import Downloaded, by_hand, download_corpus, find_folder, licence_missing
from .extract import Limits
from .licences import accept, is_accepted
from .transfer import DownloadError, Patience

__all__ = [
    "DownloadError",
    "Downloaded",
    "Limits",
    "Patience",
    "accept",
    "by_hand",
    "download_corpus",
    "find_folder",
    "is_accepted",
    "licence_missing",
]
