"""Files of timelines, each read back by a reader of its own that knows only the format."""

import csv
import io
import json
import re
from itertools import pairwise

import pandas as pd
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.inference import NO_SPEECH, UNSURE, segment, write_timeline
from ser_hf.inference.segment_formats import FORMATS, format_of
from ser_hf.inference.turns import Turn

RATE = 1000
HOSTILE = ('say "hi"', "a\nb --> c\n\n00:00.000", "tab\there <b>&amp;", "  ", "NA", "=cmd()", "\u2028{;;}\x00")


@pytest.fixture
def make(levels, loud, sound):
    """A function that makes a timeline of every class for three seconds, with silence between."""

    def timeline(labels=("calm", "angry", "sad"), turns=None, name="calls/one.wav", **options):
        parts = [part for i in range(len(labels)) for part in ((3, 0.1 * (i + 1)), (2.0005, 0))]
        file = io.BytesIO()
        samples, file.name = sound(*parts), name
        import soundfile

        soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
        file.seek(0)
        return segment(levels(labels=labels), file, turns=turns, speech=loud, window=0.5, hop=0.5, **options)

    return timeline


@pytest.fixture(params=["plain", "hostile", "turns"])
def timeline(request, make):
    """With names as they are, with names that break formats, and with speakers who are called so too."""
    if request.param == "plain":
        return make(min_confidence=0.5)
    turns = [Turn(5 * i, 5 * i + 4, name) for i, name in enumerate(HOSTILE)] if request.param == "turns" else None
    return make(labels=HOSTILE, name='in "x"\n--> y\t.wav', turns=turns)


def spoken(timeline):
    return [one for one in timeline.segments if one.spoken]


def written(timeline, form):
    suffix, write = FORMATS[form]
    assert suffix.startswith(".")
    return write(timeline)


def test_json_has_everything(timeline):
    found = json.loads(written(timeline, "json"))
    assert found["file"] == timeline.name
    assert found["seconds"] == timeline.duration
    assert [(one["start"], one["end"], one["label"]) for one in found["segments"]] == [
        (pytest.approx(one.start, abs=1e-6), pytest.approx(one.end, abs=1e-6), one.label) for one in timeline.segments
    ]
    assert found["verdict"]["label"] == timeline.verdict.label
    assert found["labels"] == list(timeline.labels)
    assert len(found["windows"]) == len(timeline.starts)
    heard = [one["probabilities"] for one in found["windows"] if one["probabilities"] is not None]
    assert all(sum(shares) == pytest.approx(1, abs=1e-5) for shares in heard)
    assert set(found["speakers"]) == set(timeline.speakers)
    assert [one.get("speaker") for one in found["segments"]] == [one.speaker for one in timeline.segments]


def test_csv(timeline):
    rows = list(csv.DictReader(io.StringIO(written(timeline, "csv"), newline="")))
    assert len(rows) == len(timeline.segments)
    for row, one in zip(rows, timeline.segments, strict=True):
        assert (row["file"], row["label"], row["speaker"]) == (timeline.name, one.label, one.speaker or "")
        assert (float(row["start"]), float(row["end"])) == pytest.approx((one.start, one.end), abs=1e-6)
        for name in timeline.labels:
            assert row[f"p_{name}"] == "" if not one.spoken else float(row[f"p_{name}"]) >= 0


def test_rttm_as_pyannote_reads_it(timeline):
    text = written(timeline, "rttm")
    names = ["NA1", "uri", "NA2", "start", "duration", "NA3", "NA4", "speaker", "NA5", "NA6"]
    types = {"uri": str, "start": float, "duration": float, "speaker": str}
    table = pd.read_csv(io.StringIO(text), names=names, dtype=types, sep=r"\s+", keep_default_na=True)
    assert len(table) == len(spoken(timeline))
    assert table["uri"].nunique() == 1
    assert not table[["uri", "speaker", "start", "duration"]].isna().any(axis=None)
    for row, one in zip(table.itertuples(), spoken(timeline), strict=True):
        assert (row.start, row.start + row.duration) == pytest.approx((one.start, one.end), abs=2e-6)
    assert table["speaker"].nunique() == len({(one.label, one.speaker) for one in spoken(timeline)})
    assert all(len(line.split(" ")) == 10 for line in text.splitlines())


