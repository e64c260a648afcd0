"""Live sound: the answers of `segment`'s windows whatever the blocks, soon, and without growing."""

import io
import os
import sys
import threading

import numpy as np
import pytest
import soundfile

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.inference import NO_SPEECH, UNSURE, live, open_model, segment
from ser_hf.inference.sound import resampled
from ser_hf.inference.streaming import microphone_blocks, pcm_blocks

RATE = 1000


def blocks_of(samples, *sizes):
    at, number = 0, 0
    while at < len(samples):
        size = sizes[number % len(sizes)]
        yield samples[at : at + size]
        at, number = at + size, number + 1


def same(answers, timeline):
    assert [answer.start for answer in answers] == pytest.approx(timeline.starts)
    assert [answer.end for answer in answers] == pytest.approx(timeline.ends)
    for answer, shares in zip(answers, timeline.probabilities, strict=True):
        if answer.label == NO_SPEECH:
            assert np.isnan(shares).all()
            assert answer.confidence is None
        else:
            assert [answer.classes[name] for name in timeline.labels] == pytest.approx(shares.tolist(), abs=1e-5)


@pytest.mark.parametrize("sizes", [(1,), (7, 1, 100), (160,), (10_000,), (3, 10_000)])
def test_blocks_of_any_size_give_the_windows_of_segment(levels, loud, sound, sizes):
    samples = sound((5, 0.1), (9, 0), (3.3, 0.3), (4.217, 0.2))
    timeline = segment(levels(), samples, RATE, speech=loud)
    same(list(live(levels(), blocks_of(samples, *sizes), RATE, speech=loud)), timeline)


@pytest.mark.parametrize("rate", [16_000, 44_100, 8_000])
@pytest.mark.parametrize("sizes", [(1600,), (441, 1, 100_000)])
def test_a_file_live_is_the_file_segmented(rate, sizes, tmp_path):
    rng = np.random.default_rng(0)
    time = np.arange(rate * 9) / rate
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12))
    samples = (0.1 * voice * (time % 5 < 3) + rng.normal(0, 1e-3, len(time))).astype(np.float32)
    soundfile.write(tmp_path / "file.wav", samples, rate, subtype="FLOAT")
    model = open_model("default", "cpu")
    timeline = segment(model, tmp_path / "file.wav", speech="rule")
    assert not np.isnan(timeline.probabilities).all()
    same(list(live(model, blocks_of(samples, *sizes), rate, speech="rule")), timeline)


def test_answers_come_within_a_hop_and_a_block(levels, sound):
    came: list[int] = []

    def blocks():
        for _ in range(100):
            came.append(300)
            yield sound((0.3, 0.1))

    for number, answer in enumerate(live(levels(), blocks(), RATE, window=2, hop=0.5, speech=None)):
        assert answer.end <= sum(came) / RATE + 1e-9
        if number < 50:
            assert answer.end == 2 + 0.5 * number
            assert sum(came) / RATE - answer.end < 0.3


def test_silence_abstaining_and_ratings(levels, loud, sound):
    samples = sound((4, 0), (4, 0.15), (4, 0.2))
    options = {"window": 4, "hop": 4, "speech": loud, "min_confidence": 0.6}
    answers = list(live(levels(targets=["arousal"]), [samples], RATE, **options))
    assert [answer.label for answer in answers] == [NO_SPEECH, UNSURE, "angry"]
    assert answers[0].classes == answers[0].dimensions == {}
    assert answers[2].dimensions == pytest.approx({"arousal": 0.2}, abs=1e-6)
    assert answers[2].as_dict()["scores"] == answers[2].classes
    assert [answer.speech for answer in answers] == pytest.approx([0, 4, 4], abs=0.04)


