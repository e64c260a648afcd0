"""Every comparison once, tiny, through the command: who is in it, table and JSON. Times are not judged."""

import json
import re
import sys

import numpy as np
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.benchmarks import TASKS, Settings
from ser_hf.benchmarks._agreement import agreement
from ser_hf.benchmarks._clips import waveforms
from ser_hf.benchmarks.train import Loop, Watch
from ser_hf.cli import main
from ser_hf.cli.bench import _TASKS

TINY_MODEL = ["--model_settings", "conv_channels=[2, 2]", "conv_pools=[[4, 4], [4, 4]]", "lstm_size=2"]
TINY_MODEL += ["attention_size=2", "dense_size=2"]
SMALL = ["--repeats", "2", "--seconds", "0.5", "--threads", "1"]


@pytest.fixture
def bench(capsys, tmp_path):
    """Runs a comparison; gives its table and its JSON."""

    def run(*words):
        file = tmp_path / "found.json"
        assert main(["bench", *map(str, words), *SMALL, "--output", str(file)]) == 0
        return capsys.readouterr().out, json.loads(file.read_text())

    return run


def check(shown, facts, task, clips, names):
    found = [row["name"] for row in facts["rows"]]
    assert [name for name in names if name not in found] == []
    assert facts["task"] == task
    for row in facts["rows"]:
        assert row["clips"] == clips
        assert len(row["seconds"]) == 2
        assert min(row["seconds"]) > 0
        assert row["clips_per_second"] > 0
        assert f"\n{row['name']}" in shown
    (reference,) = [row for row in facts["rows"] if row["name"] == facts["reference"]]
    assert reference["ratio"] == 1


def test_the_command_offers_every_task():
    assert tuple(TASKS) == _TASKS


def test_features_of_noise(bench):
    shown, facts = bench("features", "--clips", 3)
    rivals = ["librosa, clip by clip", "torchaudio, clip by clip", "torchaudio, batches of 64"]
    rivals += ["AST extractor", "Whisper extractor"]
    check(shown, facts, "features", 3, ["ser_hf, the transform", "ser_hf, extractor", *rivals])


@pytest.mark.parametrize("seconds", [0.1, 4])
def test_the_clips_of_a_corpus_have_one_length(corpora_root, tmp_path, seconds):
    settings = Settings(clips=3, seconds=seconds, corpus="savee", data_root=str(corpora_root))
    clips = waveforms(settings, str(tmp_path))
    assert [(clip.shape, clip.dtype) for clip in clips] == 3 * [((seconds * 16_000,), np.float32)]
    assert all(np.abs(clip).max() > 0 for clip in clips)
    assert len({clip.tobytes() for clip in clips}) == 3


def test_map(bench, corpora_root):
    shown, facts = bench("map", "--clips", 2, "--corpus", "savee", "--data_root", corpora_root)
    parts = [
        "librosa: load, trim, mel",
        "soundfile and soxr",
        "ser_hf, load",
        "decode",
        "decode and resample",
        "ser_hf, the bare computation",
    ]
    check(shown, facts, "map", 2, [*parts, "ser_hf, add_features", "reading features back"])


def test_build(bench, corpora_root):
    shown, facts = bench("build", "--corpus", "savee", "--data_root", corpora_root)
    clips = len(list((corpora_root / "savee").rglob("*.wav")))
    check(shown, facts, "build", clips, ["soundfile, decoding alone", "ser_hf, the whole build"])


