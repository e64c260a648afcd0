"""``ser-hf download``: what it says, what it asks, and the exit code."""

import hashlib
import importlib.util
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import datasets
import huggingface_hub
import pytest

from ser_hf.cli import main
from ser_hf.corpora import CORPORA, Corpus, Download
from ser_hf.records import Clip


def _load():
    spec = importlib.util.spec_from_file_location("file_server", Path(__file__).parents[1] / "file_server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FILE_SERVER = _load()


@pytest.fixture(autouse=True)
def online(monkeypatch, tmp_path):
    """The suite is offline; here the loopback address is reached, without proxy, with a cache of the test's own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SER_HF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()


@pytest.fixture
def server():
    with FILE_SERVER.FileServer() as running:
        yield running


def _parse(name):
    def parse(path: Path) -> Clip | None:
        number, _, emotion = path.stem.partition("_")
        return Clip(path, name, emotion, emotion, f"{name}_{number}", f"{name}/{path.stem}") if emotion else None

    return parse


@pytest.fixture
def register(server):
    """Registers a corpus of two clips until the test ends; its archive is on the server."""
    added = []

    def run(name, *faults, by_hand=False, clips=("1_happy", "1_sad"), **record):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for clip in clips:
                archive.writestr(f"{name}/{clip}.wav", hashlib.shake_128(clip.encode()).digest(1_000_000))
        data = buffer.getvalue()
        known = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} | record
        download = Download(url=server.put(f"/{name}.zip", data, *faults), filename=f"{name}.zip", **known)
        corpus = Corpus(
            name=name,
            title=f"The {name} corpus",
            homepage=f"https://example.org/{name}",
            citation="Nobody (2020), doi:10.0/0",
            licence=f"{name.upper()} licence 1.0",
            licence_url=f"https://example.org/{name}/licence",
            redistributable=False,
            language="en",
            emotions={"happy": "happy", "sad": "sad"},
            expected={"happy": 1, "sad": 1},
            names="1_happy.wav",
            how_to_get="Register at https://example.org/form and unpack the archive.",
            parse=_parse(name),
            downloads=() if by_hand else (download,),
        )
        added.append(name)
        return CORPORA.register(name, corpus)

    yield run
    for name in added:
        CORPORA._entries.pop(name)


@pytest.fixture
def run(capsys, tmp_path):
    """Runs the command with ``data`` for a root; gives exit code, output and errors."""

    def download(*words):
        code = main(["download", *words, "--data_root", str(tmp_path / "data")])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out, shown.err

    return download


def answer(monkeypatch, text):
    """Puts a person at the terminal who types ``text``."""
    terminal = io.StringIO(text)
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)


def test_a_corpus_is_fetched_counted_and_followed_by_the_next_step(server, register, run, tmp_path):
    register("toya")
    code, out, err = run("toya", "--accept_license")
    assert (code, err) == (0, "")
    for fact in ("The toya corpus", "TOYA licence 1.0, https://example.org/toya/licence", "Nobody (2020), doi:10.0/0"):
        assert fact in out
    assert f"toya: fetched to {tmp_path / 'data/toya'}: 2 clips of 2\n" in out
    assert f"next: ser-hf build --corpora toya --data_root {tmp_path / 'data'} --protocol random --output" in out
    assert len(list((tmp_path / "data/toya").rglob("*.wav"))) == 2
    code, out, err = run("toya")
    assert (code, err, len(server.requests)) == (0, "", 1)
    assert f"toya: is there already, {tmp_path / 'data/toya'}: 2 clips of 2\n" in out
    assert "licence" not in out


def test_the_next_command_is_one_that_build_understands(register, run):
    register("toya")
    _, out, _ = run("toya", "--accept_license")
    from ser_hf.cli import make_parser

    words = out.splitlines()[-1].removeprefix("next: ser-hf ").split()
    args, rest = make_parser().parse_known_args(words)
    assert (args.corpora, args.protocol, rest) == (["toya"], "random", [])


def test_without_the_flag_and_without_a_terminal_nothing_is_fetched(server, register, run, tmp_path):
    register("toya"), register("toyb")
    code, out, err = run("toya", "toyb")
    assert code == 2
    assert "The toya corpus" in out
    assert "The toyb corpus" in out
    assert err.count("\n") == 1
    assert err.startswith(
        "ser-hf download: not accepted yet: toya: TOYA licence 1.0, https://example.org/toya/licence;"
    )
    assert "--accept_license" in err
    assert server.requests == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", ["n\n", "\n", "", "perhaps\n"])
def test_a_no_at_the_terminal(server, register, run, monkeypatch, text):
    register("toya")
    answer(monkeypatch, text)
    code, out, err = run("toya")
    assert code == 2
    assert "Do you accept TOYA licence 1.0 for toya? [y/N]" in out
    assert "not accepted yet: toya" in err
    assert server.requests == []


def test_a_yes_is_remembered(server, register, run, monkeypatch, tmp_path):
    register("toya")
    answer(monkeypatch, "yes\n")
    assert run("toya")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (tmp_path / "data/toya").rename(tmp_path / "moved")
    code, out, _ = run("toya")
    assert (code, len(server.requests)) == (0, 1)
    assert "Do you accept" not in out


def test_several_corpora_of_which_one_fails(server, register, run, tmp_path):
    register("toya"), register("toyb", FILE_SERVER.Fault(status=404)), register("toyc", by_hand=True), register("toyd")
    code, out, err = run("toya", "toyb", "toyc", "toyd", "toya", "--accept_license")
    assert code == 2
    assert out.count(": fetched to ") == 2
    assert "next: ser-hf build --corpora toya toyd --data_root" in out
    first, second = err.splitlines()
    assert first.startswith("ser-hf download: http://127.0.0.1")
    assert "toyb.zip: the server answers 404" in first
    assert second.startswith("ser-hf download: corpus 'toyc' cannot be fetched by a program. Register at")
    assert f"Put it in {tmp_path / 'data/toyc'}, so that files named like 1_happy.wav lie there" in second


def test_a_corpus_to_be_got_by_hand(register, run):
    register("toya", by_hand=True)
    code, out, err = run("toya")
    assert (code, out) == (2, "")
    assert "Register at https://example.org/form and unpack the archive." in err


def test_a_checksum_that_does_not_fit(register, run, tmp_path):
    register("toya", sha256="0" * 64)
    code, out, err = run("toya", "--accept_license")
    assert code == 2
    assert f"expected sha256 {'0' * 64}, found sha256 " in err
    assert "next:" not in out
    assert not (tmp_path / "data").exists()


def test_a_short_release_is_remarked(register, run):
    register("toya", clips=["1_happy"])
    code, out, _ = run("toya", "--accept_license")
    assert code == 0
    assert "  toya: 1 clips found, 2 in the official release (sad 0 of 1)\n" in out


@pytest.mark.parametrize("flag", ["--dry_run", "--list"])
def test_what_would_be_fetched(server, register, capsys, flag):
    corpus = register("toya")
    register("toyb", by_hand=True)
    register("toyc", sha256=None, size=None)
    assert main(["download", "toya", "toyb", "toyc", flag]) == 0
    out = capsys.readouterr().out
    (download,) = corpus.downloads
    assert f"{download.size} bytes, sha256 {download.sha256}" in out
    assert download.url in out
    assert "by hand   Register at https://example.org/form" in out
    assert "toyc.zip: size unknown, no checksum published" in out
    assert out.count("licence 1.0, https://example.org/") == 3
    assert server.requests == []


def test_every_corpus_can_be_listed(capsys):
    assert main(["download", *CORPORA, "--dry_run"]) == 0
    assert "5d208e01632cc3e5242106fa2af3273e6dc5239fb8143131979ac74c4aa40657" in capsys.readouterr().out


def test_words_that_do_not_fit(run, capsys):
    code, _, err = run("ravdes")
    assert code == 2
    assert err.startswith("ser-hf download: unknown corpus 'ravdes'; did you mean 'ravdess'")
    assert main(["download", "ravdess"]) == 2
    assert "pass --data_root DIR" in capsys.readouterr().err


SOURCE = """
import sys
from ser_hf.corpora import Download
from ser_hf.download.fetch import fetch
from pathlib import Path
url, size, cache = sys.argv[1:]
fetch(Download(url=url, filename="toya.zip", size=int(size)), Path(cache))
"""


def test_a_killed_process_has_shown_progress_and_the_next_goes_on(server, register, run, tmp_path):
    corpus = register("toya", FILE_SERVER.Fault(stall=60))
    (download,) = corpus.downloads
    store = tmp_path / "cache/downloads"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    command = [sys.executable, "-c", SOURCE, download.url, str(download.size), str(store)]
    with subprocess.Popen(command, env=inherited | {"HF_HOME": str(tmp_path)}, stderr=subprocess.PIPE) as process:
        half = download.size // 2
        for _ in range(6000):  # a busy machine imports slowly
            if sum(p.stat().st_size for p in store.glob("*.part")) > half // 2:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        shown = process.stderr.read().decode()
    assert "toya.zip:" in shown
    assert "B/s" in shown
    assert run("toya", "--accept_license")[0] == 0
    first, second = server.requests
    start = int(second.range.removeprefix("bytes=").removesuffix("-"))
    assert (first.range, second.status, second.sent) == (None, 206, download.size - start)
    assert half // 2 < start <= half
