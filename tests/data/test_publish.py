"""Building: a folder of Parquet files that ``load_dataset`` reads with no script, there whole or not at all."""

import json
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import CorpusError, SerHfError, SplitError
from ser_hf.data import _shards, load_built, write_parquet
from ser_hf.flows import build as flow
from ser_hf.flows.build import audit_dataset, build
from ser_hf.protocols import SplitOptions

HELD_OUT = SplitOptions(test_speakers=("ravdess_01", "savee_JE"))


@pytest.fixture(scope="module")
def built(corpora_root, tmp_path_factory):
    """RAVDESS and SAVEE, two test speakers."""
    out = tmp_path_factory.mktemp("built") / "ser"
    return build(["ravdess", "savee"], out, protocol="speaker-independent", options=HELD_OUT, data_root=corpora_root)


def make(root: Path, out: Path, **settings) -> flow.Built:
    """A small dataset of SAVEE."""
    return build(["savee"], out, **{"protocol": "random", "data_root": root} | settings)


def test_the_folder(built):
    files = {path.relative_to(built.folder).as_posix() for path in built.folder.rglob("*") if path.is_file()}
    digest = next(iter((built.folder / "data/ravdess").iterdir())).stem.rsplit("-", 1)[1]
    parts = ["ravdess/train", "ravdess/validation", "ravdess/test", "savee/train", "savee/test"]
    assert files == {
        "README.md",
        "build.json",
        "manifest.parquet",
        *(f"data/{part}-00000-of-00001-{digest}.parquet" for part in parts),
    }
    assert built.configs == ("ravdess", "savee", "combined")
    assert [path.name for path in built.folder.parent.iterdir()] == ["ser"], "nothing else is left"


@pytest.mark.parametrize("streaming", [False, True], ids=["", "streaming"])
@pytest.mark.parametrize("config", ["ravdess", "savee", "combined", None])
def test_it_loads_by_name_without_a_script(built, config, streaming):
    parts = datasets.load_dataset(str(built.folder), config, streaming=streaming)
    corpora = [config] if config in ("ravdess", "savee") else ["ravdess", "savee"]
    for name, rows in built.split.datasets.items():
        wanted = {row["clip_id"]: row for row in rows if row["corpus"] in corpora}
        if wanted:
            assert {row["clip_id"]: row for row in parts[name]} == wanted
        else:
            assert name not in parts


def test_the_columns_survive_and_the_audio_is_audio(built):
    wanted = {**built.split.datasets["train"].features, "audio": datasets.Audio(decode=False)}
    for streaming in (False, True):
        parts = datasets.load_dataset(str(built.folder), "combined", streaming=streaming)
        assert dict(parts["train"].features) == wanted
    assert wanted["label"].names[7] == "surprised"
    for path in (built.folder / "data").rglob("*.parquet"):
        assert dict(datasets.Features.from_arrow_schema(pq.read_schema(path))) == wanted


def test_nothing_needs_torchcodec_before_audio_is_decoded(built, tmp_path):
    rows = datasets.load_dataset(str(built.folder), "savee", split="train")
    sizes = rows.map(lambda row: {"size": len(row["audio"]["bytes"])}).filter(lambda row: row["size"] > 44)
    assert sizes["size"][:] == [len(row["bytes"]) for row in rows["audio"]]
    sizes.to_parquet(tmp_path / "again.parquet")
    assert datasets.Dataset.from_parquet(str(tmp_path / "again.parquet"))[0] == sizes[0]
    for kept in (rows, datasets.load_dataset(str(built.folder), "savee", split="train", streaming=True)):
        cast = kept.cast_column("audio", datasets.Audio(sampling_rate=16_000))
        assert cast.features["audio"].decode
        assert next(iter(cast.select_columns(["label"]))) == {"label": rows[0]["label"]}


def test_a_corpus_without_a_split_does_not_name_it(built):
    assert set(datasets.load_dataset(str(built.folder), "savee")) == {"train", "test"}, "three speakers: no validation"


def test_the_facts_are_kept(built):
    facts = json.loads((built.folder / "build.json").read_text("utf-8"))
    assert facts["ledger"]["found"] == facts["ledger"]["used"] == 104
    assert facts["split"]["speaker_independent"] is True
    assert facts["split"]["test_speakers"] == ["ravdess_01", "savee_JE"]
    assert facts["splits"]["test"]["clips"] == 8 + 14
    assert sum(part["clips"] for part in facts["splits"].values()) == 104
    assert facts["remarks"] == list(built.corpora.remarks)
    assert [config["config_name"] for config in facts["configs"]] == list(built.configs)


