"""A run as ``flows/train.py`` leaves it: plausible numbers, consistent with one another."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CLASSES = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
SAVEE_SPEAKERS = ["DC", "JE", "JK", "KL"]
RAVDESS = {
    "name": "ravdess",
    "title": "Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech",
    "licence": "CC BY-NC-SA 4.0",
    "licence_url": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "redistributable": True,
    "citation": "Livingstone & Russo (2018), PLoS ONE 13(5): e0196391, doi:10.1371/journal.pone.0196391",
    "homepage": "https://zenodo.org/records/1188976",
    "language": "en",
}
SAVEE = {
    "name": "savee",
    "title": "Surrey Audio-Visual Expressed Emotion (SAVEE)",
    "licence": "research only, after registration",
    "licence_url": "http://kahlan.eps.surrey.ac.uk/savee/",
    "redistributable": False,
    "citation": "Haq & Jackson (2010), Machine Audition, ch. 17, 398-423, doi:10.4018/978-1-61520-919-4.ch017",
    "homepage": "http://kahlan.eps.surrey.ac.uk/savee/",
    "language": "en",
}


def make_predictions(classes: list[str] = CLASSES, clips: int = 192, seed: int = 7) -> list[dict[str, Any]]:
    """Test clips of two corpora with probabilities that are right about seven times in ten."""
    generator = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for i in range(clips):
        corpus = "ravdess" if i % 4 else "savee"
        speaker = f"ravdess_{i * 3 // 4 % 24 + 1:02d}" if i % 4 else f"savee_{SAVEE_SPEAKERS[i // 4 % 4]}"
        truth = int(generator.integers(len(classes))) if i >= len(classes) else i
        logits = generator.normal(size=len(classes))
        logits[truth] += 2.0
        logits[(truth + 3) % len(classes)] += 0.9
        p = np.exp(logits) / np.exp(logits).sum()
        names = {"label": classes[truth], "predicted": classes[int(p.argmax())]}
        shares = {f"p_{c}": float(v) for c, v in zip(classes, p, strict=True)}
        rows.append({"clip_id": f"{corpus}/{speaker}/{i:04d}", "corpus": corpus, "speaker": speaker, **names, **shares})
    return rows


def _metric(value: float, half: float = 0.06) -> dict[str, Any]:
    return {"value": value, "clips": [value - half, value + half], "speakers": [value - 1.5 * half, value + 1.3 * half]}


def make_test(rows: list[dict[str, Any]], classes: list[str]) -> dict[str, Any]:
    """Scores ``rows``; the counts are exact, the intervals only plausible."""
    confusion = [[sum(r["label"] == t and r["predicted"] == p for r in rows) for p in classes] for t in classes]
    counts = np.array(confusion, dtype=float)
    recall = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
    precision = counts.diagonal() / np.maximum(counts.sum(axis=0), 1)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    support = counts.sum(axis=1)
    corpora = []
    for name in sorted({r["corpus"] for r in rows}):
        part = [r for r in rows if r["corpus"] == name]
        right = sum(r["label"] == r["predicted"] for r in part) / len(part)
        speakers = len({r["speaker"] for r in part})
        accuracy, uar = _metric(right, 0.07), _metric(right - 0.011, 0.07)
        if speakers < 2:
            accuracy["speakers"] = uar["speakers"] = None
        corpora.append({"corpus": name, "clips": len(part), "speakers": speakers, "accuracy": accuracy, "uar": uar})
    return {
        "n_clips": len(rows),
        "n_speakers": len({r["speaker"] for r in rows}),
        "metrics": {
            "accuracy": _metric(float(counts.diagonal().sum() / counts.sum())),
            "uar": _metric(float(recall.mean())),
            "macro_f1": _metric(float(f1.mean())),
            "weighted_f1": _metric(float((f1 * support).sum() / support.sum())),
        },
        "per_class": [
            {"class": c, "precision": float(precision[i]), "recall": float(recall[i]), "f1": float(f1[i])}
            | {"clips": int(support[i])}
            for i, c in enumerate(classes)
        ],
        "confusion": confusion,
        "per_corpus": corpora,
    }


def _splits(rows: list[dict[str, Any]], classes: list[str]) -> dict[str, Any]:
    test = {c: sum(r["label"] == c for r in rows) for c in classes}
    splits = {"train": {c: 8 * n + 3 for c, n in test.items()}, "validation": {c: n - 1 for c, n in test.items()}}
    return {
        name: {"clips": sum(counts.values()), "speakers": 28, "classes": counts}
        for name, counts in {**splits, "test": test}.items()
    }


def _history(epochs: int = 40) -> list[dict[str, float]]:
    generator = np.random.default_rng(3)
    rise = 1 - np.exp(-np.arange(1, epochs + 1) / 9)
    return [
        {
            "epoch": float(e + 1),
            "loss": float(2.1 - 1.6 * rise[e]),
            "eval_loss": float(2.0 - 1.15 * rise[e] + generator.normal(0, 0.03)),
            "eval_uar": float(0.13 + 0.6 * rise[e] + generator.normal(0, 0.015)),
            "eval_accuracy": float(0.14 + 0.61 * rise[e] + generator.normal(0, 0.015)),
        }
        for e in range(epochs)
    ]


def make_results(rows: list[dict[str, Any]], classes: list[str] = CLASSES) -> dict[str, Any]:
    """results.json of a speaker-mixed run on RAVDESS and SAVEE."""
    ledger = [
        {"corpus": k, "native_label": c, "emotion": c, "action": "kept", "label": c, "clips": 60}
        for k in ("ravdess", "savee")
        for c in classes
    ]
    ledger[-1] |= {"action": "dropped", "label": None}
    history = _history()
    best = max(history, key=lambda record: record["eval_uar"])
    return {
        "schema": 1,
        "name": "from_scratch-cnn_blstm_attention-random",
        "created": "2026-11-20T14:00:00+00:00",
        "versions": {"ser_hf": "0.1.0", "python": "3.11.7", "torch": "2.14.1", "transformers": "5.23.0"},
        "synthetic": False,
        "model": {
            "model_type": "cnn_blstm_attention",
            "architecture": "CnnBlstmAttentionForAudioClassification",
            "parameters": 1_234_568,
        },
        "features": {"sampling_rate": 16000, "n_mels": 128, "hop_length": 256, "duration": 3.0},
        "data": {
            "corpora": [RAVDESS, SAVEE],
            "scheme": "8class",
            "classes": classes,
            "ledger": {"scheme": "8class", "rows": ledger, "unreadable": [], "found": 960, "used": 900},
            "remarks": ["savee: 479 clips found, 480 in the official release"],
            "splits": _splits(rows, classes),
        },
        "split": {
            "protocol": "random",
            "description": "80/10/10 of the clips, stratified by class, seed 42",
            "fold": None,
            "seed": 42,
            "speaker_independent": False,
            "test_speakers": sorted({r["speaker"] for r in rows}),
            "validation_speakers": sorted({r["speaker"] for r in rows}),
            "validation_speaker_independent": False,
        },
        "audit": [
            {"level": "warning", "rule": "speaker-overlap", "message": "28 speakers are in train and in test"},
            {"level": "info", "rule": "identical-audio", "message": "no decoded audio is in two splits"},
        ],
        "training": {
            "epochs": 40.0,
            "best_epoch": best["epoch"],
            "best_validation_uar": best["eval_uar"],
            "seconds": 812.3,
            "device": "cpu",
            "hardware": "AMD EPYC, 2 cores",
            "precision": "bf16",
            "processes": 1,
            "history": history,
            "arguments": {"learning_rate": 0.001, "per_device_train_batch_size": 32, "mixup": 0.2, "seed": 42},
        },
        "test": make_test(rows, classes),
    }


Rows = list[dict[str, Any]]


@pytest.fixture
def make_run() -> Callable[..., tuple[dict[str, Any], Rows]]:
    """Makes results.json and the rows of predictions.parquet for given classes and corpora."""

    def make(classes: list[str] = CLASSES, clips: int = 192, only: str | None = None) -> tuple[dict[str, Any], Rows]:
        rows = [r for r in make_predictions(classes, clips) if only in (None, r["corpus"])]
        results = json.loads(json.dumps(make_results(rows, classes)))
        results["data"]["corpora"] = [c for c in results["data"]["corpora"] if only in (None, c["name"])]
        return results, rows

    return make


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[[dict[str, Any], Rows], Path]:
    """Writes what the report reads into a run folder."""

    def write(results: dict[str, Any], rows: Rows) -> Path:
        folder = tmp_path / "run"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
        pq.write_table(pa.Table.from_pylist(rows), folder / "predictions.parquet")
        return folder

    return write


@pytest.fixture
def results(make_run: Callable[..., tuple[dict[str, Any], Rows]]) -> dict[str, Any]:
    """The content of results.json, a fresh copy for every test."""
    return make_run()[0]


@pytest.fixture
def run_dir(make_run: Callable[..., tuple[dict[str, Any], Rows]], write_run: Callable[..., Path]) -> Path:
    """A run folder with results.json and predictions.parquet."""
    return write_run(*make_run())


@pytest.fixture
def build(results: dict[str, Any]) -> dict[str, Any]:
    """build.json of a built dataset."""
    data = results["data"]

    def config(name: str, **more: Any) -> dict[str, Any]:
        files = [{"split": s, "path": f"data/{name}/{s}-*.parquet"} for s in ("train", "validation", "test")]
        return {"config_name": name, **more, "data_files": files}

    return {
        "schema": 1,
        "name": "ser-ravdess-savee",
        **{key: data[key] for key in ("corpora", "scheme", "classes", "ledger", "splits")},
        "split": results["split"],
        "audit": results["audit"],
        "remarks": data["remarks"],
        "configs": [config("ravdess"), config("savee"), config("combined", default=True)],
    }


def _load_hub_server() -> ModuleType:
    """The module beside this folder; test folders are no packages, so it is loaded by its path."""
    path = Path(__file__).parents[1] / "hub_server.py"
    spec = importlib.util.spec_from_file_location("hub_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def hub_server() -> ModuleType:
    """``tests/hub_server.py``."""
    return _load_hub_server()


@pytest.fixture
def hub(hub_server: ModuleType) -> Iterator[Any]:
    """A small Hub on the loopback address, see ``tests/hub_server.py``."""
    with hub_server.HubServer() as server:
        yield server


@pytest.fixture(scope="session")
def hub_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """The environment of a process that talks to the small Hub: empty caches, no network, and ser_hf importable."""

    def environment(**more: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "SER_HF_"))}
        settings = {
            "HF_HOME": str(tmp_path_factory.mktemp("home")),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        return inherited | settings | more

    return environment


@pytest.fixture
def fresh_process(
    tmp_path: Path, hub_environment: Callable[..., dict[str, str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python source in a process of its own with empty caches, the given environment, and ser_hf importable."""

    def run(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", source],
            env=hub_environment(**environment),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run
