"""Checkpoints at work on recordings."""

from .classifier import SerClassifier
from .onnx_export import export_onnx

__all__ = ["SerClassifier", "export_onnx"]
