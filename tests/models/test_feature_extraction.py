"""The feature extractor: settings, refusals, saving."""

import contextlib
import json
import logging
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


OLD = {  # what a release without the further settings saved
    "duration": 1.0,
    "f_max": None,
    "f_min": 0.0,
    "feature_extractor_type": "SerFeatureExtractor",
    "feature_size": 128,
    "hop_length": 256,
    "n_fft": 1024,
    "n_mels": 128,
    "normalisation": "scaled",
    "padding_side": "right",
    "padding_value": 0.0,
    "peak_normalise": True,
    "return_attention_mask": False,
    "sampling_rate": 16000,
    "top_db": 80.0,
    "trim_db": 30.0,
}


def test_an_extractor_saved_before_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(OLD))
    wave = clip(30000)
    padded = wave[7000:23000] / np.abs(wave).max()
    mel = librosa.feature.melspectrogram(y=padded, sr=RATE, n_fft=1024, hop_length=256, n_mels=128)
    expected = librosa.power_to_db(mel, ref=np.max, top_db=80) / 40 + 1
    found = features(AutoFeatureExtractor.from_pretrained(tmp_path), wave)
    np.testing.assert_allclose(found[0], expected, atol=2.5e-5)


def test_a_clip_of_its_own_mean_and_deviation() -> None:
    plain = features(SerFeatureExtractor(normalisation="none"), [clip(), clip(9000, seed=1)])
    found = features(SerFeatureExtractor(normalisation="clip"), [clip(), clip(9000, seed=1)])
    for one, normalised in zip(plain.astype(np.float64), found, strict=True):
        np.testing.assert_allclose(normalised, (one - one.mean()) / one.std(), atol=1e-4)
    for reference in (None, 1.0):
        silent = SerFeatureExtractor(normalisation="clip", reference=reference)
        assert (features(silent, np.zeros(100, dtype=np.float32)) == 0).all()


def test_statistics_of_the_training_set(tmp_path: Path) -> None:
    mean, std = np.linspace(-60, -20, 128), np.linspace(5, 12, 128)
    plain = SerFeatureExtractor(normalisation="none")
    extractor = plain.with_normalisation("statistics", mean, std)
    expected = (features(plain, clip())[0] - mean[:, None]) / std[:, None]
    np.testing.assert_allclose(features(extractor, clip())[0], expected, atol=1e-5)
    extractor.save_pretrained(tmp_path)
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert loaded.mean == mean.tolist()
    np.testing.assert_array_equal(features(loaded, clip()), features(extractor, clip()))
    assert plain.normalisation == "none"
    assert plain.mean is None
    stored = torch.from_numpy(features(plain, clip()))
    assert torch.equal(extractor.normalise(stored), torch.from_numpy(features(extractor, clip())))


@pytest.mark.parametrize("deltas", [0, 1, 2])
def test_mfcc_equal_librosas(deltas: int) -> None:
    settings = {"features": "mfcc", "n_mfcc": 13, "normalisation": "none", "reference": 1.0, "trim_db": None}
    extractor = SerFeatureExtractor(**settings, deltas=deltas, duration=1.0)
    wave = clip() / np.abs(clip()).max()
    expected = librosa.feature.mfcc(y=wave, sr=RATE, n_mfcc=13, n_fft=1024, hop_length=256, n_mels=128)
    parts = [expected, *(librosa.feature.delta(expected, order=order) for order in range(1, deltas + 1))]
    found = features(extractor, clip())
    assert found.shape == (1, extractor.feature_size, extractor.n_frames) == (1, 13 * (1 + deltas), 63)
    np.testing.assert_allclose(found[0], np.concatenate(parts), atol=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"window_function": "hamming", "win_length": 400, "n_fft": 512, "mel_scale": "htk", "mel_norm": "none"},
        {"power": 1.0, "scale": "log", "top_db": None, "normalisation": "clip"},
        {"reference": 0.5, "normalisation": "none"},
        {"features": "mfcc", "n_mfcc": 3, "deltas": 2, "normalisation": "statistics", "mean": [0] * 9, "std": [2] * 9},
    ],
)
def test_every_setting_counts_and_is_saved(settings: dict, tmp_path: Path) -> None:
    extractor = build_extractor(duration=0.5, **settings)
    extractor.save_pretrained(tmp_path)
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert loaded.to_dict() == extractor.to_dict()
    assert {key: getattr(loaded, key) for key in settings} == settings
    np.testing.assert_array_equal(features(loaded, clip()), features(extractor, clip()))
    for key in set(settings) - {"features", "normalisation", "n_mfcc", "deltas", "top_db"}:
        rest = {name: value for name, value in settings.items() if name != key}
        if key not in ("mean", "std"):
            assert not np.array_equal(features(build_extractor(duration=0.5, **rest), clip()), features(loaded, clip()))


