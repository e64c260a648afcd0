"""Finds the clips of a corpus below a folder: names only, no audio is opened."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.ledger import LeftOut
from ser_hf.records import Clip

from ._corpus import Corpus, Parse, Refuse
from ._strays import CODE, SECOND, UNLISTED, UNSAID, misplaced, reason
from ._walk import AUDIO_EXTENSIONS, LITTER, NATIVE, audio_files, survey

_SHOWN = 5
_EXAMPLES = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies in a corpus folder.

    Attributes:
        corpus: the record.
        clips: one per recording, sorted by path.
        foreign: audio files that are not part of the corpus (another channel, a name outside its grammar).
        copies: files left out because a clip of the same identity was found before: (kept, left out).
        strays: reason -> the audio files that are no clips for it; ``foreign`` and ``copies`` are among them.
        refused: path and what is wrong with it, of the files whose name has an unknown code.
        misplaced: clips that lie in another speaker's folder.
        links: links that lead out of the folder.
        litter: number of files that an operating system left (``._*``, ``.DS_Store``, ``__MACOSX``), passed over.
    """

    corpus: Corpus
    clips: tuple[Clip, ...]
    foreign: tuple[Path, ...]
    copies: tuple[tuple[Path, Path], ...]
    strays: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    misplaced: tuple[Clip, ...] = ()
    links: tuple[Path, ...] = ()
    litter: int = 0
    root: Path = Path()

    def left_out(self) -> list[LeftOut]:
        """The audio files that are no clips, by reason."""
        return [
            LeftOut(self.corpus.name, why, len(paths), tuple(self._below(path) for path in paths[:_EXAMPLES]))
            for why, paths in self.strays.items()
        ]

    def _below(self, path: Path) -> str:
        """A path below the corpus' folder, as text a report can hold."""
        inside = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        return inside.as_posix().encode("utf-8", "backslashreplace").decode()

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
            lines.append(
                f"{name}: {len(self.foreign)} audio files are not of this corpus, e.g. {self._below(self.foreign[0])}"
            )
        if self.misplaced:
            first = self._below(self.misplaced[0].path)
            lines.append(
                f"{name}: {len(self.misplaced)} clips lie in another speaker's folder, e.g. {first}; "
                "the speaker is taken from the name"
            )
        if self.links:
            first = self._below(self.links[0])  # and not where it leads: a card is no place for a machine's folders
            lines.append(f"{name}: {len(self.links)} links lead out of the corpus' folder, e.g. {first}")
        if self.copies:
            kept, left = self.copies[0]
            lines.append(
                f"{name}: {len(self.copies)} files repeat a clip and were left out, e.g. {self._below(left)} "
                f"(same as {self._below(kept)})"
            )
        if self.litter:
            lines.append(f"{name}: {self.litter} litter files (._*, .DS_Store, {LITTER}) were passed over")
        return lines


def _speakers_with_fewer(clips: Iterable[Clip]) -> Iterator[str]:
    """Where most speakers recorded the same number of clips, those that have fewer lack some."""
    counts = Counter(clip.speaker for clip in clips if clip.speaker is not None)
    usual, speakers = Counter(counts.values()).most_common(1)[0] if counts else (0, 0)
    fewer = sorted(f"{speaker} {n}" for speaker, n in counts.items() if n < usual)
    if fewer and len(counts) > 2 and speakers > len(counts) / 2:
        some = ", ".join(fewer[:_SHOWN]) + (" ..." if len(fewer) > _SHOWN else "")
        yield f"{len(fewer)} of {len(counts)} speakers have fewer clips than the usual {usual}: {some}"


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


def scan(corpus: Corpus, root: str | Path, skip_bad: bool = False) -> Scan:
    """Finds the clips of ``corpus`` below ``root``.

    Args:
        corpus: its record.
        root: its folder.
        skip_bad: leave out files whose name has an unknown code, and list them, instead of stopping.

    Raises:
        CorpusError: no clip is found, or a name has an unknown code.
    """
    root = Path(root)
    kept: dict[str, Clip] = {}
    copies: list[tuple[Path, Path]] = []
    strays: dict[str, list[Path]] = defaultdict(list)
    refused: list[tuple[Path, str]] = []

    def refuse(path: Path, error: CorpusError) -> None:
        if not skip_bad:
            raise error
        refused.append((path, str(error).replace(f"{root}{os.sep}", "")))

    parse = corpus.reader(root) if corpus.reader is not None else corpus.parse
    foreign: list[Path] = []
    for path, clip in _candidates(corpus, root, parse, refuse):
        if clip is None:
            foreign.append(path)
            strays[UNLISTED if corpus.find is not None else reason(path, corpus, parse)].append(path)
        elif clip.clip_id in kept:
            best, other = sorted((kept[clip.clip_id], clip), key=_preference)
            kept[clip.clip_id] = best
            copies.append((best.path, other.path))
            strays[SECOND].append(other.path)
        else:
            kept[clip.clip_id] = clip
    strays[UNSAID if corpus.own else CODE] = [path for path, _ in refused]
    if not kept:
        why = f"; {refused[0][1]}" if refused else ""
        raise CorpusError(
            f"corpus {corpus.name!r}: no clip found below {root} ({len(foreign)} other audio files there{why}). "
            f"Expected audio files named like {corpus.names}. {corpus.how_to_get}"
        )
    clips = sorted(kept.values(), key=lambda clip: clip.path)
    litter, links = survey(root)
    return Scan(
        corpus,
        tuple(clips),
        tuple(foreign),
        tuple(copies),
        {why: tuple(paths) for why, paths in sorted(strays.items()) if paths},
        tuple(problem for _, problem in refused),
        tuple(misplaced(clips, corpus, root)),
        links,
        litter,
        root,
    )


def _preference(clip: Clip) -> tuple[bool, int]:
    """Of several copies audio goes before what may not be read, then the largest: copies at a lower rate circulate."""
    is_native = clip.path.suffix.lower() in NATIVE
    return not is_native, -(clip.path.stat().st_size if clip.path.exists() else 0)


def _candidates(corpus: Corpus, root: Path, parse: Parse | None, refuse: Refuse) -> Iterator[tuple[Path, Clip | None]]:
    """Every audio file with its clip, None where it is no clip; those of which too little is known are refused."""
    if corpus.find is not None:
        listed: set[Path] = set()

        def note(path: Path, error: CorpusError) -> None:
            listed.add(path)
            refuse(path, error)

        for found in corpus.find(root, note):
            listed.add(found.path)
            yield found.path, found
        if root.is_dir():
            yield from ((path, None) for path in audio_files(root) if path not in listed)
    elif parse is not None:
        for path in audio_files(root, AUDIO_EXTENSIONS | corpus.extensions):
            try:
                clip = parse(path)
            except CorpusError as error:
                refuse(path, error)
            else:
                yield path, clip
