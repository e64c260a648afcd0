"""Long recordings: segments that cover every second once, smoothing, absorbing, turns, verdicts."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.inference import NO_SPEECH, UNSURE, open_model, segment
from ser_hf.inference.turns import Turn

RATE = 1000


def told(timeline):
    return [(round(one.start, 2), round(one.end, 2), one.label) for one in timeline.segments]


def check(timeline, seconds):
    """What holds of every timeline."""
    found = timeline.segments
    assert timeline.duration == pytest.approx(seconds, abs=1e-9)
    assert found[0].start == 0
    assert found[-1].end == timeline.duration
    assert all(one.start < one.end for one in found)
    assert all(a.end == b.start for a, b in pairwise(found))
    for a, b in pairwise(found):
        assert (a.label, a.speaker) != (b.label, b.speaker) or timeline.speakers
    for one in found:
        assert one.spoken == (one.label != NO_SPEECH)
        assert one.speech is None or 0 <= one.speech <= one.end - one.start + 1e-9
        if one.spoken:
            assert sum(one.classes.values()) == pytest.approx(1, abs=1e-5)
            assert (one.label == UNSURE) == (one.confidence < timeline.min_confidence)
            assert one.label in (UNSURE, next(iter(one.classes)))
    verdict = timeline.verdict
    shares = sum(verdict.shares.values())
    assert shares == pytest.approx(1) if any(one.spoken for one in found) else shares == 0
    assert verdict.seconds == timeline.duration
    if verdict.speech is not None:
        assert verdict.speech == pytest.approx(sum(end - start for start, end in timeline.speech))
        assert verdict.speech <= timeline.duration + 1e-9
    assert len(timeline.probabilities) == len(timeline.starts) == len(timeline.ends)


@settings(max_examples=60)
@given(data=st.data())
def test_every_second_is_covered_once(data, levels, loud, sound):
    parts = st.tuples(st.floats(0.001, 9), st.sampled_from([0, 0.1, 0.15, 0.2, 0.3]))
    samples = sound(*data.draw(st.lists(parts, min_size=1, max_size=8)))
    window = data.draw(st.sampled_from([None, 0.5, 1.7, 4]))
    hop = data.draw(st.sampled_from([None, 0.1, 0.5]))
    options = {
        "smoothing": data.draw(st.sampled_from([1, 3, 5])),
        "shortest": data.draw(st.sampled_from([0, 0.5, 1, 5])),
        "pause": data.draw(st.sampled_from([0, 0.1, 1])),
        "min_confidence": data.draw(st.sampled_from([0, 0.6, 1])),
        "speech": data.draw(st.sampled_from([loud, None])),
    }
    if not len(samples):
        return
    model = levels(targets=data.draw(st.sampled_from([(), ("arousal",)])))
    check(segment(model, samples, RATE, window=window, hop=hop, **options), len(samples) / RATE)
    edges = sorted(data.draw(st.sets(st.integers(0, 2 * len(samples)), min_size=2, max_size=8)))
    turns = [Turn(a / RATE, b / RATE, data.draw(st.sampled_from("ab"))) for a in edges for b in edges if b > a]
    turns = data.draw(st.permutations(turns))[:6]
    if min(turn.start for turn in turns) * RATE < len(samples):
        found = segment(model, samples, RATE, window=window, hop=hop, turns=turns, **options)
        check(found, len(samples) / RATE)
        for one in found.segments:
            if one.spoken:
                assert any(turn.start <= one.start + 1e-9 and one.speaker == turn.speaker for turn in turns)


@pytest.mark.parametrize("samples", [1, 100, 3999, 4000, 4001, 6000, 6001])
@pytest.mark.parametrize("looked", [True, False])
def test_short_recordings(levels, loud, samples, looked):
    found = segment(levels(), np.full(samples, 0.2, np.float32), RATE, speech=loud if looked else None)
    check(found, samples / RATE)
    expected = "angry" if samples >= 300 or not looked else NO_SPEECH
    assert [one.label for one in found.segments] == [expected]
    assert found.verdict.label == expected


def test_silence_and_noise_have_no_speech(tmp_path):
    model = open_model("default", "cpu")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000 * 9).astype(np.float32)
    for samples in (np.zeros(16_000 * 9, np.float32), noise):
        found = segment(model, samples, 16_000, speech="rule")
        check(found, 9)
        assert [one.label for one in found.segments] == [NO_SPEECH]
        assert (found.verdict.label, found.verdict.speech, found.verdict.classes) == (NO_SPEECH, 0, {})
        assert found.verdict.confidence is None
        assert np.isnan(found.probabilities).all()


def test_a_second_of_speech_in_ten_minutes_of_silence(levels, loud, sound):
    model = levels()
    found = segment(model, sound((300, 0), (1, 0.3), (299, 0)), RATE, speech=loud)
    check(found, 600)
    assert [one.label for one in found.segments] == [NO_SPEECH, "calm", NO_SPEECH]  # diluted by the silence around it
    middle = found.segments[1]
    assert (middle.start, middle.end) == pytest.approx((299.9, 301.1), abs=0.04)
    assert middle.speech == pytest.approx(1, abs=0.064)
    assert found.verdict.speech == pytest.approx(1, abs=0.064)
    assert len(model.heard) <= 3


def test_emotions_follow_each_other(levels, loud, sound):
    samples = sound((10, 0.1), (10, 0), (12, 0.3), (4, 0), (6, 0.2))
    found = segment(levels(), samples, RATE, window=1, hop=0.25, smoothing=1, speech=loud)
    assert [label for _, _, label in told(found)] == ["calm", NO_SPEECH, "sad", NO_SPEECH, "angry"]
    for (start, end, _), expected in zip(told(found), [(0, 10), (10, 20), (20, 32), (32, 36), (36, 42)], strict=True):
        assert (start, end) == pytest.approx(expected, abs=0.15)
    assert found.verdict.shares == pytest.approx({"sad": 12 / 28, "calm": 10 / 28, "angry": 6 / 28}, abs=0.01)
    assert found.verdict.speech == pytest.approx(28, abs=0.1)


def test_the_verdict_counts_windows_by_their_speech(levels, loud, sound):
    found = segment(levels(), sound((30, 0.3), (60, 0), (10, 0.1)), RATE, speech=loud, hop=0.5)
    assert found.verdict.classes["sad"] == pytest.approx(0.75, abs=0.05)
    rows = ~np.isnan(found.probabilities).any(axis=1)
    assert found.verdict.classes["sad"] != pytest.approx(found.probabilities[rows].mean(axis=0)[2], abs=0.005)


def test_ratings_are_averaged_with_the_classes(levels, loud, sound):
    found = segment(levels(targets=["arousal"]), sound((10, 0.1), (20, 0), (10, 0.3)), RATE, speech=loud)
    first, _, last = found.segments
    assert first.dimensions["arousal"] < 0.12 < 0.2 < last.dimensions["arousal"]
    assert found.verdict.dimensions["arousal"] == pytest.approx(0.2, abs=0.03)


def test_smoothing_is_a_mean_of_neighbours_and_short_segments_are_absorbed(levels, sound):
    samples = sound((8, 0.1), (1, 0.3), (8, 0.1))
    options = {"window": 1, "hop": 1, "speech": None}
    alone = segment(levels(), samples, RATE, smoothing=1, shortest=0, **options)
    assert told(alone) == [(0, 8, "calm"), (8, 9, "sad"), (9, 17, "calm")]
    smooth = segment(levels(), samples, RATE, smoothing=3, shortest=0, **options)
    assert told(smooth) == [(0, 17, "calm")]
    expected = alone.probabilities[7:10].astype(float).mean(axis=0)
    assert smooth.smoothed[8] == pytest.approx(expected, abs=1e-6)
    assert smooth.smoothed[0] == pytest.approx(alone.probabilities[:2].astype(float).mean(axis=0), abs=1e-6)
    np.testing.assert_array_equal(smooth.probabilities, alone.probabilities)
    absorbed = segment(levels(), samples, RATE, smoothing=1, shortest=1.5, **options)
    assert told(absorbed) == [(0, 17, "calm")]
    assert absorbed.segments[0].classes["sad"] == pytest.approx(alone.segments[0].classes["sad"], abs=1e-6)


def test_a_short_segment_goes_to_the_longer_neighbour(levels, sound):
    samples = sound((3, 0.1), (1, 0.3), (8, 0.2))
    found = segment(levels(), samples, RATE, window=1, hop=1, speech=None, smoothing=1, shortest=2)
    assert told(found) == [(0, 3, "calm"), (3, 12, "angry")]


def test_it_abstains_below_the_confidence(levels, sound):
    samples = sound((5, 0.1), (5, 0.15), (5, 0.2))
    found = segment(levels(), samples, RATE, window=1, hop=1, speech=None, smoothing=1, min_confidence=0.8)
    assert told(found) == [(0, 5, "calm"), (5, 10, UNSURE), (10, 15, "angry")]
    assert found.verdict.label == UNSURE
    assert found.verdict.shares[UNSURE] == pytest.approx(1 / 3)


def test_segments_do_not_cross_turns_and_every_speaker_has_a_verdict(levels, loud, sound):
    samples = sound((10, 0.1), (10, 0.3), (5, 0.1))
    turns = [Turn(0, 10, "anna"), Turn(10, 20, "bert"), Turn(21, 25, "anna")]
    model = levels()
    found = segment(model, samples, RATE, speech=loud, turns=turns)
    assert told(found) == [(0, 10, "calm"), (10, 20, "sad"), (20, 21, NO_SPEECH), (21, 25, "calm")]
    assert [one.speaker for one in found.segments] == ["anna", "bert", None, "anna"]
    assert {name: verdict.label for name, verdict in found.speakers.items()} == {"anna": "calm", "bert": "sad"}
    assert found.speakers["anna"].shares == {"calm": 1.0}
    assert found.speakers["anna"].seconds == 14
    assert found.speakers["anna"].speech == pytest.approx(14, abs=0.1)
    assert all(len(set(heard.tolist())) == 1 for heard in model.heard), "no window mixes two turns"


def test_turns_next_to_each_other_of_one_speaker_stay_apart(levels, sound):
    turns = [Turn(0, 5, "anna"), Turn(5, 10, "anna")]
    found = segment(levels(), sound((10, 0.1)), RATE, speech=None, turns=turns)
    assert told(found) == [(0, 5, "calm"), (5, 10, "calm")]


def test_turns_of_another_recording_are_refused(levels, sound):
    with pytest.raises(SerHfError, match=r"the turns: the first one begins at 60 s, and the recording ends at 10 s"):
        segment(levels(), sound((10, 0.1)), RATE, speech=None, turns=[Turn(60, 70, "anna")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing": 2}, "smoothing is 2; expected an odd number"),
        ({"smoothing": 0}, "smoothing is 0"),
        ({"shortest": -1}, "shortest is -1; expected seconds, not below 0"),
        ({"pause": math.nan}, "pause is nan"),
        ({"min_confidence": 2}, "min_confidence is 2"),
        ({"speech": "ears"}, "unknown speech detector 'ears'"),
        ({"window": 9}, "window is 9 s"),
    ],
)
def test_bad_options(levels, sound, options, message):
    with pytest.raises(SerHfError, match=message):
        segment(levels(), sound((1, 0.1)), RATE, **options)


def test_a_file_is_read_in_blocks_and_heard_like_its_samples(levels, loud, tmp_path):
    rng = random.Random(0)
    levels_of = [(rng.uniform(1, 20), rng.choice([0, 0.1, 0.2, 0.3])) for _ in range(20)]
    samples = np.concatenate([np.full(round(s * RATE), level, np.float32) for s, level in levels_of])
    soundfile.write(tmp_path / "long.wav", samples, RATE, subtype="FLOAT")
    seen: list[float] = []
    by_file = segment(levels(), tmp_path / "long.wav", speech=loud, progress=seen.append)
    by_samples = segment(levels(), samples, RATE, speech=loud)
    assert by_file.segments == by_samples.segments
    assert by_file.name == str(tmp_path / "long.wav")
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(by_file.duration)
    assert (by_file.envelope[:, 1].max(), by_file.envelope[:, 0].min()) == (np.float32(0.3), 0)
    assert by_file.edges[-1] == pytest.approx(by_file.duration)


def test_recordings_that_cannot_be_heard(levels, tmp_path):
    with pytest.raises(AudioError, match=r"none.wav does not exist"):
        segment(levels(), tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"text.wav is text, not audio"):
        segment(levels(), tmp_path / "text.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError, match="holds no samples"):
        segment(levels(), tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"nan.wav.*NaN or infinite"):
        segment(levels(), tmp_path / "nan.wav")
    soundfile.write(tmp_path / "ten.wav", np.zeros(10 * RATE), RATE)
    with pytest.raises(AudioError, match=r"ten.wav is longer than max_duration"):
        segment(levels(), tmp_path / "ten.wav", max_duration=9)


@pytest.mark.real
def test_recordings_of_actors(shared_data):
    """Three clips with pauses between them: each is one segment or two, and what is between them is none."""
    model = open_model("default", "cpu")
    clips = sorted((shared_data / "ravdess").rglob("*.flac"))[:3]
    pause = np.zeros(16_000 * 5, np.float32)
    from ser_hf.audio import load

    samples = np.concatenate([part for clip in clips for part in (load(clip, 16_000), pause)])
    found = segment(model, samples, 16_000)
    check(found, len(samples) / 16_000)
    gaps = [one for one in found.segments if not one.spoken and one.end - one.start > 4]
    assert len(gaps) == 3
    assert 3 <= sum(one.spoken for one in found.segments) <= 6
    assert 3 < found.verdict.speech < 9
