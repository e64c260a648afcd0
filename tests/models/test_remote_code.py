"""A saved folder loads, with the files beside the weights, where ser_hf is not installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ser_hf.models import (
    MODELS,
    SerFeatureExtractor,
    WhisperSerConfig,
    WhisperSerFeatureExtractor,
    build_config,
    build_model,
)

SETTINGS = {
    "cnn_blstm_attention": {"conv_channels": [4], "conv_pools": [[4, 4]], "lstm_size": 4},
    "timm_cnn": {"backbone": "test_resnet"},
    "embedding_mlp": {"embedding_size": 32},  # the frames of 0.5 s
}
CASES: dict[str, tuple[str, dict]] = {
    **{name: (name, {}) for name in MODELS},
    "functionals": ("cnn_blstm_attention", {"functionals": True, "mask_padding": True}),
    "deep_stride_cnn": ("cnn_blstm_attention", {"downsampling": "stride", "use_lstm": False, "use_attention": False}),
}
WHISPER = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "num_mel_bins": 16,
    "max_source_positions": 50,
    "classifier_proj_size": 12,
    "use_weighted_layer_sum": True,
    "num_labels": 3,
}
PROGRAM = """
import json, sys
sys.modules["ser_hf"] = None
import numpy as np
from transformers import pipeline
try:
    import ser_hf.models
except ImportError:
    pass
else:
    raise SystemExit("ser_hf is importable")
result = {}
for name, folder in json.loads(sys.argv[1]).items():
    classify = pipeline("audio-classification", model=folder, trust_remote_code=True, device="cpu")
    assert type(classify.model).__module__.startswith("transformers_modules."), type(classify.model)
    assert type(classify.feature_extractor).__module__.startswith("transformers_modules.")
    wave = np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)
    result[name] = {row["label"]: row["score"] for row in classify(wave, top_k=None)}
print(json.dumps(result))
"""


def test_a_saved_folder_needs_no_ser_hf(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)
    extractors = dict.fromkeys(CASES, SerFeatureExtractor(n_mels=32, duration=0.5))
    extractors["whisper_ser"] = WhisperSerFeatureExtractor(feature_size=16, chunk_length=1, trim_db=30.0)
    configs, expected = {"whisper_ser": WhisperSerConfig(**WHISPER)}, {}
    for case, (name, settings) in CASES.items():
        configs[case] = build_config(name, n_mels=32, num_labels=3, **{**SETTINGS.get(name, {}), **settings})
    for case, config in configs.items():
        torch.manual_seed(0)
        model, extractor = build_model(config).eval(), extractors[case]
        model.save_pretrained(tmp_path / case)
        extractor.save_pretrained(tmp_path / case)
        with torch.no_grad():
            logits = model(**extractor(wave, sampling_rate=16000, return_tensors="pt")).logits
        expected[case] = {model.config.id2label[i]: p for i, p in enumerate(logits.softmax(-1)[0].tolist())}
    folders = json.dumps({case: str(tmp_path / case) for case in configs})
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "HF_MODULES_CACHE": str(tmp_path / "modules"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, folders], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "newly initialized" not in done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for case in configs:
        assert found[case] == pytest.approx(expected[case], abs=1e-5)
