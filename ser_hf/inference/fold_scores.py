"""The score of a model that learned from every speaker: that of models by the same recipe that left some out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError
from ser_hf.reporting import pooled

_OF_THE_SPLIT = ("corpora", "protocol", "fold", "folds", "train_corpora", "test_corpora", "num_proc")


def scored_by(folds: Sequence[str | Path], own: Mapping[str, Any]) -> dict[str, Any]:
    """results.json of the folds together, with the model of ``own`` and what it scored on corpora it never heard.

    Args:
        folds: runs, see `ser_hf.reporting.pooled`.
        own: results of the run whose weights are passed on; by the protocol ``cross-corpus`` it learned from every
            speaker of the folds' corpora.

    Raises:
        SerHfError: a run is by another recipe or settings, or the folds do not fit together.
    """
    together = pooled(folds)
    one, two = (
        {"recipe": results["recipe"]}
        | {k: v for k, v in results["training"]["arguments"].items() if k not in _OF_THE_SPLIT}
        for results in (own, together)
    )
    for key in sorted({*one, *two}):
        if one.get(key) != two.get(key):
            raise SerHfError(f"{folds[0]} is by another recipe: its {key} is {two.get(key)}, not {one.get(key)}")
    speakers = own["data"]["splits"]["train"]["speakers"] + own["data"]["splits"]["validation"]["speakers"]
    said = [
        f"the weights learned from {own['data']['splits']['train']['speakers']} of the {speakers} speakers and were "
        f"watched on the others; the score is of {len(folds)} models by the same recipe, each of which left its test "
        "speakers out"
    ]
    for row in own["test"]["per_corpus"]:
        uar = row["uar"]
        low, high = uar["clips"]
        said.append(
            f"on {str(row['corpus']).upper()}, never heard in training, UAR {100 * uar['value']:.0f} % "
            f"({100 * low:.0f} to {100 * high:.0f}; {row['clips']} clips of {row['speakers']} speakers)"
        )
    caveat = "; ".join(filter(None, [together.get("caveat"), *said]))
    return {**together, "model": {**own["model"]}, "caveat": caveat, "elsewhere": own["test"]["per_corpus"]}
