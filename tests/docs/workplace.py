"""A folder in which what the documents name is there, made of tones and a synthetic voice; commands are run in it."""

import contextlib
import csv
import io
import shlex
import shutil
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from docs_blocks import Block, blocks
from docs_documents import README, ROOT, document_blocks
from docs_places import BUILD, DATASET, MODEL, PLACES, TRAIN, Run

from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.cli import main
from ser_hf.flows import train as train_flow
from ser_hf.reporting import load_build
from ser_hf.reporting.hub import files_to_push as model_files
from ser_hf.reporting.hub_dataset import files_to_push as dataset_files
from ser_hf.studies.launchers import Finished, Launcher, Started
from ser_hf.studies.launchers.launcher import Job, Told
from ser_hf.training import load_recipe

GERMAN = dict(zip(range(1, 9), ("neutral", "Ruhe", "Freude", "Trauer", "Wut", "Angst", "Ekel", "Staunen"), strict=True))
"""RAVDESS' codes in the words of a table of somebody."""
CALLS = "audio_column: Datei\nspeaker_column: Sprecher\nlanguage: en\nlicence: CC BY-NC-SA 4.0\n"


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and the lines on standard output and standard error."""

    code: int
    out: Sequence[str]
    err: Sequence[str]


class Here(Launcher):
    """Trains in this process, which has loaded the libraries already."""

    jobs = 1

    def run(self, jobs: Sequence[Job]) -> Generator[Told, None, None]:
        for number, job in enumerate(jobs):
            yield Started(number)
            train_flow.train(load_recipe(job["source"], job["words"]))
            yield Finished(number, 1.0, None)


@dataclass
class Workplace:
    """Runs commands and snippets in one folder, each once."""

    folder: Path
    done: dict[tuple[str, str], Ran] = field(default_factory=dict)
    cards: dict[str, list[Block]] = field(default_factory=dict)

    def run(self, file: str, key: str) -> Ran:
        """Runs an entry of the table after those it needs; its key is a command or the first line of a snippet."""
        if (file, key) not in self.done:
            place = PLACES[file][key]
            assert isinstance(place, Run)
            for need in place.after:
                assert self.run(README, need).code == PLACES[README][need].code
            if place.removes:
                (self.folder / place.removes).unlink(missing_ok=True)
            with self._captured(file) as (out, err):
                code = self._start(file, key, place)
            self.done[file, key] = Ran(code, out.getvalue().splitlines(), err.getvalue().splitlines())
        return self.done[file, key]

    def _start(self, file: str, key: str, place: Run) -> int:
        if snippet := self.snippet(file, key):
            exec(compile(snippet.text, f"{file}:{snippet.line}", "exec"), self.given())
            return 0
        piped, _, command = (place.command or key).rpartition(" | ")
        words = shlex.split(f"{command} {place.more}")
        if words[0] in ("head", "cat"):
            lines = Path(words[-1]).read_text(encoding="utf-8").splitlines()
            sys.stdout.write("\n".join(lines[: int(words[1][1:])] if words[0] == "head" else lines))
            return 0
        with self._piped() if piped else contextlib.nullcontext(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(train_flow, "write_report", lambda _: None)  # seconds of drawing; tests/flows/ looks at them
            patch.setattr("ser_hf.cli.study._launcher", lambda _: Here())
            return main(words[1:])

    def snippet(self, file: str, key: str) -> Block | None:
        """The Python block that begins so, if one does."""
        known = (block for block in self.blocks(file) if block.language == "python")
        return next((block for block in known if block.head == key), None)

    def blocks(self, file: str) -> list[Block]:
        """Those of a document; a card is that of the run or build which the README shows, as it is sent to the Hub."""
        if file not in (MODEL, DATASET):
            return [block for block in document_blocks() if block.file == file]
        if file not in self.cards:
            self.run(README, TRAIN if file == MODEL else BUILD)
            card = self._pull_run() if file == MODEL else self._pull_dataset()
            self.cards[file] = blocks(file, card)
        return self.cards[file]

    def _pull_run(self) -> str:
        """Lays the run down as the Hub would have it, and gives its card."""
        run, place = self.folder / "runs" / "mine", self._beside(MODEL)
        return _lay(model_files(run), place / "USER" / "REPOSITORY")

    def _pull_dataset(self) -> str:
        """The same of the dataset; and its manifest alone."""
        folder, place = self.folder / "build" / "ravdess_savee", self._beside(DATASET)
        files = dataset_files(folder, load_build(folder))
        _lay({name: files[name] for name in ("manifest.parquet", "build.json")}, place / "manifest")
        return _lay(files, place / "USER" / "REPOSITORY")

    def _beside(self, file: str) -> Path:
        """A folder of a card's own: both cards call what they are about by one name."""
        place = self.folder / file
        place.mkdir()
        for name in ("clip.wav", "DIR"):
            (place / name).symlink_to(self.folder / name)
        return place

    def given(self) -> dict[str, object]:
        """Names that snippets use and do not define."""
        samples = spoken("neutral")
        return {"__name__": "snippet", "samples": samples, "waveform": samples, "blocks": [samples]}

    @contextlib.contextmanager
    def _captured(self, file: str) -> Iterator[tuple[io.StringIO, io.StringIO]]:
        out, err = io.StringIO(), io.StringIO()
        place = self.folder / file if file in (MODEL, DATASET) else self.folder
        with contextlib.chdir(place), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield out, err

    @contextlib.contextmanager
    def _piped(self) -> Iterator[None]:
        raw = soundfile.read("call.wav", dtype="int16")[0].astype("<i2").tobytes()
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(raw))
        try:
            yield
        finally:
            sys.stdin = before


