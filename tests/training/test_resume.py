"""A run that was killed and resumed equals one that was not, to the bit; checkpoints are whole or not there."""

import errno
import json
import os
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from ser_hf.augment import WaveformChain
from ser_hf.base.errors import RecipeError, SerHfError
from ser_hf.features import FeatureRows, LiveFeatureRows
from ser_hf.training import build_trainer, configure, load_recipe, make_extractor, make_model
from ser_hf.training.whole_checkpoints import missing, numbered, to_resume

EPOCHS, STEPS = 3, 3  # 20 clips in batches of 8
SPECTROGRAM = ["--mixup_alpha", "0.4", "--time_masks", "1", "--time_shift", "3", "--cutmix_alpha", "0.4"]
SMALL = ["conv_channels=[4,4]", "conv_pools=[[2,2],[2,2]]", "lstm_size=4", "dense_size=4", "dropout=0.3"]


class KilledError(Exception):
    pass


class Kill(TrainerCallback):
    """Ends the process, as it were, after a step; what was saved by then stays."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KilledError


def features(*, training: bool) -> FeatureRows:
    values = np.random.default_rng(0).normal(1, 2, size=(20, 32, 12)).astype(np.float32)
    data = datasets.Dataset.from_dict({"input_features": list(values), "label": [i % 8 for i in range(20)]})
    typed = data.features | {"input_features": datasets.Array2D((32, 12), "float32")}
    return FeatureRows(data.cast(datasets.Features(typed)), training=training)


@pytest.fixture
def make(tmp_path, write_clip):
    """Builds the trainer of a run below the test's folder; every call is a new process, as it were."""
    return maker(tmp_path, write_clip)


def maker(tmp_path: Path, write_clip):

    def live(extractor) -> LiveFeatureRows:
        paths = [str(write_clip(tmp_path / "clips" / f"{i}.wav")) for i in range(20)]
        audio = [{"bytes": None, "path": path} for path in paths]
        columns = {"audio": audio, "label": [i % 8 for i in range(20)], "clip_id": paths}
        chain = WaveformChain.parse(["{noise: 0.01}", "{gain: 6}"], None)
        return LiveFeatureRows(datasets.Dataset.from_dict(columns), extractor, training=True, augment=chain, seed=1)

    def run(folder: str, *words: str, waveforms: bool = False):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", "cnn_blstm_attention", "--n_mels", "32"]
        needed += ["--model_settings", *SMALL, "--output_dir", str(tmp_path / folder), "--duration", "0.2"]
        needed += ["--precision", "fp32", "--report_to", "none", "--disable_tqdm", "true"]
        needed += ["--per_device_train_batch_size", "8", "--num_train_epochs", str(EPOCHS), *words]
        told = load_recipe(None, needed)
        resume = configure(told)
        torch.manual_seed(0)
        extractor = make_extractor(told)
        rows = live(extractor) if waveforms else features(training=True)
        trainer = build_trainer(told, make_model(told, extractor), extractor, rows, features(training=False))
        return trainer, resume

    return run


def outcome(trainer) -> tuple[list, dict[str, torch.Tensor]]:
    """The log but for the clock, and the final weights."""
    timed = ("runtime", "per_second", "total_flos", "train_loss")
    log = [{k: v for k, v in entry.items() if not any(t in k for t in timed)} for entry in trainer.state.log_history]
    return log, trainer.model.state_dict()


def same(one, other) -> None:
    assert one[0] == other[0]
    assert all(torch.equal(value, other[1][name]) for name, value in one[1].items())


STEPWISE = ["--save_steps", "1", "--eval_steps", "1", "--save_total_limit", "20"]


