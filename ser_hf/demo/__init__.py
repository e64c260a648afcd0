"""A page on which people try a model."""

from __future__ import annotations

from .launching import launch
from .limits import Limits
from .space import write_space

__all__ = ["Limits", "launch", "write_space"]
