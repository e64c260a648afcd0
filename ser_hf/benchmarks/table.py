"""A comparison as plain text."""

from __future__ import annotations

from ._measure import Result
from .model_table import models_table
from .models import ModelTable

_HEAD = ("", "clips/s", "ms/clip", "ratio", "peak MB")


def to_table(result: Result | ModelTable) -> str:
    """Throughput, time a clip, ratio to the reference and memory of every subject; then machine and versions."""
    if isinstance(result, ModelTable):
        return models_table(result.to_dict())
    rows = [_HEAD]
    for row in result.rows:
        memory = "-" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.0f}"
        speed = row.clips_per_second
        rows.append(
            (
                row.name,
                f"{speed:,.0f}" if speed >= 10 else f"{speed:.2f}",
                f"{1000 / speed:.3f}",
                f"{row.ratio:.2f}",
                memory,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''} of PyTorch"
    shown = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return "\n".join(
        [
            result.title,
            "",
            lines[0],
            "-" * len(lines[0]),
            *lines[1:],
            "",
            f"ratio: to {result.reference}; medians of {result.settings.repeats} rounds in which all took turns",
            *result.notes,
            f"{result.hardware}, {threads}",
            shown,
        ]
    )
