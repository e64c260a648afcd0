"""Many recordings in, one table out: found, decoded, scored and written, and gone on with after a kill."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_hf.audio.decode import LONGEST
from ser_hf.audio.speech import speech_detector
from ser_hf.base.alone import alone
from ser_hf.base.errors import SerHfError

from ..heard import check_confidence
from ..listener import Listener
from ..opening import DEFAULT, open_model
from .decoding import Decoder
from .formats import format_of
from .hearing import Settings
from .item import Item
from .processes import Processes, wait_until
from .progress import Progress
from .rows import Row, fields
from .scoring import Batches, Scorer
from .shards import Digest, Done, Shards
from .sources import Sources, sources_of
from .weights import weights_of

_SHARD = 1000
_MOST_WORKERS = 16


@dataclass(frozen=True)
class Options:
    """How recordings are heard; see `predict_many`. All of these change what is written."""

    min_confidence: float = 0.0
    vad: str = "auto"
    max_duration: float = LONGEST
    embeddings: bool = False
    shard_size: int = _SHARD


@dataclass(frozen=True)
class Summary:
    """What became of a run.

    Attributes:
        output: the file or folder.
        clips: rows in it.
        errors: how many of them could not be used.
        heard: those that were heard now, and not by a run before this one.
        seconds: it took.
    """

    output: str
    clips: int
    errors: int
    heard: int = 0
    seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """The same for a program."""
        found = dataclasses.asdict(self)
        return {**found, "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        rate = f", {self.heard / self.seconds:.0f} a second" if self.heard and self.seconds else ""
        before = self.clips - self.heard
        there = f"; {before} of them were there already" if before else ""
        bad = f"; {self.errors} of {self.clips} could not be used, see column error" if self.errors else ""
        return f"{self.output}: {self.clips} clips{rate}{there}{bad}"


def predict_many(
    words: Sequence[str | Path],
    output: str | Path,
    checkpoint: str | Path = DEFAULT,
    *,
    device: str = "auto",
    workers: int | None = None,
    batch_size: int = 32,
    overwrite: bool = False,
    shown: bool = False,
    options: Options | None = None,
) -> Summary:
    """Classifies any number of recordings into a table, one row for each, in the order of the words.

    The rows have ``id``, ``path``, ``start``, ``end``, ``seconds``, ``speech``, ``label``, ``confidence``, a
    probability ``p_<class>`` for every class, ratings where the model gives them, and ``error``: a recording that
    cannot be used is a row with its reason. What was killed goes on when it is called again the same way, and ends with
    the same file, byte for byte. Under ``accelerate launch`` every process takes its share.

    Args:
        words: what is heard; see `ser_hf.inference.batch.sources_of`.
        output: a file ending in ``.parquet``, ``.csv`` or ``.jsonl``, or a folder, which gets Parquet shards.
        checkpoint: as in `open_model`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        workers: processes that decode; by default one for every core, 0 for none.
        batch_size: clips scored together.
        overwrite: begin anew where something is there; what the same call began is gone on with all the same.
        shown: show how far it is, on standard error.
        options: what else changes the result.

    Raises:
        SerHfError: a word names nothing, the model cannot be used for this, the output is there already, was begun by
            another command or is in use, or there is no recording at all.
    """
    wanted, began = options or Options(), time.monotonic()
    _check(wanted, batch_size, workers)
    path = Path(output)
    shards = Shards(path, format_of(path))
    if wanted.embeddings and not shards.form.vectors:
        raise SerHfError(f"{shards.form.suffix} holds no embeddings; choose an --output ending in .parquet or .jsonl")
    sources = sources_of(words)
    wanted = dataclasses.replace(wanted, vad=speech_detector(wanted.vad).name)
    plan = {"of": [_absolute(word) for word in words], "model": weights_of(checkpoint), **dataclasses.asdict(wanted)}
    mark = hashlib.blake2b(json.dumps(plan, sort_keys=True).encode(), digest_size=16).hexdigest()
    if not overwrite and not shards.folder.exists() and path.is_file():
        found = shards.form.made_by(path)
        if found and found[0] == mark:  # the same command has ended before
            return Summary(str(path), *found[1:])
    processes, before = Processes.started(device), 0
    try:
        with alone(shards.folder, processes.main):
            try:
                if processes.main:
                    shards.prepare(plan, overwrite)
                    before = sum(known.rows for known in shards.all_done().values())
                processes.meet()
                model = _opened(checkpoint, device, wanted)
                job = _Job(model, sources, shards, wanted, processes, batch_size)
                with Progress(shown and processes.main, sources.count) as progress:
                    job.run(workers if workers is not None else min(_cores(), _MOST_WORKERS), progress)
                if processes.main:
                    rows, errors = job.finish(mark)
            finally:
                if processes.main:
                    shards.forget()
    finally:
        if processes.main:
            shards.leave()
        processes.leave()
    if not processes.main:
        return Summary(str(path), job.heard, 0, job.heard)
    return Summary(str(path), rows, errors, rows - before, time.monotonic() - began)


@dataclass
class _Job:
    """The work of one process.

    Attributes:
        total: recordings in the stream, once it has ended.
        digests: of every shard of it, as it is now.
        there: what is known of the shards that were there.
        heard: clips this process heard.
    """

    model: Listener
    sources: Sources
    shards: Shards
    options: Options
    processes: Processes
    batch_size: int
    total: int = 0
    digests: list[Digest] = field(default_factory=list)
    there: dict[int, Done] = field(default_factory=dict)
    heard: int = 0

    def __post_init__(self) -> None:
        self.columns = fields(self.model.labels, self.model.targets, self.options.embeddings)
        self.there = self.shards.all_done()

    def run(self, workers: int, progress: Progress) -> None:
        """Hears every recording of the shards that are this process's and not there."""
        settings = Settings(self.model.sampling_rate, self.options.max_duration, self.options.vad)
        batches = Batches(Scorer(self.model, self.options.min_confidence, self.options.embeddings), self.batch_size)
        shard, rows = -1, list[Row]()
        with Decoder(settings, workers) as decoder:
            for number, item, sound in decoder(self._todo(progress)):
                if number != shard:
                    self._write(shard, rows + _told(batches.flush(), progress))
                    shard, rows = number, []
                rows += _told(batches.add(item, sound), progress)
            self._write(shard, rows + _told(batches.flush(), progress))

    def finish(self, mark: str) -> tuple[int, int]:
        """Waits for the others and puts the output together; rows and errors."""
        if not self.total:
            self.shards.clear()
            raise SerHfError(f"no recording in {', '.join(part.word for part in self.sources.parts)}")
        count = len(self.digests)
        wait_until(lambda: all(number in self.there or self._look(number) for number in range(count)))
        for number, digest in enumerate(self.digests):
            self._same(number, digest)
        if len(self.shards.all_done()) > count:
            raise SerHfError(_others(self.shards, "there are fewer"))
        self.shards.finish(count, self.columns, mark)
        return sum(known.rows for known in self.there.values()), sum(known.errors for known in self.there.values())

    def _todo(self, progress: Progress) -> Iterator[tuple[int, Item]]:
        size = self.options.shard_size
        for position, item in enumerate(self.sources.items(self._any_todo)):
            shard = position // size
            if position % size == 0:
                if shard and shard - 1 in self.there:
                    self._same(shard - 1, self.digests[shard - 1])
                self.digests.append(Digest())
            self.digests[shard].add(item)
            self.total = position + 1
            if self._is_todo(shard):
                yield shard, item
            else:
                progress.skip(1)

    def _any_todo(self, first: int, last: int) -> bool:
        size = self.options.shard_size
        return any(self._is_todo(shard) for shard in range(first // size, (last - 1) // size + 1))

    def _is_todo(self, shard: int) -> bool:
        return self.processes.has(shard) and shard not in self.there

    def _write(self, shard: int, rows: list[Row]) -> None:
        if shard < 0:
            return
        self.there[shard] = self.shards.write(shard, rows, self.columns, str(self.digests[shard]))
        self.heard += len(rows)

    def _look(self, number: int) -> bool:
        if (known := self.shards.done(number)) is not None:
            self.there[number] = known
        return known is not None

    def _same(self, number: int, digest: Digest) -> None:
        if self.there[number].digest != str(digest):
            raise SerHfError(_others(self.shards, f"those from {number * self.options.shard_size} on"))


def _told(rows: list[Row], progress: Progress) -> list[Row]:
    progress.add(len(rows))
    return rows


def _others(shards: Shards, which: str) -> str:
    return (
        f"the recordings are not those {shards.output} was begun with: {which}; put them back, or remove "
        f"{shards.folder} to begin anew"
    )


def _check(options: Options, batch_size: int, workers: int | None) -> None:
    check_confidence(options.min_confidence)
    for name, value, least in (
        ("shard_size", options.shard_size, 1),
        ("batch_size", batch_size, 1),
        ("workers", workers, 0),
    ):
        if value is not None and value < least:
            raise SerHfError(f"--{name} is {value}; expected {least} or more")


def _opened(checkpoint: str | Path, device: str, options: Options) -> Listener:
    model = open_model(checkpoint, device)
    if options.embeddings and (reason := model.no_embeddings()) is not None:
        raise SerHfError(f"{checkpoint}: {reason}")
    if model.one_speaker_a_call:
        raise SerHfError(
            f"{checkpoint} compares the clips of one speaker with each other, and --output takes those of anybody; "
            "leave --output out, and give the files of one speaker"
        )
    return model


def _absolute(word: str | Path) -> str:
    text = os.fspath(word)
    return text if text.startswith("hf://") else os.path.abspath(text)


def _cores() -> int:
    with suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
