"""Which model it is, so that a run is gone on with by the same one."""

from __future__ import annotations

from pathlib import Path

import xxhash

from ..opening import DEFAULT

_SUFFIXES = (".json", ".safetensors", ".skops", ".onnx")
_SETTINGS = ("config.json", "preprocessor_config.json")
_PIECE = 1 << 22


def weights_of(checkpoint: str | Path) -> str:
    """A name for a checkpoint: of a folder or file the hash of weights and settings, of a repository its name."""
    path = Path(checkpoint)
    if str(checkpoint) == DEFAULT:
        from ..default_model import default_folder

        path = default_folder()
    if not path.exists():
        return str(checkpoint)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if _counts(p, path))
    digest = xxhash.xxh3_128()
    for file in files:
        digest.update(str(file.relative_to(path)).encode("utf-8", "backslashreplace"))
        with file.open("rb", buffering=0) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()


def _counts(path: Path, folder: Path) -> bool:
    """Whether a file belongs to the model; checkpoints of its training do not."""
    if "checkpoints" in path.relative_to(folder).parts or path.suffix not in _SUFFIXES:
        return False
    return path.suffix != ".json" or path.name in _SETTINGS
