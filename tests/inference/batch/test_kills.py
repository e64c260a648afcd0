"""Killed at any moment, a run goes on and ends with the same bytes; two at once, and another command, are refused."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ser_hf.base.alone import alone
from ser_hf.base.errors import SerHfError
from ser_hf.inference.batch import Options, predict_many

OPTIONS = ("--shard_size", "5", "--workers", "2", "--vad", "rule", "--quiet")


@pytest.fixture(scope="module")
def undisturbed(tiny_onnx, calls, tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("whole") / "out.parquet"
    predict_many([calls], out, tiny_onnx, workers=1, options=Options(shard_size=5, vad="rule"))
    return out.read_bytes()


def _killed(process: "subprocess.Popen[str]", parts: Path, least: int) -> bool:
    """Kills it once so many shards are there; whether it was still running."""
    end = time.monotonic() + 120
    while process.poll() is None and len([*parts.glob("[0-9]*.json")]) < least and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def test_killed_twice_and_resumed_it_ends_with_the_same_bytes(start, tiny_onnx, calls, tmp_path, undisturbed):
    out, parts = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    for least in (1, 4):
        process = start(tiny_onnx, calls, "--output", out, *OPTIONS)
        assert _killed(process, parts, least)
        process.communicate()
        assert not out.exists()
        whole = list(parts.glob("[0-9]*.parquet"))
        assert all(pq.read_metadata(path).num_rows == 5 for path in whole), "shards appear whole"
    (parts / ".00011.parquet.x.parquet").write_bytes(b"what a kill leaves")
    (tmp_path / ".out.parquet.x.parquet").write_bytes(b"what a kill leaves")
    process = start(tiny_onnx, calls, "--output", out, *OPTIONS, "--json")
    printed, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained
    told = json.loads(printed)
    assert told["clips"] == 60
    assert told["heard"] <= 40
    assert out.read_bytes() == undisturbed
    ids = pq.read_table(out)["id"].to_pylist()
    assert len(ids) == len(set(ids)) == 60
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_a_shard_that_is_damaged_is_heard_again(tiny_onnx, calls, tmp_path, undisturbed, monkeypatch):
    out, parts = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    _stopped(monkeypatch, tiny_onnx, calls, out)
    (parts / "00001.parquet").write_bytes(b"")
    (parts / "00002.json").write_text("{")
    summary = predict_many([calls], out, tiny_onnx, workers=0, options=Options(shard_size=5, vad="rule"))
    assert summary.heard == 60 - 5 * 2
    assert out.read_bytes() == undisturbed


def _stopped(monkeypatch, tiny_onnx, words, out, after: int = 4) -> None:
    """A run that ends by an error once so many shards are written."""
    from ser_hf.inference.batch.shards import Shards

    plain = Shards.write

    def write(self, number, *given):
        if number == after:
            raise KeyboardInterrupt
        return plain(self, number, *given)

    options = Options(shard_size=5, vad="rule")
    with monkeypatch.context() as patch:
        patch.setattr(Shards, "write", write)
        with pytest.raises(KeyboardInterrupt):
            predict_many([words], out, tiny_onnx, workers=0, options=options)


def test_another_command_for_what_was_begun_is_refused_in_one_line(tiny_onnx, calls, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    _stopped(monkeypatch, tiny_onnx, calls, out)
    for words, given, said in (
        ([calls / "0"], {}, "begun with of"),
        ([calls], {"min_confidence": 0.5}, r"begun with min_confidence 0\.0, and this is 0\.5"),
        ([calls], {"shard_size": 6}, "begun with shard_size 5, and this is 6"),
    ):
        with pytest.raises(SerHfError, match=said) as error:
            predict_many(words, out, tiny_onnx, workers=0, options=Options(**{"shard_size": 5, "vad": "rule", **given}))
        assert "--overwrite" in str(error.value)
        assert "\n" not in str(error.value)
    other = tmp_path / "other.onnx"
    other.write_bytes(tiny_onnx.read_bytes() + b" ")
    with pytest.raises(SerHfError, match="begun with model"):
        predict_many([calls], out, other, workers=0, options=Options(shard_size=5, vad="rule"))
    options = Options(shard_size=6, vad="rule")
    assert predict_many([calls], out, tiny_onnx, workers=0, options=options, overwrite=True).heard == 60


def test_overwrite_goes_on_with_what_the_same_command_began(tiny_onnx, calls, tmp_path, monkeypatch, undisturbed):
    out, options = tmp_path / "out.parquet", Options(shard_size=5, vad="rule")
    out.write_bytes(b"of before")
    with pytest.raises(SerHfError, match="is there already"):
        predict_many([calls], out, tiny_onnx, workers=0, options=options)
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
    out.unlink()
    _stopped(monkeypatch, tiny_onnx, calls, out)
    out.write_bytes(b"of before")
    assert predict_many([calls], out, tiny_onnx, workers=0, options=options, overwrite=True).heard == 40
    assert out.read_bytes() == undisturbed
    assert predict_many([calls], out, tiny_onnx, workers=0, options=options, overwrite=True).heard == 60


def test_recordings_that_came_or_went_meanwhile_are_noticed(tiny_onnx, calls, tmp_path, monkeypatch):
    import shutil

    words = shutil.copytree(calls, tmp_path / "calls")
    out, options = tmp_path / "out.parquet", Options(shard_size=5, vad="rule")
    _stopped(monkeypatch, tiny_onnx, words, out)
    shutil.copy(words / "0" / "clip00.wav", words / "0" / "clip00b.wav")
    with pytest.raises(SerHfError, match=r"the recordings are not those .* was begun with: those from 0 on"):
        predict_many([words], out, tiny_onnx, workers=0, options=options)
    shutil.rmtree(words / "1")
    shutil.rmtree(words / "2")
    (words / "0" / "clip00b.wav").unlink()
    for path in sorted((words / "0").iterdir())[10:]:
        path.unlink()
    with pytest.raises(SerHfError, match="there are fewer"):
        predict_many([words], out, tiny_onnx, workers=0, options=options)
    assert not out.exists()


def test_two_at_once_are_refused(tiny_onnx, calls, tmp_path):
    out = tmp_path / "out.csv"
    with alone(tmp_path / "out.csv.parts"), pytest.raises(SerHfError, match=r"out\.csv\.parts is in use by process"):
        predict_many([calls], out, tiny_onnx, workers=0)
    assert predict_many([calls], out, tiny_onnx, workers=0, options=Options(vad="rule")).clips == 60
