"""The builder: harmonised rows, the files' own bytes, and a cache that follows the files."""

import copy
import os
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
from filelock import FileLock

from ser_hf.audio import audio_hash, decode, read_recording
from ser_hf.base.errors import AudioError, CorpusError, SerHfError
from ser_hf.corpora import CORPORA, scan
from ser_hf.data import SerCorpus, ser_corpus, ser_corpus_config
from ser_hf.data.ser_corpus import row_features
from ser_hf.labels import get_scheme

EIGHT = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
TEXTS = [
    "native_label",
    "emotion",
    "corpus",
    "speaker",
    "sex",
    "language",
    "sentence",
    "intensity",
    "channel",
    "session",
    "partition",
]
TEXTS += ["clip_id", "source", "augmentation", "audio_hash"]


@pytest.fixture
def reads(monkeypatch):
    """The clip ids of every file read in this process."""
    read = []
    read_clip = ser_corpus.read_clip

    def counted(clip, *limit):
        read.append(clip.clip_id)
        return read_clip(clip, *limit)

    monkeypatch.setattr(ser_corpus, "read_clip", counted)
    return read


@pytest.fixture
def ravdess(tmp_path, write_clip):
    """A folder with six RAVDESS clips of two actors."""
    for actor in (1, 2):
        for emotion in (1, 2, 3):
            write_clip(tmp_path / f"ravdess/Actor_{actor:02d}/03-01-{emotion:02d}-01-01-01-{actor:02d}.wav")
    return tmp_path / "ravdess"


def build(cache: Path, name: str = "ravdess", num_proc: int | None = None, **settings) -> datasets.Dataset:
    builder = SerCorpus(config_name=name, cache_dir=str(cache), **settings)
    builder.download_and_prepare(num_proc=num_proc)
    return builder.as_dataset(split="train")


def test_the_columns(harmonised):
    features = harmonised.dataset.features
    assert features["label"] == datasets.ClassLabel(names=EIGHT)
    assert {name: getattr(feature, "dtype", feature) for name, feature in features.items() if name != "label"} == {
        "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
        "label_distribution": datasets.List(datasets.Value("float32")),
        **dict.fromkeys(["valence", "arousal", "dominance", "duration"], "float32"),
        **dict.fromkeys(["repetition", "age", "sampling_rate"], "int32"),
        **dict.fromkeys(TEXTS, "string"),
    }


def test_one_row_in_full(ravdess, tmp_path):
    row = build(tmp_path / "cache", data_dir=str(ravdess))[5]
    path = ravdess / "Actor_02/03-01-03-01-01-01-02.wav"
    assert row == {
        "audio": {"bytes": path.read_bytes(), "path": path.name},
        "label": 2,
        "native_label": "happy",
        "emotion": "happy",
        "corpus": "ravdess",
        "speaker": "ravdess_02",
        "sex": "female",
        "language": "en",
        "sentence": "Kids are talking by the door",
        "intensity": "normal",
        "repetition": 1,
        "channel": "speech",
        "session": None,
        **dict.fromkeys(["age", "partition", "label_distribution", "valence", "arousal", "dominance"]),
        **dict.fromkeys(["source", "augmentation"]),
        "clip_id": "ravdess/03-01-03-01-01-01-02",
        "duration": pytest.approx(0.1),
        "sampling_rate": 16_000,
        "audio_hash": audio_hash(*decode(path)),
    }


def rated(path: Path, scheme: str, **ratings) -> dict:
    """The row of a clip with what raters say."""
    found = scan(CORPORA["ravdess"], path.parent)
    made = ser_corpus.row(replace(found.clips[0], **ratings), read_recording(path), get_scheme(scheme))
    return datasets.Dataset.from_list([made], row_features(get_scheme(scheme)))[0]


def test_votes_become_shares_of_the_classes(tmp_path, write_clip):
    path = write_clip(tmp_path / "03-01-03-01-01-01-01.wav")
    votes = (("happy", 3.0), ("excited", 2.0), ("sad", 1.0), ("disgust", 4.0))
    assert rated(path, "8class", votes=votes)["label_distribution"] == [0, 0, 0.375, 0.125, 0, 0, 0.5, 0]
    shares = rated(path, "4class", votes=votes)["label_distribution"]
    assert shares == pytest.approx([0, 5 / 6, 1 / 6, 0]), "excited counts as happy, disgust is dropped"
    assert rated(path, "4class", votes=(("disgust", 4.0),))["label_distribution"] is None, "no vote falls on a class"
    assert rated(path, "8class", votes=None)["label_distribution"] is None


