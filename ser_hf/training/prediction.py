"""Class probabilities of a model for rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch

from ser_hf.base.errors import NotFiniteError
from ser_hf.base.finite import check_outputs
from ser_hf.baselines import Baseline
from ser_hf.records import INPUT_FEATURES

from .ensemble import Ensemble, Model, inputs_of_member

if TYPE_CHECKING:
    from ser_hf.features import FeatureRows, WaveformRows

_TOGETHER = 1 << 21
"""Numbers in one forward pass: 86 log-mel spectrograms of 3 s, 13 recordings of 10 s, 8 inputs of Whisper."""


class Network(Protocol):
    """What gives logits: a model of transformers, or an ONNX file in its place."""

    @property
    def device(self) -> torch.device:
        """Where its inputs must be."""

    def __call__(self, **inputs: torch.Tensor) -> Any:
        """An output with ``logits (B, C)``."""


class Outputs(NamedTuple):
    """What a model says of clips.

    Attributes:
        probabilities: ``(N, C)``.
        dimensions: ratings ``(N, T)`` of ``model.config.targets``; None where it has none.
    """

    probabilities: np.ndarray
    dimensions: np.ndarray | None = None


def predict(
    model: Model,
    rows: FeatureRows | WaveformRows,
    batch_size: int = 64,
    speakers: Sequence[str | None] | None = None,
) -> Outputs:
    """Gives what a model says of rows, computed in float32 on its device.

    The model must be in evaluation mode, as `load_checkpoint` leaves it. A baseline takes all rows at once, and their
    ``speakers``; an ensemble takes `WaveformRows`.

    Raises:
        NotFiniteError: it gives NaN or infinity for a row; the message names it.
    """
    if isinstance(model, Ensemble):
        own = [rows.heard_by(extractor) for extractor in rows.extractor.extractors]  # type: ignore[union-attr]
        said = [predict(member, heard, batch_size, speakers) for member, heard in zip(model.members, own, strict=True)]
        return Outputs(model.mean([one.probabilities for one in said]))
    if isinstance(model, Baseline):
        return _of_rows(model, rows, range(len(rows)), speakers)
    starts = range(0, len(rows), batch_size)
    found = [_of_rows(model, rows, range(start, min(start + batch_size, len(rows)))) for start in starts]
    rated = [one.dimensions for one in found if one.dimensions is not None]
    shares = np.concatenate([one.probabilities for one in found])
    return Outputs(shares, np.concatenate(rated) if rated else None)


def _of_rows(
    model: Network | Baseline, rows: Any, numbers: range, speakers: Sequence[str | None] | None = None
) -> Outputs:
    """What a model says of some rows; an error names the clip."""
    try:
        return outputs(model, rows.__getitems__(list(numbers)), speakers)
    except NotFiniteError as error:
        row = numbers[error.number]
        raise NotFiniteError(f"clip {rows.name_of(row)}: {error}", row) from error


def probabilities(
    model: Network | Baseline | Ensemble, inputs: Sequence[dict[str, Any]], speakers: Sequence[str | None] | None = None
) -> np.ndarray:
    """Gives ``(N, C)`` probabilities; see `outputs`."""
    return outputs(model, inputs, speakers).probabilities


@torch.inference_mode()
def outputs(
    model: Network | Baseline | Ensemble, inputs: Sequence[dict[str, Any]], speakers: Sequence[str | None] | None = None
) -> Outputs:
    """What a model says of one or more inputs, each a dictionary of arrays and perhaps of a label.

    Only inputs of the same shape are computed together: nothing is padded, and a clip's score does not depend on its
    neighbours, whether its model masks padding or not. A baseline takes them all at once, with their speakers, since it
    may compare a speaker's clips with each other.

    Raises:
        NotFiniteError: the model gives NaN or infinity for an input; the first such one has its ``number``.
    """
    if isinstance(model, Ensemble):
        parts = [outputs(m, inputs_of_member(inputs, i), speakers) for i, m in enumerate(model.members, 1)]
        return Outputs(model.mean([part.probabilities for part in parts]))
    if isinstance(model, Baseline):
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in inputs]))
        return _finite(Outputs(model(features, speakers)["logits"].softmax(dim=-1).numpy()))
    shares: dict[int, np.ndarray] = {}
    rated: dict[int, np.ndarray] = {}
    for numbers in _of_one_shape(inputs):
        names = [name for name, value in inputs[numbers[0]].items() if isinstance(value, np.ndarray)]
        batch = {n: torch.from_numpy(np.stack([inputs[i][n] for i in numbers])).to(model.device) for n in names}
        said = model(**batch)
        shares.update(zip(numbers, said["logits"].float().softmax(dim=-1).cpu().numpy(), strict=True))
        if said.get("dimensions") is not None:
            rated.update(zip(numbers, said["dimensions"].float().cpu().numpy(), strict=True))
    order = range(len(inputs))
    return _finite(
        Outputs(np.stack([shares[i] for i in order]), np.stack([rated[i] for i in order]) if rated else None)
    )


def _finite(found: Outputs) -> Outputs:
    """What was found, if there is nothing in it that would be taken for an emotion and is none.

    Raises:
        NotFiniteError: there is NaN or infinity.
    """
    check_outputs("probabilities", found.probabilities)
    if found.dimensions is not None:
        check_outputs("ratings", found.dimensions)
    return found


def outputs_and_hidden(model: Any, inputs: Sequence[dict[str, Any]]) -> tuple[Outputs, np.ndarray]:
    """What a network says of inputs, see `outputs`, and what the last layer of its head takes ``(N, D)``."""
    caught: list[np.ndarray] = []
    last = [layer for layer in model.classifier.modules() if isinstance(layer, torch.nn.Linear)][-1]
    hook = last.register_forward_pre_hook(lambda _, taken: caught.append(taken[0].float().cpu().numpy()))
    try:
        found = outputs(model, inputs)
    finally:
        hook.remove()
    order = np.concatenate(_of_one_shape(inputs))
    hidden = np.empty_like(together := np.concatenate(caught))
    hidden[order] = together
    check_outputs("embeddings", hidden)
    return found, hidden


def _of_one_shape(inputs: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Numbers of inputs that can be stacked, no more at a time than are computed together."""
    groups: dict[Any, list[int]] = {}
    for i, row in enumerate(inputs):
        shapes = tuple((name, value.shape) for name, value in row.items() if isinstance(value, np.ndarray))
        groups.setdefault(shapes, []).append(i)
    parts = []
    for shapes, numbers in groups.items():
        most = max(1, _TOGETHER // max(int(np.prod(shape)) for _, shape in shapes))
        parts += [numbers[start : start + most] for start in range(0, len(numbers), most)]
    return parts
