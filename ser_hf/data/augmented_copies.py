"""Augmented copies of clips: rows of their own, with a recording of their own, that name their source."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import datasets
import numpy as np
import soundfile

from ser_hf.audio import audio_hash, decode
from ser_hf.audit import FINGERPRINT
from ser_hf.base.errors import SplitError
from ser_hf.records import AUDIO, AUDIO_HASH, AUGMENTATION, CLIP_ID, DURATION, INPUT_FEATURES, SOURCE

_OF_THE_AUDIO = (FINGERPRINT, INPUT_FEATURES)
"""What a copy cannot take from its source."""
_WRITTEN = 64
"""Copies held before they are written: with their recordings, so that memory does not grow with their number."""

Augment = Callable[[np.ndarray, int, np.random.Generator], tuple[np.ndarray, str]]
"""Samples, their rate in Hz and a generator -> changed samples, and in words what was done."""


@dataclass(frozen=True)
class Perturbation:
    """Another tempo, another pitch and some noise: every copy draws its own.

    The strengths of "Recognition of Emotions in Speech using Neural Networks", where clips are peak-normalised first.

    Attributes:
        tempo: factors are drawn evenly from this range.
        semitones: pitch shifts are drawn evenly up to so many, either way.
        noise: standard deviation of Gaussian noise, as a share of the clip's peak.
    """

    tempo: tuple[float, float] = (0.8, 1.2)
    semitones: float = 2.0
    noise: float = 0.005

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Gives the changed samples, float32 ``(n,)``, and what was done to them."""
        from ser_hf.augment import add_noise, tempo_and_pitch  # loads torch, which building and downloading do without

        tempo, semitones = round(rng.uniform(*self.tempo), 4), round(self.semitones * rng.uniform(-1, 1), 4)
        changed = tempo_and_pitch(samples, rate, tempo, semitones)
        changed = add_noise(changed, self.noise * float(np.abs(samples).max()), rng)
        return changed, f"time_stretch={tempo} pitch_shift={semitones} noise={self.noise}"


def make_copies(
    originals: datasets.Dataset, numbers: list[int], augment: Augment, seed: int, num_proc: int | None = None
) -> datasets.Dataset:
    """One copy of every row, with a recording of its own; kept by ``datasets`` for the same rows and arguments.

    Args:
        originals: rows with ``audio``, ``clip_id`` and what else a copy has of its own.
        numbers: of the copies, one for each row.
        augment: what is done to the recordings.
        seed: of what is drawn.
        num_proc: worker processes.

    Raises:
        SplitError: a column is missing.
        AudioError: a clip cannot be decoded.
    """
    require(originals, AUDIO, CLIP_ID, SOURCE, AUGMENTATION, DURATION, AUDIO_HASH)
    originals = originals.remove_columns([c for c in _OF_THE_AUDIO if c in originals.column_names])
    return originals.map(
        copy_row,
        with_indices=True,
        fn_kwargs={"numbers": numbers, "seed": seed, "augment": augment},
        features=originals.features,
        writer_batch_size=_WRITTEN,
        num_proc=num_proc,
        desc="augmented copies",
    )


def copy_row(row: dict[str, Any], index: int, numbers: list[int], seed: int, augment: Augment) -> dict[str, Any]:
    """The columns in which copy ``numbers[index]`` of a clip differs from it; the step of a ``map``.

    What becomes of it depends on the seed, the clip and the number, and not on other rows or workers.

    Raises:
        AudioError: the recording cannot be decoded.
    """
    clip, number = row[CLIP_ID], numbers[index]
    samples, rate = decode(row[AUDIO]["bytes"] or row[AUDIO]["path"], clip, math.inf)
    digest = hashlib.sha256(f"{seed}|{clip}|{number}".encode()).digest()
    changed, words = augment(samples, rate, np.random.default_rng(list(digest)))
    data = _flac(changed, rate)
    heard, _ = decode(data, clip, math.inf)
    return {
        AUDIO: {"bytes": data, "path": f"{PurePath(clip).name}#{number}.flac"},
        CLIP_ID: f"{clip}#{number}",
        SOURCE: clip,
        AUGMENTATION: words,
        DURATION: np.float32(len(heard) / rate),
        AUDIO_HASH: audio_hash(heard, rate),
    }


def _flac(samples: np.ndarray, rate: int) -> bytes:
    """Sixteen bits; what would be clipped is made quieter."""
    file = io.BytesIO()
    soundfile.write(file, samples / max(1.0, float(np.abs(samples).max())), rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def require(dataset: datasets.Dataset, *columns: str) -> None:
    """Refuses rows that lack a column.

    Raises:
        SplitError: with the columns that are there.
    """
    missing = [c for c in columns if c not in dataset.column_names]
    if missing:
        raise SplitError(f"balancing needs the column {missing[0]} (the rows have: {', '.join(dataset.column_names)})")