def test_the_label_stands_for_the_speaker_in_rttm(make):
    assert written(make(), "rttm").startswith("SPEAKER one 1 0.000000 3.")
    assert " <NA> <NA> calm 0." in written(make(), "rttm")
    assert " anna/calm " in written(make(turns=[Turn(0, 4, "anna")]), "rttm")


def test_vtt(timeline):
    head, *cues = written(timeline, "vtt").split("\n\n")
    assert head == "WEBVTT"
    assert len(cues) == len(spoken(timeline))
    time = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
    for cue, one in zip(cues, spoken(timeline), strict=True):
        cue = cue.removesuffix("\n")
        match = re.fullmatch(rf"{time} --> {time}\n(<v [^\n<>&]*(?:&(?:lt|gt|amp);[^\n<>&]*)*>)?([^\n<>]*)", cue)
        assert match, cue
        values = [int(part) for part in match.groups()[:8]]
        start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (values[:4], values[4:]))
        assert (start, end) == pytest.approx((one.start, one.end), abs=0.001)
        assert start < end
        assert "-->" not in match[10]
        assert (match[9] is not None) == (one.speaker is not None)


def test_audacity(timeline):
    lines = written(timeline, "audacity").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(spoken(timeline))
    for line, one in zip(lines, spoken(timeline), strict=True):
        start, end, label = line.split("\t")
        assert (float(start), float(end)) == pytest.approx((one.start, one.end), abs=1e-6)
        assert label.isprintable()
        assert label


def read_textgrid(text):
    """Tiers of a TextGrid in the long text form, by its grammar: strings in quotes, doubled inside, and numbers."""
    tokens = re.findall(r'"(?:[^"]|"")*"|<exists>|(?<![\w"\[])-?\d+(?:\.\d+)?(?=\s)', text)
    unquoted = iter([t[1:-1].replace('""', '"') if t[0] == '"' else t for t in tokens])
    assert (next(unquoted), next(unquoted)) == ("ooTextFile", "TextGrid")
    low, high, exists, count = (next(unquoted) for _ in range(4))
    assert exists == "<exists>"
    tiers = {}
    for _ in range(int(count)):
        assert next(unquoted) == "IntervalTier"
        name = next(unquoted)
        assert (next(unquoted), next(unquoted)) == (low, high)
        tiers[name] = [
            (float(next(unquoted)), float(next(unquoted)), next(unquoted)) for _ in range(int(next(unquoted)))
        ]
    assert list(unquoted) == []
    return float(low), float(high), tiers


def test_textgrid(timeline):
    low, high, tiers = read_textgrid(written(timeline, "textgrid"))
    assert (low, high) == (0, timeline.duration)
    assert list(tiers) == ["emotion", "speaker"] if timeline.speakers else ["emotion"]
    for tier in tiers.values():
        assert (tier[0][0], tier[-1][1]) == (low, high)
        assert all(a[1] == b[0] for a, b in pairwise(tier))
        assert all(start < end for start, end, _ in tier)
    for (start, end, text), one in zip(tiers["emotion"], timeline.segments, strict=True):
        assert (start, end) == (one.start, one.end)
        assert text == (re.sub(r"[\x00-\x1f\u2028]+", " ", one.label) if one.spoken else "")


def test_unsure_is_written_and_no_speech_is_none(make):
    timeline = make(min_confidence=0.99)
    assert {one.label for one in timeline.segments} == {UNSURE, NO_SPEECH}
    for form in ("rttm", "vtt", "audacity", "textgrid"):
        assert UNSURE in written(timeline, form)
        assert NO_SPEECH not in written(timeline, form)


def test_files_are_written_by_their_suffix_or_not_at_all(make, tmp_path, monkeypatch):
    timeline = make()
    for form, (suffix, write) in FORMATS.items():
        write_timeline(timeline, tmp_path / f"x{suffix}")
        assert (tmp_path / f"x{suffix}").read_text(encoding="utf-8") == write(timeline)
        assert format_of(f"A{suffix.upper()}") == form
    write_timeline(timeline, tmp_path / "labels", "audacity")
    assert (tmp_path / "labels").read_text() == (tmp_path / "x.txt").read_text()
    with pytest.raises(SerHfError, match=r"x.srt has the suffix of no format; expected one of .json, .csv"):
        write_timeline(timeline, tmp_path / "x.srt")
    with pytest.raises(SerHfError, match="unknown format 'srt'"):
        write_timeline(timeline, tmp_path / "x", "srt")
    before = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_timeline(timeline, tmp_path / "new.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
