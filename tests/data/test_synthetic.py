"""The synthetic corpus: official names, the same bytes for ever, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_hf.base.errors import CorpusError
from ser_hf.data import synthetic
from ser_hf.data.synthetic import MARKER, synthetic_root, write_synthetic

SMALL = {"actors": 1, "sentences": 1, "words": 1}

RAVDESS = re.compile(
    r"Actor_(?P<folder>\d{2})/03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-(?P<repetition>0[12])"
    r"-(?P<actor>\d{2})\.wav"
)
SAVEE = re.compile(r"AudioData/(?P<speaker>DC|JE|JK|KL)/(?P<emotion>sa|su|a|d|f|h|n)(?P<sentence>\d{2})\.wav")
TESS = re.compile(
    r"(?P<folder>OAF_(angry|disgust|Fear|happy|neutral|Pleasant_surprise|Sad)"
    r"|YAF_(angry|disgust|fear|happy|neutral|pleasant_surprised|sad))"
    r"/(?P<speaker>OAF|YAF|OA)_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)\.wav"
)


def names(root: Path, corpus: str) -> list[str]:
    return sorted(p.relative_to(root / corpus).as_posix() for p in (root / corpus).rglob("*.wav"))


def digest(root: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def whole() -> Path:
    return synthetic_root()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic(tmp_path_factory.mktemp("synthetic") / "small", **SMALL)


def test_ravdess_names_follow_the_grammar(whole: Path) -> None:
    found = [RAVDESS.fullmatch(name) for name in names(whole, "ravdess")]
    assert all(found)
    fields = [m.groupdict() for m in found if m]
    assert len(fields) == 240
    assert all(f["folder"] == f["actor"] for f in fields)
    assert {f["actor"] for f in fields} == {f"{i:02d}" for i in range(1, 9)}
    assert {f["intensity"] for f in fields if f["emotion"] == "01"} == {"01"}, "neutral has one intensity"
    assert set(Counter(f["emotion"] for f in fields).values()) == {16, 32}


def test_savee_names_follow_the_grammar(whole: Path) -> None:
    found = [SAVEE.fullmatch(name) for name in names(whole, "savee")]
    assert all(found)
    fields = [m.groupdict() for m in found if m]
    assert Counter(f["speaker"] for f in fields) == dict.fromkeys(("DC", "JE", "JK", "KL"), 32)
    assert Counter(f["emotion"] for f in fields) == {"n": 32} | dict.fromkeys(("a", "d", "f", "h", "sa", "su"), 16)


def test_tess_names_follow_the_grammar_misspellings_included(whole: Path) -> None:
    listed = names(whole, "tess")
    found = [TESS.fullmatch(name) for name in listed]
    assert all(found)
    fields = [m.groupdict() for m in found if m]
    assert len(fields) == 70
    assert len({f["folder"] for f in fields}) == 14
    assert [n for n in listed if "/OA_" in n] == ["OAF_neutral/OA_bite_neutral.wav"]
    for f in fields:
        folder = f["folder"].partition("_")[2].lower()
        assert f["folder"][:2] == f["speaker"][:2]
        assert f["emotion"] == ("ps" if folder.startswith("pleasant") else folder)


@pytest.mark.real
def test_the_names_exist_in_the_official_lists(whole: Path, shared_data: Path) -> None:
    tables = {"ravdess": "ravdess_speech", "savee": "savee", "tess": "tess"}
    for corpus, table in tables.items():
        lines = (shared_data.parent / "corpora" / "names" / f"{table}.tsv").read_text("utf-8").splitlines()[1:]
        official = [line.split("\t")[0] for line in lines]
        for name in names(whole, corpus):
            assert any(path.endswith(name) for path in official), name


def test_the_clips_are_sound_16_khz_recordings(whole: Path) -> None:
    paths = sorted(whole.rglob("*.wav"))
    assert len(paths) == 438
    seconds = []
    for path in paths[::7]:
        info = soundfile.info(path)
        samples, _ = soundfile.read(path, dtype="int16")
        assert (info.samplerate, info.channels, info.format, info.subtype) == (16000, 1, "WAV", "PCM_16")
        assert 100 < np.abs(samples.astype(int)).max() < 32700, "audible and not clipped"
        seconds.append(info.duration)
    assert min(seconds) > 1.0
    assert max(seconds) < 4.0


def test_no_two_clips_are_the_same(whole: Path) -> None:
    digests = {hashlib.sha256(p.read_bytes()).hexdigest() for p in whole.rglob("*.wav")}
    assert len(digests) == 438


def test_every_setting_counts(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(names(small, c)) for c in ("ravdess", "savee", "tess")] == [30, 32, 14]
    monkeypatch.setattr(synthetic, "synthesise", lambda *args: np.zeros(160, np.float32))
    more = write_synthetic(tmp_path / "more", actors=2, repetitions=2, sentences=2, words=2)
    assert [len(names(more, c)) for c in ("ravdess", "savee", "tess")] == [120, 64, 28]
    assert len([n for n in names(more, "ravdess") if n.split("-")[5] == "02"]) == 60


def test_two_processes_write_the_same_bytes(tmp_path: Path, small: Path) -> None:
    code = f"from ser_hf.data.synthetic import write_synthetic; write_synthetic({str(tmp_path / 'b')!r}, **{SMALL!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert digest(tmp_path / "b") == digest(small)


def test_another_seed_gives_the_same_names_with_other_clips(tmp_path: Path, small: Path) -> None:
    other = write_synthetic(tmp_path / "other", seed=1, **SMALL)
    assert names(other, "savee") == names(small, "savee")
    first = names(small, "savee")[0]
    assert (other / "savee" / first).read_bytes() != (small / "savee" / first).read_bytes()


def test_a_second_call_writes_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}
    monkeypatch.setattr(synthetic, "synthesise", None)
    assert write_synthetic(small, **SMALL) == small
    assert {p: p.stat().st_mtime_ns for p in small.rglob("*")} == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, SystemExit])
def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    spoken = []

    def interrupted(*args: object) -> np.ndarray:
        spoken.append(args)
        if len(spoken) == 5:
            raise error("no space left")
        return np.zeros(1600, np.float32)

    monkeypatch.setattr(synthetic, "synthesise", interrupted)
    with pytest.raises(CorpusError if error is OSError else error, match="no space left"):
        write_synthetic(tmp_path / "corpus", **SMALL)
    assert list(tmp_path.iterdir()) == []


def killed_write(root: Path) -> None:
    speak, spoken = synthetic.synthesise, []

    def killed(*args: object) -> np.ndarray:
        spoken.append(args)
        if len(spoken) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return speak(*args)

    synthetic.synthesise = killed
    write_synthetic(root, **SMALL)


def test_a_killed_write_leaves_no_corpus(tmp_path: Path) -> None:
    process = get_context("fork").Process(target=killed_write, args=(tmp_path / "corpus",))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "corpus").exists()
    assert len(names(write_synthetic(tmp_path / "corpus", **SMALL), "ravdess")) == 30


def test_processes_that_write_at_once_agree(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    with get_context("fork").Pool(2) as pool:
        done = [pool.apply_async(write_synthetic, (root,), SMALL) for _ in range(2)]
        assert [d.get(timeout=60) for d in done] == [root, root]
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]
    assert len(list(root.rglob("*.wav"))) == 76


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "synthesise", lambda *args: np.zeros(160, np.float32))
    assert (write_synthetic(tmp_path, **SMALL) / MARKER).is_file()


@pytest.mark.parametrize("content", [None, "not JSON", "[]", '{"version": 0}'])
def test_what_is_there_is_never_overwritten(tmp_path: Path, content: str | None) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "mine.wav").write_bytes(b"precious")
    if content is not None:
        (root / MARKER).write_text(content)
    with pytest.raises(CorpusError, match="choose"):
        write_synthetic(root, **SMALL)
    assert (root / "mine.wav").read_bytes() == b"precious"


def test_other_settings_do_not_pass_for_these(small: Path) -> None:
    with pytest.raises(CorpusError, match="another synthetic corpus"):
        write_synthetic(small, **SMALL | {"words": 2})


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CorpusError, match="file"):
            write_synthetic(root, **SMALL)


@pytest.mark.parametrize(
    ("name", "value"),
    [("actors", 0), ("actors", 25), ("repetitions", 3), ("sentences", 16), ("words", 11), ("words", 0), ("seed", -1)],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(CorpusError, match=f"{name} must .* not {value}"):
        write_synthetic(tmp_path / "corpus", **{name: value})
    assert not (tmp_path / "corpus").exists()


def test_the_cache_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(synthetic, "write_synthetic", lambda root: asked.append(root) or root)
    monkeypatch.setenv("SER_HF_CACHE", str(tmp_path / "env"))
    synthetic_root()
    synthetic_root(tmp_path / "given")
    monkeypatch.delenv("SER_HF_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    synthetic_root()
    assert [p.parent for p in asked] == [tmp_path / "env", tmp_path / "given", tmp_path / "home" / ".cache" / "ser_hf"]
    assert len({p.name for p in asked}) == 1
