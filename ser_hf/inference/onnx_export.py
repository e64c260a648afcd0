"""A checkpoint as one ONNX file: weights, class names and feature settings, checked against PyTorch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from ser_hf import __version__
from ser_hf.base.atomic import replacing
from ser_hf.base.errors import SerHfError
from ser_hf.base.optional import require
from ser_hf.embeddings import EmbeddingExtractor
from ser_hf.training import load_checkpoint

from ._export_lstm import with_exportable_lstms
from .onnx_model import LOGITS, OnnxModel

TOLERANCE = 1e-4
"""How far logits may be from PyTorch's, as a share of the largest logit where that is above 1."""

_LARGEST = 2_000_000_000


class _Logits(nn.Module):
    """The model as a function from features to logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(features).logits
        return logits


def export_onnx(source: str | Path, file: str | Path | None = None) -> Path:
    """Writes a checkpoint as an ONNX file that gives ``logits (B, C)`` from the features of its extractor.

    The batch may have any size, and the clips any number of frames where the model takes any. The file's metadata holds
    ``labels`` (a JSON list), ``feature_extractor`` (the JSON of preprocessor_config.json), ``label_scheme`` and
    ``model_type``. It takes its place only after onnxruntime gave PyTorch's logits with it.

    Args:
        source: run folder, or repository on the Hub.
        file: by default ``model.onnx`` in the run folder, or ``<repository>.onnx`` here.

    Raises:
        CheckpointError: the checkpoint cannot be loaded.
        SerHfError: the extra ``onnx`` is not installed, the model is a probe, has no ONNX form or is too large for one
            file, or the file gives other logits.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        require(module, "onnx")
    model, extractor = load_checkpoint(source, "cpu")
    if not isinstance(model, PreTrainedModel):
        raise SerHfError(f"{source} is {model.kind}; only networks are exported to ONNX")
    if isinstance(extractor, EmbeddingExtractor):
        raise SerHfError(f"{source} is a probe, whose encoder an ONNX file of ours does not hold")
    if targets := list(getattr(model.config, "targets", ())):
        raise SerHfError(f"{source} rates {', '.join(targets)} as well, which an ONNX file of ours does not hold")
    size = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    if size > _LARGEST:
        raise SerHfError(f"{source}: weights of {size / 1e9:.1f} GB do not fit in one ONNX file, which holds 2 GB")
    if file is None:
        file = Path(source, "model.onnx") if Path(source).is_dir() else Path(f"{Path(source).name}.onnx")
    with replacing(file) as temporary:
        write_onnx(model, extractor, temporary)
    return Path(file)


def write_onnx(model: PreTrainedModel, extractor: Any, file: Path) -> None:
    """Exports a model in evaluation mode and its extractor to ``file``, and checks what was written.

    Raises:
        SerHfError: the model has no ONNX form, or the file gives other logits.
    """
    features = _features(extractor)
    labels = {int(i): name for i, name in (model.config.id2label or {}).items()}
    facts = {
        "labels": json.dumps([labels[i] for i in sorted(labels)], ensure_ascii=False),
        "feature_extractor": json.dumps(extractor.to_dict(), sort_keys=True),
        "label_scheme": str(getattr(model.config, "label_scheme", "")),
        "model_type": model.config.model_type,
        "ser_hf_version": __version__,
    }
    program = _exported(model, features)
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # lines of source code, and where they lie on this machine
    program.model.metadata_props.update(facts)
    program.save(file, external_data=False)
    _check(file, model, features)


def _features(extractor: Any) -> torch.Tensor:
    """Features of three clips: one of noise, one that is mostly padding, one of silence.

    Raises:
        SerHfError: the extractor gives more than features.
    """
    rate, rng = int(extractor.sampling_rate), np.random.default_rng(0)
    clips = [0.1 * rng.standard_normal(length, dtype=np.float32) for length in (3 * rate, rate // 4)]
    inputs = extractor([*clips, np.zeros(rate, dtype=np.float32)], sampling_rate=rate, return_tensors="pt")
    if len(inputs) > 1:
        raise SerHfError(f"the model takes {' and '.join(inputs)}; only models of one input are exported to ONNX")
    (features,) = inputs.values()
    return torch.as_tensor(features)


def _exported(model: PreTrainedModel, features: torch.Tensor) -> Any:
    """The ONNX program, for any number of frames or, where that fails, for the extractor's own."""
    net = _Logits(with_exportable_lstms(model)).eval()
    problems = []
    for shape in ({0: "batch", features.ndim - 1: "time"}, {0: "batch"}):
        try:
            with _quiet():
                return torch.onnx.export(
                    net,
                    (features[:2],),
                    dynamo=True,
                    input_names=[model.main_input_name],
                    output_names=[LOGITS],
                    dynamic_shapes=(shape,),
                    verbose=False,
                )
        except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
            problems.append(" ".join(str(error).split())[:300])
    raise SerHfError(f"{model.config.model_type} has no ONNX form: {problems[-1]}")


def _check(file: Path, model: PreTrainedModel, features: torch.Tensor) -> None:
    written = OnnxModel(file)
    batches = [features, features[:1]]
    if not isinstance(written.session.get_inputs()[0].shape[-1], int):
        batches += [features[..., : features.shape[-1] // 2], torch.cat([features, features], dim=-1)]
    for batch in batches:
        with torch.inference_mode():
            expected = model(batch).logits
        found = written(**{model.main_input_name: batch})["logits"]
        difference = float((found - expected).abs().max() / expected.abs().max().clamp_min(1.0))
        if not difference <= TOLERANCE:
            raise SerHfError(
                f"the ONNX file differs from PyTorch by {difference:.2g} of the logits for an input of "
                f"{tuple(batch.shape)}, more than {TOLERANCE:g}; nothing was written"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what the exporter says of its own insides."""
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
