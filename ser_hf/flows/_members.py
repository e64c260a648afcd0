"""The runs an ensemble is made of: what each brings, and whether they may be scored together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import CheckpointError, SplitError
from ser_hf.reporting import FACTS, load_predictions, load_results
from ser_hf.training import read_split

_SIDES = ("train", "validation", "test")
_ADVICE = "give runs of one protocol, fold and split"


@dataclass(frozen=True)
class Member:
    """A finished run: its folder, results.json and split.json."""

    run: Path
    results: dict[str, Any]
    split: dict[str, dict[str, list[str]]]

    @classmethod
    def of(cls, run: str | Path) -> Member:
        """Reads a run folder.

        Raises:
            SerHfError: it is not one that `train` wrote.
        """
        return cls(Path(run), load_results(run), read_split(Path(run)))

    @property
    def label(self) -> str:
        """Its name without protocol and fold, which all members share."""
        protocol, fold = self.results["split"]["protocol"], self.results["split"]["fold"]
        return str(self.results["name"]).removesuffix(f"-{protocol}" + ("" if fold is None else f"-fold{fold}"))

    def clips(self, *sides: str) -> set[str]:
        """Its clips on these sides."""
        return {clip for side in sides for clip in self.split[side]["clips"]}


def check_members(members: Sequence[Member]) -> None:
    """Refuses runs of which one was trained on what another is tested on, and such as do not fit together.

    A training split may be balanced in one and not in another, and a clip that one learned from may have been another's
    for validation: what counts is that none of them knows a test clip.

    Raises:
        CheckpointError: two have other classes.
        SplitError: two have other sides, or another protocol, fold or corpora.
    """
    first, *others = members
    for other in others:
        one, two = first.results["data"], other.results["data"]
        if one["classes"] != two["classes"]:
            raise CheckpointError(
                f"{other.run} has the classes {', '.join(two['classes'])} and {first.run} {', '.join(one['classes'])}; "
                "an ensemble needs the same in the same order"
            )
        _check_sides(first, other)
        for what, mine, theirs in (
            ("protocol", first.results["split"]["protocol"], other.results["split"]["protocol"]),
            ("fold", first.results["split"]["fold"], other.results["split"]["fold"]),
            ("corpora", *(" + ".join(c["name"] for c in data["corpora"]) for data in (one, two))),
        ):
            if mine != theirs:
                raise SplitError(f"{other.run} differs from {first.run}: its {what} is {theirs}, not {mine}; {_ADVICE}")


def _check_sides(first: Member, other: Member) -> None:
    for one, two in ((other, first), (first, other)):
        if heard := one.clips("train", "validation") & two.clips("test"):
            raise SplitError(
                f"{other.run} has another split than {first.run}: {one.run} was trained or chosen on {len(heard)} of "
                f"the {len(two.clips('test'))} test clips of {two.run}, e.g. {min(heard)}, so that the score of both "
                f"together would be of clips they know; {_ADVICE}"
            )
    if strange := first.clips("test") ^ other.clips("test"):
        raise SplitError(
            f"{other.run} was tested on other clips than {first.run}, e.g. {min(strange)}, so that there is no test of "
            f"both; {_ADVICE}"
        )
    mine, theirs = (set(member.split["test"].get("recordings", [])) for member in (first, other))
    if mine and theirs and mine != theirs:
        raise SplitError(
            f"{other.run} was tested on clips of the same names as {first.run} and of other recordings; {_ADVICE}"
        )


def joined_sides(members: Sequence[Member]) -> dict[str, dict[str, list[str]]]:
    """split.json of all together: a clip that any was trained on is one that the ensemble was trained on."""
    joined: dict[str, dict[str, list[str]]] = {}
    for side in _SIDES:
        joined[side] = {}
        for key in ("clips", "speakers", "recordings"):
            known = set(joined["train"][key]) if side == "validation" and key != "speakers" else set()
            found = dict.fromkeys(one for member in members for one in member.split[side].get(key, []))
            joined[side][key] = [one for one in found if one not in known]
    return joined


def joined_predictions(members: Sequence[Member]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What predictions.parquet of the members say, clip by clip in the order of the first.

    Returns:
        ``clip_ids``, ``corpora``, ``speakers``, ``references`` (class ids) and ``facts`` of the clips, and the
        probabilities ``(N, C)`` of every member.

    Raises:
        SplitError: one has other clips or labels than the first.
    """
    first, classes = members[0], members[0].results["data"]["classes"]
    columns = [f"p_{name}" for name in classes]
    tables = [{row["clip_id"]: row for row in load_predictions(m.run, m.results)} for m in members]
    clips = list(tables[0])
    for member, table in zip(members, tables, strict=True):
        wrong = [clip for clip in clips if clip not in table or table[clip]["label"] != tables[0][clip]["label"]]
        if wrong or len(table) != len(clips):
            raise SplitError(
                f"predictions.parquet of {member.run} and of {first.run} have other clips or labels, e.g. "
                f"{(wrong or sorted({*table} - {*clips}))[0]}; score the run again, or train it again"
            )
    rows = [tables[0][clip] for clip in clips]
    said = {
        "clip_ids": clips,
        "corpora": [row["corpus"] for row in rows],
        "speakers": [row["speaker"] for row in rows],
        "references": [classes.index(row["label"]) for row in rows],
        "facts": {name: [row[name] for row in rows] for name in FACTS if name in rows[0]},
    }
    return said, [np.array([[table[clip][c] for c in columns] for clip in clips]) for table in tables]


def joined_name(names: Sequence[str], shares: Sequence[float]) -> str:
    """Names in a row: equal ones are counted, and shares told where they differ.

    >>> joined_name(["svm.yaml", "cnn.yaml", "cnn.yaml"], [1, 1, 1])
    'svm.yaml + 2 x cnn.yaml'
    >>> joined_name(["svm.yaml", "cnn.yaml"], [2, 1])
    'svm.yaml (2) + cnn.yaml (1)'
    """
    if len(set(shares)) > 1:
        return " + ".join(f"{name} ({share:g})" for name, share in zip(names, shares, strict=True))
    return " + ".join(f"{times} x {name}" if times > 1 else name for name, times in Counter(names).items())
