"""The leakage audit: what train, validation and test share that they must not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import datasets

from ser_hf.audio import audio_hash, decode
from ser_hf.errors import SplitError

Level = Literal["error", "warning", "info"]
_SHOWN = 3
_SHARED: tuple[tuple[str, str, Level | None], ...] = (
    ("clip_id", "same-clip", "error"),
    ("speaker", "speaker-overlap", None),
)
"""Column, rule and level of what must not be in two splits; None is decided by what the split claims."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the audit found: an error makes the split unusable, a warning must stand beside the score."""

    level: Level
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings; none at all is a clean split."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that make the split unusable."""
        return [f for f in self.findings if f.level == "error"]

    def raise_for_errors(self) -> None:
        """Refuses the split.

        Raises:
            SplitError: there are errors.
        """
        if self.errors:
            raise SplitError(
                "the audit refuses this split: " + "; ".join(f"[{f.rule}] {f.message}" for f in self.errors)
            )

    def to_list(self) -> list[dict[str, Any]]:
        """As plain JSON data."""
        return [asdict(f) for f in self.findings]

    def to_table(self) -> str:
        """As lines of text."""
        return "\n".join(f"{f.level:<8}{f.rule:<20}{f.message}" for f in self.findings) or "nothing found"


def audit(parts: datasets.DatasetDict, *, claims_speaker_independent: bool) -> Audit:
    """Looks for leaks between the splits of a dataset.

    Rules: a clip in two splits and identical decoded audio in two splits are errors; shared speakers are an error where
    the split claims to be speaker-independent, a warning elsewhere; clips without a speaker are the same; identical
    audio with different labels, and a class that a split lacks, are warnings.

    Args:
        parts: two or more splits with the columns of a harmonised corpus; ``audio_hash`` is computed where missing.
        claims_speaker_independent: whether shared speakers make the split a false claim.

    Raises:
        SplitError: a column that the rules need is missing.
    """
    _require(parts)
    speaker_level: Level = "error" if claims_speaker_independent else "warning"
    findings: list[Finding] = []
    for column, rule, level in _SHARED:
        values = {name: set(rows[column][:]) - {None} for name, rows in parts.items()}
        findings += _overlaps(values, rule, level or speaker_level, column.replace("clip_id", "clip"))
    nameless = sum(rows["speaker"][:].count(None) for rows in parts.values())
    if nameless:
        findings.append(Finding(speaker_level, "unknown-speaker", f"{nameless} clips have no speaker"))
    findings += _same_audio(parts)
    findings += _absent_classes(parts)
    return Audit(tuple(findings))


def _require(parts: datasets.DatasetDict) -> None:
    for name, rows in parts.items():
        missing = [c for c in ("clip_id", "speaker", "label") if c not in rows.column_names]
        if missing or not {"audio", "audio_hash"} & set(rows.column_names):
            lacks = ", ".join(missing or ["audio"])
            raise SplitError(f"split {name!r} has no column {lacks}; the audit needs clip_id, speaker, label and audio")


def _overlaps(values: dict[str, set[str]], rule: str, level: Level, what: str) -> list[Finding]:
    found = []
    for one, other in combinations(values, 2):
        shared = sorted(values[one] & values[other])
        if shared:
            # validation carved from training speakers is no leak into the score
            mild = rule == "speaker-overlap" and "test" not in (one, other)
            message = f"{len(shared)} {what}{'s' * (len(shared) > 1)} in both {one} and {other}: {_some(shared)}"
            found.append(Finding("warning" if mild else level, rule, message))
    return found


def _same_audio(parts: datasets.DatasetDict) -> list[Finding]:
    copies: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for name, rows in parts.items():
        for digest, clip, label in zip(_hashes(rows), rows["clip_id"][:], rows["label"][:], strict=True):
            copies[digest].append((name, clip, label))
    repeated = [c for c in copies.values() if len({clip for _, clip, _ in c}) > 1]
    across = [c for c in repeated if len({name for name, _, _ in c}) > 1]
    torn = [c for c in repeated if len({label for _, _, label in c}) > 1]
    kinds: list[tuple[Level, str, list[list[tuple[str, str, int]]], str]] = [
        ("info", "identical-audio", [c for c in repeated if c not in across], "within one split"),
        ("error", "identical-audio", across, "in different splits"),
        ("warning", "label-conflict", torn, "under different labels"),
    ]
    found = []
    for level, rule, groups, text in kinds:
        if groups:
            names = _some([" = ".join(f"{clip} ({name})" for name, clip, _ in c) for c in groups])
            number = f"{len(groups)} recording{'s appear' if len(groups) > 1 else ' appears'}"
            found.append(Finding(level, rule, f"{number} more than once {text}: {names}"))
    return found


def _hashes(rows: datasets.Dataset) -> list[str]:
    if "audio_hash" in rows.column_names:
        hashes: list[str] = rows["audio_hash"][:]
        return hashes
    return [audio_hash(*decode(row["audio"]["bytes"], name=row["audio"]["path"])) for row in rows]


def _absent_classes(parts: datasets.DatasetDict) -> list[Finding]:
    found = []
    for name, rows in parts.items():
        feature = rows.features["label"]
        if isinstance(feature, datasets.ClassLabel):
            there = set(rows["label"][:])
            absent = [c for i, c in enumerate(feature.names) if i not in there]
            if absent:
                found.append(Finding("warning", "absent-class", f"{name} has no clip of {', '.join(absent)}"))
    return found


def _some(items: list[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
