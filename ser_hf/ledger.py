"""The ledger: what became of every clip found; the rows add up to the number of files."""

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
class Ledger:
    """What became of every clip found: the rows add up to the number of files.

    Attributes:
        scheme: name of the label scheme.
        rows: sorted by corpus, native label, action.
        unreadable: path and reason of every clip left out because its audio cannot be read.
        bad: the same of those that can be read but are silent, or known to be spoilt.
    """

    scheme: str
    rows: tuple[LedgerRow, ...]
    unreadable: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()

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
            "bad": [*self.bad],
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
        left_out = [*(("unreadable", line) for line in self.unreadable), *(("bad", line) for line in self.bad)]
        skipped = "".join(f"- {why}: {line}\n" for why, line in left_out)
        return f"{head}{body}\n{self.used} of {self.found} clips carry a label of the scheme {self.scheme}.\n{skipped}"


def make_ledger(
    clips: Iterable[Clip],
    scheme: Scheme,
    unreadable: Mapping[str, str] | None = None,
    bad: Mapping[str, str] | None = None,
) -> Ledger:
    """Counts what ``scheme`` does to ``clips``.

    Args:
        clips: every clip found.
        scheme: the label scheme.
        unreadable: clip id -> path and reason, for the clips left out because their audio cannot be read.
        bad: the same for clips left out because they are silent or known to be spoilt.
    """
    reasons = {"unreadable": unreadable or {}, "bad": bad or {}}
    lines: dict[str, list[str]] = {action: [] for action in reasons}
    counts: Counter[tuple[str, str, str, str, str | None]] = Counter()
    for clip in clips:
        label = scheme.class_of(clip.emotion)
        action = scheme.action_of(clip.emotion)
        left_out = next((a for a, found in reasons.items() if label and clip.clip_id in found), None)
        if left_out:
            lines[left_out].append(reasons[left_out][clip.clip_id])
            action, label = left_out, None
        counts[clip.corpus, clip.native_label, clip.emotion, action, label] += 1
    rows = (LedgerRow(*key, clips=n) for key, n in counts.items())
    ordered = sorted(rows, key=lambda r: (r.corpus, r.native_label, r.action))
    return Ledger(scheme.name, tuple(ordered), tuple(lines["unreadable"]), tuple(lines["bad"]))
