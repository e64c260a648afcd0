"""Several folds of one experiment as one: every test clip once, scored together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError
from ser_hf.base.uncounted import counted

from ._results import FACTS, load_predictions, load_results


def pooled(runs: Sequence[str | Path]) -> dict[str, Any]:
    """The results of runs that differ in nothing but their fold, as those of one run.

    Scores and intervals are of the test clips of all folds together, not means over folds. Seconds are summed, epochs
    averaged, of the peak memory the largest is taken; ``split.fold`` says which folds, e.g. ``"1-10"``.

    Raises:
        SerHfError: a run has no results or predictions, two have another recipe, split rule, data or settings, or they
            share a test clip.
    """
    from ser_hf.evaluation import evaluate_groups, evaluate_predictions, mean_adaptation  # late: it is heavy

    found = [load_results(run) for run in runs]
    first = found[0]
    for run, results in zip(runs[1:], found[1:], strict=True):
        _check_same(str(runs[0]), _what(first), str(run), _what(results))
    folds = [load_predictions(run, results) for run, results in zip(runs, found, strict=True)]
    rows = [row for fold in folds for row in fold]
    twice = [clip for clip, times in Counter(row["clip_id"] for row in rows).items() if times > 1]
    if twice:
        raise SerHfError(
            f"{len(twice)} clips are in the tests of two runs, e.g. {twice[0]}; folds test every clip once, "
            "so give each fold once"
        )
    classes = first["data"]["classes"]
    number = {name: i for i, name in enumerate(classes)}
    true, predicted = ([number[row[key]] for row in rows] for key in ("label", "predicted"))
    corpora, speakers = ([row[key] for row in rows] for key in ("corpus", "speaker"))
    facts = {name: [row.get(name) for row in rows] for name in ("speaker", "corpus", *FACTS)}
    training = [results["training"] for results in found]
    test = evaluate_predictions(true, predicted, classes, corpora, speakers)
    curves = [results["test"]["adaptation"] for results in found if "adaptation" in results["test"]]
    memory = [t["peak_memory_mb"] for t in training if "peak_memory_mb" in t]
    return {
        **first,
        "versions": {**first["versions"], "commit": _all(r["versions"].get("commit", "") for r in found)},
        "split": {
            **first["split"],
            "fold": _folds([r["split"]["fold"] for r in found]),
            "speaker_independent": all(r["split"]["speaker_independent"] for r in found),
        },
        "training": {
            **first["training"],
            "epochs": sum(t["epochs"] for t in training) / len(training),
            "seconds": sum(t["seconds"] for t in training),
            "hardware": _all(t["hardware"] for t in training),
            **({"peak_memory_mb": max(memory)} if memory else {}),
        },
        "test": {
            **test,
            **evaluate_groups(true, predicted, classes, facts),
            **_sureness(folds, [_temperature(results) for results in found], true, classes),
            **({"adaptation": mean_adaptation(curves)} if len(curves) == len(found) else {}),
        },
    }


def _sureness(
    folds: Sequence[Sequence[Mapping[str, Any]]], temperatures: Sequence[float], true: Sequence[int], classes: list[str]
) -> dict[str, Any]:
    """The blocks ``calibration`` and ``selective``; every fold had a temperature of its own, which is undone for it."""
    import numpy as np

    from ser_hf.evaluation import evaluate_calibration, evaluate_selective, untempered

    shares = [np.array([[row[f"p_{name}"] for name in classes] for row in fold]) for fold in folds]
    before = np.concatenate([untempered(one, t) for one, t in zip(shares, temperatures, strict=True)])
    after, mean = np.concatenate(shares), float(np.exp(np.mean(np.log(temperatures))))
    calibration = evaluate_calibration(after, true, mean, before) | {"temperatures": list(temperatures)}
    return {"calibration": calibration, "selective": evaluate_selective(after, true)}


def _temperature(results: Mapping[str, Any]) -> float:
    """That of a run; baselines of before said it with their settings alone."""
    told = results["test"].get("calibration") or results["model"].get("config") or {}
    return float(told.get("temperature", 1.0))


def _what(results: Mapping[str, Any]) -> dict[str, Any]:
    """What folds of one experiment have in common."""
    given = {k: v for k, v in counted(results["training"]["arguments"]).items() if k != "fold"}
    corpora = [corpus["name"] for corpus in results["data"]["corpora"]]
    own = {"recipe": results.get("recipe"), "protocol": results["split"]["protocol"], "corpora": corpora}
    return own | {"classes": results["data"]["classes"], "caveat": results.get("caveat")} | given


def _check_same(one: str, first: Mapping[str, Any], other: str, second: Mapping[str, Any]) -> None:
    for key in sorted({*first, *second}):
        if first.get(key) != second.get(key):
            raise SerHfError(
                f"{one} and {other} are no folds of one experiment: {key} is {first.get(key)} and {second.get(key)}"
            )


def _folds(folds: list[Any]) -> str:
    """``[1, 2, 3]`` as ``"1-3"``.

    Raises:
        SerHfError: a run is of no fold, or two are of the same.
    """
    if None in folds or len(set(folds)) < len(folds):
        raise SerHfError(f"expected runs of different folds, found the folds {', '.join(map(str, folds))}")
    low, high = min(folds), max(folds)
    return f"{low}-{high}" if high - low + 1 == len(folds) else ",".join(map(str, sorted(folds)))


def _all(texts: Any) -> str:
    """Different texts in the order of their first use."""
    return " ".join(dict.fromkeys(text for text in texts if text))
