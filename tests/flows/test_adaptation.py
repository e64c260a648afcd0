"""A speaker-normalised run from recipe to report: its curve, scored again, and single clips asked."""

import json

import numpy as np
import pytest

from ser_hf.cli import main
from ser_hf.flows.evaluate import evaluate
from ser_hf.inference import SerClassifier
from ser_hf.reporting import load_results


@pytest.fixture(scope="module")
def run(tones_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adaptation") / "run"
    words = ["--corpora", "ravdess", "savee", "--data_root", str(tones_root), "--output_dir", str(folder)]
    settings = ["C=0.1", "speaker_normalisation=true"]
    assert main(["train", "logistic", "--protocol", "random", *words, "--model_settings", *settings]) == 0
    return folder


def test_a_run_has_its_curve_and_its_last_point_is_the_score(run):
    results = load_results(run)
    curve = results["test"]["adaptation"]
    assert [point["seconds"] for point in curve] == [0, 5, 10, 30, "all"]
    assert curve[-1]["uar"] == results["test"]["metrics"]["uar"]["value"]
    assert curve[-1]["uar_speakers_low"] == results["test"]["metrics"]["uar"]["speakers"][0]
    used = [point["seconds_used_mean"] for point in curve]
    assert used == sorted(used)
    assert used[0] == 0
    assert results["model"]["config"]["adaptation_prior"] == 4.0


def test_the_same_is_found_again(run, tones_root, tmp_path):
    again, _ = evaluate(run, data_root=tones_root, output=tmp_path / "again")
    assert again["test"] == load_results(run)["test"]


def test_report_and_card_say_whose_speech_is_used(run):
    html, card = (run / "report.html").read_text(), (run / "README.md").read_text()
    label = "uses unlabelled speech of the test speaker"
    assert html.count(f"<td>{label}</td>") == 4
    assert card.count(f"| {label} |") == 4
    assert html.count("<td>uses none</td>") == card.count("| nothing | uses none |") == 1
    assert (run / "plots" / "adaptation.png").stat().st_size > 10_000
    assert "It adapts to a speaker by the clips of one call" in card


def test_one_clip_can_be_asked(run, tones_root):
    clip = sorted((tones_root / "ravdess").rglob("*.wav"))[0]
    (scores,) = SerClassifier.from_pretrained(run)([clip])
    assert sum(scores.values()) == pytest.approx(1)


def test_a_run_that_does_not_adapt_has_no_curve(tones_root, tmp_path):
    words = ["--corpora", "ravdess", "--data_root", str(tones_root), "--output_dir", str(tmp_path / "run")]
    assert main(["train", "logistic", "--protocol", "random", *words, "--model_settings", "C=0.1"]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert "adaptation" not in results["test"]
    assert not (tmp_path / "run" / "plots" / "adaptation.png").exists()
    assert np.isfinite(results["test"]["metrics"]["uar"]["value"])
