"""The files below a corpus' folder: links are followed once, litter is passed over and counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ser_hf.base.errors import CorpusError

NATIVE = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif"})
"""What libsndfile reads."""
AUDIO_EXTENSIONS = NATIVE | {".m4a", ".aac", ".amr", ".3gp", ".webm", ".wma"}
"""Those of telephones and browsers count as well: none of them is lost because PyAV, which reads them, is missing."""
FILM_EXTENSIONS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".avi", ".flv", ".wmv", ".mpg", ".mpeg", ".ts", ".3g2"})
"""Files with pictures too: heard where they are named, and no clips of a corpus, which has them beside the sound."""
LITTER = "__MACOSX"
_LITTER_FILES = (".DS_Store", "._")


def audio_files(root: Path, extensions: frozenset[str] = AUDIO_EXTENSIONS) -> Iterator[Path]:
    """Every file below ``root`` with one of the extensions, in whatever case; litter is passed over.

    Sorted within each folder, a folder's own files before those of its sub-folders. Links are followed, and every real
    folder is entered once, however many links lead to it.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.stat(folder)
        if (real.st_dev, real.st_ino) in seen:
            folders.clear()
            continue
        seen.add((real.st_dev, real.st_ino))
        folders[:] = sorted(f for f in folders if f != LITTER and not f.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in extensions:
                yield Path(folder, name)


def table_files(root: Path, extensions: frozenset[str]) -> Iterator[Path]:
    """The tables and transcripts among the files below ``root``, which are opened, unlike the audio.

    Raises:
        CorpusError: one is a device, pipe or socket.
    """
    for path in audio_files(root, extensions):
        if path.exists() and not path.is_file():
            raise CorpusError(f"{path} is a device, pipe or socket, not a table; take it out of the folder")
        yield path


def survey(root: Path) -> tuple[int, tuple[Path, ...]]:
    """The number of litter files, and the links that lead out of the folder."""
    count, links = 0, []
    home = os.path.realpath(root)
    for folder, folders, files in os.walk(root):
        inside = LITTER in Path(folder).relative_to(root).parts
        folders[:] = [f for f in folders if not f.startswith(".")]
        count += len(files) if inside else sum(f.startswith(_LITTER_FILES) for f in files)
        linked = [path for name in (*folders, *files) if os.path.islink(path := os.path.join(folder, name))]
        links += [Path(p) for p in linked if os.path.commonpath((home, os.path.realpath(p))) != home]
    return count, tuple(sorted(links))
