"""From a record to a folder: whole or not at all, once, under an accepted licence, counted."""

import dataclasses
import fcntl
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import datasets
import huggingface_hub
import pytest

from ser_hf.base.errors import CorpusError, SerHfError
from ser_hf.corpora import Corpus, Download
from ser_hf.download import DownloadError, Limits, Patience, download_corpus, extract, staging
from ser_hf.records import Clip

QUICK = Patience(retries=1, wait=0, timeout=5)
CLIPS = {f"Actor_{n:02d}/{n}_{e}.wav": f"{n} {e}".encode() for n in (1, 2) for e in ("happy", "sad")}


def _load():
    spec = importlib.util.spec_from_file_location("file_server", Path(__file__).parents[1] / "file_server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FILE_SERVER = _load()


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


def parse(path: Path) -> Clip | None:
    number, _, emotion = path.stem.partition("_")
    if not number.isdigit():
        return None
    return Clip(path, "toy", emotion, emotion, f"toy_{number}", f"toy/{path.stem}")


TOY = Corpus(
    name="toy",
    title="Toy corpus",
    homepage="http://127.0.0.1/toy",
    citation="Nobody (2020)",
    licence="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    redistributable=True,
    language="en",
    emotions={"happy": "happy", "sad": "sad"},
    expected={"happy": 2, "sad": 2},
    names="1_happy.wav",
    how_to_get="Ask at the desk, fill in the form, unpack toy.zip.",
    parse=parse,
)


def zipped(files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def published(server, data=None, *faults, name="toy.zip", **record) -> Download:
    data = zipped(CLIPS) if data is None else data
    known = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} | record
    return Download(url=server.put(f"/{name}", data, *faults), filename=name, **known)


def toy(*downloads, **changes) -> Corpus:
    return dataclasses.replace(TOY, downloads=downloads, **changes)


@pytest.fixture
def get(tmp_path):
    """Downloads a corpus to ``data`` with a cache beside it, the licence accepted."""

    def run(corpus, **options):
        options = {"accept_license": True, "cache": tmp_path / "cache", "patience": QUICK} | options
        return download_corpus(corpus, tmp_path / "data", **options)

    return run


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(get, corpus, **options) -> str:
    with pytest.raises(SerHfError) as error:
        get(corpus, **options)
    return str(error.value)


def test_a_corpus_arrives_whole(server, get, data):
    corpus = toy(published(server))
    done = get(corpus)
    found = tree(data)
    note = json.loads(found.pop("toy/ser_hf_download.json"))
    assert found == {f"toy/{name}": content for name, content in CLIPS.items()}
    assert note["files"] == [dataclasses.asdict(corpus.downloads[0])]
    assert note["corpus"]["licence"] == "CC BY 4.0"
    assert (done.folder, done.fetched, done.checks) == (data / "toy", True, {"toy.zip": "sha256"})
    assert len(done.scan.clips) == 4
    assert done.remarks() == []
    umask = os.umask(0)
    os.umask(umask)
    assert (data / "toy").stat().st_mode & 0o777 == 0o777 & ~umask


def test_the_second_call_asks_nothing(server, get, data):
    corpus = toy(published(server))
    get(corpus)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    again = get(corpus, accept_license=False)
    assert (again.fetched, len(again.scan.clips)) == (False, 4)
    assert len(server.requests) == 1
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_another_data_root_is_filled_from_the_cache(server, get, tmp_path):
    corpus = toy(published(server))
    get(corpus)
    done = download_corpus(corpus, tmp_path / "other", cache=tmp_path / "cache", patience=QUICK)
    assert (done.fetched, len(done.scan.clips), len(server.requests)) == (True, 4, 1)


def test_force_fetches_again(server, get, data):
    corpus = toy(published(server))
    get(corpus)
    (data / "toy/Actor_01/1_sad.wav").unlink()
    (data / "toy/mine.txt").write_text("added by hand")
    assert get(corpus).remarks() == ["toy: 3 clips found, 4 in the official release (sad 1 of 2)"]
    assert len(get(corpus, force=True).scan.clips) == 4
    assert len(server.requests) == 2
    assert not (data / "toy/mine.txt").exists()
    assert [path.name for path in data.iterdir()] == ["toy"]


def test_force_leaves_a_folder_of_somebody_else_alone(server, get, data):
    mine = data / "toy/1_happy.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    corpus = toy(published(server))
    assert (get(corpus).fetched, len(get(corpus).scan.clips)) == (False, 1)
    assert "was not fetched by ser_hf, so it is not replaced; move it away" in refused(get, corpus, force=True)
    assert tree(data) == {"toy/1_happy.wav": b"mine"}
    assert server.requests == []


def test_a_folder_with_something_else(server, get, data):
    (data / "toy").mkdir(parents=True)
    (data / "toy/notes.txt").write_text("no clip")
    message = refused(get, toy(published(server)))
    assert f"{data / 'toy'} is there, but: " in message
    assert "to have it fetched, move that folder away" in message
    assert server.requests == []


def test_an_empty_folder_is_no_obstacle(server, get, data):
    (data / "toy").mkdir(parents=True)
    assert len(get(toy(published(server))).scan.clips) == 4


def test_a_folder_in_other_letters_is_the_corpus(server, get, data):
    (data / "TOY").mkdir(parents=True)
    (data / "TOY/1_sad.wav").write_bytes(b"mine")
    assert get(toy(published(server))).folder == data / "TOY"
    assert server.requests == []


def test_a_release_that_is_not_the_official_one_is_remarked(server, get):
    files = {"1_happy.wav": b"", "x.wav": b"", "__MACOSX/._1_happy.wav": b""}
    remarks = get(toy(published(server, zipped(files), sha256=None, size=None))).remarks()
    assert remarks[0] == "toy: 1 clips found, 4 in the official release (happy 1 of 2, sad 0 of 2)"
    assert "1 audio files are not of this corpus" in remarks[1]
    assert "1 entries of the archives were passed over" in remarks[2]
    assert "._1_happy.wav" in remarks[2]
    assert remarks[3] == "toy: no checksum is published of toy.zip"


def test_several_files_in_their_folders(server, get, data):
    happy, sad = ({n: c for n, c in CLIPS.items() if e in n} for e in ("happy", "sad"))
    done = get(
        toy(
            published(server, zipped(happy), name="happy.zip", folder="female"),
            published(server, tarred(sad), name="sad.tar.gz", folder="male/old"),
            published(server, b"name,emotion\n", name="labels.csv"),
        )
    )
    expected = {f"toy/female/{n}": c for n, c in happy.items()} | {f"toy/male/old/{n}": c for n, c in sad.items()}
    assert tree(data).items() > (expected | {"toy/labels.csv": b"name,emotion\n"}).items()
    assert list(done.checks) == ["happy.zip", "sad.tar.gz", "labels.csv"]


@pytest.mark.parametrize("place", [{"folder": "../up"}, {"folder": "/abs"}, {"name": "../toy.csv"}])
def test_a_record_cannot_point_outside(server, get, tmp_path, place):
    corpus = toy(published(server, b"a,b\n", **place))
    assert "outside the corpus' folder; mend the record" in refused(get, corpus)
    assert server.requests == []
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}


