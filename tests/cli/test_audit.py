"""``ser-hf audit``: the table people read, the JSON programs read, and the exit code."""

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile
import soxr

from ser_hf.audio import audio_hash
from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.cli import main

EMOTIONS = ["neutral", "happy"]


def row(voice_of: str, emotion: str, take: int, rate: int = SAMPLING_RATE, **given: object) -> dict[str, object]:
    """A spoken clip as a row of somebody's dataset."""
    voice = Voice.invent(voice_of, "female")
    samples = synthesise(emotion, voice, "Kids are talking by the door", seed=take)
    file, samples = io.BytesIO(), soxr.resample(samples, SAMPLING_RATE, rate)
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return {
        "audio": {"bytes": file.getvalue(), "path": f"{take}.wav"},
        "label": EMOTIONS.index(emotion),
        "clip_id": f"{voice_of}/{emotion}{take}",
        "speaker": voice_of,
        "corpus": "ours",
        "sentence": "kids",
        "audio_hash": audio_hash(samples, rate),
        **given,
    }


def write(folder: Path, train: list[dict[str, object]], test: list[dict[str, object]]) -> Path:
    """A folder of Parquet files, as ``load_dataset`` reads it, not built by us."""
    for name, content in [("train", train), ("test", test)]:
        rows = datasets.Dataset.from_list(content).cast_column("label", datasets.ClassLabel(names=EMOTIONS))
        (folder / "data").mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    return folder


@pytest.fixture(scope="module")
def train() -> list[dict[str, object]]:
    return [row(speaker, emotion, take) for speaker in ("ann", "bea") for emotion in EMOTIONS for take in (1, 2)]


@pytest.fixture(scope="module")
def test() -> list[dict[str, object]]:
    return [row("cat", emotion, take) for emotion in EMOTIONS for take in (1, 2)]


@pytest.fixture(scope="module")
def leaky(train, test, tmp_path_factory) -> Path:
    """Four test clips again in training, under other names, at 48 kHz."""
    names = [clip["clip_id"] for clip in test]
    again = [row("cat", n[4:-1], int(n[-1]), 48_000, clip_id=f"dee/{i}", speaker="dee") for i, n in enumerate(names)]
    return write(
        tmp_path_factory.mktemp("leaky"), [*train, *again, row("ann", "happy", 3)], [*test, row("cat", "happy", 3)]
    )


def test_an_honest_dataset(train, test, tmp_path, capsys):
    assert main(["audit", str(write(tmp_path, train, test)), "--speaker_independent"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "0 errors, 0 warnings, 1 info",
        "info    sentence-overlap    4 of 4 clips of test (100 %) say a sentence that train says too",
        f"{'':<28}ours: 4 of 4 clips",
    ]


def test_copies_at_another_rate(leaky, capsys):
    assert main(["audit", str(leaky)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 error, 0 warnings, 1 info"
    assert lines[1] == (
        "error   near-duplicate      4 near-identical recordings appear more than once in different splits"
    )
    assert [line.strip() for line in lines[2:6]] == [
        "dee/0 (train) ~ cat/neutral1 (test)",
        "dee/1 (train) ~ cat/neutral2 (test)",
        "dee/2 (train) ~ cat/happy1 (test)",
        "and 1 more",
    ]


def test_json_gives_every_case(leaky, capsys):
    assert main(["audit", str(leaky), "--json", "--num_proc", "2"]) == 1
    error, info = json.loads(capsys.readouterr().out)
    assert (error["level"], error["rule"], error["count"]) == ("error", "near-duplicate", 4)
    assert [item["clips"] for item in error["items"]][-1] == ["dee/3", "cat/happy2"]
    assert info["rule"] == "sentence-overlap"


def test_a_mended_folder_is_heard_again(train, test, tmp_path, capsys):
    """The files keep their names, clips and sizes; nothing of the first audit may be remembered."""
    copied = [{**clip, "audio": test[i % 3]["audio"], "audio_hash": f"{i}"} for i, clip in enumerate(train)]
    assert main(["audit", str(write(tmp_path, copied, test))]) == 1
    assert "near-duplicate" in capsys.readouterr().out
    assert main(["audit", str(write(tmp_path, train, test))]) == 0
    assert "near-duplicate" not in capsys.readouterr().out


def test_rows_without_audio(train, test, tmp_path, capsys):
    dry = [[{k: v for k, v in clip.items() if k != "audio"} for clip in part] for part in (train, test)]
    assert main(["audit", str(write(tmp_path, *dry))]) == 0
    assert "near-duplicates were not looked for in train, test" in capsys.readouterr().out


def test_silence_is_no_reason_to_stop(train, test, tmp_path, capsys):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(800), SAMPLING_RATE, format="WAV")
    quiet = {**train[0], "clip_id": "ann/quiet", "audio": {"bytes": file.getvalue(), "path": "q"}, "audio_hash": "q"}
    assert main(["audit", str(write(tmp_path, [*train, quiet], test))]) == 0
    assert "1 clip too short or too quiet for a fingerprint" in capsys.readouterr().out