@pytest.mark.parametrize(
    ("words", "waveforms"),
    [
        (SPECTROGRAM, False),
        ([*SPECTROGRAM, "--dataloader_num_workers", "2"], False),
        (["--balance", "weighted_sampler", "--mixup_alpha", "0.4"], False),
        (["--gradual_unfreezing", "1", "--learning_rate_decay", "0.5"], False),
        (["--gradient_accumulation_steps", "2", "--time_masks", "1"], False),
        (SPECTROGRAM, True),
        ([*SPECTROGRAM, "--dataloader_num_workers", "1", "--dataloader_persistent_workers", "true"], True),
    ],
    ids=[
        "spectrogram",
        "two workers",
        "weighted",
        "unfreezing",
        "accumulation",
        "waveforms",
        "waveforms, a lasting worker",
    ],
)
def test_resumed_equals_unbroken(make, tmp_path, words, waveforms):
    words = [*words, "--save_steps", "2", "--eval_steps", "2", "--logging_strategy", "epoch", "--save_total_limit", "9"]
    if "--gradient_accumulation_steps" in words:
        words = [
            w.replace("2", "1") if words[i - 1] in ("--save_steps", "--eval_steps") else w for i, w in enumerate(words)
        ]
    whole, _ = make("whole", *words, waveforms=waveforms)
    whole.train()
    broken, _ = make("broken", *words, waveforms=waveforms)
    broken.add_callback(Kill(5 if "--gradient_accumulation_steps" not in words else 3))
    with pytest.raises(KilledError):
        broken.train()
    resumed, start = make("broken", *words, "--resume_from_checkpoint", "last", waveforms=waveforms)
    assert start.endswith("checkpoint-4" if "--gradient_accumulation_steps" not in words else "checkpoint-3")
    resumed.train(resume_from_checkpoint=start)
    same(outcome(resumed), outcome(whole))


KILLED = [*SPECTROGRAM, *STEPWISE, "--logging_strategy", "epoch", "--patience", "20"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, write_clip):
    """What comes of these settings without a kill."""
    whole, _ = maker(tmp_path_factory.mktemp("unbroken"), write_clip)("whole", *KILLED)
    whole.train()
    return outcome(whole)


@pytest.mark.parametrize("kills", [(1,), (3,), (4,), (2, 4), (3, 6), (8,)], ids=str)
def test_wherever_and_however_often_it_was_killed(make, unbroken, kills):
    words = words_now = KILLED
    for kill in kills:
        broken, start = make("broken", *words_now)
        broken.add_callback(Kill(kill))
        with pytest.raises(KilledError):
            broken.train(resume_from_checkpoint=start)
        words_now = [*words, "--resume_from_checkpoint", "last"]
    resumed, start = make("broken", *words_now)
    assert start.endswith(f"checkpoint-{kills[-1]}")
    resumed.train(resume_from_checkpoint=start)
    same(outcome(resumed), unbroken)


@pytest.fixture(scope="module")
def short(tmp_path_factory, write_clip) -> Path:
    """The folder of a short run with checkpoints at steps 1 to 3; only to be read."""
    folder = tmp_path_factory.mktemp("short")
    trainer, _ = maker(folder, write_clip)("saved", *STEPWISE, "--num_train_epochs", "1")
    trainer.train()
    return folder / "saved"


@pytest.fixture
def saved(short, tmp_path) -> Path:
    """A copy of its checkpoints."""
    shutil.copytree(short, tmp_path / "saved")
    return tmp_path / "saved" / "checkpoints"


