"""Opens mutated recordings of every codec: ``python tests/strangers/recordings.py --count 20000 --seed 0``.

Every file is a real short recording that was spoilt: bytes flipped at its head or anywhere, sizes of its parts changed,
cut, put together with another one, under a giant header. Each is opened in the public ways, in a process that has 2 GiB
of address space in all and 10 s for a file; every fifth by the checks of a corpus as well, in one that has 2 GiB more
than it takes to load datasets and Arrow. Allowed are samples, or one printable line that names the file; nothing may be
printed by a library. Some hundreds of them are then a folder, for ``ser-hf build`` and ``ser-hf predict --output``.

The exit code is 1 where anything else happened; ``--keep FOLDER`` gets the files it happened with.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from av import FFmpegError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from children import Child, Tally, Told, Way, progress, say, steady, tried
from foreign_forms import FORMS, Form, encode
from mutations import giant_headers

RATE = 16_000
CHECKED = 5
"""One of so many goes through the checks of a corpus."""
NAMES = ("{}", "{}", "{}", "{}", "a b/{}", "{}\x1b[2J\r\n.wav", "\u202e{}.flac", "x\udc80{}.mp3", "<b>{}.wav", "{}.txt")
MORE_FORMS = {
    "amr": Form("amr", "libopencore_amrnb", (8_000,), 160),
    "mp2.mpg": Form("mpeg", "mp2", (44_100,), 1152),
    "ac3.mkv": Form("matroska", "ac3", (44_100,), 1536),
    "eac3.mp4": Form("mp4", "eac3", (48_000,), 1536),
    "flac.mkv": Form("matroska", "flac", (44_100,), 0),
    "opus.mp4": Form("mp4", "libopus", (48_000,), 0),
    "mp3.mp4": Form("mp4", "libmp3lame", (44_100,), 1152),
    "g722.mkv": Form("matroska", "g722", (16_000,), 0),
    "adpcm.avi": Form("avi", "adpcm_ms", (22_050,), 0),
    "adpcm.flv": Form("flv", "adpcm_swf", (22_050,), 0),
    "nellymoser.flv": Form("flv", "nellymoser", (22_050,), 0),
    "ra": Form("rm", "real_144", (8_000,), 0),
    "ac3.rm": Form("rm", "ac3", (44_100,), 1536),
    "wmav1.wma": Form("asf", "wmav1", (44_100,), 0),
    "aac.wav": Form("wav", "aac", (44_100,), 0),
    "yamaha.wav": Form("wav", "adpcm_yamaha", (16_000,), 0),
    "ima.caf": Form("caf", "adpcm_ima_qt", (44_100,), 64),
    "opus.caf": Form("caf", "libopus", (48_000,), 0),
}


class Original(NamedTuple):
    """A whole recording."""

    codec: str
    data: bytes


def _voice(rate: int, seconds: float = 0.7) -> np.ndarray:
    """A tone that changes, as a voice does, and noise."""
    time = np.arange(round(rate * seconds)) / rate
    pitch = 2 * np.pi * (150 * time + 8 * np.sin(9 * time))
    tone = sum(np.sin(n * pitch) / n for n in range(1, 9)) * np.sin(np.pi * time / seconds)
    return 0.3 * tone + np.random.default_rng(0).normal(0, 0.01, len(time))


def originals(cases: Path | None) -> list[Original]:
    """A recording of every form that libsndfile or FFmpeg writes here, and those of a folder."""
    found = []
    for form in sorted(set(soundfile.available_formats()) - {"SD2"}):  # it writes a file of its own beside it
        for kind in sorted(set(soundfile.available_subtypes(form)) - {"MPEG_LAYER_I", "MPEG_LAYER_II"}):
            for rate, channels in ((RATE, 1), (8_000, 1), (44_100, 2)):
                file = io.BytesIO()
                try:
                    samples = np.repeat(_voice(rate)[:, None], channels, axis=1)
                    soundfile.write(file, samples, rate, format=form, subtype=kind)
                    soundfile.read(io.BytesIO(file.getvalue()))
                except (soundfile.SoundFileError, ValueError, TypeError):
                    continue  # raw samples, or a rate it does not take
                found.append(Original(f"{form}/{kind}", file.getvalue()))
                break
    FORMS.update(MORE_FORMS)
    for kind, form in sorted(FORMS.items()):
        try:
            found.append(Original(kind, encode(kind, _voice(form.rates[0]), form.rates[0])))
        except (ImportError, OSError, ValueError, FFmpegError) as error:
            sys.stderr.write(f"no {kind} here: {error}" + "\n")
    if cases is not None and cases.is_dir():
        files = [path for path in sorted(cases.iterdir()) if path.is_file() and path.suffix != ".md"]
        found += [Original(f"case {path.name}", path.read_bytes()[:200_000]) for path in files]
    return found


def _flipped(data: bytearray, draw: random.Random, reach: int) -> None:
    for _ in range(draw.choice([1, 2, 4, 12])):
        at = draw.randrange(min(reach, len(data)))
        data[at] = draw.choice([0, 1, 127, 128, 255, data[at] ^ 1 << draw.randrange(8), draw.randrange(256)])


def _resized(data: bytearray, draw: random.Random) -> None:
    """Changes what is likely to be a size, a count or a rate: a number in its head or tail that is not too large."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        width = draw.choice([2, 4, 4, 4, 8])
        order = draw.choice(["little", "big"])
        places = [*range(0, min(len(data), 600)), *range(max(0, len(data) - 1500), len(data))]
        here = [at for at in places if 0 < int.from_bytes(data[at : at + width], order) <= 4 * len(data)]
        at = draw.choice(here or places)
        value = int.from_bytes(data[at : at + width], order)
        most = (1 << 8 * width) - 1
        value = draw.choice([0, 1, most, most >> 1, value * 2, value + 1, value - 1, value << 8, 1 << 16, 1 << 24])
        data[at : at + width] = (value & most).to_bytes(width, order)


