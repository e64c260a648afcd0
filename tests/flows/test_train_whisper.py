"""A Whisper fine-tuned over true lengths: scored, asked in several ways, pulled without ser_hf, and gone on from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification, WhisperForAudioClassification

from ser_hf.cli import main
from ser_hf.finetuning import load_extractor
from ser_hf.inference import SerClassifier
from ser_hf.models import WhisperSerFeatureExtractor, WhisperSerForAudioClassification
from ser_hf.training import load_checkpoint, load_recipe, make_extractor, make_model

RATE = 16_000
PROGRAM = """
import json, sys
sys.modules["ser_hf"] = None
import numpy as np
from transformers import pipeline
clips = [np.load(path) for path in sys.argv[2:]]
classify = pipeline("audio-classification", model=sys.argv[1], trust_remote_code=True, device="cpu")
for part in (classify.model, classify.feature_extractor):
    assert type(part).__module__.startswith("transformers_modules."), type(part)
found = [[classify(clip, top_k=None) for clip in clips], classify(clips, top_k=None, batch_size=3)]
print(json.dumps([[{row["label"]: row["score"] for row in rows} for rows in way] for way in found]))
"""


@pytest.fixture(scope="module")
def run(tones_root, save_transformer, tmp_path_factory) -> Path:
    """The run folder of two epochs of a tiny Whisper, with everything that its recipe has."""
    folder = tmp_path_factory.mktemp("whisper")
    save_transformer("whisper", folder / "published", encoder_layers=3)
    words = ["train", "whisper_base", "--data_root", str(tones_root), "--protocol", "random", "--duration", "0.3"]
    words += ["--validation_size", "0.1", "--num_train_epochs", "2", "--freeze_layers", "2", "--trim_db", "40"]
    words += ["--model_settings", f"pretrained={folder / 'published'}", "encoder_layers=2"]
    assert main([*words, "--output_dir", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, samples).astype(np.float32) for samples in (9000, 3210, 16_000, 20_000, 5000)]


def test_a_run_folder_is_loaded_with_its_settings(run):
    model, extractor = load_checkpoint(run, "cpu")
    assert isinstance(model, WhisperSerForAudioClassification)
    assert isinstance(extractor, WhisperSerFeatureExtractor)
    assert extractor.trim_db == 40
    assert (model.config.pooling, model.config.encoder_layers) == ("mean_std", 2)
    assert len(model.layer_weights) == 3
    assert not model.training
    assert load_extractor(str(run)).trim_db == 40, "what was saved counts where nothing else is said"
    assert load_extractor(str(run), 20.0).trim_db == 20


def test_a_fresh_process_without_ser_hf_gives_the_same_scores(run, clips, tmp_path):
    expected = SerClassifier.from_pretrained(run, device="cpu")(clips, sampling_rate=RATE)
    for i, clip in enumerate(clips):
        np.save(tmp_path / f"{i}.npy", clip)
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "HF_MODULES_CACHE": str(tmp_path / "modules"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", "-c", PROGRAM, str(run), *(str(tmp_path / f"{i}.npy") for i in range(5))]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "newly initialized" not in done.stderr
    alone, batched = json.loads(done.stdout.splitlines()[-1])
    for found in (alone, batched):
        for one, scores in zip(found, expected, strict=True):
            assert one == pytest.approx(scores, abs=1e-5)


def test_a_finished_run_is_gone_on_from(run, tmp_path):
    words = ["--corpora", "ravdess", "--protocol", "random", "--model", "transformer", "--init_from", str(run)]
    recipe = load_recipe(None, words)
    theirs, _ = load_checkpoint(run, "cpu")
    mine, extractor = make_model(recipe, make_extractor(recipe)), make_extractor(recipe)
    assert isinstance(mine, WhisperSerForAudioClassification)
    assert extractor.trim_db == 40
    assert {name for name, t in theirs.state_dict().items() if not torch.equal(t, mine.state_dict()[name])} == set()
    other = load_recipe(None, [*words, "--trim_db", "25"])
    assert make_extractor(other).trim_db == 25


@pytest.fixture
def stock(save_transformer, tmp_path) -> Path:
    """A Whisper over 30 s that somebody else fine-tuned."""
    save_transformer("whisper", tmp_path / "theirs", id2label={0: "angry", 1: "sad"}, label2id={"angry": 0, "sad": 1})
    published = AutoModelForAudioClassification.from_pretrained(tmp_path / "theirs")
    assert type(published) is WhisperForAudioClassification
    published.save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs"


def test_a_strangers_model_is_asked_as_it_is_and_gone_on_from_with_a_new_head(stock, clips, caplog):
    caplog.set_level("INFO")
    said = SerClassifier.from_pretrained(stock, device="cpu")([clips[0]], sampling_rate=RATE)
    assert set(said[0]) == {"angry", "sad"}
    words = ["--corpora", "ravdess", "--protocol", "random", "--model", "transformer", "--init_from", str(stock)]
    recipe = load_recipe(None, words)
    extractor = make_extractor(recipe)
    model = make_model(recipe, extractor).eval()
    assert isinstance(model, WhisperSerForAudioClassification)
    given = extractor(clips[0], sampling_rate=RATE, return_tensors="pt")
    assert model(**given).logits.shape == (1, 8)
