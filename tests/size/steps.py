"""One step on one corpus, in the process that is measured: ``python steps.py STEP FOLDER``; what came out as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _listed(folder: Path) -> dict[str, Any]:
    """Finds the clips, as every command does first, and counts what became of them."""
    from ser_hf.corpora import own_corpus, scan
    from ser_hf.data._cache_key import cache_key
    from ser_hf.labels import get_scheme
    from ser_hf.ledger import make_ledger

    table, scheme = folder / "corpus" / "own.csv", get_scheme("8class")
    found = scan(own_corpus("own", table), table)
    return {"clips": make_ledger(found.clips, scheme).used, "key": cache_key([found], scheme)}


def _command(*words: str, fine: tuple[int, ...] = (0,)) -> str:
    from ser_hf.cli import main

    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = main([*words])
    if code not in fine:
        raise SystemExit(f"ser-hf {' '.join(words)}: exit code {code}\n{told.getvalue()[-2000:]}")
    return told.getvalue()


def _corpus(folder: Path) -> list[str]:
    return ["--corpora", "own", "--data_dirs", f"own={folder / 'corpus' / 'own.csv'}"]


def _built(folder: Path) -> dict[str, Any]:
    out = folder / "built"
    told = _command("build", *_corpus(folder), "--protocol", "speaker-independent", "--output", str(out), "--overwrite")
    sizes = {path.name: path.stat().st_size for path in out.iterdir() if path.is_file()}
    return {"printed": len(told), "bytes": sum(p.stat().st_size for p in out.rglob("*.parquet")), **sizes}


def _audited(folder: Path) -> dict[str, Any]:
    told = _command("audit", str(folder / "built"), "--json", fine=(0, 1))
    return {"printed": len(told), "found": {f"{f['rule']} {f['level']}": f["count"] for f in json.loads(told)}}


def _loaded(folder: Path) -> Any:
    from ser_hf.data import load_corpus

    return load_corpus(["own"], data_dirs={"own": folder / "corpus" / "own.csv"}).dataset


def _split(folder: Path) -> dict[str, Any]:
    """Of the table's rows, as a training run makes them: by clip, by speaker, and in folds of each."""
    from ser_hf.protocols import SplitOptions, make_split

    rows, found = _loaded(folder), {}
    for protocol in ("random", "speaker-independent", "kfold", "speaker-kfold"):
        options = SplitOptions(fold=1) if "kfold" in protocol else SplitOptions()
        parts = make_split(rows, protocol, options).datasets
        found[protocol] = [len(part) for part in parts.values()]
    return found


def _balanced(folder: Path) -> dict[str, Any]:
    from ser_hf.data import balance
    from ser_hf.protocols import make_split

    parts, found = make_split(_loaded(folder), "speaker-independent").datasets, {}
    for method in ("none", "undersample", "class_weights", "oversample"):
        found[method] = len(balance(parts, method)[0]["train"])
    return found


def _featured(folder: Path) -> dict[str, Any]:
    """Features of 16 bands and 16 frames in half precision, so that the disk is not what is measured."""
    from ser_hf.features import add_features
    from ser_hf.models import SerFeatureExtractor

    settings = {"sampling_rate": 4_000, "duration": 0.5, "n_fft": 256, "hop_length": 128, "n_mels": 16}
    rows = add_features(_loaded(folder), SerFeatureExtractor(**settings), dtype="float16", keep_audio=False)
    files = {file["filename"] for file in rows.cache_files}
    return {"rows": len(rows), "bytes": sum(Path(name).stat().st_size for name in files)}


def _predicted(folder: Path) -> dict[str, Any]:
    out = folder / "scores.parquet"
    model = next(iter(sorted(folder.parent.glob("*.onnx"))), None)
    words = [str(folder / "corpus" / "own.csv"), "--output", str(out), "--overwrite", "--workers", "1", "--quiet"]
    _command("predict", *([str(model)] if model else []), *words)
    return {"bytes": out.stat().st_size}


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "list": _listed,
    "build": _built,
    "audit": _audited,
    "split": _split,
    "balance": _balanced,
    "features": _featured,
    "predict": _predicted,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]))) + "\n")
