"""A model behind HTTP: one clip or many, long recordings, live sound."""

from __future__ import annotations

from .app import make_app
from .running import serve
from .service import Service
from .settings import Settings

__all__ = ["Service", "Settings", "make_app", "serve"]
