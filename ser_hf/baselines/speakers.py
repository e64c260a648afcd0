"""Normalisation by speaker, from the speaker's own clips and without their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_hf.base.errors import NotFiniteError, SerHfError

if TYPE_CHECKING:
    from sklearn.preprocessing import StandardScaler

Features = NDArray[np.float64]
Heard = NDArray[np.bool_]

PRIOR = 4.0
"""Clips that the population counts for by default. Chosen on the 20 speakers of RAVDESS that fold 1 of EmoBox does not
test on, four of them held out at a time: from 2 to 4 both baselines gain most by 5 to 30 seconds of a speaker, and the
variance within a speaker over that between speakers, which is what it should be, has a median of 3.8."""


def check_features(features: Features, whose: str = "input") -> None:
    """Refuses features ``(N, D)`` with NaN or infinity, which would not vary for their speaker, and so be taken for 0.

    Args:
        features: of clips.
        whose: they are, for the message.

    Raises:
        NotFiniteError: with the number of the first such clip.
    """
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise NotFiniteError(
            f"the features of {whose} {bad[0] + 1} are NaN or infinite ({len(bad)} of {len(features)} are so); compute "
            "them again, or leave the clip out",
            int(bad[0]),
        )


def normalise_speakers(
    features: Features, speakers: Sequence[str | None], prior: float = 0.0, heard: Heard | None = None
) -> Features:
    """Features ``(N, D)`` less the mean and over the deviation of their speaker's clips.

    Of a speaker of whom ``n`` clips are heard, with mean ``m`` and variance ``v`` around it, these are shrunk towards
    those of a population, for which 0 and 1 are taken::

        mean = n m / (n + prior)        variance = (n v + prior) / (n + prior)

    Maximum a posteriori adaptation (Gauvain & Lee, IEEE Transactions on Speech and Audio Processing 1994,
    doi 10.1109/89.279278), without its term in the variance for how far the mean lies from the population's. What does
    not vary for a speaker is 0.

    Args:
        features: of all clips that are normalised together; with a prior, standardised by the `population`.
        speakers: of the clips.
        prior: clips that the population counts for; 0 for the speaker's own clips alone.
        heard: the clips ``(N,)`` that tell of their speaker; None: all. A speaker without one is as the population.

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
        told = features[own if heard is None else own & heard]
        mean, variance = np.zeros(features.shape[1]), np.ones(features.shape[1])
        if len(told):
            share = len(told) / (len(told) + prior)
            mean, variance = share * told.mean(axis=0), share * told.var(axis=0) + (1 - share)
        deviation = np.sqrt(variance)
        varies = deviation > 1e-9 * (1 + np.abs(mean))
        result[np.ix_(own, varies)] = (features[own][:, varies] - mean[varies]) / deviation[varies]
    return result


def population(features: Features, speakers: Sequence[str | None]) -> StandardScaler:
    """What is known of a speaker before anything is heard: the mean of speakers' means, and of their variances.

    Every speaker counts the same, whatever the number of clips; variances are within a speaker.

    Args:
        features: of the training clips ``(N, D)``.
        speakers: of the clips; all are known.
    """
    from sklearn.preprocessing import StandardScaler

    names, of = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    clips = [features[of == number] for number in range(len(names))]
    mean = np.mean([own.mean(axis=0) for own in clips], axis=0)
    deviation = np.sqrt(np.mean([own.var(axis=0) for own in clips], axis=0))
    return StandardScaler().fit(np.stack([mean - deviation, mean + deviation]))  # two points that have just these
