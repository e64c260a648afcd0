"""What is wrong with a file of weights, in plain words, before a library reads it."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

_POINTER = b"version https://git-lfs"
DAMAGED = "its weights are no whole safetensors file: cut off, damaged, or a Git-LFS pointer; fetch them again"
_HEADER = ("deserializing header", "header too large", "incompletemetadata", "metadataincomplete")
OWN_CODE = (
    "it comes with code of its own (auto_map in its configuration), which ser_hf never runs; if you trust its author, "
    "load it by transformers with trust_remote_code=True, and pass the model to your own program"
)


def wrong_with(path: Path) -> str | None:
    """Why a safetensors file cannot be read, or None where it can."""
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            return f"{path.name} is a Git-LFS pointer, not the weights; run `git lfs pull` in its repository"
    try:
        with safe_open(path, "pt"):
            return None
    except (SafetensorError, OSError):
        return f"{path.name} is no whole safetensors file: cut off or damaged; fetch or copy it again"


def plain(message: str) -> str:
    """A library's message about a checkpoint; those that only its authors understand in other words.

    >>> plain("Error while deserializing header: header too large")
    'its weights are no whole safetensors file: cut off, damaged, or a Git-LFS pointer; fetch them again'
    """
    low = message.lower()
    if any(words in low for words in _HEADER):
        return DAMAGED
    return OWN_CODE if "trust_remote_code" in low or "custom code" in low else message
