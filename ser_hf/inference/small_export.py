"""A checkpoint as a small folder to pass on: weights in float16, no code, the card and the licence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from ser_hf.base.atomic import write_bytes, write_json, write_text
from ser_hf.base.errors import SerHfError
from ser_hf.embeddings import ENCODER, EmbeddingExtractor
from ser_hf.reporting import load_results, write_model_card
from ser_hf.training import load_checkpoint

from .fold_scores import scored_by

LICENCE = "LICENSE"
_CONFIGS = ("config.json", "preprocessor_config.json")
_RESULTS = "results.json"
_WEIGHTS = "model.safetensors"
_LOST = 1e-3
"""Of the largest weight of a tensor; float16 rounds by half of it, and below 6e-5 by more and more."""


def export_small(source: str | Path, folder: str | Path, folds: Sequence[str | Path] = ()) -> Path:
    """Writes a run as a folder with half of its size.

    The weights are float16, but those too large or too small for it; every loader of ours computes in float32 with
    them. The modelling code is left out: ser_hf has it. results.json goes along without the history of the training,
    and the card and a LICENSE are made from it.

    Args:
        source: run folder with results.json.
        folder: made if it does not exist; files of an earlier export are replaced.
        folds: runs by the same recipe that left speakers out; their score, of all test clips together, is told of a
            model that learned from every speaker, beside its own on corpora that it never heard.

    Raises:
        CheckpointError: the checkpoint cannot be loaded.
        SerHfError: it is no network or a probe, the folder is the run or holds something else, results.json is missing,
            or the folds are of another recipe.
    """
    source, folder = Path(source), Path(folder)
    results = scored_by(folds, load_results(source)) if folds else load_results(source)
    model, extractor = load_checkpoint(source, "cpu")
    if not isinstance(model, PreTrainedModel):
        raise SerHfError(f"{source} is {model.kind}; only networks have weights to make smaller")
    if isinstance(extractor, EmbeddingExtractor):
        raise SerHfError(f"{source} is a probe, small beside the encoder in {source / ENCODER}; pass on the run itself")
    _check_target(source, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _CONFIGS:
        write_json(folder / name, _without_code(source / name))
    write_bytes(folder / _WEIGHTS, _halved(model))
    results["model"]["own_code"], results["training"]["history"] = False, []
    write_json(folder / _RESULTS, results)
    write_text(folder / LICENCE, licence_text(results["data"]["corpora"]))
    write_model_card(folder)
    return folder


def _check_target(source: Path, folder: Path) -> None:
    ours = {*_CONFIGS, _WEIGHTS, _RESULTS, LICENCE, "README.md"}
    if folder.exists() and not folder.is_dir():
        raise SerHfError(f"{folder} is a file; name a folder for the small checkpoint")
    if folder.is_dir() and folder.resolve() == source.resolve():
        raise SerHfError(f"{folder} is the run itself, whose weights would be lost; name another folder")
    killed = tuple(f".{name}." for name in ours)  # what a killed export left, which goes when the file is written
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    others = sorted(name for name in names - ours if not name.startswith(killed))
    if others:
        raise SerHfError(f"{folder} holds {', '.join(others[:5])}, which no such folder has; name another")


def _without_code(path: Path) -> dict[str, Any]:
    """A configuration, without the Python files it names."""
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in config.items() if key != "auto_map"}


def _halved(model: PreTrainedModel) -> bytes:
    """The model's safetensors file with float16 in place of float32 wherever it holds them; changes the model."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point() and tensor.numel():
                half = tensor.to(torch.float16)
                if half.isfinite().all() and (half - tensor).abs().max() <= _LOST * tensor.abs().max():
                    tensor.data = half
    with tempfile.TemporaryDirectory() as place:
        model.save_pretrained(place)
        return Path(place, _WEIGHTS).read_bytes()


def licence_text(corpora: Sequence[Mapping[str, Any]]) -> str:
    """What a LICENSE beside weights says: they are under the terms of the recordings they learned from."""
    lines = [
        "The weights in this folder were trained on the recordings named below, and may be used under the terms of all",
        "of these. The code of ser_hf is under a licence of its own.",
    ]
    for corpus in corpora:
        lines += ["", f"{corpus['title']}", f"Licence: {corpus['licence']}"]
        lines += [str(corpus[key]) for key in ("licence_url", "homepage", "citation") if corpus[key]]
    return "\n".join(lines) + "\n"
