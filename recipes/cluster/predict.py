"""Emotions of any number of recordings on a Ray cluster.

Files and bytes are read and decoded on its processors, the model runs in actors, on GPUs where it is told to, and
Parquet files come out, with the rows of ``ser-hf predict --output``.

    pip install 'ser_hf[ray]'
    python predict.py calls/ more.parquet --output scores --gpus 1 --actors 8

The folders of recordings and output must be the same on all machines, and ser_hf installed on them; ``RAY_ADDRESS``
names the cluster, else a Ray of this machine alone is started. Rows come in no particular order: ``id`` tells which is
which, the path, the line of a table or ``FILE#ROW`` of Parquet. Killed and started again the same way, it hears what
is not in the output yet.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.atomic import write_json
from ser_hf.base.errors import SerHfError
from ser_hf.base.optional import require
from ser_hf.inference import DEFAULT, Listener, open_model
from ser_hf.inference.batch import (
    Batches,
    Item,
    Parquet,
    Piece,
    Scorer,
    Settings,
    Sound,
    fields,
    hearer,
    items_of,
    sources_of,
)

NOTE = ".predict.json"
"""In the output, by which command it was begun."""
BLOCK = 500
"""Items in a block that Ray hands out."""


def hear(batch: Any, settings: Settings) -> Any:
    """A table of items in, the same with samples (float32 as bytes), seconds of speech and errors out."""
    import pyarrow as pa

    listen, found = hearer(settings), []
    for values in batch.to_pylist():
        sound = listen(Item(**values))
        samples = None if sound.samples is None else sound.samples.astype(np.float32).tobytes()
        found.append((samples, sound.speech, sound.error))
    kept = batch.drop_columns(["data", "error"])
    kinds = {"samples": pa.large_binary(), "speech": pa.float64(), "error": pa.string()}
    for (name, kind), values in zip(kinds.items(), zip(*found, strict=True), strict=True):
        kept = kept.append_column(name, pa.array(values, kind))
    return kept


class Classify:
    """A model that is loaded once, and rows of the table it gives."""

    def __init__(self, checkpoint: str, device: str, batch_size: int, min_confidence: float) -> None:
        self.model = open_model(checkpoint, device)
        self.batch_size, self.min_confidence = batch_size, min_confidence
        self.columns = fields(self.model.labels, self.model.targets)

    def __call__(self, batch: Any) -> Any:
        """A table of `hear` in, a table of rows out."""
        batches = Batches(Scorer(self.model, self.min_confidence), self.batch_size)
        rows = []
        for values in batch.to_pylist():
            held, speech, error = (values.pop(name) for name in ("samples", "speech", "error"))
            samples = None if held is None else np.frombuffer(held, np.float32)
            rows += batches.add(Item(**values), Sound(samples, speech, error))
        return Parquet().table(rows + batches.flush(), self.columns)


def read_group(piece: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a row group of a Parquet file."""
    return [item._asdict() for item in items_of(Piece(piece["shard"], int(piece["group"]), int(piece["first"])))]


def items_on(ray: Any, words: Sequence[str]) -> Any:
    """What the words name, as a Ray dataset of items; row groups of Parquet files are read where there is room."""
    parts = sources_of(words).parts
    groups = [piece._asdict() for part in parts for piece in getattr(part, "pieces", list)()]
    others = [part.word for part in parts if not hasattr(part, "pieces")]
    found = [ray.data.from_arrow(list(_blocks(others)))] if others else []
    if groups:
        found.append(ray.data.from_items(groups, override_num_blocks=len(groups)).flat_map(read_group))
    return found[0].union(*found[1:]) if found[1:] else found[0]


