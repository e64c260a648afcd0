"""Somebody else's checkpoint on recordings, under our protocols and with our intervals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ser_hf.audio import LONGEST
from ser_hf.base.alone import alone
from ser_hf.base.atomic import write_json
from ser_hf.base.disk import writing
from ser_hf.base.errors import SerHfError
from ser_hf.base.provenance import hardware, now, versions
from ser_hf.base.steps import steps
from ser_hf.corpora import Reading
from ser_hf.data import Corpora, load_corpus
from ser_hf.features import prepared
from ser_hf.labels import OWN, Scheme, get_scheme
from ser_hf.protocols import SplitOptions, make_split, split_counts
from ser_hf.reporting import write_report
from ser_hf.training import ForeignClasses, class_names, folders, load_checkpoint, score

_CAVEAT = "what the checkpoint was trained on is not known here: test clips may be among it"


def evaluate_other(
    checkpoint: str | Path,
    corpora: Sequence[str],
    *,
    data_root: str | Path | None = None,
    data_dirs: Sequence[str] = (),
    scheme: str | Path | Scheme | None = None,
    protocol: str | None = None,
    options: SplitOptions | None = None,
    skip_bad: bool = False,
    max_duration: float = LONGEST,
    num_proc: int | None = None,
    output: str | Path | None = None,
    reading: Reading | None = None,
) -> tuple[dict[str, Any], Path]:
    """Scores a checkpoint that is no run of ours: results.json, predictions.parquet, plots and report as of a run.

    Args:
        checkpoint: a folder, or a repository on the Hub, of an audio classifier.
        corpora: the recordings.
        data_root: folder that holds one folder per corpus.
        data_dirs: ``NAME=DIR`` words, over ``data_root``.
        scheme: label scheme; by default what the checkpoint's own labels mean.
        protocol: score the test side of this split alone, as a run trained by it is scored; None scores all clips.
        options: of the protocol.
        skip_bad: leave out unreadable files and list them in the ledger.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        num_proc: worker processes.
        output: by default ``evaluations/<checkpoint>-<corpora>``.
        reading: what labels mean, those of the checkpoint as well; how corpora of one's own are read.

    Returns:
        The results, and the folder they are in.

    Raises:
        SerHfError: nothing is known of a label; any error of loading checkpoint and recordings, and of splitting.
    """
    model, extractor = load_checkpoint(checkpoint)
    names = class_names(model.config)
    said = (reading or Reading()).labels
    of_names = {label: meaning for label, meaning in said.items() if label in names}
    known = ForeignClasses.of(names, of_names, get_scheme(scheme) if scheme and scheme != OWN else None)
    steps.info("the checkpoint's labels: %s", known.words())
    loaded = load_corpus(
        corpora,
        data_root=data_root,
        data_dirs=folders(data_dirs),
        scheme=known.scheme,
        skip_bad=skip_bad,
        max_duration=max_duration,
        num_proc=num_proc,
        reading=replace(reading or Reading(), labels={k: v for k, v in said.items() if k not in of_names}),
    )
    split, rows = _chosen(loaded, protocol, options)
    called = Path(checkpoint).resolve().name if Path(checkpoint).is_dir() else str(checkpoint)
    what = "-".join(corpora) + (f"-{protocol}" if protocol else "")
    folder = re.sub(r"[^\w.-]+", "_", f"{called}-{what}")
    target = Path(output) if output else Path("evaluations", folder)
    if (target / "results.json").exists() and output is None:
        raise SerHfError(f"{target} already holds results; choose another --output")
    unsaid = known.unsaid()
    results = {
        "schema": 1,
        "name": f"{called} on {what}",
        "recipe": None,
        "created": now(),
        "versions": versions(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "synthetic": any(corpus.synthetic for corpus in loaded.records),
        "caveat": _CAVEAT + (f"; it cannot say {', '.join(unsaid)}" if unsaid else ""),
        "model": {
            "library": getattr(model, "library", "transformers"),
            "model_type": model.config.model_type,
            "architecture": type(model).__name__,
            "parameters": model.num_parameters(),
            "labels": dict(zip(names, known.meanings, strict=True)),
        },
        "features": {k: v for k, v in extractor.to_dict().items() if isinstance(v, str | int | float | bool)},
        "data": {
            "corpora": [corpus.card() for corpus in loaded.records],
            "scheme": known.scheme.name,
            "scheme_definition": known.scheme.to_dict(),
            "classes": [*known.scheme.classes],
            "ledger": loaded.ledger.to_dict(),
            "remarks": list(loaded.remarks),
            "splits": split_counts({"test": rows}),
        },
        "split": split,
        "audit": [],
        "training": {
            "epochs": 0.0,
            "best_epoch": None,
            "best_validation_uar": None,
            "seconds": 0.0,
            "device": "elsewhere",
            "hardware": hardware(),
            "precision": "fp32",
            "processes": 1,
            "history": [],
            "arguments": {},
        },
    }
    with alone(target), writing(target):
        ready = prepared(rows, extractor, num_proc=num_proc)
        results["test"] = score(model, extractor, ready, [*known.scheme.classes], target, known.regrouped, rows)
        write_json(target / "results.json", results)
        write_report(target)
    return results, target


def _chosen(loaded: Corpora, protocol: str | None, options: SplitOptions | None) -> tuple[dict[str, Any], Any]:
    """What the split is, and the rows to score."""
    rows = loaded.dataset
    split: dict[str, Any] = {
        "protocol": "cross-corpus",
        "description": f"all clips of {', '.join(corpus.name for corpus in loaded.records)}",
        "fold": None,
        "seed": 0,
        "options": {},
        "validation_speakers": [],
    }
    if protocol is not None:
        made = make_split(rows, protocol, options)
        rows, split = made.datasets["test"], made.info.to_dict()
        split["description"] = f"the test side of: {split['description']}"
    unknown = {"speaker_independent": False, "validation_speaker_independent": False, "training_unknown": True}
    return {**split, **unknown, "test_speakers": sorted(set(rows["speaker"][:]) - {None})}, rows
