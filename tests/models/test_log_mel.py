"""Log-mel spectrograms against librosa."""

from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.models.log_mel import LogMelSettings, _mel, log_mel

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=:UserWarning", "ignore:Empty filters:UserWarning")

WINDOWS = {"hann": "hann", "hamming": "hamming", "blackman": "blackman", "rectangular": "boxcar"}


def tone(n: int = 48000, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(n) / 16000
    wave = np.sin(2 * np.pi * 220 * time) + 0.3 * np.sin(2 * np.pi * 3100 * time) + rng.normal(0, 0.05, n)
    return (scale * wave).astype(np.float32)


def impulses(n: int = 16001) -> np.ndarray:
    wave = np.zeros(n, dtype=np.float32)
    wave[[0, n // 3, n // 2, n - 1]] = [1, -0.5, 0.25, 1]
    return wave


def librosa_mel(clip: np.ndarray, chosen: LogMelSettings) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=clip,
        sr=chosen.sampling_rate,
        n_fft=chosen.n_fft,
        hop_length=chosen.hop_length,
        win_length=chosen.win_length,
        window=WINDOWS[chosen.window_function],
        power=chosen.power,
        n_mels=chosen.n_mels,
        fmin=chosen.f_min,
        fmax=chosen.f_max,
        htk=chosen.mel_scale == "htk",
        norm="slaney" if chosen.mel_norm == "slaney" else None,
    )


def librosa_log_mel(clip: np.ndarray, chosen: LogMelSettings) -> np.ndarray:
    to_db = librosa.power_to_db if chosen.power == 2 else librosa.amplitude_to_db
    return to_db(
        librosa_mel(clip, chosen), ref=np.max if chosen.reference is None else chosen.reference, top_db=chosen.top_db
    )


def ours(clip: np.ndarray, chosen: LogMelSettings) -> np.ndarray:
    return log_mel(torch.from_numpy(clip)[None], chosen)[0].numpy()


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"n_fft": 512, "hop_length": 160, "n_mels": 64},
        {"f_min": 50, "f_max": 7600, "n_mels": 80, "top_db": 60},
        {"sampling_rate": 8000, "top_db": None},
        {"sampling_rate": 22050, "n_fft": 2048, "hop_length": 512},
        {"n_fft": 401, "hop_length": 100, "n_mels": 30},
        {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40},
        {"n_fft": 512, "win_length": 399, "hop_length": 160, "n_mels": 40, "window_function": "hamming"},
        {"window_function": "blackman"},
        {"window_function": "rectangular"},
        {"mel_scale": "htk"},
        {"mel_norm": "none"},
        {"mel_scale": "htk", "mel_norm": "none", "f_min": 20, "f_max": 7000, "n_mels": 40},
        {"power": 1},
        {"power": 1, "reference": 0.5, "top_db": None},
        {"reference": 1.0},
        {"reference": 1e-30, "top_db": 40},
    ],
    ids=lambda chosen: "-".join(f"{key}={value}" for key, value in chosen.items()) or "default",
)
def test_equals_librosa(chosen: dict, scale: float) -> None:
    clip, chosen = tone(scale=scale), LogMelSettings(**chosen)
    found, expected = ours(clip, chosen), librosa_log_mel(clip, chosen)
    assert found.dtype == np.float32
    assert found.shape == expected.shape == (chosen.n_mels, chosen.n_frames(clip.size))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("power", [1, 2])
def test_linear_and_logarithmic_scales(power: int) -> None:
    linear = LogMelSettings(scale="linear", top_db=None, power=power)
    expected = librosa_mel(tone(), linear)
    np.testing.assert_allclose(ours(tone(), linear), expected, rtol=1e-4, atol=1e-7)
    logarithm = ours(tone(), replace(linear, scale="log"))
    np.testing.assert_allclose(logarithm, np.log(np.maximum(expected, 1e-10)), rtol=0, atol=1e-3)
    # both keep the range in decibels
    ratio = 10 ** (30 * power / 20)
    near = ours(tone(), replace(linear, top_db=30))
    np.testing.assert_allclose(near, np.maximum(expected, expected.max() / ratio), rtol=1e-4)
    near = ours(tone(), replace(linear, scale="log", top_db=30))
    np.testing.assert_allclose(near, np.log(np.maximum(expected, expected.max() / ratio)), rtol=0, atol=1e-3)


