"""The log-mel spectrogram of Whisper over a clip's true length, instead of 30 s of mostly silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import BatchFeature, WhisperFeatureExtractor

from .waveform import Waveform, as_waveform, trim_silence


class WhisperSerFeatureExtractor(WhisperFeatureExtractor):
    """Whisper's own log-mel spectrogram, as long as the clip; saved with the model.

    Time comes first, so that what pads a batch pads time: ``input_features (B, n_frames, feature_size)`` float32, 100
    frames a second, and ``attention_mask (B, n_frames)``, 1 where a clip is. Padding is 0 and is never heard. A clip
    longer than ``chunk_length`` seconds is cut to its middle: there are no positions for more.

    Args:
        trim_db: silence at both ends this many dB under the loudest frame is cut; None keeps it.
        settings: of `transformers.WhisperFeatureExtractor`.

    Raises:
        ValueError: ``trim_db`` is not positive.

    >>> extractor = WhisperSerFeatureExtractor()
    >>> extractor(np.zeros(8000, dtype=np.float32), sampling_rate=16000)["input_features"].shape
    (1, 50, 80)
    """

    model_input_names = ["input_features", "attention_mask"]  # noqa: RUF012 (the name and form transformers reads)

    def __init__(self, trim_db: float | None = None, **settings: Any) -> None:
        settings.pop("return_attention_mask", None)
        super().__init__(return_attention_mask=True, **settings)  # type: ignore[no-untyped-call]
        if trim_db is not None and not trim_db > 0:
            raise ValueError(f"feature setting trim_db is {trim_db}, expected a positive number")
        self.trim_db = trim_db

    def prepare_waveform(self, samples: Any) -> Waveform:
        """The samples ``(n,)`` of one mono clip that are heard.

        Raises:
            ValueError: the clip is not mono, not floating-point, empty or not finite.
        """
        waveform = as_waveform(samples)
        if self.trim_db is not None:
            waveform = trim_silence(waveform, self.trim_db)
        start = max(0, len(waveform) - self.n_samples) // 2
        waveform = waveform[start : start + self.n_samples]
        missing = self.n_fft - len(waveform)  # the spectrogram mirrors half a window at both ends
        return np.pad(waveform, (0, missing)) if missing > 0 else waveform

    def __call__(  # type: ignore[override]
        self, raw_speech: Any, sampling_rate: int | None = None, return_tensors: str | None = None, **kwargs: Any
    ) -> BatchFeature:
        """Computes features.

        Args:
            raw_speech: one mono floating-point clip ``(n,)`` in ``[-1, 1]``, or a list of them (of any lengths).
            sampling_rate: Hz of the clips; another than the extractor's is refused.
            return_tensors: ``"pt"`` for tensors, ``"np"`` or None for arrays.
            kwargs: ignored; transformers passes padding arguments.

        Raises:
            ValueError: the sampling rate is another, or a clip is stereo, integer, empty or not finite.
        """
        clips = [self._frames(clip, sampling_rate) for clip in _clips(raw_speech)]
        longest = max(map(len, clips))
        features = np.zeros((len(clips), longest, self.feature_size), np.float32)
        mask = np.zeros((len(clips), longest), np.int64)
        for i, clip in enumerate(clips):
            features[i, : len(clip)], mask[i, : len(clip)] = clip, 1
        return BatchFeature({"input_features": features, "attention_mask": mask}, tensor_type=return_tensors)

    def _frames(self, samples: Any, sampling_rate: int | None) -> np.ndarray:
        """Log-mel ``(n_frames, feature_size)`` of one clip."""
        found = super().__call__(
            self.prepare_waveform(samples),
            sampling_rate=sampling_rate,
            padding="longest",
            truncation=False,
            return_attention_mask=False,
            return_tensors="np",
        )
        return np.asarray(found["input_features"][0], np.float32).T


def _clips(raw_speech: Any) -> Sequence[Any]:
    """One clip or a list of clips, as a list of clips."""
    many = isinstance(raw_speech, list | tuple) and len(raw_speech) > 0 and not np.isscalar(raw_speech[0])
    return raw_speech if many else [raw_speech]
