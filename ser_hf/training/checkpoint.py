"""A saved checkpoint -> model and feature extractor, or a clear reason why not."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PreTrainedModel,
    SequenceFeatureExtractor,
)

from ser_hf.base.errors import CheckpointError
from ser_hf.base.hub_failures import HUB_FAILURES, cause, reason
from ser_hf.base.hub_patience import pulling
from ser_hf.base.pickles import SUFFIXES, pickles_in
from ser_hf.base.weights import plain, wrong_with
from ser_hf.baselines import BASELINES, Baseline, load_baseline
from ser_hf.embeddings import EmbeddingExtractor
from ser_hf.finetuning import FAMILIES, quiet
from ser_hf.models import SerFeatureExtractor

from .ensemble import Ensemble, EnsembleConfig, Model, load_ensemble, model_type

_BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
_BROKEN += (MemoryError,)  # sizes in a damaged config.json
_BROKEN += (SafetensorError, *HUB_FAILURES)
"""What the libraries raise for files that are not what they should be."""

_STATE = "trainer_state.json"
_NEEDED = ("config.json", "model.safetensors", "preprocessor_config.json")


def load_checkpoint(source: str | Path, device: str = "auto") -> tuple[Model, SequenceFeatureExtractor]:
    """Loads a model, in evaluation mode, and its feature extractor.

    Args:
        source: run folder, or repository on the Hub. Only safetensors, skops and JSON are read.
        device: ``auto`` takes a GPU where there is one.

    Raises:
        CheckpointError: no such folder or repository, a folder with a pickled file in it, a file or weight is missing
            or does not fit, weights are not finite, or the labels contradict each other.
    """
    model, extractor, missing = load_start(source)
    if missing:
        _refuse(str(source), "missing", missing)
    for network in model.members if isinstance(model, Ensemble) else (model,):
        if not isinstance(network, Baseline):
            network.to(_device(device)).eval()  # type: ignore[arg-type]
    return model, extractor


def load_start(source: str | Path) -> tuple[Model, SequenceFeatureExtractor, list[str]]:
    """The same for a checkpoint to go on from, on the CPU: one of pretraining has no head yet.

    Returns:
        Model, feature extractor, and the names of the head's weights that the checkpoint lacks: they are random.

    Raises:
        CheckpointError: see `load_checkpoint`; weights below the head must be there.
    """
    with nullcontext() if Path(source).exists() else pulling():
        return _load_start(source)


def _load_start(source: str | Path) -> tuple[Model, SequenceFeatureExtractor, list[str]]:
    folder = Path(source)
    refuse_pickles(folder)
    with quiet():
        kind = model_type(source)
        if kind in BASELINES:
            return *load_baseline(source), []
    if kind == EnsembleConfig.model_type:
        return *load_ensemble(source, load_checkpoint), []
    if folder.is_dir():
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            there = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
            raise CheckpointError(
                f"{folder} is no checkpoint: {', '.join(missing)} missing (it holds {there}). "
                "Expected a run folder written by `ser-hf train`, or one pulled from the Hub"
            )
        wrong = next(filter(None, map(wrong_with, sorted(folder.glob("*.safetensors")))), None)
        if wrong:
            raise CheckpointError(f"{folder} cannot be loaded: {wrong}")
    elif folder.exists() or str(source).startswith((".", "/", "~")) or str(source).count("/") > 1:
        raise CheckpointError(
            f"no checkpoint folder {source}; give a run folder, or USER/NAME of a repository on the Hub"
        )
    try:
        with quiet():
            model, report = AutoModelForAudioClassification.from_pretrained(
                source,
                use_safetensors=True,
                trust_remote_code=False,  # our own classes are registered; nobody is asked, and nothing of theirs runs
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # told below, by name
                output_loading_info=True,
            )
            extractor = AutoFeatureExtractor.from_pretrained(source, trust_remote_code=False)  # type: ignore[no-untyped-call]
    except _BROKEN as error:
        where = source if folder.is_dir() else f"{source} is no folder here, and as a repository on the Hub it"
        raise CheckpointError(f"{where} cannot be loaded: {reason(error, plain(_first_line(error)))}") from cause(error)
    if isinstance(extractor, EmbeddingExtractor):
        extractor.found_in(source)
    missing = sorted(map(str, report["missing_keys"]))
    family = FAMILIES.get(model.config.model_type)
    head = [name for name in missing if family is not None and not name.startswith(f"{family.encoder}.")]
    _refuse(str(source), "missing", [name for name in missing if name not in head])
    _refuse(str(source), "mismatched", sorted(map(str, report["mismatched_keys"])))
    _check(str(source), model)
    stock = model.config.model_type in FAMILIES
    if stock == isinstance(extractor, SerFeatureExtractor) or not isinstance(extractor, SequenceFeatureExtractor):
        whose = f"that of {FAMILIES[model.config.model_type].title}" if stock else "ser_hf's"
        raise CheckpointError(f"{source}: expected {whose} feature extractor, found {type(extractor).__name__}")
    if not stock and extractor.feature_size != model.config.n_mels:
        raise CheckpointError(
            f"{source}: the feature extractor gives {extractor.feature_size} mel bands and the model takes "
            f"{model.config.n_mels}; preprocessor_config.json is of another run"
        )
    return model, extractor, head


def refuse_pickles(folder: Path) -> None:
    """Refuses a file that is a pickle by its name, and a folder with one: reading it can run code, and some tool may.

    Raises:
        CheckpointError: there is one; the message names it.
    """
    one = [folder.name] if folder.is_file() and folder.suffix.lower() in SUFFIXES else []
    found = pickles_in(folder) if folder.is_dir() else one
    if not found:
        return
    what = f"{folder} holds {', '.join(found)}" if folder.is_dir() else str(folder)
    if (folder / _STATE).is_file():
        raise CheckpointError(
            f"{folder} is a state to resume a training from (it holds {', '.join(found)}), not a checkpoint to use; "
            "give the run folder above it"
        )
    raise CheckpointError(
        f"{what}: such files are pickles, which can run code when they are read, so a folder with one is refused. "
        "Expected safetensors, skops and JSON only; delete it, or convert it to safetensors"
    )


def _device(name: str) -> torch.device:
    there = torch.cuda.is_available()
    try:
        device = torch.device(name if name != "auto" else "cuda" if there else "cpu")
    except RuntimeError as error:
        raise CheckpointError(f"unknown device {name!r}; expected auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and not (there and (device.index or 0) < torch.cuda.device_count()):
        raise CheckpointError(f"device {name!r} was asked for and no such GPU is visible; use cpu or auto")
    return device


def _refuse(source: str, kind: str, names: list[str]) -> None:
    if names:
        raise CheckpointError(
            f"{source}: {len(names)} {kind} weights, e.g. {names[0]}; the checkpoint is not whole, or its config.json "
            "is of another model"
        )


def _check(source: str, model: PreTrainedModel) -> None:
    broken = [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]
    if broken:
        raise CheckpointError(f"{source}: {len(broken)} weights are not finite, e.g. {broken[0]}; train it again")
    labels, ids = model.config.id2label or {}, model.config.label2id or {}
    try:
        same = {name: int(i) for i, name in labels.items()} == {name: int(i) for name, i in ids.items()}
    except (AttributeError, OverflowError, TypeError, ValueError):  # of a damaged config.json
        same = False
    if not same:
        raise CheckpointError(f"{source}: id2label and label2id in config.json contradict each other")


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
