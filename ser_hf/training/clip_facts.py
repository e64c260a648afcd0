"""What is known of the clips that are scored, beside their labels; it breaks a score down."""

from __future__ import annotations

import math
from typing import Any

from ser_hf.audio import decode, loudness_db, snr_db
from ser_hf.records import AUDIO, CLIP_ID, DURATION, LANGUAGE, LOUDNESS_DB, SEX, SNR_DB


def facts_of(rows: Any, recordings: Any = None) -> dict[str, list[Any]]:
    """Columns of predictions.parquet, as far as there are any: sex, language, duration, loudness, noise.

    Loudness and signal-to-noise ratio are those of the recording as it is, before peaks are scaled and edges cut.

    Args:
        rows: of a dataset, in the order of the predictions.
        recordings: rows with ``audio`` among which are those of ``rows``; None: ``rows``, if they have it.
    """
    found = {name: list(rows[name][:]) for name in (SEX, LANGUAGE, DURATION) if name in rows.column_names}
    source = rows if recordings is None else recordings
    if AUDIO in source.column_names and CLIP_ID in source.column_names:
        numbers = {clip: i for i, clip in enumerate(source[CLIP_ID][:])}
        clips = source.select([numbers[clip] for clip in rows[CLIP_ID][:]]).select_columns(AUDIO).with_format("arrow")
        measured = [_measured(clip[AUDIO][0].as_py()) for clip in clips]
        found |= {name: [one[i] for one in measured] for i, name in enumerate((LOUDNESS_DB, SNR_DB))}
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _measured(clip: dict[str, Any]) -> tuple[float, float | None]:
    samples, rate = decode(clip["bytes"] or clip["path"], clip["path"], math.inf)
    return loudness_db(samples), snr_db(samples, rate)
