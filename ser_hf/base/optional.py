"""Optional dependencies are asked for here, so that a missing one names the line that installs it."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import SerHfError


def require(module: str, extra: str) -> ModuleType:
    """Imports an optional module.

    Args:
        module: import name, e.g. ``"onnxruntime"``.
        extra: the extra of ser_hf that brings it.

    Raises:
        SerHfError: it is not installed; the message gives the install line.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{module} is needed here and is not importable ({error}); install it: pip install 'ser_hf[{extra}]'"
        raise SerHfError(message) from error
