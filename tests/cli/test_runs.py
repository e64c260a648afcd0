"""evaluate, predict and push from the command line; a run under skip_bad. Quickstart: tests/docs/test_snippets.py."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ser_hf.cli import main
from ser_hf.flows import evaluate as evaluate_flow
from ser_hf.flows import train as train_flow
from ser_hf.reporting import load_results


@pytest.fixture
def _no_report(monkeypatch):
    for module in (train_flow, evaluate_flow):
        monkeypatch.setattr(module, "write_report", lambda _: None)
    monkeypatch.setattr(train_flow, "write_model_card", lambda _: None)


def test_evaluate_writes_a_report_beside_the_score(tiny_run, tones_root, tmp_path, capsys):
    words = ["--corpora", "tess", "--data_root", str(tones_root), "--output", str(tmp_path / "e")]
    assert main(["evaluate", str(tiny_run.folder), *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {tmp_path}/e/report.html"
    assert (tmp_path / "e" / "report.html").stat().st_size > 10_000
    assert load_results(tmp_path / "e")["test"]["n_clips"] == 28


@pytest.mark.usefixtures("_no_report")
def test_whoever_may_read_a_run_may_read_all_of_it(tiny_run):
    rights = {path.name: path.stat().st_mode for path in tiny_run.folder.iterdir() if path.is_file()}
    assert {name for name, mode in rights.items() if mode != rights["config.json"]} == set()
    assert "model.safetensors" in rights


@pytest.mark.parametrize("command", ["predict", "segment"])
def test_a_file_name_does_not_write_a_line_of_its_own(tiny_run, tones_root, tmp_path, capsys, command):
    clip = tmp_path / "a\nb.wav: angry 1.000\x1b[2J.wav"
    shutil.copy(next(tones_root.rglob("*.wav")), clip)
    assert main([command, str(tiny_run.folder), str(clip)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{tmp_path}/a\\nb.wav: angry 1.000\\x1b[2J.wav: ")


def test_evaluate_alone_gives_the_score_that_train_printed(tiny_run, tones_root, tmp_path, capsys):
    words = ["--data_root", str(tones_root), "--output", str(tmp_path / "e")]
    assert main(["evaluate", str(tiny_run.folder), *words]) == 0

    def scores(printed: str) -> list[str]:
        return [line for line in printed.splitlines() if line.startswith(("accuracy", "UAR", "ravdess", "savee"))]

    shown = scores(capsys.readouterr().out)
    assert len(shown) == 4
    assert shown == scores(tiny_run.printed)


def test_predict_shows_the_best_classes(tiny_run, tones_root, capsys):
    clip = str(next(tones_root.rglob("*.wav")))
    assert main(["predict", str(tiny_run.folder), clip, "--top", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    name, _, shown = line.partition(": ")
    shown = shown.rpartition("; ")[2]  # behind why it is not sure of a tone
    shares = [float(part.split()[1]) for part in shown.split(", ")]
    assert name == clip
    assert len(shares) == 2
    assert shares == sorted(shares, reverse=True)


@pytest.mark.usefixtures("_no_report")
def test_skip_bad_goes_on_and_lists_what_it_left_out(tiny_recipe, tones_root, tmp_path, capsys):
    root = shutil.copytree(tones_root, tmp_path / "data")
    bad = root / "savee" / "AudioData" / "DC" / "a01.wav"
    bad.write_bytes(bad.read_bytes()[:1000])
    words = ["--data_root", str(root), "--output_dir", str(tmp_path / "run"), "--max_steps", "2"]
    assert main(["train", str(tiny_recipe), *words]) == 2
    shown = capsys.readouterr().err
    assert str(bad) in shown
    assert "truncated" in shown
    assert not (tmp_path / "run" / "results.json").exists()
    assert main(["train", str(tiny_recipe), *words, "--skip_bad", "true"]) == 0
    results = load_results(tmp_path / "run")
    ledger = results["data"]["ledger"]
    (line,) = ledger["unreadable"]
    assert line.startswith("savee/DC/a01 ")
    assert "truncated" in line
    assert (ledger["found"], ledger["used"]) == (120, 119)
    assert results["training"]["arguments"]["skip_bad"] is True


def _hub_server():
    spec = importlib.util.spec_from_file_location("hub_server", Path(__file__).parents[1] / "hub_server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_push_sends_a_run_and_says_where_or_why_not(tiny_run, tmp_path):
    hub_server = _hub_server()

    def push(hub, **environment):
        inherited = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path),
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-m", "ser_hf.cli", "push", str(tiny_run.folder), "tester/tiny"]
        return subprocess.run(command, env=inherited | settings | environment, capture_output=True, text=True)

    with hub_server.HubServer() as hub:
        without = push(hub)
        done = push(hub, HF_TOKEN=hub_server.TOKEN)
        sent = hub.files("tester/tiny")
    assert without.returncode == 2
    assert without.stdout == ""
    assert without.stderr.startswith("ser-hf push: ")
    assert "hf auth login" in without.stderr
    assert "Traceback" not in without.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{hub.url}/tester/tiny\n"
    assert sent["model.safetensors"] == (tiny_run.folder / "model.safetensors").read_bytes()
    assert {"config.json", "preprocessor_config.json", "README.md", "results.json", "log_mel.py"} <= set(sent)
    assert not [name for name in sent if "checkpoint" in name or name.endswith((".parquet", ".bin", ".pt"))]
