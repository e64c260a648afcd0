"""Checks on the way in: what is wrong with a recording, all of it in one error, and what is only odd."""

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import AudioError
from ser_hf.base.plain import one_line
from ser_hf.corpora import CORPORA, scan
from ser_hf.data import checks, load_corpus
from ser_hf.data.checks import BadClip, BadRecordingError, Findings, bad_clips_error, read_clip, repeated_audio

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"
PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"
RATE = 16_000


def ravdess(emotion: int, actor: int = 1, repetition: int = 1) -> str:
    return f"ravdess/03-01-{emotion:02d}-01-01-{repetition:02d}-{actor:02d}.wav"


def clip_id(*numbers: int) -> str:
    return ravdess(*numbers).removesuffix(".wav")


def only(path: Path):
    """The one clip of a RAVDESS folder."""
    return scan(CORPORA["ravdess"], path.parent).clips[0]


def write(path: Path, samples: np.ndarray, rate: int = RATE, **settings) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **settings)
    return path


@pytest.fixture
def root(tmp_path, write_clip):
    """A data root with eight RAVDESS clips of one actor, at the rate of the release."""
    for emotion in range(1, 9):
        write_clip(tmp_path / "root" / ravdess(emotion), rate=48_000)
    return tmp_path / "root"


@pytest.fixture
def load(root, tmp_path):
    def load(*corpora, **settings):
        return load_corpus(corpora or ["ravdess"], **{"data_root": root, "cache_dir": tmp_path / "cache"} | settings)

    return load


def spoil(root: Path) -> dict[str, str]:
    """Spoils six of eight clips; gives name -> what is wrong."""
    whole = (root / ravdess(4)).read_bytes()
    for emotion, data in {1: b"", 2: POINTER, 3: PAGE, 4: whole[:2000], 5: b""}.items():
        (root / ravdess(emotion)).write_bytes(data)
    write(root / ravdess(6), np.zeros(800))
    return {
        ravdess(1): "is empty (0 bytes)",
        ravdess(2): "is a Git-LFS pointer",
        ravdess(3): "is a web page (HTML)",
        ravdess(4): "is truncated",
        ravdess(5): "is empty (0 bytes)",
        ravdess(6): "is silent: all samples are zero",
    }


@pytest.mark.parametrize("num_proc", [None, 2])
def test_one_error_lists_everything_that_is_bad(root, load, num_proc):
    wrong = spoil(root)
    with pytest.raises(AudioError) as caught:
        load(num_proc=num_proc)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("6 of 8 clips cannot be used; mend them, or leave out what is bad with --skip_bad")
    assert lines[0] == "  2 clips: is empty", "what is wrong with most comes first"
    assert {line for line in lines if line.startswith("  1 clip: ")} == {
        f"  1 clip: {kind}" for kind in ("is a Git-LFS pointer", "is a web page", "is truncated", "is silent")
    }
    for name, reason in wrong.items():
        assert sum(line.startswith(f"    {root / name} {reason}") for line in lines) == 1


@pytest.mark.parametrize("num_proc", [None, 2])
def test_on_request_all_of_it_is_left_out_and_stands_in_the_ledger(root, load, num_proc):
    wrong = spoil(root)
    ledger = load(skip_bad=True, num_proc=num_proc).ledger
    assert load(skip_bad=True, num_proc=num_proc).ledger == ledger, "from the cache"
    assert (ledger.found, ledger.used) == (8, 2)
    actions = {(row.native_label, row.action): row.clips for row in ledger.rows if row.action != "kept"}
    unreadable = {(name, "unreadable"): 1 for name in ("neutral", "calm", "happy", "sad", "angry")}
    assert actions == {**unreadable, ("fearful", "bad"): 1}
    assert sum(row.clips for row in ledger.rows) == 8
    listed = [*ledger.unreadable, *ledger.bad]
    expected = [f"ravdess/{Path(name).stem} {reason}" for name, reason in wrong.items()]
    assert all(line.startswith(words) for line, words in zip(listed, expected, strict=True)), listed
    assert ledger.to_dict()["bad"] == list(ledger.bad)
    assert f"- bad: {clip_id(6)} is silent" in ledger.to_table()


