"""Functionals against librosa and NumPy; pitch against tones of a known one."""

from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
from filelock import FileLock

from ser_hf.base.errors import SerHfError
from ser_hf.baselines import FunctionalsExtractor, build_functionals
from ser_hf.baselines import pitch as pitch_module
from ser_hf.baselines.functionals import PERCENTILES, PROSODY, STATISTICS
from ser_hf.baselines.pitch import pitch

RATE = 16_000


def voice(seconds: float = 1.0, hertz: float = 150.0, seed: int = 0) -> np.ndarray:
    """Harmonics of one pitch with a swelling level, and a little noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 9))
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.2 * tone * (1.2 + np.sin(2 * np.pi * 3 * time)) + noise).astype(np.float32)


def vector(extractor: FunctionalsExtractor, wave: np.ndarray) -> np.ndarray:
    return extractor(wave, sampling_rate=RATE)["input_features"][0, :, 0]


def test_averaged_coefficients_are_those_of_librosa():
    wave = voice()
    prepared, _ = librosa.effects.trim(wave / np.abs(wave).max(), top_db=30)
    expected = librosa.feature.mfcc(y=prepared, sr=RATE, n_mfcc=20, n_fft=1024, hop_length=256, n_mels=128)
    found = vector(FunctionalsExtractor("mfcc_mean", n_mels=128), wave)
    np.testing.assert_allclose(found, expected.mean(axis=1), atol=2e-2)


def test_statistics_are_those_of_librosa_and_numpy():
    wave = voice(1.3)
    prepared, _ = librosa.effects.trim(wave / np.abs(wave).max(), top_db=30)
    mel = librosa.power_to_db(
        librosa.feature.melspectrogram(y=prepared, sr=RATE, n_fft=1024, hop_length=256, n_mels=64), top_db=80
    )
    rows = np.concatenate([librosa.feature.mfcc(S=mel, n_mfcc=20), mel])
    slopes = librosa.feature.delta(rows)
    expected = [rows.mean(1), rows.std(1), *np.percentile(rows, PERCENTILES, axis=1)]
    expected += [np.abs(slopes).mean(1), slopes.std(1)]
    found = vector(FunctionalsExtractor(), wave)
    assert len(found) == len(STATISTICS) * 84 + len(PROSODY) == 764
    np.testing.assert_allclose(found[: -len(PROSODY)], np.concatenate(expected), atol=2e-2)


@pytest.mark.parametrize("hertz", [90.0, 210.0, 420.0])
def test_the_pitch_of_a_voice_is_found_and_noise_is_not_voiced(hertz):
    found, voiced = pitch(voice(hertz=hertz), RATE)
    assert voiced[2:-2].mean() > 0.8
    assert np.median(found[voiced]) == pytest.approx(hertz, rel=0.02)
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert pitch(noise, RATE)[1].mean() < 0.1


def test_only_one_process_at_a_time_compiles_librosas_pitch(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_HF_CACHE", str(tmp_path))
    pitch_module._librosa.cache_clear()
    with ThreadPoolExecutor(1) as pool:
        with FileLock(tmp_path / "librosa.lock"):
            found = pool.submit(pitch, voice(), RATE)
            with pytest.raises(TimeoutError):
                found.result(timeout=0.5)
        assert found.result(timeout=60)[1].any()


def test_pitch_needs_no_folder_to_write_to(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SER_HF_CACHE", str(tmp_path / "file" / "below"))
    pitch_module._librosa.cache_clear()
    assert pitch(voice(), RATE)[1].any()


def test_prosody_is_in_its_units():
    low, high = (vector(FunctionalsExtractor(), voice(hertz=h))[-len(PROSODY) :] for h in (110.0, 220.0))
    assert low[0] == pytest.approx(24, abs=0.3), "110 Hz is two octaves over 27.5 Hz"
    assert high[0] - low[0] == pytest.approx(12, abs=0.4)
    assert 0 <= low[3] <= 1
    assert low[7] == pytest.approx(1.0, abs=0.1)


def test_the_level_of_a_recording_and_its_neighbours_change_nothing():
    extractor, wave = FunctionalsExtractor(), voice()
    alone = vector(extractor, wave)
    np.testing.assert_allclose(vector(extractor, 0.25 * wave), alone, atol=1e-2)
    batch = extractor([voice(0.4, 300), wave], sampling_rate=RATE)["input_features"]
    np.testing.assert_array_equal(batch[1, :, 0], alone)


@pytest.mark.parametrize("samples", [1, 2, 300, 5000, 40_000])
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_any_length_and_silence_have_finite_functionals(samples, level):
    wave = np.full(samples, level, np.float32)
    for features in ("functionals", "mfcc_mean"):
        assert np.isfinite(vector(FunctionalsExtractor(features), wave)).all()


def test_settings_survive_saving(tmp_path):
    extractor = FunctionalsExtractor(n_mels=40, n_mfcc=13, hop_length=320, trim_db=None)
    extractor.save_pretrained(tmp_path)
    again = FunctionalsExtractor.from_pretrained(tmp_path)
    assert again.to_dict() == extractor.to_dict()
    np.testing.assert_array_equal(vector(again, voice()), vector(extractor, voice()))
    assert [path.name for path in tmp_path.iterdir()] == ["preprocessor_config.json"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"features": "log_mel"}, "features is 'log_mel', expected one of mfcc_mean, functionals, egemaps"),
        ({"duration": 3.0}, "duration is not for a baseline, which describes a whole clip"),
        ({"n_mfcc": 65}, "n_mfcc is 65, expected 1 to n_mels, 64"),
        ({"n_mels": 0}, "n_mels is 0"),
        ({"trim_db": -1.0}, "trim_db is -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(SerHfError, match=said):
        build_functionals(**settings)


def test_bad_clips_are_refused():
    for wave, said in [(np.zeros((2, 100), np.float32), "mono"), (np.full(9, np.nan, np.float32), "non-finite")]:
        with pytest.raises(ValueError, match=said):
            FunctionalsExtractor()(wave, sampling_rate=RATE)
    with pytest.raises(ValueError, match=r"22050 Hz .*16000 Hz"):
        FunctionalsExtractor()(voice(), sampling_rate=22_050)


def test_egemaps_are_opensmiles_or_its_absence_is_said():
    try:
        import opensmile
    except ImportError:
        with pytest.raises(SerHfError, match=r"pip install 'ser_hf\[opensmile\]'"):
            vector(FunctionalsExtractor("egemaps"), voice())
        return
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    extractor = FunctionalsExtractor("egemaps")
    expected = smile.process_signal(extractor.prepare_waveform(voice()), RATE).to_numpy()[0]
    np.testing.assert_allclose(vector(extractor, voice()), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="too short for eGeMAPS"):
        vector(extractor, voice(0.01))
