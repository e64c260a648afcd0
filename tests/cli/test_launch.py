"""``ser-hf launch``: what accelerate is told, and one line where a process ends."""

import os
import re
import signal
from types import SimpleNamespace

import pytest
from accelerate.commands import launch as accelerates
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from ser_hf.base.errors import SerHfError
from ser_hf.base.peers import ENDED_BY_ANOTHER, LAUNCHED
from ser_hf.cli import main


@pytest.fixture
def told(monkeypatch):
    """What accelerate was told; set ``told.error`` for what it raises then."""
    found = SimpleNamespace(args=None, error=None, launched=None, spoken=False)

    def launch_command(args):
        found.args, found.launched = args, os.environ[LAUNCHED]
        if found.spoken:
            open(found.launched, "x").close()
        if found.error:
            raise found.error

    monkeypatch.setattr(accelerates, "launch_command", launch_command)
    return found


def failed(**codes: int) -> ChildFailedError:
    failures = {
        int(name[1:]): SimpleNamespace(
            exitcode=code, timestamp=0, signal_name=lambda: "", message="", error_file_data={}
        )
        for name, code in codes.items()
    }
    error = ChildFailedError.__new__(ChildFailedError)
    error.failures = failures
    return error


def test_what_comes_before_the_command_is_accelerates_and_the_rest_the_commands(told):
    words = ["--config_file", "cpu", "--num_processes", "3", "train", "resnet34", "--output_dir", "runs/x"]
    assert main(["launch", *words]) == 0
    assert told.args.config_file.endswith("accelerate/cpu.yaml")
    assert told.args.num_processes == 3
    assert (told.args.module, told.args.training_script) == (True, "ser_hf.cli")
    assert told.args.training_script_args == ["train", "resnet34", "--output_dir", "runs/x"]
    assert LAUNCHED not in os.environ
    assert main(["launch", "train", "resnet34", "--quiet"]) == 0
    assert told.args.training_script_args == ["train", "resnet34", "--quiet"]


def test_a_file_of_ones_own_does_too(told, tmp_path):
    path = tmp_path / "mine.yaml"
    path.touch()
    assert main(["launch", "--config_file", str(path), "train", "svm"]) == 0
    assert told.args.config_file == str(path)


@pytest.mark.parametrize(
    ("codes", "code", "line"),
    [
        (
            {"p0": ENDED_BY_ANOTHER, "p1": -9},
            137,
            "process 1 was killed by SIGKILL .for want of memory, perhaps., and ",
        ),
        ({"p0": -11, "p1": -signal.SIGTERM}, 139, "process 0 was killed by SIGSEGV, and the others were ended; "),
        ({"p0": 1, "p1": ENDED_BY_ANOTHER}, 1, "process 0 ended with code 1, and the others were ended$"),
    ],
)
def test_a_process_that_ends_is_one_line(told, capsys, codes, code, line):
    told.error = failed(**codes)
    assert main(["launch", "--num_processes", "2", "train", "svm"]) == code
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(f"^ser-hf launch: {line}", said)


def test_what_a_process_said_itself_is_not_said_again(told, capsys):
    told.error, told.spoken = failed(p0=ENDED_BY_ANOTHER, p1=2), True
    assert main(["launch", "--num_processes", "2", "train", "svm"]) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--num_processes", "2"], "no command to launch; expected one of train, "),
        (["--config_file", "cpus", "train", "svm"], "unknown --config_file 'cpus'; did you mean 'cpu'"),
    ],
)
def test_what_cannot_be_launched_is_one_line(told, capsys, words, line):
    assert main(["launch", *words]) == 2
    assert f"ser-hf launch: {line}" in capsys.readouterr().err


def test_what_accelerate_refuses_is_one_line(told, capsys):
    told.error = ValueError("Less than two GPU ids were configured")
    assert main(["launch", "train", "svm"]) == 2
    assert capsys.readouterr().err == "ser-hf launch: accelerate cannot start: Less than two GPU ids were configured\n"
    assert issubclass(SerHfError, ValueError)
