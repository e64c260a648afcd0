"""``ser-hf push`` against the small Hub: what it lists, sends and leaves, and what it says."""

import json

import numpy as np
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from safetensors.numpy import save_file

from ser_hf.base.errors import SerHfError
from ser_hf.reporting.benchmark_entry import benchmark_entry

COMMANDS = """
import contextlib, io, json, pathlib, sys
from ser_hf.cli import main

answers = []
for words in {steps!r}:
    if words[0] == "write":
        pathlib.Path(words[1]).write_text(words[2])
        continue
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["push", *words])
    answers.append([code, out.getvalue(), err.getvalue()])
json.dump(answers, sys.stdout)
"""


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "x"}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "X"}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    save_file({"weight": np.arange(5_000, dtype=np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def commands(hub, fresh_process):
    """Runs ``ser-hf push`` several times in one process: exit code, output and messages of each."""

    def do(*steps, **environment):
        steps = [[str(word) for word in words] for words in steps]
        environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_loopback", **environment}
        done = fresh_process(COMMANDS.format(steps=steps), **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return do


def states(out):
    """File -> state, of a dry run's list."""
    return {row.split()[0]: row.split()[-1] for row in out.splitlines() if row.endswith(("new", "changed", "unknown"))}


def test_what_changed_is_listed_and_sent_and_nothing_else(hub, commands, run):
    card = ["write", run / "README.md", "---\nlicense: mit\n---\n# Another card\n"]
    place, dry = [run, "tester/model"], [run, "tester/model", "--dry_run"]
    planned, first, same, nothing, changed, second = commands(dry, place, dry, place, card, dry, place)
    assert set(states(planned[1]).values()) == {"new"}
    assert "4 files (20." in planned[1]
    assert f"would go to {hub.url}/tester/model; nothing was sent" in planned[1]
    assert first[:2] == [0, f"{hub.url}/tester/model\n"]
    assert first[2].startswith("4 files (20.")
    assert "hf download tester/model\n" in first[2]
    assert "hf repos delete tester/model\n" in first[2]
    assert set(states(same[1]).values()) == {"unchanged"}
    assert nothing[:2] == first[:2]
    assert nothing[2] == "nothing has changed: the Hub has all 4 files, no commit was made\n"
    assert states(changed[1])["README.md"] == "changed"
    assert sorted(states(changed[1]).values()) == ["changed", "unchanged", "unchanged", "unchanged"]
    assert second[2].startswith("1 file (")
    assert "3 unchanged" in second[2]
    assert len(hub.commits("tester/model")) == 2
    assert len([request for request in hub.requests if request.startswith("PUT")]) == 1


def test_a_dry_run_needs_no_token_and_only_reads(hub, commands, run):
    (answer,) = commands([run, "tester/model", "--dry_run"], HF_TOKEN="")
    assert answer[0] == 0
    assert set(states(answer[1]).values()) == {"new"}
    assert hub.repos == {}
    assert {request.partition(" ")[0] for request in hub.requests} == {"GET"}
    for environment in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        (answer,) = commands([run, "tester/model", "--dry_run"], **environment)
        assert answer[0] == 0
        assert set(states(answer[1]).values()) == {"unknown"}
        assert "\nwhat is there is unknown: " in answer[1]


def test_a_public_repository_is_not_taken_for_a_private_one(hub, commands, run):
    made, refused, hidden = commands(
        [run, "tester/model"], [run, "tester/model", "--private"], [run, "tester/own", "--private"]
    )
    assert (made[0], refused[0], hidden[0]) == (0, 2, 0)
    assert "tester/model is there already and public: nothing was sent" in refused[2]
    assert hub.repos["tester/own"].private
    assert not hub.repos["tester/model"].private


def test_a_branch_and_a_pull_request(hub, commands, run):
    card = ["write", run / "README.md", "---\nlicense: mit\n---\n# Another card\n"]
    place = [run, "tester/model"]
    absent, _, branch, asked = commands(
        [*place, "--create_pr"], place, [*place, "--revision", "next"], card, [*place, "--create_pr"]
    )[0:4]
    assert absent[0] == 2
    assert "HTTP 404" in absent[2]
    assert branch[:2] == [0, f"{hub.url}/tester/model/tree/next\n"]
    assert asked[:2] == [0, f"{hub.url}/tester/model/discussions/1\n"]
    assert len(hub.commits("tester/model")) == 1
    assert len(hub.pull_requests) == 1


def test_a_benchmark_gets_the_uar(results):
    name, text = benchmark_entry(results, "some/benchmark:emotions")
    assert name == ".eval_results/some--benchmark--emotions.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(text))
    assert (entry.dataset_id, entry.task_id) == ("some/benchmark", "emotions")
    assert entry.value == round(results["test"]["metrics"]["uar"]["value"], 4)
    assert entry.date == results["created"]
    assert entry.notes == "UAR, 8class, random split, speaker-mixed"
    with pytest.raises(SerHfError, match="'benchmark' is no benchmark, expected USER/DATASET:TASK"):
        benchmark_entry(results, "benchmark")
