"""Copies of every training clip, changed as a recipe's ``copies`` says: three-way speed perturbation and the like.

Speed perturbation: Ko et al., "Audio Augmentation for Speech Recognition", Interspeech 2015, doi
10.21437/Interspeech.2015-711. Validation and test are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np

from ser_hf.audit import FINGERPRINT, add_fingerprints
from ser_hf.base.errors import SplitError
from ser_hf.records import AUDIO, CLIP_ID, CORPUS, SOURCE

from .augmented_copies import make_copies, require

if TYPE_CHECKING:
    from ser_hf.augment import WaveformChain

_TRAIN = "train"


@dataclass(frozen=True)
class _Change:
    """A chain as an `Augment`; what it holds is all that the cache of copies is told of it."""

    chain: WaveformChain

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        return self.chain.described(samples, rate, rng)


def add_copies(
    parts: datasets.DatasetDict,
    chains: Sequence[WaveformChain],
    seed: int,
    *,
    recordings: datasets.Dataset,
    finish: Callable[[datasets.Dataset], datasets.Dataset] | None = None,
    num_proc: int | None = None,
) -> tuple[datasets.DatasetDict, dict[str, Any]]:
    """Adds one copy of every training clip for each chain; rows as those of `ser_hf.data.oversample`.

    What a copy becomes depends on the seed, its source and its number alone, so that it is the same in every split:
    each chain is applied to all recordings of the corpora trained on, once, and found again by other folds. Of these
    only the copies of training clips become rows.

    Args:
        parts: the splits; all but ``train`` pass through untouched. A copy that is there is not copied again.
        chains: what is done to a recording, one for each copy; see `ser_hf.augment.WaveformChain.parse_copies`.
        seed: of what chains draw.
        recordings: rows with the ``audio`` of the training clips.
        finish: what the copies go through before they join ``train``; needed where its rows have features.
        num_proc: worker processes.

    Returns:
        The splits, and as plain JSON data ``clips``, how many copies there are, and ``description``; without a chain
        the second is empty.

    Raises:
        SplitError: there is no ``train``, a column is missing, or a training clip has no recording.
        AudioError: a clip cannot be decoded.
    """
    if not chains:
        return parts, {}
    if _TRAIN not in parts:
        raise SplitError(f"only training clips are copied, and there is no 'train' (but: {', '.join(parts)})")
    train = parts[_TRAIN]
    require(train, CLIP_ID, SOURCE, CORPUS)
    require(recordings, AUDIO, CLIP_ID, SOURCE, CORPUS)
    heard, sources = set(train[CORPUS][:]), recordings[SOURCE][:]
    rows = [
        i
        for i, (corpus, source) in enumerate(zip(recordings[CORPUS][:], sources, strict=True))
        if corpus in heard and source is None
    ]
    originals = recordings.select(rows)
    clips, made = originals[CLIP_ID][:], Counter(sources)
    places = {clip: i for i, clip in enumerate(clips)}
    wanted = [clip for clip, source in zip(train[CLIP_ID][:], train[SOURCE][:], strict=True) if source is None]
    if missing := [clip for clip in wanted if clip not in places]:
        raise SplitError(f"no recording of the training clip {missing[0]}; pass the rows the split was made of")
    chosen, added = [places[clip] for clip in wanted], [train]
    for number, chain in enumerate(chains, 1):
        copies = make_copies(originals, [made[clip] + number for clip in clips], _Change(chain), seed, num_proc)
        if FINGERPRINT in train.column_names:
            copies = add_fingerprints(copies, num_proc)
        copies = finish(copies) if finish else copies
        require(copies, *train.column_names)
        added.append(copies.select_columns(train.column_names).select(chosen))
    count = len(chosen) * len(chains)
    words = ", ".join(" and ".join(map(str, chain.steps)) for chain in chains)
    said = f"{count} copies of training clips, each clip changed in {len(chains)} ways: {words}"
    both = datasets.DatasetDict({**parts, _TRAIN: datasets.concatenate_datasets(added)})
    return both, {"clips": count, "description": said if len(chains) > 1 else said.replace("1 ways", "1 way")}
