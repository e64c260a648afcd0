"""``ser-hf segment`` and ``ser-hf listen``: what they print, write and refuse."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from PIL import Image

from ser_hf.cli import main

RATE = 16_000


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Half a minute of tones of two pitches with silence between."""
    time = np.arange(RATE * 10) / RATE
    rich = [sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9)) for pitch in (120, 220)]
    samples = 0.1 * np.concatenate([rich[0], 0 * time, rich[1]])
    path = tmp_path_factory.mktemp("calls") / "call.wav"
    soundfile.write(path, samples, RATE)
    return path


def run(capsys, *words):
    capsys.readouterr()
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def refused(capsys, *words):
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = [line for line in shown.err.splitlines() if line.startswith("ser-hf ")]
    return line


def test_a_table_and_the_verdict(tiny_run, call, capsys):
    head, columns, *rows = run(capsys, "segment", tiny_run.folder, call, "--vad", "rule").splitlines()
    assert head.startswith(f"{call}: ")
    assert " in 30.0 s, " in head
    assert head.endswith("of the time)")
    assert columns.split() == ["start", "end", "emotion", "confidence"]
    assert rows[0].split()[0] == "0:00.0"
    assert rows[-1].split()[1] == "0:30.0"
    assert any(row.endswith("no speech") for row in rows)


def test_json_and_quiet(tiny_run, call, capsys):
    line, other = run(capsys, "segment", tiny_run.folder, call, call, "--json", "--vad", "rule").splitlines()
    found = json.loads(line)
    assert found["file"] == str(call)
    assert found["segments"][-1]["end"] == found["seconds"] == 30
    assert other == line
    assert run(capsys, "segment", tiny_run.folder, call, "--quiet", "--vad", "none") == ""


def test_files_of_every_format_and_a_picture(tiny_run, call, capsys, tmp_path):
    out, formats = tmp_path / "out", ["json", "csv", "rttm", "vtt", "audacity", "textgrid"]
    words = ["segment", tiny_run.folder, call, "--output", out, "--format", *formats, "--plot", tmp_path / "t.png"]
    run(capsys, *words, "--vad", "rule", "--window", "0.5", "--hop", "0.5")
    suffixes = [".TextGrid", ".csv", ".json", ".rttm", ".txt", ".vtt"]
    assert sorted(path.name for path in out.iterdir()) == [f"call{suffix}" for suffix in suffixes]
    assert json.loads((out / "call.json").read_text())["window"] == 0.5
    assert Image.open(tmp_path / "t.png").width > 900
    run(capsys, "segment", tiny_run.folder, call, "--output", tmp_path / "my.vtt", "--quiet", "--vad", "rule")
    assert (tmp_path / "my.vtt").read_text().startswith("WEBVTT\n")
    run(capsys, "segment", tiny_run.folder, call, "--output", tmp_path / "more", "--quiet", "--vad", "rule")
    assert (tmp_path / "more" / "call.json").is_file()


def test_turns(tiny_run, call, capsys, tmp_path):
    line = "SPEAKER call 1 {} {} <NA> <NA> {} <NA> <NA>\n"
    (tmp_path / "turns.rttm").write_text(line.format(0, 12, "anna") + line.format(20, 5, "bert"))
    words = ["segment", tiny_run.folder, call, "--turns", tmp_path / "turns.rttm", "--vad", "rule"]
    shown = run(capsys, *words)
    assert "\n  anna: " in shown
    assert "\n  bert: " in shown
    assert "speaker" in shown.splitlines()[3]
    (tmp_path / "turns.rttm").write_text(line.format(0, 12, "anna") + "nonsense\n")
    assert "turns.rttm, line 2: 'nonsense' is no type of RTTM line" in refused(capsys, *words)


def test_refusals_come_before_the_work(tiny_run, call, capsys, tmp_path):
    twin = tmp_path / "call.wav"
    twin.write_bytes(call.read_bytes())
    one, two = ["segment", tiny_run.folder, call], ["segment", tiny_run.folder, call, twin]
    assert "unknown format 'srt'" in refused(capsys, *one, "--output", tmp_path, "--format", "srt")
    assert "--format says how files are written" in refused(capsys, *one, "--format", "csv")
    assert "is one file, and there are several" in refused(capsys, *two, "--output", tmp_path / "x.csv")
    assert "two recordings are called call" in refused(capsys, *two, "--output", tmp_path / "out")
    assert "--plot draws one recording, found 2" in refused(capsys, *two, "--plot", tmp_path / "x.png")
    assert "window is 9 s" in refused(capsys, *one, "--window", "9")
    assert "expected ser-hf segment" in refused(capsys, "segment", tiny_run.folder)
    assert list(tmp_path.iterdir()) == [twin]


def test_predict_says_what_it_did_not_hear(tiny_run, call, tones_root, capsys):
    assert main(["predict", str(tiny_run.folder), str(call)]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "segment" in line]
    assert line == f"{call} is 30 s long, of which the middle 0.5 s were heard; ser-hf segment hears all of it"
    clip = next(tones_root.rglob("*.wav"))
    assert main(["predict", str(tiny_run.folder), str(clip)]) == 0
    assert "segment" not in capsys.readouterr().err


def test_listen_through_a_pipe(tiny_run, call, capsys):
    timeline = json.loads(run(capsys, "segment", tiny_run.folder, call, "--json", "--vad", "rule", "--hop", "0.5"))
    words = ["listen", str(tiny_run.folder), "--stdin", "--rate", str(RATE), "--json", "--vad", "rule", "--hop", "0.5"]
    raw = soundfile.read(call, dtype="int16")[0].astype("<i2").tobytes()
    command = [sys.executable, "-m", "ser_hf.cli", *words]
    done = subprocess.run(command, input=raw, capture_output=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(timeline["windows"]) == 60
    for answer, window in zip(answers, timeline["windows"], strict=True):
        assert (answer["start"], answer["end"]) == (window["start"], window["end"])
        if window["probabilities"] is None:
            assert answer["label"] == "no speech"
        else:
            shares = [answer["scores"][name] for name in timeline["labels"]]
            assert shares == pytest.approx(window["probabilities"], abs=1e-5)


def test_listen_answers_while_the_pipe_is_open(tiny_run, call):
    raw = soundfile.read(call, dtype="int16")[0].astype("<i2").tobytes()
    command = [sys.executable, "-m", "ser_hf.cli", "listen", str(tiny_run.folder), "--stdin", "--vad", "none"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(raw[: 2 * RATE * 3])
        process.stdin.flush()
        line = process.stdout.readline().decode()
        assert line.startswith("0:00.0 - 0:00.5  ")
        process.stdin.close()
        process.stdout.read()
    assert process.returncode == 0


def test_listen_to_nothing(tiny_run, capsys, monkeypatch, tmp_path):
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert "standard input brought no samples" in refused(capsys, "listen", tiny_run.folder, "--stdin")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install 'ser_hf[live]'" in refused(capsys, "listen", tiny_run.folder)