def test_train_takes_the_same_steps_both_ways_and_counts_those_after_the_first(bench, corpora_root, monkeypatch):
    steps = {"loop": 0, "trainer": 0}
    step, end = Loop._step, Watch.on_step_end

    def in_loop(self, batch):
        steps["loop"] += len(batch) == 2
        return step(self, batch)

    def in_trainer(self, args, state, control, **given):
        steps["trainer"] += args.per_device_train_batch_size == 2
        return end(self, args, state, control, **given)

    monkeypatch.setattr(Loop, "_step", in_loop)
    monkeypatch.setattr(Watch, "on_step_end", in_trainer)
    words = ["--clips", 7, "--batch_size", 2, "--corpus", "savee", "--data_root", corpora_root]
    shown, facts = bench("train", *words, *TINY_MODEL)
    check(shown, facts, "train", 4, ["a bare PyTorch loop", "ser_hf, SpecAugment and mixup"])
    assert steps == {"loop": 3 * 4, "trainer": 2 * 3 * 4}  # steps, warm-up and rounds, ways through the trainer
    assert shown.startswith("train: ")


@pytest.mark.slow
def test_a_whisper_is_trained_by_its_trainer_and_by_a_loop(bench, corpora_root):
    words = ["--clips", 6, "--batch_size", 2, "--corpus", "savee", "--data_root", corpora_root]
    shown, facts = bench("train", "--model", "transformer", *words, "--model_settings", *TINY_WHISPER)
    check(shown, facts, "train", 4, ["a bare PyTorch loop", "ser_hf, SpecAugment", "ser_hf, no augmentation"])


@pytest.mark.gpu
def test_a_gpu_is_measured_from_host_memory(bench):
    shown, facts = bench("features", "--clips", 64)
    check(shown, facts, "features", 64, ["GPU, transfer alone", "GPU, ser_hf from pinned memory"])
    assert re.search(r"GPU: the transfer is \d+ % of the time", shown)


def test_inference(bench, monkeypatch):
    monkeypatch.setattr("ser_hf.benchmarks.inference.write_onnx", lambda *given: None)  # takes long: see predict
    monkeypatch.setattr("ser_hf.benchmarks.inference.OnnxClassifier", lambda *given: lambda *clip, speech: None)
    shown, facts = bench("inference", "--clips", 1, *TINY_MODEL)
    names = ["the model alone", "ser_hf, SerClassifier", "ser_hf, ONNX", "transformers, pipeline"]
    check(shown, facts, "inference", 1, names)


def test_predict_gives_the_same_answers_in_every_way(bench):
    shown, facts = bench("predict", "--clips", 3, "--batch_size", 2, *TINY_MODEL)
    names = ["transformers, pipeline", "ser_hf, SerClassifier", "ser_hf, ONNX"]
    check(shown, facts, "predict", 3, names)
    assert re.search(r"answers: the same within \S+ \(allowed: 0.0001\)", shown)


