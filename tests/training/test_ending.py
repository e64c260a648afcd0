"""A training that is asked to end saves a checkpoint, and goes on from it to the same end, to the bit."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from transformers import TrainerCallback

from ser_hf.base.ending import Ended, ending, noting
from ser_hf.training.whole_checkpoints import missing, numbered

_spec = importlib.util.spec_from_file_location("test_resume_helpers", Path(__file__).with_name("test_resume.py"))
resume = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = resume
_spec.loader.exec_module(resume)

WORDS = [*resume.SPECTROGRAM, "--logging_strategy", "epoch", "--patience", "20"]


class Ask(TrainerCallback):
    """Sends this process a signal at the start of a step, or while the validation is scored."""

    def __init__(self, number: int, step: int, scoring: bool = False) -> None:
        self.number, self.step, self.scoring = number, step, scoring

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step and not self.scoring:
            os.kill(os.getpid(), self.number)

    def on_prediction_step(self, args, state, control, **kwargs):
        if state.global_step == self.step and self.scoring:
            os.kill(os.getpid(), self.number)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, write_clip):
    trainer, _ = resume.maker(tmp_path_factory.mktemp("whole"), write_clip)("run", *WORDS)
    trainer.train()
    return resume.outcome(trainer), [path.name for path in numbered(Path(trainer.args.output_dir))]


@pytest.mark.parametrize(
    ("number", "step", "scoring", "saved"),
    [
        (signal.SIGTERM, 0, False, 1),
        (signal.SIGTERM, 4, False, 5),
        (signal.SIGHUP, 2, False, 3),  # the last step of an epoch: after the validation
        (signal.SIGTERM, 6, True, 6),
        (signal.SIGTERM, 8, False, 9),  # the last of all
    ],
)
def test_it_ends_with_a_checkpoint_and_goes_on_to_the_same_end(
    tmp_path, write_clip, whole, number, step, scoring, saved
):
    make, before = resume.maker(tmp_path, write_clip), signal.getsignal(number)
    ended, _ = make("run", *WORDS)
    ended.add_callback(Ask(number, step, scoring))
    with pytest.raises(Ended) as caught:
        ended.train()
    assert caught.value.code == 128 + number
    assert signal.getsignal(number) is before
    checkpoints = Path(ended.args.output_dir)
    assert numbered(checkpoints)[-1].name == f"checkpoint-{saved}"
    assert [missing(path) for path in numbered(checkpoints)] == [None] * len(numbered(checkpoints))
    again, start = make("run", *WORDS, "--resume_from_checkpoint", "last")
    assert start.endswith(f"checkpoint-{saved}")
    again.train(resume_from_checkpoint=start)
    outcome, names = whole
    resume.same(resume.outcome(again), outcome)
    assert [path.name for path in numbered(checkpoints)] == names


def test_a_second_signal_ends_at_once():
    code = (
        "import os, signal, time\nfrom ser_hf.base.ending import noting\n"
        "with noting() as asked:\n os.kill(os.getpid(), 15)\n print(asked.number, flush=True)\n"
        " os.kill(os.getpid(), 1)\n print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("15\n", -signal.SIGHUP)


def test_an_ignored_signal_stays_ignored_and_another_thread_changes_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending(), noting() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked.number
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    seen = []

    def elsewhere() -> None:
        with ending():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_forked_worker_leaves_the_first_signal_to_its_main_process():
    def fork(act) -> int:
        number = os.fork()
        if not number:
            act()
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])

    def signalled() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with noting():
        assert fork(signalled) == 7
    with ending():
        assert fork(signalled) == -signal.SIGTERM
