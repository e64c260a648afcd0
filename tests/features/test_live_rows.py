"""Features on demand: those of the map step, and under augmentation a function of seed, clip and epoch alone."""

import datasets
import numpy as np
import pytest
import torch

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.features import FeatureRows, LiveFeatureRows, add_features
from ser_hf.models import SerFeatureExtractor


def extractor() -> SerFeatureExtractor:
    return SerFeatureExtractor(duration=0.2, n_fft=256, hop_length=128, n_mels=16)


def noisy(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    samples *= rng.uniform(0.5, 1)  # in place, as some libraries do
    return samples + rng.normal(0, 0.01, len(samples)).astype(np.float32)


@pytest.fixture(scope="module")
def clips(harmonised):
    return harmonised.dataset.select(range(0, 132, 12))


def live(clips, **settings) -> LiveFeatureRows:
    return LiveFeatureRows(clips, extractor(), **{"training": True} | settings)


def features(rows, order=range(11)) -> np.ndarray:
    return np.stack([row["input_features"] for row in rows.__getitems__(list(order))])


@pytest.mark.parametrize("num_proc", [None, 1, 2])
@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_live_and_precomputed_features_are_equal(clips, num_proc, cache_bytes):
    stored = FeatureRows(add_features(clips, extractor(), num_proc=num_proc, batch_size=3), training=True)
    rows = live(clips, cache_bytes=cache_bytes)
    assert len(rows) == len(stored) == 11
    for _ in range(2):
        for batch in ([0], [4, 2, 10, 2], list(range(11))):
            np.testing.assert_allclose(features(rows, batch), features(stored, batch), rtol=0, atol=1e-5 / 40)
    one, other = rows[3], stored[3]
    assert one.keys() == other.keys()
    assert (one["labels"], one["training"]) == (other["labels"], other["training"]) == (clips["label"][3], True)
    assert one["input_features"].dtype == other["input_features"].dtype == np.float32


def test_labels_are_found_where_the_trainer_looks(clips):
    np.testing.assert_array_equal(np.asarray(live(clips).rows["label"][:]), clips["label"][:])


def test_augmentation_depends_on_seed_clip_and_epoch_alone(clips):
    plain, rows = features(live(clips)), live(clips, augment=noisy, seed=3)
    first = features(rows)
    assert (np.abs(first - plain).max(axis=(1, 2)) > 0.01).all()
    np.testing.assert_array_equal(features(rows), first)
    np.testing.assert_allclose(features(rows, [7, 1, 7]), first[[7, 1, 7]], atol=1e-6)
    np.testing.assert_allclose(features(live(clips.select([9, 4]), augment=noisy, seed=3), [0, 1]), first[[9, 4]])
    rows.set_epoch(1)
    second = features(rows)
    assert (np.abs(second - first).max(axis=(1, 2)) > 0.01).all()
    assert (np.abs(features(live(clips, augment=noisy, seed=4)) - first).max(axis=(1, 2)) > 0.01).all()
    rows.set_epoch(0)
    np.testing.assert_array_equal(features(rows), first)


def test_rows_that_are_not_for_training_are_not_augmented(clips):
    rows = live(clips, training=False, augment=noisy)
    np.testing.assert_array_equal(features(rows), features(live(clips)))
    assert rows[0]["training"] is False


def test_what_is_decoded_is_kept_up_to_a_limit(clips, monkeypatch):
    rows = live(clips, cache_bytes=3 * 1600 * 4)  # the corpora's clips last 0.1 s
    first = features(rows)
    assert rows._held <= rows.cache_bytes
    monkeypatch.setattr("ser_hf.features.recording_rows.load_clip", lambda *args: pytest.fail("decoded again"))
    np.testing.assert_array_equal(features(rows, [0, 1, 2]), first[:3])
    with pytest.raises(pytest.fail.Exception):
        features(rows, [3])


def test_an_augmentation_in_place_does_not_reach_what_is_kept(clips):
    rows = live(clips, augment=noisy, cache_bytes=1 << 20)
    first = features(rows)
    for epoch in (1, 2, 0):
        rows.set_epoch(epoch)
        features(rows)
    np.testing.assert_array_equal(features(rows), first)


def test_an_augmentation_may_change_the_length(clips):
    rows = live(clips, augment=lambda samples, rate, rng: samples[: rate // 20])
    assert features(rows).shape == (11, 16, extractor().n_frames)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (lambda samples, rate, rng: samples * np.nan, "NaN or infinity after its augmentation"),
        (lambda samples, rate, rng: samples[:0], "the clip is empty"),
        (lambda samples, rate, rng: samples[None], "expected one mono clip"),
    ],
)
def test_a_broken_augmentation_names_the_clip(clips, augment, message):
    with pytest.raises(AudioError, match=rf"(?s){clips['audio'][2]['path']}.*{message}"):
        live(clips, augment=augment)[2]


@pytest.mark.parametrize("missing", ["audio", "label"])
def test_a_missing_column_is_named(clips, missing):
    with pytest.raises(SerHfError, match=f"the dataset has no '{missing}' column"):
        live(clips.remove_columns(missing))


def test_seed_and_epoch_are_not_negative(clips):
    with pytest.raises(SerHfError, match="seed is -1"):
        live(clips, seed=-1)
    with pytest.raises(SerHfError, match="epoch is -1"):
        live(clips).set_epoch(-1)


def test_rows_without_a_clip_id_and_negative_indices(clips):
    rows = live(clips.remove_columns("clip_id"), augment=noisy)
    assert not np.array_equal(rows[0]["input_features"], rows[1]["input_features"])
    np.testing.assert_array_equal(rows[-1]["input_features"], rows[10]["input_features"])
    with pytest.raises(IndexError):
        rows[11]


def test_an_undecodable_clip_is_named_when_it_is_asked_for():
    rows = datasets.Dataset.from_list([{"audio": {"bytes": b"no audio", "path": "broken.wav"}, "label": 0}])
    with pytest.raises(AudioError, match=r"broken\.wav is text"):
        live(rows)[0]


def test_workers_that_live_on_hear_of_the_epoch(clips):
    rows = live(clips, augment=noisy)
    loader = torch.utils.data.DataLoader(
        rows, batch_size=4, num_workers=1, persistent_workers=True, collate_fn=lambda batch: batch
    )
    seen = []
    for epoch in (0, 1):
        rows.set_epoch(epoch)
        found = np.stack([row["input_features"] for batch in loader for row in batch])
        np.testing.assert_allclose(found, features(rows), atol=1e-6)
        seen.append(found)
    assert not np.array_equal(*seen)
