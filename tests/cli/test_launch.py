"""``ser-hf launch``: what accelerate is told, and one line where a process ends."""

import logging
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from accelerate.commands import launch as accelerates
from torch.distributed.elastic.multiprocessing.api import SignalException
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
        if callable(found.error):
            found.error()
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


@pytest.mark.parametrize("words", [["--config_file=cpu"], ["--config-file", "cpu"]])
def test_a_name_may_be_spelt_as_accelerate_spells_options(told, words):
    assert main(["launch", *words, "train", "svm"]) == 0
    assert told.args.config_file.endswith("accelerate/cpu.yaml")


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


GOES_ON = "training goes on from its last checkpoint with --resume_from_checkpoint last"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SignalException("", signal.SIGTERM), 143, f"ended by SIGTERM; {GOES_ON}"),
        (SignalException("", signal.SIGINT), 130, f"ended by SIGINT; {GOES_ON}"),
        (KeyboardInterrupt(), 130, f"ended by SIGINT; {GOES_ON}"),
        (subprocess.CalledProcessError(-9, "train"), 137, f"the process was killed by .*; {GOES_ON}"),
        (subprocess.CalledProcessError(3, "train"), 3, "the process ended with code 3"),
    ],
)
def test_what_ends_all_processes_or_the_only_one_is_one_line(told, capsys, error, code, line):
    told.error = error
    assert main(["launch", "train", "svm"]) == code
    assert re.fullmatch(f"ser-hf launch: {line}\n", capsys.readouterr().err)
    told.spoken = True
    assert main(["launch", "train", "svm"]) == code
    assert ("killed" in line) is bool(capsys.readouterr().err), "a process says how it is gone on with, unless killed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_handed_on_to_the_only_process_which_is_waited_for(told, tmp_path, number):
    began, ended = tmp_path / "began", tmp_path / "ended"
    work = (
        "import pathlib, signal, sys, time\n"
        f"def end(*_): time.sleep(0.3); pathlib.Path({str(ended)!r}).touch(); sys.exit(1)\n"
        f"signal.signal({int(number)}, end)\n"
        f"pathlib.Path({str(began)!r}).touch()\n"
        "time.sleep(60)\n"
    )

    def alone():
        process = subprocess.Popen([sys.executable, "-c", work])
        while not began.exists():
            assert process.poll() is None
        os.kill(os.getpid(), number)
        process.wait()

    told.error = alone
    assert main(["launch", "train", "svm"]) == 128 + number
    assert ended.exists()


def test_torchs_launcher_is_silent_and_has_time_for_a_checkpoint(told, monkeypatch):
    monkeypatch.delenv("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", raising=False)
    assert main(["launch", "train", "svm"]) == 0
    agents = logging.getLogger("torch.distributed.elastic.agent.server.api")
    assert not agents.isEnabledFor(logging.ERROR)
    assert int(os.environ["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"]) >= 300


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


def test_words_that_accelerate_does_not_know_are_a_line_and_not_all_that_it_knows(told, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["launch", "--num_processes", "x", "train", "svm"])
    assert re.fullmatch("usage: .*\nser-hf launch: error: argument .*num.processes.*\n", capsys.readouterr().err)


def test_what_accelerate_refuses_is_one_line(told, capsys):
    told.error = ValueError("Less than two GPU ids were configured")
    assert main(["launch", "train", "svm"]) == 2
    assert capsys.readouterr().err == "ser-hf launch: accelerate cannot start: Less than two GPU ids were configured\n"
    assert issubclass(SerHfError, ValueError)
