"""The manifest: the same dataset from another copy of the recordings, or a list of what differs."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from ser_hf.base.errors import SerHfError, SplitError
from ser_hf.data import MANIFEST, load_built, read_manifest
from ser_hf.flows.build import build, rebuild


@pytest.fixture
def root(write_corpora, tmp_path):
    """A data root of the test's own."""
    return write_corpora(tmp_path / "data")


@pytest.fixture
def published(root, tmp_path):
    """What a repository holds of a dataset whose corpora may not be passed on: manifest and build.json."""
    scheme = tmp_path / "mine.yaml"
    scheme.write_text("keep: [happy, sad, angry]\nmerge: {fearful: sad}\ndrop: others\n")
    made = build(["savee", "ravdess"], tmp_path / "first", protocol="random", scheme=scheme, data_root=root)
    folder = tmp_path / "published"
    folder.mkdir()
    for name in (MANIFEST, "build.json"):
        (made.folder / name).rename(folder / name)
    return folder


def rows(folder):
    return {
        clip: (split, label)
        for split, part in load_built(folder, "combined").items()
        for clip, label in zip(part["clip_id"][:], part["label"][:], strict=True)
    }


def test_the_same_dataset_from_a_copy_in_another_container(published, root, tmp_path):
    before = rows(tmp_path / "first")
    for path in root.rglob("*.wav"):
        samples, rate = soundfile.read(path, dtype="int16")
        soundfile.write(path.with_suffix(".flac"), samples, rate, subtype="PCM_16")
        path.unlink()
    again = rebuild(published, tmp_path / "again", data_root=root)
    assert rows(again.folder) == before
    facts = [json.loads((f / "build.json").read_text()) for f in (published, again.folder)]
    assert facts[0]["split"] == {**facts[1]["split"], "left_out": 0}
    assert facts[0]["scheme_definition"] == facts[1]["scheme_definition"]
    assert read_manifest(again.folder) == read_manifest(published)


def test_other_recordings_are_refused_and_named(published, root, tmp_path, write_clip):
    lost, spoilt = root / "savee/AudioData/DC/a01.wav", root / "ravdess/Actor_02/03-01-05-01-01-01-02.wav"
    lost.unlink()
    write_clip(spoilt, seed=9)
    with pytest.raises(SerHfError, match="1 clips not in your copy: savee/DC/a01; 1 clips with other audio") as caught:
        rebuild(published, tmp_path / "again", data_root=root)
    assert "ravdess/03-01-05-01-01-01-02" in str(caught.value)
    assert not (tmp_path / "again").exists()
    made = rebuild(published, tmp_path / "again", data_root=root, allow_differences=True)
    assert any("savee/DC/a01" in line for line in json.loads((made.folder / "build.json").read_text())["remarks"])
    assert len(rows(made.folder)) == len(read_manifest(published)) - 1


def test_clips_the_manifest_does_not_know_are_in_no_split(published, root, tmp_path, write_clip):
    write_clip(root / "ravdess/Actor_07/03-01-05-01-01-01-07.wav")
    again = rebuild(published, tmp_path / "again", data_root=root)
    assert again.split.info.left_out == 1
    assert rows(again.folder).keys() == read_manifest(published).keys()


def test_a_copy_without_a_split_is_refused(published, root, tmp_path):
    for split in ("train", "test"):
        table = pq.read_table(published / MANIFEST)
        pq.write_table(table.filter(pa.compute.not_equal(table["split"], split)), published / MANIFEST)
    with pytest.raises(SplitError, match=r"no clip of the manifest's train and test"):
        rebuild(published, tmp_path / "again", data_root=root)


@pytest.mark.parametrize("content", [b"", b"PAR1 is how it begins", None])
def test_what_is_no_manifest(published, root, tmp_path, content):
    (published / MANIFEST).unlink()
    if content is not None:
        (published / MANIFEST).write_bytes(content)
    with pytest.raises(SerHfError, match="is not a manifest" if content is not None else "no manifest"):
        rebuild(published, tmp_path / "again", data_root=root)


def test_a_table_of_something_else(published, root, tmp_path):
    pq.write_table(pa.table({"a": [1]}), published / MANIFEST)
    with pytest.raises(SerHfError, match="is not a manifest"):
        rebuild(published, tmp_path / "again", data_root=root)
