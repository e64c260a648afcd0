"""Where the package keeps what it made or fetched."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder named by ``SER_HF_CACHE``, or ``~/.cache/ser_hf``: synthetic voices, archives, accepted licences."""
    return Path(os.environ.get("SER_HF_CACHE") or Path.home() / ".cache" / "ser_hf")