def test_what_the_corpus_knows_to_be_bad_is_bad(root, load, monkeypatch):
    record = replace(CORPORA["ravdess"], bad={clip_id(5): "no signal in the release"})
    monkeypatch.setitem(CORPORA._entries, "ravdess", record)
    with pytest.raises(AudioError, match=re.escape(f"{ravdess(5)} is known to be bad: no signal in the release")):
        load()
    ledger = load(skip_bad=True).ledger
    assert [(row.native_label, row.label) for row in ledger.rows if row.action == "bad"] == [("angry", None)]
    assert len(ledger.bad) == 1
    assert ledger.unreadable == ()


def test_a_bad_clip_that_the_scheme_drops_counts_as_dropped(root, load):
    write(root / ravdess(2), np.zeros(800))
    rows = [row for row in load(scheme="7class").ledger.rows if row.native_label == "calm"]
    assert [(row.action, row.clips) for row in rows] == [("dropped", 1)]


@pytest.mark.parametrize(
    ("peak", "level"),
    [(0.0, "all samples are zero"), (0.99e-4, "-80 dBFS"), (1e-6, "-120 dBFS"), (1.01e-4, None), (1.0, None)],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_silence_is_a_matter_of_the_peak(tmp_path, peak, level, sign):
    samples = np.zeros(800, np.float32)
    samples[400] = sign * peak
    path = write(tmp_path / Path(ravdess(1)).name, samples, subtype="FLOAT")
    if level is None:
        assert abs(read_clip(only(path), CORPORA["ravdess"]).samples).max() == pytest.approx(peak)
    else:
        with pytest.raises(BadRecordingError, match=re.escape(f"{path} is silent: {level}")):
            read_clip(only(path), CORPORA["ravdess"])


@given(exponent=st.floats(-7, 0), length=st.integers(800, 900))
def test_silent_or_not(tmp_path_factory, exponent, length):
    folder = tmp_path_factory.mktemp("clip", numbered=True)
    path = write(folder / Path(ravdess(1)).name, 10.0**exponent * (-1.0) ** np.arange(length), subtype="DOUBLE")
    loud = 20 * math.log10(np.float32(10.0**exponent)) >= -80
    if loud:
        assert len(read_clip(only(path), CORPORA["ravdess"]).samples) == length
    else:
        with pytest.raises(BadRecordingError):
            read_clip(only(path), CORPORA["ravdess"])


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 800)


@pytest.mark.parametrize(
    ("samples", "what"),
    [
        (NOISE[:160], "is too short: 0.01 s, expected 0.05 or more"),
        (NOISE[:1], "is constant: an offset of 0.137 and no signal"),
        (NOISE[:799], "is too short: 0.0499 s"),
        (np.full(800, 0.25), "is constant: an offset of 0.25 and no signal"),
    ],
    ids=["10 ms", "one sample", "a sample too few", "DC"],
)
def test_what_holds_no_speech_is_bad(tmp_path, samples, what):
    path = write(tmp_path / Path(ravdess(1)).name, samples, subtype="FLOAT")
    with pytest.raises(BadRecordingError, match=re.escape(f"{path} {what}")):
        read_clip(only(path), CORPORA["ravdess"])


def test_what_is_odd_is_told_and_used(root, load):
    write(root / ravdess(1), np.tile(NOISE, 4) * 10 ** (-56 / 20), 48_000, subtype="FLOAT")
    write(root / "ravdess/03-01-01-02-01-02-01.wav", np.tile(NOISE, 4), 48_000)
    found = load()
    assert len(found.dataset) == 9
    told = [line for line in found.remarks if "far below" in line or "neutral of strong" in line]
    assert told == [
        f"ravdess: far below the level of speech (peak below -55 dBFS): 1 clip, {clip_id(1)}",
        "ravdess: neutral of strong intensity, which corpora do not have: 1 clip, ravdess/03-01-01-02-01-02-01",
    ]


def test_one_recording_under_two_labels_is_left_out_on_request(root, load):
    (root / ravdess(3)).write_bytes((root / ravdess(5)).read_bytes())
    assert len(load().dataset) == 8, "the audit refuses the split; a dataset can still be looked at"
    found = load(skip_bad=True)
    assert len(found.dataset) == found.ledger.used == 6
    assert found.ledger.bad == (
        f"{clip_id(3)} is the same recording as {clip_id(5)}, under another label",
        f"{clip_id(5)} is the same recording as {clip_id(3)}, under another label",
    )