def _blocks(words: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    kinds = {"id": text, "path": text, "start": number, "end": number, "data": pa.binary(), "error": text, "file": text}
    items = sources_of(words).items()
    while block := [item._asdict() for item in islice(items, BLOCK)]:
        yield pa.Table.from_pylist(block, pa.schema(list(kinds.items())))


def without(batch: Any, done: Any) -> Any:
    """The items whose ids are not among those that are done."""
    import pyarrow.compute as pc

    return batch.filter(pc.invert(pc.is_in(batch["id"], value_set=done)))


def begun(output: Path, how: Mapping[str, Any]) -> Any:
    """The ids that an interrupted run has written; what it was writing when it ended is removed.

    Raises:
        SerHfError: the folder holds something else, or what another command has begun.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    made_by = {name: how[name] for name in ("words", "model", "min_confidence", "vad", "max_duration")}
    note, there = output / NOTE, output.is_dir() and any(output.iterdir())
    if there and not note.is_file():
        raise SerHfError(f"{output} holds something else; name a new folder")
    if there and json.loads(note.read_text(encoding="utf-8")) != made_by:
        raise SerHfError(f"{output} was begun by another command; name a new folder, or repeat that one")
    output.mkdir(parents=True, exist_ok=True)
    write_json(note, made_by)
    ids = [pa.array([], pa.string())]
    for file in sorted(output.glob("*.parquet")):
        try:
            ids += pq.read_table(file, columns=["id"])["id"].chunks
        except (pa.ArrowInvalid, OSError):  # its end, where Parquet keeps what is in it, was not written
            file.unlink()
    return pa.concat_arrays([part.cast(pa.string()) for part in ids])


def arguments() -> argparse.ArgumentParser:
    """What the program takes."""
    parser = argparse.ArgumentParser(description="Emotions of any number of recordings on a Ray cluster.")
    parser.add_argument("words", nargs="+", metavar="FILE", help="files, folders, patterns, tables, Parquet files")
    parser.add_argument("--model", default=DEFAULT, metavar="RUN", help="run folder, repository on the Hub, ONNX file")
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="folder for the Parquet files; new, or begun by the same"
    )
    parser.add_argument("--actors", type=int, default=1, metavar="N", help="models at work (default 1)")
    parser.add_argument("--gpus", type=float, default=0, metavar="G", help="GPUs of each; may be a share (default 0)")
    parser.add_argument("--batch_size", type=int, default=32, metavar="N", help="clips scored together (default 32)")
    parser.add_argument("--min_confidence", type=float, default=0.0, metavar="P", help="below it a clip is 'unsure'")
    parser.add_argument("--vad", default="auto", help="what finds speech: silero, rule or auto")
    parser.add_argument("--max_duration", type=float, default=3600.0, metavar="S", help="seconds; longer is an error")
    return parser


def run(args: argparse.Namespace) -> int:
    """Hears everything, and says what became of it."""
    import pyarrow.parquet as pq

    ray = require("ray", "ray")
    require("ray.data", "ray")
    output = Path(args.output).absolute()
    words = [word if word.startswith("hf://") else str(Path(word).absolute()) for word in args.words]
    done = begun(output, {**vars(args), "words": words})
    model: Listener = open_model(args.model, "cpu")  # tells at once what is wrong with it
    settings = Settings(model.sampling_rate, args.max_duration, args.vad)
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    cores = int(ray.cluster_resources().get("CPU", 0))
    if not args.gpus and args.actors >= cores:
        raise SerHfError(f"{args.actors} actors on {cores} cores leave none to decode; ask for fewer by --actors")
    room = {"num_gpus": args.gpus, "num_cpus": 0} if args.gpus else {"num_cpus": 1}
    items = items_on(ray, words)
    if len(done):
        items = items.map_batches(without, fn_kwargs={"done": done}, batch_format="pyarrow")
    sounds = items.map_batches(hear, fn_kwargs={"settings": settings}, batch_size=64, batch_format="pyarrow")
    rows = sounds.map_batches(
        Classify,
        fn_constructor_args=(args.model, "cuda" if args.gpus else "cpu", args.batch_size, args.min_confidence),
        batch_size=8 * args.batch_size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=args.actors),
        **room,
    )
    rows.write_parquet(str(output))
    errors = pq.read_table(output, columns=["error"])["error"]
    bad = len(errors) - errors.null_count
    told = f"; {bad} of {len(errors)} could not be used, see column error" if bad else ""
    sys.stdout.write(f"{args.output}: {len(errors)} clips{told}\n")
    return 0 if bad < len(errors) else 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs; what the user can mend is one line."""
    try:
        return run(arguments().parse_args(argv))
    except SerHfError as error:
        sys.stderr.write(f"predict.py: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
