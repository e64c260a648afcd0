"""What becomes of recordings between a mouth and a model: codecs, telephones, noise, rooms, levels, cuts.

Mono float32 samples ``(n,)`` in and out, at the same rate; within -1 and 1 where a file or recorder holds them there.
Codecs are those of libsndfile itself (LAME's MP3, Opus, G.711), so that what is heard is what people send.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import soundfile
import soxr

from .level import add_noise_snr, gain
from .room import add_room

Condition: TypeAlias = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Samples, their rate in Hz, and where chance comes from -> samples at the same rate."""

_TELEPHONE_HZ, _CODEC_HZ = 8_000, 16_000
_BAND_HZ = (300.0, 3_400.0)
_RT60_S = 0.6
_MP3_64K: dict[str, Any] = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.63}
_OPUS_16K: dict[str, Any] = {"format": "OGG", "subtype": "OPUS", "compression_level": 0.96}
"""libsndfile's levels lie between the most and the least a codec takes: 160 to 8 and 256 to 6 kbit/s at 16 kHz."""


def mp3(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    """MP3 of 64 kbit/s, constant, at 16 kHz."""
    return _coded(samples, rate, _CODEC_HZ, bitrate_mode="CONSTANT", **_MP3_64K)


def opus(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    """Opus of about 16 kbit/s at 16 kHz, as messengers send speech."""
    return _coded(samples, rate, _CODEC_HZ, **_OPUS_16K)


def telephone(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    """The band of 300 to 3,400 Hz at 8 kHz, in the eight bits of G.711 (mu-law)."""
    size = len(samples)
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spectrum[(hertz < _BAND_HZ[0]) | (hertz > _BAND_HZ[1])] = 0
    return _coded(np.fft.irfft(spectrum, size), rate, _TELEPHONE_HZ, format="WAV", subtype="ULAW")


def reverberation(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A room whose sound falls by 60 dB in 0.6 s: decaying noise after a direct path 6 dB over it (Polack 1988)."""
    time = np.arange(int(_RT60_S * rate)) / rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / _RT60_S)
    tail[0] = 0
    impulse = tail * 10 ** (-6 / 20) / np.sqrt(np.sum(tail**2))
    impulse[0] = 1
    return add_room(samples, impulse.astype(np.float32))


def _noise(decibels: float) -> Condition:
    return lambda samples, _, rng: add_noise_snr(samples, decibels, rng)


def _gain(decibels: float) -> Condition:
    return lambda samples, _, rng: np.clip(gain(samples, decibels), -1, 1)


def _middle(seconds: float) -> Condition:
    def cut(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        size = max(1, round(seconds * rate))
        start = max(0, (len(samples) - size) // 2)
        return samples[start : start + size]

    return cut


CONDITIONS: dict[str, tuple[str, Condition]] = {
    "mp3_64k": ("MP3, 64 kbit/s", mp3),
    "opus_16k": ("Opus, 16 kbit/s", opus),
    "telephone": ("telephone, 8 kHz mu-law", telephone),
    "noise_20db": ("white noise, 20 dB under the clip", _noise(20)),
    "noise_10db": ("white noise, 10 dB under", _noise(10)),
    "noise_0db": ("white noise, as loud as the clip", _noise(0)),
    "gain_up": ("20 dB louder, clipped", _gain(20)),
    "gain_down": ("20 dB quieter", _gain(-20)),
    "reverberation": ("a room of 0.6 s", reverberation),
    "cut_1s": ("the middle second", _middle(1.0)),
    "cut_500ms": ("the middle half second", _middle(0.5)),
}
"""Name -> what it is in words, and what it does."""


def _coded(samples: np.ndarray, rate: int, codec_rate: int, **form: Any) -> np.ndarray:
    """Through a file of this form and back, as long as before."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(soxr.resample(samples, rate, codec_rate), -1, 1), codec_rate, **form)
    file.seek(0)
    heard, _ = soundfile.read(file, dtype="float32")
    back = soxr.resample(heard, codec_rate, rate)[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back))).astype(np.float32)
