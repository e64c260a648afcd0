"""Recordings are decoded in order by processes, and one that ends its process ends nothing else."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ser_hf.audio import load
from ser_hf.inference.batch import Decoder, Item, Settings, sources_of

SETTINGS = Settings(16_000, speech="rule")


def sounds(decoder, items):
    return [sound for _, _, sound in decoder(enumerate(items))]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_order_and_samples_are_those_of_the_files(calls, workers):
    items = [*sources_of([calls]).items()]
    with Decoder(SETTINGS, workers) as decoder:
        told = [*decoder(enumerate(items))]
    assert [number for number, _, _ in told] == [*range(60)]
    for _, item, sound in told:
        np.testing.assert_array_equal(sound.samples, load(item.path, 16_000))
        assert 0 <= sound.speech <= len(sound.samples) / 16_000 + 1e-9


@pytest.mark.parametrize("workers", [0, 2])
def test_bytes_parts_and_bad_ones(calls, tmp_path, workers):
    good = calls / "0" / "clip00.wav"
    data = good.read_bytes()
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "zero.wav").touch()
    items = [
        Item("bytes", data=data),
        Item("part of bytes", data=data, start=0.1, end=0.15),
        Item("part", str(good), 0.1, 0.15),
        Item("text", str(tmp_path / "text.wav")),
        Item("zero", str(tmp_path / "zero.wav")),
        Item("gone", str(tmp_path / "gone.wav")),
        Item("folder", str(tmp_path)),
        Item("beyond", str(good), 5.0, 6.0),
        Item("beyond bytes", data=data, start=5.0, end=6.0),
        Item("known", error="said before"),
        Item("row 7", data=b"RIFF nothing"),
        Item("last", str(good)),
    ]
    with Decoder(SETTINGS, workers) as decoder:
        found = sounds(decoder, items)
    whole = load(good, 16_000)
    np.testing.assert_array_equal(found[0].samples, whole)
    np.testing.assert_array_equal(found[1].samples, whole[1600:2400])
    np.testing.assert_array_equal(found[2].samples, whole[1600:2400])
    said = [sound.error for sound in found]
    for number, words in {
        3: "is text, not audio",
        4: "is empty",
        5: "does not exist",
        6: "is a folder",
        7: "starts at 5 s",
        8: "beyond bytes starts at 5 s",
        9: "said before",
        10: "row 7 is truncated",
    }.items():
        assert words in said[number]
        assert found[number].samples is None
    np.testing.assert_array_equal(found[11].samples, whole)


STAND_IN = """
import os, signal
import ser_hf.inference.batch.hearing as hearing
import ser_hf.inference.batch.worker as worker

plain = hearing.hearer

def hearer(settings):
    hear = plain(settings)
    def heard(item):
        if "segfault" in item.id:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "raises" in item.id:
            raise RuntimeError("a library's own")
        if "once" in item.id and not os.path.exists(item.path + ".seen"):
            open(item.path + ".seen", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return hear(item)
    return heard

worker.hearer = hearer
worker.main()
"""


@pytest.fixture
def frail(monkeypatch, tmp_path):
    """Workers that some recordings end."""
    (tmp_path / "frail_worker.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("ser_hf.inference.batch.decoding._WORKER", "frail_worker")


def test_a_recording_that_ends_its_worker_is_told_and_the_others_go_on(calls, frail, tone, tmp_path):
    good = str(calls / "0" / "clip00.wav")
    once = str(tone(tmp_path / "once.wav", 300, 0.2))
    names = ["a", "segfault", "b", "raises", "once", "c", "segfault", *map(str, range(20))]
    with Decoder(SETTINGS, 2) as decoder:
        found = sounds(decoder, [Item(name, once if name == "once" else good) for name in names])
    said = dict(zip(names, (sound.error for sound in found), strict=True))
    assert said.pop("segfault").endswith(f"the process that did it was ended by signal {int(signal.SIGSEGV)}")
    assert said.pop("raises").endswith("the process that did it ended with exit code 1")
    assert set(said.values()) == {None}
    assert np.array_equal(found[0].samples, found[-1].samples)


def test_no_process_is_left_by_who_stops_listening(calls):
    with Decoder(SETTINGS, 2) as decoder:
        told = decoder(enumerate([*sources_of([calls]).items()] * 5))
        next(told)
        pids = [process._process.pid for process in decoder._all if process._process]
    assert pids
    assert not [pid for pid in pids if Path("/proc", str(pid)).exists()] or sys.platform != "linux"


def test_no_more_is_decoded_ahead_than_fits(calls):
    asked = []

    def items():
        for number, item in enumerate([*sources_of([calls]).items()] * 20):
            asked.append(number)
            yield number, item

    with Decoder(SETTINGS, 1) as decoder:
        told = decoder(items())
        next(told)
        time.sleep(0.2)
        assert len(asked) <= 40
