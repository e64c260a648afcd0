"""A map of the test clips: near each other is what the model takes for alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ser_hf.base.atomic import replacing

from ._canvas import DPI, INK, labels, plain, single, style

_LEAST = 1e-6
_FEWEST = 3


def positions(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Places of clips in the plane ``(N, 2)``: the two main directions (PCA) of their logits.

    Args:
        probabilities: ``(N, C)``; their logarithms, less each clip's mean, are the logits but for a constant.
    """
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))
    logits -= logits.mean(axis=1, keepdims=True)
    _, _, directions = np.linalg.svd(logits - logits.mean(axis=0), full_matrices=False)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])  # else chance's
    found: npt.NDArray[np.float64] = (logits - logits.mean(axis=0)) @ (directions * signs[:, None])[:2].T
    return found


def clip_map(results: Mapping[str, Any], predictions: Sequence[Mapping[str, Any]], path: Path) -> Path | None:
    """Draws the clips of predictions.parquet by true class, the wrong ones as crosses; None of fewer than three."""
    classes = results["data"]["classes"]
    if len(predictions) < _FEWEST or len(classes) < _FEWEST:
        path.unlink(missing_ok=True)
        return None
    from matplotlib import colormaps

    places = positions([[row[f"p_{name}"] for name in classes] for row in predictions])
    figure, axes = single("Map of the test clips", results, height=4.6)
    right = np.array([row["label"] == row["predicted"] for row in predictions])
    for i, name in enumerate(classes):
        own = np.array([row["label"] == name for row in predictions])
        colour = colormaps["tab10"](i % 10)
        for chosen, marker in ((own & right, "o"), (own & ~right, "x")):
            label = plain(name) if marker == "o" else None
            across, up = places[chosen].T
            axes.scatter(across, up, color=colour, marker=marker, s=14, linewidths=0.9, alpha=0.8, label=label)
    labels(axes, "main direction of the logits", "second direction")
    style(axes, grid="both")
    axes.tick_params(labelcolor=INK)
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes.legend(frameon=False, fontsize=8, title="true class; x: taken for another", title_fontsize=7.5, **beside)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")
    return path
