"""Finds the clips of a corpus below a folder: names only, no audio is opened."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Parse

AUDIO_EXTENSIONS = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
_LITTER = "__MACOSX"
_LITTER_FILES = (".DS_Store", "._")
_SHOWN = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies in a corpus folder.

    Attributes:
        corpus: the record.
        clips: one per recording, sorted by path.
        foreign: audio files that are not part of the corpus (another channel, a name outside its grammar).
        copies: files left out because a clip of the same identity was found before: (kept, left out).
        litter: number of files that an operating system left (``._*``, ``.DS_Store``, ``__MACOSX``), passed over.
    """

    corpus: Corpus
    clips: tuple[Clip, ...]
    foreign: tuple[Path, ...]
    copies: tuple[tuple[Path, Path], ...]
    litter: int = 0

    def remarks(self) -> list[str]:
        """What a user should know: counts that differ from the official ones or between speakers, files left out."""
        name, lines = self.corpus.name, []
        found = Counter(clip.native_label for clip in self.clips)
        off = [f"{k} {found[k]} of {n}" for k, n in self.corpus.expected.items() if found[k] != n]
        if off:
            total = sum(self.corpus.expected.values())
            lines.append(f"{name}: {len(self.clips)} clips found, {total} in the official release ({', '.join(off)})")
        if off or not self.corpus.expected:  # a complete release may well have been recorded unevenly
            lines += [f"{name}: {line}" for line in _speakers_with_fewer(self.clips)]
        if self.foreign:
            lines.append(f"{name}: {len(self.foreign)} audio files are not of this corpus, e.g. {self.foreign[0]}")
        if self.copies:
            kept, left = self.copies[0]
            lines.append(
                f"{name}: {len(self.copies)} files repeat a clip and were left out, e.g. {left} (same as {kept})"
            )
        if self.litter:
            lines.append(f"{name}: {self.litter} litter files (._*, .DS_Store, {_LITTER}) were passed over")
        return lines


def _speakers_with_fewer(clips: Iterable[Clip]) -> Iterator[str]:
    """Where most speakers recorded the same number of clips, those that have fewer lack some."""
    counts = Counter(clip.speaker for clip in clips if clip.speaker is not None)
    usual, speakers = Counter(counts.values()).most_common(1)[0] if counts else (0, 0)
    fewer = sorted(f"{speaker} {n}" for speaker, n in counts.items() if n < usual)
    if fewer and len(counts) > 2 and speakers > len(counts) / 2:
        some = ", ".join(fewer[:_SHOWN]) + (" ..." if len(fewer) > _SHOWN else "")
        yield f"{len(fewer)} of {len(counts)} speakers have fewer clips than the usual {usual}: {some}"


def audio_files(root: Path, extensions: frozenset[str] = AUDIO_EXTENSIONS) -> Iterator[Path]:
    """Every file below ``root`` with one of the extensions, in whatever case; litter is passed over.

    Sorted within each folder, a folder's own files before those of its sub-folders.
    """
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(f for f in folders if f != _LITTER and not f.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in extensions:
                yield Path(folder, name)


def _count_litter(root: Path) -> int:
    count = 0
    for folder, folders, files in os.walk(root):
        inside = _LITTER in Path(folder).relative_to(root).parts
        folders[:] = [f for f in folders if not f.startswith(".")]
        count += len(files) if inside else sum(f.startswith(_LITTER_FILES) for f in files)
    return count


def corpus_root(corpus: Corpus, data_root: str | Path | None, data_dirs: Mapping[str, str] | None = None) -> Path:
    """The folder of a corpus: ``data_dirs[name]`` if given, else the folder of its name (any case) under ``data_root``.

    Raises:
        CorpusError: there is no such folder; the message says what was looked for and how to get the corpus.
    """
    name = corpus.name
    if data_dirs and name in data_dirs:
        root = Path(data_dirs[name]).expanduser()
        looked = str(root)
    elif data_root is None:
        raise CorpusError(
            f"corpus {name!r}: no folder given; pass --data_root DIR (with DIR/{name}) or --data_dirs {name}=DIR"
        )
    else:
        parent = Path(data_root).expanduser()
        looked = str(parent / name)
        same = [p for p in sorted(parent.iterdir()) if p.name.lower() == name] if parent.is_dir() else []
        root = same[0] if same else parent / name
    if not root.exists():
        raise CorpusError(
            f"corpus {name!r}: looked for {looked}, which does not exist. {corpus.how_to_get} "
            f"Then pass --data_root with the folder that holds {name}/, or --data_dirs {name}=DIR."
        )
    return root


def scan(corpus: Corpus, root: str | Path) -> Scan:
    """Finds the clips of ``corpus`` below ``root``.

    Raises:
        CorpusError: no clip is found, or a name has an unknown emotion code.
    """
    root = Path(root)
    kept: dict[str, Clip] = {}
    foreign: list[Path] = []
    copies: list[tuple[Path, Path]] = []
    for path, clip in _candidates(corpus, root):
        if clip is None:
            foreign.append(path)
        elif clip.clip_id in kept:
            best, other = sorted((kept[clip.clip_id], clip), key=_preference)
            kept[clip.clip_id] = best
            copies.append((best.path, other.path))
        else:
            kept[clip.clip_id] = clip
    if not kept:
        raise CorpusError(
            f"corpus {corpus.name!r}: no clip found below {root} ({len(foreign)} other audio files there). "
            f"Expected audio files named like {corpus.names}. {corpus.how_to_get}"
        )
    clips = sorted(kept.values(), key=lambda clip: clip.path)
    return Scan(corpus, tuple(clips), tuple(foreign), tuple(copies), _count_litter(root))


def _preference(clip: Clip) -> tuple[bool, int]:
    """Of several copies audio goes before video, then the largest: copies at a lower rate circulate."""
    is_audio = clip.path.suffix.lower() in AUDIO_EXTENSIONS
    return not is_audio, -(clip.path.stat().st_size if clip.path.exists() else 0)


def _candidates(corpus: Corpus, root: Path) -> Iterator[tuple[Path, Clip | None]]:
    if corpus.find is not None:
        yield from ((clip.path, clip) for clip in corpus.find(root))
        return
    parse: Parse | None = corpus.reader(root) if corpus.reader is not None else corpus.parse
    if parse is not None:
        yield from ((path, parse(path)) for path in audio_files(root, AUDIO_EXTENSIONS | corpus.extensions))
