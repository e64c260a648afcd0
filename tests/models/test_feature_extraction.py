"""The feature extractor: settings, refusals, saving."""

import json
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor

from ser_hf.models import SerFeatureExtractor, build_extractor

RATE = 16000


def clip(n: int = RATE, scale: float = 0.1, seed: int = 0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).normal(size=n)).astype(np.float32)


def features(extractor: SerFeatureExtractor, *args, **kwargs) -> np.ndarray:
    return extractor(*args, sampling_rate=extractor.sampling_rate, **kwargs)["input_features"]


@pytest.mark.parametrize("n", [1, 100, RATE, 3 * RATE, 5 * RATE + 7])
@pytest.mark.parametrize(("duration", "hop"), [(3.0, 256), (1.5, 160)])
def test_any_length_becomes_one_shape(n: int, duration: float, hop: int) -> None:
    extractor = SerFeatureExtractor(duration=duration, hop_length=hop, n_mels=40)
    result = features(extractor, clip(n))
    assert result.shape == (1, 40, extractor.n_frames) == (1, 40, 1 + int(duration * RATE) // hop)
    assert result.dtype == np.float32


def test_equals_the_librosa_chain() -> None:
    wave = np.concatenate([np.zeros(9000, dtype=np.float32), clip(20000), np.zeros(5000, dtype=np.float32)])
    extractor = SerFeatureExtractor(normalisation="none", trim_db=40)
    trimmed, _ = librosa.effects.trim(wave / np.abs(wave).max(), top_db=40)
    missing = 48000 - trimmed.size
    padded = np.pad(trimmed, (missing // 2, missing - missing // 2))
    mel = librosa.feature.melspectrogram(y=padded, sr=RATE, n_fft=1024, hop_length=256, n_mels=128)
    np.testing.assert_allclose(features(extractor, wave)[0], librosa.power_to_db(mel, ref=np.max, top_db=80), atol=1e-3)


def test_scaled_is_decibels_on_minus_one_to_one() -> None:
    plain = features(SerFeatureExtractor(normalisation="none"), clip())
    scaled = features(SerFeatureExtractor(), clip())
    np.testing.assert_allclose(scaled, plain / 40 + 1, atol=1e-6)
    assert scaled.min() == -1
    assert scaled.max() == 1


def test_loudness_and_neighbours_do_not_matter() -> None:
    extractor = SerFeatureExtractor()
    batch = features(extractor, [clip(9000, 1e-3), clip(70000, 0.5), 0.01 * clip(9000, 1e-3)])
    np.testing.assert_allclose(batch[0], features(extractor, clip(9000, 1e-3))[0], atol=1e-6)
    np.testing.assert_allclose(batch[0], batch[2], atol=1e-3)


def test_trimming_moves_speech_to_the_middle() -> None:
    late = np.concatenate([np.zeros(30000, dtype=np.float32), clip(8000)])
    early = np.concatenate([clip(8000), np.zeros(30000, dtype=np.float32)])
    trimmed = [features(SerFeatureExtractor(), wave)[0].mean(axis=0) for wave in (early, late)]
    untrimmed = [features(SerFeatureExtractor(trim_db=None), wave)[0].mean(axis=0) for wave in (early, late)]
    assert abs(np.argmax(trimmed[0] > -0.5) - np.argmax(trimmed[1] > -0.5)) <= 4
    assert abs(np.argmax(untrimmed[0] > -0.5) - np.argmax(untrimmed[1] > -0.5)) > 80


def test_return_types_and_tensors() -> None:
    extractor = SerFeatureExtractor()
    as_tensor = features(extractor, torch.from_numpy(clip()), return_tensors="pt")
    assert isinstance(as_tensor, torch.Tensor)
    np.testing.assert_array_equal(as_tensor.numpy(), features(extractor, clip(), return_tensors="np"))
    np.testing.assert_array_equal(features(extractor, clip()), features(extractor, clip().tolist()))
    kept = extractor([clip()], sampling_rate=RATE, device="cpu", keep_on_device=True)["input_features"]
    assert isinstance(kept, torch.Tensor)


def test_a_wrong_sampling_rate_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match=r"44100 Hz.*16000 Hz"):
        SerFeatureExtractor()(clip(), sampling_rate=44100)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (np.zeros((2, 800), dtype=np.float32), "mono"),
        (np.zeros(800, dtype=np.int16), "int16"),
        ([np.zeros(800, dtype=np.float32), np.zeros((800, 2))], "mono"),
        ([], "empty list"),
        (np.zeros(0, dtype=np.float32), "empty"),
        (np.full(800, np.nan, dtype=np.float32), "800 non-finite"),
    ],
)
def test_bad_clips_are_refused(bad, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SerFeatureExtractor()(bad, sampling_rate=RATE)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"duration": 0}, "duration"),
        ({"duration": 1e-6}, "shorter than one sample"),
        ({"hop_length": -1}, "hop_length"),
        ({"f_max": 9000}, "half the sampling rate"),
        ({"f_min": 4000, "f_max": 300}, "f_min"),
        ({"normalisation": "zscore"}, "scaled, none"),
        ({"trim_db": 0}, "trim_db"),
    ],
)
def test_bad_settings_are_refused(setting: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SerFeatureExtractor(**setting)


def test_unknown_settings_are_refused_with_the_nearest() -> None:
    assert build_extractor(n_mels=64, trim_db=None).n_mels == 64
    with pytest.raises(ValueError, match="did you mean 'n_mels'"):
        build_extractor(n_mel=64)


def test_saved_and_loaded_it_gives_the_same(tmp_path: Path) -> None:
    extractor = SerFeatureExtractor(duration=2.0, n_mels=64, f_min=60.0, f_max=7000.0, trim_db=None)
    extractor.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["sampling_rate"] == RATE
    assert saved["n_mels"] == 64
    for loaded in (SerFeatureExtractor.from_pretrained(tmp_path), AutoFeatureExtractor.from_pretrained(tmp_path)):
        assert isinstance(loaded, SerFeatureExtractor)
        assert loaded.to_dict() == extractor.to_dict()
        np.testing.assert_array_equal(features(loaded, clip()), features(extractor, clip()))


@pytest.mark.gpu
def test_the_device_does_not_matter() -> None:
    extractor = SerFeatureExtractor()
    clips = [clip(20000, seed=seed) for seed in range(300)]
    on_device = features(extractor, clips, device="cuda")
    assert isinstance(on_device, np.ndarray)
    np.testing.assert_allclose(on_device, features(extractor, clips), atol=1e-3)
