"""Where a dataset lies: a repository of the Hub, or a folder or file here."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import PARTITIONS, Reading

_HUB = "hf://"
_REPOSITORY = re.compile(r"(?:hf://(?:datasets/)?)?([\w.-]+/[\w.-]+)(?::([\w.-]+))?")
_SAVED = ("state.json", "dataset_dict.json")
_BUILD = "build.json"
_KINDS = {".parquet": "parquet", ".arrow": "arrow"}
_ERRORS = (ValueError, OSError, datasets.exceptions.DatasetsError, datasets.exceptions.DatasetGenerationError)

Parts = dict[str, datasets.Dataset]


def is_dataset(source: str) -> bool:
    """Whether a source is a dataset, and no folder or table of recordings."""
    path = Path(source).expanduser()
    if source.startswith(_HUB):
        return True
    if path.is_file():
        return path.suffix.lower() in _KINDS
    return path.is_dir() and (any((path / name).is_file() for name in (*_SAVED, _BUILD)) or bool(_files(path)))


def dataset_source(words: str) -> tuple[str, str]:
    """A name for a dataset, and its source as ``data_dirs`` has it.

    >>> dataset_source("somebody/my-speech:clean")
    ('my-speech', 'hf://somebody/my-speech:clean')

    Args:
        words: ``USER/NAME``, ``USER/NAME:CONFIG``, or a folder or file here.

    Raises:
        CorpusError: it is neither.
    """
    path = Path(words).expanduser()
    if path.exists():
        return _name(path.resolve().stem if path.is_file() else path.resolve().name), words
    match = _REPOSITORY.fullmatch(words)
    if match is None:
        raise CorpusError(f"--dataset {words}: no such folder or file, and no USER/NAME or USER/NAME:CONFIG of the Hub")
    config = f":{match[2]}" if match[2] else ""
    return _name(match[1].split("/")[1]), f"{_HUB}{match[1]}{config}"


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-") or "dataset"


@dataclass(frozen=True)
class Source(ABC):
    """A dataset that can be loaded.

    ``USER/NAME`` or ``USER/NAME:CONFIG`` after ``hf://``; a folder of ``save_to_disk`` or ``ser-hf build``; a folder
    with Parquet or Arrow files, whose splits their names say; or one such file.
    """

    words: str

    @staticmethod
    def of(words: str) -> Source:
        """The source that somebody means."""
        if words.startswith(_HUB):
            return _Hub(words)
        path = Path(words).expanduser()
        if (path / _BUILD).is_file():
            return _Built(words)
        return _Saved(words) if any((path / name).is_file() for name in _SAVED) else _Files(words)

    def load(self) -> Parts:
        """Every split; recordings are left encoded.

        Raises:
            CorpusError: it cannot be loaded, or has no row.
        """
        with self.reading_on():
            found = self._load()
        parts = {"train": found} if isinstance(found, datasets.Dataset) else dict(found)
        parts = {split: _undecoded(part) for split, part in parts.items() if len(part)}
        if not parts:
            raise CorpusError(f"{self.words} has no row")
        return parts

    def stream(self) -> dict[str, Any]:
        """Every split, to be read row by row; recordings are left encoded.

        Raises:
            CorpusError: it cannot be loaded.
        """
        with self.reading_on():
            found = self._stream()
        parts = dict(found) if isinstance(found, dict) else {"train": found}
        return {split: _undecoded(part if part.features else part._resolve_features()) for split, part in parts.items()}

    @contextmanager
    def reading_on(self) -> Iterator[None]:
        """Says in one line what goes wrong while rows are read.

        Raises:
            CorpusError: instead of the library's errors.
        """
        before = datasets.logging.get_verbosity()
        datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # what is wrong is told here
        try:
            yield
        except _ERRORS as error:
            if isinstance(error, CorpusError):
                raise
            reason = next((line.strip() for line in f"{error}".splitlines() if line.strip()), type(error).__name__)
            raise CorpusError(f"{self.words} cannot be loaded as a dataset: {reason}") from error
        finally:
            datasets.logging.set_verbosity(before)

    @abstractmethod
    def _load(self) -> Any:
        """A dataset, or a dictionary of splits."""

    def _stream(self) -> Any:
        """The same, whole or as it arrives."""
        return self._load()

    def reading(self, reading: Reading) -> Reading:
        """How it is read, where the source itself knows."""
        return reading

    def facts(self) -> dict[str, Any]:
        """What the source knows of the corpus."""
        return {"title": self.words.removeprefix(_HUB), "homepage": ""}

    def state(self, parts: Parts) -> str:
        """Changes when the rows do."""
        return " ".join(f"{split} {part._fingerprint}" for split, part in parts.items())


class _Hub(Source):
    def _load(self) -> Any:
        return datasets.load_dataset(*self._named())

    def _stream(self) -> Any:
        return datasets.load_dataset(*self._named(), streaming=True)

    def _named(self) -> tuple[str, str | None]:
        match = _REPOSITORY.fullmatch(self.words)
        if match is None:
            raise CorpusError(f"{self.words}: expected hf://USER/NAME or hf://USER/NAME:CONFIG")
        return match[1], match[2]

    def facts(self) -> dict[str, Any]:
        repository = self.words.removeprefix(_HUB).partition(":")[0]
        return {"title": repository, "homepage": f"https://huggingface.co/datasets/{repository}"}


class _Saved(Source):
    def _load(self) -> Any:
        return datasets.load_from_disk(str(Path(self.words).expanduser()))


class _Files(Source):
    def _load(self) -> Any:
        path = Path(self.words).expanduser()
        files = _files(path) if path.is_dir() else [path]
        state = hashlib.sha256(
            "".join(f"{f.resolve()} {f.stat().st_size} {f.stat().st_mtime_ns}\n" for f in files).encode()
        )
        splits: dict[str, list[str]] = {}
        for file in files:
            splits.setdefault(_split(file, path), []).append(str(file))
        kind = _KINDS[files[0].suffix.lower()]
        # the name keeps apart what would be one entry of the cache: files of the same names with other content
        return datasets.load_dataset(kind, name=state.hexdigest()[:16], data_files=splits)


class _Built(_Files):
    """A folder that ``ser-hf build`` wrote: its columns are ours."""

    def reading(self, reading: Reading) -> Reading:
        return replace(reading, label_column=reading.label_column or "emotion")

    def facts(self) -> dict[str, Any]:
        path = Path(self.words).expanduser()
        try:
            corpora = json.loads((path / _BUILD).read_text(encoding="utf-8"))["corpora"]
            licences = dict.fromkeys(corpus["licence"] for corpus in corpora)
            return {
                "title": " + ".join(corpus["title"] for corpus in corpora),
                "licence": "; ".join(licences),
                "licence_url": corpora[0]["licence_url"] if len(licences) == 1 else "",
                "redistributable": all(corpus["redistributable"] for corpus in corpora),
                "citation": " ".join(filter(None, (corpus["citation"] for corpus in corpora))),
                "synthetic": any(corpus["synthetic"] for corpus in corpora),
            }
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise CorpusError(f"{path / _BUILD} is not readable: {error}; build the dataset again") from error


def _files(folder: Path) -> list[Path]:
    """The Parquet files below a folder, or the Arrow files where there is none."""
    for suffix in _KINDS:
        if found := sorted(p for p in folder.rglob(f"*{suffix}") if p.name != "manifest.parquet"):
            return found
    return []


def _split(file: Path, root: Path) -> str:
    """The split that the name of a file, or of a folder above it, says."""
    inside = file.relative_to(root) if root.is_dir() else Path(file.name)
    words = [word for part in reversed(inside.parts) for word in re.split(r"[^a-z0-9]+", part.lower())]
    return next((PARTITIONS[word] for word in words if word in PARTITIONS), "train")


def _undecoded(part: Any) -> Any:
    for name, kind in part.features.items():
        if isinstance(kind, datasets.Audio):
            part = part.cast_column(name, datasets.Audio(decode=False))
    return part.with_format(None)
