"""Recordings for extractors of other models: whole when scored, random parts of them in training."""

import io

import datasets
import numpy as np
import pytest
import soundfile
from transformers import Wav2Vec2FeatureExtractor

from ser_hf.features import WaveformRows
from ser_hf.models import WhisperSerFeatureExtractor

RATE = 16_000
PLAIN = Wav2Vec2FeatureExtractor(do_normalize=False)


@pytest.fixture(scope="module")
def clips() -> datasets.Dataset:
    """Rising lines, so that a part tells where it was cut; 0.5 s, 1 s and 2 s."""
    audio = []
    for seconds in (0.5, 1.0, 2.0):
        file = io.BytesIO()
        soundfile.write(file, np.arange(seconds * RATE, dtype=np.float32) / 2**16, RATE, "FLOAT", format="WAV")
        audio.append({"bytes": file.getvalue(), "path": f"{seconds}.wav"})
    return datasets.Dataset.from_dict({"audio": audio, "label": [0, 1, 2], "clip_id": ["a", "b", "c"]})


def parts(rows: WaveformRows) -> list[tuple[int, int]]:
    """Of each clip, where the part starts and how long it is, in samples."""
    values = [row["input_values"] for row in rows.__getitems__([0, 1, 2])]
    for value in values:
        np.testing.assert_allclose(np.diff(value), 2**-16, atol=1e-7, err_msg="no part of one piece")
    return [(round(float(value[0]) * 2**16), len(value)) for value in values]


def training(clips, epoch: int = 0, **options) -> WaveformRows:
    rows = WaveformRows(clips, PLAIN, **{"training": True, "duration": 0.8, "seed": 1, **options})
    rows.set_epoch(epoch)
    return rows


def test_longer_clips_are_heard_in_part_and_shorter_ones_whole(clips):
    found = parts(training(clips))
    assert [length for _, length in found] == [8000, 12_800, 12_800]
    assert found[0] == (0, 8000)
    assert 0 <= found[1][0] <= 3200
    assert 0 <= found[2][0] <= 19_200


def test_the_part_follows_from_seed_clip_and_epoch(clips):
    assert parts(training(clips)) == parts(training(clips))
    assert parts(training(clips))[1:] != parts(training(clips, epoch=1))[1:]
    assert parts(training(clips))[1:] != parts(training(clips, seed=2))[1:]
    starts = {parts(training(clips, epoch))[2][0] for epoch in range(20)}
    assert len(starts) > 15
    assert min(starts) < 5000
    assert max(starts) > 14_000


def test_no_duration_keeps_all(clips):
    assert parts(training(clips, duration=None)) == [(0, 8000), (0, 16_000), (0, 32_000)]


def test_scores_are_of_whole_clips(clips):
    assert parts(training(clips, training=False)) == [(0, 8000), (0, 16_000), (0, 32_000)]


def test_the_part_is_cut_after_the_augmentation(clips):
    def half(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        return samples[: len(samples) // 2]

    assert [length for _, length in parts(training(clips, augment=half))] == [4000, 8000, 12_800]


def test_whisper_hears_parts_as_well(clips):
    rows = WaveformRows(clips, WhisperSerFeatureExtractor(), training=True, duration=0.8)
    assert [len(row["attention_mask"]) for row in rows.__getitems__([0, 1, 2])] == [50, 80, 80]
    assert [row["input_features"].shape for row in rows.__getitems__([0, 2])] == [(50, 80), (80, 80)]