@pytest.mark.parametrize("top_db", [80.0, None])
@pytest.mark.parametrize(
    "clip",
    [
        np.zeros(16000, dtype=np.float32),
        np.full(1, 0.3, dtype=np.float32),
        np.full(4801, 1e-20, dtype=np.float32),
        np.ones(7777, dtype=np.float32),
        impulses(),
        impulses(300),
        np.clip(10 * tone(9999), -1, 1),
        100 * tone(255),
        tone(257),
        np.sign(tone(3001)),
    ],
    ids=["zeros", "one sample", "tiny", "constant", "impulses", "few", "clipped", "beyond 1", "short", "square"],
)
def test_edge_cases_equal_librosa(clip: np.ndarray, top_db: float | None) -> None:
    chosen = LogMelSettings(top_db=top_db)
    found = ours(clip, chosen)
    floor = -80 if top_db else -100  # what float32 leaves of a pure tone lies lower
    np.testing.assert_allclose(
        np.maximum(found, floor), np.maximum(librosa_log_mel(clip, chosen), floor), rtol=0, atol=1e-3
    )
    assert found.max() == 0


@given(
    n=st.integers(1, 3000),
    n_fft=st.integers(32, 300),
    hop=st.integers(1, 300),
    n_mels=st.integers(1, 20),
    scale=st.sampled_from(["slaney", "htk"]),
    norm=st.sampled_from(["slaney", "none"]),
)
@settings(max_examples=40, deadline=None)
def test_any_lengths_equal_librosa(n: int, n_fft: int, hop: int, n_mels: int, scale: str, norm: str) -> None:
    chosen = LogMelSettings(
        n_fft=n_fft, hop_length=hop, n_mels=n_mels, mel_scale=scale, mel_norm=norm, f_min=20, top_db=60
    )
    found = ours(tone(n), chosen)
    assert found.shape == (n_mels, chosen.n_frames(n))
    np.testing.assert_allclose(found, librosa_log_mel(tone(n), chosen), rtol=0, atol=1e-3)


