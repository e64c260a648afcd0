"""Log-mel spectrograms of clips in memory: this package, librosa, torchaudio, and extractors of transformers."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from ser_hf.models import SerFeatureExtractor
from ser_hf.models.log_mel import LogMelSettings, log_mel

from ._clips import RATE, waveforms
from ._measure import Result, Row, Settings, Subject, measure, timed

_FFT, _HOP, _MELS = 1024, 256, 128
_BATCH = 64
REFERENCE = "librosa, clip by clip"
_TRANSFER, _PINNED = "GPU, transfer alone", "GPU, ser_hf from pinned memory"

Work = Callable[[], object]


def bench_features(settings: Settings) -> Result:
    """Measures log-mel spectrograms (n_fft 1024, hop 256, 128 mels, dB) of clips at 16 kHz.

    The extractors of transformers do what their models need: other windows and mels; Whisper's is told the clips'
    length instead of its 30 s, AST's the clips' frames instead of 1,024. Ours is measured as the transform alone, as
    torchaudio's is, and as the extractor, which also checks every clip, pads it and gives NumPy.
    """
    with tempfile.TemporaryDirectory() as cache:
        clips = waveforms(settings, cache)
    notes: list[str] = []
    work = {REFERENCE: _librosa(clips), **_torchaudio(clips), **_ours(settings, clips)}
    for name, make in {"AST extractor": _ast, "Whisper extractor": _whisper}.items():
        try:
            work[name] = make(settings, clips)
        except (ImportError, OSError, ValueError) as error:  # the class needs a library or a file that is not here
            notes.append(f"{name}: not measured, {' '.join(str(error).split())}")
    subjects = [Subject(name, len(clips), timed(run)) for name, run in work.items()]
    if torch.cuda.is_available():
        subjects += [Subject(name, len(clips), timed(run), True) for name, run in _gpu(settings, clips).items()]
    else:
        notes.append("GPU: not measured, there is none")
    rows = measure(subjects, REFERENCE, settings.repeats)
    notes += _share(rows)
    title = f"features: {len(clips)} clips of {settings.seconds:g} s at 16 kHz to log-mel spectrograms"
    return Result("features", title, REFERENCE, rows, notes, settings)


def _librosa(clips: list[np.ndarray]) -> Work:
    import librosa

    def run() -> None:
        for clip in clips:
            mel = librosa.feature.melspectrogram(y=clip, sr=RATE, n_fft=_FFT, hop_length=_HOP, n_mels=_MELS)
            librosa.power_to_db(mel, ref=np.max)

    return run


def _torchaudio(clips: list[np.ndarray]) -> dict[str, Work]:
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(RATE, _FFT, hop_length=_HOP, n_mels=_MELS, norm="slaney", mel_scale="slaney")
    decibels = AmplitudeToDB(top_db=80.0)

    def run(size: int) -> None:
        for start in range(0, len(clips), size):
            decibels(mel(torch.from_numpy(np.stack(clips[start : start + size]))[:, None]))

    return {f"torchaudio, {name}": partial(run, size) for name, size in _sizes(len(clips)).items()}


def _sizes(count: int) -> dict[str, int]:
    return {"clip by clip": 1, "batches of 8": 8, f"batches of {_BATCH}": _BATCH} if count > 1 else {"clip by clip": 1}


def _ours(settings: Settings, clips: list[np.ndarray]) -> dict[str, Work]:
    plain = SerFeatureExtractor(duration=settings.seconds, trim_db=None, peak_normalise=False, normalisation="none")
    full = SerFeatureExtractor(duration=settings.seconds)

    def run(extractor: SerFeatureExtractor, size: int) -> None:
        for start in range(0, len(clips), size):
            extractor(clips[start : start + size], sampling_rate=RATE)

    transform = LogMelSettings(RATE, _FFT, _HOP, _MELS)

    def run_transform() -> None:
        for start in range(0, len(clips), _BATCH):
            log_mel(torch.from_numpy(np.stack(clips[start : start + _BATCH])), transform)

    return {
        "ser_hf, the transform": run_transform,
        "ser_hf, extractor": lambda: run(plain, _BATCH),
        "ser_hf, extractor, clip by clip": lambda: run(plain, 1),
        "ser_hf, extractor with trimming and scaling": lambda: run(full, _BATCH),
        "the STFT alone (floor)": _stft(clips),
    }


def _stft(clips: list[np.ndarray]) -> Work:
    window = torch.hann_window(_FFT)

    def run() -> None:
        for start in range(0, len(clips), 8):
            batch = torch.from_numpy(np.stack(clips[start : start + 8]))
            torch.stft(batch, _FFT, _HOP, window=window, return_complex=True)

    return run


def _ast(settings: Settings, clips: list[np.ndarray]) -> Work:
    from transformers import ASTFeatureExtractor

    extractor = ASTFeatureExtractor(  # type: ignore[no-untyped-call]
        max_length=math.ceil(100 * settings.seconds)
    )
    return lambda: _in_batches(extractor, clips)


def _whisper(settings: Settings, clips: list[np.ndarray]) -> Work:
    from transformers import WhisperFeatureExtractor

    extractor = WhisperFeatureExtractor(  # type: ignore[no-untyped-call]
        chunk_length=math.ceil(settings.seconds)
    )
    return lambda: _in_batches(extractor, clips)


def _in_batches(extractor: Callable[..., object], clips: list[np.ndarray]) -> None:
    for start in range(0, len(clips), _BATCH):
        extractor(clips[start : start + _BATCH], sampling_rate=RATE, return_tensors="np")


def _gpu(settings: Settings, clips: list[np.ndarray]) -> dict[str, Work]:
    """From host memory: the transfer alone, so that its share can be told, with the computation, and all there is."""
    host = torch.from_numpy(np.stack(clips)).pin_memory()
    chosen = LogMelSettings()
    plain = SerFeatureExtractor(duration=settings.seconds, trim_db=None, peak_normalise=False, normalisation="none")
    return {
        _TRANSFER: lambda: host.cuda(non_blocking=True),
        _PINNED: lambda: log_mel(host.cuda(non_blocking=True), chosen),
        "GPU, ser_hf extractor from arrays": lambda: plain(
            clips, sampling_rate=RATE, device="cuda", keep_on_device=True
        ),
    }


def _share(rows: Sequence[Row]) -> list[str]:
    """How much of the GPU's time goes to the transfer, where there is a GPU."""
    speed = {row.name: row.clips_per_second for row in rows}
    if _PINNED not in speed:
        return []
    return [f"GPU: the transfer is {100 * speed[_PINNED] / speed[_TRANSFER]:.0f} % of the time from pinned memory"]
