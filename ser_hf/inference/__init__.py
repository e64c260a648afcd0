"""Checkpoints at work on recordings."""

from .attention import plot_attention
from .classifier import SerClassifier
from .onnx_export import export_onnx
from .small_export import export_small

__all__ = ["SerClassifier", "export_onnx", "export_small", "plot_attention"]
