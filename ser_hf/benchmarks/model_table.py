"""The costs of the models, as plain text; those the package was shipped with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

_HEAD = ("configuration", "family", "parameters", "MACs", "MB", "ms/clip", "train clips/s", "source")
_LEFT = (0, 1, 7)


def models_table(found: Mapping[str, Any]) -> str:
    """A line for every model, then what was measured how and where.

    Args:
        found: the JSON of ``ser-hf bench models``.
    """
    rows = [_HEAD, *map(_cells, found["rows"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(c.ljust(w) if i in _LEFT else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    settings, threads = found["settings"], found["threads"]
    return "\n".join(
        [
            lines[0].rstrip(),
            "-" * len(lines[0]),
            *(line.rstrip() for line in lines[1:]),
            "",
            f"MACs: of one clip of {settings['seconds']:g} s. MB: model.safetensors. ms/clip: from waveform to "
            "probabilities on the CPU, one clip at a time.",
            f"train clips/s: {found['precision']}, in the recipe's batches. Random weights; medians of "
            f"{settings['repeats']}.",
            *found["notes"],
            f"{found['hardware']}, {threads} thread{'s' if threads > 1 else ''} of PyTorch "
            f"{found['versions']['torch']}, {found['created'][:10]}",
        ]
    )


def shipped_models() -> dict[str, Any]:
    """What ``ser-hf bench models`` found when the package was made."""
    found: dict[str, Any] = json.loads(files("ser_hf.benchmarks").joinpath("models.json").read_text(encoding="utf-8"))
    return found


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    speed = row["train_clips_per_second"]
    return (
        row["name"],
        row["family"],
        f"{row['parameters']:,}",
        _short(row["macs"]),
        f"{row['bytes'] / 1e6:.1f}",
        f"{row['latency_ms']:.1f}",
        f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}",
        row["source"] or "-",
    )


def _short(number: int) -> str:
    """A count in millions or, from one on, billions.

    >>> _short(19_630_000_000), _short(52_400_000)
    ('19.6 G', '52.4 M')
    """
    return f"{number / 1e9:.1f} G" if number >= 1e9 else f"{number / 1e6:.1f} M"
