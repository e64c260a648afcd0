"""Dataset -> train, validation and test by a named protocol, with what the split is, computed and not declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import datasets

from ser_hf.errors import SplitError

from .audit import Audit, audit
from .protocols import PROTOCOLS, Columns, SplitOptions

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """What a split is.

    Attributes:
        speaker_independent: computed: no test speaker is in train or validation, and every clip has a speaker.
        validation_speaker_independent: the same for validation against train.
    """

    protocol: str
    description: str
    fold: int | None
    seed: int
    speaker_independent: bool
    validation_speaker_independent: bool
    test_speakers: tuple[str, ...]
    validation_speakers: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            **asdict(self),
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
        options: fold, seed, sizes, test speakers.

    Raises:
        SplitError: the protocol cannot be followed, a split would be empty, or the audit finds that the result is not
            what the protocol claims.
        SerHfError: an unknown protocol.
    """
    rule, options = PROTOCOLS[protocol], options or SplitOptions()
    _check(options, protocol)
    indices = rule.assign(Columns.of(dataset), options)
    empty = [name for name in SPLITS if len(indices[name]) == 0]
    if empty:
        raise SplitError(f"protocol {protocol!r} leaves {' and '.join(empty)} empty ({len(dataset)} clips in all)")
    parts = datasets.DatasetDict({name: dataset.select(indices[name]) for name in SPLITS})
    report = audit(parts, claims_speaker_independent=rule.claims_speaker_independent)
    report.raise_for_errors()
    return Split(parts, describe(parts, protocol, rule.description, options.fold, options.seed), report)


def describe(parts: datasets.DatasetDict, protocol: str, description: str, fold: int | None, seed: int) -> SplitInfo:
    """Computes what a split is from its rows."""
    speakers = {name: set(parts[name]["speaker"][:]) for name in SPLITS}
    named = all(None not in s for s in speakers.values())
    return SplitInfo(
        protocol=protocol,
        description=description,
        fold=fold,
        seed=seed,
        speaker_independent=named and not speakers["test"] & (speakers["train"] | speakers["validation"]),
        validation_speaker_independent=named and not speakers["validation"] & speakers["train"],
        test_speakers=tuple(sorted(speakers["test"] - {None})),
        validation_speakers=tuple(sorted(speakers["validation"] - {None})),
    )


def split_counts(parts: Mapping[str, datasets.Dataset]) -> dict[str, Any]:
    """Clips, speakers and clips per class of every split, as plain JSON data."""
    counts = {}
    for name, rows in parts.items():
        names, labels = rows.features["label"].names, rows["label"][:]
        classes = {c: labels.count(i) for i, c in enumerate(names)}
        counts[name] = {"clips": len(rows), "speakers": len(set(rows["speaker"][:]) - {None}), "classes": classes}
    return counts


def _check(options: SplitOptions, protocol: str) -> None:
    for name in ("test_size", "validation_size"):
        share = getattr(options, name)
        if not 0 < share < 1:
            raise SplitError(f"{name} is {share}; expected a share between 0 and 1, such as 0.1")
    if options.test_size + options.validation_size >= 1:
        raise SplitError("test_size and validation_size leave nothing to train on; their sum must be below 1")
    if options.seed < 0:
        raise SplitError(f"seed is {options.seed}; expected 0 or more")
    if options.fold is not None and protocol != "emobox":
        raise SplitError(f"protocol {protocol!r} has no folds; leave out the fold {options.fold} or use 'emobox'")
    if options.test_speakers and protocol != "speaker-independent":
        raise SplitError(f"protocol {protocol!r} takes no test speakers; use 'speaker-independent'")
