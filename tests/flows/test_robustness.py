"""--robustness: a run's own test clips under conditions; clean ones score as the run did."""

import csv
import json

import pytest

from ser_hf.cli import main
from ser_hf.flows.robustness import evaluate_robustness
from ser_hf.reporting import load_results

NETWORK = [
    *("--duration", "0.5", "--n_mels", "16", "--hop_length", "512", "--num_train_epochs", "1", "--corpora", "ravdess"),
    *("--model_settings", "lstm_size=4", "conv_channels=[4]", "conv_pools=[[2, 2]]", "--precision", "fp32"),
]
RECIPES = {
    "svm": ["svm", "--corpora", "ravdess", "--model_settings", "C=1", "gamma=1"],
    "network": ["cnn_lstm", *NETWORK],
}


@pytest.fixture(scope="module", params=RECIPES)
def run(request, tones_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("robust") / request.param
    words = [*RECIPES[request.param], "--data_root", str(tones_root), "--output_dir", str(folder)]
    assert main(["train", *words, "--protocol", "speaker-independent", "--test_size", "0.3"]) == 0
    return folder


def test_clean_clips_score_as_the_run_did_and_every_condition_is_a_line(run, tones_root, capsys):
    words = ["--data_root", str(tones_root), "--robustness", "noise_0db", "gain_down"]
    assert main(["evaluate", str(run), *words]) == 0
    assert "| white noise, as loud as the clip" in capsys.readouterr().out
    folder, test = run / "evaluations" / "robustness", load_results(run)["test"]
    told = json.loads((folder / "robustness.json").read_text(encoding="utf-8"))["conditions"]
    assert [line["condition"] for line in told] == ["clean", "noise_0db", "gain_down"]
    assert told[0]["uar"] == test["metrics"]["uar"]["value"]
    assert told[0]["accuracy"] == test["metrics"]["accuracy"]["value"]
    assert (told[0]["changed"], told[0]["clips"]) == (0, test["n_clips"])
    assert told[2]["uar"] == pytest.approx(told[0]["uar"], abs=0.05)  # peaks are scaled after it
    rows = list(csv.DictReader((folder / "robustness.csv").read_text(encoding="utf-8").splitlines()))
    assert float(rows[1]["uar"]) == pytest.approx(told[1]["uar"], abs=1e-4)
    assert (folder / "robustness.png").stat().st_size > 10_000


def test_it_is_the_same_again(run, tones_root, tmp_path):
    first, second = (
        evaluate_robustness(run, ["noise_10db", "reverberation"], output=tmp_path / str(i), data_root=tones_root)[0]
        for i in range(2)
    )
    assert first == second


def test_slips_are_named(run, tones_root, capsys):
    assert main(["evaluate", str(run), "--data_root", str(tones_root), "--robustness", "mp3_64"]) == 2
    assert "unknown condition 'mp3_64'; did you mean 'mp3_64k'" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--robustness", "--corpora", "savee"]) == 2
    assert "leave out --corpora" in capsys.readouterr().err
