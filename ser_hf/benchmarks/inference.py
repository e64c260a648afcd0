"""One clip after another through a classifier: how long an answer takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import pipeline

from ser_hf.inference import OnnxClassifier, SerClassifier
from ser_hf.inference.onnx_export import write_onnx
from ser_hf.models import SerFeatureExtractor

from ._clips import RATE
from ._measure import Result, Settings, Subject, measure, timed
from ._model import make_model

REFERENCE = "the model alone"


def bench_inference(settings: Settings) -> Result:
    """Measures the latency of a clip at 16 kHz in memory: `SerClassifier`, its ONNX file, a pipeline, the model alone.

    Clips are classified one by one, in float32, by a model with random weights.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    extractor = SerFeatureExtractor(duration=settings.seconds)
    model = make_model(settings, extractor)
    torch.nn.Module.to(model, device).train(False)
    noise = np.random.default_rng(0).standard_normal(round(settings.seconds * RATE), dtype=np.float32)
    clip = 0.1 * noise
    features = extractor(clip, sampling_rate=RATE, return_tensors="pt").to(device)
    classifier = SerClassifier(model, extractor)
    rival = pipeline("audio-classification", model=model, feature_extractor=extractor, device=device)

    @torch.inference_mode()
    def alone() -> None:
        for _ in range(settings.clips):
            model(**features).logits.cpu()

    with tempfile.TemporaryDirectory() as place:
        write_onnx(model.cpu(), extractor, Path(place, "model.onnx"))
        exported = OnnxClassifier(Path(place, "model.onnx"), settings.threads)
    torch.nn.Module.to(model, device)

    def ours() -> None:
        for _ in range(settings.clips):
            classifier(clip, RATE, speech=None)

    def by_onnx() -> None:
        for _ in range(settings.clips):
            exported(clip, RATE, speech=None)

    def piped() -> None:
        for _ in range(settings.clips):
            rival({"raw": clip, "sampling_rate": RATE})

    work = {REFERENCE: alone, "ser_hf, SerClassifier": ours, "ser_hf, ONNX": by_onnx, "transformers, pipeline": piped}
    subjects = [Subject(name, settings.clips, timed(run), device == "cuda") for name, run in work.items()]
    rows = measure(subjects, REFERENCE, settings.repeats)
    title = f"inference: clips of {settings.seconds:g} s one by one through {settings.model}, random weights"
    return Result("inference", title, REFERENCE, rows, [], settings)
