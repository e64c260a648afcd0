"""Long recordings, for ``/v1/segments``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from .service import Service

FORMATS = {"json": "application/json", "vtt": "text/vtt"}
"""Format -> its content type."""


def hear_all(service: Service, file: Path, name: str, form: str) -> bytes:
    """A stopgap until `ser_hf.inference` hears long recordings."""
    model, rate = service.model, service.model.sampling_rate
    size = round(min(model.window, 4.0) * rate)
    segments = []
    for i, block in enumerate(soundfile.blocks(file, size, dtype="float32")):
        found = model.named(model.score([np.asarray(block)]).probabilities[0])
        label, share = next(iter(found.items()))
        start = i * size / rate
        segments.append({"start": start, "end": start + len(block) / rate, "label": label, "confidence": share})
    return json.dumps({"file": name, "segments": segments}).encode()
