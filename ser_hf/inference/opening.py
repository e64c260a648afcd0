"""One way to open whatever classifies."""

from __future__ import annotations

from pathlib import Path

from .listener import Listener

DEFAULT = "default"
"""Stands for the model that comes with the package."""


def open_model(source: str | Path = DEFAULT, device: str = "auto") -> Listener:
    """A run folder, a repository on the Hub, or an ``.onnx`` file of `export_onnx`, ready to classify.

    PyTorch is loaded for what needs it: an ``.onnx`` file runs by onnxruntime alone.

    Args:
        source: the checkpoint; ``"default"`` is the model that comes with the package.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; onnxruntime runs on the CPU.

    Raises:
        CheckpointError: it cannot be loaded, or was not made by ser_hf.
        SerHfError: onnxruntime is needed and not installed.
    """
    if Path(source).suffix == ".onnx":
        from .onnx_classifier import OnnxClassifier

        return OnnxClassifier(source)
    from .classifier import SerClassifier

    if str(source) == DEFAULT:
        return SerClassifier.default(device)
    return SerClassifier.from_pretrained(source, device)
