"""What a training shows: one line on a terminal, a table elsewhere, and nothing of the libraries."""

import io
import subprocess
import sys

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from ser_hf.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(tmp_path, monkeypatch, stream, *, main: bool = True, evaluated: bool = True) -> str:
    """What is shown of two epochs of two steps."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    args = TrainingArguments(str(tmp_path), use_cpu=True, report_to=[], eval_strategy="epoch" if evaluated else "no")
    state, control, shown = TrainerState(max_steps=4, num_train_epochs=2), TrainerControl(), Progress()
    state.is_world_process_zero, state.epoch = main, 0.0
    shown.on_train_begin(args, state, control)
    for step in range(1, 5):
        state.global_step, state.epoch = step, step / 2
        shown.on_step_end(args, state, control)
        if step % 2 == 0:
            shown.on_log(args, state, control, logs={"loss": 2 / step, "learning_rate": 1e-3})
            if evaluated:
                scores = {"eval_loss": 1.5, "eval_uar": 0.25 * step / 2, "eval_accuracy": 0.5}
                shown.on_log(args, state, control, logs=scores)
    shown.on_log(args, state, control, logs={"train_runtime": 1.0, "train_loss": 9.9})
    shown.on_train_end(args, state, control)
    return stream.getvalue()


def test_elsewhere_it_is_a_table_with_a_row_an_epoch(tmp_path, monkeypatch):
    head, *rows = [line.split() for line in run(tmp_path, monkeypatch, io.StringIO()).splitlines()]
    assert head == ["epoch", "loss", "val.", "loss", "val.", "UAR", "accuracy", "rate", "time"]
    assert [row[:-2] for row in rows] == [
        ["1", "1.000", "1.500", "25.0", "%", "50.0", "%", "0.001"],
        ["2", "0.500", "1.500", "50.0", "%", "50.0", "%", "0.001"],
    ]


def test_without_a_validation_the_row_says_so(tmp_path, monkeypatch):
    _, *rows = [line.split() for line in run(tmp_path, monkeypatch, io.StringIO(), evaluated=False).splitlines()]
    assert [row[:6] for row in rows] == [["1", "1.000", "-", "-", "-", "0.001"], ["2", "0.500", "-", "-", "-", "0.001"]]


def test_on_a_terminal_it_is_one_line_with_the_time_left(tmp_path, monkeypatch):
    shown = run(tmp_path, monkeypatch, Terminal())
    assert "\n" not in shown
    assert "epoch 1/2, loss 1.000, validation UAR 25.0 %" in shown.replace(
        "epoch 2/2, loss 1.000", "epoch 1/2, loss 1.000"
    )
    assert "loss 0.500, validation UAR 50.0 %" in shown
    assert " left" in shown


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_other_processes_say_nothing(tmp_path, monkeypatch, stream):
    assert run(tmp_path, monkeypatch, stream, main=False) == ""


def test_no_library_talks_beside_it(tiny_recipe, tmp_path):
    command = [sys.executable, "-m", "ser_hf.cli", "train", str(tiny_recipe), "--output_dir", str(tmp_path / "run")]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    for noise in ("%|", "it/s", "{'", "Loading weights", "Writing model", "Map", "Generating"):
        assert noise not in told.stderr + told.stdout, noise
    assert told.stderr.count("val. UAR") == 1
