"""A checkpoint scored again: its own test clips give its own score, trained-on clips are refused."""

import shutil

import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import CheckpointError, SerHfError, SplitError
from ser_hf.flows import evaluate as flow
from ser_hf.flows.evaluate import evaluate
from ser_hf.reporting import load_results
from ser_hf.training import read_split


@pytest.fixture(autouse=True)
def _no_report(monkeypatch):
    monkeypatch.setattr(flow, "write_report", lambda _: None)


def test_the_runs_own_test_clips_give_its_own_score(tiny_run, tones_root, tmp_path):
    results, folder = evaluate(tiny_run.folder, data_root=tones_root, output=tmp_path / "again")
    run = load_results(tiny_run.folder)
    assert folder == tmp_path / "again"
    assert results["test"] == run["test"]
    tables = [pq.read_table(place / "predictions.parquet") for place in (folder, tiny_run.folder)]
    assert tables[0].equals(tables[1])
    assert load_results(folder) == results
    assert results["name"] == "tiny-random on test"
    for key in ("protocol", "speaker_independent", "test_speakers"):
        assert results["split"][key] == run["split"][key]


def test_another_corpus_is_scored_whole_and_called_cross_corpus(tiny_run, tones_root, tmp_path):
    results, folder = evaluate(tiny_run.folder, ["tess"], data_root=tones_root, output=tmp_path / "tess")
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    assert results["test"]["n_clips"] == len(rows) == 28
    assert {row["corpus"] for row in rows} == {"tess"}
    assert results["split"]["protocol"] == "cross-corpus"
    assert results["split"]["speaker_independent"] is True
    assert results["split"]["test_speakers"] == ["tess_OAF", "tess_YAF"]
    assert [corpus["name"] for corpus in results["data"]["corpora"]] == ["tess"]
    assert results["data"]["splits"]["test"]["clips"] == results["data"]["ledger"]["found"] == 28
    assert load_results(folder) == results


def test_the_default_place_is_in_the_run_folder(tiny_run, tones_root, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_run.folder, run, ignore=shutil.ignore_patterns("checkpoints", "plots"))
    _, folder = evaluate(run, ["tess"], data_dirs=[f"tess={tones_root / 'tess'}"])
    assert folder == run / "evaluations" / "tess"
    assert load_results(run)["name"] == "tiny-random", "the run's own results were touched"


@pytest.mark.parametrize("corpora", [["ravdess"], ["tess", "savee"]])
def test_clips_that_were_trained_on_are_refused(tiny_run, tones_root, tmp_path, corpora):
    with pytest.raises(SplitError, match=r"\d+ of \d+ clips were used in training, e\.g\. (ravdess|savee)/.*--corpora"):
        evaluate(tiny_run.folder, corpora, data_root=tones_root, output=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_missing_test_clip_is_another_score(tiny_run, tones_root, tmp_path):
    root = shutil.copytree(tones_root, tmp_path / "data")
    lost = next(clip for clip in read_split(tiny_run.folder)["test"]["clips"] if clip.startswith("ravdess/"))
    next(root.rglob(f"{lost.removeprefix('ravdess/')}.wav")).unlink()
    with pytest.raises(SplitError, match=rf"1 of the run's \d+ test clips are not among the recordings, e\.g\. {lost}"):
        evaluate(tiny_run.folder, data_root=root, output=tmp_path / "x")


def test_a_run_is_needed(tiny_run, tones_root, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(CheckpointError, match=r"config\.json.*missing"):
        evaluate(bare, data_root=tones_root)
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copy(tiny_run.folder / name, bare)
    with pytest.raises(SerHfError, match=r"results\.json is missing"):
        evaluate(bare, data_root=tones_root)
    shutil.copy(tiny_run.folder / "results.json", bare)
    with pytest.raises(CheckpointError, match=r"split\.json"):
        evaluate(bare, data_root=tones_root)
