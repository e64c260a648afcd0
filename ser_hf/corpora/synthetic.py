"""Synthetic voices: made by ser_hf itself, written under true RAVDESS, SAVEE and TESS names.

The embedded default, so that everything runs without a download. No person speaks here: a score on it shows that the
machinery works and says nothing about people. Layout: ``ROOT/ravdess/...``, ``ROOT/savee/...``, ``ROOT/tess/...``,
each as in the official release, read by the parser of that corpus.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ser_hf.records import Clip

from . import ravdess, savee, tess
from ._corpus import Corpus, register

_PARSERS = {"ravdess": ravdess.parse, "savee": savee.parse, "tess": tess.parse}


def parse(path: Path) -> Clip | None:
    """Reads a clip with the parser of the corpus whose folder it lies in."""
    folder = next((part for part in reversed(path.parts[:-1]) if part in _PARSERS), None)
    clip = _PARSERS[folder](path) if folder else None
    if clip is None:
        return None
    return replace(clip, corpus="synthetic", speaker=f"synthetic_{clip.speaker}", clip_id=f"synthetic/{clip.clip_id}")


SYNTHETIC = register(
    Corpus(
        name="synthetic",
        title="Synthetic voices of ser_hf",
        homepage="",
        citation="ser_hf's voice synthesiser; no recordings of people",
        licence="Apache-2.0",
        licence_url="https://www.apache.org/licenses/LICENSE-2.0",
        redistributable=True,
        language="en",
        sampling_rate=16_000,
        emotions={**ravdess.RAVDESS.emotions, **savee.SAVEE.emotions, **tess.TESS.emotions},
        names="ravdess/Actor_01/03-01-05-02-01-01-01.wav",
        how_to_get="It is made on the spot where no folder is given.",
        parse=parse,
        synthetic=True,
    )
)
