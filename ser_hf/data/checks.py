"""Checks on the way in: recordings that cannot be used, and what is odd about those that can."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import datasets
import pyarrow.compute as pc

from ser_hf.audio import LONGEST, Recording, cut, part_name, read_recording
from ser_hf.base.errors import AudioError
from ser_hf.base.plain import one_line
from ser_hf.corpora import Corpus
from ser_hf.records import Clip

# The limits of what is taken to be a recording of speech.
SILENCE = 1e-4
"""The peak below which nothing is taken to be recorded: -80 dBFS, three steps of a 16-bit file. A clip that varies by
less is constant: an offset without a signal."""
SHORTEST = 0.05
"""Seconds below which a clip is bad: a vowel takes longer, and one frame of the features takes as long."""
FAINT = 10 ** (-55 / 20)
"""The peak below which a warning is given: the faintest of RAVDESS, SAVEE and TESS reach -47, -31 and -30 dBFS."""

_CONTAINERS = {
    ".wav": {"WAV", "WAVEX", "RF64"},
    ".aif": {"AIFF"},
    ".aiff": {"AIFF"},
    ".flac": {"FLAC"},
    ".ogg": {"OGG"},
    ".oga": {"OGG"},
    ".opus": {"OGG"},
    ".mp3": {"MP3"},
}
_SHOWN = 10
_EXAMPLES = 3


class BadRecordingError(AudioError):
    """A file is readable audio but of no use: silent, constant or too short, or its corpus says that it is spoilt."""


@dataclass(frozen=True, slots=True)
class BadClip:
    """A clip that cannot be used.

    Attributes:
        problem: its path and what is wrong with it, as a sentence begins.
        unreadable: whether the file is not audio that can be decoded; else it is silent or known to be spoilt.
    """

    clip_id: str
    path: str
    problem: str
    unreadable: bool

    @property
    def kind(self) -> str:
        """The problem without path and details, e.g. ``"is truncated"``."""
        return re.split(r"[:;,(]", self.problem.removeprefix(self.path))[0].strip()


@dataclass
class Findings:
    """What the checks found while recordings were read.

    Attributes:
        bad: the clips that cannot be used, in the order of reading.
        odd: (corpus, what is odd) -> how many clips, and the ids of the first.
    """

    bad: list[BadClip] = field(default_factory=list)
    odd: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def add_bad(self, clip: Clip, error: AudioError) -> None:
        """Notes a clip that cannot be used."""
        unreadable = not isinstance(error, BadRecordingError)
        name = one_line(part_name(clip.path, clip.start, clip.end))
        self.bad.append(BadClip(clip.clip_id, name, str(error), unreadable))

    def add_odd(self, corpus: str, what: str, clip_ids: Sequence[str], count: int = 1) -> None:
        """Notes that something is odd about ``count`` clips."""
        number, first = self.odd.get((corpus, what), (0, ()))
        self.odd[corpus, what] = number + count, (*first, *clip_ids)[:_EXAMPLES]

    def write(self, path: Path) -> None:
        """Writes them as a JSON file."""
        odd = [[*key, count, clip_ids] for key, (count, clip_ids) in self.odd.items()]
        content = {"bad": [asdict(clip) for clip in self.bad], "odd": odd}
        path.write_text(json.dumps(content), encoding="ascii")

    @classmethod
    def read(cls, *paths: Path) -> Findings:
        """What several files hold, in their order."""
        found = cls()
        for path in paths:
            content = json.loads(path.read_text(encoding="ascii"))
            found.bad += [BadClip(**clip) for clip in content["bad"]]
            for corpus, what, count, clip_ids in content["odd"]:
                found.add_odd(corpus, what, clip_ids, count)
        return found

    def left_out(self, *, unreadable: bool) -> dict[str, str]:
        """Clip id -> problem, of the unreadable clips or of the others; by clip id, for cards are published."""
        return {
            clip.clip_id: clip.problem.replace(clip.path, clip.clip_id)
            for clip in self.bad
            if clip.unreadable is unreadable
        }

    def remarks(self) -> list[str]:
        """What is odd about clips that are used all the same."""
        return [
            f"{corpus}: {what}: {count} clip{'s' * (count > 1)}, {'e.g. ' * (count > len(ids))}{', '.join(ids)}"
            for (corpus, what), (count, ids) in sorted(self.odd.items())
        ]


def read_clip(clip: Clip, corpus: Corpus, max_duration: float = LONGEST) -> Recording:
    """Reads a clip's file, or the part of it that the clip is, and decodes it.

    Raises:
        AudioError: the file cannot be read or decoded.
        BadRecordingError: it is silent, constant or too short, or the corpus' record says that it is spoilt.
    """
    known = corpus.bad.get(clip.clip_id)
    if known:
        raise BadRecordingError(f"{one_line(str(clip.path))} is known to be bad: {known}")
    part = part_name(clip.path, clip.start, clip.end)
    name = one_line(part)
    source: str | bytes = part
    if corpus.fetch is not None:
        source = corpus.fetch(clip)
        source = source if clip.start is None else cut(source, clip.start, clip.end, name)
    recording = read_recording(source, name, max_duration)
    if recording.peak < SILENCE:
        level = f"{20 * math.log10(recording.peak):.0f} dBFS" if recording.peak > 0 else "all samples are zero"
        raise BadRecordingError(f"{name} is silent: {level}")
    if recording.samples.max() - recording.samples.min() < SILENCE:
        raise BadRecordingError(f"{name} is constant: an offset of {recording.samples[0]:.3g} and no signal")
    seconds = len(recording.samples) / recording.rate
    if seconds < SHORTEST:
        raise BadRecordingError(f"{name} is too short: {seconds:.3g} s, expected {SHORTEST:g} or more")
    return recording


def oddities(clip: Clip, corpus: Corpus, recording: Recording) -> Iterator[str]:
    """What should be known of a clip, though it can be used."""
    released = corpus.sampling_rate
    if released is not None and recording.rate != released:
        yield f"sampled at {recording.rate} Hz, the release at {released} Hz"
    if recording.channels > 1:
        yield f"{recording.channels} channels, mixed down to one"
    extension = clip.path.suffix.lower()
    if recording.peak < FAINT:
        yield f"far below the level of speech (peak below {20 * math.log10(FAINT):.0f} dBFS)"
    if clip.emotion == "neutral" and clip.intensity == "strong":
        yield "neutral of strong intensity, which corpora do not have"
    if recording.container not in _CONTAINERS.get(extension, {recording.container}):
        yield f"{recording.container} inside {extension}"


def bad_clips_error(bad: Sequence[BadClip], found: int) -> AudioError:
    """One error that lists what cannot be used, grouped by what is wrong.

    Args:
        bad: one or more clips.
        found: number of clips read.
    """
    way_out = "leave out what is bad with --skip_bad (skip_bad=True), which lists it in the ledger"
    if len(bad) == 1:
        return AudioError(f"1 of {found} clips cannot be used: {bad[0].problem}. Mend it, or {way_out}")
    kinds: dict[str, list[BadClip]] = defaultdict(list)
    for clip in bad:
        kinds[clip.kind].append(clip)
    each = max(1, _SHOWN // len(kinds))
    lines = [f"{len(bad)} of {found} clips cannot be used; mend them, or {way_out}"]
    for kind, clips in sorted(kinds.items(), key=lambda item: -len(item[1])):
        lines.append(f"  {len(clips)} clip{'s' * (len(clips) > 1)}: {kind}")
        lines += [f"    {clip.problem}" for clip in clips[:each]]
        lines += [f"    and {len(clips) - each} more"] if len(clips) > each else []
    return AudioError("\n".join(lines))


def conflicting(rows: datasets.Dataset) -> dict[str, str]:
    """Clip id -> what is wrong, of clips whose recording, to the sample, is there under another label as well."""
    return {
        row["clip_id"]: f"{row['clip_id']} is the same recording as {_others(row, same)}, under another label"
        for same in _same_audio(rows)
        if len({row["label"] for row in same}) > 1
        for row in same
    }


def _others(row: dict[str, str], same: Sequence[dict[str, str]]) -> str:
    return _some([other["clip_id"] for other in same if other["label"] != row["label"]])


def _same_audio(rows: datasets.Dataset) -> Iterator[list[dict[str, str]]]:
    """The rows of every recording that is there more than once, by the hash of the decoded audio."""
    columns = rows.select_columns(["audio_hash", "clip_id", "corpus", "label"]).with_format("arrow")[:]
    counts = pc.value_counts(columns["audio_hash"])
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    copies: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in columns.filter(pc.is_in(columns["audio_hash"], value_set=repeated)).to_pylist():
        copies[row["audio_hash"]].append(row)
    yield from copies.values()


def repeated_audio(rows: datasets.Dataset) -> list[str]:
    """Recordings that are there more than once under different names, by the hash of their decoded audio.

    Args:
        rows: of ``SerCorpus``.
    """
    groups: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for same in _same_audio(rows):
        corpora, labels = (dict.fromkeys(row[key] for row in same) for key in ("corpus", "label"))
        groups[" and ".join(corpora), len(labels) > 1].append(" = ".join(row["clip_id"] for row in same))
    return [
        f"{corpora}: {len(names)} recording{'s are' if len(names) > 1 else ' is'} there more than once"
        f"{', under different labels (conflict)' * torn}: {_some(names)}"
        for (corpora, torn), names in sorted(groups.items())
    ]


def _some(names: Sequence[str]) -> str:
    more = len(names) - _EXAMPLES
    return ", ".join(names[:_EXAMPLES]) + (f" and {more} more" if more > 0 else "")
