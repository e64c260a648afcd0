"""Mel scales and filters against librosa."""

import librosa
import numpy as np
import pytest

from ser_hf.models.mel_scale import hz_to_mel, mel_filters, mel_to_hz


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mels_equal_librosas_and_come_back(scale: str) -> None:
    hz = np.concatenate([[0, 1, 999.999, 1000, 1000.001], np.geomspace(10, 48000, 50)])
    np.testing.assert_allclose(hz_to_mel(hz, scale), librosa.hz_to_mel(hz, htk=scale == "htk"), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz, scale), scale), hz, rtol=1e-12)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", "none"])
@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "f_min", "f_max"),
    [(16000, 1024, 128, 0, 8000), (22050, 2048, 40, 20, 11025), (8000, 255, 12, 100, 3000), (44100, 512, 1, 0, 22050)],
)
def test_filters_equal_librosas(
    rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float, scale: str, norm: str
) -> None:
    expected = librosa.filters.mel(
        sr=rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=f_min,
        fmax=f_max,
        htk=scale == "htk",
        norm="slaney" if norm == "slaney" else None,
        dtype=np.float64,
    )
    found = mel_filters(rate, n_fft, n_mels, f_min, f_max, scale, norm)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
