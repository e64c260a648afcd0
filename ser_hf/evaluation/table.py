"""The scores of a run as plain text, for the end of a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TITLES = {"accuracy": "accuracy (WA)", "uar": "UAR", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}


def score_table(results: Mapping[str, Any]) -> str:
    """Scores with their 95 % intervals, and what they were measured on.

    Args:
        results: the content of results.json; ``name``, ``synthetic``, ``data.scheme``, ``split`` and ``test`` are read,
            and ``caveat`` where there is one.
    """
    test, split = results["test"], results["split"]
    mixed = (
        "speaker-independent" if split["speaker_independent"] else "speaker-mixed: test speakers are also trained on"
    )
    if split.get("training_unknown"):
        mixed = "training data unknown"
    fold = "" if split.get("fold") is None else f", fold {split['fold']}"
    lines = [
        results["name"],
        f"{test['n_clips']} test clips, {_speakers(test['n_speakers'])}, label scheme {results['data']['scheme']}",
        f"protocol: {split['protocol']}{fold} ({mixed})",
    ]
    absent = absent_classes(test)
    if absent:
        lines.append(absent)
    if results["synthetic"]:
        lines.append("SYNTHETIC voices: these scores show that the machinery works and say nothing about people.")
    if results.get("caveat"):
        lines.append(results["caveat"])
    rows = [["", "score", "95 % by clip", "95 % by speaker"]]
    rows += [[_TITLES.get(name, name), *_cells(metric)] for name, metric in test["metrics"].items()]
    lines += ["", *_columns(rows)]
    lines += [line for block in (_rated(test), _voted(test)) if block for line in ["", *block]]
    lines += ["", line] if (line := calibration_line(test)) else []
    if "adaptation" in test:
        lines += ["", *_adapted(test["adaptation"])]
    if len(test["per_corpus"]) > 1:
        rows = [["corpus", "clips", "speakers", "accuracy", "95 % by clip", "UAR", "95 % by clip"]]
        for row in test["per_corpus"]:
            both = [*_cells(row["accuracy"])[:2], *_cells(row["uar"])[:2]]
            rows.append([row["corpus"], str(row["clips"]), str(row["speakers"]), *both])
        lines += ["", *_columns(rows)]
    return "\n".join(lines) + "\n"


def _adapted(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """UAR by the unlabelled speech that was heard of each test speaker."""
    rows = [["unlabelled speech heard of each test speaker", "UAR", "deviation over draws"]]
    for point in points:
        heard = f"{point['seconds']} s" if point["seconds"] != "all" else f"all, {point['seconds_used_mean']:.0f} s"
        spread = f"{100 * point['draws_std']:.1f} %" if point["draws"] > 1 else ""
        rows.append([heard, f"{100 * point['uar']:.1f} %", spread])
    return _columns(rows)


def absent_classes(test: Mapping[str, Any]) -> str | None:
    """A sentence on the classes without a test clip, None where every class has one.

    >>> rows = [{"class": "sad", "clips": 0}, {"class": "angry", "clips": 3}]
    >>> absent_classes({"per_class": rows})
    'no test clip of sad: UAR and macro F1 are over 1 of 2 classes'
    """
    classes = test["per_class"]
    absent = [row["class"] for row in classes if not row["clips"]]
    if not absent:
        return None
    there = len(classes) - len(absent)
    return f"no test clip of {', '.join(absent)}: UAR and macro F1 are over {there} of {len(classes)} classes"


def calibration_line(test: Mapping[str, Any]) -> str | None:
    """The calibration error of a run in one line, None where it was not computed.

    >>> calibration_line({"calibration": {"temperature": 1.84, "ece": 0.041, "ece_before": 0.123}})
    'ECE 12.3 % -> 4.1 % by temperature 1.84, fitted on validation'
    >>> calibration_line({"calibration": {"temperature": 1.0, "ece": 0.123, "ece_before": 0.123}})
    'ECE 12.3 %, without a temperature'
    """
    found = test.get("calibration")
    if not found:
        return None
    if found["temperature"] == 1:
        return f"ECE {_percent(found['ece'])}, without a temperature"
    fitted = f"temperature {found['temperature']:.2f}"
    if several := found.get("temperatures"):
        fitted = f"temperatures {min(several):.2f} to {max(several):.2f}"
    return f"ECE {_percent(found['ece_before'])} -> {_percent(found['ece'])} by {fitted}, fitted on validation"


def _rated(test: Mapping[str, Any]) -> list[str]:
    """The scores of ratings on a scale, a line per target; none where nothing was rated."""
    found = test.get("dimensions") or {}
    rows = [["rating", "clips", "CCC", "95 % by clip", "95 % by speaker", "Pearson", "mean error"]]
    for name, scores in found.items():
        if not scores["n_clips"]:
            rows.append([name, "0", *"-----"])
            continue
        ends = [f"{e[0]:.3f} - {e[1]:.3f}" if (e := scores["ccc"][by]) else "-" for by in ("clips", "speakers")]
        values = [f"{scores[key]['value']:.3f}" for key in ("ccc", "pearson", "mae")]
        rows.append([name, str(scores["n_clips"]), values[0], *ends, *values[1:]])
    return _columns(rows) if found else []


def _voted(test: Mapping[str, Any]) -> list[str]:
    """The scores against the raters' votes; none where nobody voted."""
    soft = test.get("soft")
    if not soft:
        return []
    rows = [[f"against the votes of {soft['n_clips']} clips", "score", "95 % by clip", "95 % by speaker"]]
    for name, title in SOFT_TITLES.items():
        metric = soft[name]
        if name == "majority_accuracy":
            rows.append([title, *_cells(metric)])
            continue
        ends = [f"{e[0]:.3f} - {e[1]:.3f}" if (e := metric[by]) else "-" for by in ("clips", "speakers")]
        rows.append([title, f"{metric['value']:.3f}", *ends])
    return _columns(rows)


SOFT_TITLES = {
    "majority_accuracy": "accuracy against the majority",
    "kl_divergence": "KL divergence (nats)",
    "js_divergence": "Jensen-Shannon divergence (0 to 1)",
}


def _speakers(number: int) -> str:
    return "1 speaker" if number == 1 else f"{number} speakers"


def _cells(metric: Mapping[str, Any]) -> list[str]:
    """A score and its two intervals in per cent."""
    intervals = (metric["clips"], metric["speakers"])
    return [_percent(metric["value"]), *(" - ".join(map(_percent, ends)) if ends else "-" for ends in intervals)]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned lines, the first column to the left and the others to the right, with a rule under the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return [lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]]
