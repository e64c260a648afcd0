"""Opens mutated recipes, tables, configurations, weights, Parquet and ONNX files.

``python tests/strangers/documents.py --count 5000 --seed 0``: every file is a good one that was spoilt: its bytes, its
words, or the tree of its keys and values (types swapped, numbers that are none, deep nesting, keys given twice, anchors
that double). Each is opened by the function by which users open it, in a process that has 2 GiB of address space more
than it takes to load the libraries, and 10 s for a file. Allowed are a result, or one printable line; nothing may be
printed.

The exit code is 1 where anything else happened; ``--keep FOLDER`` gets the files it happened with.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import yaml

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

from children import Child, Tally, Told, progress, tried

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
ODD: list[Any] = [
    *(None, True, "", "x", " ", "\0", "\x1b[2J", "a\nb", "x" * 5_000, [], {}, [[]], [None], {"a": {"b": []}}, {1: 2}),
    *(0, -1, 3, 10**9, 10**400, -(2**63), 1e308, float("inf"), float("nan"), 1e-320, "1e999", "nan", "../../etc", "%s"),
    *(["a", 1], "{{ x }}", "2026-13-01", "0x10", [1] * 500),
]
"""Values that are put where others are expected."""
ENCODINGS = ("utf-16", "utf-16-be", "utf-8-sig", "cp037", "utf-32")
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
WORDS = [
    *(
        "\t",
        "\0",
        "\ufeff",
        "&a ",
        "*a",
        "!!python/object/apply:os.system [x]",
        "<<: *a",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
    ),
    *("!!binary ====", "? ", "| ", "> ", "'", '"', "{", "[", "}", ":", ": ", "- ", "\r", "\x85", "\u2028", "~", "#"),
    *(
        "!!set {a}",
        "!!timestamp 2026",
        "1_000",
        "0o7",
        ".inf",
        ".nan",
        "1" * 5_000,
        "=",
        "\x1b]8;;x\x07",
        "\ud7ff",
        ",",
    ),
]
"""What is put into texts."""


class Kind(NamedTuple):
    """A kind of file: how one of its name is opened, its good ones, and how their tree is read and written."""

    opens: Callable[[Path], Any]
    file: str
    good: list[bytes]
    read: Callable[[str], Any] | None = None
    write: Callable[[Any], str] | None = None
    beside: Path | None = None


def _bytes_changed(data: bytearray, draw: random.Random) -> None:
    size = max(1, len(data))
    how = draw.randrange(5)
    if how == 0:
        for _ in range(draw.choice([1, 3, 20])):
            data[draw.randrange(size)] = draw.choice([0, 255, draw.randrange(256)])
    elif how == 1:
        for _ in range(draw.choice([1, 3])):
            at = draw.choice([draw.randrange(min(size, 300)), max(0, size - 1 - draw.randrange(min(size, 300)))])
            data[at] = draw.randrange(256)
    elif how == 2:
        del data[draw.randrange(size) :]
    elif how == 3:
        at = draw.randrange(size)
        data[at:at] = draw.randbytes(draw.choice([1, 8, 500]))
    else:
        at, width = draw.randrange(min(size, 400)), draw.choice([2, 4, 8])
        data[at : at + width] = draw.choice([b"\xff", b"\x7f", b"\0"]) * width


def _text_changed(text: str, draw: random.Random) -> bytes:
    how = draw.randrange(8)
    lines = text.splitlines(keepends=True) or [""]
    if how == 0:
        return text.encode(draw.choice(ENCODINGS), "replace")
    if how == 1:
        return (draw.choice(["[", "{a: ", "- ", '{"a":', "[[", "? "]) * draw.choice([50, 3_000, 100_000])).encode()
    if how == 2:
        return (LAUGHS + text).encode()
    if how == 3:
        lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    elif how == 4:
        at = draw.randrange(len(lines))
        lines[at] = draw.choice(["\t", "  ", "   "]) + lines[at]
    elif how == 5:
        draw.shuffle(lines)
    else:
        for _ in range(draw.choice([1, 2, 5])):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice(WORDS) + text[at + draw.choice([0, 0, 1, 5]) :]
        return text.encode("utf-8", "surrogatepass")
    return "".join(lines).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


def _tree_changed(tree: Any, draw: random.Random) -> Any:
    for _ in range(draw.choice([1, 1, 2, 4])):
        places = list(_places(tree))
        if not places:
            return draw.choice(ODD)
        parent, key = draw.choice(places)
        how = draw.randrange(6)
        if how < 3:
            parent[key] = draw.choice(ODD)
        elif how == 3:
            del parent[key]
        elif how == 4 and isinstance(parent, dict):
            parent[draw.choice(["x", "", "\x1b[1m", "label", "path", "__class__", "a" * 300])] = draw.choice(ODD)
        else:
            other, place = draw.choice(places)
            parent[key] = json.loads(json.dumps(other[place], default=str))
    return tree


def mutated(kind: Kind, draw: random.Random) -> bytes:
    """A good file of a kind, spoilt."""
    good = draw.choice(kind.good)
    how = draw.random()
    if kind.read is not None and kind.write is not None and how < 0.5:
        tree = kind.read(good.decode())
        try:
            return kind.write(_tree_changed(tree, draw)).encode("utf-8", "surrogatepass")
        except (TypeError, ValueError, OverflowError, AttributeError, RecursionError, yaml.YAMLError):
            pass  # a tree that cannot be written
    if kind.read is not None and how < 0.85:
        return _text_changed(good.decode(), draw)
    data = bytearray(good)
    _bytes_changed(data, draw)
    return bytes(data)


def _yaml(opens: Callable[[Path], Any], files: list[Path]) -> Kind:
    good = [path.read_bytes() for path in files]
    return Kind(opens, "some.yaml", good, yaml.safe_load, lambda tree: yaml.safe_dump(tree, sort_keys=False))


def _json(opens: Callable[[Path], Any], name: str, good: list[bytes], beside: Path | None = None) -> Kind:
    return Kind(opens, name, good, json.loads, json.dumps, beside)


def _tables(folder: Path) -> dict[str, Kind]:
    """Tables of one's own, with the recordings they name."""
    from openpyxl import Workbook

    from ser_hf.corpora import own_corpus, scan

    rows = [(f"clips/{n}.wav", ("sad", "happy", "angry")[n % 3], f"s{n % 4}", "0.0", "0.1") for n in range(8)]
    names = ("path", "label", "speaker", "start", "end")
    for path, *_ in rows:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / path, np.zeros(1600), 16_000)
    book = Workbook()
    for row in (names, *rows):
        book.active.append(row)
    book.save(workbook := io.BytesIO())
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))

    def opens(path: Path) -> Any:
        return list(scan(own_corpus("own", path), path).clips)

    text = "\n".join(map(",".join, (names, *rows))) + "\n"
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    described = "title: Mine\nlicence: CC BY 4.0\nlabels: {W: angry}\nlabel_column: label\nlanguage: en\n"
    (folder / "metadata.csv").write_text(text)
    return {
        "table csv": Kind(opens, "t.csv", [text.encode()], lambda t: t, lambda t: t, folder),
        "table tsv": Kind(opens, "t.tsv", [text.replace(",", "\t").encode()], lambda t: t, lambda t: t, folder),
        "table jsonl": Kind(opens, "t.jsonl", [lines.encode()], _objects, _lines, folder),
        "table xlsx": Kind(opens, "t.xlsx", [workbook.getvalue()], beside=folder),
        "corpus yaml": Kind(
            lambda path: opens(path.parent),
            "metadata.yaml",
            [described.encode()],
            yaml.safe_load,
            yaml.safe_dump,
            folder,
        ),
    }


