"""The map step: what the extractor gives for each clip alone, whatever the batch, the process or the neighbours."""

import importlib
import io
from pathlib import Path

import datasets
import multiprocess
import numpy as np
import pytest
import soundfile
import torch

from ser_hf.audio import load
from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.features import FeatureRows, add_features
from ser_hf.models import SerFeatureExtractor

compute = importlib.import_module("ser_hf.features._compute")
cached = importlib.import_module("ser_hf.features._cached")


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

    def counted(source, rate, name=None, *limit):
        names.append(name)
        return load(source, rate, name, *limit)

    monkeypatch.setattr(compute, "load", counted)
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
    names = {Path(file["filename"]).name for file in found.cache_files}
    assert sum(name.endswith("_of_00002.arrow") for name in names) == 2
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


def test_recordings_are_not_written_again(harmonised):
    rows = harmonised.dataset
    found = add_features(rows, extractor())
    before, *new = (Path(file["filename"]) for file in found.cache_files)
    assert [{"filename": str(before)}] == rows.cache_files
    assert sum(file.stat().st_size for file in new) < 132 * (16 * extractor().n_frames * 4 + 200) + 20_000


def test_selected_and_shuffled_rows_keep_their_order(clips, expected):
    order = [7, 2, 9, 0]
    found = add_features(clips.select(order), extractor())
    assert found["clip_id"][:] == [clips["clip_id"][i] for i in order]
    np.testing.assert_array_equal(features(found), [expected[i] for i in order])
    assert found["audio"][:] == clips.select(order)["audio"][:]
    without = add_features(clips.select(order), extractor(), keep_audio=False)
    assert set(without.column_names) == set(found.column_names) - {"audio"}
    np.testing.assert_array_equal(features(without), features(found))


def test_the_format_of_the_rows_stays(clips, expected):
    found = add_features(clips.with_format("numpy", columns=["label"]), extractor())
    assert (found.format["type"], found.format["columns"]) == ("numpy", ["label", "input_features"])
    np.testing.assert_array_equal(found[2]["input_features"], expected[2])


def test_rows_in_memory(clips, expected):
    rows = datasets.Dataset.from_list(clips.to_list())
    np.testing.assert_array_equal(features(add_features(rows, extractor())), expected)


def test_no_rows():
    rows = datasets.Dataset.from_list([{"audio": {"bytes": b"", "path": "a.wav"}, "label": 0}]).select([])
    found = add_features(rows, extractor())
    assert (len(found), found.column_names) == (0, ["audio", "label", "input_features"])
    assert found.features["input_features"] == datasets.Array2D((16, extractor().n_frames), "float32")


def test_only_the_audio_is_needed(clips, expected):
    rows = clips.select_columns(["audio"])
    found = add_features(rows, extractor(), keep_audio=False)
    assert found.column_names == ["input_features"]
    np.testing.assert_array_equal(features(found), expected)


def test_half_precision(clips, expected):
    found = add_features(clips, extractor(), dtype="float16")
    assert found.features["input_features"].dtype == "float16"
    stored = np.asarray(found.with_format("arrow")["input_features"][:].combine_chunks().storage.flatten().flatten())
    np.testing.assert_array_equal(stored, np.asarray(expected, np.float16).ravel())
    rows = FeatureRows(found, training=False).__getitems__([3, 1])
    assert rows[0]["input_features"].dtype == np.float32
    np.testing.assert_array_equal(rows[1]["input_features"], expected[1].astype(np.float16))
    assert np.abs(rows[1]["input_features"] - expected[1]).max() * 40 < 0.02, "decibels"


def test_an_unknown_dtype_is_refused(clips):
    with pytest.raises(SerHfError, match="unknown dtype 'float61'; did you mean 'float16'"):
        add_features(clips, extractor(), dtype="float61")


def test_features_are_not_added_twice(clips):
    with pytest.raises(SerHfError, match="the dataset has 'input_features' already; remove that column"):
        add_features(add_features(clips, extractor()), extractor())


def test_how_the_work_is_dealt_out_does_not_change_the_key(clips, decoded):
    add_features(clips, extractor(f_min=60), batch_size=2)
    decoded.clear()
    add_features(clips, extractor(f_min=60), batch_size=5, num_proc=2, keep_audio=False)
    assert decoded == []


