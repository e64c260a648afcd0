"""Each condition against its definition."""

import io

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from ser_hf.augment.conditions import _MP3_64K, _OPUS_16K, CONDITIONS

RATE = 16_000


def speech(seconds=3.0, rate=RATE):
    """A harmonic sound in bursts."""
    t = np.arange(int(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 40) if 140 * k < rate / 2)
    return (0.1 * sound * (t % 0.5 < 0.35)).astype(np.float32)


def changed(name, samples, seed=0, rate=RATE):
    return CONDITIONS[name][1](samples.copy(), rate, np.random.default_rng(seed))


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_chance_gives_the_same_finite_clip_of_its_length(name, rate):
    samples = speech(rate=rate)
    heard = changed(name, samples, rate=rate)
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    expected = {"cut_1s": rate, "cut_500ms": rate // 2}.get(name, len(samples))
    assert len(heard) == expected
    assert np.array_equal(heard, changed(name, samples, rate=rate))


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("samples", [np.zeros(1), np.ones(1) * 0.5, np.zeros(4000), np.ones(40) * 0.1])
def test_short_and_silent_clips_stay_finite(name, samples):
    heard = changed(name, samples.astype(np.float32))
    assert np.isfinite(heard).all()
    assert len(heard)


@pytest.mark.parametrize(("form", "kbit"), [(_MP3_64K | {"bitrate_mode": "CONSTANT"}, 64), (_OPUS_16K, 16)])
def test_codecs_have_their_bit_rate(form, kbit):
    file = io.BytesIO()
    soundfile.write(file, np.tile(speech(), 10), RATE, **form)
    assert len(file.getvalue()) * 8 / 30 / 1000 == pytest.approx(kbit, rel=0.2)


@pytest.mark.parametrize("name", ["mp3_64k", "opus_16k", "telephone"])
def test_codecs_keep_the_clip_in_its_place(name):
    samples = speech()
    heard = changed(name, samples)
    envelopes = [np.convolve(np.abs(x), np.ones(160) / 160, "same") for x in (samples, heard)]
    envelopes = [x - x.mean() for x in envelopes]
    lags = np.arange(-800, 801)
    agreement = [np.dot(envelopes[0][800:-800], np.roll(envelopes[1], -lag)[800:-800]) for lag in lags]
    assert abs(lags[int(np.argmax(agreement))]) <= 0.03 * RATE
    assert not np.array_equal(samples, heard)


def test_a_telephone_passes_its_band_in_eight_bits():
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(changed("telephone", noise))) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    inside = spectrum[(hertz > 400) & (hertz < 3300)].mean()
    for outside in (hertz < 200, hertz > 4100):
        assert 10 * np.log10(spectrum[outside].mean() / inside) < -25


def test_the_telephones_bits_are_those_of_mu_law():
    samples = torch.from_numpy(speech(rate=8000))
    file = io.BytesIO()
    soundfile.write(file, samples.numpy(), 8000, format="WAV", subtype="ULAW")
    file.seek(0)
    heard, _ = soundfile.read(file, dtype="float32")
    codes = torchaudio.functional.mu_law_encoding(samples, 256)
    reference = torchaudio.functional.mu_law_decoding(codes, 256).numpy()
    assert np.abs(heard - reference).max() < 0.02
    assert len(np.unique(heard)) <= 256


@pytest.mark.parametrize(("name", "decibels"), [("noise_20db", 20), ("noise_10db", 10), ("noise_0db", 0)])
def test_noise_has_its_level(name, decibels):
    samples = speech()
    noise = changed(name, samples).astype(np.float64) - samples
    assert 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) / np.mean(noise**2)) == pytest.approx(
        decibels, abs=0.1
    )
    assert not np.array_equal(changed(name, samples, 1), changed(name, samples, 2))


def test_gain_is_gain_and_is_clipped_at_full_scale():
    samples = speech()
    assert changed("gain_down", samples) == pytest.approx(samples / 10, abs=1e-7)
    loud = changed("gain_up", samples)
    assert np.abs(loud).max() == 1
    assert loud == pytest.approx(np.clip(10 * samples, -1, 1), abs=1e-6)


def test_a_room_falls_by_60_db_in_its_time():
    click = np.zeros(RATE, np.float32)
    click[0] = 0.5
    energy = np.cumsum(changed("reverberation", click)[::-1].astype(np.float64) ** 2)[::-1]
    decay = 10 * np.log10(np.maximum(energy / energy[1], 1e-12))
    five, thirty_five = (int(np.argmax(decay[1:] < level)) + 1 for level in (-5, -35))
    assert 2 * (thirty_five - five) / RATE == pytest.approx(0.6, abs=0.08)


def test_cuts_take_the_middle():
    samples = np.arange(3 * RATE, dtype=np.float32)
    assert np.array_equal(changed("cut_1s", samples), samples[RATE : 2 * RATE])
    assert len(changed("cut_1s", samples[:100])) == 100
