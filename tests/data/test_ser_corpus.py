"""The builder: harmonised rows, the files' own bytes, and a cache that follows the files."""

import os
from pathlib import Path

import datasets
import pytest

from ser_hf.audio import audio_hash, decode
from ser_hf.corpora import CORPORA
from ser_hf.data import SerCorpus, ser_corpus
from ser_hf.errors import AudioError, CorpusError, SerHfError

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
]
TEXTS += ["clip_id", "audio_hash"]


@pytest.fixture
def reads(monkeypatch):
    """The clip ids of every file read in this process."""
    read = []
    row = ser_corpus.row

    def counted(clip, scheme):
        read.append(clip.clip_id)
        return row(clip, scheme)

    monkeypatch.setattr(ser_corpus, "row", counted)
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
        "duration": "float32",
        "repetition": "int32",
        "sampling_rate": "int32",
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
        "clip_id": "ravdess/03-01-03-01-01-01-02",
        "duration": pytest.approx(0.1),
        "sampling_rate": 16_000,
        "audio_hash": audio_hash(*decode(path)),
    }


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
    with pytest.raises(CorpusError, match=f"^{found}; expected one or more of: folder, ravdess, savee, "):
        SerCorpus(config_name="combined", cache_dir=str(tmp_path), **given)


def test_a_missing_folder_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(CorpusError, match=r"looked for .*gone, which does not exist"):
        SerCorpus(config_name="ravdess", cache_dir=str(tmp_path), data_dir=str(tmp_path / "gone"))


def test_the_synthetic_corpus_needs_no_folder(tmp_path, write_corpora, monkeypatch):
    made = write_corpora(tmp_path / "made", actors=1)
    monkeypatch.setattr(ser_corpus, "synthetic_root", lambda: made)
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
    with pytest.raises(datasets.exceptions.DatasetGenerationError) as caught:
        build(tmp_path / "cache", data_dir=str(ravdess))
    assert isinstance(caught.value.__cause__, AudioError)
    path.write_bytes(good)
    assert len(build(tmp_path / "cache", data_dir=str(ravdess))) == 6


def test_every_corpus_has_a_config():
    assert set(SerCorpus.builder_configs) == {*CORPORA, "combined"}
