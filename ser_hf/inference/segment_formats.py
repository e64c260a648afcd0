"""Timelines as the files that other programs read: subtitles, annotations, diarisations, tables.

Names come from files and models of others, so that every writer keeps its own syntax free of them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path, PurePath

from ser_hf.base.atomic import write_text
from ser_hf.base.errors import SerHfError, unknown

from .timeline import Segment, Timeline

_RTTM_NOTHING = frozenset({"", "NA", "N/A", "NULL", "NONE", "NAN", "#N/A", "#NA", "-NAN", "<NA>"})
"""What tables read as nothing, and pyannote reads RTTM as a table."""


def as_json(timeline: Timeline) -> str:
    """Everything: verdict, speakers, segments, windows with their probabilities, where speech is."""
    return json.dumps(timeline.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(timeline: Timeline) -> str:
    """A row for each segment, the stretches without speech among them; probabilities in ``p_<class>``."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = ["file", "start", "end", "label", "confidence", "speech", "speaker"]
    table.writerow([*columns, *(f"p_{name}" for name in timeline.labels), *timeline.targets])
    for one in timeline.segments:
        times = [f"{one.start:.6f}", f"{one.end:.6f}"]
        about = [_number(one.confidence), "" if one.speech is None else f"{one.speech:.3f}", one.speaker or ""]
        shares = [_number(one.classes.get(name)) for name in timeline.labels]
        ratings = [_number(one.dimensions.get(name)) for name in timeline.targets]
        table.writerow([timeline.name, *times, one.label, *about, *shares, *ratings])
    return text.getvalue()


def as_rttm(timeline: Timeline) -> str:
    """A line ``SPEAKER file 1 start duration <NA> <NA> label confidence <NA>`` for each segment with speech.

    The label stands where a diarisation has the speaker, so that what reads diarisations (pyannote) reads emotions;
    where turns were given, it is ``speaker/label``. Names have ``_`` for what would part fields.
    """
    file, lines = _word(PurePath(timeline.name).stem), []
    for one in timeline.segments:
        if one.spoken:
            name = _word(one.label if one.speaker is None else f"{one.speaker}/{one.label}")
            start, length = f"{one.start:.6f}", f"{one.end - one.start:.6f}"
            lines.append(f"SPEAKER {file} 1 {start} {length} <NA> <NA> {name} {_number(one.confidence)} <NA>\n")
    return "".join(lines)


def as_vtt(timeline: Timeline) -> str:
    """WebVTT: a subtitle for each segment with speech, of label and confidence, with the speaker as its voice."""
    cues = ["WEBVTT\n"]
    for one in timeline.segments:
        if one.spoken:
            first, last = round(1000 * one.start), round(1000 * one.end)
            words = f"{_markup(one.label)} {one.confidence:.2f}"
            voice = f"<v {_markup(one.speaker)}>" if one.speaker else ""
            cues.append(f"{_clock(first)} --> {_clock(max(last, first + 1))}\n{voice}{words}\n")
    return "\n".join(cues)


def as_audacity(timeline: Timeline) -> str:
    """Audacity's label track: start, end and label with tabs between them, of the segments with speech."""
    return "".join(f"{one.start:.6f}\t{one.end:.6f}\t{_line(_said(one))}\n" for one in timeline.segments if one.spoken)


def as_textgrid(timeline: Timeline) -> str:
    """Praat's TextGrid: a tier ``emotion``, and ``speaker`` where turns were given; no text where nobody speaks."""
    tiers: list[tuple[str, Callable[[Segment], str]]] = [("emotion", lambda one: one.label if one.spoken else "")]
    if timeline.speakers:
        tiers.append(("speaker", lambda one: one.speaker or ""))
    end = _exact(timeline.duration)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, text) in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0", f"        xmax = {end}", f"        intervals: size = {len(timeline.segments)}"]
        for i, one in enumerate(timeline.segments, 1):
            quoted = _line(text(one)).replace('"', '""')
            lines += [f"        intervals [{i}]:", f"            xmin = {_exact(one.start)}"]
            lines += [f"            xmax = {_exact(one.end)}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


FORMATS: dict[str, tuple[str, Callable[[Timeline], str]]] = {
    "json": (".json", as_json),
    "csv": (".csv", as_csv),
    "rttm": (".rttm", as_rttm),
    "vtt": (".vtt", as_vtt),
    "audacity": (".txt", as_audacity),
    "textgrid": (".TextGrid", as_textgrid),
}
"""Name -> suffix and writer."""


def format_of(file: str | Path) -> str | None:
    """The format that a file name asks for by its suffix, or None."""
    suffix = Path(file).suffix.lower()
    return next((name for name, (own, _) in FORMATS.items() if own.lower() == suffix), None)


def write_timeline(timeline: Timeline, file: str | Path, form: str | None = None) -> None:
    """Writes a timeline atomically.

    Args:
        timeline: of `ser_hf.inference.segment`.
        file: where to.
        form: a name of `FORMATS`; by default what the suffix says.

    Raises:
        SerHfError: the format is unknown.
    """
    chosen = form or format_of(file)
    if chosen is None:
        known = ", ".join(suffix for suffix, _ in FORMATS.values())
        raise SerHfError(f"{file} has the suffix of no format; expected one of {known}, or name the format")
    if chosen not in FORMATS:
        raise SerHfError(unknown("format", chosen, FORMATS))
    write_text(file, FORMATS[chosen][1](timeline))


def _said(one: Segment) -> str:
    words = f"{one.label} {one.confidence:.2f}" if one.spoken else one.label
    return words if one.speaker is None else f"{one.speaker}: {words}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _line(text: str) -> str:
    """Text on one line, without what no program shows."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)


def _word(text: str) -> str:
    word = re.sub(r"[\s\x00-\x1f\x7f\"'`#]+", "_", text)
    return f"{word}_" if word.upper() in _RTTM_NOTHING else word


def _markup(text: str) -> str:
    return _line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").strip()


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _exact(seconds: float) -> str:
    """A decimal number that reads as the same float; neighbours meet to the bit."""
    return f"{seconds:.15f}".rstrip("0").rstrip(".") or "0"