@pytest.mark.parametrize("num_proc", [None, 2])
def test_files_found_are_files_used_and_left_out(root, load, num_proc, write_clip):
    spoil(root)
    for name in ("ravdess/a (1).wav", "ravdess/03-02-05-01-01-01-01.wav", "ravdess/03-01-09-01-01-01-01.wav"):
        write_clip(root / name)
    ledger = load(skip_bad=True, num_proc=num_proc).ledger
    assert (ledger.files, ledger.used) == (11, 2)
    assert "11 audio files found = 2 used + 9 left out\n" in ledger.to_table()
    assert "  1 ravdess: the channel song (02), e.g. 03-02-05-01-01-01-01.wav\n" in ledger.to_table()
    assert "- bad: 03-01-09-01-01-01-01.wav: unknown RAVDESS emotion code 09; expected 01 to 08\n" in ledger.to_table()
    assert ledger.to_dict()["files"] == 11
    assert (
        sum(row["clips"] for row in ledger.to_dict()["rows"])
        + sum(other["files"] for other in ledger.to_dict()["left_out"])
        == 11
    )


def bad(reason: str, i: int) -> BadClip:
    return BadClip(f"x/{i}", f"/data/{i}.wav", f"/data/{i}.wav {reason}", unreadable=True)


def test_long_lists_are_cut_in_every_group():
    clips = [bad("is empty (0 bytes)", i) for i in range(30)]
    clips += [bad(f"is truncated: {i} bytes declared, 1 present", i) for i in range(30, 37)] + [bad("is silent: x", 99)]
    lines = str(bad_clips_error(clips, 1000)).splitlines()
    assert lines[0].startswith("38 of 1000 clips cannot be used")
    assert [line for line in lines[1:] if not line.startswith("    /data")] == [
        "  30 clips: is empty",
        "    and 27 more",
        "  7 clips: is truncated",
        "    and 4 more",
        "  1 clip: is silent",
    ]
    assert lines[2] == "    /data/0.wav is empty (0 bytes)"
    assert len(str(bad_clips_error(clips[:10], 10)).splitlines()) == 12, "ten of a kind are shown"


def test_a_single_bad_clip_is_one_line():
    message = str(bad_clips_error([bad("is empty (0 bytes)", 7)], 28))
    assert message.startswith("1 of 28 clips cannot be used: /data/7.wav is empty (0 bytes). ")
    assert "\n" not in message
    assert "--skip_bad" in message


def test_nothing_is_said_of_a_corpus_that_is_as_released(root, load):
    assert load().remarks == load().remarks
    assert [line for line in load().remarks if "1440 in the official release" not in line] == []


def test_odd_files_are_remarks(root, load):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4800, 2))
    write(root / ravdess(1), noise, 48_000)
    write(root / ravdess(2), noise[:, 0], 16_000)
    write(root / ravdess(3), noise[:, 1], 48_000, format="AIFF")
    write(root / ravdess(4), noise[:, 1] / 2, 48_000, format="WAVEX")
    found = load()
    assert len(found.dataset) == 8
    assert list(found.remarks[1:]) == [
        f"ravdess: 2 channels, mixed down to one: 1 clip, {clip_id(1)}",
        f"ravdess: AIFF inside .wav: 1 clip, {clip_id(3)}",
        f"ravdess: sampled at 16000 Hz, the release at 48000 Hz: 1 clip, {clip_id(2)}",
    ]
    assert load().remarks == found.remarks, "from the cache"


@pytest.mark.parametrize("num_proc", [None, 2])
def test_odd_files_are_counted_across_workers(tmp_path, write_clip, num_proc):
    for emotion in range(1, 9):
        write_clip(tmp_path / ravdess(emotion))
    remarks = load_corpus(["ravdess"], data_root=tmp_path, cache_dir=tmp_path / "cache", num_proc=num_proc).remarks
    first = ", ".join(map(clip_id, (1, 2, 3)))
    assert remarks[1] == f"ravdess: sampled at 16000 Hz, the release at 48000 Hz: 8 clips, e.g. {first}"


def test_the_users_own_recordings_may_have_any_rate(tmp_path, write_clip):
    write_clip(tmp_path / "sad/a.wav", rate=8_000)
    found = load_corpus(["folder"], data_dirs={"folder": str(tmp_path)}, cache_dir=tmp_path / "cache")
    assert found.remarks == ()


