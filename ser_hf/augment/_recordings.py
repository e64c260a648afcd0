"""A folder of recordings that steps draw from: background noises, impulse responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_hf.base.errors import RecipeError, SerHfError

Load = Callable[[Path, int], np.ndarray]
"""A path and a rate in Hz -> mono float32 samples ``(n,)`` at that rate."""

EXTENSIONS = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif"})

_MOST_BYTES = 1 << 28
_decoded: dict[tuple[Path, int], np.ndarray] = {}
"""What this process has decoded, the oldest first; a folder of up to 256 MB of samples is decoded once."""


@dataclass(frozen=True)
class Recordings:
    """The audio files of a folder and of those in it, sorted, so that a draw does not depend on the file system.

    Attributes:
        files: where they are.
        load: what reads them.
    """

    files: tuple[Path, ...]
    load: Load

    @classmethod
    def of(cls, folder: str, load: Load) -> Recordings:
        """Lists a folder.

        Raises:
            RecipeError: there is no such folder, or no audio file in it.
        """
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise RecipeError(
                f"{folder} is {'a file' if root.exists() else 'not there'}; expected a folder of recordings"
            )
        files = sorted(path for path in root.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
        if not files:
            raise RecipeError(f"{folder} holds no audio file; expected {', '.join(sorted(EXTENSIONS))}")
        return cls(tuple(files), load)

    def draw(self, rate: int, rng: np.random.Generator) -> tuple[Path, np.ndarray]:
        """One of the files, and its samples at ``rate`` Hz, only to be read.

        Raises:
            SerHfError: the file has no samples, or cannot be read.
        """
        path = self.files[int(rng.integers(len(self.files)))]
        samples = _decoded.get((path, rate))
        if samples is None:
            samples = self.load(path, rate)
            if not len(samples):
                raise SerHfError(f"{path} has no samples; take it out of the folder")
            _keep(path, rate, samples)
        return path, samples


def _keep(path: Path, rate: int, samples: np.ndarray) -> None:
    if samples.nbytes > _MOST_BYTES:
        return
    while _decoded and sum(kept.nbytes for kept in _decoded.values()) + samples.nbytes > _MOST_BYTES:
        del _decoded[next(iter(_decoded))]
    _decoded[path, rate] = samples
