"""Checkpoints at work on recordings."""

from .attention import plot_attention
from .classifier import SerClassifier
from .onnx_export import export_onnx

__all__ = ["SerClassifier", "export_onnx", "plot_attention"]
