"""The page of a study: its table, sortable, with what it cost and links to the reports of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ._templates import render


def study_page(
    title: str,
    about: str,
    notes: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    costs: Sequence[Mapping[str, str]],
    links: Sequence[Sequence[tuple[str, str]]],
) -> str:
    """A self-contained page: it asks for nothing else, and without scripts only the sorting is gone.

    Args:
        title: of the study.
        about: what was asked, and how.
        notes: what must be said beside the table.
        rows: of the table, each column -> text.
        costs: of the same rows: minutes, memory, hardware, commit.
        links: of each row, the name and address of the report of every run.
    """
    shown = ("minutes", "peak_memory_mb", "hardware", "commit")
    context = {
        "title": title,
        "about": about,
        "notes": notes,
        "columns": [*rows[0]] if rows else [],
        "cost_columns": shown,
        "rows": [*zip(rows, costs, links, strict=True)],
        "minutes": sum(float(cost["minutes"]) for cost in costs),
    }
    return render("study.html", context)
