"""A checkpoint as one ONNX file: features, weights and class names, checked against PyTorch."""

from __future__ import annotations

import json
import logging
import re
import tempfile
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
from ser_hf.training import class_names, load_checkpoint

from ._export_lstm import with_exportable_lstms
from .classifier import window_of
from .onnx_classifier import PROBABILITIES, WAVEFORM, OnnxClassifier
from .onnx_features import feature_graph

TOLERANCE = 1e-4
"""How far a probability may be from PyTorch's."""
_QUANTISED = ["MatMul", "Gemm", "LSTM"]
"""Convolutions stay: in 8 bits onnxruntime takes longer for them on most processors."""

_FEATURES = "features."
"""Begins the names of the weights of the spectrogram, which stays as it is."""
_ESCAPES = re.compile("\x1b\\[[0-9;]*m")
"""Colours of a terminal."""
_LARGEST = 2_000_000_000


class _Heard(nn.Module):
    """A model as a function from waveforms to probabilities."""

    def __init__(self, features: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.features, self.model = features, model

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(self.features(waveform)).logits
        return logits.float().softmax(dim=-1)


def export_onnx(source: str | Path, file: str | Path | None = None, int8: bool = False) -> Path:
    """Writes a checkpoint as an ONNX file that gives ``probabilities (B, C)`` from a ``waveform (B, n)``.

    Everything is inside: what the feature extractor does with the mono float32 samples, the network, the calibrated
    probabilities. There may be any number of clips, of one length, and any number of samples. The file's metadata holds
    ``labels`` (a JSON list), ``sampling_rate`` in Hz, ``window`` (seconds that are heard of a longer clip),
    ``label_scheme``, ``model_type`` and ``feature_extractor`` (the JSON of preprocessor_config.json, to read). It takes
    its place only after onnxruntime gave PyTorch's probabilities with it.

    Args:
        source: run folder, or repository on the Hub.
        file: by default ``model.onnx`` in the run folder, or ``<repository>.onnx`` here.
        int8: weights of the products and LSTMs in 8 bits, by onnxruntime's dynamic quantisation; the file is smaller
            and its probabilities differ a little, so that they are only checked to be probabilities.

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
        if int8:
            quantise(temporary)
    return Path(file)


def write_onnx(model: PreTrainedModel, extractor: Any, file: Path) -> None:
    """Exports a model in evaluation mode and its extractor to ``file``, and checks what was written.

    Raises:
        SerHfError: the model has no ONNX form, or the file gives other logits.
    """
    facts = {
        "labels": json.dumps(class_names(model.config), ensure_ascii=False),
        "sampling_rate": str(extractor.sampling_rate),
        "window": repr(window_of(extractor)),
        "feature_extractor": json.dumps(extractor.to_dict(), sort_keys=True),
        "label_scheme": str(getattr(model.config, "label_scheme", "")),
        "model_type": model.config.model_type,
        "ser_hf_version": __version__,
    }
    program = _exported(model, extractor)
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # lines of source code, and where they lie on this machine
    program.model.metadata_props.update(facts)
    program.save(file, external_data=False)
    _check(file, model, extractor)


def quantise(file: Path) -> None:
    """Puts a file with weights in 8 bits in the place of one that `write_onnx` wrote; its metadata stays.

    Raises:
        SerHfError: onnxruntime cannot, or what comes out gives no probabilities.
    """
    import onnx
    from onnxruntime import quantization

    model = onnx.load(file)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    model.graph.ClearField("value_info")  # shapes that the quantiser takes for those of other tensors
    kept = [node.name for node in model.graph.node if any(name.startswith(_FEATURES) for name in node.input)]
    with tempfile.TemporaryDirectory() as place, _quiet():
        whole, small = Path(place, "whole.onnx"), Path(place, "small.onnx")
        onnx.save(model, whole)
        try:
            quantization.quantize_dynamic(
                whole,
                small,
                op_types_to_quantize=_QUANTISED,
                nodes_to_exclude=kept,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
            )
        except (RuntimeError, ValueError, KeyError, TypeError, onnx.shape_inference.InferenceError) as error:
            raise SerHfError(f"onnxruntime cannot quantise it: {' '.join(str(error).split())[:200]}") from error
        model = onnx.load(small)
    onnx.helper.set_model_props(model, {**facts, "weights": "int8"})
    onnx.save(model, file)
    written = OnnxClassifier(file)
    shares = written.score([_noise(written.sampling_rate)]).probabilities
    if not (np.isfinite(shares).all() and np.allclose(shares.sum(axis=1), 1, atol=1e-3)):
        raise SerHfError("the quantised file gives no probabilities; nothing was written")


def _noise(length: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(length, dtype=np.float32)


def _exported(model: PreTrainedModel, extractor: Any) -> Any:
    """The ONNX program, for any number of clips and samples."""
    net = _Heard(feature_graph(extractor), with_exportable_lstms(model)).eval()
    waveforms = torch.from_numpy(np.stack([_noise(3 * extractor.sampling_rate)] * 2))
    try:
        with _quiet():
            return torch.onnx.export(
                net,
                (waveforms,),
                dynamo=True,
                input_names=[WAVEFORM],
                output_names=[PROBABILITIES],
                dynamic_shapes=({0: "batch", 1: "samples"},),
                verbose=False,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        problem = " ".join(_ESCAPES.sub("", str(error.__cause__ or error)).split())[:300]
        raise SerHfError(f"{model.config.model_type} has no ONNX form: {problem}") from error


def _check(file: Path, model: PreTrainedModel, extractor: Any) -> None:
    """Clips of noise, of silence, shorter and longer than what is heard, alone and together."""
    rate = int(extractor.sampling_rate)
    written = OnnxClassifier(file)
    heard = rate * min(written.window, 5.0)
    clips = [_noise(round(length)) for length in (heard, heard / 3, heard * 2, rate / 20)]
    for batch in ([clips[0], clips[0][::-1].copy()], *([clip] for clip in clips), [np.zeros(rate, np.float32)]):
        inputs = extractor(batch, sampling_rate=rate, return_tensors="pt")
        with torch.inference_mode():
            expected = model(**inputs).logits.float().softmax(dim=-1).numpy()
        difference = float(np.abs(written.score(batch).probabilities - expected).max())
        if not difference <= TOLERANCE:
            raise SerHfError(
                f"the ONNX file differs from PyTorch by {difference:.2g} in a probability of a clip of "
                f"{len(batch[0])} samples, more than {TOLERANCE:g}; nothing was written"
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
