"""Checkpoints at work on recordings.

Names are loaded on first use: a model in an ``.onnx`` file needs no PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_hf.base.lazy import lazily

if TYPE_CHECKING:
    from .attention import plot_attention
    from .classifier import SerClassifier
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
    "OnnxClassifier": "onnx_classifier",
    "Scores": "listener",
    "SerClassifier": "classifier",
    "UNSURE": "heard",
    "export_onnx": "onnx_export",
    "export_small": "small_export",
    "open_model": "opening",
    "plot_attention": "attention",
}

__all__ = [
    "DEFAULT",
    "UNSURE",
    "Heard",
    "Listener",
    "OnnxClassifier",
    "Scores",
    "SerClassifier",
    "export_onnx",
    "export_small",
    "open_model",
    "plot_attention",
]


__getattr__ = lazily(__name__, _HOMES)
