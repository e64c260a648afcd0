"""From a corpus folder to Parquet, against decoding its files once."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

import soundfile

from ser_hf.data import write_manifest, write_parquet
from ser_hf.protocols import SplitOptions, make_split

from ._clips import SYNTHETIC, load_clips
from ._measure import Result, Settings, Subject, measure, timed

REFERENCE = "soundfile, decoding alone"


def bench_build(settings: Settings) -> Result:
    """Measures the steps of `ser-hf build` on a whole corpus, with nothing in the cache.

    They are: reading names, decoding and checking every file, fingerprints and the audit of a random split, Parquet and
    manifest. Decoding alone reads the same bytes from memory.
    """
    with tempfile.TemporaryDirectory() as cache:
        audio = load_clips(settings, cache).dataset["audio"][:]
    files = [clip["bytes"] for clip in audio]
    work = {
        REFERENCE: lambda: _decode(files),
        "ser_hf, decoding and checking": lambda: _load(settings),
        "ser_hf, the whole build": lambda: _build(settings),
    }
    subjects = [Subject(name, len(files), timed(run)) for name, run in work.items()]
    rows = measure(subjects, REFERENCE, settings.repeats)
    title = f"build: the {len(files)} clips of {settings.corpus or SYNTHETIC} to a dataset"
    return Result("build", title, REFERENCE, rows, [], settings)


def _decode(files: list[bytes]) -> None:
    for data in files:
        soundfile.read(BytesIO(data), dtype="float32")


def _load(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as cache:
        load_clips(settings, cache)


def _build(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "made")
        folder.mkdir()
        loaded = load_clips(settings, str(Path(name, "cache")))
        parts = make_split(loaded.dataset, "random", SplitOptions()).datasets
        write_parquet(parts, folder)
        write_manifest(parts, folder / "manifest.parquet")
