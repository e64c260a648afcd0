"""Checkpoints of others under our protocols: their words, their unknown past, and the same numbers as by hand."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_hf.audio import decode, load
from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.cli import main
from ser_hf.corpora import Reading
from ser_hf.flows.evaluate_other import evaluate_other
from ser_hf.reporting import load_results

LABELS = ["ang", "hap", "neu", "sad"]


@pytest.fixture(scope="module")
def theirs(save_transformer, tmp_path_factory):
    """A stock classifier of somebody, with the labels of SUPERB."""
    folder = tmp_path_factory.mktemp("theirs")
    save_transformer("wav2vec2", folder / "pretrained")
    names = dict(enumerate(LABELS))
    model = AutoModelForAudioClassification.from_pretrained(
        folder / "pretrained", id2label=names, label2id={name: i for i, name in names.items()}
    )
    model.save_pretrained(folder / "superb")
    AutoFeatureExtractor.from_pretrained(folder / "pretrained").save_pretrained(folder / "superb")
    return folder / "superb"


def test_it_is_scored_as_by_hand(theirs, tones_root, tmp_path):
    results, folder = evaluate_other(theirs, ["ravdess"], data_root=tones_root, output=tmp_path / "out")
    assert results["data"]["classes"] == ["neutral", "happy", "sad", "angry"]
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    model = AutoModelForAudioClassification.from_pretrained(theirs).eval()
    extractor = AutoFeatureExtractor.from_pretrained(theirs)
    meaning = dict(zip(LABELS, ["angry", "happy", "neutral", "sad"], strict=True))
    for row in rows[:6]:
        path = next((tones_root / "ravdess").rglob(f"{row['clip_id'].rpartition('/')[2]}.wav"))
        inputs = extractor(load(path, 16_000), sampling_rate=16_000, return_tensors="pt")
        shares = model(**inputs).logits.softmax(-1)[0]
        for i, label in enumerate(LABELS):
            assert row[f"p_{meaning[label]}"] == pytest.approx(float(shares[i]), abs=1e-5)
    uar = balanced_accuracy_score([r["label"] for r in rows], [r["predicted"] for r in rows])
    assert results["test"]["metrics"]["uar"]["value"] == pytest.approx(uar)
    assert len(rows) == results["data"]["ledger"]["used"] < results["data"]["ledger"]["found"]


def test_nothing_is_claimed_of_its_training(theirs, tones_root, tmp_path):
    results, folder = evaluate_other(theirs, ["ravdess"], data_root=tones_root, output=tmp_path / "out")
    assert results["split"]["speaker_independent"] is False
    assert "not known here: test clips may be among it" in results["caveat"]
    assert load_results(folder) == results
    page = (folder / "report.html").read_text()
    assert "training data unknown" in page
    assert "Speaker-mixed" not in page
    assert "ang = angry" in page


def test_under_a_protocol_its_clips_are_those_a_run_is_tested_on(theirs, tones_root, tmp_path, capsys):
    words = ["--corpora", "ravdess", "--data_root", str(tones_root), "--output", str(tmp_path / "out")]
    words += ["--scheme", "8class", "--protocol", "speaker-independent", "--test_speakers", "ravdess_01", "ravdess_02"]
    assert main(["evaluate", str(theirs), *words]) == 0
    printed = capsys.readouterr().out
    assert "protocol: speaker-independent (training data unknown)" in printed
    assert "it cannot say calm, fearful, disgust, surprised" in printed
    rows = pq.read_table(tmp_path / "out/predictions.parquet").to_pylist()
    assert {row["speaker"] for row in rows} == {"ravdess_01", "ravdess_02"}
    assert len({row["label"] for row in rows}) == 8


def test_a_mapping_explains_labels_without_a_name(theirs, tones_root, tmp_path):
    nameless = tmp_path / "nameless"
    shutil.copytree(theirs, nameless)
    config = json.loads((nameless / "config.json").read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(4)}
    config["label2id"] = {f"LABEL_{i}": i for i in range(4)}
    (nameless / "config.json").write_text(json.dumps(config))
    with pytest.raises(SerHfError, match="nothing is known of the checkpoint's labels 'LABEL_0'"):
        evaluate_other(nameless, ["ravdess"], data_root=tones_root, output=tmp_path / "out")
    reading = Reading(labels={"LABEL_0": "angry", "LABEL_1": "happy", "LABEL_2": "drop", "LABEL_3": "sad"})
    results, _ = evaluate_other(nameless, ["ravdess"], data_root=tones_root, output=tmp_path / "out", reading=reading)
    assert results["data"]["classes"] == ["happy", "sad", "angry"]
    assert results["model"]["labels"]["LABEL_2"] is None


def test_a_network_of_ours_without_its_results(tiny_run, tones_root, tmp_path, capsys):
    pulled = tmp_path / "pulled"
    shutil.copytree(tiny_run.folder, pulled, ignore=shutil.ignore_patterns("results.json", "checkpoints", "plots"))
    words = ["--corpora", "tess", "--data_root", str(tones_root), "--output", str(tmp_path / "out")]
    assert main(["evaluate", str(pulled), *words]) == 0
    assert main(["evaluate", str(tiny_run.folder), *words[:-1], str(tmp_path / "again")]) == 0
    theirs, own = (pq.read_table(tmp_path / name / "predictions.parquet").to_pandas() for name in ("out", "again"))
    assert [*theirs["predicted"]] == [*own["predicted"]]
    shares = [name for name in own if name.startswith("p_")]
    np.testing.assert_allclose(theirs[shares], own[shares], atol=1e-6)


def test_the_default_place_holds_one_result(theirs, tones_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, folder = evaluate_other(theirs, ["ravdess"], data_root=tones_root)
    assert str(folder) == "evaluations/superb-ravdess"
    with pytest.raises(SerHfError, match="already holds results; choose another --output"):
        evaluate_other(theirs, ["ravdess"], data_root=tones_root)


def test_what_cannot_be_scored(theirs, tiny_run, tones_root, tmp_path, capsys):
    assert main(["evaluate", str(theirs)]) == 2
    assert "is no run of ours and has no test clips; add --corpora" in capsys.readouterr().err
    assert main(["evaluate", str(tiny_run.folder), "--scheme", "4class"]) == 2
    assert "--scheme is for checkpoints of others" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match=r"missing weights, e\.g\. (classifier|projector)"):
        evaluate_other(theirs.parent / "pretrained", ["ravdess"], data_root=tones_root)


@pytest.mark.real
def test_an_encoder_without_a_classifier_is_refused(shared_data):
    with pytest.raises(CheckpointError, match=r"missing weights, e\.g\. (classifier|projector)"):
        evaluate_other(shared_data.parent / "weights/whisper-tiny.en", ["ravdess"], data_root=shared_data)


def test_recordings_of_ones_own_with_words_of_its_own(tiny_run, tones_root, tmp_path):
    clip = next((tones_root / "ravdess").rglob("*.wav"))
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls/t.csv").write_text(f"path,label\n{clip},W\n")
    pulled = tmp_path / "pulled"
    shutil.copytree(tiny_run.folder, pulled, ignore=shutil.ignore_patterns("results.json", "checkpoints", "plots"))
    results, _ = evaluate_other(
        pulled,
        ["calls"],
        data_dirs=[f"calls={tmp_path}/calls/t.csv"],
        output=tmp_path / "out",
        reading=Reading(labels={"W": "angry"}),
    )
    assert results["test"]["n_clips"] == 1
    assert np.isfinite(decode(clip)[0]).all()
