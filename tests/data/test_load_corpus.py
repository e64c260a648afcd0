"""Loading: one dataset, a ledger that counts every file, and one clear error for each thing that can be wrong."""

import logging
import os
import re
from pathlib import Path

import pytest

from ser_hf.base.errors import AudioError, CorpusError, SerHfError
from ser_hf.data import load_corpus

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"
BAD = {
    "zero bytes": (lambda good: b"", "is empty"),
    "truncated": (lambda good: good[: len(good) // 2], "is truncated"),
    "text": (lambda good: b"404: Not Found\n" * 20, "is text, not audio"),
    "LFS pointer": (lambda good: POINTER, "is a Git-LFS pointer"),
}


@pytest.fixture
def root(tmp_path, write_clip):
    """A data root with four RAVDESS clips; the last one is calm."""
    for emotion in (3, 4, 5, 2):
        write_clip(tmp_path / f"root/ravdess/03-01-{emotion:02d}-01-01-01-01.wav")
    return tmp_path / "root"


@pytest.fixture
def path(root):
    """One of its clips, a sad one."""
    return root / "ravdess/03-01-04-01-01-01-01.wav"


@pytest.fixture
def load(root, tmp_path):
    def load(*corpora, **settings):
        return load_corpus(corpora or ["ravdess"], **{"data_root": root, "cache_dir": tmp_path / "cache"} | settings)

    return load


def test_the_ledger_counts_every_clip_of_every_corpus(harmonised):
    rows = {(r.corpus, r.native_label): (r.action, r.label, r.clips) for r in harmonised.ledger.rows}
    assert len(rows) == 8 + 7 + 7
    assert rows["ravdess", "calm"] == ("kept", "calm", 6)
    assert rows["savee", "sadness"] == ("kept", "sad", 8)
    assert rows["tess", "pleasant surprise"] == ("kept", "surprised", 4)
    assert (harmonised.ledger.found, harmonised.ledger.used, len(harmonised.dataset)) == (132, 132, 132)
    assert [corpus.name for corpus in harmonised.records] == ["ravdess", "savee", "tess"]


def test_what_a_scheme_drops_stands_in_the_ledger(corpora_root, tmp_path):
    found = load_corpus(["ravdess", "savee"], data_root=corpora_root, scheme="4class", cache_dir=tmp_path)
    dropped = {(r.corpus, r.emotion): r.clips for r in found.ledger.rows if r.action == "dropped"}
    assert dropped == {
        **{("ravdess", emotion): 6 for emotion in ("calm", "fearful", "disgust", "surprised")},
        **{("savee", emotion): 8 for emotion in ("fearful", "disgust", "surprised")},
    }
    assert (found.ledger.found, found.ledger.used, len(found.dataset)) == (104, 56, 56)


def test_a_corpus_named_twice_is_loaded_once(load):
    assert len(load("ravdess", "ravdess").dataset) == 4


def test_a_folder_of_its_own_comes_before_the_data_root(load, corpora_root):
    assert len(load(data_dirs={"ravdess": str(corpora_root / "ravdess")}).dataset) == 48


def test_remarks_are_returned_and_logged(load, root, caplog):
    (root / "ravdess/song.wav").touch()
    with caplog.at_level(logging.WARNING):
        remarks = load().remarks
    assert remarks[0].startswith("ravdess: 4 clips found, 1440 in the official release")
    assert remarks[1] == "ravdess: 1 audio files are not of this corpus, e.g. song.wav"
    assert set(remarks) <= set(caplog.messages)


@pytest.mark.parametrize("kind", BAD)
def test_an_unreadable_file_is_named_with_the_reason(load, path, kind):
    spoil, reason = BAD[kind]
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(AudioError, match=re.escape(f"{path} {reason}")):
        load()


@pytest.mark.parametrize("kind", BAD)
def test_an_unreadable_file_is_left_out_on_request(load, path, kind):
    spoil, reason = BAD[kind]
    path.write_bytes(spoil(path.read_bytes()))
    found = load(skip_bad=True)
    assert "ravdess/03-01-04-01-01-01-01" not in found.dataset["clip_id"]
    assert [(r.native_label, r.clips) for r in found.ledger.rows if r.action == "unreadable"] == [("sad", 1)]
    (line,) = found.ledger.unreadable
    assert line.startswith(f"ravdess/{path.stem} {reason}")
    assert (found.ledger.found, found.ledger.used, len(found.dataset)) == (4, 3, 3)


def test_what_was_left_out_is_listed_again_when_the_cache_is_used(load, path):
    path.write_bytes(b"")
    assert load(skip_bad=True).ledger == load(skip_bad=True).ledger


def test_a_link_that_leads_nowhere_is_an_unreadable_file(load, path):
    path.unlink()
    path.symlink_to("gone.wav")
    with pytest.raises(AudioError, match=re.escape(f"{path} does not exist; check the path")):
        load()
    assert load(skip_bad=True).ledger.unreadable == (f"ravdess/{path.stem} does not exist; check the path",)


def test_a_bad_file_that_the_scheme_drops_is_not_read(load, root):
    (root / "ravdess/03-01-02-01-01-01-01.wav").write_bytes(b"")
    assert [r.action for r in load(scheme="7class").ledger.rows if r.emotion == "calm"] == ["dropped"]


def test_worker_processes_name_the_file_as_well(load, path):
    path.write_bytes(b"")
    with pytest.raises(AudioError, match=re.escape(f"{path} is empty")):
        load(num_proc=2)
    found = load(num_proc=2, skip_bad=True)
    assert (len(found.dataset), len(found.ledger.unreadable)) == (3, 1)


def test_a_corpus_with_no_readable_clip_is_refused(load, root):
    for path in (root / "ravdess").iterdir():
        path.write_bytes(b"")
    for _ in range(2):  # the second time from the cache
        with pytest.raises(
            CorpusError, match=r"no readable clip in ravdess; the first: .*03-01-02-01-01-01-01\.wav is empty"
        ):
            load(skip_bad=True)


def test_a_scheme_that_drops_every_clip_is_refused(load, root):
    for emotion in (3, 4, 5):
        (root / f"ravdess/03-01-{emotion:02d}-01-01-01-01.wav").unlink()
    with pytest.raises(CorpusError, match="no readable clip in ravdess under the scheme 7class"):
        load(scheme="7class")


def test_an_unknown_emotion_code_is_refused_with_the_path(load, root, write_clip):
    path = write_clip(root / "ravdess/03-01-09-01-01-01-01.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown RAVDESS emotion code 09")):
        load()


@pytest.mark.parametrize(
    ("corpora", "settings", "message"),
    [
        (["ravdes"], {}, "unknown corpus 'ravdes'; did you mean 'ravdess'"),
        (["ravdess"], {"data_dirs": {"ravdes": "x"}}, "unknown corpus 'ravdes'; did you mean 'ravdess'"),
        (["ravdess"], {"scheme": "8"}, "unknown label scheme '8'"),
        (["savee"], {}, "corpus 'savee': looked for .*savee, which does not exist. Register at"),
        (["ravdess"], {"num_proc": 0}, "num_proc is 0; expected 1 or more"),
        (["ravdess"], {"data_root": None}, "corpus 'ravdess': no folder given; pass --data_root DIR"),
    ],
)
def test_a_wrong_name_or_folder_is_refused(load, corpora, settings, message):
    with pytest.raises(SerHfError, match=message):
        load(*corpora, **settings)


def test_names_that_are_not_utf8(load, tmp_path, write_clip):
    write_clip(tmp_path / "mine/sad/a.wav").rename(tmp_path / os.fsdecode(b"mine/sad/\xe9.wav"))
    found = load("folder", data_dirs={"folder": str(tmp_path / "mine")})
    assert found.dataset["clip_id"][:] == ["folder/sad/\\udce9.wav"]
    assert found.dataset[0]["audio"]["path"] == "\\udce9.wav"


@pytest.mark.real
def test_every_untouched_original_is_read(shared_data, tmp_path):
    found = load_corpus(["ravdess", "savee", "tess"], data_root=shared_data / "originals", cache_dir=tmp_path)
    rows = {row["clip_id"]: row for row in found.dataset}
    assert (found.ledger.found, len(rows)) == (28, 28)
    assert {row["sampling_rate"] for row in rows.values()} == {48_000, 44_100, 24_414, 96_000}
    assert rows["tess/OAF_food_fear"]["sampling_rate"] == 96_000
    assert rows["tess/YAF_germ_angry"]["audio"]["bytes"][:4] == b"FORM", "AIFF inside .wav"
    assert rows["tess/OAF_bite_neutral"]["audio"]["path"] == "OA_bite_neutral.wav"
    assert rows["ravdess/03-01-02-01-01-02-01"]["duration"] > 1, "stereo"
    happy = [rows[f"ravdess/03-01-03-01-02-0{i}-07"]["audio_hash"] for i in (1, 2)]
    assert happy[0] == happy[1]
    assert len({row["audio_hash"] for row in rows.values()}) == 27
    assert all(1 < row["duration"] < 8 for row in rows.values())


@pytest.mark.parametrize("harm", ["flipped byte", "half"])
def test_a_damaged_cache_is_built_again_and_named(load, tmp_path, caplog, harm):
    before = load().dataset
    (path,) = {file["filename"] for file in before.cache_files}
    rows, data = before.to_list(), bytearray(Path(path).read_bytes())
    del before
    data[len(data) // 2] ^= 1
    Path(path).unlink()  # the old one stays mapped where it is used
    Path(path).write_bytes(data[: len(data) // 2] if harm == "half" else data)
    assert load().dataset.to_list() == rows
    assert f"{path} is damaged: it is not what was written; it is made again" in caplog.messages