def test_ratings_age_and_partition_are_kept(tmp_path, write_clip):
    path = write_clip(tmp_path / "03-01-03-01-01-01-01.wav")
    known = {"valence": 4.5, "arousal": 1.0, "dominance": 3.25, "age": 31, "partition": "test2"}
    found = rated(path, "8class", **known)
    assert {name: found[name] for name in known} == known


def test_the_audio_is_the_file_byte_for_byte(harmonised, corpora_root):
    files = {path.read_bytes() for path in corpora_root.rglob("*.wav")}
    assert {row["bytes"] for row in harmonised.dataset["audio"]} == files
    assert len(harmonised.dataset) == len(files) == 132


def test_labels_agree_across_corpora(harmonised):
    found = set(
        zip(harmonised.dataset["corpus"], harmonised.dataset["native_label"], harmonised.dataset["label"], strict=True)
    )
    names = {"ravdess": "fearful surprised", "savee": "fear surprise", "tess": "fear|pleasant surprise"}
    for corpus, words in names.items():
        fearful, surprised = words.split("|") if "|" in words else words.split()
        assert {(corpus, fearful, 5), (corpus, surprised, 7)} <= found


def test_speakers_and_clips_are_unique_across_corpora(harmonised):
    assert len(set(harmonised.dataset["clip_id"])) == 132
    assert len(set(harmonised.dataset["speaker"])) == 6 + 4 + 2


def test_combined_takes_every_corpus_that_has_a_folder(corpora_root, tmp_path):
    found = build(tmp_path, "combined", data_root=str(corpora_root))
    assert sorted(set(found["corpus"])) == ["ravdess", "savee", "tess"]
    assert len(found) == 132


def test_combined_takes_the_corpora_named(corpora_root, tmp_path):
    found = build(tmp_path, "combined", data_root=str(corpora_root), corpora=("savee", "tess", "savee"))
    assert found["corpus"][:] == ["savee"] * 56 + ["tess"] * 28


def test_a_folder_of_its_own_stands_beside_the_data_root(ravdess, corpora_root, tmp_path):
    found = build(
        tmp_path / "cache", "combined", data_dirs={"ravdess": str(ravdess), "tess": str(corpora_root / "tess")}
    )
    assert found["corpus"][:] == ["ravdess"] * 6 + ["tess"] * 28


@pytest.mark.parametrize(
    ("given", "found"),
    [({}, "no folder given; pass data_root or data_dirs"), ({"data_root": "here"}, "no corpus folder in here")],
)
def test_combined_without_any_corpus_is_refused(tmp_path, given, found):
    with pytest.raises(CorpusError, match=f"^{found}; expected one or more of: .*folder, .*ravdess, .*savee, "):
        SerCorpus(config_name="combined", cache_dir=str(tmp_path), **given)


def test_a_missing_folder_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(CorpusError, match=r"looked for .*gone, which does not exist"):
        SerCorpus(config_name="ravdess", cache_dir=str(tmp_path), data_dir=str(tmp_path / "gone"))


def test_the_synthetic_corpus_needs_no_folder(tmp_path, write_corpora, monkeypatch):
    made = write_corpora(tmp_path / "made", actors=1)
    monkeypatch.setattr(ser_corpus_config, "synthetic_root", lambda: made)
    found = build(tmp_path / "cache", "synthetic")
    assert (len(found), set(found["corpus"])) == (8 + 56 + 28, {"synthetic"})
    (tmp_path / "root/synthetic/ravdess").mkdir(parents=True)
    (made / "ravdess/Actor_01/03-01-01-01-01-01-01.wav").rename(
        tmp_path / "root/synthetic/ravdess/03-01-01-01-01-01-01.wav"
    )
    assert len(build(tmp_path / "cache", "synthetic", data_root=str(tmp_path / "root"))) == 1


@pytest.mark.parametrize(("scheme", "rows", "classes"), [("7class", 4, 7), ("6class", 4, 6), ("4class", 4, 4)])
def test_another_scheme_drops_calm(ravdess, tmp_path, scheme, rows, classes):
    found = build(tmp_path / "cache", data_dir=str(ravdess), scheme=scheme)
    assert (len(found), found.features["label"].num_classes) == (rows, classes)
    names = found.features["label"].names
    assert [names[label] for label in found["label"]] == found["emotion"][:] == ["neutral", "happy"] * 2


def test_excited_becomes_happy_in_four_classes(tmp_path, write_clip):
    write_clip(tmp_path / "data/excited/ann/a.wav")
    row = build(tmp_path / "cache", "folder", data_dir=str(tmp_path / "data"), scheme="4class")[0]
    assert (row["label"], row["emotion"], row["native_label"]) == (1, "excited", "excited")


