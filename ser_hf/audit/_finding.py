"""What the audit found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ser_hf.base.errors import SplitError

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")
_SHOWN = 3
_INDENT, _WIDTH = " " * 28, 92


@dataclass(frozen=True, slots=True)
class Item:
    """One case of a finding.

    Attributes:
        text: in words.
        clips: the clips it is about, where it is about clips.
    """

    text: str
    clips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the audit found: an error makes the split unusable, a warning must stand beside the score.

    Attributes:
        summary: what was found, beginning with how often.
        items: every case of it.
    """

    level: Level
    rule: str
    summary: str
    items: tuple[Item, ...] = ()

    @property
    def message(self) -> str:
        """The summary with the first cases."""
        return f"{self.summary}: {some(self.items)}" if self.items else self.summary

    def to_dict(self, most: int = 0) -> dict[str, Any]:
        """As plain JSON data; where ``most`` is not zero with so many of the cases, and their number."""
        plain: dict[str, Any] = {"level": self.level, "rule": self.rule, "message": self.message}
        if most:
            cases = [{"text": item.text, "clips": [*item.clips]} for item in self.items[:most]]
            plain |= {"summary": self.summary, "count": len(self.items), "items": cases}
        return plain


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings; none at all is a clean split."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that make the split unusable."""
        return [f for f in self.findings if f.level == "error"]

    def raise_for_errors(self) -> None:
        """Refuses the split.

        Raises:
            SplitError: there are errors.
        """
        if self.errors:
            raise SplitError(
                "the audit refuses this split: " + "; ".join(f"[{f.rule}] {f.message}" for f in self.errors)
            )

    def to_list(self, most: int = 0) -> list[dict[str, Any]]:
        """As plain JSON data: level, rule and message; where ``most`` is not zero, up to so many cases of each."""
        return [f.to_dict(most) for f in self.findings]

    def to_table(self) -> str:
        """As lines of text, see `audit_table`."""
        return audit_table(self.findings)


def audit_table(findings: Sequence[Finding]) -> str:
    """The findings as lines of text: how many there are, then errors, warnings and the rest with up to three cases."""
    if not findings:
        return "nothing found"
    numbers = {level: sum(f.level == level for f in findings) for level in LEVELS}
    plural = {level: "" if level == "info" or n == 1 else "s" for level, n in numbers.items()}
    lines = [", ".join(f"{numbers[level]} {level}{plural[level]}" for level in LEVELS)]
    for level in LEVELS:
        for finding in findings:
            if finding.level == level:
                lines.append(f"{level:<8}{finding.rule:<20}{finding.summary}")
                lines += [_INDENT + case for case in _cases(finding.items)]
    return "\n".join(lines)


def _cases(items: Sequence[Item]) -> list[str]:
    """The first cases: in a row where they are short, else one per line."""
    row = some(items)
    if len(row) <= _WIDTH:
        return [row] if items else []
    more = len(items) - _SHOWN
    return [*(item.text for item in items[:_SHOWN]), *([f"and {more} more"] if more > 0 else [])]


def some(items: Sequence[Item]) -> str:
    """The first cases in a row, and how many more there are."""
    more = len(items) - _SHOWN
    return ", ".join(item.text for item in items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def plural(number: int, noun: str, verb: str = "") -> str:
    """A number with its noun and a verb that agrees.

    >>> plural(1, "clip", "say"), plural(2, "clip")
    ('1 clip says', '2 clips')
    """
    words = f"{number} {noun}{'' if number == 1 else 's'}"
    return f"{words} {verb}{'s' if number == 1 else ''}" if verb else words
