"""What a study cost: minutes, memory, hardware, version."""

from __future__ import annotations

from collections.abc import Sequence

from ser_hf.reporting import load_results

from .table import Row


def study_costs(rows: Sequence[Row]) -> list[dict[str, str]]:
    """One line for each cell: minutes of training of all runs, the largest peak of memory, hardware, commits."""
    lines = []
    for row in rows:
        found = [load_results(folder) for _, folder in sorted(row.runs)]
        training = [results["training"] for results in found]
        memory = [one["peak_memory_mb"] for one in training if "peak_memory_mb" in one]
        commits = {results["versions"].get("commit", "") for results in found}
        lines.append(
            {
                **row.cell,
                "runs": str(len(found)),
                "minutes": f"{sum(one['seconds'] for one in training) / 60:.1f}",
                "peak_memory_mb": str(max(memory, default="")),
                "processes": str(max(one["processes"] for one in training)),
                "hardware": " ".join(sorted({one["hardware"] for one in training})),
                "commit": " ".join(sorted(commits - {""})),
            }
        )
    return lines