def test_nothing_comes_of_nothing(levels):
    assert list(live(levels(), [], RATE, speech=None)) == []
    assert list(live(levels(), [np.zeros(0, np.float32)], RATE, speech=None)) == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros((10, 2), np.float32), r"shape \(10, 2\) and holds float32; expected mono float samples"),
        (np.zeros(10, np.int16), "holds int16"),
        (np.array([0.1, np.inf]), "NaN or infinite"),
    ],
)
def test_blocks_that_are_no_samples(levels, block, message):
    with pytest.raises(SerHfError, match=message):
        list(live(levels(), [block], RATE, speech=None))


def test_options_are_checked_before_anything_is_read(levels):
    for options in ({"rate": 10}, {"window": 9}, {"min_confidence": 2}, {"speech": "ears"}):
        with pytest.raises(SerHfError):
            live(levels(), iter(()), **{"rate": RATE, **options})


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_resampling_block_by_block_is_resampling_the_whole(rate):
    samples = np.random.default_rng(1).normal(0, 0.1, rate * 2 + 17).astype(np.float32)
    (whole,) = [np.concatenate(list(resampled([samples], rate, 16_000)))]
    for sizes in ((1000,), (1, 5000, 17)):
        found = np.concatenate(list(resampled(blocks_of(samples, *sizes), rate, 16_000)))
        np.testing.assert_allclose(found, whole, atol=1e-5)


class Trickle(io.RawIOBase):
    """Gives its bytes in odd portions."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def read(self, size=-1):
        found = self.data[self.at : self.at + 7]
        self.at += len(found)
        return found


def test_raw_samples_in_odd_portions():
    values = np.arange(-1000, 1000, dtype="<i2")
    found = np.concatenate(list(pcm_blocks(Trickle(values.tobytes() + b"\x01"))))
    np.testing.assert_array_equal(found, values.astype(np.float32) / 32768)
    assert list(pcm_blocks(io.BytesIO(b""))) == []


def test_a_pipe_is_read_as_it_comes():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as pipe:
        blocks = pcm_blocks(stream)
        pipe.write(np.ones(50, "<i2").tobytes())
        assert len(next(blocks)) == 50
        pipe.write(np.ones(9, "<i2").tobytes())
        assert len(next(blocks)) == 9
        pipe.close()
        assert list(blocks) == []


class Microphone:
    """Stands for sounddevice: a stream that calls back from a thread of its own."""

    class PortAudioError(Exception):
        pass

    def __init__(self, count=5, error=None):
        self.count, self.error = count, error

    def InputStream(self, rate, size, device, channels, dtype, callback):  # noqa: N802
        if self.error:
            raise self.error
        outer = self

        class Stream:
            def __enter__(self):
                def play():
                    for number in range(outer.count):
                        callback(np.full((size, 1), number / 1000, np.float32), size, None, None)

                self.thread = threading.Thread(target=play)
                self.thread.start()

            def __exit__(self, *_):
                self.thread.join()

        return Stream()


def test_a_microphone(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone())
    blocks = microphone_blocks(RATE)
    found = [next(blocks) for _ in range(5)]
    blocks.close()
    assert [block.shape for block in found] == [(100,)] * 5
    assert [float(block[0]) for block in found] == pytest.approx([0, 0.001, 0.002, 0.003, 0.004])


def test_a_microphone_that_fails(monkeypatch):
    error = Microphone.PortAudioError("Error querying device\n-1")
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone(error=error))
    with pytest.raises(AudioError, match="the microphone cannot be used: Error querying device -1"):
        next(microphone_blocks(RATE))
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone(count=500))
    blocks = microphone_blocks(RATE)
    next(blocks)
    with pytest.raises(AudioError, match="the model is slower than the microphone"):
        list(blocks)


def test_a_missing_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SerHfError, match=r"pip install 'ser_hf\[live\]'"):
        microphone_blocks(RATE)
    monkeypatch.delitem(sys.modules, "sounddevice")
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SerHfError, match=r"does not find PortAudio \(PortAudio library not found\); install it"):
        microphone_blocks(RATE)