def test_an_extractor_that_was_saved_finds_the_cache(clips, decoded, tmp_path):
    add_features(clips, extractor(f_min=70))
    decoded.clear()
    extractor(f_min=70).save_pretrained(tmp_path)
    add_features(clips, SerFeatureExtractor.from_pretrained(tmp_path))
    assert decoded == []


def test_other_code_and_another_dtype_are_computed_anew(clips, decoded, monkeypatch):
    add_features(clips, extractor(f_min=80))
    decoded.clear()
    add_features(clips, extractor(f_min=80), dtype="float16")
    assert len(decoded) == 11
    monkeypatch.setattr(cached, "code_key", lambda *modules: "another")
    add_features(clips, extractor(f_min=80))
    assert len(decoded) == 22


def test_an_interrupted_run_goes_on_after_the_last_piece(clips, expected, decoded, monkeypatch):
    monkeypatch.setattr(cached, "PIECE", 4)

    def interrupted(source, rate, name=None, *limit):
        if len(decoded) == 6:
            raise KeyboardInterrupt
        decoded.append(name)
        return load(source, rate, name, *limit)

    whole = compute.load
    monkeypatch.setattr(compute, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_features(clips, extractor(f_max=7900), batch_size=2)
    monkeypatch.setattr(compute, "load", whole)
    decoded.clear()
    found = features(add_features(clips, extractor(f_max=7900), batch_size=2))
    assert len(decoded) == 7, "the first four are there"
    assert len(found) == 11
    alone = extractor(f_max=7900)
    for row, clip in zip(found, clips["audio"], strict=True):
        np.testing.assert_array_equal(row, alone(load(clip["bytes"], 16_000), 16_000)["input_features"][0])


def test_a_share_that_was_finished_is_kept_when_another_worker_fails(clips, tmp_path):
    rows = clips.to_list()
    good = rows[-1]["audio"]["bytes"]
    rows[-1]["audio"]["path"] = str(tmp_path / "late.wav")
    rows[-1]["audio"]["bytes"] = None
    datasets.Dataset.from_list(rows, features=clips.features).save_to_disk(tmp_path / "rows")
    saved = datasets.load_from_disk(str(tmp_path / "rows"))
    with pytest.raises(AudioError, match=r"late\.wav does not exist"):
        add_features(saved, extractor(), num_proc=2)
    kept = set((tmp_path / "rows").glob("cache-*_00000_of_00002.arrow"))
    if kept:  # the first worker was the quicker one, as it nearly always is
        (tmp_path / "late.wav").write_bytes(good)
        times = {path: path.stat().st_mtime_ns for path in kept}
        assert len(add_features(saved, extractor(), num_proc=2)) == 11
        assert {path: path.stat().st_mtime_ns for path in kept} == times


def wav(samples: np.ndarray, rate: int = 16_000, subtype: str = "FLOAT") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def rows_of(*recordings: bytes | None, path: str | None = "clip.wav") -> datasets.Dataset:
    audio = [{"bytes": data, "path": path} for data in recordings]
    kind = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    return datasets.Dataset.from_dict({"audio": audio}, features=datasets.Features({"audio": kind}))


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        ([0.1, np.nan, 0.2], 16_000, "clip.wav holds 1 samples that are NaN or infinite"),
        ([0.1, np.inf, -np.inf], 16_000, "clip.wav holds 2 samples that are NaN or infinite"),
        ([], 16_000, "clip.wav holds no samples"),
        ([0.5], 48_000, "clip.wav holds 1 samples at 48000 Hz: none is left at 16000 Hz"),
        (np.tile([3e38, -3e38, -3e38], 999), 48_000, "clip.wav reaches 3e.38 where 1 is full scale"),
    ],
)
def test_what_is_not_a_recording_stops_the_run(samples, rate, message):
    rows = rows_of(wav(np.full(100, 0.1)), wav(np.asarray(samples), rate))
    with pytest.raises(AudioError, match=message):
        add_features(rows, extractor())
    stream = add_features(rows.to_iterable_dataset(), extractor())
    with pytest.raises(AudioError, match=message):
        list(stream)


@pytest.mark.parametrize(("data", "message"), [(b"", "row 1 is empty"), (None, "row 1 has no audio: neither bytes")])
def test_a_row_without_audio_is_named_by_its_number(data, message):
    with pytest.raises(AudioError, match=message):
        add_features(rows_of(wav(np.ones(100)), data, path=None), extractor())


