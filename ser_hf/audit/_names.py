"""Rules about names: clips, speakers, sentences and classes on both sides."""

from __future__ import annotations

from collections import Counter

import datasets

from ser_hf.records import LABEL

from ._finding import Finding, Item, Level, plural
from ._rows import Rows, groups

TRAIN, TEST = "train", "test"


def shared_clips(rows: Rows, twins: set[tuple[str, str]]) -> list[Finding]:
    """Clips that are in two splits; not told of splits that are the same."""
    found = []
    for one, other in rows.pairs():
        shared = sorted(_of(rows.clips, rows, one) & _of(rows.clips, rows, other))
        if shared and (one, other) not in twins:
            items = tuple(Item(clip, (clip,)) for clip in shared)
            found.append(
                Finding("error", "same-clip", f"{plural(len(shared), 'clip')} in both {one} and {other}", items)
            )
    return found


def colliding_ids(rows: Rows) -> list[Finding]:
    """Rows of one split under one name: an error where their recordings differ, for a score belongs to a clip."""
    torn: list[Item] = []
    repeated: list[Item] = []
    for members in groups(zip(rows.splits, rows.clips, strict=True)):
        text, clips = f"{rows.named(members[0])} {len(members)} times", (rows.clips[members[0]],)
        (torn if len({rows.hashes[row] for row in members}) > 1 else repeated).append(Item(text, clips))
    kinds: list[tuple[Level, list[Item], str]] = [
        ("error", torn, "different recordings of one split"),
        ("warning", repeated, "the same recording in several rows of one split"),
    ]
    return [
        Finding(level, "colliding-id", f"{plural(len(items), 'clip id', 'stand')} for {what}", tuple(items))
        for level, items, what in kinds
        if items
    ]


def shared_speakers(rows: Rows, level: Level, twins: set[tuple[str, str]]) -> list[Finding]:
    """Speakers that are in two splits, and clips of which no speaker is known."""
    found = []
    for one, other in rows.pairs():
        shared = sorted(_of(rows.speakers, rows, one) & _of(rows.speakers, rows, other))
        if shared and (one, other) not in twins:
            # validation carved from training speakers is no leak into the score
            mild = TEST not in (one, other)
            summary = f"{plural(len(shared), 'speaker')} in both {one} and {other}"
            items = tuple(map(Item, shared))
            found.append(Finding("warning" if mild else level, "speaker-overlap", summary, items))
    nameless = tuple(
        Item(rows.named(row), (rows.clips[row],)) for row, speaker in enumerate(rows.speakers) if speaker is None
    )
    if nameless:
        summary = f"{plural(len(nameless), 'clip')} without a speaker"
        found.append(Finding(level, "unknown-speaker", summary, nameless))
    return found


def shared_sentences(rows: Rows) -> list[Finding]:
    """How much of what the other splits say training says too: in parallel corpora all of it, by design."""
    spoken = list(zip(rows.corpora, rows.sentences, strict=True))
    trained = {spoken[row] for row, split in enumerate(rows.splits) if split == TRAIN}
    found = []
    for name in rows.names:
        own = [
            spoken[row] for row, split in enumerate(rows.splits) if split == name and rows.sentences[row] is not None
        ]
        known = Counter(corpus for corpus, _ in own)
        shared = Counter(corpus for corpus, sentence in own if (corpus, sentence) in trained)
        if name != TRAIN and shared:
            total, both = sum(known.values()), sum(shared.values())
            summary = (
                f"{both} of {total} clips of {name} ({100 * both / total:.0f} %) say a sentence that train says too"
            )
            items = tuple(
                Item(f"{corpus}: {shared[corpus]} of {known[corpus]} clips") for corpus in sorted(known, key=str)
            )
            found.append(Finding("info", "sentence-overlap", summary, items))
    return found


def absent_classes(parts: datasets.DatasetDict, rows: Rows) -> list[Finding]:
    """Classes without a clip."""
    found = []
    for name, part in parts.items():
        feature, there = part.features[LABEL], _of(rows.labels, rows, name)
        if isinstance(feature, datasets.ClassLabel):
            absent = [c for c in feature.names if c not in there]
            if absent:
                found.append(Finding("warning", "absent-class", f"{name} has no clip of {', '.join(absent)}"))
    return found


def _of(values: list[str] | list[str | None], rows: Rows, split: str) -> set[str]:
    return {value for value, own in zip(values, rows.splits, strict=True) if own == split and value is not None}