def test_one_file_that_fails_leaves_nothing(server, get, data):
    bad = published(server, tarred(CLIPS), name="bad.tar.gz", sha256="0" * 64)
    assert "expected sha256 0000" in refused(get, toy(published(server), bad))
    assert not data.exists()


def stop_halfway(monkeypatch, error):
    """Makes unpacking fail after the second file."""
    whole = extract._copy
    copied = []

    def copy(*args):
        copied.append(args)
        if len(copied) > 2:
            raise error
        whole(*args)

    monkeypatch.setattr(extract, "_copy", copy)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device"), SystemExit(1)])
def test_an_interrupted_extraction_leaves_nothing(server, get, data, monkeypatch, error):
    corpus = toy(published(server))
    with monkeypatch.context() as patched:
        stop_halfway(patched, error)
        with pytest.raises(type(error)):
            get(corpus)
    assert list(data.iterdir()) == []
    assert len(get(corpus).scan.clips) == 4
    assert len(server.requests) == 1


def test_a_failed_replacement_keeps_what_was_there(server, get, data, monkeypatch):
    corpus = toy(published(server))
    get(corpus)
    before = tree(data)
    stop_halfway(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        get(corpus, force=True)
    assert tree(data) == before


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../evil.wav": b"", **CLIPS}, "would lie outside the folder"),
        ({"1_sad.wav": bytes(4 << 20)}, "unpacks to"),
    ],
)
def test_a_hostile_archive_leaves_nothing(server, get, data, tmp_path, files, message):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    corpus = toy(published(server, buffer.getvalue()))
    assert message in refused(get, corpus, limits=Limits(ratio_from=1 << 20))
    assert list(data.iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


KILLED = """
import importlib.util, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("staging", sys.argv[1])
staging = importlib.util.module_from_spec(spec)
spec.loader.exec_module(staging)
with staging.staged(Path(sys.argv[2])) as made:
    (made / "half.wav").write_bytes(b"half")
    os._exit(9)
"""


@pytest.mark.parametrize("known", [True, False])
def test_a_damaged_archive_stays_in_the_cache_only_if_it_is_the_published_one(server, get, known):
    record = {} if known else {"sha256": None, "size": None}
    assert "damaged or cut short" in refused(get, toy(published(server, zipped(CLIPS)[:300], **record)))
    server.put("/toy.zip", zipped(CLIPS))
    if known:
        assert "damaged or cut short" in refused(get, toy(published(server, zipped(CLIPS)[:300])))
    else:
        assert len(get(toy(published(server, **record))).scan.clips) == 4
    assert len(server.requests) == (1 if known else 2)


def test_what_a_killed_process_left_goes_at_the_next_call(server, get, data):
    killed = subprocess.run([sys.executable, "-c", KILLED, staging.__file__, str(data / "toy")], check=False)
    assert killed.returncode == 9
    (left,) = data.iterdir()
    assert left.name.startswith(".toy.download-")
    os.utime(left, (time.time() - 3600,) * 2)
    held = data / ".toy.download-held"
    young = data / ".toy.download-young"
    other = data / ".toys.download-x"
    for folder in (held, young, other):
        folder.mkdir()
    os.utime(held, (0, 0))
    os.utime(other, (0, 0))
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    get(toy(published(server)))
    os.close(handle)
    assert {path.name for path in data.iterdir()} == {"toy", held.name, young.name, other.name}


def test_a_licence_is_accepted_once(server, get, tmp_path):
    corpus = toy(published(server))
    message = refused(get, corpus, accept_license=False)
    assert "toy: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/" in message
    assert "--accept_license" in message
    assert server.requests == []
    get(corpus)
    elsewhere = {"cache": tmp_path / "cache", "patience": QUICK}
    assert download_corpus(corpus, tmp_path / "again", **elsewhere).fetched
    changed = dataclasses.replace(corpus, licence="CC BY-NC 4.0")
    with pytest.raises(SerHfError, match=r"toy: CC BY-NC 4\.0"):
        download_corpus(changed, tmp_path / "changed", **elsewhere)
    (tmp_path / "cache/licences/toy.json").write_text("{")
    with pytest.raises(SerHfError, match="not accepted yet"):
        download_corpus(corpus, tmp_path / "third", **elsewhere)


def test_the_cache_is_where_the_environment_says(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_HF_CACHE", str(tmp_path / "elsewhere"))
    download_corpus(toy(published(server)), tmp_path / "data", accept_license=True, patience=QUICK)
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == {"downloads", "licences"}


def test_a_corpus_without_an_address(get, data):
    message = refused(get, toy())
    assert "corpus 'toy' cannot be fetched by a program. Ask at the desk, fill in the form, unpack toy.zip." in message
    assert f"Put it in {data / 'toy'}, so that files named like 1_happy.wav lie there" in message
    (data / "toy").mkdir(parents=True)
    (data / "toy/1_happy.wav").write_bytes(b"got it")
    assert len(get(toy()).scan.clips) == 1


def test_no_room_is_said_before_the_first_byte(server, get, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    big = published(server)
    message = refused(get, toy(dataclasses.replace(big, size=900)))
    assert "1000 bytes free; corpus 'toy' needs at least 1800" in message
    assert server.requests == []


def test_no_room_to_unpack(server, get, data, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1_sad.wav", bytes(3 << 20))
    corpus = toy(published(server, buffer.getvalue()))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1 << 20}))
    assert f"unpacks to {3 << 20} bytes; there are {1 << 20} free" in refused(get, corpus)
    assert list(data.iterdir()) == []


def test_a_place_that_cannot_be_written(server, get, data):
    data.write_text("a file is in the way")
    with pytest.raises(OSError, match=r"exists|directory"):
        get(toy(published(server)))


def test_an_archive_with_other_recordings_stays_for_inspection(server, get, data):
    corpus = toy(published(server, zipped({"song.wav": b""})))
    message = refused(get, corpus)
    assert "no clip found below" in message
    assert "--force fetches it again" in message
    assert (data / "toy/song.wav").exists()


def test_errors_of_the_network_come_through(server, get):
    download = published(server)
    server.files.clear()
    with pytest.raises(DownloadError, match="404 Not Found"):
        get(toy(download))


def test_a_grammar_error_names_the_file(server, get):
    def strict(path):
        raise CorpusError(f"{path}: unknown code")

    assert "1_happy.wav: unknown code" in refused(get, toy(published(server), parse=strict))


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("kind", ["bomb", "nesting", "damaged", "headless", "twice"])
def test_what_was_refused_once_is_refused_again(server, get, tmp_path, checked, kind):
    inner = zipped({"zeros.wav": bytes(2 << 20)}) if kind == "bomb" else zipped({"1_happy.wav": b"other"})
    if kind == "nesting":
        inner = zipped({"x.zip": zipped({"y.zip": zipped({"1.wav": b""})})})
    if kind == "damaged":
        inner = inner[: len(inner) // 2]
    if kind == "headless":
        inner = bytes(4) + inner[4:]
    names = {"inner.zip": inner} | ({"inner/1_happy.wav": b"another"} if kind == "twice" else {})
    data = zipped({**CLIPS, **names})
    record = {} if checked else {"sha256": None, "size": None}
    corpus = toy(published(server, data, **record))
    limits = Limits(size=1 << 20, nesting=2)
    for _ in range(2):
        with pytest.raises(SerHfError):
            get(corpus, limits=limits)
        assert not (tmp_path / "data" / "toy").exists()