def _lay(files: Mapping[str, Path | str], folder: Path) -> str:
    """Writes files of these names, and gives the card among them."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, folder / name)
        else:
            (folder / name).write_text(content, encoding="utf-8")
    return (folder / "README.md").read_text(encoding="utf-8") if "README.md" in files else ""


def spoken(emotion: str) -> np.ndarray:
    """A sentence of the synthetic voice."""
    return synthesise(emotion, Voice.invent("docs", "female"), "kids are talking by the door")


def furnish(folder: Path, tones_root: Path, whisper: Path) -> Workplace:
    """Puts everything there that the documents name and no command of theirs makes."""
    shutil.copytree(tones_root, folder / "DATA")
    clip = spoken("angry")
    ravdess = folder / "DATA" / "ravdess"
    soundfile.write(ravdess / "Actor_01" / "03-01-05-02-01-01-01.flac", clip, SAMPLING_RATE)
    for name in ("03-01-03-01-02-01-07", "03-01-03-01-02-02-07"):  # one recording twice, as in RAVDESS
        soundfile.write(ravdess / "Actor_07" / f"{name}.wav", spoken("happy"), SAMPLING_RATE)
    (folder / "DIR").symlink_to("DATA")
    (folder / "recipes").symlink_to(ROOT / "recipes")
    for name in ("clip.wav", "clip.flac", "a.wav", "b.wav", "clips/1.wav", "clips/2.wav", "old/deep/1.flac"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, clip, SAMPLING_RATE)
    shutil.copy(folder / "clip.wav", folder / "clip.m4a")  # what a file holds counts, not its name
    silence = np.zeros(2 * SAMPLING_RATE)
    soundfile.write(folder / "call.wav", np.concatenate([silence, clip, silence, clip, silence]), SAMPLING_RATE)
    (folder / "more.csv").write_text("path\nclip.wav\n", encoding="utf-8")
    (folder / "runs").mkdir()
    for name in ("mine", "my-run", "lstm-fold1"):
        (folder / "runs" / name).symlink_to("from_scratch-cnn_blstm_attention-random")
    earlier = folder / "runs" / "quickstart" / "random" / "results.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier quickstart", encoding="utf-8")
    (folder / "openai").mkdir()
    (folder / "openai" / "whisper-base").symlink_to(whisper)
    (bands,) = (block for block in document_blocks() if block.head == "title: How many bands")
    (folder / "bands.yaml").write_text(bands.text, encoding="utf-8")
    write_calls(folder / "calls", tones_root / "ravdess")
    return Workplace(folder)


def write_calls(folder: Path, ravdess: Path) -> None:
    """RAVDESS' clips under a table as a German spreadsheet leaves it."""
    rows = []
    for path in sorted(ravdess.rglob("*.wav")):
        actor, emotion = path.parent.name, int(path.stem.split("-")[2])
        (folder / actor).mkdir(parents=True, exist_ok=True)
        samples, rate = soundfile.read(path)
        soundfile.write(folder / actor / f"{path.stem}.flac", samples, rate)
        sex = "m" if int(actor[-2:]) % 2 else "w"
        rows.append([f"{actor}\\{path.stem}.flac", GERMAN[emotion], actor[-2:], sex])
    with (folder / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([["Datei", "Emotion", "Sprecher", "Gender"], *rows])
    (folder / "calls.yaml").write_text(CALLS, encoding="utf-8")
