"""Whisper's log-mel over true lengths against transformers' own over 30 s."""

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, WhisperFeatureExtractor

from ser_hf.models import WhisperSerFeatureExtractor
from ser_hf.models.waveform import trim_silence


@pytest.fixture(scope="module")
def ours() -> WhisperSerFeatureExtractor:
    return WhisperSerFeatureExtractor()


@pytest.fixture(scope="module")
def stock() -> WhisperFeatureExtractor:
    return WhisperFeatureExtractor()


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def frames(extractor, clip, **settings) -> np.ndarray:
    return extractor(clip, sampling_rate=16_000, **settings)["input_features"][0]


@pytest.mark.parametrize("samples", [16_000, 16_001, 16_159, 59_231])
def test_frames_that_see_no_padding_are_the_stock_ones(ours, stock, samples):
    found, expected = frames(ours, noise(samples)), frames(stock, noise(samples)).T
    assert found.shape == (samples // 160, 80)
    assert found.dtype == np.float32
    whole = (samples - 200) // 160  # half a window reaches over the end
    np.testing.assert_allclose(found[:whole], expected[:whole], atol=1e-5)


def test_thirty_seconds_are_the_stock_input(ours, stock):
    np.testing.assert_allclose(frames(ours, noise(480_000)), frames(stock, noise(480_000)).T, atol=1e-6)


def test_a_longer_clip_is_cut_to_its_middle(ours, stock):
    clip = noise(480_000 + 32_001)
    found = frames(ours, clip)
    assert found.shape == (3000, 80)
    np.testing.assert_allclose(found, frames(stock, clip[16_000 : 16_000 + 480_000]).T, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 160, 399, 400, 401])
def test_the_shortest_clips_are_heard(ours, samples):
    found = ours(noise(samples), sampling_rate=16_000)
    assert found["input_features"].shape == (1, 2, 80)
    assert np.isfinite(found["input_features"]).all()
    assert found["attention_mask"].tolist() == [[1, 1]]


def test_silence_at_the_ends_is_cut_where_asked_for(ours):
    clip = np.concatenate([1e-5 * noise(16_000), noise(16_000, 1), 1e-5 * noise(8000)])
    trimming = WhisperSerFeatureExtractor(trim_db=30.0)
    np.testing.assert_array_equal(frames(trimming, clip), frames(ours, trim_silence(clip, 30.0)))
    assert len(frames(trimming, clip)) < 120 < len(frames(ours, clip)) == 250
    for clip in (np.zeros(16_000, np.float32), noise(16_000)):
        np.testing.assert_array_equal(frames(trimming, clip), frames(ours, clip))


def test_several_clips_are_padded_with_zeros_after_each_was_computed_alone(ours):
    clips = [noise(16_000), noise(8000, 1), noise(12_345, 2)]
    together = ours(clips, sampling_rate=16_000, return_tensors="pt")
    assert together["input_features"].shape == (3, 100, 80)
    assert together["input_features"].dtype == torch.float32
    assert together["attention_mask"].sum(dim=1).tolist() == [100, 50, 77]
    for row, mask, clip in zip(together["input_features"], together["attention_mask"], clips, strict=True):
        np.testing.assert_array_equal(row[mask.bool()], frames(ours, clip))
        assert not row[~mask.bool()].any()


def test_lists_of_numbers_and_doubles_are_one_clip(ours):
    clip = noise(1600)
    expected = frames(ours, clip)
    for same in (clip.tolist(), clip.astype(np.float64), [clip]):
        np.testing.assert_allclose(frames(ours, same), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        (np.zeros((2, 1600), np.float32), "expected one mono clip"),
        ([np.zeros((1600, 2), np.float32)], "expected one mono clip"),
        (np.zeros(1600, np.int16), "expected floating-point samples"),
        (np.full(1600, np.nan, np.float32), "1600 non-finite samples"),
        (np.zeros(0, np.float32), "the clip is empty"),
        ([], "the clip is empty"),
    ],
)
def test_what_is_no_mono_clip_is_refused(ours, clip, said):
    with pytest.raises(ValueError, match=said) as caught:
        ours(clip, sampling_rate=16_000)
    assert "\n" not in str(caught.value)


def test_another_rate_is_refused(ours):
    with pytest.raises(ValueError, match=r"sampling rate of 16000.*not 8000"):
        ours(noise(800), sampling_rate=8000)


@pytest.mark.parametrize("value", [0, -30.0])
def test_a_threshold_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match=rf"feature setting trim_db is {value}, expected a positive number"):
        WhisperSerFeatureExtractor(trim_db=value)


def test_it_is_saved_and_loaded_with_its_settings(tmp_path):
    WhisperSerFeatureExtractor(feature_size=16, chunk_length=2, trim_db=25.0).save_pretrained(tmp_path)
    again = AutoFeatureExtractor.from_pretrained(tmp_path, trust_remote_code=False)
    assert isinstance(again, WhisperSerFeatureExtractor)
    assert (again.feature_size, again.n_samples, again.trim_db) == (16, 32_000, 25.0)
    assert frames(again, noise(48_000)).shape == (200, 16)
