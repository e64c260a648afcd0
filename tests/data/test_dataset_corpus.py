"""Datasets as corpora: columns of any name, classes in any order, splits of their own, and rows that say too little."""

from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile

from ser_hf.audio import decode
from ser_hf.base.errors import AudioError, CorpusError
from ser_hf.corpora import CORPORA, Reading
from ser_hf.data import SerCorpus, dataset_source, load_corpus
from ser_hf.data._dataset_source import is_dataset
from ser_hf.data.dataset_corpus import recording_of
from ser_hf.flows.build import build

STRUCT = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
LABELS = ["sadness", "Wut", "neutral"]
"""Of ClassLabel columns: another order than ours, and a word of one's own."""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, write_clip):
    """Twelve files."""
    root = tmp_path_factory.mktemp("recordings")
    return [write_clip(root / f"clip{i}.wav") for i in range(12)]


@pytest.fixture
def make(recordings):
    """A function that makes a dataset of twelve rows; a column is its values and type."""

    def make(audio: str = "audio", rows: int = 12, as_audio: bool = True, **columns) -> datasets.Dataset:
        values = {name: value for name, (value, _) in columns.items()}
        values[audio] = [{"bytes": p.read_bytes(), "path": p.name} for p in recordings[:rows]]
        kinds = {
            name: kind if not isinstance(kind, str) else datasets.Value(kind) for name, (_, kind) in columns.items()
        }
        made = datasets.Dataset.from_dict(values, datasets.Features({**kinds, audio: STRUCT}))
        return made.cast_column(audio, datasets.Audio(decode=False)) if as_audio else made

    return make


