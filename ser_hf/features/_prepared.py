"""Features of clips that are decoded, trimmed and cut by several threads, and then transformed together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ser_hf.base.errors import AudioError
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.blocks import ahead

from ._compute import HELD, SMALL, Row, load_clip, size_of
from ._finite import TOO_LOUD, check_finite


def takes_prepared(extractor: SerFeatureExtractor) -> bool:
    """Whether features come of waveforms of one length, by the methods of `SerFeatureExtractor` itself."""
    kind = type(extractor)
    return kind.__call__ is SerFeatureExtractor.__call__ and kind._features is SerFeatureExtractor._features


def features_of_prepared(
    rows: Sequence[Row], extractor: SerFeatureExtractor, device: str, threads: int
) -> tuple[list[str], np.ndarray]:
    """What messages call one or more clips, and features ``(B, n_mels, n_frames)`` float32, each of its own clip alone.

    A thread lets go what it decoded when it has cut it to the extractor's length. Files that are large are decoded by
    the calling thread: long recordings must not add up.

    Raises:
        AudioError: a clip cannot be used, or what becomes of it is not finite; the message names it.
    """
    names: list[str] = []
    parts: list[np.ndarray] = []
    size = max(1, HELD // extractor.n_samples)
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        waveforms = np.empty((len(some), extractor.n_samples), np.float32)
        called = _prepare(some, extractor, waveforms, threads)
        features = extractor.of_prepared(waveforms, torch.device(device)).cpu().numpy()
        check_finite(features, called, TOO_LOUD)
        names += called
        parts.append(features)
    return names, parts[0] if len(parts) == 1 else np.concatenate(parts)


def _prepare(rows: Sequence[Row], extractor: SerFeatureExtractor, out: np.ndarray, threads: int) -> list[str]:
    """Writes what the extractor takes of each clip to ``out``, and gives the clips' names."""

    def work(i: int) -> str:
        row, clip = rows[i]
        name, samples = load_clip(clip, extractor.sampling_rate, row)
        try:
            extractor.prepare_waveform(samples, out=out[i])
        except ValueError as error:
            raise AudioError(f"{name}: {error}") from error
        return name

    if threads < 2 or len(rows) < 2:
        return [work(i) for i in range(len(rows))]
    small = [i for i, (_, clip) in enumerate(rows) if size_of(clip) <= SMALL]
    with ahead(work, small, threads) as told:
        later = dict(zip(small, told, strict=True))
        return [later[i].result() if i in later else work(i) for i in range(len(rows))]
