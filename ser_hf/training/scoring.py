"""A checkpoint's score on rows with features, and the record of which rows were trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import SequenceFeatureExtractor

from ser_hf.base.atomic import write_json
from ser_hf.base.errors import CheckpointError
from ser_hf.base.finite import check_outputs
from ser_hf.baselines import Baseline
from ser_hf.evaluation import (
    evaluate_adaptation,
    evaluate_calibration,
    evaluate_dimensions,
    evaluate_groups,
    evaluate_predictions,
    evaluate_selective,
    evaluate_votes,
    untempered,
    write_predictions,
)
from ser_hf.features import scoring_rows
from ser_hf.records import AUDIO_HASH, DURATION, INPUT_FEATURES, LABEL_DISTRIBUTION

from .calibrating import temperature_of
from .clip_facts import facts_of
from .ensemble import Model
from .prediction import predict
from .targets import ratings

SPLIT = "split.json"


def score(
    model: Model,
    extractor: SequenceFeatureExtractor,
    rows: Any,
    classes: list[str],
    folder: Path,
    regroup: Callable[[np.ndarray], np.ndarray] | None = None,
    recordings: Any = None,
) -> dict[str, Any]:
    """Predicts ``rows``, writes predictions.parquet into ``folder`` and gives the block ``test`` of results.json.

    Args:
        model: in evaluation mode.
        extractor: what computes its input.
        rows: of a `ser_hf.features.prepared` dataset.
        classes: of the labels of the rows.
        folder: for predictions.parquet.
        regroup: probabilities ``(N, L)`` of the model's labels -> ``(N, C)`` of the classes, where they differ.
        recordings: rows with ``audio`` among which are those of ``rows``, by which loudness and noise are measured.
    """
    speakers, inputs = list(rows["speaker"]), scoring_rows(rows, extractor)
    probabilities, dimensions = predict(model, inputs, speakers=speakers)
    temperature = temperature_of(model)
    before = untempered(probabilities, temperature)
    probabilities, before = (shares if regroup is None else regroup(shares) for shares in (probabilities, before))
    targets = [str(name) for name in getattr(model.config, "targets", ())]
    rated = ratings(rows, targets)
    test = scored(
        folder,
        clip_ids=list(rows["clip_id"]),
        corpora=list(rows["corpus"]),
        speakers=speakers,
        references=list(rows["label"]),
        probabilities=probabilities,
        classes=classes,
        temperature=temperature,
        before=before,
        facts=facts_of(rows, recordings),
        dimensions={}
        if dimensions is None
        else dict(zip(targets, zip(rated.T, dimensions.T, strict=True), strict=True)),
    )
    if dimensions is not None:
        test["dimensions"] = evaluate_dimensions(targets, rated, dimensions, speakers)
    if isinstance(model, Baseline) and model.population is not None and DURATION in rows.column_names:
        test["adaptation"] = _adaptation(model, inputs, rows, len(classes), regroup)
    there = LABEL_DISTRIBUTION in rows.column_names
    soft = evaluate_votes(rows[LABEL_DISTRIBUTION][:], probabilities, speakers) if there else None
    return {**test, "soft": soft} if soft else test


def scored(
    folder: Path,
    *,
    corpora: Sequence[str],
    speakers: Sequence[str | None],
    references: Sequence[int],
    probabilities: np.ndarray,
    classes: Sequence[str],
    temperature: float = 1.0,
    before: np.ndarray | None = None,
    facts: Mapping[str, Sequence[Any]] | None = None,
    **columns: Any,
) -> dict[str, Any]:
    """Writes predictions.parquet into ``folder`` and scores what it says of the classes.

    See `write_predictions`; temperature, and probabilities before it, are those of `evaluate_calibration`.
    """
    check_outputs("probabilities", np.asarray(probabilities))
    told: dict[str, Any] = {"corpora": corpora, "speakers": speakers, "references": references, "classes": classes}
    write_predictions(folder / "predictions.parquet", probabilities=probabilities, facts=facts, **told, **columns)
    predicted, known = np.argmax(probabilities, axis=1), {"speaker": speakers, "corpus": corpora, **(facts or {})}
    return {
        **evaluate_predictions(references, predicted, classes, corpora, speakers),
        **evaluate_groups(references, predicted, classes, known),
        "calibration": evaluate_calibration(probabilities, references, temperature, before),
        "selective": evaluate_selective(probabilities, references),
    }


def _adaptation(
    model: Baseline,
    inputs: Any,
    rows: Any,
    num_classes: int,
    regroup: Callable[[np.ndarray], np.ndarray] | None,
) -> list[dict[str, Any]]:
    """The scores of a speaker-normalised baseline by the speech it hears of a speaker, see `evaluate_adaptation`."""
    features = np.stack([row[INPUT_FEATURES] for row in inputs.__getitems__(list(range(len(inputs))))])
    speakers = list(rows["speaker"])

    def predicted(heard: np.ndarray) -> np.ndarray:
        shares: np.ndarray = model(torch.from_numpy(features), speakers, heard)["logits"].softmax(dim=-1).numpy()
        labels: np.ndarray = (shares if regroup is None else regroup(shares)).argmax(axis=1)
        return labels

    return evaluate_adaptation(predicted, list(rows["label"]), num_classes, speakers, list(rows[DURATION]))


def write_split(folder: Path, parts: Mapping[str, Any]) -> None:
    """Writes split.json: the clips, speakers and recordings (by the start of their hash) of every split."""
    members = {
        name: {
            "clips": list(rows["clip_id"]),
            "speakers": sorted(set(rows["speaker"]) - {None}),
            "recordings": recordings(rows),
        }
        for name, rows in parts.items()
    }
    write_json(folder / SPLIT, members)


def recordings(rows: Any) -> list[str]:
    """What tells the recordings of rows apart whatever they are called; none where the rows have no hashes."""
    return [digest[:16] for digest in rows[AUDIO_HASH][:]] if AUDIO_HASH in rows.column_names else []


def trained_on(rows: Any, split: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    """The clips among rows that a run was trained on or chosen by, by their id or by their recording.

    Args:
        rows: of a harmonised dataset.
        split: what `read_split` gives.
    """
    ids, heard = (
        {one for name in ("train", "validation") for one in split[name].get(key, [])} for key in ("clips", "recordings")
    )
    hashes = recordings(rows) or [""] * len(rows)
    return [clip for clip, digest in zip(rows["clip_id"][:], hashes, strict=True) if clip in ids or digest in heard]


def read_split(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Reads what `write_split` wrote.

    Raises:
        CheckpointError: the file is missing, not JSON, or something else.
    """
    path = folder / SPLIT
    try:
        members: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: {error}; expected a run folder of `ser-hf train`") from error
    if not (
        isinstance(members, dict) and {"train", "validation"} <= {*members} and all(map(_is_side, members.values()))
    ):
        raise CheckpointError(
            f"{path} does not name the clips of train and validation; expected a run folder of `ser-hf train`"
        )
    return members


def _is_side(told: Any) -> bool:
    """Whether this is what `write_split` says of one split."""
    lists = [*told.values()] if isinstance(told, dict) and "clips" in told else [None]
    return all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists)