def test_predict_of_a_corpus_without_onnxruntime_tells_what_is_missing(bench, corpora_root, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    words = ["--clips", 2, "--corpus", "savee", "--data_root", corpora_root]
    shown, facts = bench("predict", *words, *TINY_MODEL)
    check(shown, facts, "predict", 2, ["transformers, pipeline", "ser_hf, SerClassifier"])
    assert "ser_hf, ONNX: not measured, onnxruntime is needed here" in shown


TINY_ENCODER = ["hidden_size=16", "num_hidden_layers=1", "num_attention_heads=2", "intermediate_size=24"]
TINY_ENCODER += ["num_conv_pos_embeddings=8", "num_conv_pos_embedding_groups=2", "conv_dim=[8, 8]"]
TINY_ENCODER += ["conv_kernel=[10, 8]", "conv_stride=[10, 8]"]


def test_embed(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    shown, facts = bench("embed", "--clips", 3, "--batch_size", 2, "--model_settings", *TINY_ENCODER)
    check(shown, facts, "embed", 3, ["encoder: transformers, clip by clip", "encoder: ser_hf"])
    assert "encoder, answers: the same within" in shown
    assert "eGeMAPS: not measured, opensmile is needed here" in shown


def test_embed_of_a_checkpoint_and_with_opensmile(bench, save_transformer, tmp_path):
    pytest.importorskip("opensmile")
    place = save_transformer("hubert", tmp_path / "hubert")
    shown, facts = bench("embed", "--clips", 2, "--model_settings", f"pretrained={place}")
    assert [row["name"] for row in facts["rows"]][2:] == ["eGeMAPS: opensmile, clip by clip", "eGeMAPS: ser_hf"]
    assert [row["ratio"] for row in facts["rows"]][::2] == [1, 1]
    assert "eGeMAPS, answers: the same within 0 (allowed: 0)" in shown


def test_embed_of_a_whisper_is_refused_in_one_line(save_transformer, tmp_path, capsys):
    place = save_transformer("whisper", tmp_path / "whisper")
    assert main(["bench", "embed", "--clips", "2", "--model_settings", f"pretrained={place}"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"ser-hf bench: {place} is a WhisperModel, which hears no waveform")


def test_windows(bench):
    shown, facts = bench("windows", "--clips", 5, "--batch_size", 2, *TINY_MODEL)
    check(shown, facts, "windows", 5, ["a loop, window by window", "a loop, batches of 2", "ser_hf, segment"])
    assert shown.startswith("windows: 2 s in 5 windows of 0.5 s")  # 1.5 s
    assert "answers: the same within" in shown


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.array([0.1, 0.3]), "rival lies 0.1 from ours; expected the same answer within 0.01"),
        (np.array([0.1, np.nan]), "rival lies nan from ours"),
        (np.array([0.1]), r"rival gives \(1,\) numbers where ours gives \(2,\); expected the same work"),
    ],
)
def test_who_answers_otherwise_is_not_timed(answer, message):
    with pytest.raises(SerHfError, match=message):
        agreement({"ours": np.array([0.1, 0.2]), "rival": answer}, "ours", 0.01)


PATHS = ("stock, 30 s, fp32", "true length, fp32", "true length, bf16")
TINY_WHISPER = ["d_model=8", "encoder_layers=1", "encoder_attention_heads=2", "encoder_ffn_dim=8"]


@pytest.mark.parametrize("published", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_whisper(bench, save_transformer, tmp_path, published):
    tiny = [f"pretrained={save_transformer('whisper', tmp_path / 'whisper')}"] if published else TINY_WHISPER
    shown, facts = bench("whisper", "--clips", 3, "--batch_size", 2, "--model_settings", *tiny)
    names = [f"{what}: {path}" for what in ("forward", "training step") for path in PATHS]
    assert [row["name"] for row in facts["rows"]] == names
    assert [row["ratio"] for row in facts["rows"]][::3] == [1, 1]
    assert all(row["clips"] == 3 and min(row["seconds"]) > 0 for row in facts["rows"])
    assert "3 clips of 0.5 s, batches of 2" in shown
    assert "ms/clip" in shown


def test_whisper_of_a_corpus_and_what_is_no_whisper(bench, corpora_root, save_transformer, tmp_path, capsys):
    words = ["--clips", 2, "--corpus", "savee", "--data_root", corpora_root]
    shown, _ = bench("whisper", *words, "--model_settings", *TINY_WHISPER)
    assert "2 clips of 0.1 s" in shown
    other = save_transformer("hubert", tmp_path / "hubert")
    assert main(["bench", "whisper", "--model_settings", f"pretrained={other}"]) == 2
    assert "is a hubert; expected a Whisper" in capsys.readouterr().err
    assert main(["bench", "whisper", "--model_settings", "d_modle=8"]) == 2
    assert "did you mean 'd_model'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["features", "--clips", "0"], "clips is 0; expected 1 or more"),
        (["train", "--clips", "8"], "8 clips are not two batches of 32; ask for more clips"),
        (["inference", "--model", "timm_cn"], "did you mean 'timm_cnn'?"),
        (["embed", "--clips", "2", "--model_settings", "hidden_sise=8"], "did you mean 'hidden_size'"),
        (["map", "--clips", "100000"], "clips is 100000, and the corpus has"),
    ],
)
def test_what_cannot_be_measured_is_one_line(capsys, corpora_root, words, message):
    words = [*words, "--corpus", "savee", "--data_root", str(corpora_root)]
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err
