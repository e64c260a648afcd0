"""The ledger: what became of every audio file found; nothing is lost silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ser_hf.labels import Scheme
from ser_hf.records import Clip


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """How many clips of one native label of one corpus went where."""

    corpus: str
    native_label: str
    emotion: str
    action: str
    """``kept``, ``renamed``, ``merged``, ``dropped`` (by the scheme); left out on request: ``unreadable``, ``bad``."""
    label: str | None
    clips: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Audio files in a corpus' folder that are no clip of it, or no other clip.

    Attributes:
        reason: in a few words, e.g. ``"a copy by its name"``.
        files: how many.
        examples: the first of them, below the corpus' folder.
    """

    corpus: str
    reason: str
    files: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every audio file found: the rows count the clips, ``left_out`` the other files.

    Attributes:
        scheme: name of the label scheme.
        rows: sorted by corpus, native label, action.
        unreadable: path and reason of every clip left out because its audio cannot be read.
        bad: the same of those that can be read but are of no use: silent, too short, known to be spoilt, two labels for
            one recording, or an unknown code in the name.
        left_out: files that did not become a clip.
    """

    scheme: str
    rows: tuple[LedgerRow, ...]
    unreadable: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def found(self) -> int:
        """Clips found."""
        return sum(r.clips for r in self.rows)

    @property
    def used(self) -> int:
        """Clips that carry a label of the scheme."""
        return sum(r.clips for r in self.rows if r.label is not None)

    @property
    def files(self) -> int:
        """Audio files found: the clips, used or not, and the other files."""
        return self.found + sum(other.files for other in self.left_out)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        rows = [asdict(row) for row in self.rows]
        return {
            "scheme": self.scheme,
            "rows": rows,
            "unreadable": [*self.unreadable],
            "bad": [*self.bad],
            "found": self.found,
            "used": self.used,
            "files": self.files,
            "left_out": [asdict(other) for other in self.left_out],
        }

    def to_table(self) -> str:
        """As a Markdown table with a closing line."""
        head = "| corpus | native label | emotion | action | class | clips |\n|---|---|---|---|---|---:|\n"
        body = "".join(
            f"| {r.corpus} | {r.native_label} | {r.emotion} | {r.action} | {r.label or '-'} | {r.clips} |\n"
            for r in self.rows
        )
        lost = [*(("unreadable", line) for line in self.unreadable), *(("bad", line) for line in self.bad)]
        skipped = "".join(f"- {why}: {line}\n" for why, line in lost)
        return (
            f"{head}{body}\n{self.used} of {self.found} clips carry a label of the scheme {self.scheme}.\n"
            f"{self._files()}{skipped}"
        )

    def _files(self) -> str:
        """How the number of audio files comes about."""
        lost = self.found - self.used
        other = [(f"{one.corpus}: {one.reason}", one.files, one.examples) for one in self.left_out]
        rows = [*([("clips: dropped, unreadable or bad", lost, ())] if lost else []), *other]
        lines = [f"  {n} {why}{', e.g. ' + ', '.join(names) if names else ''}\n" for why, n, names in rows]
        return (
            f"{self.files} audio files found = {self.used} used + {self.files - self.used} left out\n{''.join(lines)}"
        )


def make_ledger(
    clips: Iterable[Clip],
    scheme: Scheme,
    unreadable: Mapping[str, str] | None = None,
    bad: Mapping[str, str] | None = None,
    left_out: Iterable[LeftOut] = (),
    refused: Iterable[str] = (),
) -> Ledger:
    """Counts what ``scheme`` does to ``clips``.

    Args:
        clips: every clip found.
        scheme: the label scheme.
        unreadable: clip id -> path and reason, for the clips left out because their audio cannot be read.
        bad: the same for clips left out because they are silent, too short or known to be spoilt.
        left_out: audio files that are no clips.
        refused: path and reason of those of them whose name has an unknown code.
    """
    reasons = {"unreadable": unreadable or {}, "bad": bad or {}}
    lines: dict[str, list[str]] = {action: [] for action in reasons}
    counts: Counter[tuple[str, str, str, str, str | None]] = Counter()
    for clip in clips:
        label = scheme.class_of(clip.emotion)
        action = scheme.action_of(clip.emotion)
        lost = next((a for a, found in reasons.items() if label and clip.clip_id in found), None)
        if lost:
            lines[lost].append(reasons[lost][clip.clip_id])
            action, label = lost, None
        counts[clip.corpus, clip.native_label, clip.emotion, action, label] += 1
    rows = (LedgerRow(*key, clips=n) for key, n in counts.items())
    ordered = sorted(rows, key=lambda r: (r.corpus, r.native_label, r.action))
    return Ledger(scheme.name, tuple(ordered), tuple(lines["unreadable"]), (*lines["bad"], *refused), tuple(left_out))
