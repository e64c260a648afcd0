"""Several clips of one file: under two labels only where they do not overlap, and together in a split where they do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Refuse


def apart(clips: Sequence[Clip], refuse: Refuse) -> Iterator[Clip]:
    """Gives the clips, sorted by file and start, without those that overlap another one under another label.

    Of clips that overlap under one label, all but the first name it as their ``source``, so that no protocol tears them
    apart. The same part under the same label twice is left to who counts copies.
    """
    for together in _overlapping(clips):
        if len({clip.emotion for clip in together}) == 1:
            first, ids = together[0], {together[0].clip_id}
            yield first
            yield from (c if c.clip_id in ids else replace(c, source=first.clip_id) for c in together[1:])
            continue
        conflict = CorpusError(_conflict(*_torn(together)))
        for clip in together:
            refuse(clip.path, conflict)


def _overlapping(clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    """Runs of clips of one file of which each overlaps one before it."""
    run: list[Clip] = []
    until = 0.0
    for clip in clips:
        if run and (clip.path != run[0].path or (clip.start or 0.0) >= until):
            yield run
            run = []
        until = max(until, _end(clip)) if run else _end(clip)
        run.append(clip)
    if run:
        yield run


def _torn(together: Sequence[Clip]) -> tuple[Clip, Clip]:
    """The first two clips of a run that overlap under two labels."""
    last = together[0]
    for clip in together:
        if clip.emotion != last.emotion:
            return last, clip
        last = max(last, clip, key=_end)
    return last, last


def _end(clip: Clip) -> float:
    return math.inf if clip.end is None else clip.end


def _conflict(one: Clip, other: Clip) -> str:
    spans = [f"{_span(clip)} {clip.native_label!r}" for clip in (one, other)]
    what = "it is there twice, as" if one.start is other.start is None else "its segments overlap under two labels:"
    return f"{one.path}: {what} {' and '.join(spans)}; a recording has one label, so mend the table"


def _span(clip: Clip) -> str:
    if clip.start is None:
        return "the whole file"
    return f"{clip.start:g} s to {'the end' if clip.end is None else f'{clip.end:g} s'}"
