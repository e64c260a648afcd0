"""A small study: two SVMs and a network of two epochs, on three folds of speakers of a made corpus."""

from pathlib import Path

import pytest

STUDY = """
title: A small study
about: Two machines | and a network.
source: nobody (2026)
baseline: SVM
keys:
  corpora: [ravdess, savee]
  protocol: speaker-kfold
  folds: 2
rows:
  SVM: {recipe: svm.yaml}
  SVM, wide: {recipe: svm.yaml, model_settings: {gamma: 10}}
  network: {recipe: network.yaml}
paper:
- {row: SVM, accuracy: 51.7, macro_f1: 50}
caveats:
- Tones, not voices.
"""
SVM = """
corpora: [ravdess]
protocol: random
features: functionals
n_mels: 26
model: svm
model_settings: {C: 1, gamma: 1}
"""
NETWORK = """
corpora: [ravdess]
protocol: random
duration: 0.5
n_mels: 16
hop_length: 512
model: cnn_blstm_attention
model_settings: {conv_channels: [4, 4], conv_pools: [[2, 2], [2, 2]], lstm_size: 4}
num_train_epochs: 3
per_device_train_batch_size: 16
precision: fp32
"""


@pytest.fixture(scope="session")
def write_study(tones_root):
    """A function that writes a study with its recipes into a folder, with words replaced, and gives its file."""

    def write(folder: Path, **replaced: str) -> Path:
        text = STUDY
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        for name, content in (("small", text), ("svm", SVM), ("network", NETWORK)):
            own = "" if name == "small" else f"data_root: {tones_root}\n"
            (folder / f"{name}.yaml").write_text(content + own, encoding="utf-8")
        return folder / "small.yaml"

    return write


@pytest.fixture(scope="session")
def study_file(write_study, tmp_path_factory) -> Path:
    """The small study; only to be read."""
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def done(study_file, tmp_path_factory) -> Path:
    """The folder of the small study after it was run undisturbed; only to be read."""
    from ser_hf.cli import main

    folder = tmp_path_factory.mktemp("studies") / "small"
    assert main(["study", str(study_file), "--output", str(folder)]) == 0
    return folder
