"""The map step: what the extractor gives for each clip alone, whatever the batch, the process or the neighbours."""

import importlib

import datasets
import numpy as np
import pytest
import torch

from ser_hf.audio import load
from ser_hf.errors import AudioError, SerHfError
from ser_hf.features import FeatureRows, add_features
from ser_hf.models import SerFeatureExtractor

module = importlib.import_module("ser_hf.features.add_features")  # its function bears the same name


def extractor(**settings) -> SerFeatureExtractor:
    return SerFeatureExtractor(**{"duration": 0.2, "n_fft": 256, "hop_length": 128, "n_mels": 16} | settings)


@pytest.fixture(scope="module")
def clips(harmonised):
    """Eleven clips of three corpora."""
    return harmonised.dataset.select(range(0, 132, 12))


@pytest.fixture(scope="module")
def expected(clips):
    """Their features, each computed alone."""
    alone = extractor()
    return [alone(load(clip["bytes"], 16_000), 16_000)["input_features"][0] for clip in clips["audio"]]


@pytest.fixture
def decoded(monkeypatch):
    """The names of the clips decoded in this process."""
    names = []

    def counted(source, rate, name=None):
        names.append(name)
        return load(source, rate, name)

    monkeypatch.setattr(module, "load", counted)
    return names


def features(dataset: datasets.Dataset) -> np.ndarray:
    return np.asarray(dataset.with_format("numpy")["input_features"][:])


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_each_clip_is_transformed_alone(clips, expected, batch_size):
    found = features(add_features(clips, extractor(), device="cpu", batch_size=batch_size))
    assert (found.dtype, found.shape) == (np.float32, (11, 16, extractor().n_frames))
    np.testing.assert_array_equal(found, expected)


def test_two_processes_give_the_same(clips, expected, tmp_path):
    clips.save_to_disk(tmp_path)  # a copy with a cache of its own
    found = add_features(datasets.load_from_disk(str(tmp_path)), extractor(), device="cpu", batch_size=2, num_proc=2)
    assert len(found.cache_files) == 2
    np.testing.assert_array_equal(features(found), expected)


def test_the_rows_keep_their_columns(clips):
    found = add_features(clips, extractor())
    shape = (16, extractor().n_frames)
    assert found.features == datasets.Features({**clips.features, "input_features": datasets.Array2D(shape, "float32")})
    assert found.remove_columns("input_features")[:] == clips[:]


def test_the_recordings_can_be_left_out(clips, expected):
    found = add_features(clips, extractor(), keep_audio=False)
    assert set(found.column_names) == set(clips.column_names) - {"audio"} | {"input_features"}
    np.testing.assert_array_equal(features(found), expected)


def test_all_splits_of_a_dictionary(clips, expected):
    parts = datasets.DatasetDict({"train": clips.select(range(8)), "test": clips.select(range(8, 11))})
    found = add_features(parts, extractor())
    assert isinstance(found, datasets.DatasetDict)
    np.testing.assert_array_equal(features(found["train"]), expected[:8])
    np.testing.assert_array_equal(features(found["test"]), expected[8:])


def test_the_result_is_cached(clips, decoded):
    first = add_features(clips, extractor(f_min=50))
    assert len(decoded) == 11
    again = add_features(clips, extractor(f_min=50))
    assert len(decoded) == 11, "nothing is decoded twice"
    assert again.cache_files == first.cache_files
    np.testing.assert_array_equal(features(again), features(first))


@pytest.mark.parametrize("settings", [{"n_mels": 8}, {"top_db": 60.0}, {"trim_db": None}, {"duration": 0.1}], ids=str)
def test_another_setting_is_computed_anew(clips, decoded, settings):
    add_features(clips, extractor())
    decoded.clear()
    found = features(add_features(clips, extractor(**settings)))
    assert len(decoded) == 11
    assert found.shape == (11, extractor(**settings).n_mels, extractor(**settings).n_frames)


def test_use_of_an_extractor_does_not_change_what_the_cache_is_keyed_by(clips, decoded):
    used = extractor(f_max=7000)
    add_features(clips, used)
    decoded.clear()
    used(np.zeros(16_000, np.float32), 16_000)
    add_features(clips, used)
    assert decoded == []


def test_clips_of_any_rate_and_container_are_taken(tmp_path, write_clip):
    files = [write_clip(tmp_path / "a.flac", rate=22_050), write_clip(tmp_path / "b.wav", rate=8000)]
    audio = [{"bytes": files[0].read_bytes(), "path": "a.flac"}, {"bytes": None, "path": str(files[1])}]
    rows = datasets.Dataset.from_dict({"audio": audio})
    found = features(add_features(rows, extractor()))
    for row, path in zip(found, files, strict=True):
        np.testing.assert_array_equal(row, extractor()(load(path, 16_000), 16_000)["input_features"][0])


def test_an_undecodable_clip_is_named():
    rows = datasets.Dataset.from_dict({"audio": [{"bytes": b"no audio at all", "path": "broken.wav"}]})
    with pytest.raises(AudioError, match=r"broken\.wav is text, not audio"):
        add_features(rows, extractor())


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: datasets.DatasetDict(train=rows)], ids=["rows", "parts"]
)
def test_a_dataset_without_audio_is_refused(wrap):
    rows = datasets.Dataset.from_dict({"sound": [1], "label": [0]})
    with pytest.raises(SerHfError, match=r"the dataset has no 'audio' column \(it has: sound, label\)"):
        add_features(wrap(rows), extractor())


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_refused(clips, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        SerHfError, match=f"device '{device}' was asked for and no GPU is visible; use device='cpu' or 'auto'"
    ):
        add_features(clips, extractor(), device=device)


def test_an_unknown_device_is_refused(clips):
    with pytest.raises(SerHfError, match="unknown device 'gpu'; expected 'auto', 'cpu', 'cuda' or 'cuda:N'"):
        add_features(clips, extractor(), device="gpu")


@pytest.mark.gpu
def test_a_gpu_gives_the_same_to_rounding(clips, expected):
    np.testing.assert_allclose(features(add_features(clips, extractor(), device="cuda")), expected, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_rows_for_a_data_loader(clips, expected, training):
    rows = FeatureRows(add_features(clips, extractor()), training=training)
    assert len(rows) == 11
    three = rows.__getitems__([7, 0, 7])
    assert [row["labels"] for row in three] == [clips["label"][i] for i in (7, 0, 7)]
    assert {row["training"] for row in three} == {training}
    for row, i in zip(three, (7, 0, 7), strict=True):
        np.testing.assert_array_equal(row["input_features"], expected[i])
    np.testing.assert_array_equal(rows[3]["input_features"], expected[3])
