"""The sound of videos, and of what telephones and browsers record, by PyAV, whose wheels bring FFmpeg's libraries.

Only the demuxer that a file's first bytes ask for is tried, only decoders of sound are allowed, and nothing else is
opened: what FFmpeg can do beyond that (playlists, network, a hundred video decoders) is not offered to a hostile file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.base.optional import require

from . import _containers, _mp4
from ._channels import mono
from ._kinds import Kind, needs_codec
from ._opened import Opened

_CODECS = (
    *("aac", "aac_latm", "ac3", "eac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha"),
    *("alac", "amrnb", "amrwb", "ape", "atrac3", "cook", "dca", "flac", "g722", "g726", "g726le", "gsm", "gsm_ms"),
    *("ilbc", "libopencore_amrnb", "libopencore_amrwb", "libopus", "libspeex", "libvorbis", "mace3", "mace6", "mp1"),
    *("mp1float", "mp2", "mp2float", "mp3", "mp3float", "nellymoser", "opus", "qcelp", "qdm2", "ra_144", "ra_288"),
    *("sipr", "speex", "truespeech", "vorbis", "wavpack", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
)
_PCM = "pcm_"
_OPTIONS = {"codec_whitelist": ",".join(_CODECS), "protocol_whitelist": "none"}
_HEADLESS = ("aac", "amr", "mpeg", "mpegts")
"""Their length is FFmpeg's guess."""
_BUFFER = 1 << 17
"""Bytes read at once."""
_PLANES = 8
"""Channels; FFmpeg keeps those of a planar frame elsewhere where there are more."""
_TYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "s64": np.int64, "flt": np.float32, "dbl": np.float64}
"""By FFmpeg's names of sample formats, without the p of the planar ones."""


class Sound:
    """The first audio stream of an open file.

    Attributes:
        rate: Hz.
        channels: of its first frame.
        seconds: its length as the header tells it; None where it does not.
    """

    def __init__(self, container: Any, kind: Kind, called: str, cut: str | None) -> None:
        """Decodes the first frame, since some codecs tell only there how they are sampled.

        Args:
            container: PyAV's, open.
            kind: of the file.
            called: what errors call it.
            cut: what is missing at its end, in words.

        Raises:
            AudioError: see `blocks`; or there is no sound.
        """
        self._container, self._kind, self._called, self._cut = container, kind, called, cut
        self._stream = self._found()
        self.seconds = self._length()
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None or not self._first.sample_rate:
            raise _damage(kind, called, cut, "it holds no samples")
        self.rate = int(self._first.sample_rate)
        self.channels = int(self._first.layout.nb_channels)

    def blocks(self) -> Iterator[np.ndarray]:
        """One frame after the other as float32 ``(n,)``, the mean of its channels.

        What the container marks as the encoder's delay is left out, and so is what fills up an MP4's last frame.

        Raises:
            AudioError: the file is damaged or truncated, or changes its sampling rate; what came before is given.
        """
        ends = self.seconds if self._kind.demuxer == "mov" else None
        held, count, frame = None, 0, self._first
        while frame is not None:
            if frame.sample_rate != self.rate:
                after = f"{count / self.rate:.1f} s"
                raise AudioError(
                    f"{self._called} goes from {self.rate} to {frame.sample_rate} Hz after {after}; cut it there"
                )
            if held is not None:
                yield held
            held = self._mono(frame)
            count += len(held)
            frame = next(self._frames, None)
        if held is not None:
            excess = 0 if ends is None else count - round(ends * self.rate)
            yield held[:-excess] if 0 < excess < len(held) else held
        if self._cut:
            raise _damage(self._kind, self._called, self._cut)

    def _found(self) -> Any:
        if not self._container.streams.audio:
            reason = "without sound; give a file that has some, or leave it out"
        else:
            stream = self._container.streams.audio[0]
            codec = str(stream.codec_context.name) if stream.codec_context else "what FFmpeg does not know"
            if codec in _CODECS or codec.startswith(_PCM):
                return stream
            reason = f"whose sound is coded as {codec}; convert it to WAV"
        if self._cut:
            raise _damage(self._kind, self._called, self._cut)
        raise AudioError(f"{self._called} is {self._kind.words} {reason}")

    def _length(self) -> float | None:
        stream, whole = self._stream, self._container.duration
        if self._kind.demuxer in _HEADLESS:
            return None
        seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
        seconds = whole / 1e6 if seconds is None and whole else seconds
        return seconds if seconds and seconds > 0 else None

    def _decoded(self) -> Iterator[Any]:
        with _told(self._kind, self._called, self._cut):
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise _damage(self._kind, self._called, self._cut or "a packet of its sound is cut")
                yield from (frame for frame in packet.decode() if frame.samples)

    def _mono(self, frame: Any) -> np.ndarray:
        name, channels, planar = str(frame.format.name), int(frame.layout.nb_channels), bool(frame.format.is_planar)
        kind = _TYPES.get(name.removesuffix("p"))
        if kind is None or channels < 1 or (planar and channels > _PLANES):
            raise AudioError(f"{self._called} holds {channels} channels of {name}; expected at most 8; mix them")
        if channels == 1:
            samples = np.frombuffer(frame.planes[0], kind, frame.samples)
        elif planar:  # planes beyond the channels' would not be memory of the frame
            planes = frame.planes[:channels]
            samples = np.stack([np.frombuffer(plane, kind, frame.samples) for plane in planes], axis=1)
        else:
            samples = np.frombuffer(frame.planes[0], kind, frame.samples * channels).reshape(-1, channels)
        if samples.dtype.kind == "f":
            return mono(samples)
        middle = np.float32(128 if kind is np.uint8 else 0)
        return mono((samples.astype(np.float32) - middle) * np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize)))


