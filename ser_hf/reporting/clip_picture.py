"""A clip at a glance: waveform over spectrogram, large enough to be read on a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_hf.base.atomic import replacing

from ._canvas import BLUE, DPI, GREY, INK, ORANGE, labels, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = 5.6, 3.3
"""Inches."""
_POINTS = 1200
_RANGE = 70.0
"""dB under the loudest point that are told apart."""
_WINDOW = 0.032
"""Seconds of a spectrum: harmonics of voices are seen, and syllables too."""
_FRAMES = 900


def write_clip(samples: np.ndarray, rate: int, file: str | Path, heard: tuple[float, float] | None = None) -> None:
    """Writes the picture as PNG.

    Args:
        samples: mono float32 ``(n,)``.
        rate: Hz.
        file: where to.
        heard: start and end, in seconds, of what the model heard, where it is not all.
    """
    with replacing(file) as temporary:
        draw_clip(samples, rate, heard).savefig(temporary, dpi=DPI, format="png")


def draw_clip(samples: np.ndarray, rate: int, heard: tuple[float, float] | None = None) -> Figure:
    """Waveform over the spectrogram in dB, on one time axis; see `write_clip`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    waveform, spectrogram = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.2))
    _draw_waveform(waveform, samples, rate)
    _draw_spectrogram(spectrogram, samples, rate)
    if heard is not None:
        for axes in (waveform, spectrogram):
            for edge in heard:
                axes.axvline(edge, color=ORANGE, linewidth=1.4, linestyle="--")
    spectrogram.set_xlim(0, len(samples) / rate)
    return figure


def _draw_waveform(axes: Axes, samples: np.ndarray, rate: int) -> None:
    parts = np.array_split(samples, min(_POINTS, len(samples)))
    low, high = (np.array([pick(part) for part in parts]) for pick in (np.min, np.max))
    times = (np.arange(len(parts)) + 0.5) * len(samples) / rate / len(parts)
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.6)
    most = max(float(np.abs(samples).max()), 1e-4)
    axes.set_ylim(-1.08 * most, 1.08 * most)
    style(axes, grid="x")
    axes.set_yticks([])
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_ylabel("waveform", fontsize=9, color=GREY)


def _draw_spectrogram(axes: Axes, samples: np.ndarray, rate: int) -> None:
    size = round(_WINDOW * rate)
    hop = max(size // 4, len(samples) // _FRAMES)
    padded = np.pad(samples, size // 2)
    padded = np.pad(padded, (0, max(0, size - len(padded))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1))).T
    level = 10 * np.log10(power + 1e-10)
    top = float(level.max())
    axes.imshow(
        level,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=top - _RANGE,
        vmax=top,
        extent=(0, len(samples) / rate, 0, rate / 2000),
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    labels(axes, "time (s)", "frequency (kHz)")
