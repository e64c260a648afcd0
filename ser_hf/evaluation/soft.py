"""Scores against the votes of raters: how far the probabilities are from their shares, and whether the majority is met.

Kullback & Leibler (1951), doi 10.1214/aoms/1177729694; the Jensen-Shannon divergence is that of Lin (1991),
doi 10.1109/18.61115.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ser_hf.base.errors import SerHfError

SOFT_METRICS = ("kl_divergence", "js_divergence", "majority_accuracy")
"""Names of the scores, in the order in which they are shown."""
_LEAST = 1e-12
_CHUNK = 1 << 22


def evaluate_votes(
    distributions: Sequence[Sequence[float] | None],
    probabilities: npt.NDArray[np.floating],
    speakers: Sequence[str | None],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any] | None:
    """The block ``test.soft`` of results.json, over the clips that have votes.

    Args:
        distributions: the raters' shares of the classes of every clip, None where there are no votes.
        probabilities: ``(N, C)``.
        speakers: the speaker of every clip, None where unknown.
        n_resamples: of every interval.
        seed: of the bootstrap.

    Returns:
        ``n_clips``, and each of the scores as the mean over clips with 95 % intervals by clip and by speaker:
        ``kl_divergence`` of the votes from the probabilities in nats (probabilities below 1e-12 count as that),
        ``js_divergence`` (Jensen-Shannon, to base 2, from 0 to 1), ``majority_accuracy`` (the most probable class has
        the most votes; one of several with the most is right). None where no clip has votes.

    Raises:
        SerHfError: lengths or numbers of classes differ, or there is NaN or infinity.
    """
    voted = [i for i, shares in enumerate(distributions) if shares is not None]
    if not voted:
        return None
    if not len(distributions) == len(probabilities) == len(speakers):
        raise SerHfError("votes, probabilities and speakers must have one entry per clip")
    votes, guess = (
        np.asarray([distributions[i] for i in voted], np.float64),
        np.asarray(probabilities[voted], np.float64),
    )
    if votes.shape != guess.shape:
        raise SerHfError(f"votes for {votes.shape[-1]} classes and probabilities of {guess.shape[-1]}")
    if not (np.isfinite(votes).all() and np.isfinite(guess).all() and (votes.sum(axis=1) > 0).all()):
        raise SerHfError("votes and probabilities must be finite, with a vote for every clip that has any")
    votes = votes / votes.sum(axis=1, keepdims=True)
    middle = (votes + guess) / 2
    most = np.isclose(votes, votes.max(axis=1, keepdims=True))
    values = {
        "kl_divergence": _kl(votes, guess),
        "js_divergence": (_kl(votes, middle) + _kl(guess, middle)) / (2 * np.log(2)),
        "majority_accuracy": most[np.arange(len(votes)), guess.argmax(axis=1)].astype(float),
    }
    own = [speakers[i] for i in voted]
    return {"n_clips": len(voted), **{name: _measured(v, own, n_resamples, seed) for name, v in values.items()}}


def _kl(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``sum p log(p / q)`` of every row, in nats."""
    safe = np.where(one > 0, one, 1.0)
    divergence: npt.NDArray[np.float64] = (one * (np.log(safe) - np.log(np.maximum(other, _LEAST)))).sum(axis=1)
    return divergence


def _measured(values: npt.NDArray[np.float64], speakers: Sequence[str | None], n_resamples: int, seed: int) -> Any:
    ids = {speaker: i for i, speaker in enumerate(dict.fromkeys(speakers))}
    whole = None
    if len(ids) > 1 and None not in ids:
        number = np.array([ids[speaker] for speaker in speakers])
        sums, counts = np.bincount(number, values), np.bincount(number)
        whole = _interval(np.stack([sums, counts], axis=1), n_resamples, seed)
    clips = _interval(np.stack([values, np.ones_like(values)], axis=1), n_resamples, seed)
    return {"value": float(values.mean()), "clips": clips, "speakers": whole}


def _interval(units: npt.NDArray[np.float64], n_resamples: int, seed: int) -> list[float]:
    """Of a mean, given what every unit adds to its sum and its count."""
    rng, count = np.random.default_rng(seed), len(units)
    chunk, means = max(1, _CHUNK // count), []
    for start in range(0, n_resamples, chunk):
        weights = rng.multinomial(count, np.full(count, 1 / count), size=min(chunk, n_resamples - start))
        drawn = weights @ units
        means.append(drawn[:, 0] / drawn[:, 1])
    found: list[float] = np.percentile(np.concatenate(means), [2.5, 97.5]).tolist()
    return found