@contextmanager
def sound(file: Opened, kind: Kind, called: str) -> Iterator[Sound]:
    """Opens the sound of a file that `foreign` knows.

    Raises:
        AudioError: PyAV is not installed, or see `Sound`.
    """
    library = codec(kind, called)
    mp4 = kind.demuxer == "mov"
    cut = _mp4.missing(file) if mp4 else _containers.missing(file)
    reason = _mp4.overclaims(file) if mp4 else None
    if reason:
        raise AudioError(f"{called} {reason}")
    lenient = {"metadata_errors": "replace"} if int(library.__version__.partition(".")[0]) < 19 else {}  # else it is so
    with _told(kind, called, cut):
        container = library.open(file, format=kind.demuxer, container_options=_OPTIONS, buffer_size=_BUFFER, **lenient)
    with container:
        yield Sound(container, kind, called, cut)


def load_codecs() -> bool:
    """Loads PyAV where it is installed, and says whether it is."""
    try:
        require("av", "codec")
    except SerHfError:
        return False
    return True


def codec(kind: Kind, called: str) -> ModuleType:
    """PyAV; an error that says what the file is where it is not installed."""
    try:
        return require("av", "codec")
    except SerHfError as error:
        raise AudioError(f"{called} {needs_codec(kind, called)}") from error


@contextmanager
def _told(kind: Kind, called: str, cut: str | None) -> Iterator[None]:
    """Makes one line of what FFmpeg says; PyAV's errors are also Python's own, as of a stream that comes in late."""
    try:
        yield
    except AudioError:
        raise
    except (require("av", "codec").FFmpegError, OSError, ValueError, OverflowError, LookupError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise _damage(kind, called, cut, f"FFmpeg says: {said}") from error


def _damage(kind: Kind, called: str, cut: str | None, said: str = "") -> AudioError:
    if cut:
        return AudioError(f"{called} is truncated: {cut}; fetch or copy it again")
    return AudioError(f"{called} is {kind.words} that is damaged or truncated ({said}); fetch or copy it again")