def mutated(one: Original, whole: list[Original], giants: list[tuple[str, bytes]], draw: random.Random) -> bytes:
    """Spoils a recording."""
    data = bytearray(one.data)
    size = len(data)
    how = draw.randrange(12)
    if how < 2:
        _flipped(data, draw, 64 if how else 600)
    elif how == 2:
        _flipped(data, draw, size)
    elif how < 6:
        _resized(data, draw)
    elif how == 6:
        del data[draw.randrange(size) :]
    elif how == 7:
        at = draw.randrange(size)
        data[at:at] = draw.randbytes(draw.choice([1, 4, 300, 5_000]))
    elif how == 8:
        start = draw.randrange(size)
        part = data[start : start + draw.choice([4, 64, 2_000])]
        data[start : start + len(part)] = draw.choice([b"", bytes(len(part)), part * 20])
    elif how == 9:
        other = draw.choice(whole).data
        data[draw.randrange(size) :] = other[draw.randrange(len(other)) :]
    elif how == 10:
        data = bytearray(draw.choice(giants)[1])
        if draw.random() < 0.7:
            _flipped(data, draw, 64)
    else:
        data[:0] = draw.choice(
            [b"ID3\x04\0\0\0\0\x07\x76" + bytes(1014), b"\0" * 7, b"\xef\xbb\xbf", draw.randbytes(12)]
        )
        _flipped(data, draw, 200)
    return bytes(data)


class Case(NamedTuple):
    """A spoilt recording."""

    number: int
    codec: str
    name: str
    data: bytes


def cases_of(count: int, seed: int, whole: list[Original]) -> Iterator[Case]:
    """So many, each from a seed of its own."""
    giants = [giant for giant in giant_headers() if giant[0] != "bomb.flac"]
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        one = whole[number % len(whole)] if number % 2 else draw.choice([w for w in whole if w.codec in FORMS] or whole)
        yield Case(number, one.codec, draw.choice(NAMES).format(number), mutated(one, whole, giants, draw))


def _sound(samples: np.ndarray) -> None:
    if samples.dtype != np.float32 or samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise TypeError(f"not finite mono float32 samples: {samples.dtype} {samples.shape}")


def decoding() -> Callable[[Case], Told]:
    """Opens by `ser_hf.audio` alone."""
    from ser_hf import audio
    from ser_hf.audio._foreign import load_codecs
    from ser_hf.base.plain import one_line

    load_codecs()
    if "torch" in sys.modules:
        raise RuntimeError("torch is loaded")
    folder = Path(tempfile.mkdtemp())

    def open_all(case: Case) -> Told:
        path = folder / os.fsencode(case.name.replace("/", "_")).decode(errors="surrogateescape")
        path.write_bytes(case.data)

        def by_blocks() -> None:
            for block in audio.blocks(path, RATE, name=case.name):
                _sound(block)

        ways: list[Way] = [
            ("load", lambda: _sound(audio.load(case.data, RATE, case.name))),
            ("blocks", by_blocks),
            ("duration", lambda: audio.duration(path, case.name)),
        ]
        given: Any = {"bytes": case.data, "path": case.name}
        more: list[Way] = [
            ("recording", lambda: _sound(audio.recording(given, 8_000)[1])),
            ("path", lambda: _sound(audio.decode(path, case.name, max_duration=0.5)[0])),
            ("part", lambda: _sound(audio.decode(f"{path}#t=0.1,0.3", case.name)[0])),
            ("cut", lambda: audio.cut(case.data, 0.1, 0.3, case.name)),
        ]
        try:
            return tried([*ways, more[case.number % len(more)]], one_line(case.name))
        finally:
            path.unlink()

    return open_all