@pytest.mark.real
@pytest.mark.parametrize("corpus", ["ravdess", "savee", "tess"])
def test_real_clips_equal_librosa(shared_data: Path, corpus: str) -> None:
    files = sorted((shared_data / corpus).rglob("*.flac"))
    files = files[:: len(files) // 12]
    far = count = 0
    for clip in (soundfile.read(file, dtype="float32")[0] for file in files):
        expected = librosa_log_mel(clip, LogMelSettings())
        error = np.abs(ours(clip, LogMelSettings()) - expected)
        assert error[expected > -70].max() < 1e-3
        assert error.max() < 3e-3
        far += (error > 1e-3).sum()
        count += error.size
    assert far < 1e-5 * count  # the float32 transform's own error, 150 dB under a loud frame


def test_batch_neighbours_and_threads_do_not_matter() -> None:
    clips = torch.from_numpy(np.stack([tone(20000, 10.0 ** (-i % 5), seed=i) for i in range(30)]))
    clips[3] = 0
    clips[7] = torch.nan
    alone = torch.cat([log_mel(clip[None], LogMelSettings()) for clip in clips])
    threads = torch.get_num_threads()
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            together = log_mel(clips, LogMelSettings())
            assert torch.get_num_threads() == number
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=0, equal_nan=True)
    finally:
        torch.set_num_threads(threads)
    assert together[7].isnan().all()
    assert together[[i for i in range(30) if i != 7]].isfinite().all()


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"n_fft": 401, "hop_length": 160},
        {"n_fft": 512, "hop_length": 700, "win_length": 300},
        {"power": 1, "top_db": None},
        {"scale": "linear", "top_db": None},
        {"scale": "log"},
    ],
)
def test_zeros_around_a_clip_change_nothing(chosen: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, rng = LogMelSettings(**chosen), np.random.default_rng(0)
    clips = np.zeros((7, 9_000), np.float32)
    for clip, (start, end) in zip(clips, [(0, 0), (4_000, 4_001), (0, 1), (8_999, 9_000), (0, 9_000)], strict=False):
        clip[start:end] = 0.1 * rng.standard_normal(end - start)
    clips[5, 3_000:6_000] = 0.1 * rng.standard_normal(3_000)
    clips[5, 4_000:5_000] = 0  # a pause is no end
    clips[6, 5_000] = np.nan
    found = log_mel(torch.from_numpy(clips), settings)
    monkeypatch.setattr("ser_hf.models.log_mel._mel_of_sound", _mel)
    torch.testing.assert_close(found, log_mel(torch.from_numpy(clips), settings), rtol=0, atol=0, equal_nan=True)


def test_long_clips_are_worked_on_in_parts() -> None:
    clip = tone(10 * 60 * 16000 + 5)
    clip[:800_000] *= 1e-3  # the loudest point is in another part
    found, expected = ours(clip, LogMelSettings()), librosa_log_mel(clip, LogMelSettings())
    assert found.shape == (128, 37501)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_silence_and_short_clips_are_finite() -> None:
    for n in (1, 255, 256, 1000):
        for clip in (torch.zeros(1, n), torch.full((1, n), 1e-20), torch.ones(1, n)):
            level = log_mel(clip, LogMelSettings())
            assert level.shape == (1, 128, 1 + n // 256)
            assert level.min() >= -80
            assert level.max() == 0


def test_filters_between_bins_are_the_floor() -> None:
    chosen = LogMelSettings(n_fft=64, n_mels=60, reference=1.0, top_db=None)
    empty = chosen.filters().sum(axis=1) == 0
    assert 0 < empty.sum() < 60
    assert (ours(tone(), chosen)[empty] == -100).all()
    assert (ours(tone(), chosen)[~empty] > -100).all()
    nothing = LogMelSettings(n_fft=64, n_mels=2, f_min=10, f_max=50, reference=1.0)
    assert (ours(tone(), nothing) == -100).all()


def test_the_input_is_left_alone_and_no_gradient_is_kept() -> None:
    clips = torch.from_numpy(tone(5000))[None].requires_grad_()
    before = clips.detach().clone()
    assert not log_mel(clips, LogMelSettings()).requires_grad
    assert torch.equal(clips.detach(), before)


def test_half_and_double_waveforms_are_taken() -> None:
    clip = torch.from_numpy(tone(5000))[None]
    torch.testing.assert_close(log_mel(clip.double(), LogMelSettings()), log_mel(clip, LogMelSettings()))
    half = log_mel(clip.half(), LogMelSettings())
    torch.testing.assert_close(half, log_mel(clip.half().float(), LogMelSettings()))


def test_the_result_can_be_written_to_a_place() -> None:
    clips = torch.from_numpy(np.stack([tone(5000, seed=i) for i in range(3)]))
    place = torch.full((5, 128, 20), torch.nan)
    result = log_mel(clips, LogMelSettings(), out=place[1:4])
    assert result.data_ptr() == place[1].data_ptr()
    assert torch.equal(place[1:4], log_mel(clips, LogMelSettings()))
    assert place[[0, 4]].isnan().all()
    with pytest.raises(ValueError, match=r"\(3, 128, 20\) to write to, found \(2, 128, 20\)"):
        log_mel(clips, LogMelSettings(), out=place[:2])


@pytest.mark.parametrize("mode", [torch.inference_mode, lambda: torch.autocast("cpu", dtype=torch.bfloat16)])
@pytest.mark.parametrize("n_clips", [1, 20])
def test_modes_do_not_change_it(mode, n_clips: int) -> None:
    clips = torch.from_numpy(tone())[None].repeat(n_clips, 1)
    expected = log_mel(clips, LogMelSettings(f_min=1 + n_clips))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with mode():
            level = log_mel(clips, LogMelSettings(f_min=1 + n_clips))
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(level, expected, atol=1e-5, rtol=0)
    level.add_(1)  # a model may train on it


@pytest.mark.parametrize("shape", [(100,), (0,), (2, 0), (1, 2, 100)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(batch, n_samples\), not empty, found"):
        log_mel(torch.zeros(shape), LogMelSettings())


def test_no_clips_give_no_spectrograms() -> None:
    assert log_mel(torch.zeros(0, 1000), LogMelSettings()).shape == (0, 128, 4)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"n_mels": 0}, "n_mels is 0"),
        ({"hop_length": -1}, "hop_length is -1"),
        ({"top_db": 0}, "top_db is 0"),
        ({"n_fft": 512, "win_length": 1024}, "win_length is 1024, expected at most n_fft, 512"),
        ({"f_max": 8001}, "half the sampling rate"),
        ({"f_min": 300, "f_max": 300}, "f_min 300"),
        ({"window_function": "hanning"}, "'hanning', expected one of hann, hamming, blackman, rectangular"),
        ({"mel_scale": "bark"}, "slaney, htk"),
        ({"mel_norm": None}, "slaney, none"),
        ({"power": 3}, "power is 3, expected one of 1, 2"),
        ({"scale": "dB"}, "db, log, linear"),
        ({"reference": 0.0}, "reference is 0.0"),
        ({"reference": 1.0, "scale": "log"}, "for decibels"),
    ],
)
def test_settings_out_of_range_are_refused(chosen: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        LogMelSettings(**chosen)


@pytest.mark.gpu
@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("chosen", [{}, {"power": 1, "mel_scale": "htk"}, {"top_db": None}])
def test_the_device_does_not_matter(chosen: dict, tf32: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", tf32)
    clips = torch.from_numpy(np.stack([tone(scale=10.0**-i, seed=i) for i in range(5)])).repeat(60, 1)
    on_device = log_mel(clips.cuda(), LogMelSettings(**chosen))
    assert on_device.is_cuda
    torch.testing.assert_close(on_device.cpu(), log_mel(clips, LogMelSettings(**chosen)), atol=1e-2, rtol=0)
    torch.testing.assert_close(on_device[:5], log_mel(clips[:5].cuda(), LogMelSettings(**chosen)), atol=1e-3, rtol=0)
