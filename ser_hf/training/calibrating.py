"""The temperature of a network, fitted on the validation split and put into its last layer.

Guo et al., ICML 2017, arXiv 1706.04599. Whatever loads the checkpoint (transformers' pipeline, an ONNX file, the code
beside the weights) gives calibrated probabilities, and knows nothing of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from accelerate.utils import extract_model_from_parallel
from torch import nn
from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.errors import CheckpointError
from ser_hf.baselines import Baseline
from ser_hf.evaluation import fit_temperature
from ser_hf.features import scoring_rows
from ser_hf.records import LABEL

from .ensemble import Model
from .prediction import predict

TEMPERATURE = "calibration_temperature"
"""Key of config.json; by the name ``temperature`` transformers refuses it, as one of text generation."""


def calibrate(model: PreTrainedModel, extractor: SequenceFeatureExtractor, validation: Any) -> float:
    """Fits the temperature of a trained network, in evaluation mode and in float32, and folds it into its last layer.

    Args:
        model: as it will be saved; it is changed, and left in evaluation mode.
        extractor: what computes its input.
        validation: rows of a `ser_hf.features.prepared` dataset; None for a temperature of 1.

    Returns:
        The temperature, see `fit_temperature`.
    """
    if validation is None:
        fold_temperature(model, 1.0)
        return 1.0
    extract_model_from_parallel(model, keep_fp32_wrapper=False)  # which takes the training's autocast off
    # logits but for a constant of every clip; what is 0 in float32 is taken for the smallest number
    model.eval()  # type: ignore[no-untyped-call]
    shares = predict(model, scoring_rows(validation, extractor)).probabilities
    logits = np.log(np.maximum(shares, np.finfo(np.float32).tiny))
    temperature = fit_temperature(logits, np.asarray(validation[LABEL][:]))
    fold_temperature(model, temperature)
    return temperature


def fold_temperature(model: PreTrainedModel, temperature: float) -> None:
    """Divides the class logits of a network by a temperature, for good; ratings stay as they are.

    config.json says it as ``calibration_temperature``. What an earlier training left there is replaced: what is said is
    by how much the logits differ from those that were trained.
    """
    _, last = last_linear(model)
    classes = len(model.config.id2label or {})
    with torch.no_grad():
        last.weight[:classes] /= temperature
        if last.bias is not None:
            last.bias[:classes] /= temperature
    setattr(model.config, TEMPERATURE, temperature)


def temperature_of(model: Model) -> float:
    """The temperature that a checkpoint has in its logits; 1 where it says nothing."""
    key = "temperature" if isinstance(model, Baseline) else TEMPERATURE
    return float(getattr(model.config, key, 1.0))


def last_linear(model: PreTrainedModel) -> tuple[str, nn.Linear]:
    """The last linear layer of the classifier, with its name.

    Raises:
        CheckpointError: it has none.
    """
    classifier: Any = model.classifier
    found = [(name, layer) for name, layer in classifier.named_modules() if isinstance(layer, nn.Linear)]
    if not found:
        raise CheckpointError(f"{type(model).__name__} has no linear layer in its classifier")
    name, layer = found[-1]
    return f"classifier.{name}".rstrip("."), layer
