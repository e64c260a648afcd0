"""Files as telephones, browsers and cameras make them, encoded by PyAV."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np


class Form(NamedTuple):
    """How a kind of file is made: FFmpeg's muxer and encoder, the rates it takes, and the samples of one frame."""

    muxer: str
    encoder: str
    rates: tuple[int, ...]
    frame: int
    film: bool = False
    options: dict[str, str] = {}  # noqa: RUF012 - never changed


ALL = (48_000, 44_100, 22_050, 8_000)
FORMS = {
    "m4a": Form("ipod", "aac", ALL, 0),
    "mp4": Form("mp4", "aac", ALL, 0, film=True),
    "fragments.mp4": Form("mp4", "aac", (48_000,), 1024, options={"movflags": "empty_moov", "frag_duration": "200000"}),
    "3gp": Form("3gp", "aac", (22_050, 8_000), 0),
    "mov": Form("mov", "pcm_s24le", ALL, 0),
    "alac.m4a": Form("ipod", "alac", ALL, 0),
    "ima.mov": Form("mov", "adpcm_ima_qt", (44_100, 8_000), 64),
    "webm": Form("webm", "libopus", (48_000, 8_000), 0),
    "live.webm": Form("webm", "libopus", (48_000,), 0, options={"live": "1"}),
    "mkv": Form("matroska", "aac", ALL, 2048, film=True),
    "vorbis.mkv": Form("matroska", "vorbis", (48_000, 44_100), 2048),
    "wma": Form("asf", "wmav2", (44_100, 22_050, 8_000), 2048),
    "avi": Form("avi", "libmp3lame", (48_000, 44_100, 22_050, 8_000), 2304, film=True),
    "flv": Form("flv", "aac", (44_100, 22_050), 2048),
    "aac": Form("adts", "aac", ALL, 2048),
    "ts": Form("mpegts", "aac", (48_000,), 2048),
    "caf": Form("caf", "alac", (44_100,), 0),
    "g726.wav": Form("wav", "g726", (8_000,), 0),
    "wv": Form("wv", "wavpack", (44_100,), 0),
}


def encode(
    kind: str, samples: np.ndarray, rate: int, layout: str = "mono", tags: dict[str, str] | None = None
) -> bytes:
    """Float samples ``(n,)`` or ``(channels, n)`` as a kind of file; ImportError where PyAV is not installed."""
    import av

    form, out = FORMS[kind], io.BytesIO()
    samples = np.atleast_2d(samples)
    if form.encoder == "vorbis":  # FFmpeg's own takes two channels
        samples, layout = np.repeat(samples, 2, axis=0), "stereo"
    packed = (samples * 32_767).round().astype(np.int16).T.reshape(1, -1)
    with av.open(out, "w", format=form.muxer, container_options=form.options) as file:
        file.metadata.update(tags or {})
        video = _film(file, av) if form.film else None
        sound = file.add_stream(form.encoder, rate=rate, layout=layout)
        sound.codec_context.options = {"strict": "experimental"} if form.encoder == "vorbis" else {}
        if form.encoder not in ("alac", "wavpack"):
            sound.bit_rate = 32_000 if rate < 30_000 else 128_000
        if video is not None:
            for number in range(4):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 60 * number, np.uint8), format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 10)
                file.mux(video.encode(picture))
        _put(av, file, sound, packed, rate, layout)
        if video is not None:
            file.mux(video.encode(None))
        file.mux(sound.encode(None))
    return out.getvalue()


def _film(file: Any, av: Any) -> Any:
    video = file.add_stream("mpeg4", rate=10)
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    return video


def _put(av: Any, file: Any, sound: Any, packed: np.ndarray, rate: int, layout: str) -> None:
    fitted = av.AudioResampler(format=sound.codec_context.format, layout=layout, rate=rate)
    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    fifo = av.AudioFifo()
    for one in (*fitted.resample(frame), *fitted.resample(None)):
        fifo.write(one)
    size = sound.codec_context.frame_size or 1024
    while (part := fifo.read(size, partial=True)) is not None:
        file.mux(sound.encode(part))
