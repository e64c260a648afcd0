"""The chain of a recipe: read strictly, and the same for a seed, a clip and an epoch."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.audio import load
from ser_hf.augment import (
    WaveformChain,
    _recordings,
    add_background,
    add_noise,
    add_room,
    clip_generator,
    gain,
    pitch_shift,
    shift_waveform,
    speed,
    time_stretch,
    warp_vocal_tract,
)
from ser_hf.base.errors import AudioError, RecipeError, SerHfError

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings in folders and one other file; each has a constant rate of its own."""
    root = tmp_path_factory.mktemp("noises")
    rng = np.random.default_rng(0)
    for number, (name, rate) in enumerate([("b/one.wav", 8000), ("a.FLAC", 16_000), ("b/c/two.wav", 48_000)]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, rng.normal(0, 0.1, rate * (number + 1) // 4), rate)
    (root / "readme.txt").write_text("noises")
    return root


@pytest.fixture(autouse=True)
def nothing_decoded_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recordings, "_decoded", {})


def clip(length: int = 4000) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, length).astype(np.float32)


def run(steps: list, samples: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    return WaveformChain.parse(steps, load)(clip() if samples is None else samples, RATE, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ({"time_stretch": [1.1, 1.1]}, lambda x: time_stretch(x, 1.1, RATE)),
        ({"pitch_shift": [-1.5, -1.5]}, lambda x: pitch_shift(x, RATE, -1.5)),
        ({"speed": [0.9, 0.9]}, lambda x: speed(x, 0.9)),
        ({"vtlp": [1.08, 1.08]}, lambda x: warp_vocal_tract(x, RATE, 1.08)),
        ({"shift": [0.25, 0.25]}, lambda x: shift_waveform(x, 0.25)),
        ({"gain": [-6, -6]}, lambda x: gain(x, -6)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_step_is_its_function(step, change):
    np.testing.assert_array_equal(run([step]), change(clip()))


def test_the_noise_of_the_paper_is_that_of_a_clip_with_a_peak_of_one():
    whole = clip() / np.abs(clip()).max()
    for scale in (1.0, 0.2):
        noise = run([{"noise": 0.005}], np.float32(scale) * whole) - np.float32(scale) * whole
        assert noise.std() == pytest.approx(0.005 * scale, rel=0.05)
    bare = add_noise(whole, 0.005, np.random.default_rng(9))
    assert (bare - whole).std() == pytest.approx(0.005, rel=0.05)


@pytest.mark.parametrize(
    ("step", "low", "high"),
    [
        ({"time_stretch": 0.2}, 0.8, 1.2),
        ({"speed": 0.1}, 0.9, 1.1),
        ({"pitch_shift": 2}, -2, 2),
        ({"pitch_shift": [-1, 3]}, -1, 3),
        ({"vtlp": 0.1}, 0.9, 1.1),
        ({"shift": 0.5}, -0.5, 0.5),
        ({"gain": 6}, -6, 6),
        ({"loudness": -20}, -20, -20),
        ({"noise": 0.005}, 0.005, 0.005),
        ({"noise_snr": [10, 30]}, 10, 30),
    ],
    ids=str,
)
def test_a_lone_number_and_a_range(step, low, high):
    (found,) = WaveformChain.parse([step]).steps
    assert (found.low, found.high, found.p) == (pytest.approx(low), pytest.approx(high), 1)


def test_values_are_drawn_evenly_from_the_range():
    lengths = [len(run([{"speed": [0.8, 1.2]}], seed=seed)) for seed in range(300)]
    factors = 4000 / np.array(lengths)
    np.testing.assert_allclose(np.histogram(factors, 4, (0.8, 1.2))[0] / 300, 0.25, atol=0.08)


def test_a_step_is_done_with_its_probability_and_a_chain_in_its_order():
    shares = [np.array_equal(run([{"gain": [-6, -6], "p": 0.3}], seed=seed), clip()) for seed in range(300)]
    assert np.mean(shares) == pytest.approx(0.7, abs=0.08)
    found = run([{"speed": [0.8, 0.8]}, {"shift": [0.5, 0.5]}])
    np.testing.assert_array_equal(found, shift_waveform(speed(clip(), 0.8), 0.5))


def test_the_text_of_a_step_is_the_same_as_its_mapping():
    steps = [{"time_stretch": [0.8, 1.2], "p": 0.5}, {"pitch_shift": 2}]
    words = ["{time_stretch: [0.8, 1.2], p: 0.5}", "pitch_shift: 2"]
    assert WaveformChain.parse(words) == WaveformChain.parse(steps) == WaveformChain.parse([str(s) for s in steps])
    for off in ([], ["none"]):
        chain = WaveformChain.parse(off)
        assert not chain
        np.testing.assert_array_equal(chain(clip(), RATE, np.random.default_rng()), clip())


def test_background_and_room_come_from_the_folder_at_the_clips_rate(folder):
    files = sorted(path for path in folder.rglob("*.*") if path.suffix != ".txt")
    recordings = [load(path, RATE) for path in files]
    chosen = set()
    for seed in range(40):
        noisy = run([{"background": str(folder), "snr": [7, 7]}], seed=seed)
        far = run([{"room": str(folder)}], seed=seed)
        rng = np.random.default_rng(seed)
        rng.random(), rng.uniform()  # whether, and at how many dB
        which = int(rng.integers(len(files)))
        np.testing.assert_array_equal(noisy, add_background(clip(), recordings[which], 7, rng))
        np.testing.assert_array_equal(far, add_room(clip(), recordings[which]))
        chosen.add(which)
    assert chosen == {0, 1, 2}


def test_a_folder_is_decoded_once_and_no_more_is_kept_than_fits(folder, monkeypatch):
    read = []

    def counted(path: Path, rate: int) -> np.ndarray:
        read.append(path)
        return load(path, rate)

    chain = WaveformChain.parse([{"background": str(folder)}], counted)
    for seed in range(20):
        chain(clip(), RATE, np.random.default_rng(seed))
    assert len(read) == len(set(read)) == 3
    monkeypatch.setattr(_recordings, "_MOST_BYTES", 4 * 13_000)  # two of the three
    _recordings._decoded.clear()
    expected = [run([{"background": str(folder)}], seed=seed) for seed in range(20)]
    for seed in range(20):
        np.testing.assert_array_equal(chain(clip(), RATE, np.random.default_rng(seed)), expected[seed])
        assert sum(kept.nbytes for kept in _recordings._decoded.values()) <= 4 * 13_000


def test_a_clip_has_its_own_generator_in_every_epoch():
    def first(*key) -> float:
        return clip_generator(*key).random()

    assert first(1, "ravdess/a", 0) == first(1, "ravdess/a", 0)
    keys = [(seed, name, epoch) for seed in (1, 11) for name in ("a", "1", "1|a") for epoch in (0, 1, 11)]
    assert len({first(*key) for key in keys}) == len(keys)


def test_neither_other_clips_nor_processes_change_a_clip(folder):
    steps = [{"speed": 0.1}, {"noise_snr": [10, 30]}, {"background": str(folder)}, {"room": str(folder), "p": 0.5}]
    chain = WaveformChain.parse(steps, load)
    names = [f"corpus/{number}" for number in range(6)]
    alone = {name: chain(clip(), RATE, clip_generator(3, name, 2)) for name in names}
    elsewhere = pickle.loads(pickle.dumps(chain))  # noqa: S301
    for name in reversed(names):
        np.testing.assert_array_equal(elsewhere(clip(), RATE, clip_generator(3, name, 2)), alone[name])
    assert len({tuple(samples[:50]) for samples in alone.values()}) == 6


STEPS = st.one_of(
    st.builds(lambda a, b: {"time_stretch": sorted([a, b])}, st.floats(0.8, 1.2), st.floats(0.8, 1.2)),
    st.builds(lambda x: {"pitch_shift": x}, st.floats(0, 2)),
    st.builds(lambda x: {"speed": x}, st.floats(0, 0.5)),
    st.builds(lambda x: {"shift": x}, st.floats(0, 1)),
    st.builds(lambda x: {"gain": x}, st.floats(0, 20)),
    st.builds(lambda x: {"loudness": x}, st.floats(-40, 0)),
    st.builds(lambda x: {"noise": x}, st.floats(0, 0.1)),
    st.builds(lambda x: {"noise_snr": x}, st.floats(-10, 60)),
)


@settings(max_examples=60)
@given(
    steps=st.lists(st.builds(lambda step, p: {**step, "p": p}, STEPS, st.floats(0, 1)), max_size=4),
    kind=st.sampled_from(["noise", "silence", "constant", "faint"]),
    length=st.integers(1, 2000),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_chain_keeps_clips_finite_float32_and_repeats_with_its_seed(steps, kind, length, seed):
    samples = {
        "noise": clip(length),
        "silence": np.zeros(length, np.float32),
        "constant": np.ones(length, np.float32),
        "faint": np.float32(1e-30) * clip(length),
    }[kind]
    before = samples.copy()
    found = run(steps, samples, seed)
    assert found.dtype == np.float32
    assert found.ndim == 1
    assert len(found) >= 1
    assert np.isfinite(found).all()
    assert not np.shares_memory(found, samples)
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(found, run(steps, samples, seed))


@given(seed=st.integers(0, 2**32 - 1))
def test_strength_0_is_identity(seed):
    names = ("time_stretch", "pitch_shift", "speed", "shift", "gain", "noise")
    np.testing.assert_array_equal(run([{name: 0} for name in names], seed=seed), clip())
    never = [{"loudness": -3, "p": 0}, {"noise_snr": 0, "p": 0}, {"pitch_shift": 2, "p": 0}]
    np.testing.assert_array_equal(run(never, seed=seed), clip())


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"pitchshift": 2}], "step 1: unknown step 'pitchshift'; did you mean 'pitch_shift'"),
        ([{"pitch_shift": 2}, {"tempo": 1}], "step 2: unknown step 'tempo'"),
        ([{"pitch_shift": 2, "prob": 1}], "unknown key 'prob'"),
        ([{"pitch_shift": 2, "gain": 1}], "names pitch_shift and gain; expected one of time_stretch, "),
        ([{"p": 0.5}], "names no step; expected one of"),
        ([{"pitch_shift": 2, "p": 1.5}], "p is 1.5; expected 0 to 1"),
        ([{"pitch_shift": 2, "p": True}], "p is True; expected a number from 0 to 1"),
        ([{"pitch_shift": -2}], "pitch_shift is -2; expected 0 to 24"),
        ([{"pitch_shift": [2, 1]}], r"pitch_shift is \[2, 1\]; expected the lower end first"),
        ([{"pitch_shift": [1, 2, 3]}], r"pitch_shift is \[1, 2, 3\]; expected \[lowest, highest\], in semitones"),
        ([{"pitch_shift": "two"}], "pitch_shift is 'two'; expected a number from 0 to 24"),
        ([{"pitch_shift": None}], "pitch_shift is None; expected a number"),
        ([{"noise_snr": float("nan")}], "noise_snr is nan; expected a number from -40 to 120"),
        ([{"time_stretch": 1.2}], "time_stretch is 1.2; expected 0 to 0.75"),
        ([{"time_stretch": [0, 1]}], "time_stretch is 0; expected 0.25 to 4"),
        ([{"noise": [10, 30]}], "noise is 10; expected 0 to 1"),
        (
            [{"noise": 0.1, "snr": 5}],
            r"snr belongs to background, not to noise; for white noise: noise_snr: \[10, 30\]",
        ),
        ([{"background": "nowhere/at/all"}], "nowhere/at/all is not there; expected a folder of recordings"),
        ([{"background": 5}], "background is 5; expected a folder of recordings"),
        ([{"room": __file__}], "test_chain.py is a file; expected a folder of recordings"),
        (["pitch_shift=2"], "expected a mapping such as .*, found 'pitch_shift=2'"),
        (["{pitch_shift: 2"], "'{pitch_shift: 2' is not YAML"),
        (["{pitch_shift: 2, pitch_shift: 3}"], "key 'pitch_shift' is given twice"),
        ([5], "expected a mapping such as .*, found 5"),
        ({"pitch_shift": 2}, "expected a list of steps such as"),
        ("pitch_shift: 2", "expected a list of steps such as"),
    ],
    ids=lambda value: None,
)
def test_what_is_not_understood_is_said(steps, said):
    with pytest.raises(RecipeError, match=f"^waveform_augment.*{said}"):
        WaveformChain.parse(steps)


