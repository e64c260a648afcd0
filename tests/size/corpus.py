"""A corpus of one's own of any size: a table whose rows are short parts of long files, each with a sound of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import soundfile

RATE = 4_000
"""Hz; what fingerprints look at, and a third of the disk of 16 kHz."""
SECONDS = 0.5
"""Long enough for a fingerprint, which needs 0.4."""
SPEAKERS = 240
_CLIPS_A_FILE = 2_000
_SAMPLES = int(RATE * SECONDS)
_LABELS = ("neutral", "happy", "sad", "angry", "fearful")
_SHARES = (0.21, 0.205, 0.2, 0.195, 0.19)
_MOST_EXACT = 1_000


def make(folder: Path, clips: int, alike: bool = False) -> Path:
    """Writes the files and the table; what is there already is kept.

    Args:
        folder: for them.
        clips: rows of the table.
        alike: every tenth clip is a copy of one and the same with another gain and a little noise, every tenth one of
            the clip before it, and a tenth, up to 1,000, are identical to the sample.

    Returns:
        The table.
    """
    table = folder / "own.csv"
    if table.is_file():
        return table
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, first in enumerate(range(0, clips, _CLIPS_A_FILE)):
        count = min(_CLIPS_A_FILE, clips - first)
        sounds = _sounds(number, count)
        if alike:
            _make_alike(sounds, first, min(_MOST_EXACT, clips // 10), number)
        name = f"{number:04d}.flac"
        soundfile.write(folder / name, sounds.reshape(-1), RATE, subtype="PCM_16")
        labels = np.random.default_rng([number, 1]).choice(_LABELS, count, p=_SHARES)
        for i in range(count):
            same = alike and first + i < min(_MOST_EXACT, clips // 10)
            speaker = "same" if same else f"s{(first + i) % SPEAKERS:03d}"
            label = "happy" if same else str(labels[i])
            rows.append((name, label, speaker, f"{i * SECONDS:g}", f"{(i + 1) * SECONDS:g}", f"text {i % 50}"))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "speaker", "start", "end", "sentence"))
        writer.writerows(rows)
    (folder / "made.json").write_text(json.dumps({"clips": clips, "alike": alike}), encoding="ascii")
    return table


def _sounds(number: int, count: int) -> np.ndarray:
    """Noise and a tone of each clip's own pitch, float32 ``(clips, samples)``."""
    rng = np.random.default_rng([number, 0])
    noise = rng.standard_normal((count, _SAMPLES), dtype=np.float32) * np.float32(0.02)
    pitch = rng.uniform(200, 1800, (count, 1)).astype(np.float32)
    time = np.arange(_SAMPLES, dtype=np.float32) / RATE
    return noise + np.float32(0.01) * np.sin(2 * np.pi * pitch * time)


def _make_alike(sounds: np.ndarray, first: int, exact: int, number: int) -> None:
    one = _sounds(10**6, 2)
    rng = np.random.default_rng([number, 2])
    for i in range(len(sounds)):
        if first + i < exact:
            sounds[i] = np.rint(one[1] * 32_768) / 32_768
        elif i % 10 in (8, 9):
            original = one[0] if i % 10 == 9 else sounds[i - 1]
            gain, faint = rng.uniform(0.5, 1.0), rng.standard_normal(_SAMPLES, dtype=np.float32)
            sounds[i] = gain * (original + np.float32(0.0004) * faint)
