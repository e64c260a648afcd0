"""Normalisation by speaker, from the speaker's own clips and without their labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_hf.base.errors import SerHfError

Features = NDArray[np.float64]


def normalise_speakers(features: Features, speakers: Sequence[str | None]) -> Features:
    """Features ``(N, D)`` less the mean and over the deviation of their speaker's clips.

    What does not vary for a speaker is 0.

    Args:
        features: of all clips that are normalised together.
        speakers: of the clips.

    Raises:
        SerHfError: the speaker of a clip is not known.
    """
    unknown = sum(speaker is None for speaker in speakers)
    if unknown:
        raise SerHfError(
            f"speaker_normalisation needs the speaker of every clip, and {unknown} of {len(speakers)} have none; "
            "leave out their corpus, or set speaker_normalisation=false"
        )
    result = np.zeros_like(features)
    names, of = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    for number in range(len(names)):
        own = of == number
        mean, deviation = features[own].mean(axis=0), features[own].std(axis=0)
        varies = deviation > 1e-9 * (1 + np.abs(mean))
        result[np.ix_(own, varies)] = (features[own][:, varies] - mean[varies]) / deviation[varies]
    return result
