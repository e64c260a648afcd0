"""Videos and telephones' formats where PyAV is not installed: what to do, in one line."""

import os
import sys
from pathlib import Path

import pytest

from ser_hf.audio import blocks, decode
from ser_hf.base.errors import AudioError

VIDEOS = {
    "mp4": b"\0\0\0 ftypisom\0\0\2\0" + bytes(400),
    "m4a": b"\0\0\0 ftypM4A \0\0\0\0" + bytes(400),
    "3gp": b"\0\0\0 ftyp3gp4\0\0\0\0" + bytes(400),
    "mkv": b"\x1aE\xdf\xa3" + bytes(400),
    "avi": b"RIFF\xff\0\0\0AVI LIST" + bytes(400),
    "amr": b"#!AMR\n" + bytes(400),
    "aac": b"\xff\xf1\x50\x80" + bytes(400),
    "tagged.aac": b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"\xff\xf9\x50\x80" + bytes(400),
    "wma": b"0&\xb2u\x8ef\xcf\x11" + bytes(400),
}
KINDS = {
    **{"mp4": "an MP4 file", "m4a": r"an M4A file \(MP4\)", "3gp": r"a 3GP file \(MP4\)", "avi": "an AVI file"},
    **{"mkv": "a WebM or Matroska file", "amr": "AMR", "aac": r"AAC \(ADTS\)", "tagged.aac": r"AAC \(ADTS\)"},
    "wma": r"a WMA or WMV file \(ASF\)",
}


OTHERS = {
    "old.mov": (b"\0\0\0\x08wide" + bytes(400), "a MOV file"),
    "dvd.mpg": (b"\0\0\1\xba" + bytes(400), "an MPEG video"),
    "tv.ts": ((b"G" + bytes(187)) * 3, r"an MPEG video \(transport stream\)"),
    "phone.wav": (b"RIFF\xff\0\0\0WAVEfmt \x12\0\0\0\x45\0" + bytes(400), r"a WAV file of G\.726 in spite of its name"),
    "memo.caf": (b"caff\0\1\0\0desc" + bytes(16) + b"aac " + bytes(400), "a CAF file of AAC"),
    "old.ogg": (b"OggS" + bytes(24) + b"Speex   " + bytes(400), "an OGG file of Speex in spite of its name"),
    "covered.aac": (b"ID3\4\0\0\0\1\0\0" + bytes(1 << 14) + b"\xff\xf1\x50\x80" + bytes(400), r"AAC \(ADTS\)"),
}


@pytest.fixture(autouse=True)
def no_pyav(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.parametrize("kind", VIDEOS)
def test_the_error_says_what_to_do_in_one_line(tmp_path, kind):
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(VIDEOS[kind])
    told = f"^{path} is {KINDS[kind]}, which libsndfile does not read; PyAV does: pip install 'ser_hf\\[codec\\]'$"
    for read in (decode, lambda source: list(blocks(source, 16_000))):
        with pytest.raises(AudioError, match=told):
            read(path)


@pytest.mark.parametrize("kind", VIDEOS)
def test_what_hides_under_another_name_is_named(kind):
    told = f"^a/clip.wav is {KINDS[kind]} in spite of its name, which libsndfile does not read; PyAV does: pip install "
    with pytest.raises(AudioError, match=told):
        decode(VIDEOS[kind], "a/clip.wav")


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_rarer_is_known_too(tmp_path, name):
    data, words = OTHERS[name]
    (tmp_path / name).write_bytes(data)
    for read in (decode, lambda source: list(blocks(source, 16_000))):
        with pytest.raises(AudioError, match=f"{name} is {words}, which libsndfile .*ser_hf\\[codec\\]"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (VIDEOS["m4a"], "is an M4A file"),
        (b"", "is not audio that libsndfile reads"),
        (b"a text " * 900, "is text, not"),
    ],
)
def test_a_large_file_is_judged_by_its_first_bytes(tmp_path, head, told):
    (tmp_path / "clip.bin").write_bytes(head)
    os.truncate(tmp_path / "clip.bin", 1 << 40)  # a hole: reading it would fill the memory
    with pytest.raises(AudioError, match=told):
        decode(tmp_path / "clip.bin")


@pytest.mark.real
def test_what_telephones_and_browsers_hand_over(shared_data):
    cases: Path = shared_data.parent / "cases"
    for name in ("clip.opus", "phone_adpcm.wav", "yt.wav", "mp3_in_disguise.wav"):
        samples, rate = decode(cases / name)
        assert len(samples) / rate == pytest.approx(4.104, abs=0.005), name
    told = {
        "clip.m4a": r"an M4A file \(MP4\), which",
        "clip.webm": "a WebM or Matroska file, which",
        "clip.amr": "AMR, which",
        "aac_in_disguise.wav": r"an M4A file \(MP4\) in spite of its name",
    }
    for name, words in told.items():
        with pytest.raises(AudioError, match=rf"{name} is {words}.*ser_hf\[codec\]"):
            decode(cases / name)
