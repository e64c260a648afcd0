"""From recordings to cached features: `add_features`, its parts, and how it is usually written."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from ser_hf.audio import decode, load, resample
from ser_hf.features import FeatureRows, add_features
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES

from ._clips import RATE, SYNTHETIC, load_clips, some
from ._measure import Result, Settings, Subject, measure, timed

REFERENCE = "librosa: load, trim, mel"
_BATCH = 64


def bench_map(settings: Settings) -> Result:
    """Measures log-mel features of a corpus' recordings, from their bytes to the cache, and reading them back."""
    extractor = SerFeatureExtractor(duration=settings.seconds)
    with tempfile.TemporaryDirectory() as name:
        rows = some(load_clips(settings, str(Path(name, "cache"))).dataset, settings.clips).select_columns(
            ["audio", "label"]
        )
        files = [clip["bytes"] for clip in rows["audio"][:]]
        work = {
            REFERENCE: timed(_librosa(files, settings.seconds)),
            "soundfile and soxr": timed(lambda: _each(files, _plain)),
            "decode": timed(lambda: _each(files, decode)),
            "decode and resample": timed(lambda: _each(files, lambda data: resample(*decode(data), RATE))),
            "ser_hf, load": timed(lambda: _each(files, lambda data: load(data, RATE))),
            "ser_hf, the bare computation": timed(lambda: _bare(files, extractor)),
            "ser_hf, add_features": _cached(rows, name, lambda fresh: add_features(fresh, extractor)),
            "ser_hf, add_features, float16": _cached(
                rows, name, lambda fresh: add_features(fresh, extractor, dtype="float16")
            ),
            "ser_hf, add_features, 2 processes": _cached(
                rows, name, lambda fresh: add_features(fresh, extractor, num_proc=2)
            ),
            "datasets.map returning NumPy": _cached(rows, name, lambda fresh: _numpy_map(fresh, extractor)),
            "reading features back": timed(_reading(add_features(rows, extractor), len(files))),
        }
        subjects = [Subject(name, len(files), run) for name, run in work.items()]
        found = measure(subjects, REFERENCE, settings.repeats)
    title = f"map: {len(files)} clips of {settings.corpus or SYNTHETIC}, from their files' bytes to cached features"
    return Result("map", title, REFERENCE, found, [], settings)


def _each(files: list[bytes], work: Callable[[bytes], object]) -> None:
    """Does the work and lets its result go, as whoever makes features of it would."""
    for data in files:
        work(data)


def _plain(data: bytes) -> object:
    """The two libraries, with nothing checked."""
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0], rate, RATE)


def _librosa(files: list[bytes], seconds: float) -> Callable[[], object]:
    import librosa

    def run() -> None:
        for data in files:
            samples, rate = librosa.load(io.BytesIO(data), sr=RATE)
            samples, _ = librosa.effects.trim(samples, top_db=30)
            samples = librosa.util.fix_length(samples, size=round(seconds * RATE))
            mel = librosa.feature.melspectrogram(y=samples, sr=rate, n_fft=1024, hop_length=256, n_mels=128)
            librosa.power_to_db(mel, ref=np.max)

    return run


def _bare(files: list[bytes], extractor: SerFeatureExtractor) -> None:
    for start in range(0, len(files), _BATCH):
        extractor([load(data, RATE) for data in files[start : start + _BATCH]], sampling_rate=RATE)


def _cached(rows: Any, room: str, work: Callable[[Any], object]) -> Callable[[], float]:
    """Times ``work`` on a copy of the rows whose folder has no cached results yet."""

    def measured() -> float:
        with tempfile.TemporaryDirectory(dir=room) as folder:
            rows.save_to_disk(folder)
            fresh = type(rows).load_from_disk(folder)
            start = time.perf_counter()
            work(fresh)
            return time.perf_counter() - start

    return measured


def _numpy_map(rows: Any, extractor: SerFeatureExtractor) -> object:
    """The step as it is usually written."""

    def features(batch: dict[str, list[Any]]) -> dict[str, Any]:
        clips = [load(clip["bytes"], RATE) for clip in batch["audio"]]
        return {INPUT_FEATURES: extractor(clips, sampling_rate=RATE)[INPUT_FEATURES]}

    return rows.map(features, batched=True, batch_size=_BATCH)


def _reading(features: Any, count: int) -> Callable[[], object]:
    rows, order = FeatureRows(features, training=True), np.random.default_rng(0).permutation(count).tolist()

    def run() -> None:
        for start in range(0, count, _BATCH):
            batch = rows.__getitems__(order[start : start + _BATCH])
            np.stack([row[INPUT_FEATURES] for row in batch])

    return run
