"""Help of every command, lists, and what help must not import."""

import argparse
import importlib.metadata
import json
import logging
import subprocess
import sys

import pytest

from ser_hf import __version__
from ser_hf.base.ending import advising
from ser_hf.baselines import BASELINES
from ser_hf.benchmarks import shipped_models
from ser_hf.cli import COMMANDS, main
from ser_hf.corpora import CORPORA
from ser_hf.finetuning import TRANSFORMER
from ser_hf.labels import SCHEMES
from ser_hf.models import MODELS
from ser_hf.protocols import PROTOCOLS
from ser_hf.training.arguments import GROUPS

HEAVY = [
    "torch",
    "transformers",
    "datasets",
    "numpy",
    "pyarrow",
    "accelerate",
    "timm",
    "librosa",
    "matplotlib",
    "evaluate",
]
IMPORTS = f"""
import json, sys
from ser_hf.cli import main
codes = []
for words in (["--help"], ["train", "--help"], ["predict", "--help"], ["--version"], ["build"], ["nonsense"]):
    try:
        codes.append(main(words))
    except SystemExit as end:
        codes.append(end.code)
print()
print(json.dumps([codes, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""


def test_help_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    codes, heavy = json.loads(done.stdout.splitlines()[-1])
    assert heavy == []
    assert codes == [0, 0, 0, 0, 2, 2]
    assert done.stdout.startswith("usage: ser-hf")


def test_the_installed_program_is_this_one():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="ser-hf")
    assert script.load() is main


def test_the_commands_are_those_promised():
    promised = ["quickstart", "list", "download", "build", "audit", "train", "evaluate", "predict", "export", "push"]
    promised += ["bench"]
    at = promised.index("predict")
    promised[at:at] = ["embed", "ensemble"]
    at = promised.index("export")
    promised[at:at] = ["segment", "listen", "serve", "demo"]
    at = promised.index("evaluate")
    promised[at:at] = ["score", "study", "launch"]
    assert [command.name for command in COMMANDS] == promised


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command.name, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: ser-hf {command.name}")
    assert command.help.split(":")[0] in " ".join(shown.split())


def test_the_help_of_train_lists_every_key_of_ours(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = capsys.readouterr().out
    for group in GROUPS:
        for field in group.__dataclass_fields__:
            assert f"--{field} " in shown
    assert "accelerate launch" in shown
    assert "RECIPE.yaml" in shown


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"ser_hf {__version__}\n"


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("corpora", CORPORA),
        ("schemes", SCHEMES),
        ("protocols", PROTOCOLS),
        ("models", [*MODELS, *BASELINES, TRANSFORMER]),
    ],
)
def test_lists_name_everything_registered(capsys, what, names):
    assert main(["list", what]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == f"{what}:"
    lines = lines[: lines.index("")] if "" in lines else lines  # after the models, what they cost
    assert [line.split()[0] for line in lines] == list(names)
    assert all(len(line.split()) > 1 for line in lines)


def test_the_list_of_models_has_the_table_of_their_costs(capsys):
    assert main(["list", "models"]) == 0
    shown = capsys.readouterr().out
    head, lines = "  configuration  ", [line.split() for line in shown.splitlines() if line]
    assert head in shown
    for row in shipped_models()["rows"]:
        (line,) = [line for line in lines if line[:2] == [row["name"], row["family"]]]
        assert line[2] == f"{row['parameters']:,}"


def test_list_alone_lists_all(capsys):
    assert main(["list"]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line and not line.startswith(" ")]
    assert heads == ["corpora:", "schemes:", "protocols:", "models:", "recipes:", "studies:"]


@pytest.mark.parametrize("words", [[], ["trian"], ["list", "corpus"], ["predict"], ["list", "corpora", "--deep"]])
def test_words_nobody_understands_end_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error: " in shown.err


def test_an_interrupt_is_no_traceback(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ser_hf.cli.listing.ListCommand.run", interrupted)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "ser-hf list: interrupted; the same command begins anew\n"


def test_an_interrupt_tells_what_is_saved_where_that_is_known(monkeypatch, capsys):
    def interrupted(*_):
        with advising(lambda: "all is saved"), advising(lambda: "nothing is"):
            raise KeyboardInterrupt

    monkeypatch.setattr("ser_hf.cli.listing.ListCommand.run", interrupted)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "ser-hf list: interrupted; nothing is\n", "the innermost knows best"


def test_under_several_processes_only_the_first_speaks(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("SER_HF_LAUNCHED", str(tmp_path / "spoken"))
    assert main(["list", "schemes"]) == 0
    assert capsys.readouterr() == ("", "")
    for _ in range(2):  # each process fails; the main one may be well
        assert main(["audit", "nowhere"]) == 2
    assert capsys.readouterr().err.count("ser-hf audit: no dataset folder nowhere") == 1


def test_a_process_that_lost_another_ends_without_a_traceback(monkeypatch, capsys, tmp_path):
    def lost(*_):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:545] Read error: Connection reset by peer")

    monkeypatch.setattr(next(c for c in COMMANDS if c.name == "list"), "run", lost)
    with pytest.raises(RuntimeError):
        main(["list", "schemes"])
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert [main(["list", "schemes"]) for _ in range(2)] == [75, 75]
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("ser-hf list: another process of this run has ended, and so does this one; ")
    monkeypatch.setenv("SER_HF_LAUNCHED", str(tmp_path / "x"))
    assert main(["list", "schemes"]) == 75
    assert capsys.readouterr().err == "", "the launcher says it"


def test_a_pipe_that_nobody_reads_ends_quietly():
    command = [sys.executable, "-m", "ser_hf.cli", "list", "corpora"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_every_command_can_be_quiet_and_answers_in_json():
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        assert {"--json", "--quiet"}.isdisjoint(parser.format_help().split()), "they are added to all at one place"


@pytest.mark.parametrize("what", ["corpora", "models", "recipes", "studies"])
def test_a_list_as_json_has_what_the_words_have(what, capsys):
    assert main(["list", what, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [*found] == [what]
    main(["list", what])
    words = capsys.readouterr().out
    assert all(name.strip() in words and text in words for name, text in found[what])


def test_quiet_says_nothing_on_the_way(tones_root, tmp_path, capsys):
    words = ["build", "--corpora", "savee", "--data_root", str(tones_root), "--protocol", "random", "--quiet", "--json"]
    try:
        assert main([*words, "--output", str(tmp_path / "built")]) == 0
    finally:
        logging.disable(logging.NOTSET)
    shown = capsys.readouterr()
    assert shown.err == ""
    found = json.loads(shown.out)
    assert sum(found["clips"].values()) > 0
    assert found["output"] == str(tmp_path / "built")