def test_filters_that_miss_every_bin_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with capture(caplog):
        SerFeatureExtractor(n_fft=128, n_mels=101)
        assert "of 101 mel filters lie between the bins of n_fft=128" in caplog.text
        caplog.clear()
        SerFeatureExtractor()
        assert not caplog.text


@contextlib.contextmanager
def capture(caplog: pytest.LogCaptureFixture):
    """Lets the messages of the models, which transformers prints itself, reach ``caplog``."""
    logger = logging.getLogger("ser_hf.models.feature_extraction")
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)


def test_the_bad_clip_of_a_large_batch_is_refused() -> None:
    clips = [clip(5000, seed=seed) for seed in range(30)]
    clips[17] = np.full(800, np.inf, dtype=np.float32)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(ValueError, match="800 non-finite"):
            SerFeatureExtractor()(clips, sampling_rate=RATE)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("normalisation", ["scaled", "clip"])
def test_batches_are_their_clips(normalisation: str) -> None:
    extractor = SerFeatureExtractor(normalisation=normalisation)
    clips = [clip(3000 + 1700 * seed, 10.0 ** (-seed % 4), seed) for seed in range(30)]
    alone = np.concatenate([features(extractor, one) for one in clips])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        np.testing.assert_allclose(features(extractor, clips), alone, atol=1e-6)
    finally:
        torch.set_num_threads(threads)


def test_the_middle_of_a_long_clip_remains() -> None:
    long = clip(10 * 60 * RATE)
    middle = long[long.size // 2 - 24000 : long.size // 2 + 24000]
    extractor = SerFeatureExtractor(trim_db=None, peak_normalise=False)
    np.testing.assert_array_equal(features(extractor, long), features(extractor, middle))


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
        ({"normalisation": "zscore"}, "scaled, none, clip, statistics"),
        ({"normalisation": "scaled", "top_db": None}, "needs log_mel features in decibels"),
        ({"normalisation": "scaled", "scale": "log"}, "needs log_mel features in decibels"),
        ({"normalisation": "scaled", "reference": 1.0}, "needs log_mel features in decibels"),
        ({"normalisation": "scaled", "features": "mfcc"}, "needs log_mel features in decibels"),
        ({"normalisation": "statistics"}, "needs 128 numbers in mean.*found none"),
        ({"normalisation": "statistics", "mean": [0] * 128, "std": [1] * 20}, "128 numbers in std.*found 20"),
        (
            {"normalisation": "statistics", "mean": [0] * 128, "std": [0] * 128},
            "std holds 0.0 to 0.0; expected finite numbers above 0",
        ),
        (
            {"normalisation": "statistics", "mean": [np.nan] * 128, "std": [1] * 128},
            "mean holds nan to nan; expected finite",
        ),
        ({"mean": [0] * 128}, "for normalisation 'statistics', not 'scaled'"),
        ({"features": "spectrogram"}, "log_mel, mfcc"),
        ({"features": "mfcc", "normalisation": "none", "n_mfcc": 129}, "n_mfcc is 129, expected 1 to n_mels, 128"),
        ({"features": "mfcc", "normalisation": "none", "scale": "linear"}, "scale is 'linear'"),
        ({"features": "mfcc", "normalisation": "none", "deltas": 3}, "deltas is 3, expected one of 0, 1, 2"),
        (
            {"features": "mfcc", "normalisation": "none", "deltas": 1, "duration": 0.1},
            "needs 9 frames, and the clips have 7",
        ),
        ({"deltas": 1}, "for features 'mfcc'"),
        ({"win_length": 2000}, "at most n_fft"),
        ({"window_function": "cosine"}, "hann, hamming"),
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