def test_recordings_that_are_there_twice_are_remarks(root, load, write_clip):
    (root / ravdess(2)).write_bytes((root / ravdess(1)).read_bytes())
    samples, rate = soundfile.read(root / ravdess(4), dtype="int16")
    write(root / ravdess(4, repetition=2), samples, rate, format="FLAC")
    write(root / "savee/DC_a01.wav", samples, 44_100)
    write(root / "tess/OAF_back_sad.wav", samples, 44_100)
    lines = [line for line in load("ravdess", "savee", "tess").remarks if "more than once" in line]
    assert lines == [
        f"ravdess: 1 recording is there more than once: {clip_id(4)} = {clip_id(4, 1, 2)}",
        f"ravdess: 1 recording is there more than once, under different labels (conflict): {clip_id(1)} = {clip_id(2)}",
        "savee and tess: 1 recording is there more than once, under different labels (conflict): "
        "savee/DC/a01 = tess/OAF_back_sad",
    ]


def test_many_repeated_recordings_are_counted(make_rows):
    rows = make_rows(["a"] * 13, labels=[0] * 13, hashes=[*"aabbccddee", "f", "g", "c"])
    (line,) = repeated_audio(rows)
    assert line == "ravdess: 5 recordings are there more than once: a/0 = a/1, a/2 = a/3, a/4 = a/5 = a/12 and 2 more"
    assert repeated_audio(make_rows(["a", "b"])) == []


def test_findings_are_read_as_they_were_written(tmp_path):
    one, two = Findings(), Findings()
    one.bad.append(bad("is empty", 1))
    two.bad.append(replace(bad("is \udce9", 2), unreadable=False))
    for i in range(5):
        one.add_odd("ravdess", "stereo", [f"/{i}"])
    two.add_odd("ravdess", "stereo", ["/5"])
    two.add_odd("tess", "AIFF", ["/\udce9"])
    one.write(tmp_path / "1.json")
    two.write(tmp_path / "2.json")
    both = Findings.read(tmp_path / "1.json", tmp_path / "2.json")
    assert both.bad == [*one.bad, *two.bad]
    assert both.odd == {("ravdess", "stereo"): (6, ("/0", "/1", "/2")), ("tess", "AIFF"): (1, ("/\udce9",))}
    assert both.left_out(unreadable=True) == {"x/1": "x/1 is empty"}
    assert both.left_out(unreadable=False) == {"x/2": "x/2 is \udce9"}
    assert all(json.loads(path.read_text()) for path in tmp_path.iterdir())
    assert Findings.read() == Findings()


@pytest.mark.parametrize("name", [b"\xe9.wav", b"%s.wav", b"a, b; c: (d).wav"])
def test_odd_names_of_bad_files(tmp_path, write_clip, name):
    write_clip(tmp_path / "mine/sad/a.wav")
    path = Path(os.fsdecode(os.fsencode(tmp_path / "mine/sad") + b"/" + name))
    path.write_bytes(b"")
    settings = {"data_dirs": {"folder": str(tmp_path / "mine")}, "cache_dir": tmp_path / "cache"}
    with pytest.raises(AudioError, match=re.escape(f"1 of 2 clips cannot be used: {one_line(str(path))} is empty")):
        load_corpus(["folder"], **settings)
    ledger = load_corpus(["folder"], skip_bad=True, **settings).ledger
    assert (ledger.used, len(ledger.unreadable)) == (1, 1)


@pytest.mark.real
def test_the_untouched_originals(shared_data, tmp_path):
    remarks = load_corpus(["ravdess", "tess"], data_root=shared_data / "originals", cache_dir=tmp_path).remarks
    stereo, aiff, rate, twins = (line for line in remarks if "official release" not in line)
    assert stereo.startswith("ravdess: 2 channels, mixed down to one: 5 clips, e.g. ")
    assert aiff == "tess: AIFF inside .wav: 2 clips, tess/YAF_germ_angry, tess/YAF_neat_fear"
    assert rate == "tess: sampled at 96000 Hz, the release at 24414 Hz: 1 clip, tess/OAF_food_fear"
    assert twins == (
        "ravdess: 1 recording is there more than once: ravdess/03-01-03-01-02-01-07 = ravdess/03-01-03-01-02-02-07"
    )


def test_the_limit_is_80_dbfs():
    assert 20 * math.log10(checks.SILENCE) == pytest.approx(-80)
