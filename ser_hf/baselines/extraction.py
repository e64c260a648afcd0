"""The feature extractor of the baselines: one vector for a clip of any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ser_hf.base.errors import SerHfError
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.log_mel import LogMelSettings
from ser_hf.models.waveform import TRIM_DB, Waveform, as_waveform, peak_normalise, trim_silence

from .egemaps import EGEMAPS, egemaps
from .functionals import PROSODY, STATISTICS, functionals, mean_mfcc

FEATURES: dict[str, str] = {
    "mfcc_mean": "cepstral coefficients, each averaged over time",
    "functionals": "statistics of cepstral coefficients, mel bands, pitch and energy",
    "egemaps": "openSMILE's eGeMAPS",
}
"""What ``features`` may be, and what it is."""


class FunctionalsExtractor(SerFeatureExtractor):
    """Peak-normalise, trim silence, and describe the whole clip, however long, by one vector.

    It has one frame: ``input_features (B, feature_size, 1)``.

    Args:
        features: ``"functionals"``, ``"mfcc_mean"`` or ``"egemaps"`` (Eyben et al., IEEE Transactions on Affective
            Computing 2016, doi 10.1109/TAFFC.2015.2457417; needs openSMILE).
        sampling_rate: Hz of the waveforms; others are refused.
        n_fft: samples in a frame of the spectrogram.
        hop_length: samples between frames.
        n_mels: mel bands.
        n_mfcc: cepstral coefficients.
        f_min: lowest frequency in Hz.
        f_max: highest frequency in Hz; None for half the sampling rate.
        top_db: dynamic range kept under the loudest point of a clip, in dB; None keeps all.
        trim_db: silence at both ends this many dB under the loudest frame is cut; None keeps it.
        peak_normalise: scale every waveform to a peak of 1.

    Raises:
        ValueError: a setting is out of its range.
        SerHfError: openSMILE is asked for and not installed.

    >>> extractor = FunctionalsExtractor("mfcc_mean", n_mels=128)
    >>> extractor(np.zeros(8000, dtype=np.float32), sampling_rate=16000)["input_features"].shape
    (1, 20, 1)
    """

    _auto_class = None  # no code travels with a baseline: it needs ser_hf, and scikit-learn

    def __init__(
        self,
        features: str = "functionals",
        sampling_rate: int = 16000,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 64,
        n_mfcc: int = 20,
        f_min: float = 0.0,
        f_max: float | None = None,
        top_db: float | None = 80.0,
        trim_db: float | None = TRIM_DB,
        peak_normalise: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            sampling_rate=sampling_rate,
            n_fft=n_fft,
            hop_length=hop_length,
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            top_db=top_db,
            trim_db=trim_db,
            peak_normalise=peak_normalise,
            normalisation="none",
            reference=1.0,
            features=features,
            n_mfcc=n_mfcc,
        )
        full = len(STATISTICS) * (n_mfcc + n_mels) + len(PROSODY)
        self.feature_size = {"mfcc_mean": n_mfcc, "functionals": full, "egemaps": EGEMAPS}[features]

    @property
    def n_frames(self) -> int:
        """One vector for a clip."""
        return 1

    def prepare_waveform(self, samples: Any, out: Waveform | None = None) -> Waveform:
        """The clip ``(n,)``, scaled and trimmed as the settings say; of any length.

        Raises:
            ValueError: the clip is not mono, not floating-point, empty or not finite.
        """
        waveform = peak_normalise(samples) if self.peak_normalise else as_waveform(samples)
        return waveform if self.trim_db is None else trim_silence(waveform, self.trim_db)

    def to_dict(self) -> dict[str, Any]:
        """The settings, as they are saved."""
        return {"feature_extractor_type": type(self).__name__, **{name: getattr(self, name) for name in SETTINGS}}

    def _check(self) -> None:
        if self.features not in FEATURES:
            raise ValueError(f"feature setting features is {self.features!r}, expected one of {', '.join(FEATURES)}")
        if self.trim_db is not None and not self.trim_db > 0:
            raise ValueError(f"feature setting trim_db is {self.trim_db}, expected a positive number")
        self._log_mel_settings()
        if not 1 <= self.n_mfcc <= self.n_mels:
            raise ValueError(f"feature setting n_mfcc is {self.n_mfcc}, expected 1 to n_mels, {self.n_mels}")

    def _features(self, clips: Sequence[Any], device: torch.device) -> torch.Tensor:
        vector, settings = _VECTORS[self.features], self._log_mel_settings()
        vectors = [vector(self.prepare_waveform(clip), settings, self.n_mfcc) for clip in clips]
        return torch.from_numpy(np.stack(vectors))[:, :, None]


_VECTORS: dict[str, Callable[[Waveform, LogMelSettings, int], np.ndarray]] = {
    "mfcc_mean": mean_mfcc,
    "functionals": functionals,
    "egemaps": lambda waveform, settings, _: egemaps(waveform, settings.sampling_rate),
}
SETTINGS: tuple[str, ...] = (
    *("features", "sampling_rate", "n_fft", "hop_length", "n_mels", "n_mfcc"),
    *("f_min", "f_max", "top_db", "trim_db", "peak_normalise"),
)
"""The settings of a `FunctionalsExtractor`."""


def build_functionals(**settings: Any) -> FunctionalsExtractor:
    """The feature extractor for ``settings``.

    Raises:
        SerHfError: a setting that functionals of a whole clip do not have, or one out of its range.
    """
    for key in settings:
        if key not in SETTINGS:
            raise SerHfError(
                f"feature setting {key} is not for a baseline, which describes a whole clip; "
                f"it has: {', '.join(SETTINGS)}"
            )
    try:
        return FunctionalsExtractor(**settings)
    except ValueError as error:
        raise error if isinstance(error, SerHfError) else SerHfError(str(error)) from error
