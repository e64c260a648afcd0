"""Checkpoints at work on recordings.

Names are loaded on first use: a model in an ``.onnx`` file needs no PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attention import plot_attention
    from .classifier import SerClassifier
    from .facts import ModelFacts, model_facts
    from .heard import UNSURE, Heard
    from .listener import Listener, Scores
    from .onnx_classifier import OnnxClassifier
    from .onnx_export import export_onnx
    from .opening import DEFAULT, open_model
    from .small_export import export_small

_HOMES = {
    "DEFAULT": "opening",
    "Heard": "heard",
    "Listener": "listener",
    "ModelFacts": "facts",
    "OnnxClassifier": "onnx_classifier",
    "Scores": "listener",
    "SerClassifier": "classifier",
    "UNSURE": "heard",
    "export_onnx": "onnx_export",
    "export_small": "small_export",
    "model_facts": "facts",
    "open_model": "opening",
    "plot_attention": "attention",
}

__all__ = [
    "DEFAULT",
    "UNSURE",
    "Heard",
    "Listener",
    "ModelFacts",
    "OnnxClassifier",
    "Scores",
    "SerClassifier",
    "export_onnx",
    "export_small",
    "model_facts",
    "open_model",
    "plot_attention",
]


def __getattr__(name: str) -> Any:
    """Imports a name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
