"""The emotion vocabulary and the label schemes: what becomes of every harmonised emotion, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ser_hf.errors import SerHfError, unknown
from ser_hf.records import Clip

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised", "excited")
"""Every harmonised emotion; the first eight are the classes of the widest scheme, in the order of their ids."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A label scheme.

    Attributes:
        name: e.g. ``"8class"``.
        classes: class names; the position is the class id.
        merge: emotion -> the class it becomes. An emotion that is neither a class nor merged is dropped.
    """

    name: str
    classes: tuple[str, ...]
    merge: dict[str, str]

    def class_of(self, emotion: str) -> str | None:
        """The class of an emotion, or None where the scheme drops it.

        >>> get_scheme("4class").class_of("excited"), get_scheme("7class").class_of("calm")
        ('happy', None)

        Raises:
            SerHfError: the emotion is not in the vocabulary.
        """
        if emotion not in EMOTIONS:
            raise SerHfError(unknown("emotion", emotion, EMOTIONS))
        return emotion if emotion in self.classes else self.merge.get(emotion)


_EIGHT = EMOTIONS[:8]
SCHEMES = {
    s.name: s
    for s in (
        Scheme("8class", _EIGHT, {}),
        Scheme("7class", tuple(e for e in _EIGHT if e != "calm"), {}),
        Scheme("6class", tuple(e for e in _EIGHT if e not in ("calm", "surprised")), {}),
        Scheme("4class", ("neutral", "happy", "sad", "angry"), {"excited": "happy"}),
    )
}


def get_scheme(name: str) -> Scheme:
    """The scheme called ``name``.

    Raises:
        SerHfError: there is none of this name.
    """
    if name not in SCHEMES:
        raise SerHfError(unknown("label scheme", name, SCHEMES))
    return SCHEMES[name]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """How many clips of one native label of one corpus went where."""

    corpus: str
    native_label: str
    emotion: str
    action: str
    """``kept``, ``merged``, ``dropped`` (by the scheme) or ``unreadable`` (skipped on request)."""
    label: str | None
    clips: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every clip found: the rows add up to the number of files.

    Attributes:
        scheme: name of the label scheme.
        rows: sorted by corpus, native label, action.
        unreadable: ``"path: reason"`` of every clip skipped because its audio cannot be read.
    """

    scheme: str
    rows: tuple[LedgerRow, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def found(self) -> int:
        """Clips found."""
        return sum(r.clips for r in self.rows)

    @property
    def used(self) -> int:
        """Clips that carry a label of the scheme."""
        return sum(r.clips for r in self.rows if r.label is not None)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        rows = [asdict(row) for row in self.rows]
        return {
            "scheme": self.scheme,
            "rows": rows,
            "unreadable": [*self.unreadable],
            "found": self.found,
            "used": self.used,
        }

    def to_table(self) -> str:
        """As a Markdown table with a closing line."""
        head = "| corpus | native label | emotion | action | class | clips |\n|---|---|---|---|---|---:|\n"
        body = "".join(
            f"| {r.corpus} | {r.native_label} | {r.emotion} | {r.action} | {r.label or '-'} | {r.clips} |\n"
            for r in self.rows
        )
        skipped = "".join(f"- unreadable: {line}\n" for line in self.unreadable)
        return f"{head}{body}\n{self.used} of {self.found} clips carry a label of the scheme {self.scheme}.\n{skipped}"


def make_ledger(clips: Iterable[Clip], scheme: Scheme, unreadable: dict[str, str] | None = None) -> Ledger:
    """Counts what ``scheme`` does to ``clips``.

    Args:
        clips: every clip found.
        scheme: the label scheme.
        unreadable: clip id -> reason, for the clips left out because their audio cannot be read.
    """
    unreadable = unreadable or {}
    counts: Counter[tuple[str, str, str, str, str | None]] = Counter()
    lines = []
    for clip in clips:
        label = scheme.class_of(clip.emotion)
        if label is None:
            action = "dropped"
        elif clip.clip_id in unreadable:
            action, label = "unreadable", None
            lines.append(unreadable[clip.clip_id])
        else:
            action = "kept" if label == clip.emotion else "merged"
        counts[clip.corpus, clip.native_label, clip.emotion, action, label] += 1
    rows = (LedgerRow(*key, clips=n) for key, n in counts.items())
    ordered = sorted(rows, key=lambda r: (r.corpus, r.native_label, r.action))
    return Ledger(scheme.name, tuple(ordered), tuple(lines))
