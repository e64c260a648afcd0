"""Dataset -> train, validation and test by a named protocol, with what the split is, computed and not declared."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from ser_hf.audit import Audit, audit
from ser_hf.base.errors import SplitError
from ser_hf.records import AUDIO, AUDIO_HASH, SOURCE, SPEAKER

from ._columns import Columns
from ._options import SplitOptions
from ._protocol import PROTOCOLS, Indices, Protocol

SPLITS = ("train", "validation", "test")
_SHOWN = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """What a split is.

    Attributes:
        options: what the protocol was told beside its defaults.
        claims_speaker_independent: whether shared speakers would make it a false claim; such a split is refused.
        speaker_independent: computed: no test speaker is in train or validation, and every clip has a speaker.
        validation_speaker_independent: the same for validation against train.
        left_out: clips of the dataset that are in none of the three.
    """

    protocol: str
    description: str
    fold: int | None
    seed: int
    options: Mapping[str, Any]
    claims_speaker_independent: bool
    speaker_independent: bool
    validation_speaker_independent: bool
    test_speakers: tuple[str, ...]
    validation_speakers: tuple[str, ...]
    left_out: int = 0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SplitInfo:
        """The one `to_dict` wrote; a key that an older version did not write has its default."""
        own = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        return cls(**{"options": {}, "claims_speaker_independent": False, **own})

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            **asdict(self),
            "options": {key: [*value] if isinstance(value, tuple) else value for key, value in self.options.items()},
            "test_speakers": [*self.test_speakers],
            "validation_speakers": [*self.validation_speakers],
        }


@dataclass(frozen=True, slots=True)
class Split:
    """Train, validation and test with what is known about them."""

    datasets: datasets.DatasetDict
    info: SplitInfo
    audit: Audit


def make_split(dataset: datasets.Dataset, protocol: str, options: SplitOptions | None = None) -> Split:
    """Divides a harmonised dataset and audits the result.

    Args:
        dataset: rows of ``ser_hf.data.load_corpus``.
        protocol: name, see ``ser-hf list protocols``.
        options: fold, seed, sizes, test speakers and what else the protocol takes.

    Raises:
        SplitError: the protocol cannot be followed, a split would be empty, or the audit finds that the result is not
            what the protocol claims.
        SerHfError: an unknown protocol.
    """
    rule, columns = PROTOCOLS[protocol], Columns.of(dataset)
    options = rule.resolve(columns, options or SplitOptions())
    indices = rule.assign(columns, options)
    left_out = _left_out(columns, indices, protocol)
    parts = datasets.DatasetDict({name: dataset.select(indices[name]) for name in SPLITS})
    claims = rule.claims(columns, options)
    report = audit(_without_audio(parts), claims_speaker_independent=claims)
    report.raise_for_errors()
    return Split(parts, _describe(parts, rule, options, claims, left_out), report)


def _left_out(columns: Columns, indices: Indices, protocol: str) -> int:
    """Counts and names the clips in no split; a split without a clip is refused."""
    empty = [name for name in SPLITS if len(indices[name]) == 0]
    if empty:
        raise SplitError(f"protocol {protocol!r} leaves {' and '.join(empty)} empty ({len(columns)} clips in all)")
    left = np.setdiff1d(np.arange(len(columns)), np.concatenate(list(indices.values())))
    if len(left):
        shown = ", ".join(columns.clip_ids[left[:_SHOWN]])
        logger.warning(
            "protocol %r leaves %d of %d clips out of every split, e.g. %s", protocol, len(left), len(columns), shown
        )
    return len(left)


def _describe(
    parts: datasets.DatasetDict, rule: Protocol, options: SplitOptions, claims: bool, left_out: int
) -> SplitInfo:
    """Computes what a split is from its rows."""
    given = {key: value for key, value in options.given().items() if key not in ("fold", "seed")}
    if options.split_file is not None:
        given["split_file"] = Path(options.split_file).name  # a card is no place for the folders of a machine
    return SplitInfo(
        protocol=rule.name,
        description=rule.description,
        fold=options.fold,
        seed=options.seed,
        options=given,
        claims_speaker_independent=claims,
        **computed(parts),
        left_out=left_out,
    )


def computed(parts: Mapping[str, datasets.Dataset]) -> dict[str, Any]:
    """The fields of `SplitInfo` that follow from the rows."""
    speakers = {name: set(parts[name][SPEAKER][:]) for name in SPLITS}
    named = all(None not in s for s in speakers.values())
    return {
        "speaker_independent": named and not speakers["test"] & (speakers["train"] | speakers["validation"]),
        "validation_speaker_independent": named and not speakers["validation"] & speakers["train"],
        "test_speakers": tuple(sorted(speakers["test"] - {None})),
        "validation_speakers": tuple(sorted(speakers["validation"] - {None})),
    }


def split_counts(parts: Mapping[str, datasets.Dataset]) -> dict[str, Any]:
    """Clips, speakers and clips per class of every split, and how many are copies, as plain JSON data."""
    counts = {}
    for name, rows in parts.items():
        names, labels = rows.features["label"].names, rows["label"][:]
        classes = {c: labels.count(i) for i, c in enumerate(names)}
        counts[name] = {"clips": len(rows), "speakers": len(set(rows["speaker"][:]) - {None}), "classes": classes}
        if SOURCE in rows.column_names and (copies := sum(source is not None for source in rows[SOURCE][:])):
            counts[name]["copies"] = copies
    return counts


def _without_audio(parts: datasets.DatasetDict) -> datasets.DatasetDict:
    """What the audit of a split looks at: fingerprints are taken where they are there, and not computed here."""
    rows = parts["train"].column_names
    return parts.remove_columns(AUDIO) if {AUDIO, AUDIO_HASH} <= set(rows) else parts
