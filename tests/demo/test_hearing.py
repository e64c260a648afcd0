"""What the page shows of a recording, and what it says where it cannot be used."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from ser_hf.base.errors import AudioError, SerHfError, TooLongError
from ser_hf.demo import Limits
from ser_hf.demo.hearing import Hearing
from ser_hf.demo.words import about, answer, file_name, head
from ser_hf.inference import Listener, ModelFacts, Scores, SerClassifier


class Loud(Listener):
    """Tells loud from soft."""

    labels = ("soft", "<loud>")
    sampling_rate = 16_000
    window = 2.0

    def score(self, waveforms):
        loud = np.array([min(1.0, float(np.abs(samples).max())) for samples in waveforms], np.float32)
        return Scores(np.stack([1 - loud, loud], axis=1))


def tone(path, seconds, level=0.9, rate=16_000):
    soundfile.write(path, level * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate), rate)
    return path


@pytest.fixture(scope="module")
def hearing():
    hearing = Hearing(Loud(), Limits(max_seconds=30, vad="rule"))
    yield hearing
    hearing.close()


def facts(**changed):
    given = {"name": "loud", "labels": Loud.labels, "targets": (), "sampling_rate": 16_000, "window": 2.0}
    given |= {"version": "0", "licence": "CC BY-NC-SA 4.0", "notice": "n", "score": None}
    return ModelFacts(**{**given, **changed})


def is_picture(path):
    with Image.open(path) as image:
        image.load()
        return image.width > 500


def test_a_short_clip(hearing, tmp_path):
    shown = hearing.hear(tone(tmp_path / "a.flac", 1.5), "a.flac", tmp_path)
    assert shown.label == "<loud>"
    assert list(shown.classes) == ["<loud>", "soft"]
    assert shown.facts[0] == "1.5 s"
    assert shown.warning is None
    assert is_picture(shown.clip)
    assert (shown.attention, shown.timeline, shown.segments) == (None, None, [])


def test_a_long_recording_is_shown_over_time(hearing, tmp_path):
    silence = np.zeros(16_000 * 4)
    sound = np.concatenate([soundfile.read(tone(tmp_path / "x.wav", 6))[0], silence])
    soundfile.write(tmp_path / "long.wav", sound, 16_000)
    shown = hearing.hear(tmp_path / "long.wav", "long.wav", tmp_path)
    assert shown.label == "<loud>"
    assert is_picture(shown.timeline)
    assert [one[2] for one in shown.segments] == ["<loud>", "no speech"]
    assert shown.segments[-1][1] == 10


def test_silence_is_unsure_or_no_speech_and_says_why(hearing, tmp_path):
    for seconds in (1, 10):
        soundfile.write(tmp_path / "s.wav", np.zeros(16_000 * seconds), 16_000)
        shown = hearing.hear(tmp_path / "s.wav", "s.wav", tmp_path)
        assert shown.label in ("unsure", "no speech")
        assert shown.warning


def test_what_cannot_be_used_is_one_line(hearing, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(AudioError, match=r"my\.wav"):
        hearing.hear(tmp_path / "bad.wav", "my.wav", tmp_path)
    with pytest.raises(TooLongError, match="30 s"):
        hearing.hear(tone(tmp_path / "t.wav", 31), "t.wav", tmp_path)


def test_attention_is_drawn_where_the_model_has_it(tiny_run, tmp_path):
    hearing = Hearing(SerClassifier.from_pretrained(tiny_run.folder), Limits(vad="rule"))
    shown = hearing.hear(tone(tmp_path / "a.wav", 0.5), "a.wav", tmp_path)
    hearing.close()
    assert is_picture(shown.attention)


def test_words_from_outside_are_escaped(hearing, tmp_path):
    shown = hearing.hear(tone(tmp_path / "a.wav", 1), "a.wav", tmp_path)
    assert "&lt;loud&gt;" in answer(shown)
    assert "<loud>" not in head(facts()) + answer(shown) + about(facts())
    assert "<script>" not in answer(None, "<script>")
    assert file_name("../../<b>\r\n.wav") == "<b>??.wav"
    assert file_name(None) == "the recording"


def test_the_page_says_what_the_model_is_not_for():
    score = {"uar": 0.5, "interval": [0.4, 0.6], "interval_over": "speakers", "clips": 10, "speakers": 2}
    told = facts(score={**score, "chance": 0.125, "new_voices": True, "caveat": None})
    text = about(told)
    assert "not for commercial use" in text
    assert "95 %: 40 to 60" in text
    for limit in told.limits:
        assert limit in text


@pytest.mark.parametrize("given", [{"max_seconds": 0}, {"max_megabytes": -1}, {"min_confidence": 2}])
def test_limits_that_cannot_be(given):
    with pytest.raises(SerHfError):
        Limits(**given)


def test_wave_files_of_any_level_have_a_picture(tmp_path):
    from ser_hf.reporting.clip_picture import draw_clip

    for samples in (np.zeros(8, np.float32), np.ones(160_000, np.float32), np.full(1, 1e-9, np.float32)):
        file = io.BytesIO()
        draw_clip(samples, 16_000, heard=(0, 1)).savefig(file, format="png")
        assert file.getvalue()