def test_features_that_are_not_finite_are_refused():
    class Overflowing(SerFeatureExtractor):
        def __call__(self, waveforms, **settings):
            found = super().__call__(waveforms, **settings)
            found["input_features"][-1] = np.inf
            return found

    rows = rows_of(wav(np.full(9000, 0.1)))
    with pytest.raises(AudioError, match=r"the features of clip\.wav are not finite: its samples are too large"):
        add_features(rows, Overflowing(duration=0.5))


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16"])
@pytest.mark.parametrize(
    "samples",
    [np.zeros(2000), np.full(1, 0.5), np.sign(np.sin(np.arange(16_000) / 9)), np.sin(np.arange(16_000 * 90) / 7)],
    ids=["zeros", "one sample", "clipped", "long"],
)
def test_odd_recordings_have_features(samples, subtype):
    found = features(add_features(rows_of(wav(samples, subtype=subtype)), extractor()))
    assert np.isfinite(found).all()
    alone = extractor()(load(wav(samples, subtype=subtype), 16_000), 16_000)["input_features"]
    np.testing.assert_array_equal(found, alone)


def test_silence_is_as_loud_as_its_loudest_point():
    found = features(add_features(rows_of(wav(np.zeros(2000))), extractor(normalisation="none")))
    np.testing.assert_array_equal(found, np.zeros_like(found))


def test_long_recordings_do_not_add_up(monkeypatch):
    """Samples that wait for their transform stay under a limit, whatever the batch."""
    monkeypatch.setattr(compute, "HELD", 5000)
    waiting: list[int] = []

    class Counting(SerFeatureExtractor):
        def __call__(self, waveforms, **settings):
            waiting.append(sum(map(len, waveforms)))
            return super().__call__(waveforms, **settings)

    recordings = [wav(np.random.default_rng(i).normal(0, 0.1, 2000)) for i in range(9)]
    counting = Counting(**{name: getattr(extractor(), name) for name in ("duration", "n_fft", "hop_length", "n_mels")})
    found = features(add_features(rows_of(*recordings), counting))
    assert max(waiting) == 6000
    monkeypatch.undo()
    np.testing.assert_array_equal(found, features(add_features(rows_of(*recordings), extractor())))


@pytest.mark.real
def test_real_recordings_of_other_rates(shared_data):
    files = sorted((shared_data / "originals").rglob("*.wav"))[:30]
    audio = [{"bytes": None, "path": str(file)} for file in files]
    audio += [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    whole = SerFeatureExtractor()
    found = features(add_features(datasets.Dataset.from_dict({"audio": audio}), whole))
    np.testing.assert_allclose(found[: len(files)], found[len(files) :], atol=1e-6)
    assert len({row.tobytes() for row in found[: len(files)]}) >= len(files) - 1, "two recordings are known to be one"


def test_workers_with_gpus_are_spawned_and_no_others():
    before = multiprocess.get_start_method()
    for device, num_proc, expected in (("cuda", 2, "spawn"), ("cuda:1", 1, "spawn"), ("cuda", None, before)):
        with cached._start_method(device, num_proc):
            assert multiprocess.get_start_method() == expected
        assert multiprocess.get_start_method() == before
    with cached._start_method("cpu", 2):
        assert multiprocess.get_start_method() == before


def test_every_worker_has_a_gpu(monkeypatch):
    step = importlib.import_module("ser_hf.features._step")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    found = [step._of_rank("cuda", rank) for rank in (None, 0, 1, 4)]
    assert found == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert step._of_rank("cuda:2", 1) == "cuda:2"


@pytest.mark.parametrize("num_proc", [None, 2])
@pytest.mark.parametrize("harm", ["flipped byte", "half"])
def test_a_damaged_cache_is_made_again_and_named(clips, expected, tmp_path, caplog, harm, num_proc):
    clips.save_to_disk(tmp_path / "rows")
    rows = datasets.load_from_disk(tmp_path / "rows")
    add_features(rows, extractor(), device="cpu", num_proc=num_proc)
    (path, *_) = cached.cache_files(rows, "")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # the old one stays mapped where it is used
    path.write_bytes(data[: len(data) // 2] if harm == "half" else data)
    found = add_features(rows, extractor(), device="cpu", num_proc=num_proc)
    np.testing.assert_array_equal(features(found), np.stack(expected))
    assert f"{path} is damaged: it is not what was written; it is made again" in caplog.messages
