"""Cepstral coefficients and deltas against librosa."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.models.log_mel import LogMelSettings
from ser_hf.models.mfcc import LIBROSA, cepstrum, delta, mfcc, with_deltas

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")


def noise(n: int = 30000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 0.1, n) * np.sin(np.arange(n) / 3000) ** 2).astype(np.float32)


def librosa_mfcc(clip: np.ndarray, n_mfcc: int = 20, **options) -> np.ndarray:
    options = {"sr": 16000, "n_fft": 1024, "hop_length": 256, "n_mels": 128} | options
    return librosa.feature.mfcc(y=clip, n_mfcc=n_mfcc, **options)


@pytest.mark.parametrize("n_mfcc", [1, 13, 20, 128])
@pytest.mark.parametrize("clip", [noise(), noise(1), np.zeros(5000, dtype=np.float32)], ids=["noise", "one", "zeros"])
def test_equals_librosa(clip: np.ndarray, n_mfcc: int) -> None:
    found = mfcc(torch.from_numpy(clip)[None], n_mfcc=n_mfcc)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[0], librosa_mfcc(clip, n_mfcc), rtol=0, atol=1e-3)


def test_other_settings_equal_librosa() -> None:
    settings = LogMelSettings(
        n_fft=512, hop_length=160, n_mels=40, mel_scale="htk", f_max=7000, top_db=80, reference=1.0
    )
    expected = librosa_mfcc(noise(), 13, n_fft=512, hop_length=160, n_mels=40, htk=True, fmax=7000)
    np.testing.assert_allclose(mfcc(torch.from_numpy(noise())[None], settings, 13)[0], expected, rtol=0, atol=1e-3)


def test_the_reference_moves_the_first_coefficient_only() -> None:
    clip = torch.from_numpy(noise())[None]
    absolute, relative = mfcc(clip, LIBROSA), mfcc(clip, LogMelSettings())
    torch.testing.assert_close(absolute[:, 1:], relative[:, 1:], atol=1e-3, rtol=0)
    assert (absolute[:, 0] - relative[:, 0]).std() < 1e-3
    assert (absolute[:, 0] - relative[:, 0]).abs().min() > 1


@pytest.mark.real
@pytest.mark.parametrize("corpus", ["ravdess", "savee", "tess"])
def test_real_clips_equal_librosa(shared_data: Path, corpus: str) -> None:
    files = sorted((shared_data / corpus).rglob("*.flac"))
    for clip in (soundfile.read(file, dtype="float32")[0] for file in files[:: len(files) // 6]):
        found, expected = mfcc(torch.from_numpy(clip)[None])[0], librosa_mfcc(clip)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
        for order in (1, 2):
            expected_delta = librosa.feature.delta(expected, order=order)
            np.testing.assert_allclose(delta(found, order=order), expected_delta, rtol=0, atol=1e-3)


@given(
    n_frames=st.integers(3, 40),
    half=st.integers(1, 6),
    order=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_deltas_equal_librosa(n_frames: int, half: int, order: int, seed: int) -> None:
    width = 2 * half + 1
    features = np.random.default_rng(seed).normal(0, 30, (4, n_frames)).astype(np.float32)
    if n_frames < width:
        with pytest.raises(ValueError, match=f"over {width} frames needs as many, found {n_frames}"):
            delta(torch.from_numpy(features), width, order)
        return
    expected = librosa.feature.delta(features, width=width, order=order)
    np.testing.assert_allclose(delta(torch.from_numpy(features), width, order), expected, rtol=0, atol=1e-3)


def test_a_slope_is_its_delta() -> None:
    ramp = 3.0 * torch.arange(20.0)[None]
    torch.testing.assert_close(delta(ramp), torch.full((1, 20), 3.0))
    torch.testing.assert_close(delta(ramp**2 / 9, order=2), torch.full((1, 20), 2.0))


@pytest.mark.parametrize(("deltas", "rows"), [(0, 5), (1, 10), (2, 15)])
def test_deltas_are_stacked_under_the_features(deltas: int, rows: int) -> None:
    features = torch.randn(3, 5, 12)
    stacked = with_deltas(features, deltas)
    assert stacked.shape == (3, rows, 12)
    for order in range(1, deltas + 1):
        torch.testing.assert_close(stacked[:, 5 * order : 5 * order + 5], delta(features, order=order))
    torch.testing.assert_close(stacked[:, :5], features)


@pytest.mark.parametrize(("width", "order"), [(4, 1), (9, 0), (3, 3), (-3, 1)])
def test_derivatives_that_cannot_be_are_refused(width: int, order: int) -> None:
    with pytest.raises(ValueError, match=f"found width {width} and order {order}"):
        delta(torch.zeros(1, 20), width, order)


@pytest.mark.parametrize("n_mfcc", [0, 41])
def test_as_many_coefficients_as_mels_at_most(n_mfcc: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 40"):
        cepstrum(torch.zeros(1, 40, 3), n_mfcc)


def test_only_of_decibels() -> None:
    with pytest.raises(ValueError, match="in decibels, and scale is 'log'"):
        mfcc(torch.zeros(1, 1000), LogMelSettings(scale="log"))


def test_autocast_does_not_change_it() -> None:
    clip = torch.from_numpy(noise())[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = with_deltas(mfcc(clip), 2)
    torch.testing.assert_close(inside, with_deltas(mfcc(clip), 2))


@pytest.mark.gpu
@pytest.mark.parametrize("tf32", [False, True])
def test_the_device_does_not_matter(tf32: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", tf32)
    clips = torch.from_numpy(np.stack([noise(seed=seed) for seed in range(4)]))
    on_device = with_deltas(mfcc(clips.cuda()), 2)
    assert on_device.is_cuda
    torch.testing.assert_close(on_device.cpu(), with_deltas(mfcc(clips), 2), atol=1e-2, rtol=0)
