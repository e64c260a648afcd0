"""The ``test`` block of results.json: every number of an evaluation, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ser_hf.base.errors import SerHfError

from .bootstrap import clip_intervals, speaker_intervals
from .metrics import METRICS, Labels, confusion_matrix, per_class_of, scores


def evaluate_predictions(
    references: Labels,
    predictions: Labels,
    classes: Sequence[str],
    corpora: Sequence[str],
    speakers: Sequence[str | None],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores predictions and says how sure the scores are.

    Args:
        references: true class ids.
        predictions: predicted class ids, in the same order.
        classes: class names; the position is the class id.
        corpora: the corpus of every clip.
        speakers: the speaker of every clip, None where unknown.
        n_resamples: resamples of every bootstrap interval.
        seed: of the bootstrap.

    Returns:
        Plain JSON data with finite numbers: ``n_clips``, ``n_speakers``, ``n_classes``
        (that have a clip; UAR and macro F1 are over these), ``metrics`` (each a value with 95 % intervals
        by clip and by speaker), ``per_class``, ``confusion`` (counts, rows true, columns predicted), ``per_corpus``.

    Raises:
        SerHfError: there is no clip, lengths differ, or an id is no class.
    """
    true, predicted = np.asarray(references), np.asarray(predictions)
    if not len(true) == len(predicted) == len(corpora) == len(speakers):
        raise SerHfError(
            "references, predictions, corpora and speakers must have one entry per clip; "
            f"found {len(true)}, {len(predicted)}, {len(corpora)}, {len(speakers)}"
        )
    confusion = confusion_matrix(true, predicted, len(classes))
    corpus_of, speaker_of = np.asarray(corpora, dtype=object), np.asarray(speakers, dtype=object)

    def of_corpus(corpus: str) -> dict[str, Any]:
        own = np.flatnonzero(corpus_of == corpus)
        measured = _measured(true[own], predicted[own], len(classes), speaker_of[own].tolist(), n_resamples, seed)
        counts = {"clips": len(own), "speakers": _known(speaker_of[own])}
        return {"corpus": corpus, **counts, "accuracy": measured["accuracy"], "uar": measured["uar"]}

    return {
        "n_clips": len(true),
        "n_speakers": _known(speaker_of),
        "n_classes": int(np.count_nonzero(confusion.sum(axis=1))),
        "metrics": _measured(true, predicted, len(classes), speakers, n_resamples, seed),
        "per_class": _per_class(confusion, classes),
        "confusion": confusion.tolist(),
        "per_corpus": [of_corpus(corpus) for corpus in sorted(set(corpora))],
    }


def _known(speakers: npt.NDArray[np.object_]) -> int:
    """How many different speakers are known."""
    return len({speaker for speaker in speakers if speaker is not None})


def _measured(
    true: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    num_classes: int,
    speakers: Sequence[str | None],
    n_resamples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Every metric: its value, its interval by clip and, with two speakers or more, by speaker."""
    values = scores(true, predicted, num_classes)
    clips = clip_intervals(true, predicted, num_classes, n_resamples=n_resamples, seed=seed)
    whole = speaker_intervals(true, predicted, num_classes, speakers, n_resamples=n_resamples, seed=seed)
    return {
        name: {"value": values[name], "clips": list(clips[name]), "speakers": list(whole[name]) if whole else None}
        for name in METRICS
    }


def _per_class(confusion: npt.NDArray[np.int64], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of clips of every class."""
    columns = zip(classes, *(values.tolist() for values in per_class_of(confusion)), strict=True)
    clips = confusion.sum(axis=1).tolist()
    return [
        {"class": name, "precision": precision, "recall": recall, "f1": f1, "clips": n}
        for (name, precision, recall, f1), n in zip(columns, clips, strict=True)
    ]
