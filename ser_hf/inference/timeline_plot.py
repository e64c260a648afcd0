"""A timeline as a picture."""

from __future__ import annotations

from pathlib import Path, PurePath

from ser_hf.reporting.timeline import Band, Drawn, write_drawing

from .timeline import Timeline


def plot_timeline(timeline: Timeline, file: str | Path) -> None:
    """Draws waveform, speech, segments and probabilities over one time axis, as PNG."""
    verdict = timeline.verdict
    sure = "" if verdict.confidence is None else f" {100 * verdict.confidence:.1f} %"
    spoken = "" if verdict.speech is None else f"{verdict.speech:.1f} s of speech"
    drawn = Drawn(
        name=PurePath(timeline.name).name,
        facts=tuple(filter(None, (f"{timeline.duration:.1f} s", spoken, f"{verdict.label}{sure}"))),
        duration=timeline.duration,
        labels=timeline.labels,
        segments=tuple(Band(one.start, one.end, one.label, one.speaker) for one in timeline.segments if one.spoken),
        speech=timeline.speech,
        middles=(timeline.starts + timeline.ends) / 2,
        probabilities=timeline.smoothed,
        hop=timeline.hop,
        envelope=timeline.envelope,
        edges=timeline.edges,
    )
    write_drawing(drawn, file)
