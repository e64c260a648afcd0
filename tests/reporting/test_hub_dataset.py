"""Pushing a built dataset: open corpora with their recordings, closed ones as a manifest."""

import json

import datasets
import pytest
from huggingface_hub import DatasetCard

from ser_hf.base.errors import SerHfError
from ser_hf.reporting import render_dataset_card
from ser_hf.reporting.hub_dataset import files_to_push, push_dataset

PUSH = """
import sys
from ser_hf.reporting import push_dataset
sys.stdout.write(push_dataset({folder!r}, "tester/voices", private={private}).address)
"""
LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
loaded = {{name: datasets.load_dataset("tester/voices", name) for name in {names!r}}}
json.dump({{n: {{s: rows["clip_id"][:] for s, rows in d.items()}} for n, d in loaded.items()}}, sys.stdout)
"""


@pytest.fixture
def built(tmp_path, build):
    """A built dataset of an open corpus, ravdess, and a closed one, savee, with one clip in every split."""
    folder = tmp_path / "voices"
    for corpus in ("ravdess", "savee"):
        for split in ("train", "validation", "test"):
            path = folder / "data" / corpus / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_dict({"clip_id": [f"{corpus}/{split}"]}).to_parquet(path)
    for config in build["configs"]:
        if config.get("default"):
            for file in config["data_files"]:
                file["path"] = file["path"].replace("combined", "*")
    (folder / "build.json").write_text(json.dumps(build), encoding="utf-8")
    rows = {"split": ["test", "test"], "clip_id": ["ravdess/test", "savee/test"], "audio_hash": ["1", "2"]}
    datasets.Dataset.from_dict(rows).to_parquet(folder / "manifest.parquet")
    (folder / ".env").write_text("stays at home")
    return folder


def close(folder, build):
    """Makes every corpus of a built dataset one that may not be passed on."""
    for corpus in build["corpora"]:
        corpus["redistributable"] = False
    (folder / "build.json").write_text(json.dumps(build), encoding="utf-8")


def test_recordings_that_may_not_be_passed_on_stay_at_home(hub, built, fresh_process):
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_loopback"}
    pushed = fresh_process(PUSH.format(folder=str(built), private=True), **environment)
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout == f"{hub.url}/datasets/tester/voices"
    sent = hub.files("datasets/tester/voices")
    shards = {f"data/ravdess/{split}-00000-of-00001.parquet" for split in ("train", "validation", "test")}
    assert set(sent) == {"README.md", "build.json", "manifest.parquet", *shards}
    assert hub.repos["datasets/tester/voices"].private
    card = sent["README.md"].decode()
    assert "**Recordings withheld.** The licence of savee" in card
    assert 'load_dataset("tester/voices", "combined")' in card
    loaded = fresh_process(LOAD.format(names=["ravdess", "combined", "manifest"]), **environment)
    assert loaded.returncode == 0, loaded.stderr + repr(hub.requests)
    rows = json.loads(loaded.stdout)
    assert rows["combined"] == rows["ravdess"] == {s: [f"ravdess/{s}"] for s in ("train", "validation", "test")}
    assert rows["manifest"] == {"train": ["ravdess/test", "savee/test"]}


def test_a_dataset_of_closed_corpora_is_its_manifest(built, build):
    close(built, build)
    files = files_to_push(built, build)
    assert set(files) == {"README.md", "build.json", "manifest.parquet"}
    text = files["README.md"]
    assert "as a manifest: which clips" in text
    assert [c["config_name"] for c in DatasetCard(text).data.to_dict()["configs"]] == ["manifest"]
    assert 'load_dataset("USER/REPOSITORY", "manifest")' in text


def test_an_open_dataset_is_pushed_whole(built, build):
    build["corpora"][1]["redistributable"] = True
    files = files_to_push(built, build)
    assert sum(name.startswith("data/") for name in files) == 6
    assert "withheld" not in files["README.md"]
    assert "Not to be published" not in files["README.md"]


def test_the_local_card_has_no_manifest_to_load(build):
    text = render_dataset_card(build)
    assert [c["config_name"] for c in DatasetCard(text).data.to_dict()["configs"]] == ["ravdess", "savee", "combined"]


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("manifest.parquet", "has no manifest.parquet; build the dataset again"),
        ("data/ravdess", "has no data of ravdess; build the dataset again"),
        ("build.json", r"build\.json is missing"),
    ],
)
def test_half_a_dataset_is_refused_before_anything_is_sent(built, gone, message):
    target = built / gone
    if target.is_dir():
        for file in target.iterdir():
            file.unlink()
    else:
        target.unlink()
    with pytest.raises(SerHfError, match=message):
        push_dataset(built, "tester/voices")
