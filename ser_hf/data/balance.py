"""Balancing the classes of the training split: fewer clips, or augmented copies; weights are in ``class_weights``.

Validation and test are never touched. Copies are made of training clips alone, after the split: made before it, a copy
would be tested that the model has heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import datasets
import numpy as np

from ser_hf.audit import FINGERPRINT, add_fingerprints
from ser_hf.base.errors import SerHfError, SplitError, unknown
from ser_hf.records import CLIP_ID, CORPUS, LABEL, SOURCE

from .augmented_copies import Augment, Perturbation, make_copies, require

Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)
BALANCE_METHODS = ("none", "undersample", "oversample", "class_weights", "weighted_sampler")
_TRAIN = "train"
_SEED = 42


def undersample(dataset: Rows, n: int | None = None, seed: int = _SEED) -> Rows:
    """Leaves out clips until every class has as many as the rarest one.

    What stays of a class keeps the proportions of its corpora, and its order.

    Args:
        dataset: rows with ``label``; of a dictionary only ``train`` changes.
        n: clips per class instead; a class with fewer keeps all it has.
        seed: other seeds keep other clips.

    Raises:
        SplitError: a dictionary has no ``train``, or a column is missing.
        SerHfError: ``n`` is below 1.
    """
    if isinstance(dataset, datasets.DatasetDict):
        return _replaced(dataset, undersample(_train(dataset), n, seed))
    labels = _labels(dataset)
    most = _target(labels, n, min)
    kept = [_in_proportion(dataset, np.flatnonzero(labels == c), [seed, int(c)])[:most] for c in np.unique(labels)]
    return dataset.select(np.sort(np.concatenate(kept)))


def oversample(
    parts: datasets.DatasetDict,
    n: int | None = None,
    seed: int = _SEED,
    *,
    augment: Augment | None = None,
    recordings: datasets.Dataset | None = None,
    finish: Callable[[datasets.Dataset], datasets.Dataset] | None = None,
    num_proc: int | None = None,
) -> datasets.DatasetDict:
    """Adds augmented copies to ``train`` until every class has as many clips as the largest one.

    Every clip of a class is copied equally often (or once more). A copy is a row of its own: ``clip_id``
    ``<source>#<number>``, ``source``, ``augmentation``, a FLAC recording at the original rate with its ``duration`` and
    ``audio_hash``; all else is the source's. What a copy becomes depends on the seed, its source and its number alone.

    Args:
        parts: the splits; all but ``train`` pass through untouched.
        n: clips per class instead; a class with more keeps all it has.
        seed: other seeds copy other clips in other ways.
        augment: what is done to a recording; `Perturbation` by default.
        recordings: rows with the ``audio`` of the training clips, where ``train`` has none.
        finish: what the copies go through before they join ``train``; needed where its rows have features.
        num_proc: worker processes.

    Raises:
        SplitError: not a dictionary with ``train``, or a column is missing.
        SerHfError: ``n`` is below 1.
        AudioError: a clip cannot be decoded.
    """
    if not isinstance(parts, datasets.DatasetDict):
        raise SplitError(
            "oversampling needs the splits: copies of a clip must not come into another one; split first (make_split), "
            "then pass the DatasetDict with 'train'"
        )
    train = _train(parts)
    rows, numbers = _plan(train, n, seed)
    if not numbers:
        return parts
    originals = train.select(rows) if recordings is None else _find(recordings, train.select(rows)[CLIP_ID][:])
    copies = make_copies(originals, numbers, augment or Perturbation(), seed, num_proc)
    if FINGERPRINT in train.column_names:
        copies = add_fingerprints(copies, num_proc)
    copies = finish(copies) if finish else copies
    require(copies, *train.column_names)
    return _replaced(parts, datasets.concatenate_datasets([train, copies.select_columns(train.column_names)]))


def balance(
    parts: datasets.DatasetDict, method: str, n: int | None = None, seed: int = _SEED, **options: Any
) -> tuple[datasets.DatasetDict, dict[str, Any]]:
    """Balances the training split by a method's name, and says what became of it.

    Args:
        parts: the splits.
        method: one of `BALANCE_METHODS`; the weights are the trainer's business and change no row here.
        n: clips per class, for ``undersample`` and ``oversample``.
        seed: of the drawing of clips and augmentation.
        options: of `oversample`.

    Returns:
        The splits, and as plain JSON data ``method``, ``before`` and ``after`` (class -> clips of the training split;
        with weights ``after`` is what the class counts for) and ``description``.

    Raises:
        SerHfError: an unknown method; see `undersample` and `oversample`.
    """
    if method not in BALANCE_METHODS:
        raise SerHfError(unknown("way of balancing", method, BALANCE_METHODS))
    balanced = parts
    if method == "undersample":
        balanced = undersample(parts, n, seed)
    elif method == "oversample":
        balanced = oversample(parts, n, seed, **options)
    before, after = _counts(_train(parts)), _counts(_train(balanced))
    if method in ("class_weights", "weighted_sampler"):
        share = sum(before.values()) / max(1, sum(clips > 0 for clips in before.values()))
        after = {name: round(share) if clips else 0 for name, clips in before.items()}
    description = _describe(method, before, after, n)
    return balanced, {"method": method, "before": before, "after": after, "description": description}


def _describe(method: str, before: dict[str, int], after: dict[str, int], n: int | None) -> str:
    there = [clips for clips in before.values() if clips]
    if method == "undersample":
        less, target = sum(before.values()) - sum(after.values()), n or min(there)
        text = f"undersampled to {target} clips per class: {less} of {sum(before.values())} training clips left out"
    elif method == "oversample":
        more, target = sum(after.values()) - sum(before.values()), n or max(there)
        text = f"oversampled to {target} clips per class with {more} augmented copies of training clips"
    else:
        return {
            "none": "",
            "class_weights": "loss weighted by the inverse frequency of the class in training",
            "weighted_sampler": "training clips drawn with replacement, every class equally often",
        }[method]
    others = [f"{name} ({clips})" for name, clips in after.items() if clips != target]
    return text + (f"; other numbers: {', '.join(others)}" if others else "")


def _plan(train: datasets.Dataset, n: int | None, seed: int) -> tuple[list[int], list[int]]:
    """The row of every copy's source and the copy's number; originals take turns, in the proportions of the corpora."""
    require(train, CLIP_ID, SOURCE)
    labels, sources, clips = _labels(train), train[SOURCE][:], train[CLIP_ID][:]
    target, made = _target(labels, n, max), Counter(sources)
    original = np.array([source is None for source in sources])
    rows: list[int] = []
    numbers: list[int] = []
    for c in np.unique(labels):
        turns = _in_proportion(train, np.flatnonzero((labels == c) & original), [seed, int(c)])
        missing = target - int((labels == c).sum())
        for i in range(missing if len(turns) else 0):
            rows.append(int(turns[i % len(turns)]))
            numbers.append(1 + i // len(turns) + made[clips[rows[-1]]])
    return rows, numbers


def _in_proportion(dataset: datasets.Dataset, rows: np.ndarray, seed: list[int]) -> np.ndarray:
    """The rows in a drawn order whose every beginning holds the corpora in their proportions, to a clip."""
    rows = np.random.default_rng(seed).permutation(rows)
    if CORPUS not in dataset.column_names:
        return rows
    corpora = np.asarray(dataset[CORPUS][:], dtype=str)[rows]
    place = np.zeros(len(rows))
    for corpus in np.unique(corpora):
        own = corpora == corpus
        place[own] = (np.arange(own.sum()) + 0.5) / own.sum()
    return rows[np.argsort(place, kind="stable")]


def _find(recordings: datasets.Dataset, clips: Sequence[str]) -> datasets.Dataset:
    require(recordings, CLIP_ID)
    places = {clip: i for i, clip in enumerate(recordings[CLIP_ID][:])}
    missing = [clip for clip in clips if clip not in places]
    if missing:
        raise SplitError(f"no recording of the training clip {missing[0]}; pass the rows the split was made of")
    return recordings.select([places[clip] for clip in clips])


def _target(labels: np.ndarray, n: int | None, choose: Callable[[Sequence[int]], int]) -> int:
    if n is not None and n < 1:
        raise SerHfError(f"{n} clips per class; expected 1 or more, or none for as many as the data decide")
    counts = np.unique(labels, return_counts=True)[1]
    return n if n is not None else choose(counts.tolist())


def _counts(rows: datasets.Dataset) -> dict[str, int]:
    names, counts = rows.features[LABEL].names, Counter(rows[LABEL][:])
    return {name: counts[i] for i, name in enumerate(names)}


def _labels(dataset: datasets.Dataset) -> np.ndarray:
    require(dataset, LABEL)
    if not len(dataset):
        raise SplitError("there is no clip to balance")
    return np.asarray(dataset[LABEL][:])


def _train(parts: datasets.DatasetDict) -> datasets.Dataset:
    if _TRAIN not in parts:
        raise SplitError(f"only the training split is balanced, and there is no 'train' (but: {', '.join(parts)})")
    return parts[_TRAIN]


def _replaced(parts: datasets.DatasetDict, train: datasets.Dataset) -> datasets.DatasetDict:
    return datasets.DatasetDict({name: train if name == _TRAIN else rows for name, rows in parts.items()})
