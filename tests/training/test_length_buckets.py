"""Batches of clips of like length: who is in them, in which order, and after a run was killed."""

import io
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile
import torch
from transformers import TrainerCallback

from ser_hf.features import WaveformRows
from ser_hf.models import WhisperSerFeatureExtractor
from ser_hf.training import build_trainer, configure, load_recipe, make_extractor, make_model
from ser_hf.training.length_buckets import LengthBuckets

LENGTHS = np.random.default_rng(0).uniform(1, 6, 203).tolist()


def order(epoch: int = 0, seed: int = 1) -> list[int]:
    buckets = LengthBuckets(LENGTHS, 8, seed)
    buckets.set_epoch(epoch)
    return list(buckets)


def test_every_clip_comes_once_an_epoch():
    assert len(LengthBuckets(LENGTHS, 8, 1)) == len(LENGTHS)
    for epoch in range(3):
        assert sorted(order(epoch)) == list(range(len(LENGTHS)))


def test_the_order_follows_from_seed_and_epoch():
    assert order(2) == order(2)
    assert order(2) != order(3)
    assert order(2) != order(2, seed=2)


def test_a_batch_holds_clips_of_like_length():
    def spread(indices: list[int]) -> float:
        return float(np.mean([np.ptp([LENGTHS[i] for i in indices[s : s + 8]]) for s in range(0, 200, 8)]))

    assert spread(order()) < 0.25 * spread(list(range(len(LENGTHS))))


class Killed(Exception):  # noqa: N818
    pass


class Kill(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 4:
            raise Killed


@pytest.fixture
def make(tmp_path, save_transformer):
    """Builds the trainer of a tiny Whisper over clips of many lengths, which notes what it trains on."""
    save_transformer("whisper", tmp_path / "whisper")
    rng = np.random.default_rng(0)
    waves = [rng.normal(0, 0.1, rng.integers(1600, 12_000)).astype(np.float32) for _ in range(20)]
    paths = []
    for i, wave in enumerate(waves):
        paths.append(str(tmp_path / f"{i}.wav"))
        soundfile.write(paths[-1], wave, 16_000)
    columns = {"audio": [{"bytes": None, "path": p} for p in paths], "label": [i % 8 for i in range(20)]}
    clips = datasets.Dataset.from_dict({**columns, "clip_id": [Path(p).name for p in paths]})

    def run(folder: str, *words: str):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", "transformer", "--model_settings"]
        needed += [f"pretrained={tmp_path / 'whisper'}", "apply_spec_augment=true", "mask_time_prob=0.2"]
        needed += ["--output_dir", str(tmp_path / folder), "--precision", "fp32", "--report_to", "none"]
        needed += ["--disable_tqdm", "true", "--per_device_train_batch_size", "8", "--num_train_epochs", "3"]
        needed += ["--train_sampling_strategy", "group_by_length", "--save_steps", "2", "--eval_steps", "2"]
        told = load_recipe(None, [*needed, "--logging_steps", "1", *words])
        start = configure(told)
        extractor = make_extractor(told)
        torch.manual_seed(0)
        model = make_model(told, extractor)
        rows = WaveformRows(clips, extractor, training=True, duration=0.5, seed=1)
        trainer = build_trainer(told, model, extractor, rows, WaveformRows(clips, extractor, training=False))
        return trainer, start

    return run


def outcome(trainer) -> tuple[list, dict[str, torch.Tensor]]:
    log = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    return log, trainer.model.state_dict()


def test_resumed_equals_unbroken(make):
    whole, _ = make("whole")
    whole.train()
    broken, _ = make("broken")
    broken.add_callback(Kill())
    with pytest.raises(Killed):
        broken.train()
    resumed, start = make("broken", "--resume_from_checkpoint", "last")
    assert start.endswith("checkpoint-4"), "in the middle of an epoch"
    resumed.train(resume_from_checkpoint=start)
    (log, weights), (expected, expected_weights) = outcome(resumed), outcome(whole)
    assert log == expected
    assert len(log) == 9
    assert all(torch.equal(value, expected_weights[name]) for name, value in weights.items())


def test_lengths_are_what_is_heard(make):
    rows = make("run")[0].train_dataset
    sampler = make("run")[0]._get_train_sampler()
    assert isinstance(sampler, LengthBuckets)
    assert sampler.lengths == [len(rows._decode(i)[1]) for i in range(20)]
    trimmed = WaveformRows(rows_with_silence(), WhisperSerFeatureExtractor(trim_db=30.0), training=True)
    assert trimmed.lengths()[0] < 12_000 < len(trimmed._decode(0)[1])
    told = WaveformRows(rows_with_silence(), WhisperSerFeatureExtractor(), training=True)
    assert told.lengths() == [9.0], "durations that are known are not measured again"


def rows_with_silence() -> datasets.Dataset:
    file = io.BytesIO()
    wave = np.concatenate([np.zeros(8000), np.random.default_rng(0).normal(0, 0.1, 8000)])
    soundfile.write(file, wave, 16_000, format="WAV")
    audio = [{"bytes": file.getvalue(), "path": "clip.wav"}]
    return datasets.Dataset.from_dict({"audio": audio, "label": [0], "duration": [9.0]})
