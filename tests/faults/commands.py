"""The jobs that faults are put into, on made data: what each is called with, and what it makes."""

import hashlib
import importlib.util
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile

TESTS = Path(__file__).parents[1]
RECIPE = """
corpora: [ravdess]
protocol: random
duration: 0.3
n_fft: 256
hop_length: 256
n_mels: 16
model: cnn_blstm_attention
model_settings: {conv_channels: [4, 4], conv_pools: [[2, 2], [2, 2]], lstm_size: 4, dense_size: 4}
num_train_epochs: 3
per_device_train_batch_size: 8
learning_rate: 2e-2
time_masks: 1
precision: fp32
"""
SVM = """
corpora: [ravdess]
protocol: random
features: functionals
n_mels: 16
n_mfcc: 13
model: svm
model_settings: {C: 1, gamma: 1}
"""
STUDY = """
title: Two rows
about: A machine and a network.
rows:
  SVM: {recipe: svm.yaml}
  network: {recipe: tiny.yaml}
"""
SHARDS = ("--shard_size", "8", "--workers", "0")
TRAIN_MORE = ["--resume_from_checkpoint", "last"]


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        name: of the job.
        words: of ``ser-hf``, or of `main` below for what is no command.
        own: whether it is of `main` below.
        slow: seconds it is given.
    """

    name: str
    words: tuple[str, ...]
    own: bool = False
    seconds: float = 120.0


def jobs(made: Path, out: Path) -> dict[str, Job]:
    """The jobs on what `prepare` made; what they make goes below ``out``."""
    data = ["--corpora", "ravdess", "--data_root", str(made / "data")]
    listed = [
        Job("build", ("build", *data, "--protocol", "random", "--output", f"{out}/built", "--quiet")),
        Job("features", (str(made / "data"), f"{out}/features.json"), own=True),
        Job("embed", ("embed", str(made / "encoder"), *data, "--output", f"{out}/e.parquet", "--dtype", "float32")),
        Job("train", ("train", str(made / "tiny.yaml"), "--output_dir", f"{out}/run")),
        Job("study", ("study", str(made / "study.yaml"), "--output", f"{out}/study"), seconds=300),
        Job(
            "predict",
            (*("predict", str(made / "run"), str(made / "data")), *("--output", f"{out}/scores.parquet"), *SHARDS),
        ),
        Job("export", ("export", str(made / "run"), "--output", f"{out}/model.onnx")),
        Job("export --small", ("export", str(made / "run"), "--small", f"{out}/small")),
        Job("push", ("push", str(made / "run"), "tester/model")),
    ]
    return {job.name: job for job in listed}


def main(words: Sequence[str]) -> int:
    """Features of a corpus by the cached map step, and a digest of them."""
    from ser_hf.base.atomic import write_json
    from ser_hf.cli._command import complain
    from ser_hf.data import load_corpus
    from ser_hf.features import add_features
    from ser_hf.models import SerFeatureExtractor

    data, output = words
    rows = load_corpus(["ravdess"], data_root=data).dataset
    extractor = SerFeatureExtractor(n_mels=16, hop_length=256, duration=0.3)
    found = add_features(rows, extractor, device="cpu", keep_audio=False).with_format("numpy")
    digest = hashlib.sha256(np.ascontiguousarray(found["input_features"][:], np.float32).tobytes()).hexdigest()
    write_json(output, {"clips": len(found), "digest": digest})
    complain(f"{len(found)} clips")
    return 0


def prepare(made: Path) -> None:
    """Makes recordings, recipes, a speech transformer, and the run that is used, exported and pushed."""
    from ser_hf.cli import main as ser_hf

    for actor in range(1, 6):
        for code in range(1, 9):
            path = made / f"data/ravdess/Actor_{actor:02d}/03-01-{code:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(zlib.crc32(path.name.encode())).normal(0, 0.1, 6400)
            pitch = 200 * 1.4**code
            soundfile.write(path, 0.5 * np.sin(2 * np.pi * pitch * np.arange(6400) / 16_000) + noise, 16_000)
    for name, text in (("tiny", RECIPE), ("svm", SVM), ("study", STUDY)):
        own = "" if name == "study" else f"data_root: {made / 'data'}\n"
        (made / f"{name}.yaml").write_text(text + own, encoding="utf-8")
    load("tiny_transformers").save("wav2vec2", made / "encoder")
    if ser_hf(["train", str(made / "tiny.yaml"), "--output_dir", str(made / "run"), "--num_train_epochs", "1"]):
        raise SystemExit("the run that is used could not be trained")


def load(name: str) -> ModuleType:
    """A module of ``tests/``, whose folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
