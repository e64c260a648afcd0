"""Whether probabilities are what they say: of the clips called 80 % sure, 80 % should be right.

The expected calibration error (ECE) is that of Naeini et al., AAAI 2015, doi 10.1609/aaai.v29i1.9602, of the most
probable class, and the temperature that of Guo et al., ICML 2017, arXiv 1706.04599.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ser_hf.base.errors import SerHfError
from ser_hf.base.steps import steps

from .metrics import Labels

Floats = npt.NDArray[np.float64]

N_BINS = 15
FEWEST_CLIPS = 20
"""Clips below which no temperature is fitted."""
TEMPERATURES = (0.05, 20.0)
"""Smallest and largest; a fit that ends here has found none: the clips are all right, or no better than chance."""

_LEAST = 1e-12
_CHUNK = 1 << 21


def checked(probabilities: npt.ArrayLike, references: Labels) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Both as arrays, ``(N, C)`` and ``(N,)``.

    Raises:
        SerHfError: there is no clip, lengths differ, an id is no class, or a row is no distribution.
    """
    shares, true = np.asarray(probabilities, np.float64), np.asarray(references)
    if shares.ndim != 2 or true.ndim != 1 or len(shares) != len(true) or not len(true):
        raise SerHfError(
            f"expected probabilities (clips, classes) and one class id per clip: found shapes {shares.shape} and "
            f"{true.shape}"
        )
    if not np.issubdtype(true.dtype, np.integer) or true.min() < 0 or true.max() >= shares.shape[1]:
        raise SerHfError(f"references must be class ids in 0..{shares.shape[1] - 1}")
    if not np.isfinite(shares).all():
        bad = np.flatnonzero(~np.isfinite(shares).all(axis=1))
        raise SerHfError(
            f"the probabilities of {len(bad)} of {len(shares)} clips are NaN or infinite, first those of clip "
            f"{bad[0] + 1}; score the checkpoint again"
        )
    if not (shares >= 0).all() or not np.allclose(shares.sum(axis=1), 1, atol=1e-3):
        raise SerHfError("probabilities must be 0 or more and sum to 1 for every clip; found others (logits?)")
    return shares, true.astype(np.int64)


def expected_calibration_error(
    probabilities: npt.ArrayLike, references: Labels, n_bins: int = N_BINS, *, equal_mass: bool = False
) -> float:
    """How far confidence and accuracy are apart, over bins of confidence weighted by their clips; 0 to 1.

    Args:
        probabilities: ``(N, C)``; the confidence of a clip is the largest of its row.
        references: true class ids ``(N,)``.
        n_bins: number of bins.
        equal_mass: bins of as many clips each, in place of bins of one width ``(low, high]``.

    Raises:
        SerHfError: there is no clip, lengths differ, an id is no class, or a row is no distribution.

    >>> round(expected_calibration_error([[0.8, 0.2], [0.8, 0.2], [0.3, 0.7]], [0, 1, 1]), 6)
    0.3
    """
    confidence, right = _confidence(*checked(probabilities, references))
    bins = _of_equal_mass(confidence, n_bins) if equal_mass else _of_equal_width(confidence, n_bins)
    gaps = np.bincount(bins, right - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(right))


def brier_score(probabilities: npt.ArrayLike, references: Labels) -> float:
    """Mean squared distance of probabilities ``(N, C)`` from the classes ``(N,)``, summed over classes; 0 to 2.

    Brier, Monthly Weather Review 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    shares, true = checked(probabilities, references)
    return float(((shares - np.eye(shares.shape[1])[true]) ** 2).sum(axis=1).mean())


def negative_log_likelihood(probabilities: npt.ArrayLike, references: Labels) -> float:
    """Mean of ``-log p`` of the true classes, in nats; a probability below 1e-12 counts as that."""
    shares, true = checked(probabilities, references)
    return float(-np.log(np.maximum(shares[np.arange(len(true)), true], _LEAST)).mean())


def reliability(probabilities: npt.ArrayLike, references: Labels, n_bins: int = N_BINS) -> list[dict[str, Any]]:
    """The reliability diagram as plain JSON: bins ``low``, ``high``, ``clips``, mean ``confidence`` and ``accuracy``.

    Args:
        probabilities: ``(N, C)``.
        references: true class ids ``(N,)``.
        n_bins: of one width, ``(low, high]``; the last two are None of a bin without clips.
    """
    confidence, right = _confidence(*checked(probabilities, references))
    bins = _of_equal_width(confidence, n_bins)
    clips = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, values, minlength=n_bins) for values in (confidence, right)]
    means = np.stack(sums) / np.maximum(clips, 1)
    return [
        {
            "low": i / n_bins,
            "high": (i + 1) / n_bins,
            "clips": int(clips[i]),
            "confidence": float(means[0, i]) if clips[i] else None,
            "accuracy": float(means[1, i]) if clips[i] else None,
        }
        for i in range(n_bins)
    ]


def fit_temperature(logits: npt.ArrayLike, references: Labels) -> float:
    """What logits are divided by so that their softmax makes the labels most likely; the order of classes stays.

    Args:
        logits: ``(N, C)`` of clips that were not trained on; ``-inf`` for a class that cannot be said, of which clips
            are left out.
        references: true class ids ``(N,)``.

    Returns:
        The temperature; 1, which a message says, where the clips cannot tell it: fewer than `FEWEST_CLIPS`, of one
        class alone, or such that the best lies at an end of `TEMPERATURES`.

    Raises:
        SerHfError: a logit is NaN or infinite.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    values, true = np.asarray(logits, np.float64), np.asarray(references)
    if np.isnan(values).any() or (values == np.inf).any():
        raise SerHfError("logits are NaN or infinite: no temperature can be fitted to them; train the network again")
    known = np.isfinite(values[np.arange(len(true)), true])
    values, true = values[known], true[known]
    if len(true) < FEWEST_CLIPS or len(np.unique(true)) < 2:
        what = "clip" if len(true) == 1 else "clips"
        classes = " of one class" if len(true) >= FEWEST_CLIPS else ""
        steps.info("no temperature: %d validation %s%s, expected %d of two", len(true), what, classes, FEWEST_CLIPS)
        return 1.0
    own = values[np.arange(len(true)), true]

    def loss(log_t: float) -> float:
        beta = np.exp(-log_t)
        return float((logsumexp(values * beta, axis=1) - own * beta).mean())

    low, high = np.log(TEMPERATURES)
    found = float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)
    if min(found - low, high - found) < 1e-3:
        steps.info("no temperature: the best for the validation clips lies at or beyond %g", round(np.exp(found), 2))
        return 1.0
    return float(np.exp(found))


