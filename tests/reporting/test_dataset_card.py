"""The dataset card: its header is what ``load_dataset`` reads."""

import json

import pytest
from huggingface_hub import DatasetCard

from ser_hf.base.errors import SerHfError
from ser_hf.reporting import render_dataset_card, write_dataset_card


@pytest.fixture
def built(tmp_path, build):
    (tmp_path / "build.json").write_text(json.dumps(build), encoding="utf-8")
    return tmp_path


def test_load_dataset_finds_every_config_without_a_script(built, build, tmp_path_factory):
    import datasets

    features = datasets.Features(
        {"clip_id": datasets.Value("string"), "label": datasets.ClassLabel(names=build["classes"])}
    )
    for config in build["configs"]:
        for number, file in enumerate(config["data_files"], start=1):
            rows = {"clip_id": [f"{config['config_name']}/{i}" for i in range(number)], "label": [number] * number}
            path = built / file["path"].replace("*", "00000-of-00001")
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    write_dataset_card(built)
    cache = str(tmp_path_factory.mktemp("cache"))
    for name in ("ravdess", "combined"):
        loaded = datasets.load_dataset(str(built), name, cache_dir=cache)
        assert {split: len(rows) for split, rows in loaded.items()} == {"train": 1, "validation": 2, "test": 3}
        assert loaded["test"]["clip_id"][0] == f"{name}/0"
        assert loaded["test"].features == features
    assert datasets.load_dataset(str(built), cache_dir=cache, split="test")["clip_id"][0] == "combined/0"
    assert datasets.get_dataset_config_names(str(built)) == ["ravdess", "savee", "combined"]


def test_the_hub_reads_the_metadata(built, build):
    data = DatasetCard.load(write_dataset_card(built)).data.to_dict()
    assert data["configs"] == build["configs"]
    assert data["task_categories"] == ["audio-classification"]
    assert data["size_categories"] == ["1K<n<10K"]
    assert (data["license"], data["license_name"]) == ("other", "terms-of-the-corpora")
    assert data["language"] == ["en"]
    assert "dataset_info" not in data


def test_the_body_holds_corpora_counts_ledger_and_audit(build):
    text = render_dataset_card(build)
    for corpus in build["corpora"]:
        for key in ("title", "licence", "citation", "homepage"):
            assert corpus[key] in text
    for name, split in build["splits"].items():
        counts = " | ".join(str(n) for n in split["classes"].values())
        assert f"| {name} | {split['clips']} | {split['speakers']} | {counts} |" in text
    assert "| savee | surprised | surprised | dropped | – | 60 |" in text
    assert "- savee: 479 clips found, 480 in the official release\n" in text
    assert "warning, speaker-overlap: 28 speakers" in text
    assert 'load_dataset("path/to/this/folder", "combined")' in text
    assert "> **Speaker-mixed split.**" in text
    assert "does not allow passing the recordings on" in text


def test_a_synthetic_build_says_so_and_a_free_one_may_be_published(build):
    build["corpora"] = [build["corpora"][0] | {"synthetic": True, "licence": "Apache-2.0"}]
    build["split"]["speaker_independent"], build["audit"] = True, []
    text = render_dataset_card(build)
    assert "> **Synthetic voices.**" in text
    assert "- synthetic\n" in text
    assert "license: apache-2.0\n" in text
    assert "The leakage audit found nothing." in text
    assert "Not to be published" not in text
    assert "both sides" not in text


def test_a_folder_without_a_build_is_refused(tmp_path):
    with pytest.raises(SerHfError, match=r"build\.json is missing; it is part of a dataset folder"):
        write_dataset_card(tmp_path)
