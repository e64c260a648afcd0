"""Speech emotion recognition as a Hugging Face dataset-and-trainer package.

The names of the public API are imported on first use, so that ``import ser_hf`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "SerClassifier": "ser_hf.inference",
    "SerCorpus": "ser_hf.data",
    "add_features": "ser_hf.features",
    "SerFeatureExtractor": "ser_hf.models",
    "SerMetrics": "ser_hf.evaluation",
}
"""Public name -> the package that defines it."""

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Imports a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *_HOMES})
