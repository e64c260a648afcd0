"""What is worked on: noise that fades, or the clips of a corpus."""

from __future__ import annotations

from typing import Any

import numpy as np

from ser_hf.audio import load
from ser_hf.base.errors import SerHfError
from ser_hf.data import Corpora, load_corpus

from ._measure import Settings

RATE = 16_000
SYNTHETIC = "synthetic"


def load_clips(settings: Settings, cache_dir: str, default: str = SYNTHETIC) -> Corpora:
    """The corpus asked for, built anew in ``cache_dir``, or the default one."""
    return load_corpus([settings.corpus or default], data_root=settings.data_root, skip_bad=True, cache_dir=cache_dir)


def some(rows: Any, count: int) -> Any:
    """``count`` rows of a dataset, evenly spread.

    Raises:
        SerHfError: there are fewer.
    """
    if count > len(rows):
        raise SerHfError(f"clips is {count}, and the corpus has {len(rows)}; ask for fewer")
    return rows.select(np.linspace(0, len(rows) - 1, count).astype(int).tolist())


def waveforms(settings: Settings, cache_dir: str) -> list[np.ndarray]:
    """Clips of one length at 16 kHz: cut or padded ones of a corpus, or noise that fades.

    Returns:
        ``clips`` arrays ``(n,)`` float32.
    """
    length = round(settings.seconds * RATE)
    if settings.corpus is None:
        rng = np.random.default_rng(0)
        fading = np.exp(-np.linspace(0, 5, length, dtype=np.float32))
        return [0.1 * fading * rng.standard_normal(length, dtype=np.float32) for _ in range(settings.clips)]
    rows = some(load_clips(settings, cache_dir).dataset, settings.clips)
    decoded = [load(clip["bytes"], RATE)[:length] for clip in rows["audio"]]
    return [np.pad(samples, (0, length - len(samples))) for samples in decoded]
