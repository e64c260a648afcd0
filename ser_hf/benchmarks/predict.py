"""From files to labels, batch by batch: this package, its ONNX file, and the pipeline of transformers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from transformers import pipeline

from ser_hf.base.errors import SerHfError
from ser_hf.base.optional import require
from ser_hf.inference import OnnxClassifier, SerClassifier
from ser_hf.inference.onnx_export import write_onnx
from ser_hf.models import SerFeatureExtractor

from ._agreement import agreement
from ._clips import RATE
from ._files import clip_files
from ._measure import Result, Settings, Subject, measure, timed
from ._model import make_model

REFERENCE = "transformers, pipeline"
_TOLERANCE = 1e-4
"""Of a probability."""


def bench_predict(settings: Settings) -> Result:
    """Measures files of whole clips to a probability for every class, by one model with random weights.

    The pipeline gets what soundfile decodes and soxr resamples, for by itself it reads files through FFmpeg; it is told
    the same batch size.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    extractor = SerFeatureExtractor(duration=settings.seconds)
    model = make_model(settings, extractor)
    model.train(False)
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as room:
        files = clip_files(settings, Path(room))
        work: dict[str, Callable[[], np.ndarray]] = {}
        try:
            for module in ("onnx", "onnxruntime"):
                require(module, "onnx")
        except SerHfError as error:
            notes.append(f"ser_hf, ONNX: not measured, {error}")
        else:
            write_onnx(model, extractor, Path(room, "model.onnx"))
            exported = OnnxClassifier(Path(room, "model.onnx"), settings.threads)
            work["ser_hf, ONNX"] = lambda: _told(exported.listen(files, batch_size=settings.batch_size, speech=None))
        torch.nn.Module.to(model, device)
        classifier = SerClassifier(model, extractor)
        rival: Any = pipeline("audio-classification", model=model, feature_extractor=extractor, device=device)

        def piped() -> np.ndarray:
            answers = rival(_decoded(files), batch_size=settings.batch_size, top_k=None)
            return np.array([[one["score"] for one in sorted(each, key=_label)] for each in answers])

        def ours() -> np.ndarray:
            return _told(classifier.listen(files, batch_size=settings.batch_size, speech=None))

        work = {REFERENCE: piped, "ser_hf, SerClassifier": ours, **work}
        notes.append(agreement({name: run() for name, run in work.items()}, REFERENCE, _TOLERANCE))
        subjects = [
            Subject(name, len(files), timed(run), device == "cuda" and "ONNX" not in name) for name, run in work.items()
        ]
        rows = measure(subjects, REFERENCE, settings.repeats)
    title = f"predict: {len(files)} files to labels by {settings.model}, batches of {settings.batch_size}"
    return Result("predict", title, REFERENCE, rows, notes, settings)


def _decoded(files: list[str]) -> Iterator[dict[str, Any]]:
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        yield {"raw": soxr.resample(samples.mean(axis=1), rate, RATE), "sampling_rate": RATE}


def _label(answer: dict[str, Any]) -> str:
    return str(answer["label"])


def _told(heard: Any) -> np.ndarray:
    """Probabilities ``(N, C)``, classes in the order of their names."""
    return np.array([[one.classes[name] for name in sorted(one.classes)] for one in heard])