def test_an_unreadable_file_that_was_left_out_is_in_the_facts(tmp_path, write_corpora):
    root = write_corpora(tmp_path / "root", actors=1)
    path = root / "savee/AudioData/DC/a01.wav"
    path.write_bytes(b"")
    with pytest.raises(SerHfError, match="is empty"):
        make(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    make(root, tmp_path / "out", skip_bad=True)
    facts = json.loads((tmp_path / "out/build.json").read_text("utf-8"))
    assert (facts["ledger"]["found"], facts["ledger"]["used"]) == (56, 55)
    assert facts["ledger"]["unreadable"] == ["savee/DC/a01 is empty (0 bytes); fetch or copy it again"]


def read(folder: Path, pattern: str) -> datasets.Dataset:
    return datasets.load_dataset("parquet", data_files=str(folder / "data" / pattern), split="train")


def test_large_splits_become_several_shards(built, tmp_path, monkeypatch):
    monkeypatch.setattr(_shards, "_SHARD_BYTES", 30_000)  # a clip has 3244
    monkeypatch.setattr(_shards, "_GROUP_BYTES", 10_000)
    configs = write_parquet(built.split.datasets, tmp_path)
    digest = configs[-1]["data_files"][0]["path"].split("-")[-1]
    shards = sorted((tmp_path / "data/ravdess").glob("train-*"))
    assert len(shards) == 4
    assert [path.name for path in shards] == [f"train-{i:05d}-of-00004-{digest}" for i in range(4)]
    groups = [pq.read_metadata(path).row_group(0).num_rows for path in shards]
    assert groups == [4, 4, 4, 4], "the first is over the limit, which closes it"
    wanted = [clip for clip in built.split.datasets["train"]["clip_id"] if clip.startswith("ravdess")]
    assert read(tmp_path, "ravdess/train-*.parquet")["clip_id"][:] == wanted
    files = [{"split": s, "path": f"data/*/{s}-*-{digest}"} for s in ("train", "validation", "test")]
    assert configs[-1] == {"config_name": "combined", "data_files": files, "default": True}


@pytest.mark.parametrize(("limit", "value"), [("_GROUP_ROWS", 5), ("_GROUP_BYTES", 15_000)])
def test_row_groups_are_small_and_full(built, tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(_shards, limit, value)
    write_parquet(built.split.datasets, tmp_path)
    (path,) = (tmp_path / "data/savee").glob("train-*")
    about = pq.read_metadata(path)
    rows = [about.row_group(i).num_rows for i in range(about.num_row_groups)]
    assert rows == [5] * (about.num_rows // 5) + [about.num_rows % 5] * (about.num_rows % 5 > 0)


def test_audio_is_stored_as_it_is_and_the_rest_compressed(built):
    about = pq.read_metadata(next((built.folder / "data/savee").glob("train-*"))).row_group(0)
    columns = {about.column(i).path_in_schema: about.column(i) for i in range(about.num_columns)}
    assert columns["audio.bytes"].compression == "UNCOMPRESSED"
    assert columns["label_distribution.list.element"].compression == "SNAPPY"
    assert {name for name, c in columns.items() if c.compression == "UNCOMPRESSED"} == {"audio.bytes", "audio.path"}
    assert all(column.has_offset_index for column in columns.values()), "single pages can be found"


def shuffled(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return datasets.DatasetDict({name: rows.shuffle(seed=1) for name, rows in parts.items()})


def repeated(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return datasets.DatasetDict({**parts, "train": parts["train"].select([0, 1, 1, 5, 5, 5, 60])})


def in_memory(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return datasets.DatasetDict(
        {name: datasets.Dataset.from_list(list(rows), rows.features) for name, rows in parts.items()}
    )


def one_mapped(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return datasets.DatasetDict(
        {**parts, "train": parts["train"].map(lambda row: {"sentence": "x" + str(row["sentence"])})}
    )


def joined(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    more = parts["train"].select([3, 4]).map(lambda row: {"source": row["clip_id"], "clip_id": row["clip_id"] + "+"})
    return datasets.DatasetDict({**parts, "train": datasets.concatenate_datasets([parts["train"], more])})


def without_a_column(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return parts.remove_columns("sentence")


def without_audio(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return parts.remove_columns("audio")


def columns_turned(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    return parts.select_columns(parts["train"].column_names[::-1])


CHANGES = [shuffled, repeated, in_memory, one_mapped, joined, without_a_column, without_audio, columns_turned]


@pytest.mark.parametrize("change", CHANGES)
def test_any_splits_are_written_row_by_row(built, tmp_path, change):
    parts = change(built.split.datasets)
    write_parquet(parts, tmp_path)
    for name, rows in parts.items():
        for corpus in set(rows["corpus"]):
            found = read(tmp_path, f"{corpus}/{name}-*.parquet")
            assert list(found) == [row for row in rows if row["corpus"] == corpus]


@pytest.mark.parametrize("change", CHANGES)
def test_other_rows_have_another_digest(built, tmp_path, change):
    names = [write_parquet(parts, tmp_path / str(i))[0]["data_files"] for i, parts in enumerate(
        [built.split.datasets, change(built.split.datasets)])]  # fmt: skip
    assert (names[0] == names[1]) is (change is in_memory)


def test_rows_of_many_corpora_in_turn_make_no_more_files(built, tmp_path, monkeypatch):
    monkeypatch.setattr("ser_hf.data.publish._HELD_BYTES", 20_000)
    rows = datasets.concatenate_datasets(list(built.split.datasets.values())).shuffle(seed=1)
    write_parquet(datasets.DatasetDict({"train": rows}), tmp_path)
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    groups = [pq.read_metadata(path).num_row_groups for path in tmp_path.rglob("*.parquet")]
    assert groups == [2, 2], "what is held is bounded over all files"


def test_folders_of_one_name_are_told_apart_by_load_dataset(tmp_path, corpora_root):
    """``datasets`` caches a folder by its name and the patterns in its card alone."""
    clips = []
    for seed in (1, 2):
        made = make(corpora_root, tmp_path / str(seed) / "out", options=SplitOptions(seed=seed))
        assert datasets.load_dataset(str(made.folder), "savee")["test"][:] == made.split.datasets["test"][:]
        clips.append(made.split.datasets["test"]["clip_id"][:])
    assert clips[0] != clips[1]


def test_the_same_build_has_the_same_files_however_many_processes_read(tmp_path, corpora_root, monkeypatch):
    monkeypatch.setattr(_shards, "_GROUP_BYTES", 10_000)
    made = [make(corpora_root, tmp_path / "one").folder]
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    made.append(make(corpora_root, tmp_path / "two", num_proc=2).folder)
    one, two = ({p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*.parquet")} for out in made)
    assert one == two


def test_an_unknown_config_is_refused(built):
    with pytest.raises(SerHfError, match=r"cannot be loaded as a dataset: .*'tess'"):
        load_built(built.folder, "tess")


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(SerHfError, match="cannot be loaded as a dataset"):
        load_built(tmp_path / "sub")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_foreign_folder_is_never_replaced(tmp_path, corpora_root, overwrite):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").touch()
    with pytest.raises(SerHfError, match="exists and is not a dataset built by ser_hf; choose another --output"):
        make(corpora_root, tmp_path / "out", overwrite=overwrite)
    (tmp_path / "file").touch()
    with pytest.raises(SerHfError, match="exists and is not a dataset built by ser_hf"):
        make(corpora_root, tmp_path / "file", overwrite=overwrite)
    assert (tmp_path / "out/thesis.tex").is_file()


def test_an_empty_folder_is_used(tmp_path, corpora_root):
    (tmp_path / "out").mkdir()
    assert set(load_built(make(corpora_root, tmp_path / "out").folder)) == {"train", "validation", "test"}


def test_a_dataset_is_replaced_on_request_only(tmp_path, corpora_root):
    out = make(corpora_root, tmp_path / "out").folder
    assert len(load_built(out)["test"]) == 6
    with pytest.raises(
        SerHfError, match="already holds a dataset; choose another --output, or replace it with --overwri"
    ):
        make(corpora_root, out, options=SplitOptions(test_size=0.25))
    assert len(datasets.load_dataset(str(out))["test"]) == 6
    make(corpora_root, out, options=SplitOptions(test_size=0.25), overwrite=True)
    assert len(datasets.load_dataset(str(out))["test"]) == 14
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def refuse(folder: Path) -> None:
    raise SerHfError(f"no card for {folder.name}")


def test_a_failure_leaves_no_half_folder(tmp_path, corpora_root, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(flow, "write_dataset_card", refuse)
        with pytest.raises(SerHfError, match="no card for out"):
            make(corpora_root, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_dataset(tmp_path, corpora_root, monkeypatch):
    out = make(corpora_root, tmp_path / "out").folder
    monkeypatch.setattr(flow, "write_dataset_card", refuse)
    with pytest.raises(SerHfError, match="no card for out"):
        make(corpora_root, out, options=SplitOptions(test_size=0.25), overwrite=True)
    assert len(load_built(out)["test"]) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"protocol": "emobox"}, SplitError),
        ({"protocol": "randon"}, SerHfError),
        ({"data_root": "nowhere"}, CorpusError),
        ({"scheme": "9class"}, SerHfError),
    ],
    ids=str,
)
def test_a_wrong_setting_makes_no_folder(tmp_path, corpora_root, settings, error):
    with pytest.raises(error):
        make(corpora_root, tmp_path / "new/out", **settings)
    assert list(tmp_path.iterdir()) == []


def test_folders_are_given_as_pairs(tmp_path, corpora_root):
    made = make(tmp_path / "none", tmp_path / "out", data_dirs=[f"savee={corpora_root}/savee"])
    assert made.corpora.ledger.found == 56


def test_the_audit_of_a_built_dataset(built, tmp_path, corpora_root):
    assert audit_dataset(built.folder).errors == []
    assert audit_dataset(built.folder, "ravdess").errors == []
    mixed = make(corpora_root, tmp_path / "mixed").folder
    assert {finding.rule for finding in audit_dataset(mixed).findings} >= {"speaker-overlap"}
    assert audit_dataset(mixed).errors == []
    assert {finding.rule for finding in audit_dataset(mixed, speaker_independent=True).errors} == {"speaker-overlap"}


def test_a_dataset_changed_after_building_does_not_keep_its_claim(tmp_path, corpora_root, built):
    settings = {"protocol": "speaker-independent", "options": HELD_OUT, "data_root": corpora_root}
    out = build(["ravdess", "savee"], tmp_path / "out", **settings).folder
    assert audit_dataset(out).errors == []
    (path,) = (out / "data/savee").glob("test-*")
    built.split.datasets["train"].to_parquet(path)
    assert {finding.rule for finding in audit_dataset(out).errors} >= {"same-clip", "speaker-overlap"}


def test_the_audit_of_somebody_elses_dataset(tmp_path, make_rows):
    for name, speakers in {"train": ["a", "b", "c"], "test": ["a", "d", "e"]}.items():
        make_rows(speakers, clip_ids=[f"{name} {s}" for s in speakers]).to_parquet(tmp_path / f"data/{name}.parquet")
    for claim, level in ((False, "warning"), (True, "error")):
        found = audit_dataset(tmp_path, speaker_independent=claim).findings
        assert [f.rule for f in found if f.level == level] == ["speaker-overlap"]


def test_the_audit_of_nothing(tmp_path):
    with pytest.raises(SerHfError, match=r"no dataset folder .*gone; expected one written by `ser-hf build`"):
        audit_dataset(tmp_path / "gone")


def test_the_card_tells_the_viewer_what_the_columns_are(built):
    from huggingface_hub import DatasetCard

    data = DatasetCard.load(built.folder / "README.md").data.to_dict()
    configs = {config["config_name"]: config for config in data["configs"]}
    infos = {info["config_name"]: info["features"] for info in data["dataset_info"]}
    assert configs.keys() == infos.keys() == set(built.configs)
    for name, config in configs.items():
        splits = {file["split"]: list(built.folder.glob(file["path"])) for file in config["data_files"]}
        assert all(splits.values()), f"{name}: a split without files"
        rows = datasets.load_dataset(str(built.folder), name)
        assert set(rows) == set(splits)
        assert datasets.Features._from_yaml_list(infos[name]) == rows["train"].features
    columns = {column["name"]: column.get("dtype") for column in infos["combined"]}
    assert columns["audio"] == {"audio": {"decode": False}}
    assert "happy" in columns["label"]["class_label"]["names"].values()
