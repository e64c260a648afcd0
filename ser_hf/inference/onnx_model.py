"""An ONNX file of `export_onnx` at work, in the place of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hf.base.errors import CheckpointError
from ser_hf.base.optional import require
from ser_hf.models import SerFeatureExtractor

LOGITS = "logits"
_ERRORS: tuple[str, ...] = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NotImplemented")
_ERRORS += ("RuntimeException",)


class OnnxModel:
    """Gives logits by onnxruntime on the CPU, as many threads as PyTorch has.

    Args:
        file: written by `export_onnx`.

    Attributes:
        config: with the class names.
        facts: the file's metadata.

    Raises:
        CheckpointError: no such file, not an ONNX file, or not one of `export_onnx`.
        SerHfError: onnxruntime is not installed.
    """

    device = torch.device("cpu")

    def __init__(self, file: str | Path) -> None:
        self.session = _session(Path(file))
        self.facts: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        try:
            labels = dict(enumerate(json.loads(self.facts["labels"])))
            (self.input,) = (entry.name for entry in self.session.get_inputs())
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(f"{file} does not name its classes; write it by `ser-hf export RUN`") from error
        self.config = PreTrainedConfig(id2label=labels, label2id={name: i for i, name in labels.items()})

    def __call__(self, **inputs: torch.Tensor) -> SequenceClassifierOutput:
        """The logits ``(B, C)`` of the features of the extractor the file was exported with."""
        (logits,) = self.session.run([LOGITS], {self.input: inputs[self.input].numpy()})
        return SequenceClassifierOutput(logits=torch.from_numpy(logits))


def load_onnx(file: str | Path) -> tuple[OnnxModel, SerFeatureExtractor]:
    """An ONNX file of `export_onnx` and the feature extractor its metadata describes.

    Raises:
        CheckpointError: no such file, not an ONNX file, or not one of `export_onnx`.
        SerHfError: onnxruntime is not installed.
    """
    model = OnnxModel(file)
    try:
        settings = json.loads(model.facts["feature_extractor"])
        if settings.pop("feature_extractor_type") != SerFeatureExtractor.__name__:
            raise CheckpointError(f"{file}: its features are not those of ser_hf; run it by onnxruntime itself")
        return model, SerFeatureExtractor(**settings)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{file}: the feature settings in its metadata are broken ({error})") from error


def _session(file: Path) -> Any:
    runtime = require("onnxruntime", "onnx")
    errors = require("onnxruntime.capi.onnxruntime_pybind11_state", "onnx")
    if not file.is_file():
        raise CheckpointError(f"no ONNX file {file}; `ser-hf export RUN` writes one")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what is wrong with a file is raised
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except tuple(getattr(errors, name) for name in _ERRORS) as error:
        raise CheckpointError(f"{file} cannot be loaded as ONNX: {' '.join(str(error).split())[:200]}") from error
