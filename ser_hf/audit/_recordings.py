"""Rules about the audio itself: recordings that are there more than once, and what they are called."""

from __future__ import annotations

from ._finding import Finding, Item, Level, plural
from ._rows import Rows, groups

_IDENTICAL, _NEAR = "identical-audio", "near-duplicate"
_MEMBERS = 6
"""Rows of a group that are named; more have happened where silence is a recording."""


def twin_splits(rows: Rows, recording: list[int]) -> set[tuple[str, str]]:
    """Pairs of splits that hold the same clips or the same recordings."""
    found = set()
    for one, other in rows.pairs():
        for keys in (rows.clips, recording):
            sides = ({key for key, own in zip(keys, rows.splits, strict=True) if own == name} for name in (one, other))
            first, second = sides
            if first and first == second:
                found.add((one, other))
    return found


def same_splits(rows: Rows, twins: set[tuple[str, str]]) -> list[Finding]:
    """Splits that are one and the same."""
    found = []
    for one, other in sorted(twins):
        number = plural(len({clip for clip, own in zip(rows.clips, rows.splits, strict=True) if own == other}), "clip")
        harm = (
            "what is scored was trained on" if "train" in (one, other) else "what is scored has chosen the checkpoint"
        )
        found.append(Finding("error", "same-split", f"{number}: {one} and {other} hold the same recordings; {harm}"))
    return found


def repeated_recordings(
    rows: Rows, recording: list[int], family: list[str], twins: set[tuple[str, str]]
) -> list[Finding]:
    """Recordings that are there more than once under different names; those of one family are told elsewhere."""
    kinds: list[tuple[str, list[list[int]], str]] = [
        (_IDENTICAL, groups(rows.hashes), "recording"),
        (_NEAR, [g for g in groups(recording) if len({rows.hashes[row] for row in g}) > 1], "near-identical recording"),
    ]
    found = []
    for rule, repeated, what in kinds:
        strangers = [g for g in repeated if len({family[row] for row in g}) > 1]
        within = [g for g in strangers if len(_splits(rows, g)) == 1]
        across = [g for g in strangers if len(_splits(rows, g)) > 1 and _splits(rows, g) not in twins]
        levels: list[tuple[Level, list[list[int]], str]] = [
            ("info", within, "within one split"),
            ("error", across, "in different splits"),
        ]
        for level, cases, where in levels:
            if cases:
                summary = f"{plural(len(cases), what, 'appear')} more than once {where}"
                found.append(Finding(level, rule, summary, tuple(_item(rows, g) for g in cases)))
    return found


def label_conflicts(rows: Rows, recording: list[int]) -> list[Finding]:
    """Copies of one recording that are labelled differently: an error where they are identical to the sample."""
    torn = [g for g in groups(recording) if len({rows.labels[row] for row in g}) > 1]
    same = [g for g in groups(rows.hashes) if len({rows.labels[row] for row in g}) > 1]
    told = {row for g in same for row in g}
    kinds: list[tuple[Level, list[list[int]], str]] = [
        ("error", same, "recording"),
        ("warning", [g for g in torn if not told & set(g)], "near-identical recording"),
    ]
    return [
        Finding(
            level,
            "label-conflict",
            f"{plural(len(cases), what, 'appear')} more than once under different labels",
            tuple(_item(rows, g, labels=True) for g in cases),
        )
        for level, cases, what in kinds
        if cases
    ]


def unheard(rows: Rows) -> list[Finding]:
    """Rows among which near-duplicates were not looked for, and why."""
    missing = [split for split, content in zip(rows.splits, rows.fingerprints, strict=True) if content is None]
    found = []
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        text = f"near-duplicates were not looked for in {names}; `ser-hf audit` and training runs do"
        found.append(Finding("info", _NEAR, text))
    short = [Item(rows.named(i), (rows.clips[i],)) for i, content in enumerate(rows.fingerprints) if content == b""]
    if short:
        text = f"{plural(len(short), 'clip')} too short or too quiet for a fingerprint, compared by hash alone"
        found.append(Finding("info", _NEAR, text, tuple(short)))
    return found


def _splits(rows: Rows, group: list[int]) -> tuple[str, ...]:
    """The splits of a group, in their order."""
    own = {rows.splits[row] for row in group}
    return tuple(name for name in rows.names if name in own)


def _item(rows: Rows, group: list[int], labels: bool = False) -> Item:
    """The rows of a group, with ``=`` between identical recordings and ``~`` between near-identical ones."""
    place = {digest: i for i, digest in enumerate(dict.fromkeys(rows.hashes[row] for row in group))}
    ordered = sorted(group, key=lambda row: place[rows.hashes[row]])
    text, before = "", None
    for row in ordered[:_MEMBERS]:
        text += "" if before is None else " = " if rows.hashes[row] == rows.hashes[before] else " ~ "
        text += f"{rows.clips[row]} ({rows.splits[row]}, {rows.labels[row]})" if labels else rows.named(row)
        before = row
    more = f" and {len(ordered) - _MEMBERS} more" if len(ordered) > _MEMBERS else ""
    return Item(text + more, tuple(dict.fromkeys(rows.clips[row] for row in ordered)))
