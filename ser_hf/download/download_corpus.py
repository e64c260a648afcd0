"""From a corpus' record to its folder: fetched, checked, unpacked, in place, counted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from datasets.utils import tqdm

from ser_hf.base.atomic import write_json
from ser_hf.base.cache_folder import cache_folder
from ser_hf.base.errors import CorpusError, SerHfError
from ser_hf.base.provenance import now
from ser_hf.corpora import Corpus, Download, Scan, corpus_root, scan

from ._members import ArchiveError
from .extract import Limits, extract, is_archive, unpacked_size
from .fetch import Fetched, bytes_here, fetch
from .licences import accept, is_accepted
from .staging import staged
from .transfer import Patience

NOTE = "ser_hf_download.json"
"""Says where the files beside it came from; only folders with it are replaced on request."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A corpus on disk.

    Attributes:
        corpus: the record.
        folder: where it lies.
        fetched: False where it was there before.
        scan: its clips.
        checks: file name -> what it was compared by; ``"nothing"`` where no checksum is published.
        left_out: entries of the archives that were passed over.
    """

    corpus: Corpus
    folder: Path
    fetched: bool
    scan: Scan
    checks: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    def remarks(self) -> list[str]:
        """What a user should know: counts that differ from the official ones, files left out, files not checked."""
        lines = self.scan.remarks()
        if self.left_out:
            lines.append(
                f"{self.corpus.name}: {len(self.left_out)} entries of the archives were passed over, as they are "
                f"litter or there already, e.g. {self.left_out[0]!r}"
            )
        unchecked = [name for name, kind in self.checks.items() if kind == "nothing"]
        if unchecked:
            lines.append(f"{self.corpus.name}: no checksum is published of {', '.join(unchecked)}")
        return lines


def find_folder(corpus: Corpus, data_root: str | Path) -> tuple[Path, bool]:
    """The folder of a corpus below ``data_root``, and whether there is anything in it."""
    try:
        folder = corpus_root(corpus, data_root)
    except CorpusError:
        return Path(data_root).expanduser() / corpus.name, False
    return folder, not folder.is_dir() or any(folder.iterdir())


def download_corpus(
    corpus: Corpus,
    data_root: str | Path,
    *,
    accept_license: bool = False,
    force: bool = False,
    cache: Path | None = None,
    limits: Limits | None = None,
    patience: Patience | None = None,
) -> Downloaded:
    """Fetches a corpus to ``<data_root>/<corpus>``, whole or not at all; one that is there already is only counted.

    Args:
        corpus: its record, e.g. ``CORPORA["ravdess"]``.
        data_root: folder that holds one folder per corpus.
        accept_license: accept the licence, which is remembered. Not needed where it was accepted before.
        force: fetch and unpack again what was fetched before.
        cache: where fetched files are kept, by default `cache_folder`.
        limits: what an archive may become.
        patience: how long a broken connection is put up with.

    >>> download_corpus(CORPORA["ravdess"], "data", accept_license=True)  # doctest: +SKIP

    Raises:
        CorpusError: the corpus cannot be fetched by a program, or something else lies in its place.
        SerHfError: the licence is not accepted, a file cannot be fetched or unpacked, or there is no room.
    """
    cache = cache or cache_folder()
    folder, present = find_folder(corpus, data_root)
    if present and not force:
        return Downloaded(corpus, folder, False, _count(corpus, folder), {})
    if not corpus.downloads:
        raise CorpusError(by_hand(corpus, folder))
    if present and not (folder / NOTE).is_file():
        raise CorpusError(f"{folder} was not fetched by ser_hf, so it is not replaced; move it away")
    if accept_license:
        accept(corpus, cache)
    elif not is_accepted(corpus, cache):
        raise SerHfError(licence_missing([corpus]))
    for download in corpus.downloads:
        _check_place(download)
    store = cache / "downloads"
    _check_space(corpus, folder, store)
    files = {d: fetch(d, store, force=force, patience=patience) for d in corpus.downloads}
    with staged(folder) as made:
        left_out = [line for d, file in files.items() for line in _unpack(d, file, made, limits)]
        write_json(made / NOTE, {"corpus": corpus.card(), "files": [asdict(d) for d in files], "fetched": now()})
    checks = {d.filename: file.compared for d, file in files.items()}
    return Downloaded(corpus, folder, True, _count(corpus, folder), checks, tuple(left_out))


def by_hand(corpus: Corpus, folder: Path) -> str:
    """What to do where a registration or a browser is needed."""
    return (
        f"corpus {corpus.name!r} cannot be fetched by a program. {corpus.how_to_get} Put it in {folder}, so that files "
        f"named like {corpus.names} lie there or in sub-folders of any depth"
    )


def licence_missing(corpora: list[Corpus]) -> str:
    """What to do where licences are not accepted."""
    terms = "; ".join(f"{c.name}: {c.licence}, {c.licence_url}" for c in corpora)
    return f"not accepted yet: {terms}. Read it; if you accept it, run the command again with --accept_license"


def _count(corpus: Corpus, folder: Path) -> Scan:
    try:
        return scan(corpus, folder)
    except CorpusError as error:
        fetched = (folder / NOTE).is_file()
        mend = "--force fetches it again" if fetched else "to have it fetched, move that folder away"
        raise CorpusError(f"{folder} is there, but: {error} ({mend})") from error


def _check_place(download: Download) -> None:
    place = PurePosixPath(download.folder, download.filename)
    if place.is_absolute() or ".." in place.parts or download.filename != place.name:
        raise CorpusError(f"the record of {download.url} puts {place} outside the corpus' folder; mend the record")


def _unpack(download: Download, file: Fetched, made: Path, limits: Limits | None) -> list[str]:
    """Puts a fetched file where it belongs; gives what was passed over.

    Raises:
        ArchiveError: it is damaged or hostile. Where no checksum is published the transfer may be at fault, so that the
            file is deleted from the cache.
    """
    try:
        return _place(download, file.path, made, limits)
    except ArchiveError:
        if file.compared not in ("sha256", "md5"):
            file.path.unlink()
        raise


def _place(download: Download, path: Path, made: Path, limits: Limits | None) -> list[str]:
    into = made / download.folder
    into.mkdir(parents=True, exist_ok=True)
    if not is_archive(path, download.filename):
        shutil.copyfile(path, into / download.filename)
        return []
    size, free = unpacked_size(path, download.filename), shutil.disk_usage(made).free
    if size > free:
        raise SerHfError(f"{download.filename} unpacks to {size} bytes; there are {free} free at {made.parent.parent}")
    with tqdm(desc=f"Unpacking {download.filename}", total=size, unit="B", unit_scale=True) as bar:
        return extract(path, into, name=download.filename, limits=limits, progress=bar.update).left_out


def _check_space(corpus: Corpus, folder: Path, store: Path) -> None:
    """Refuses before the first byte what cannot fit: the files, and at least as much again unpacked.

    Raises:
        SerHfError: there is too little room.
    """
    unpacked = sum(d.size or 0 for d in corpus.downloads)
    missing = sum(max((d.size or 0) - bytes_here(d, store), 0) for d in corpus.downloads)
    target, cache = _existing(folder), _existing(store)
    if target.stat().st_dev == cache.stat().st_dev:
        unpacked, missing = unpacked + missing, 0
    for place, need in ((target, unpacked), (cache, missing)):
        free = shutil.disk_usage(place).free
        if need > free:
            raise SerHfError(
                f"{place} has {free} bytes free; corpus {corpus.name!r} needs at least {need}. Make room, or choose "
                "another --data_root, and another folder for the cache by SER_HF_CACHE"
            )


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.absolute().parents) if p.exists())
