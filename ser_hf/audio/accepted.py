"""Whatever people hold a recording as: one or many of them, as mono samples at the rate a model wants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import AudioError

from .decode import LONGEST, check_form
from .load import load
from .resample import resample

EXPECTED = (
    "a path, the bytes of an audio file, an open file, samples (n,), (n, 2) or (2, n), a tensor, a dictionary with "
    "'array' and 'sampling_rate', a row of a dataset, or many of these"
)
_AUDIO = ("audio", "file", "path")
"""Columns of a dataset in which a recording is looked for."""
_LOUDEST = 8.0
"""Floating-point samples lie in [-1, 1]; some converters overshoot, none by this much."""


def is_one(given: Any) -> bool:
    """Whether this is one recording and not many.

    A list of numbers is one, and so is the pair of samples and rate that librosa and torchaudio give; an array of
    strings, a list of anything else, a column of a dataset and a generator are many.
    """
    if isinstance(given, str | Path | bytes | bytearray | memoryview | Mapping) or hasattr(given, "read"):
        return True
    if hasattr(given, "get_all_samples"):
        return True
    if isinstance(given, np.ndarray) or _is_tensor(given) or hasattr(given, "to_numpy"):
        return bool(_array(given).dtype != object and _array(given).dtype.kind not in "US")
    if isinstance(given, list | tuple) and given:
        return isinstance(given[0], Real) or _is_pair(given)
    return not isinstance(given, Iterable)


def recordings(
    given: Iterable[Any], rate: int, sampling_rate: int | None = None, max_duration: float = LONGEST
) -> Iterator[tuple[str, np.ndarray]]:
    """Gives name and mono float32 samples ``(n,)`` at ``rate`` Hz of many recordings, one after the other as asked for.

    Args:
        given: recordings; see `recording`.
        rate: Hz wanted.
        sampling_rate: Hz of those that are bare samples.
        max_duration: seconds; a longer one is refused.

    Raises:
        AudioError: see `recording`.
    """
    for number, one in enumerate(given):
        yield recording(one, rate, sampling_rate, max_duration, f"clip {number}")


def recording(
    given: Any, rate: int, sampling_rate: int | None = None, max_duration: float = LONGEST, called: str = "the clip"
) -> tuple[str, np.ndarray]:
    """Gives name and mono float32 samples ``(n,)`` at ``rate`` Hz of one recording.

    Channels are averaged. Floating-point samples are taken as lying in [-1, 1]; int16 is divided by 2^15, int32 by
    2^31, and of uint8, as in a WAV file, 128 is taken before it is divided by 128. soxr converts other rates.

    Args:
        given: a path; bytes of an audio file; a file opened for reading bytes; samples ``(n,)``, ``(n, 2)`` or
            ``(2, n)`` as array, tensor or list of floats, or such with their rate as a pair; a dictionary with
            ``array`` (or ``raw``) and ``sampling_rate``, or with ``bytes`` or ``path``; a row of a dataset with a
            column ``audio``.
        rate: Hz wanted.
        sampling_rate: Hz of bare samples.
        max_duration: seconds; a longer recording is refused.
        called: how errors name what has no name of its own.

    Raises:
        AudioError: this is no recording, a file is not readable, or samples are at an unknown rate, empty, not finite
            or of another shape; the message says what was expected.
    """
    if isinstance(given, str | Path):
        return str(given), load(given, rate, max_duration=max_duration)
    if isinstance(given, bytes | bytearray | memoryview):
        return called, load(bytes(given), rate, called, max_duration)
    if hasattr(given, "get_all_samples"):  # what datasets gives for audio, where torchcodec is installed
        sound = given.get_all_samples()
        return called, _samples(sound.data, sound.sample_rate, rate, called, max_duration)
    if isinstance(given, Mapping):
        return _of_mapping(given, rate, sampling_rate, max_duration, called)
    if hasattr(given, "read"):
        return _of_file(given, rate, called, max_duration)
    if _is_pair(given):
        return called, _samples(given[0], given[1], rate, called, max_duration)
    if isinstance(given, np.ndarray | list | tuple) or _is_tensor(given) or hasattr(given, "to_numpy"):
        return called, _samples(given, sampling_rate, rate, called, max_duration)
    raise AudioError(f"{called} is a {type(given).__name__}; expected {EXPECTED}")


def _of_mapping(
    given: Mapping[Any, Any], rate: int, sampling_rate: int | None, max_duration: float, called: str
) -> tuple[str, np.ndarray]:
    for key in ("array", "raw"):
        if given.get(key) is not None:
            own = given.get("sampling_rate", sampling_rate)
            return str(given.get("path") or called), _samples(given[key], own, rate, called, max_duration)
    if isinstance(given.get("bytes"), bytes | bytearray | memoryview):
        name = str(given.get("path") or called)
        return name, load(bytes(given["bytes"]), rate, name, max_duration)
    for key in _AUDIO:
        if given.get(key) is not None:
            return recording(given[key], rate, sampling_rate, max_duration, called)
    raise AudioError(f"{called} is a dictionary with {', '.join(map(repr, given)) or 'nothing'}; expected {EXPECTED}")


def _of_file(given: Any, rate: int, called: str, max_duration: float) -> tuple[str, np.ndarray]:
    name = getattr(given, "name", None)
    name = name if isinstance(name, str) else called
    try:
        data = given.read()
    except (OSError, ValueError) as error:
        raise AudioError(f"{name} cannot be read: {error}") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise AudioError(f"{name} was opened as text; open it by open(path, 'rb')")
    return name, load(bytes(data), rate, name, max_duration)


def _samples(given: Any, own: Any, rate: int, called: str, max_duration: float) -> np.ndarray:
    try:
        array = _array(given)
    except (TypeError, ValueError) as error:
        raise AudioError(f"{called} holds no samples: {error}") from error
    mono = _mono(array, called)
    if not len(mono):
        raise AudioError(f"{called} holds no samples")
    if own is None:
        raise AudioError(f"{called} is given as samples, which need their sampling_rate; this model works at {rate} Hz")
    own = _whole(own, called)
    check_form(called, len(mono), own, max_duration)
    if not np.isfinite(mono).all():
        raise AudioError(f"{called} holds {np.count_nonzero(~np.isfinite(mono))} samples that are NaN or infinite")
    peak = float(np.abs(mono).max())
    if peak > _LOUDEST:
        raise AudioError(
            f"{called} reaches {peak:g}, and floating-point samples lie in [-1, 1]; pass integers as integers, or "
            "divide them by their full scale (32768 for int16)"
        )
    converted = resample(mono, own, rate)
    if not len(converted):
        raise AudioError(f"{called} holds {len(mono)} samples at {own} Hz: none is left at {rate} Hz")
    return converted


def _whole(rate: Any, called: str) -> int:
    """A sampling rate, which numpy and people also give as floating-point numbers."""
    if isinstance(rate, int | float | np.number) and rate > 0 and rate == int(rate):
        return int(rate)
    raise AudioError(f"the sampling_rate of {called} is {rate!r}; expected a positive whole number of Hz")


def _mono(array: np.ndarray, called: str) -> np.ndarray:
    """One channel in float32."""
    kind = array.dtype
    if kind in (np.int16, np.int32):
        samples = array.astype(np.float32) / np.float32(2.0 ** (8 * kind.itemsize - 1))
    elif kind == np.uint8:
        samples = (array.astype(np.float32) - 128) / 128
    elif kind.kind == "f":
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused
            samples = array.astype(np.float32, copy=False)
    else:
        raise AudioError(f"{called} holds {kind} and no samples; expected floats in [-1, 1], int16, int32 or uint8")
    if samples.ndim == 2 and 1 in samples.shape:
        return samples.reshape(-1)
    if samples.ndim == 2 and 2 in samples.shape:
        mean: np.ndarray = samples.mean(axis=1 if samples.shape[1] == 2 else 0, dtype=np.float32)
        return mean
    if samples.ndim != 1:
        shape = tuple(array.shape)
        raise AudioError(
            f"{called} has the shape {shape}; expected one clip (n,), (n, 2) or (2, n); pass several as a list"
        )
    return samples


def _array(given: Any) -> np.ndarray:
    if _is_tensor(given):
        given = given.detach().cpu()
        given = given.float() if str(given.dtype) == "torch.bfloat16" else given
    elif hasattr(given, "to_numpy"):
        given = given.to_numpy()
    return np.asarray(given)


def _is_tensor(given: Any) -> bool:
    return hasattr(given, "detach") and hasattr(given, "cpu")


def _is_pair(given: Any) -> bool:
    """Samples and their rate."""
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Real)):
        return False
    return isinstance(given[0], np.ndarray | list) or _is_tensor(given[0])
