"""Fewer training speakers: how a score grows with the number of voices that were heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import datasets
import numpy as np

from ser_hf.base.errors import SplitError
from ser_hf.base.steps import steps
from ser_hf.records import CORPUS, SEX, SPEAKER


def keep_speakers(
    parts: datasets.DatasetDict, number: int | None, seed: int
) -> tuple[datasets.DatasetDict, dict[str, Any]]:
    """Leaves ``number`` speakers in the training split; validation and test stay as they are.

    They are drawn so that corpora and sexes keep their shares, and a smaller draw is part of a larger one of the same
    seed.

    Args:
        parts: ``train``, ``validation`` and ``test`` of a split.
        number: of speakers; None keeps all.
        seed: of the draw.

    Returns:
        The parts, and what results.json says: ``kept`` and ``of`` speakers, ``left_out_clips``; empty with None.

    Raises:
        SplitError: there are fewer speakers, or clips whose speaker is unknown.
    """
    if number is None:
        return parts, {}
    train = parts["train"]
    speakers = train[SPEAKER][:]
    if None in speakers:
        raise SplitError(f"train_speakers: {number}: {speakers.count(None)} training clips have no known speaker")
    sexes = train[SEX][:] if SEX in train.column_names else [None] * len(train)
    strata = dict(zip(speakers, zip(train[CORPUS][:], map(str, sexes), strict=True), strict=True))
    if number > len(strata):
        raise SplitError(f"train_speakers: {number}: the training split has {len(strata)} speakers; ask for less")
    kept = set(_order(strata, seed)[:number])
    rows = [i for i, speaker in enumerate(speakers) if speaker in kept]
    left_out = len(train) - len(rows)
    steps.info("training on %d of %d speakers: %d clips are left out", number, len(strata), left_out)
    told = {"kept": sorted(kept), "of": len(strata), "left_out_clips": left_out}
    return datasets.DatasetDict({**parts, "train": train.select(rows)}), told


def _order(strata: Mapping[str, tuple[str, str]], seed: int) -> list[str]:
    """Speakers in the order in which they are drawn: each stratum spread evenly over the whole."""
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for speaker, stratum in sorted(strata.items()):
        members[stratum].append(speaker)
    rng, places = np.random.default_rng(seed), []
    for stratum in sorted(members):
        drawn = rng.permutation(members[stratum]).tolist()
        places += [((i + rng.random()) / len(drawn), speaker) for i, speaker in enumerate(drawn)]
    return [speaker for _, speaker in sorted(places)]
