"""Which files are pickles: reading one can run code, so none is ever read, sent or left beside a checkpoint."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".bin", ".ckpt", ".h5", ".joblib", ".pickle", ".pkl", ".pt", ".pth")


def pickles_in(folder: Path) -> list[str]:
    """Names of the files of a folder that are pickles by their names, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
