"""The embedded default: a synthetic voice writes clips under true RAVDESS, SAVEE and TESS names.

Nothing needs to be downloaded for a first run, and every parser meets the names it is made for. The clips are no
recordings: a score on them says that a pipeline works, so whatever shows one must call it synthetic.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile

from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.base.cache_folder import cache_folder
from ser_hf.base.errors import CorpusError

from ._synthetic_names import Settings, takes

VERSION = 1
"""Raise it with every change of a sample or a name: caches are keyed by it."""

MARKER = "synthetic.json"
"""Written last; a folder without it is no synthetic corpus."""


def synthetic_root(cache: Path | None = None) -> Path:
    """Gives the folder of the embedded default corpus, which it writes at the first call (a few seconds).

    Args:
        cache: where to keep it; by default the folder named by ``SER_HF_CACHE``, or ``~/.cache/ser_hf``.

    Returns:
        A folder with the sub-folders ``ravdess``, ``savee`` and ``tess``.
    """
    return write_synthetic((cache or cache_folder()) / f"synthetic-v{VERSION}")


def write_synthetic(
    root: str | Path, *, seed: int = 0, actors: int = 8, repetitions: int = 1, sentences: int = 4, words: int = 5
) -> Path:
    """Writes the synthetic corpus, whole or not at all: ``root`` appears when its last clip is there.

    Args:
        root: the folder to make. If it already holds this very corpus, it is returned at once.
        seed: other seeds give other clips of the same speakers.
        actors: RAVDESS actors, 1 to 24.
        repetitions: RAVDESS repetitions of every statement and intensity, 1 or 2.
        sentences: SAVEE sentences of every emotion, 1 to 15; neutral has twice as many.
        words: TESS words, 1 to 10.

    Returns:
        ``root``, with 438 clips by default: 16 kHz PCM16 WAV files under ``ravdess/``, ``savee/`` and ``tess/``.

    Raises:
        CorpusError: ``root`` holds something else or cannot be written, or a number is out of its range.
    """
    root, settings = Path(root), Settings(seed, actors, repetitions, sentences, words)
    if _complete(root, settings):
        return root
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{root.name}.", dir=root.parent) as temporary:
            corpus = Path(temporary) / root.name
            _write(corpus, settings)
            _move(corpus, root, settings)
    except (OSError, soundfile.SoundFileError) as error:
        raise CorpusError(f"cannot write the synthetic corpus to {root}: {error}") from error
    return root


def _complete(root: Path, settings: Settings) -> bool:
    """Whether ``root`` holds this corpus; False where it is absent or empty."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        found = json.loads((root / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        raise CorpusError(f"{root} is there and holds no synthetic corpus; choose a folder that is not there") from None
    if found != _marker(settings):
        message = f"{root} holds another synthetic corpus ({found}); delete it or choose another folder"
        raise CorpusError(message)
    return True


def _marker(settings: Settings) -> dict[str, object]:
    return {"synthetic": True, "version": VERSION, **asdict(settings)}


def _write(folder: Path, settings: Settings) -> None:
    voices: dict[str, Voice] = {}
    for take in takes(settings):
        voice = voices.setdefault(take.speaker, Voice.invent(take.speaker, take.sex))
        seed = 100 * settings.seed + take.number
        samples = synthesise(take.emotion, voice, take.text, take.intensity, seed)
        path = folder / take.path
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.rint(samples * 32767).astype(np.int16), SAMPLING_RATE, subtype="PCM_16")
    (folder / MARKER).write_text(json.dumps(_marker(settings), indent=2) + "\n", "utf-8")


def _move(corpus: Path, root: Path, settings: Settings) -> None:
    """Moves the finished folder into place; a corpus that another process finished first is as good."""
    try:
        corpus.rename(root)
    except OSError:
        if not _complete(root, settings):
            raise
