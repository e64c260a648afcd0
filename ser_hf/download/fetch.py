"""One published file, fetched once: through the download manager of ``datasets``, and checked before it is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import datasets
from datasets.utils.file_utils import hash_url_to_filename

from ser_hf.corpora import Download

from .transfer import PART, PREFIX, DownloadError, Patience, register

_PAGE = (b"<!doctype html", b"<html")
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A published file on disk.

    Attributes:
        path: where it lies, under a name of the cache's own.
        compared: what it was checked by: ``"sha256"``, ``"md5"``, ``"size"``, or ``"nothing"``.
    """

    path: Path
    compared: str


def fetch(download: Download, cache: Path, *, force: bool = False, patience: Patience | None = None) -> Fetched:
    """Gives the file in the cache, which is filled at the first call; later ones ask nothing of the server.

    Args:
        download: the file's record.
        cache: folder of the fetched files.
        force: fetch it even if it is in the cache.
        patience: how long a broken connection is put up with.

    Raises:
        DownloadError: it cannot be fetched, or is not the published one; then it is deleted from the cache.
    """
    register()
    options = {"size": download.size, "name": download.filename, "patience": patience}
    scheme = download.url.partition("://")[0]
    config = datasets.DownloadConfig(
        cache_dir=cache,
        force_download=force,
        use_etag=False,  # the record says which bytes are right, so the server need not be asked
        storage_options={PREFIX + scheme: options},
        download_desc=download.filename,
    )
    try:
        path = Path(datasets.DownloadManager(download_config=config).download(PREFIX + download.url))
    except ConnectionError as error:  # what `datasets` says when it is told to stay offline
        raise DownloadError(f"{download.url} cannot be fetched: {error}") from error
    try:
        return Fetched(path, verify(path, download))
    except DownloadError:
        path.unlink()
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        raise


def bytes_here(download: Download, cache: Path) -> int:
    """How much of the file is in the cache already."""
    whole = cache / hash_url_to_filename(PREFIX + download.url)
    return next((path.stat().st_size for path in (whole, whole.with_suffix(PART)) if path.exists()), 0)


def verify(path: Path, download: Download) -> str:
    """Holds a file against its record: by SHA-256, else by MD5, else by size.

    Returns:
        What was compared: ``"sha256"``, ``"md5"``, ``"size"`` or ``"nothing"`` where the record knows none of them.

    Raises:
        DownloadError: they differ, or the file is a web page or a Git LFS pointer.
    """
    size = path.stat().st_size
    for kind in ("sha256", "md5", "size"):
        expected = getattr(download, kind)
        if expected is None:
            continue
        found = size if kind == "size" else _digest(path, kind)
        if found != (expected if kind == "size" else expected.lower()):
            raise DownloadError(_mismatch(path, download, f"{kind} {expected}", f"{kind} {found}"))
        return kind
    if _is_something_else(path, download):
        raise DownloadError(_mismatch(path, download, "an archive or a recording", "none"))
    return "nothing"


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def _is_something_else(path: Path, download: Download) -> str:
    """What servers send in place of a file, in words; empty if it is none of that."""
    with path.open("rb") as file:
        head = file.read(1024).lstrip().lower()
    if head.startswith(_POINTER):
        return "a Git LFS pointer"
    is_page = head.startswith(_PAGE) and not download.filename.lower().endswith((".html", ".htm"))
    return "a web page" if is_page else ""


def _mismatch(path: Path, download: Download, expected: str, found: str) -> str:
    what = _is_something_else(path, download) or "another file"
    return (
        f"{download.url} sent {what} ({path.stat().st_size} bytes) in place of {download.filename}: expected "
        f"{expected}, found {found}. It was deleted; run the command again, and if that brings the same, open the "
        "address in a browser"
    )
