"""A study's table as files: everything as CSV, the short form as Markdown, LaTeX and HTML."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from ser_hf.base.atomic import write_text
from ser_hf.base.plain import plain
from ser_hf.reporting import markdown, study_page

TABLE, COSTS = "table.csv", "costs.csv"
_MIXED = "**speaker-mixed**"


def write_study_table(
    folder: Path,
    lines: Sequence[Mapping[str, str]],
    costs: Sequence[Mapping[str, str]],
    *,
    title: str,
    about: str,
    source: str,
    remarks: Sequence[str],
    runs: Sequence[Sequence[Path]],
) -> None:
    """Writes costs.csv, table.md, table.tex, table.html and index.html, and table.csv last: where it is, all are.

    Args:
        folder: where they go.
        lines: of `study_table`.
        costs: of `study_costs`.
        title: one line.
        about: what was asked, and how.
        source: of the paper that is reproduced; may be empty.
        remarks: what must be said beside the table.
        runs: the run folders of each line, for the page's links.
    """
    shown, first = short_rows(lines), [f"Source: {source}"] if source else []
    notes = [*first, *remarks]
    write_text(folder / COSTS, _csv(costs))
    tail = "".join(f"\n- {markdown(note)}" for note in notes)
    head = f"# {markdown(title)}\n\n{markdown(about)}\n\n"
    write_text(folder / "table.md", plain(f"{head}{short_table(lines)}\n{tail}\n"))
    latex = tabulate(_without_stars(shown), "keys", tablefmt="latex_booktabs", disable_numparse=True)
    write_text(folder / "table.tex", plain(latex) + "\n")
    html = tabulate(_without_stars(shown), "keys", tablefmt="html", disable_numparse=True)
    write_text(folder / "table.html", plain(html) + "\n")
    links = [[(run.name, _link(run, folder)) for run in of_line] for of_line in runs]
    write_text(folder / "index.html", study_page(title, about, notes, _without_stars(shown), costs, links))
    write_text(folder / TABLE, _csv(lines))


def short_table(lines: Sequence[Mapping[str, str]]) -> str:
    """The short form in Markdown."""
    rows = [{markdown(key): _cell(text) for key, text in row.items()} for row in short_rows(lines)]
    return str(tabulate(rows, "keys", tablefmt="github", disable_numparse=True))


def _cell(text: str) -> str:
    return text if text == _MIXED else markdown(text)


def short_rows(lines: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """What people look at: names, clips, voices, scores in per cent with intervals, the paper's, the baseline's.

    Columns that are empty throughout are left out.
    """
    rows = [_short(line) for line in lines]
    return [{key: text for key, text in row.items() if any(other[key] for other in rows)} for row in rows]


def _short(line: Mapping[str, str]) -> dict[str, str]:
    names = {name: line[name] for name in [*line][: [*line].index("recipe")]}
    runs = "" if line["runs"] == line["runs_expected"] else f"{line['runs']} of {line['runs_expected']}"
    paper = {"accuracy": "WA", "uar": "UAR", "macro_f1": "F1", "weighted_f1": "weighted F1"}
    told = [
        f"{short} {line[f'paper_{key}']} ({line[f'paper_{key}_difference']})"
        for key, short in paper.items()
        if line[f"paper_{key}"]
    ]
    difference = ""
    if line["uar_difference"]:
        ends = " to ".join(f"{100 * float(line[f'uar_difference_{end}']):+.1f}" for end in ("low", "high"))
        difference = f"{100 * float(line['uar_difference']):+.1f} ({ends})"
    p = line["p_bootstrap_holm"] or line["p_mcnemar_holm"]
    return {
        **names,
        "voices": "new" if line["speaker_independent"] == "True" else _MIXED,
        "test clips": line["test_clips"],
        "speakers": line["test_speakers"],
        "runs done": runs,
        "WA %": _percent(line["accuracy"]),
        "UAR %": _interval(line, "uar"),
        "macro F1 %": _percent(line["macro_f1"]),
        "deviation over seeds": _percent(line["uar_seed_std"]),
        "in the paper (ours less it)": ", ".join(told),
        "UAR less the baseline's": difference,
        "p (Holm)": p and ("< 0.001" if float(p) < 0.001 else f"{float(p):.3f}"),
        "caveat": line["caveat"],
    }


def _interval(line: Mapping[str, str], name: str) -> str:
    """A score with its interval over speakers, or, where there is but one, over clips."""
    by = f"{name}_speakers" if line[f"{name}_speakers_low"] else name
    ends = "-".join(_percent(line[f"{by}_{end}"]) for end in ("low", "high"))
    return f"{_percent(line[name])} ({ends}{'' if by != name else ' over clips'})"


def _percent(share: str) -> str:
    return f"{100 * float(share):.1f}" if share else ""


def _without_stars(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{key: "speaker-mixed" if text == _MIXED else text for key, text in row.items()} for row in rows]


def _link(run: Path, folder: Path) -> str:
    """Where a run's report is, from the study's page."""
    return (run.resolve().relative_to(folder.resolve()) / "report.html").as_posix()


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
