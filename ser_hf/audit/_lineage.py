"""Rules about augmented copies, which name the clip they were made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ._finding import Finding, Item, plural
from ._rows import Rows

_SHOWN = 3


def families(rows: Rows) -> list[str]:
    """The clip that every row was made from in the end: of an original its own id, of a copy of a copy the original."""
    source = {
        clip: made_from for clip, made_from in zip(rows.clips, rows.sources, strict=True) if made_from is not None
    }
    return [_origin(clip, source) for clip in rows.clips]


def _origin(clip: str, source: Mapping[str, str]) -> str:
    seen = {clip}
    while clip in source and source[clip] not in seen:  # names that run in a circle end where they would repeat
        clip = source[clip]
        seen.add(clip)
    return clip


def torn_families(rows: Rows, family: list[str]) -> list[Finding]:
    """Clips in another split than their augmented copies, or copies of one clip in different splits."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(family):
        members[name].append(row)
    torn = {
        name: own
        for name, own in members.items()
        if len({rows.splits[row] for row in own}) > 1 and any(rows.sources[row] is not None for row in own)
    }
    found = []
    if torn:
        summary = f"{plural(len(torn), 'clip')} with augmented copies in different splits"
        items = tuple(_item(rows, name, own) for name, own in torn.items())
        found.append(Finding("error", "augmented-copy", summary, items))
    there = set(rows.clips)
    lost = sorted({made_from for made_from in rows.sources if made_from is not None and made_from not in there})
    if lost:
        summary = f"{plural(len(lost), 'clip')} named as a source and in none of the splits"
        found.append(Finding("info", "unknown-source", summary, tuple(Item(clip, (clip,)) for clip in lost)))
    return found


def _item(rows: Rows, name: str, own: list[int]) -> Item:
    copies = [row for row in own if rows.sources[row] is not None]
    originals = [rows.named(row) for row in own if rows.sources[row] is None]
    named = ", ".join(rows.named(row) for row in copies[:_SHOWN])
    more = f" and {len(copies) - _SHOWN} more" if len(copies) > _SHOWN else ""
    return Item(
        f"{', '.join(originals) or name} -> {named}{more}", tuple(dict.fromkeys(rows.clips[row] for row in own))
    )
