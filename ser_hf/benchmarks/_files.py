"""Files that are worked on: those of a corpus as they are, or noise that fades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from ._clips import RATE, load_clips, some
from ._measure import Settings

_SHORTEST, _LONGEST = 0.6, 1.4
"""Lengths of the noise, over their mean."""


def clip_files(settings: Settings, folder: Path) -> list[str]:
    """Writes recordings of the corpus, or WAV files of noise of lengths around ``seconds``.

    Returns:
        Their paths, ``clips`` of them.
    """
    (folder / "clips").mkdir()
    found = []
    if settings.corpus is not None:
        rows = some(load_clips(settings, str(folder / "cache")).dataset, settings.clips)
        for number, clip in enumerate(rows["audio"]):
            found.append(folder / "clips" / f"{number}{Path(clip['path'] or '.wav').suffix}")
            found[-1].write_bytes(clip["bytes"])
        return [str(path) for path in found]
    rng = np.random.default_rng(0)
    for number, share in enumerate(np.linspace(_SHORTEST, _LONGEST, settings.clips)):
        found.append(folder / "clips" / f"{number}.wav")
        soundfile.write(found[-1], fading(rng, round(share * settings.seconds * RATE)), RATE, subtype="PCM_16")
    return [str(path) for path in found]


def fading(rng: np.random.Generator, length: int) -> np.ndarray:
    """Noise ``(length,)`` float32 that becomes softer."""
    envelope = np.exp(-np.linspace(0, 5, length, dtype=np.float32))
    noise: np.ndarray = 0.1 * envelope * rng.standard_normal(length, dtype=np.float32)
    return noise
