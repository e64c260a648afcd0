"""Decoding in processes of their own, bounded in time and memory."""

import base64
import io
import json
import os
import signal
import threading
import time

import numpy as np
import pytest
import soundfile

from ser_hf.audio import load, speech_detector
from ser_hf.audio.bounded import BoundedDecoder
from ser_hf.base.errors import AudioError, SerHfError, TooLongError


def wav(seconds=1.0, rate=16_000, channels=1, form="WAV"):
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate), channels))
    soundfile.write(file, noise, rate, format=form)
    return file.getvalue()


@pytest.fixture(scope="module")
def decoder():
    decoder = BoundedDecoder(16_000, max_duration=10, workers=2, speech="rule")
    yield decoder
    decoder.close()


@pytest.mark.parametrize("data", [wav(), wav(0.7, 44_100, 2), wav(form="FLAC"), wav(2, 8_000, form="OGG")])
def test_it_gives_what_load_gives(decoder, data):
    found, expected = decoder.decode(data, "x"), load(data, 16_000)
    np.testing.assert_array_equal(found.samples, expected)
    assert found.samples.dtype == np.float32
    assert found.seconds == len(expected) / 16_000
    assert found.speech == speech_detector("rule").seconds(expected, 16_000)


def test_json_of_a_file_and_of_samples(decoder):
    data = wav()
    expected = load(data, 16_000)
    file = json.dumps({"audio": base64.b64encode(data).decode()}).encode()
    array = json.dumps({"array": expected.tolist(), "sampling_rate": 16_000}).encode()
    for body in (file, array):
        np.testing.assert_array_equal(decoder.decode(body, "x", "json").samples, expected)


def test_a_file_to_a_file(decoder, tmp_path):
    source, into = tmp_path / "in.flac", tmp_path / "out.wav"
    source.write_bytes(wav(3, 22_050, form="FLAC"))
    found = decoder.decode(source, "x", into=into)
    assert not len(found.samples)
    np.testing.assert_array_equal(soundfile.read(into, dtype="float32")[0], load(source, 16_000))


def test_errors_are_those_of_load_and_name_the_recording(decoder):
    with pytest.raises(AudioError, match=r"mine\.wav is not audio"):
        decoder.decode(b"\x01\x02\x03" * 100, "mine.wav")
    with pytest.raises(TooLongError, match="20 s") as error:
        decoder.decode(wav(20), "mine.wav")
    assert (error.value.seconds, error.value.limit) == (20, 10)
    assert decoder.decode(wav(20), "mine.wav", max_duration=30).seconds == 20


def test_what_takes_too_long_is_ended_and_the_next_one_decoded(decoder):
    decoder.start()
    decoder.decode(wav(), "x")
    start = time.monotonic()
    with pytest.raises(AudioError, match=r"longer than 0\.001 s"):
        decoder.decode(wav(9.9, 48_000, form="FLAC"), "x", timeout=0.001)
    assert time.monotonic() - start < 5
    assert decoder.decode(wav(), "x").seconds == 1


def test_what_needs_too_much_memory_is_refused():
    decoder = BoundedDecoder(16_000, memory=64 << 20, workers=1, speech=None)
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(48_000 * 600, np.float32), 48_000, format="FLAC")
    with pytest.raises(AudioError, match="memory"):
        decoder.decode(silence.getvalue(), "x")
    assert decoder.decode(wav(), "x").speech is None
    decoder.close()


def test_a_process_that_dies_costs_one_answer():
    decoder = BoundedDecoder(16_000, workers=1, speech=None)
    decoder.decode(wav(), "x")
    (worker,) = decoder._idle.queue
    os.kill(worker._process.pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (worker._process.pid, signal.SIGKILL)).start()
    with pytest.raises(AudioError, match="ended the decoder"):
        decoder.decode(wav(), "x")
    assert decoder.decode(wav(), "x").seconds == 1
    decoder.close()


def test_many_threads_share_the_processes(decoder):
    data, found = [wav(0.1 + i / 20) for i in range(16)], {}
    threads = [threading.Thread(target=lambda i=i: found.update({i: decoder.decode(data[i], "x")})) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found[i].samples) for i in range(16)] == [len(load(one, 16_000)) for one in data]


def test_no_process_is_left():
    decoder = BoundedDecoder(16_000, workers=1, speech=None)
    decoder.decode(wav(), "x")
    (worker,) = decoder._idle.queue
    decoder.close()
    assert worker._process.returncode == 0


@pytest.mark.parametrize("options", [{"timeout": 0}, {"workers": 0}, {"memory": -1}, {"speech": "ears"}])
def test_options_that_cannot_be(options):
    with pytest.raises(SerHfError):
        BoundedDecoder(16_000, **options)