def untempered(probabilities: npt.NDArray[np.floating], temperature: float) -> Floats:
    """The probabilities ``(N, C)`` before their logits were divided: proportional to ``p ** temperature``."""
    shares = np.asarray(probabilities, np.float64)
    if temperature == 1:
        return shares
    powers: Floats = (shares / shares.max(axis=1, keepdims=True)) ** temperature
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def evaluate_calibration(
    probabilities: npt.NDArray[np.floating],
    references: Labels,
    temperature: float = 1.0,
    before: npt.NDArray[np.floating] | None = None,
    *,
    n_bins: int = N_BINS,
    n_resamples: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """The block ``test.calibration`` of results.json.

    Args:
        probabilities: ``(N, C)``, as the checkpoint gives them.
        references: true class ids ``(N,)``.
        temperature: that the checkpoint has in it, or 1.
        before: the same without the temperature; by default recovered, see `untempered`.
        n_bins: of ECE and reliability.
        n_resamples: of the intervals; 0 for none.
        seed: of the bootstrap.

    Returns:
        ``temperature``, ``n_bins``, ``ece``, ``nll``, ``brier``, ``reliability``, each of the last four also as
        ``..._before``, and ``ece_clips`` and ``ece_before_clips``: 95 % intervals over clips. These are basic bootstrap
        intervals (Davison & Hinkley 1997, ch. 5): the ECE of few clips is too large, and one of a resample is so once
        more, so that percentiles would miss. They may lie below the ECE, and are too narrow where the true one is
        nearly 0.
    """
    earlier = untempered(probabilities, temperature) if before is None else before
    block: dict[str, Any] = {"temperature": float(temperature), "n_bins": n_bins}
    both = {"": probabilities, "_before": earlier}
    for suffix, shares in both.items():
        block[f"ece{suffix}"] = expected_calibration_error(shares, references, n_bins)
        block[f"nll{suffix}"] = negative_log_likelihood(shares, references)
        block[f"brier{suffix}"] = brier_score(shares, references)
        block[f"reliability{suffix}"] = reliability(shares, references, n_bins)
    if n_resamples:
        ends = _ece_intervals(list(both.values()), references, n_bins, n_resamples, seed)
        block |= {f"ece{suffix}_clips": span for suffix, span in zip(both, ends, strict=True)}
    return block


def _ece_intervals(
    several: list[npt.NDArray[np.floating]], references: Labels, n_bins: int, n_resamples: int, seed: int
) -> list[list[float]]:
    """Intervals of the ECE of several probabilities of the same clips, by the same resamples."""
    units, values = [], []
    for shares in several:
        confidence, right = _confidence(*checked(shares, references))
        gaps = np.zeros((len(right), n_bins))
        gaps[np.arange(len(right)), _of_equal_width(confidence, n_bins)] = right - confidence
        units.append(gaps)
        values.append(np.abs(gaps.mean(axis=0)).sum())
    rng, clips = np.random.default_rng(seed), len(references)
    chunk, drawn = max(1, _CHUNK // clips), []
    for start in range(0, n_resamples, chunk):
        weights = rng.multinomial(clips, np.full(clips, 1 / clips), size=min(chunk, n_resamples - start))
        drawn.append(np.abs((weights @ np.concatenate(units, axis=1)).reshape(-1, len(units), n_bins)).sum(-1) / clips)
    high, low = np.percentile(np.concatenate(drawn), [97.5, 2.5], axis=0)
    ends = np.clip(2 * np.asarray(values) - np.stack([high, low]), 0, 1)
    found: list[list[float]] = ends.T.tolist()
    return found


def _confidence(shares: Floats, true: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The largest probability of every clip, and 1 where its class is right."""
    return shares.max(axis=1), (shares.argmax(axis=1) == true).astype(np.float64)


def _of_equal_width(confidence: Floats, n_bins: int) -> npt.NDArray[np.int64]:
    edges = np.linspace(0, 1, n_bins + 1)[1:]
    return np.minimum(np.searchsorted(edges, confidence, side="left"), n_bins - 1).astype(np.int64)


def _of_equal_mass(confidence: Floats, n_bins: int) -> npt.NDArray[np.int64]:
    ranks = np.empty(len(confidence), dtype=np.int64)
    ranks[np.argsort(confidence, kind="stable")] = np.arange(len(confidence))
    return ranks * n_bins // len(confidence)
