"""Streams: the same call, and the same features, as rows are asked for."""

import datasets
import numpy as np
import pytest

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.features import add_features
from ser_hf.models import SerFeatureExtractor


def extractor() -> SerFeatureExtractor:
    return SerFeatureExtractor(duration=0.2, n_fft=256, hop_length=128, n_mels=16)


@pytest.fixture(scope="module")
def clips(harmonised):
    return harmonised.dataset.select(range(0, 132, 12))


@pytest.fixture(scope="module")
def expected(clips):
    return np.asarray(add_features(clips, extractor()).with_format("numpy")["input_features"][:])


@pytest.fixture(scope="module")
def parquet(clips, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("parquet") / "train.parquet"
    clips.to_parquet(path, batch_size=4)
    return str(path)


def stream(parquet: str) -> datasets.IterableDatasetDict:
    return datasets.load_dataset("parquet", data_files=parquet, streaming=True)


def features(rows) -> np.ndarray:
    return np.stack([np.asarray(row["input_features"], np.float32) for row in rows])


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_a_stream_gives_what_a_dataset_gives(parquet, clips, expected, batch_size):
    found = add_features(stream(parquet), extractor(), batch_size=batch_size)
    assert isinstance(found, datasets.IterableDatasetDict)
    rows = list(found["train"])
    np.testing.assert_allclose(features(rows), expected, rtol=0, atol=1e-5 / 40)  # 1e-5 dB
    assert [row["clip_id"] for row in rows] == clips["clip_id"][:]
    assert rows[2]["audio"] == clips[2]["audio"]
    shape = (16, extractor().n_frames)
    assert found["train"].features == datasets.Features(
        {**clips.features, "input_features": datasets.Array2D(shape, "float32")}
    )


def test_a_format_gives_arrays(parquet, expected):
    rows = list(add_features(stream(parquet)["train"].with_format("numpy"), extractor(), keep_audio=False))
    assert "audio" not in rows[0]
    assert rows[0]["input_features"].dtype == np.float32
    np.testing.assert_allclose(features(rows), expected, rtol=0, atol=1e-5 / 40)  # 1e-5 dB


def test_a_stream_in_half_precision(parquet, expected):
    rows = add_features(stream(parquet)["train"], extractor(), dtype="float16")
    np.testing.assert_array_equal(features(rows), expected.astype(np.float16))


def test_a_stream_is_computed_as_it_is_asked_for(parquet, monkeypatch):
    rows = iter(add_features(stream(parquet)["train"], extractor(), batch_size=2))
    next(rows)
    broken = datasets.IterableDataset.from_generator(
        lambda: iter([{"audio": {"bytes": b"no audio", "path": "broken.wav"}}])
    )
    later = add_features(broken, extractor())
    with pytest.raises(AudioError, match=r"broken\.wav is text"):
        list(later)


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("keep_audio", [True, False])
def test_rows_of_a_generator(clips, expected, typed, keep_audio):
    kinds = clips.features if typed else None
    rows = datasets.IterableDataset.from_generator(lambda: iter(clips.to_list()), features=kinds)
    found = list(add_features(rows, extractor(), keep_audio=keep_audio, batch_size=4).with_format("numpy"))
    np.testing.assert_allclose(features(found), expected, atol=1e-6)
    assert set(found[0]) == set(clips.column_names) - (set() if keep_audio else {"audio"}) | {"input_features"}


def test_a_stream_goes_on_where_it_was_left(parquet, expected):
    first = add_features(stream(parquet)["train"], extractor(), batch_size=2)
    seen = []
    for row in first:
        seen.append(row)
        if len(seen) == 5:
            break
    again = add_features(stream(parquet)["train"], extractor(), batch_size=2)
    again.load_state_dict(first.state_dict())
    np.testing.assert_allclose(features([*seen, *again]), expected, atol=1e-6)


def test_audio_columns_are_taken_without_decoding_them_first(parquet, clips, expected):
    kind = datasets.Audio(sampling_rate=8000)
    rows = stream(parquet)["train"].cast_column("audio", kind)
    np.testing.assert_allclose(features(add_features(rows, extractor(), keep_audio=False)), expected, atol=1e-6)
    found = add_features(clips.cast_column("audio", kind), extractor())
    assert found.features["audio"] == kind
    np.testing.assert_array_equal(found.with_format("numpy", columns=["input_features"])["input_features"][:], expected)


def test_a_stream_without_audio_is_refused():
    rows = datasets.Dataset.from_dict({"sound": [1]}).to_iterable_dataset()
    with pytest.raises(SerHfError, match=r"the dataset has no 'audio' column \(it has: sound\)"):
        add_features(rows, extractor())