def test_checkpoints_are_whole_and_nothing_else_lies_there(short):
    folder = short / "checkpoints"
    assert [missing(path) for path in numbered(folder)] == [None] * 3
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint-1", "checkpoint-2", "checkpoint-3"]
    best = json.loads((folder / "checkpoint-3" / "trainer_state.json").read_text())["best_model_checkpoint"]
    assert Path(best).is_dir()
    assert Path(best).parent == folder


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
)
@pytest.mark.parametrize("harm", ["gone", "cut off"])
def test_half_checkpoints_are_set_aside_and_the_newest_whole_one_is_taken(saved, caplog, name, harm):
    path = saved / "checkpoint-3" / name
    data = path.read_bytes()
    path.unlink()
    if harm == "cut off":
        path.write_bytes(data[: len(data) // 2])
    with pytest.raises(
        RecipeError, match=r"checkpoint-3 is no whole checkpoint: .*--resume_from_checkpoint last takes"
    ):
        to_resume(str(saved / "checkpoint-3"), saved, main=True)
    assert to_resume("last", saved, main=True) == str(saved / "checkpoint-2")
    assert "checkpoint-3 is no whole checkpoint" in caplog.text
    assert f"going on from {saved / 'checkpoint-2'}" in caplog.text
    assert (saved / "half-checkpoint-3").is_dir()


def test_a_killed_writer_leaves_no_checkpoint(make, tmp_path, monkeypatch):
    trainer, _ = make("run", *STEPWISE, "--num_train_epochs", "1")

    def killed(*_):
        if trainer.state.global_step == 2:
            raise KilledError

    monkeypatch.setattr(trainer, "_save_rng_state", killed)
    with pytest.raises(KilledError):
        trainer.train()
    assert [p.name for p in numbered(tmp_path / "run" / "checkpoints")] == ["checkpoint-1"]


def test_a_workshop_that_a_killed_process_left_is_cleared(make, tmp_path):
    left = tmp_path / "run" / "checkpoints" / ".writing" / "checkpoint-1"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    trainer, _ = make("run", "--num_train_epochs", "1")
    trainer.train()
    assert not left.parent.exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError(
            "[enforce fail at inline_container.cc:664] . unexpected pos; PytorchStreamWriter failed writing f"
        ),
    ],
    ids=["system", "torch"],
)
def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(make, tmp_path, monkeypatch, error):
    trainer, _ = make("run", *STEPWISE)
    save = trainer._save_optimizer_and_scheduler

    def full(folder):
        if trainer.state.global_step == 2:
            raise error
        save(folder)

    monkeypatch.setattr(trainer, "_save_optimizer_and_scheduler", full)
    folder = tmp_path / "run" / "checkpoints"
    message = (
        rf"^{folder}/checkpoint-2 could not be written: there is no room \(.* free, about .* needed\); make room, and "
    )
    with pytest.raises(SerHfError, match=message + "go on with --resume_from_checkpoint last$"):
        trainer.train()
    assert [path.name for path in folder.iterdir()] == ["checkpoint-1"]
    resumed, start = make("run", *STEPWISE, "--resume_from_checkpoint", "last")
    resumed.train(resume_from_checkpoint=start)
    assert resumed.state.global_step == EPOCHS * STEPS


def test_an_older_checkpoint_without_the_loss_still_serves(make, saved, tmp_path):
    (saved / "checkpoint-2" / "loss_so_far.json").unlink()
    shutil.rmtree(saved / "checkpoint-3")
    words = [*STEPWISE, "--num_train_epochs", "1", "--resume_from_checkpoint", "last"]
    trainer, start = make("saved", *words)
    trainer.train(resume_from_checkpoint=start)
    assert trainer.state.global_step == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--logging_steps", "1"], {"logging_strategy": "steps", "logging_steps": 1, "save_strategy": "epoch"}),
        (["--save_steps", "4"], {"save_strategy": "steps", "eval_strategy": "steps", "eval_steps": 4}),
        (["--eval_steps", "4"], {"save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps"}),
        (["--eval_steps", "2", "--save_steps", "4"], {"save_steps": 4, "eval_steps": 2, "save_strategy": "steps"}),
        (
            ["--save_steps", "4", "--load_best_model_at_end", "false"],
            {"save_strategy": "steps", "save_steps": 4, "eval_strategy": "epoch"},
        ),
    ],
)
def test_a_number_of_steps_sets_its_strategy(words, expected):
    told = load_recipe(None, ["--corpora", "x", "--protocol", "random", "--model", "svm", *words])
    assert {key: getattr(told.training, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--logging_steps", "1", "--logging_strategy", "epoch"],
            "logging_steps is 1, and logging_strategy is epoch; le",
        ),
        (
            ["--save_steps", "3", "--eval_steps", "2"],
            "save_steps is 3 and eval_steps 2; .*must be a multiple of eval_step",
        ),
        (
            ["--save_steps", "3", "--eval_strategy", "epoch"],
            "eval_strategy is epoch and save_strategy steps; the best ch",
        ),
        (["--eval_strategy", "no"], "eval_strategy is no and save_strategy epoch; the best checkpoint is kept"),
    ],
)
def test_strategies_that_do_not_go_together_are_refused(words, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(None, ["--corpora", "x", "--protocol", "random", "--model", "svm", *words])


@pytest.mark.parametrize("instead", ["optimizer.bin", "global_step3/rank0_optim_states.pt"])
def test_what_fsdp_and_deepspeed_write_is_whole_too(whole_checkpoint, tmp_path, instead):
    path = whole_checkpoint(tmp_path, 3)
    (path / instead).parent.mkdir(exist_ok=True)
    (path / "optimizer.pt").rename(path / instead)
    assert missing(path) is None
    (path / instead).write_bytes(b"half")
    assert missing(path) == f"{Path(instead).name} is cut off or damaged"