def test_an_empty_folder_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(RecipeError, match=r"step 1: .* holds no audio file; expected \.aif, \.aiff, \.flac"):
        WaveformChain.parse([{"room": str(tmp_path)}])


def test_a_recording_that_cannot_be_used_is_named(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), RATE)
    with pytest.raises(SerHfError, match=r"silent\.wav: an impulse response of 100 samples is silent"):
        run([{"room": str(tmp_path)}])
    np.testing.assert_array_equal(run([{"background": str(tmp_path)}]), clip(), "nothing to be heard")
    (tmp_path / "silent.wav").write_bytes(b"RIFF of nothing")
    _recordings._decoded.clear()
    with pytest.raises(AudioError, match=r"silent\.wav"):
        run([{"background": str(tmp_path)}])


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros((2, 5), np.float32)])
def test_a_clip_that_is_none_is_refused(samples):
    with pytest.raises(SerHfError, match=r"expected mono samples of shape \(n,\), found shape"):
        run([{"gain": 3}], samples)


def test_without_a_reader_a_folder_is_checked_and_not_read(folder):
    chain = WaveformChain.parse([{"room": str(folder)}])
    with pytest.raises(SerHfError, match=r"cannot be read: give WaveformChain\.parse a load"):
        chain(clip(), RATE, np.random.default_rng(0))


