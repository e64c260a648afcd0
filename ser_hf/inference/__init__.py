"""Checkpoints at work on recordings.

Names are loaded on first use: a model in an ``.onnx`` file needs no PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_hf.base.lazy import lazily

if TYPE_CHECKING:
    from .attention import plot_attention
    from .classifier import SerClassifier
    from .facts import ModelFacts, model_facts
    from .heard import UNSURE, Heard
    from .listener import Listener, Scores
    from .long import segment
    from .onnx_classifier import OnnxClassifier
    from .onnx_export import export_onnx
    from .opening import DEFAULT, open_model
    from .segment_formats import write_timeline
    from .small_export import export_small
    from .streaming import live
    from .timeline import NO_SPEECH, Segment, Timeline, Verdict
    from .timeline_plot import plot_timeline

_HOMES = {
    "DEFAULT": "opening",
    "Heard": "heard",
    "Listener": "listener",
    "ModelFacts": "facts",
    "NO_SPEECH": "timeline",
    "OnnxClassifier": "onnx_classifier",
    "Scores": "listener",
    "Segment": "timeline",
    "SerClassifier": "classifier",
    "Timeline": "timeline",
    "UNSURE": "heard",
    "Verdict": "timeline",
    "export_onnx": "onnx_export",
    "export_small": "small_export",
    "model_facts": "facts",
    "live": "streaming",
    "open_model": "opening",
    "plot_attention": "attention",
    "plot_timeline": "timeline_plot",
    "segment": "long",
    "write_timeline": "segment_formats",
}

__all__ = [
    "DEFAULT",
    "NO_SPEECH",
    "UNSURE",
    "Heard",
    "Listener",
    "ModelFacts",
    "OnnxClassifier",
    "Scores",
    "Segment",
    "SerClassifier",
    "Timeline",
    "Verdict",
    "export_onnx",
    "export_small",
    "live",
    "model_facts",
    "open_model",
    "plot_attention",
    "plot_timeline",
    "segment",
    "write_timeline",
]


__getattr__ = lazily(__name__, _HOMES)