def test_an_unknown_scheme_is_refused(ravdess, tmp_path):
    with pytest.raises(SerHfError, match="unknown label scheme '5class'"):
        build(tmp_path / "cache", data_dir=str(ravdess), scheme="5class")


def test_two_processes_give_the_same_rows(ravdess, tmp_path):
    one = build(tmp_path / "one", data_dir=str(ravdess))
    two = build(tmp_path / "two", data_dir=str(ravdess), num_proc=2)
    assert len(two.cache_files) == 2
    assert one[:] == two[:]


def test_a_worker_gets_the_clips_without_a_copy_of_them(ravdess, tmp_path):
    builder = SerCorpus(config_name="ravdess", cache_dir=str(tmp_path), data_dir=str(ravdess))
    sent = builder.__reduce_ex__(2)[2]
    assert "03-01-01-01-01-01-01" not in repr(sent)
    assert sent["scans"] is None
    tables = list(copy.copy(builder)._generate_tables([0, 5], None, 0))
    assert tables[0][1]["clip_id"].to_pylist() == ["ravdess/03-01-01-01-01-01-01", "ravdess/03-01-03-01-01-01-02"]
    (ravdess / "Actor_01/03-01-01-01-01-01-01.wav").unlink()
    with pytest.raises(CorpusError, match="changed while they were read; build again"):
        next(copy.copy(builder)._generate_tables([0], None, 0))


def test_long_recordings_come_in_small_tables(ravdess, tmp_path, monkeypatch):
    whole = build(tmp_path / "one", data_dir=str(ravdess))
    monkeypatch.setattr(ser_corpus, "_BYTES", 5_000)  # a clip has 3244
    builder = SerCorpus(config_name="ravdess", cache_dir=str(tmp_path), data_dir=str(ravdess))
    assert [len(table) for _, table in builder._generate_tables(list(range(5)), None, 0)] == [2, 2, 1]
    assert build(tmp_path / "two", data_dir=str(ravdess))[:] == whole[:]


@pytest.mark.parametrize("skip_bad", [False, True])
def test_streaming(ravdess, tmp_path, skip_bad):
    settings = {"config_name": "ravdess", "data_dir": str(ravdess), "cache_dir": str(tmp_path), "skip_bad": skip_bad}
    rows = list(SerCorpus(**settings).as_streaming_dataset(split="train"))
    assert rows == list(build(tmp_path / "cache", data_dir=str(ravdess)))
    (ravdess / "Actor_01/03-01-02-01-01-01-01.wav").write_bytes(b"")
    stream = SerCorpus(**settings).as_streaming_dataset(split="train")
    if skip_bad:
        assert [row["clip_id"] for row in stream] == [
            r["clip_id"] for r in rows if "-02-01-01-01-01" not in r["clip_id"]
        ]
    else:
        with pytest.raises(AudioError, match=r"03-01-02-01-01-01-01\.wav is empty"):
            list(stream)


def test_nothing_is_read_again_where_nothing_changed(ravdess, tmp_path, reads):
    first = build(tmp_path / "cache", data_dir=str(ravdess))
    assert len(reads) == 6
    again = build(tmp_path / "cache", data_dir=str(ravdess))
    assert len(reads) == 6
    assert again.cache_files == first.cache_files
    assert again[:] == first[:]


def changed(ravdess: Path, write_clip) -> None:
    write_clip(ravdess / "Actor_01/03-01-01-01-01-01-01.wav", seed=1)


def touched(ravdess: Path, write_clip) -> None:
    path = ravdess / "Actor_01/03-01-01-01-01-01-01.wav"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def added(ravdess: Path, write_clip) -> None:
    write_clip(ravdess / "Actor_03/03-01-01-01-01-01-03.wav")


def removed(ravdess: Path, write_clip) -> None:
    (ravdess / "Actor_01/03-01-01-01-01-01-01.wav").unlink()


def renamed(ravdess: Path, write_clip) -> None:
    (ravdess / "Actor_01/03-01-01-01-01-01-01.wav").rename(ravdess / "Actor_01/03-01-04-01-01-01-01.wav")


@pytest.mark.parametrize("change", [changed, touched, added, removed, renamed])
def test_a_change_of_the_files_is_seen(ravdess, tmp_path, reads, write_clip, change):
    build(tmp_path / "cache", data_dir=str(ravdess))
    change(ravdess, write_clip)
    reads.clear()
    found = build(tmp_path / "cache", data_dir=str(ravdess))
    files = sorted(ravdess.rglob("*.wav"))
    assert len(reads) == len(files)
    assert [row["bytes"] for row in found["audio"]] == [path.read_bytes() for path in files]


