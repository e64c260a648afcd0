"""A long recording in windows: `segment`, and the loops one would write by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch

from ser_hf.inference import SerClassifier, segment
from ser_hf.models import SerFeatureExtractor, SpectrogramClassifier

from ._agreement import agreement
from ._clips import RATE
from ._files import fading
from ._measure import Result, Settings, Subject, measure, timed
from ._model import make_model

REFERENCE = "a loop, window by window"
_TOLERANCE = 1e-4
"""Of a probability."""
_NO_RIVAL = "transformers, pipeline: not measured, its audio-classification hears no windows (no chunk_length_s)"


def bench_windows(settings: Settings) -> Result:
    """Measures ``clips`` windows of ``seconds``, half over each other, of one file, by a model with random weights.

    The loops hold the whole file and give each window to extractor and model; ours reads the file in blocks, and makes
    segments of what it hears, neither of which a loop does. Nobody looks for speech.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    extractor = SerFeatureExtractor(duration=settings.seconds)
    model = make_model(settings, extractor)
    torch.nn.Module.to(model, device).train(False)
    classifier = SerClassifier(model, extractor)
    size = round(settings.seconds * RATE)
    hop = size // 2
    length = size + hop * (settings.clips - 1)
    with tempfile.TemporaryDirectory() as room:
        file = str(Path(room, "long.wav"))
        rng = np.random.default_rng(0)
        sound = np.concatenate([fading(rng, hop) for _ in range(-(-length // hop))])[:length]
        soundfile.write(file, sound, RATE, subtype="PCM_16")
        step = hop / RATE

        def ours() -> np.ndarray:
            heard = segment(classifier, file, window=settings.seconds, hop=step, speech=None, smoothing=1, shortest=0)
            return heard.probabilities

        loop = partial(_loop, file, size, hop, model, extractor)
        work: dict[str, Callable[[], np.ndarray]] = {
            REFERENCE: partial(loop, 1),
            f"a loop, batches of {settings.batch_size}": partial(loop, settings.batch_size),
            "ser_hf, segment": ours,
        }
        notes = [_NO_RIVAL, agreement({name: run() for name, run in work.items()}, REFERENCE, _TOLERANCE)]
        subjects = [Subject(name, settings.clips, timed(run), device == "cuda") for name, run in work.items()]
        rows = measure(subjects, REFERENCE, settings.repeats)
    title = f"windows: {length / RATE:,.0f} s in {settings.clips} windows of {settings.seconds:g} s by {settings.model}"
    return Result("windows", title, REFERENCE, rows, notes, settings)


@torch.inference_mode()
def _loop(
    file: str, size: int, hop: int, model: SpectrogramClassifier, extractor: SerFeatureExtractor, together: int
) -> np.ndarray:
    samples, _ = soundfile.read(file, dtype="float32")
    windows = [samples[start : start + size] for start in range(0, len(samples) - size + 1, hop)]
    found = []
    for start in range(0, len(windows), together):
        inputs = extractor(windows[start : start + together], sampling_rate=RATE, return_tensors="pt").to(model.device)
        found.append(model(**inputs).logits.softmax(-1).cpu().numpy())
    return np.concatenate(found)
