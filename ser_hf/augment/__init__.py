"""Augmentation: tensors in, tensors out, randomness from the generator given."""

from .mixup import mixup
from .spectrogram import mask, shift, stretch

__all__ = ["mask", "mixup", "shift", "stretch"]