def test_copies_take_a_lone_number_as_it_is_and_one_step_or_several():
    copies = [{"speed": 0.9}, "{pitch_shift: 2}", "[{speed: 1.1}, {noise: 0.005}]", {"gain": [-6, 6]}]
    found = [[(s.name, s.low, s.high) for s in chain.steps] for chain in WaveformChain.parse_copies(copies)]
    two = [("speed", 1.1, 1.1), ("noise", 0.005, 0.005)]
    assert found == [[("speed", 0.9, 0.9)], [("pitch_shift", 2, 2)], two, [("gain", -6, 6)]]
    assert WaveformChain.parse_copies([]) == WaveformChain.parse_copies(["none"]) == ()


def test_what_was_done_is_said_with_its_values():
    chain = WaveformChain.parse_copies([[{"speed": 0.9}, {"gain": [-6, 6]}]])[0]
    changed, words = chain.described(clip(), RATE, np.random.default_rng(3))
    factor, level = (float(word.split("=")[1]) for word in words.split())
    assert factor == 0.9
    np.testing.assert_allclose(changed, gain(speed(clip(), 0.9), level), rtol=1e-5)
    np.testing.assert_array_equal(changed, chain(clip(), RATE, np.random.default_rng(3)))
    assert " and ".join(map(str, chain.steps)) == "speed 0.9 and gain -6 to 6"


@pytest.mark.parametrize(
    ("copies", "said"),
    [
        ({"speed": 0.9}, r"copies is \{'speed': 0.9\}; expected a list"),
        (["{speed: 0.1}"], r"copies, entry 1: speed is 0.1; expected 0.25 to 4"),
        (["{speed: 0.9}", "{sped: 1.1}"], "copies, entry 2: unknown step 'sped'; did you mean 'speed'"),
        (["{speed: 0.9, p: 0.5}"], "copies, entry 1: .*; every entry gives one copy of every clip, leave out p"),
        (["[]"], "copies, entry 1: an empty list"),
        (["{speed: 0.9"], "copies, entry 1: .* is not YAML"),
    ],
)
def test_copies_that_cannot_be_are_refused(copies, said):
    with pytest.raises(RecipeError, match=said):
        WaveformChain.parse_copies(copies)
