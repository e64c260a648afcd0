"""Finished runs -> one run: the mean of what they say, or of their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.alone import alone
from ser_hf.base.atomic import usual_rights, write_json
from ser_hf.base.disk import writing
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.provenance import now, versions
from ser_hf.features import prepared
from ser_hf.reporting import write_model_card, write_report
from ser_hf.training import (
    SPLIT,
    EnsembleConfig,
    average_checkpoints,
    combined,
    load_checkpoint,
    mean_probabilities,
    save_ensemble,
    score,
    scored,
)

from ._members import Member, check_members, joined_name, joined_predictions, joined_sides
from .evaluate import own_test, recordings_for

PROBABILITIES, WEIGHTS = WAYS = ("probabilities", "weights")
_OWN_TO_A_FOLD = ("fold", "num_proc")
"""Keys of a recipe in which folds of one experiment may differ."""

Finish = Callable[[Path], dict[str, Any]]
"""Writes the checkpoint and predictions.parquet into a folder, and gives the block ``test`` of results.json."""


def ensemble(
    runs: Sequence[str | Path],
    output: str | Path,
    *,
    by: str = PROBABILITIES,
    shares: Sequence[float] = (),
    name: str | None = None,
    **recordings: Any,
) -> tuple[dict[str, Any], Path]:
    """Makes one run folder of several runs: checkpoint, results.json, predictions.parquet, split.json, report, card.

    The runs must have one split: then no member was trained on what the ensemble is tested on. Shares are told, never
    fitted. By probabilities the members may be of any kind; they are copied into ``members/1``, ``members/2`` ..., and
    the test is the mean of what they said of the test clips, without a look at the audio. By weights see
    `average_checkpoints`; the average is another model, and scored anew.

    Args:
        runs: two or more folders of `train`.
        output: a folder that holds no run.
        by: ``"probabilities"`` or ``"weights"``.
        shares: how much each run counts; equal by default.
        name: by default what the runs are called, joined by " + ".
        recordings: by weights, where the test clips are: ``data_root``, ``data_dirs`` and more, see `evaluate`.

    Returns:
        The results, and the folder they are in.

    Raises:
        CheckpointError: a run cannot be loaded, or the runs have other classes, sampling rates or architectures.
        SplitError: they have other splits, or by weights a test clip is not among the recordings.
        SerHfError: less than two runs, one twice, shares that are none, or a folder that holds a run.
    """
    target = Path(output)
    shares = _checked(runs, target, by, shares)
    members = [Member.of(run) for run in runs]
    check_members(members)
    results = _described(members, by, shares, name)
    if by == PROBABILITIES:
        finish = _by_probabilities(members, shares, results)
    else:
        finish = _by_weights(members, shares, results, recordings)
    with alone(target), writing(target):
        results["test"] = finish(target)
        write_json(target / SPLIT, joined_sides(members))
        write_json(target / "results.json", results)
        write_report(target)
        write_model_card(target)
    return results, target


def _checked(runs: Sequence[str | Path], target: Path, by: str, shares: Sequence[float]) -> list[float]:
    """The shares, after a look at what was asked for."""
    if by not in WAYS:
        raise SerHfError(unknown("way to combine runs", by, WAYS))
    if len(runs) < 2 or len({Path(run).resolve() for run in runs}) < len(runs):
        raise SerHfError(
            f"an ensemble needs two or more different runs, found {', '.join(map(str, runs)) or 'none'}; to let one "
            "count more, use --shares"
        )
    if shares and (len(shares) != len(runs) or not all(0 < share < float("inf") for share in shares)):
        told = " ".join(f"{share:g}" for share in shares)
        raise SerHfError(f"--shares {told}: expected one positive number for each of the {len(runs)} runs")
    for file in ("results.json", "config.json"):
        if (target / file).exists():
            raise SerHfError(f"{target} already holds a {file}; choose another --output, or delete the folder")
    return [float(share) for share in shares] or [1.0] * len(runs)


def _by_probabilities(members: Sequence[Member], shares: Sequence[float], results: dict[str, Any]) -> Finish:
    """The members are loaded at once, so that nothing is written of what cannot be used."""
    classes, runs = results["data"]["classes"], [member.run for member in members]
    config = EnsembleConfig(
        members=[member.results["name"] for member in members],
        shares=list(shares),
        id2label=dict(enumerate(classes)),
        label2id={label: i for i, label in enumerate(classes)},
    )
    model, extractor = combined(config, runs, load_checkpoint)
    said, probabilities = joined_predictions(members)
    results["model"] = {
        "library": model.library,
        "model_type": config.model_type,
        "architecture": type(model).__name__,
        "parameters": model.num_parameters(),
        "one_speaker_a_call": model.one_speaker_a_call,
        **results["model"],
    }
    results["features"] = {
        "feature_extractor_type": type(extractor).__name__,
        "sampling_rate": extractor.sampling_rate,
    }

    def finish(folder: Path) -> dict[str, Any]:
        save_ensemble(config, runs, folder)
        mean = mean_probabilities(probabilities, shares)
        return scored(folder, probabilities=mean, classes=classes, **said)

    return finish


def _by_weights(
    members: Sequence[Member], shares: Sequence[float], results: dict[str, Any], recordings: dict[str, Any]
) -> Finish:
    first = members[0]
    model, extractor = average_checkpoints([member.run for member in members], shares)
    loaded = recordings_for(first.results, **recordings)
    rows = own_test(loaded.dataset, first.split)
    rows = prepared(rows, extractor, num_proc=recordings.get("num_proc"))
    results["model"] = {**first.results["model"], **results["model"]}
    results["features"] = first.results["features"]

    def finish(folder: Path) -> dict[str, Any]:
        model.save_pretrained(folder)
        for weights in folder.glob("*.safetensors"):
            usual_rights(weights)
        extractor.save_pretrained(folder)
        saved = load_checkpoint(folder)
        return score(*saved, rows, results["data"]["classes"], folder, recordings=loaded.dataset)

    return finish


def _described(members: Sequence[Member], by: str, shares: Sequence[float], name: str | None) -> dict[str, Any]:
    """Everything results.json says beside model, features and score."""
    all_results = [member.results for member in members]
    first, training = all_results[0], [results["training"] for results in all_results]
    data, split = dict(first["data"]), first["split"]
    if any(results["data"].get("balance") != data.get("balance") for results in all_results):
        data.pop("balance", None)
    fold = "" if split["fold"] is None else f"-fold{split['fold']}"
    what = "weights of " if by == WEIGHTS else ""
    caveats = [part for results in all_results for part in results.get("caveat", "").split("; ") if part]
    findings = [finding for results in all_results for finding in results["audit"]]
    memory = [one["peak_memory_mb"] for one in training if "peak_memory_mb" in one]
    return {
        "schema": 1,
        "name": f"{name or what + joined_name([m.label for m in members], shares)}-{split['protocol']}{fold}",
        "recipe": name or what + joined_name([m.results.get("recipe") or m.label for m in members], shares),
        "created": now(),
        "versions": versions(),
        "synthetic": any(results["synthetic"] for results in all_results),
        **({"caveat": "; ".join(dict.fromkeys(caveats))} if caveats else {}),
        "model": {
            "combined_by": by,
            "members": [_of_member(m.results, share / sum(shares)) for m, share in zip(members, shares, strict=True)],
        },
        "data": data,
        "split": {**split, "speaker_independent": all(r["split"]["speaker_independent"] for r in all_results)},
        "audit": [finding for i, finding in enumerate(findings) if finding not in findings[:i]],
        "training": {
            "epochs": sum(one["epochs"] for one in training),
            "best_epoch": None,
            "best_validation_uar": None,
            "seconds": sum(one["seconds"] for one in training),
            **{key: ", ".join(dict.fromkeys(one[key] for one in training)) for key in ("device", "hardware")},
            "precision": ", ".join(dict.fromkeys(one["precision"] for one in training)),
            "processes": max(one["processes"] for one in training),
            **({"peak_memory_mb": max(memory)} if memory else {}),
            "history": [],
            "arguments": {
                "by": by,
                "shares": list(shares),
                "members": {
                    str(number): {k: v for k, v in one["arguments"].items() if k not in _OWN_TO_A_FOLD}
                    for number, one in enumerate(training, 1)
                },
            },
        },
    }


def _of_member(results: dict[str, Any], share: float) -> dict[str, Any]:
    """What results.json and the card say of a member."""
    return {
        "name": results["name"],
        "model_type": results["model"]["model_type"],
        "parameters": results["model"]["parameters"],
        "share": share,
        **{key: results["test"]["metrics"][key] for key in ("accuracy", "uar")},
    }
