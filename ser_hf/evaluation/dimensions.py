"""Scores of ratings on a scale (arousal, valence, dominance), all from sums over clips, with bootstrap intervals.

The concordance correlation coefficient, CCC, is that of Lin (1989), doi 10.2307/2532051: ``2 cov / (var + var +
(mean - mean)^2)`` with population moments. Every score depends on sums over clips alone, so drawing clips or speakers
with replacement is drawing how often each one's sums are added up, as in `ser_hf.evaluation.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ser_hf.base.errors import SerHfError

DIMENSION_METRICS = ("ccc", "pearson", "mae", "rmse")
"""Names of the scores, in the order in which they are shown."""

Floats: TypeAlias = npt.NDArray[np.float64]
_CHUNK = 1 << 22
"""Numbers drawn at a time, 32 MiB."""


def ccc(references: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """The concordance correlation coefficient of ratings, from -1 to 1.

    0 where neither side varies, and of a single clip: there is nothing to agree about.

    Args:
        references: ratings ``(N,)``; NaN where nobody rated, which is left out.
        predictions: in the same order.

    >>> round(ccc([1, 2, 3, 4], [1.5, 2.5, 3.5, 4.5]), 4)
    0.9091

    Raises:
        SerHfError: lengths differ, there is no rating, or a prediction is not finite.
    """
    return dimension_scores(references, predictions)["ccc"]


def dimension_scores(references: npt.ArrayLike, predictions: npt.ArrayLike) -> dict[str, float]:
    """CCC, Pearson's correlation, mean absolute and root mean square error; the arguments are those of `ccc`."""
    sums = _sums(*_rated(references, predictions)).sum(axis=0)
    return {name: float(values[0]) for name, values in _scores(sums[None]).items()}


def evaluate_dimensions(
    targets: Sequence[str],
    references: npt.NDArray[Any],
    predictions: npt.NDArray[Any],
    speakers: Sequence[str | None],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """The block ``test.dimensions`` of results.json: per target the scores with 95 % intervals by clip and speaker.

    Args:
        targets: names.
        references: ratings ``(N, T)``, NaN where nobody rated.
        predictions: ``(N, T)``.
        speakers: the speaker of every clip, None where unknown.
        n_resamples: of every interval.
        seed: of the bootstrap.

    Returns:
        Target -> ``n_clips``, ``n_speakers``, ``mean`` and ``std`` of the ratings, and every metric with its value and
        intervals; a target without a rating has ``n_clips`` 0 and nothing else.

    Raises:
        SerHfError: a prediction is not finite, or lengths differ.
    """
    found: dict[str, dict[str, Any]] = {}
    for column, target in enumerate(targets):
        rated = np.isfinite(np.asarray(references, np.float64)[:, column])
        own = [speaker for speaker, used in zip(speakers, rated, strict=True) if used]
        if not own:
            found[target] = {"n_clips": 0}
            continue
        one, other = _rated(references[:, column], predictions[:, column])
        found[target] = {
            "n_clips": len(one),
            "n_speakers": len({*own} - {None}),
            "mean": float(one.mean()),
            "std": float(one.std()),
            **_measured(_sums(one, other), own, n_resamples, seed),
        }
    return found


def _measured(sums: Floats, speakers: Sequence[str | None], n_resamples: int, seed: int) -> Mapping[str, Any]:
    values = _scores(sums.sum(axis=0)[None])
    clips = _intervals(sums, n_resamples, seed)
    ids = {speaker: i for i, speaker in enumerate(dict.fromkeys(speakers))}
    whole = None
    if len(ids) > 1 and None not in ids:
        units = np.zeros((len(ids), sums.shape[1]))
        np.add.at(units, [ids[speaker] for speaker in speakers], sums)
        whole = _intervals(units, n_resamples, seed)
    return {
        name: {"value": float(values[name][0]), "clips": clips[name], "speakers": whole[name] if whole else None}
        for name in DIMENSION_METRICS
    }


def _rated(references: npt.ArrayLike, predictions: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both sides of the clips that were rated."""
    true, guess = np.asarray(references, np.float64), np.asarray(predictions, np.float64)
    if true.ndim != 1 or true.shape != guess.shape:
        raise SerHfError(
            f"ratings and predictions must be one number per clip: found shapes {true.shape}, {guess.shape}"
        )
    rated = np.isfinite(true)
    if not rated.any():
        raise SerHfError("there is no rating to compare with")
    if not np.isfinite(guess[rated]).all():
        raise SerHfError(f"{np.count_nonzero(~np.isfinite(guess[rated]))} predictions are NaN or infinite")
    return true[rated], guess[rated]


def _sums(one: Floats, other: Floats) -> Floats:
    """What every clip adds up to: 1, both sides, their squares and product about their means, and the errors."""
    x, y = one - one.mean(), other - other.mean()
    shift = np.full_like(x, one.mean() - other.mean())
    error = one - other
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, np.abs(error), error**2, shift], axis=1)


def _scores(sums: Floats) -> dict[str, Floats]:
    """The scores of many sums ``(..., 9)`` at once."""
    count = sums[..., 0]
    x, y, xx, yy, xy, absolute, square, shift = np.moveaxis(sums[..., 1:] / count[..., None], -1, 0)
    var_x, var_y, cov = np.maximum(xx - x * x, 0), np.maximum(yy - y * y, 0), xy - x * y
    apart = (x - y + shift) ** 2
    whole, product = var_x + var_y + apart, np.sqrt(var_x * var_y)
    return {
        "ccc": 2 * cov / np.where(whole > 0, whole, 1),
        "pearson": np.where(product > 0, cov / np.where(product > 0, product, 1), 0.0),
        "mae": absolute,
        "rmse": np.sqrt(square),
    }


def _intervals(units: Floats, n_resamples: int, seed: int) -> dict[str, list[float]]:
    """Draws as many of the units as there are, again and again, and takes the percentiles."""
    rng = np.random.default_rng(seed)
    count, chunk = len(units), max(1, _CHUNK // len(units))
    found: dict[str, list[Floats]] = {name: [] for name in DIMENSION_METRICS}
    for start in range(0, n_resamples, chunk):
        weights = rng.multinomial(count, np.full(count, 1 / count), size=min(chunk, n_resamples - start))
        for name, values in _scores(weights @ units).items():
            found[name].append(values)
    return {name: np.percentile(np.concatenate(values), [2.5, 97.5]).tolist() for name, values in found.items()}