def checking() -> Callable[[Case], Told]:
    """Opens as the clip of a corpus."""
    from ser_hf.base.plain import one_line
    from ser_hf.corpora import own_corpus
    from ser_hf.data.checks import Findings, oddities, read_clip
    from ser_hf.records import Clip

    folder = Path(tempfile.mkdtemp())
    corpus = own_corpus("strangers")

    def open_all(case: Case) -> Told:
        path = folder / case.name.replace("/", "_")
        path.write_bytes(case.data)
        clip = Clip(path, "strangers", "sad", "sad", "strangers/a", clip_id=f"strangers/{case.number}")

        def check() -> None:
            try:
                found = read_clip(clip, corpus)
            except ValueError as error:
                findings = Findings()
                findings.add_bad(clip, error)
                if str(folder) in " ".join(findings.left_out(unreadable=findings.bad[0].unreadable).values()):
                    raise TypeError("the path of this machine stands in what is published") from error
                raise
            _sound(found.samples)
            list(oddities(clip, corpus, found))

        try:
            return tried([("checks", check)], one_line(path.name))
        finally:
            path.unlink()

    return open_all


def by_command(cases: Iterator[Case]) -> list[str]:
    """Builds a corpus of a folder, and classifies its files; what is wrong with that."""
    wrong = []
    with tempfile.TemporaryDirectory() as home:
        clips = Path(home) / "clips"
        count = 0
        for case in cases:
            path = clips / ("sad", "happy")[case.number % 2] / f"{case.name.replace('/', '_')}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(case.data)
            count += 1
        table = Path(home) / "heard.csv"
        build = [
            "build",
            "--corpora",
            "own",
            "--data_dirs",
            f"own={clips}",
            "--skip_bad",
            "--protocol",
            "random",
            "--output",
            f"{home}/built",
        ]
        for words in (build, ["predict", str(clips), "--output", str(table), "--vad", "rule", "--device", "cpu"]):
            command = [sys.executable, "-m", "ser_hf.cli", *words]
            done = subprocess.run(
                command, capture_output=True, env={**os.environ, "HF_HOME": f"{home}/hf"}, timeout=1200
            )
            said = (done.stdout + done.stderr).decode(errors="backslashreplace")
            say(f"ser-hf {words[0]}: exit code {done.returncode}: {said[-400:]!r}")
            if done.returncode or "Traceback" in said or not steady(re.sub("[\n\t\r]", "", said)):
                wrong.append(f"ser-hf {words[0]}: exit code {done.returncode}: {said[-3000:]}")
        if table.exists():
            with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                rows = list(csv.DictReader(file))
            failed = [row["error"] for row in rows if row["error"]]
            say(f"ser-hf predict: {len(rows)} rows of {count} files, {len(failed)} with an error")
            wrong += [f"{len(rows)} rows of {count} files"] if len(rows) != count else []
            wrong += [f"a row of {error!r}" for error in failed if not steady(error)]
            wrong += [f"a row without answer: {row}" for row in rows if not row["error"] and not row["label"]]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens mutated recordings of every codec.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=Path, help="a folder of recordings that are mutated as well")
    parser.add_argument("--keep", type=Path, help="a folder for the files that something is wrong with")
    parser.add_argument("--by_command", type=int, default=400, help="files of the folder that the commands are given")
    args = parser.parse_args()
    whole = originals(args.cases)
    sys.stderr.write(f"{len(whole)} originals" + "\n")
    tally = Tally(args.keep)
    decoder, checker = Child(decoding, beyond=False), Child(checking)
    for case in progress(cases_of(args.count, args.seed, whole), 1_000):
        told = decoder.ask(case)
        if case.number % CHECKED == 0:
            checked = checker.ask(case)
            kinds = checked.kinds if "checks" in checked.kinds else {"checks": checked.kinds["all"]}
            told.kinds.update(kinds)
            told.text += checked.text
        tally.add(case.codec.split("/")[0], case.name, told, case.data)
    decoder.close()
    checker.close()
    if args.by_command:
        tally.wrong += by_command(cases_of(args.by_command, args.seed + 1, whole))
    return tally.tell()


if __name__ == "__main__":
    sys.exit(main())
