"""Augmentation: samples or tensors in, the same out, randomness from the generator given."""

from .chain import WaveformChain, clip_generator
from .cutmix import cutmix
from .image import brighten, erase, resize, rotate, spectrogram_noise, zoom
from .level import add_background, add_noise_snr, gain, set_loudness
from .mixup import mixup
from .room import add_room
from .spectrogram import mask, shift, stretch
from .vocal_tract import warp_frequencies, warp_vocal_tract
from .waveform import add_noise, pitch_shift, shift_waveform, speed, tempo_and_pitch, time_stretch

__all__ = [
    "WaveformChain",
    "add_background",
    "add_noise",
    "add_noise_snr",
    "add_room",
    "brighten",
    "clip_generator",
    "cutmix",
    "erase",
    "gain",
    "mask",
    "mixup",
    "pitch_shift",
    "resize",
    "rotate",
    "set_loudness",
    "shift",
    "shift_waveform",
    "spectrogram_noise",
    "speed",
    "stretch",
    "tempo_and_pitch",
    "time_stretch",
    "warp_frequencies",
    "warp_vocal_tract",
    "zoom",
]