@pytest.mark.parametrize("settings", [{"scheme": "4class"}, {"skip_bad": True}], ids=str)
def test_other_settings_have_a_cache_of_their_own(ravdess, tmp_path, reads, settings):
    build(tmp_path / "cache", data_dir=str(ravdess))
    reads.clear()
    build(tmp_path / "cache", data_dir=str(ravdess), **settings)
    assert reads


def test_what_is_known_of_bad_clips_has_a_cache_of_its_own(ravdess, tmp_path, reads, monkeypatch):
    build(tmp_path / "cache", data_dir=str(ravdess))
    reads.clear()
    record = replace(CORPORA["ravdess"], bad={"ravdess/03-01-01-01-01-01-01": "no signal"})
    monkeypatch.setitem(CORPORA._entries, "ravdess", record)
    assert len(build(tmp_path / "cache", data_dir=str(ravdess), skip_bad=True)) == 5
    assert len(reads) == 6


def test_a_scheme_of_the_users(ravdess, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("{keep: [neutral, happy], merge: {calm: neutral}, drop: others}")
    found = build(tmp_path / "cache", data_dir=str(ravdess), scheme=str(path))
    assert found.features["label"].names == ["neutral", "happy"]
    assert found["label"][:] == [0, 0, 1] * 2
    assert build(tmp_path / "cache", data_dir=str(ravdess), scheme=get_scheme(path))[:] == found[:]
    path.write_text("{keep: [neutral, happy], drop: others}")
    assert build(tmp_path / "cache", data_dir=str(ravdess), scheme=str(path))["label"][:] == [0, 1] * 2


def test_a_label_changed_in_the_table_is_seen(tmp_path, write_clip):
    write_clip(tmp_path / "data/a.wav")
    labels = []
    for label in ("sad", "happy"):
        (tmp_path / "data/metadata.csv").write_text(f"path,label\na.wav,{label}\n")
        labels.append(build(tmp_path / "cache", "folder", data_dir=str(tmp_path / "data"))["label"][0])
    assert labels == [3, 2]


def test_an_unreadable_file_stops_the_build_and_leaves_no_cache(ravdess, tmp_path):
    path = ravdess / "Actor_01/03-01-01-01-01-01-01.wav"
    good = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(AudioError, match="1 of 6 clips cannot be used"):
        build(tmp_path / "cache", data_dir=str(ravdess))
    assert not list((tmp_path / "cache").rglob("*.arrow"))
    path.write_bytes(good)
    assert len(build(tmp_path / "cache", data_dir=str(ravdess))) == 6


def test_what_a_killed_build_left_is_removed(ravdess, tmp_path):
    cache = tmp_path / "cache"
    builder = SerCorpus(config_name="ravdess", cache_dir=str(cache), data_dir=str(ravdess))
    own, other, at_work = (Path(f"{builder.cache_dir}{end}.incomplete") for end in ("", "1", "2"))
    for folder in (own, other, at_work):
        folder.mkdir(parents=True)
        (folder / "ser_corpus-train-00007-00000-of-NNNNN.arrow").write_bytes(b"half")
        (folder / "notes-0-000000003.json").write_text("half")
    with FileLock(f"{builder.cache_dir}2_builder.lock"):
        builder.download_and_prepare()
    assert len(builder.as_dataset(split="train")) == 6
    names = {path.name for path in Path(builder.cache_dir).iterdir()}
    assert names == {"dataset_info.json", "ser_corpus-train.arrow", "checks.json"}
    assert [path for path in (own, other, at_work) if path.exists()] == [at_work], "somebody works there"


@pytest.mark.parametrize("worker", [True, False])
def test_a_worker_does_not_outlive_the_build(ravdess, tmp_path, monkeypatch, worker):
    builder = SerCorpus(config_name="ravdess", cache_dir=str(tmp_path), data_dir=str(ravdess))
    monkeypatch.setattr(ser_corpus, "_ROWS", 1)
    tables = builder._generate_tables([0, 1, 2], str(tmp_path / "notes"), os.getpid() + worker)
    next(tables)
    next(tables)
    monkeypatch.setattr(ser_corpus.os, "getppid", lambda: 1)  # the foster parent of orphans
    if worker:
        with pytest.raises(SystemExit, match="is gone"):
            next(tables)
        assert not list(tmp_path.glob("notes-*"))
    else:
        assert len(list(tables)) == 1, "the shell that began a build may go"
        assert (tmp_path / "notes-000000000.json").is_file()


def test_every_corpus_has_a_config():
    assert set(SerCorpus.builder_configs) == {*CORPORA, "combined"}