@pytest.fixture
def labelled(make):
    """Twelve rows as somebody may have them."""
    return make(
        "utterance",
        feeling=([i % 3 for i in range(12)], datasets.ClassLabel(names=LABELS)),
        speaker_id=([i // 3 for i in range(12)], "int64"),
        gender=([i % 2 for i in range(12)], datasets.ClassLabel(names=["female", "male"])),
        age=([30.0] * 12, "float64"),
        transcript=(["hello"] * 12, "string"),
        loudness=([1.0] * 12, "float32"),
    )


@pytest.fixture
def load(tmp_path):
    """A function that loads a dataset by its place."""

    def load(place, reading: Reading | None = None, scheme: str = "own", **options):
        options = {"cache_dir": tmp_path / "cache", "reading": reading, "scheme": scheme, **options}
        return load_corpus(["mine"], data_dirs={"mine": place}, **options)

    return load


def saved(dataset, tmp_path):
    dataset.save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def test_columns_are_guessed_and_told(labelled, load, tmp_path, caplog):
    caplog.set_level("INFO")
    rows = load(saved(labelled, tmp_path)).dataset
    assert rows.features["label"].names == ["neutral", "sad", "Wut"]
    assert rows["emotion"][:3] == ["sad", "Wut", "neutral"]
    assert rows["native_label"][:3] == LABELS
    assert (rows["speaker"][0], rows["speaker"][11]) == ("mine_0", "mine_3")
    assert (rows["sex"][:2], rows["age"][0], rows["sentence"][0]) == (["female", "male"], 30, "hello")
    assert rows["clip_id"][:2] == ["mine/train/0", "mine/train/1"]
    assert "audio from utterance, label from feeling, speaker from speaker_id, sex from gender" in caplog.text
    assert "not used: loudness" in caplog.text


def test_the_recordings_are_those_of_the_rows(labelled, load, tmp_path, recordings):
    rows = load(saved(labelled, tmp_path)).dataset
    for row, path in zip(rows, recordings, strict=True):
        np.testing.assert_array_equal(decode(row["audio"]["bytes"])[0], decode(path)[0])


@pytest.mark.parametrize("kind", ["saved", "parquet", "arrow", "file"])
def test_its_own_splits_are_partitions(labelled, load, tmp_path, kind):
    parts = {
        "train": labelled.select(range(6)),
        "dev": labelled.select(range(6, 9)),
        "test": labelled.select([9, 10, 11]),
    }
    place = tmp_path / "set"
    if kind == "saved":
        datasets.DatasetDict(parts).save_to_disk(place)
    for name, part in parts.items():
        if kind == "parquet":
            part.to_parquet(place / "data" / f"{name}-00000-of-00001.parquet")
        elif kind == "arrow":
            (place / name).mkdir(parents=True)
            part.save_to_disk(tmp_path / name)
            next((tmp_path / name).glob("*.arrow")).rename(place / name / "0.arrow")
    if kind == "file":
        place = tmp_path / "test-part.parquet"
        labelled.to_parquet(place)
    found = load(place).dataset
    wanted = ["test"] * 12 if kind == "file" else ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    assert sorted(found["partition"]) == sorted(wanted)


def test_files_that_change_are_read_anew(labelled, load, tmp_path):
    path = tmp_path / "set/train.parquet"
    labelled.to_parquet(path)
    assert len(load(tmp_path / "set").dataset) == 12
    path.unlink()
    labelled.select(range(5)).to_parquet(path)
    assert len(load(tmp_path / "set").dataset) == 5


def test_a_built_dataset_keeps_its_labels_speakers_and_licence(corpora_root, tmp_path, load):
    build(["ravdess", "savee"], tmp_path / "built", protocol="random", data_root=corpora_root)
    loaded = load(tmp_path / "built", scheme="8class")
    rows = loaded.dataset
    assert {"ravdess_01", "savee_DC"} <= set(rows["speaker"])
    assert {"03", "anger"} & set(rows["native_label"])
    assert set(rows["emotion"]) <= set(rows.features["label"].names)
    (record,) = loaded.records
    assert not record.redistributable
    assert "CC BY-NC-SA 4.0" in record.licence


@pytest.mark.parametrize(
    ("columns", "reading", "message"),
    [
        (
            {"mood": (["sad"] * 12, "string")},
            {},
            "no column with the label; columns found: mood, audio. Name it by --label",
        ),
        (
            {"label": ([0] * 12, "int64"), "emotion": (["sad"] * 12, "string")},
            {},
            "label and emotion could each hold the label; name one by --label_column",
        ),
        (
            {n: ([0] * 12, datasets.ClassLabel(names=["sad"])) for n in ("mood", "style")},
            {},
            "mood and style could each hold the label",
        ),
        ({"label": (["sad"] * 12, "string")}, {"label_column": "labl"}, "no column 'labl'"),
        (
            {"label": (["sad"] * 12, "string")},
            {"audio_column": "sound"},
            "no column with the audio; columns found: label",
        ),
        ({"label": (["sad"] * 12, "string")}, {"speaker_column": "who"}, r"no column 'who' \(speaker_column\)"),
        (
            {"label": ([None, *["sad"] * 11], "string")},
            {},
            "train row 0: the label is empty; fill it in, or leave the row",
        ),
        ({"label": ([*["sad"] * 11, "nan"], "string")}, {}, "train row 11: the label is empty"),
        ({"label": ([0, 1] * 6, "int64")}, {}, "'0' .* is a number, and nothing says of which emotion"),
        (
            {"label": (["sad"] * 12, "string"), "start": ([-1.0] * 12, "float64")},
            {},
            "start is '-1'; expected a time of 0 s or later",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(make, load, tmp_path, columns, reading, message):
    with pytest.raises(CorpusError, match=message):
        load(saved(make(**columns), tmp_path), Reading(**reading))


def test_two_recordings_in_a_row(make, load, tmp_path):
    made = make(label=(["sad", "happy"] * 6, "string"))
    made = made.add_column("noisy", made["audio"]).cast_column("noisy", datasets.Audio(decode=False))
    with pytest.raises(CorpusError, match="audio and noisy could each hold the audio; name one by --audio_column"):
        load(saved(made, tmp_path))
    assert len(load(tmp_path / "saved", Reading(audio_column="noisy")).dataset) == 12


def test_numbers_are_labels_once_a_mapping_says_so(make, load, tmp_path):
    place = saved(make(label=([0, 1] * 6, "int64")), tmp_path)
    rows = load(place, Reading(labels={"0": "angry", "1": "sad"}), "8class").dataset
    assert rows["emotion"][:2] == ["angry", "sad"]


def test_rows_without_a_speaker_are_told(make, load, tmp_path, caplog):
    load(saved(make(label=(["sad", "happy"] * 6, "string"), speaker=([None, *"abcdefghijk"], "string")), tmp_path))
    assert "1 of 12 rows say no speaker" in caplog.text


def test_paths_in_place_of_recordings(load, tmp_path, recordings):
    (tmp_path / "set/wav").mkdir(parents=True)
    (tmp_path / "set/wav/a.wav").write_bytes(recordings[0].read_bytes())
    paths = ["wav/a.wav", str(recordings[1])]
    datasets.Dataset.from_dict({"file": paths, "emotion": ["sad", "joy"]}).to_parquet(tmp_path / "set/train.parquet")
    assert sorted(load(tmp_path / "set").dataset["emotion"]) == ["happy", "sad"]
    (tmp_path / "set/wav/a.wav").unlink()
    with pytest.raises(AudioError, match=r"wav/a\.wav cannot be read: No such file"):
        load(tmp_path / "set", scheme="8class")


def test_arrays_in_place_of_files(load, tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 8000)).astype(np.float32)
    audio = [{"array": list(one), "sampling_rate": 8000} for one in samples]
    datasets.Dataset.from_dict({"audio": audio, "emotion": ["sad", "joy"]}).to_parquet(tmp_path / "set/train.parquet")
    rows = load(tmp_path / "set").dataset
    heard, rate = decode(rows[0]["audio"]["bytes"])
    assert rate == 8000
    np.testing.assert_array_equal(heard, samples[0])


def test_parts_of_the_recordings_in_a_row(make, load, tmp_path, recordings):
    made = make(label=(["sad", "joy"] * 6, "string"), start=([0.02] * 12, "float64"), end=([0.08] * 12, "float64"))
    rows = load(saved(made, tmp_path)).dataset
    whole, rate = decode(recordings[0])
    np.testing.assert_array_equal(decode(rows[0]["audio"]["bytes"])[0], whole[round(0.02 * rate) : round(0.08 * rate)])


def test_a_silent_row_is_named(tmp_path, load):
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(8000), 8000)
    audio = [{"bytes": path.read_bytes(), "path": "x.wav"}]
    made = datasets.Dataset.from_dict({"audio": audio, "label": ["sad"]})
    with pytest.raises((AudioError, CorpusError), match=r"saved/train/0+ is silent"):
        load(saved(made, tmp_path), scheme="8class")


def test_it_can_be_streamed(labelled, tmp_path):
    builder = SerCorpus(
        config_name="combined", corpora=("mine",), data_dirs={"mine": str(saved(labelled, tmp_path))}, scheme="own"
    )
    stream = builder.as_streaming_dataset(split="train")
    assert [row["emotion"] for row in stream.take(3)] == ["sad", "Wut", "neutral"]


def test_several_workers_give_the_same_rows(labelled, load, tmp_path):
    place = saved(labelled, tmp_path)
    one, two = load(place), load(place, num_proc=2, cache_dir=tmp_path / "other")
    assert one.dataset[:] == two.dataset[:]


@pytest.mark.parametrize(
    ("words", "name", "source"),
    [
        ("somebody/My.Speech", "my_speech", "hf://somebody/My.Speech"),
        ("somebody/speech:clean", "speech", "hf://somebody/speech:clean"),
        ("hf://datasets/somebody/speech", "speech", "hf://somebody/speech"),
    ],
)
def test_names_of_repositories(words, name, source):
    assert dataset_source(words) == (name, source)
    assert is_dataset(source)


@pytest.mark.parametrize("words", ["speech", "a/b/c", "a b/c", "/nowhere/at/all", ""])
def test_what_is_no_dataset(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if words:
        with pytest.raises(CorpusError, match="no such folder or file, and no USER/NAME"):
            dataset_source(words)


def test_a_repository_that_cannot_be_had_is_told_in_one_line(load):
    with pytest.raises(CorpusError, match="hf://nobody/nothing cannot be loaded as a dataset: ") as caught:
        load("hf://nobody/nothing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet", b"\0" * 100])
def test_a_broken_file_is_told_in_one_line(load, tmp_path, content):
    (tmp_path / "train.parquet").write_bytes(content)
    with pytest.raises(CorpusError, match=r"train\.parquet cannot be loaded as a dataset: "):
        load(tmp_path / "train.parquet")


NEMO = [("EB0", "anger", 1), ("EB0", "sadness", 2), ("KD0", "happiness", 3), ("WR0", "surprised", 4)]


def test_a_dataset_like_nemo_says_what_its_file_names_say(load, recordings, tmp_path):
    """Columns as on the Hub: file_id, audio, emotion, raw_text, normalized_text, speaker_id, gender, age."""
    names = [f"{speaker}_{emotion}_{number}" for speaker, emotion, number in NEMO]
    rows = {
        "file_id": names,
        "audio": [{"bytes": p.read_bytes(), "path": f"{n}.wav"} for n, p in zip(names, recordings, strict=False)],
        "emotion": [emotion for _, emotion, _ in NEMO],
        "raw_text": ["Zażółć gęślą jaźń."] * 4,
        "normalized_text": ["zażółć gęślą jaźń"] * 4,
        "speaker_id": [speaker for speaker, *_ in NEMO],
        "gender": ["female", "female", "male", "male"],
        "age": ["22", "22", "25-30", "31"],
    }
    features = datasets.Features({name: STRUCT if name == "audio" else datasets.Value("string") for name in rows})
    made = datasets.Dataset.from_dict(rows, features).cast_column("audio", datasets.Audio(decode=False))
    found = load(saved(made, tmp_path), scheme="8class").dataset
    for row, name in zip(found, names, strict=True):
        truth = CORPORA["nemo"].reader(tmp_path)(Path(f"samples/{name}.wav"))
        assert row["emotion"] == truth.emotion
        assert row["speaker"].removeprefix("mine_") == truth.speaker.removeprefix("nemo_")
    assert found["sentence"] == ["Zażółć gęślą jaźń."] * 4
    assert found["age"] == [22, 22, None, 31]


def test_audformats_tables_of_emodb_load_as_they_are(tmp_path, recordings):
    """``db.emotion.csv`` beside ``wav/``, filewise, and the same as segments of whole files."""
    names = ["03a01Fa", "03a01Nc", "03a01Wa", "16b10Td"]
    words = {"Fa": "happiness", "Nc": "neutral", "Wa": "anger", "Td": "sadness"}
    (tmp_path / "emo/wav").mkdir(parents=True)
    for name, path in zip(names, recordings, strict=False):
        (tmp_path / f"emo/wav/{name}.wav").write_bytes(path.read_bytes())
    files = [f"wav/{name}.wav,{words[name[-2:]]},0.97\n" for name in names]
    (tmp_path / "emo/db.emotion.csv").write_text("file,emotion,emotion.confidence\n" + "".join(files))
    spans = [f"wav/{n}.wav,0 days 00:00:00,0 days 00:00:00.080000,{words[n[-2:]]},{n[:2]}\n" for n in names]
    (tmp_path / "emo/segments.csv").write_text("file,start,end,emotion,speaker\n" + "".join(spans))
    for table, seconds in (("db.emotion.csv", 0.1), ("segments.csv", 0.08)):
        place = tmp_path / "emo" / table
        found = load_corpus(["mine"], data_dirs={"mine": place}, cache_dir=tmp_path / "cache").dataset
        truth = [CORPORA["emodb"].parse(Path(f"wav/{name}.wav")) for name in sorted(names)]
        assert found["emotion"] == [clip.emotion for clip in truth]
        assert found["duration"] == pytest.approx([seconds] * 4)
        if table == "segments.csv":
            assert found["speaker"] == [clip.speaker.replace("emodb", "mine") for clip in truth]


@pytest.mark.parametrize(
    "value",
    [
        *([[1.0, 2.0]], 3, 2.5, True, b"", "", None, {}, {"bytes": None, "path": None}, {"bytes": 10**12}),
        *({"bytes": "abc"}, {"path": ["a"]}, {"path": "a\0b"}, {"array": [0.1]}, {"array": "x", "sampling_rate": 8000}),
        *({"array": [0.1], "sampling_rate": rate} for rate in (None, 0, -1, float("nan"), float("inf"), "x", 1e30)),
        {"array": [[["x"]]], "sampling_rate": 8000},
    ],
)
def test_cells_that_hold_no_recording_are_told_of_by_row_and_column(value, tmp_path):
    with pytest.raises(AudioError, match=r"data/train/0000003|cannot be read") as caught:
        recording_of(value, str(tmp_path), "data/train/0000003", "sound")
    assert "\n" not in str(caught.value)