def _objects(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def _lines(tree: Any) -> str:
    return "".join(json.dumps(line) + "\n" for line in tree)


def _parquet(table: pa.Table, **options: Any) -> bytes:
    pq.write_table(table, file := io.BytesIO(), **options)
    return file.getvalue()


def _dataset(home: Path) -> Kind:
    """A dataset in a Parquet file, as a corpus."""
    from ser_hf.corpora import Reading, scan
    from ser_hf.data.dataset_corpus import dataset_corpus

    soundfile.write(sound := io.BytesIO(), np.random.default_rng(0).normal(0, 0.1, 1600), 16_000, format="WAV")
    audio = [{"bytes": sound.getvalue(), "path": f"{n}.wav"} for n in range(6)]
    columns = {"audio": audio, "label": ["sad", "happy"] * 3, "speaker": ["a", "b", "c"] * 2}

    def opens(path: Path) -> None:
        corpus = dataset_corpus("own", str(path), Reading())
        for clip in scan(corpus, path).clips:
            corpus.fetch(clip)

    table = pa.table(columns)
    return Kind(opens, "train.parquet", [_parquet(table), _parquet(table, compression="zstd", use_dictionary=False)])


def kinds_of(home: Path, light: bool = False) -> dict[str, Kind]:
    """Every kind of document, with the files it needs below a folder; ``light`` leaves out to export a model."""
    import datasets
    import transformers

    from ser_hf.base.sealed import is_intact, seal
    from ser_hf.data.manifest import read_manifest
    from ser_hf.inference import export_onnx, open_model
    from ser_hf.inference.default_model import default_folder
    from ser_hf.labels import get_scheme
    from ser_hf.reporting import load_results
    from ser_hf.reporting._results import load_predictions
    from ser_hf.studies import load_study
    from ser_hf.training import load_checkpoint, load_recipe, read_split

    warnings.simplefilter("ignore", FutureWarning)  # of the libraries, about themselves
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger().addHandler(logging.NullHandler())  # our own warnings are told by the command line
    datasets.config.HF_DATASETS_CACHE = home / "cache"
    model = default_folder()
    results = json.loads((model / "results.json").read_text())
    run = home / "run"
    shutil.copytree(model, run, ignore=shutil.ignore_patterns("*.md", "LICENSE"))
    classes = results["data"]["classes"]
    count = results["test"]["n_clips"]
    scores = {f"p_{name}": [1 / len(classes)] * count for name in classes}
    said = {name: ["x"] * count for name in ("clip_id", "corpus", "speaker")}
    predictions = pa.table({**said, **{name: [classes[0]] * count for name in ("label", "predicted")}, **scores})
    split = {side: {"clips": ["a"], "speakers": ["b"], "recordings": ["c"]} for side in ("train", "validation", "test")}
    onnx = b"" if light else export_onnx(model, home / "model.onnx").read_bytes()
    sealed = home / "sealed.arrow"
    sealed.write_bytes(bytes(100))
    seal(sealed)
    shutil.copytree(home, home / "seals", ignore=lambda _, names: [n for n in names if not n.startswith("sealed")])
    manifest = {"split": ["train"], "corpus": ["x"], "clip_id": ["x/1"], "duration": [1.0], "audio_hash": ["0"]}
    schemes = ["keep: [neutral, happy, sad]\nmerge: {calm: neutral, excited: happy}\ndrop: others\n"]
    schemes += ["name: mine\nkeep: [happy, sad]\nrename: {fearful: fear}\ndrop: [disgust, surprised]\n"]

    def weights(path: Path) -> None:
        load_checkpoint(path.parent, "cpu")

    def predicted(path: Path) -> None:
        load_predictions(path.parent, results)

    def exported(path: Path) -> None:
        open_model(path).score([np.zeros(16_000, np.float32)])

    def one(name: str) -> list[bytes]:
        return [(model / name).read_bytes()]

    def scheme(path: Path) -> None:
        get_scheme(path)

    clips = home / "tables"
    return {
        "recipe": _yaml(
            load_recipe, [path for path in RECIPES.glob("*/*.yaml") if path.parent.name[:3] in ("bas", "fro", "pre")]
        ),
        "study": _yaml(load_study, sorted(RECIPES.glob("studies/*.yaml"))),
        "label scheme": Kind(scheme, "s.yaml", [text.encode() for text in schemes], yaml.safe_load, yaml.safe_dump),
        **_tables(clips),
        "config.json": _json(weights, "config.json", one("config.json"), run),
        "preprocessor": _json(weights, "preprocessor_config.json", one("preprocessor_config.json"), run),
        "results.json": _json(lambda path: load_results(path.parent), "results.json", one("results.json"), run),
        "split.json": _json(lambda path: read_split(path.parent), "split.json", [json.dumps(split).encode()], run),
        "safetensors": Kind(weights, "model.safetensors", one("model.safetensors"), beside=run),
        "predictions": Kind(predicted, "predictions.parquet", [_parquet(predictions)], beside=run),
        "manifest": Kind(read_manifest, "manifest.parquet", [_parquet(pa.table(manifest))]),
        "dataset": _dataset(home),
        "seal of a cache": _json(
            lambda path: is_intact(path.with_suffix("")),
            "sealed.arrow.seal",
            [next((home / "seals").glob("*.seal")).read_bytes()],
            home / "seals",
        ),
        "onnx": Kind(exported, "model.onnx", [onnx]),
    }


def opening(kinds: dict[str, Kind]) -> Callable[[tuple[str, bytes, int]], Told]:
    """Opens a file of a kind."""
    place = Path(tempfile.mkdtemp())
    for name, kind in kinds.items():
        if kind.beside is not None:
            shutil.copytree(kind.beside, place / name)
        (place / name).mkdir(exist_ok=True)

    def open_one(case: tuple[str, bytes, int]) -> Told:
        name, data, number = case
        kind = kinds[name]
        folder = place / name
        if kind.beside is None:
            folder = place / name / str(number)
            folder.mkdir()
        path = folder / kind.file
        path.write_bytes(data)
        try:
            return tried([("open", lambda: kind.opens(path))], "")
        finally:
            if kind.beside is None:
                shutil.rmtree(folder)

    return open_one


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens mutated documents.")
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="kinds, by their names")
    parser.add_argument("--keep", type=Path, help="a folder for the files that something is wrong with")
    parser.add_argument("--light", action="store_true", help="leave out ONNX, whose making takes longest")
    args = parser.parse_args()
    tally = Tally(args.keep)
    with tempfile.TemporaryDirectory() as home:
        kinds = kinds_of(Path(home), args.light)
        chosen = [
            name for name in kinds if not (args.light and name == "onnx") and (not args.only or name in args.only)
        ]
        child = Child(lambda: opening(kinds))
        for number in progress(range(args.count), 500):
            name = chosen[number % len(chosen)]
            data = mutated(kinds[name], random.Random(f"{args.seed} {number}"))
            tally.add(name, f"{name} {number}", child.ask((name, data, number)), data)
        child.close()
    return tally.tell()


if __name__ == "__main__":
    sys.exit(main())
