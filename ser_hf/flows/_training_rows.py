"""The training split of a recipe as the rows that a network learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_hf.audio import load
from ser_hf.augment import WaveformChain
from ser_hf.features import FeatureRows, LiveFeatureRows, RecordingRows, WaveformRows
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import CLIP_ID
from ser_hf.training import Recipe

if TYPE_CHECKING:
    from ._described import Data

DECODED = 1 << 30
"""Bytes of decoded recordings held where rows are made of them in every epoch: about 4.6 hours at 16 kHz."""


def training_rows(recipe: Recipe, data: Data) -> FeatureRows | RecordingRows:
    """The training split, computed anew in every epoch where the recipe augments waveforms or a model takes them."""
    train, extractor = data.split.datasets["train"], data.extractor
    chain, votes = WaveformChain.parse(recipe.augment.waveform_augment, load), recipe.loss.soft_labels == "votes"
    options: dict[str, Any] = {"training": True, "seed": recipe.training.seed, "cache_bytes": DECODED, "votes": votes}
    options |= {"augment": chain or None, "targets": recipe.loss.targets}
    if not isinstance(extractor, SerFeatureExtractor):
        return WaveformRows(train, extractor, duration=recipe.features.duration, **options)
    if not chain:
        return FeatureRows(train, training=True, votes=votes, targets=recipe.loss.targets)
    recordings = data.corpora.dataset
    numbers = {clip: i for i, clip in enumerate(recordings[CLIP_ID][:])}
    chosen = recordings.select([numbers[clip] for clip in train[CLIP_ID][:]])
    return LiveFeatureRows(chosen, extractor, **options)
