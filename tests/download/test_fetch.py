"""One file over a bad network: whole in the end, never sent twice, never taken for another."""

import hashlib
import importlib.util
import socket
import sys
from pathlib import Path

import datasets
import huggingface_hub
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_hf.corpora import Download
from ser_hf.download import DownloadError, Patience
from ser_hf.download.fetch import fetch

DATA = hashlib.shake_128(b"a corpus").digest(3_000_000)
QUICK = Patience(retries=3, wait=0, timeout=5)
IMPATIENT = Patience(retries=0, wait=0, timeout=5)


def _load():
    spec = importlib.util.spec_from_file_location("file_server", Path(__file__).parents[1] / "file_server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FILE_SERVER = _load()
Fault = FILE_SERVER.Fault


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """The suite is offline; here the loopback address is reached, and no proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()


@pytest.fixture
def server():
    with FILE_SERVER.FileServer() as running:
        yield running


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def publish(server, *faults, data=DATA, **record) -> Download:
    """Puts a file on the server; its record has the SHA-256 and size unless others are given."""
    url = server.put("/files/toy.zip", data, *faults)
    known = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} | record
    return Download(url=f"{url}?download=1", filename="toy.zip", **known)


def refused(download, cache, patience=QUICK) -> str:
    with pytest.raises(DownloadError) as error:
        fetch(download, cache, patience=patience)
    message = str(error.value)
    assert download.url in message
    return message


def left(cache) -> list[str]:
    """What is in the cache besides locks."""
    return sorted(path.suffix for path in cache.iterdir() if path.suffix != ".lock")


def test_a_file_is_fetched_once(server, cache):
    download = publish(server)
    first = fetch(download, cache, patience=QUICK)
    assert first.path.read_bytes() == DATA
    assert first.compared == "sha256"
    assert [(r.method, r.path, r.range, r.sent) for r in server.requests] == [
        ("GET", "/files/toy.zip", None, len(DATA))
    ]
    assert fetch(download, cache, patience=QUICK) == first
    assert len(server.requests) == 1
    assert fetch(download, cache, patience=QUICK, force=True) == first
    assert len(server.requests) == 2


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_transfer_goes_on_where_it_stopped(server, cache, reset):
    got = fetch(publish(server, Fault(cut=1_100_000, reset=reset)), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA
    first, second = server.requests
    start = int(second.range.removeprefix("bytes=").removesuffix("-"))
    assert (first.range, first.sent, second.status, second.sent) == (None, 1_100_000, 206, len(DATA) - start)
    assert 0 < start <= 1_100_000  # a reset may lose what was on the way
    assert start == 1_100_000 or reset


def test_a_later_call_goes_on_where_the_first_gave_up(server, cache):
    download = publish(server, Fault(cut=1_000_000), Fault(status=503))
    message = refused(download, cache, IMPATIENT)
    assert "1000000 of 3000000 bytes are kept: run the command again to go on from there" in message
    assert fetch(download, cache, patience=IMPATIENT).path.read_bytes() == DATA
    assert [r.range for r in server.requests] == [None, "bytes=1000000-", "bytes=1000000-"]
    assert sum(r.sent for r in server.requests if r.status != 503) == len(DATA)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 40_000), max_size=6), deaf=st.sets(st.integers(0, 6)))
def test_wherever_it_is_cut_the_file_is_whole(server, tmp_path_factory, cuts, deaf):
    data = DATA[:50_000]
    faults = [Fault(cut=cut, deaf=number in deaf) for number, cut in enumerate(cuts)]
    download = publish(server, *faults, data=data)
    got = fetch(download, tmp_path_factory.mktemp("cache"), patience=Patience(retries=10, wait=0, timeout=5))
    assert got.path.read_bytes() == data


def test_a_server_that_does_not_resume_sends_it_all_again(server, cache):
    got = fetch(publish(server, Fault(cut=1_000_000), Fault(deaf=True)), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA
    assert [r.status for r in server.requests] == [200, 200]


@pytest.mark.parametrize("known", [True, False])
def test_a_part_from_the_wrong_place_is_not_appended(server, cache, known):
    record = {} if known else {"sha256": None, "size": None}
    got = fetch(publish(server, Fault(cut=1_000_000), Fault(elsewhere=True), **record), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA
    assert [r.range for r in server.requests] == [None, "bytes=1000000-", None]


def test_a_file_that_shrank_since_is_fetched_anew(server, cache):
    record = {"sha256": None, "size": None}
    refused(publish(server, Fault(cut=1_000_000), Fault(status=503), **record), cache, IMPATIENT)
    got = fetch(publish(server, data=DATA[:500_000], **record), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA[:500_000]
    assert got.compared == "nothing"
    assert [r.status for r in server.requests] == [200, 503, 416, 200]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_another_file_of_the_same_length_is_deleted(server, cache, kind):
    expected = hashlib.new(kind, DATA).hexdigest()
    other = DATA[:-1] + b"?"
    download = publish(server, **{"sha256": None, kind: expected.upper()})
    server.put("/files/toy.zip", other)
    message = refused(download, cache)
    assert f"expected {kind} {expected.upper()}, found {kind} {hashlib.new(kind, other).hexdigest()}" in message
    assert left(cache) == []
    server.put("/files/toy.zip", DATA)
    assert fetch(download, cache, patience=QUICK).compared == kind


def test_a_damaged_file_in_the_cache_is_found_out(server, cache):
    download = publish(server)
    fetch(download, cache, patience=QUICK).path.write_bytes(DATA[:-5])
    assert "expected sha256" in refused(download, cache)
    assert fetch(download, cache, patience=QUICK).path.read_bytes() == DATA


def test_another_length_is_refused_before_it_is_sent(server, cache):
    message = refused(publish(server, size=len(DATA) + 1), cache)
    assert "offers 3000000 bytes, expected 3000001" in message
    assert left(cache) == [".incomplete"]


def test_a_length_that_is_not_kept_counts_as_cut(server, cache):
    record = {"sha256": None, "size": None}
    got = fetch(publish(server, Fault(length=len(DATA) + 9), **record), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA
    assert [r.status for r in server.requests] == [200, 416, 200]


def test_more_than_was_published_is_not_taken(server, cache):
    assert "more than the 3000000 bytes expected" in refused(publish(server, Fault(endless=9_000_000)), cache)


@pytest.mark.parametrize(
    "record", [{}, {"sha256": None, "size": None}, {"sha256": None, "size": len(FILE_SERVER.PAGE)}]
)
def test_a_page_is_no_file(server, cache, record):
    message = refused(publish(server, Fault(page=True), **record), cache)
    assert "sends a web page; expected toy.zip" in message
    assert set(left(cache)) <= {".incomplete"}


def test_a_page_keeps_what_was_there(server, cache):
    download = publish(server, Fault(cut=1_000_000), Fault(page=True))
    assert "sends a web page" in refused(download, cache)
    assert fetch(download, cache, patience=QUICK).path.read_bytes() == DATA
    assert server.requests[-1].range == "bytes=1000000-"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (FILE_SERVER.PAGE, "sent a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "sent a Git LFS pointer"),
    ],
)
def test_what_is_sent_in_place_of_a_file_is_named(server, cache, data, what):
    assert what in refused(publish(server, data=data, sha256=None, size=None), cache)
    assert what in refused(publish(server, data=data, sha256="0" * 64), cache)
    assert left(cache) == []


def test_a_file_that_is_gone(server, cache):
    message = refused(publish(server, Fault(status=404)), cache)
    assert "answers 404 Not Found; expected toy.zip" in message
    assert len(server.requests) == 1


def test_a_passing_refusal_is_waited_for(server, cache):
    got = fetch(publish(server, Fault(status=503), Fault(status=429)), cache, patience=QUICK)
    assert got.path.read_bytes() == DATA
    assert [r.status for r in server.requests] == [503, 429, 200]


def test_patience_ends(server, cache):
    message = refused(publish(server, *[Fault(status=503)] * 9), cache)
    assert "answers 503 Service Unavailable" in message
    assert len(server.requests) == 1 + QUICK.retries


def test_the_wait_doubles(server, cache, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    fetch(publish(server, *[Fault(status=503)] * 3), cache, patience=Patience(retries=3, wait=2, timeout=5))
    assert waits == [2, 4, 8]


def test_silence_counts_as_a_cut(server, cache):
    got = fetch(publish(server, Fault(stall=2)), cache, patience=Patience(retries=1, wait=0, timeout=0.3))
    assert got.path.read_bytes() == DATA
    assert [r.range for r in server.requests] == [None, "bytes=1500000-"]


def test_a_redirect_is_followed(server, cache):
    elsewhere = server.put("/elsewhere", DATA)
    assert fetch(publish(server, Fault(redirect=elsewhere)), cache, patience=QUICK).path.read_bytes() == DATA


def test_nobody_is_there(cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    download = Download(url=f"http://127.0.0.1:{port}/toy.zip", filename="toy.zip")
    assert "cannot be fetched" in refused(download, cache)


def test_offline_is_said(server, cache, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    download = publish(server)
    assert "Offline mode is enabled" in refused(download, cache)
    assert server.requests == []


def test_no_room_is_said_before_anything_is_written(server, cache, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("ser_hf.download.transfer.shutil.disk_usage", lambda path: usage)
    assert "3000000 bytes are to come, 1000 are free" in refused(publish(server), cache)
    assert left(cache) == [".incomplete"]


def test_only_the_length_is_known(server, cache):
    assert fetch(publish(server, sha256=None), cache, patience=QUICK).compared == "size"
