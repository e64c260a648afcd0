"""The leakage audit: what train, validation and test share that they must not."""

from __future__ import annotations

import datasets

from ._finding import Audit, Finding, Level
from ._lineage import families, torn_families
from ._names import absent_classes, colliding_ids, shared_clips, shared_sentences, shared_speakers
from ._recordings import label_conflicts, repeated_recordings, same_splits, twin_splits, unheard
from ._rows import Rows
from .near_duplicates import same_recordings


def audit(parts: datasets.DatasetDict, *, claims_speaker_independent: bool, num_proc: int | None = None) -> Audit:
    """Looks for leaks between the splits of a dataset.

    Errors: a clip in two splits, or one name for two recordings; identical audio in two splits, and near-duplicates
    there (resampled, re-encoded, louder, slightly trimmed or noisy copies, see ``ser_hf.audio.fingerprint``); an
    augmented copy in another split than its source or the source's other copies; two splits that are the same;
    identical audio under different labels. Shared speakers and clips without a speaker are errors where the split
    claims to be speaker-independent, warnings elsewhere. Warnings: near-duplicates under different labels, a clip twice
    in one split, a class that a split lacks. For information: copies within a split, and sentences of the test that
    training has too.

    Args:
        parts: two or more splits with the columns of a harmonised corpus. ``audio_hash`` and ``fingerprint`` are
            computed from the audio where missing; see `add_fingerprints` for rows that lose theirs.
        claims_speaker_independent: whether shared speakers make the split a false claim.
        num_proc: worker processes for what is computed.

    Raises:
        SplitError: a column that the rules need is missing.
        AudioError: a recording cannot be decoded.
    """
    rows = Rows.of(parts, num_proc)
    speaker_level: Level = "error" if claims_speaker_independent else "warning"
    recording, family = same_recordings(rows.hashes, rows.fingerprints), families(rows)
    twins = twin_splits(rows, recording)
    findings: list[Finding] = [
        *same_splits(rows, twins),
        *shared_clips(rows, twins),
        *colliding_ids(rows),
        *shared_speakers(rows, speaker_level, twins),
        *repeated_recordings(rows, recording, family, twins),
        *torn_families(rows, family),
        *label_conflicts(rows, recording),
        *shared_sentences(rows),
        *unheard(rows),
        *absent_classes(parts, rows),
    ]
    return Audit(tuple(findings))
