"""Mean and deviation of features over a training set, for the extractor's normalisation."""

from __future__ import annotations

from dataclasses import dataclass

import datasets
import numpy as np

from ser_hf.base.errors import SerHfError
from ser_hf.records import INPUT_FEATURES


@dataclass(frozen=True)
class FeatureStatistics:
    """Mean and deviation of every row of the features (a mel bin, a coefficient) over all frames of all clips.

    ``extractor.with_normalisation("statistics", found.mean, found.std)`` uses them and saves them with the model.

    Attributes:
        mean: one number per row.
        std: one positive number per row; 1 where a row never changes, so that it becomes zeros.
        clips: number of clips they were computed from.
    """

    mean: list[float]
    std: list[float]
    clips: int


def feature_statistics(
    rows: datasets.Dataset | datasets.IterableDataset, *, batch_size: int = 256
) -> FeatureStatistics:
    """Mean and deviation of the features of ``rows``, read once, a batch at a time, summed in float64.

    It takes all the rows it is given: give it those of the training split and no others, or scores on the others are
    too good.

    Args:
        rows: with ``input_features`` as an extractor without normalisation gives them; a split, not a dictionary.
        batch_size: rows in memory at a time.

    Raises:
        SerHfError: there are no rows or no features, or the features hold NaN or infinity.
    """
    if isinstance(rows, datasets.DatasetDict | datasets.IterableDatasetDict):
        raise SerHfError(
            f"expected the rows of one split, found a dictionary of {', '.join(rows)}; give its training split"
        )
    if rows.column_names is not None and INPUT_FEATURES not in rows.column_names:
        raise SerHfError(
            f"the rows have no {INPUT_FEATURES!r} column (they have: {', '.join(rows.column_names)}); "
            "add_features computes one"
        )
    clips, frames = 0, 0
    mean, spread = np.zeros(0), np.zeros(0)
    for batch in rows.select_columns([INPUT_FEATURES]).with_format("numpy").iter(batch_size=batch_size):
        features = np.asarray(batch[INPUT_FEATURES], dtype=np.float64)
        if not np.isfinite(features).all():
            raise SerHfError(f"the features of the clips {clips} to {clips + len(features) - 1} hold NaN or infinity")
        new = features.shape[0] * features.shape[2]
        if not clips:
            mean, spread = (np.zeros(features.shape[1]) for _ in range(2))
        # two sets merged (Chan et al. 1983, doi 10.1080/00031305.1983.10483115): exact where sums of squares are not
        step = features.mean(axis=(0, 2)) - mean
        spread += features.var(axis=(0, 2)) * new + step**2 * (frames * new / (frames + new))
        mean += step * (new / (frames + new))
        frames += new
        clips += len(features)
    if not clips:
        raise SerHfError("there are no rows to compute statistics from; the training split is empty")
    std = np.sqrt(spread / frames)
    still = std <= 1e-6 * np.maximum(1.0, np.abs(mean))
    return FeatureStatistics(mean.tolist(), np.where(still, 1.0, std).tolist(), clips)
