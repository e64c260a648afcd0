"""Which files of a push the Hub has already, by the hashes it tells: SHA-256 of a large file, git's of another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from huggingface_hub import HfApi, RepoFile

State = Literal["new", "changed", "unchanged", "unknown"]
Content = Path | bytes


@dataclass(frozen=True, slots=True)
class FileToPush:
    """A file of a push.

    Attributes:
        name: in the repository.
        size: in bytes.
        state: against what the repository holds; ``unknown`` where the Hub could not be asked.
    """

    name: str
    size: int
    state: State


def on_the_hub(api: HfApi, repo_id: str, repo_type: str, revision: str | None) -> dict[str, RepoFile]:
    """The files of a repository at a revision: name -> size and hashes."""
    from huggingface_hub import RepoFile

    entries = api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type=repo_type)
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def compared(files: Mapping[str, Content], there: Mapping[str, RepoFile] | None) -> tuple[FileToPush, ...]:
    """The files with their state, in their order.

    Args:
        files: name in the repository -> file, or content.
        there: of `on_the_hub`; None where that is unknown.
    """
    return tuple(
        FileToPush(name, _size(content), "unknown" if there is None else _state(content, there.get(name)))
        for name, content in files.items()
    )


def _state(content: Content, there: RepoFile | None) -> State:
    if there is None:
        return "new"
    if there.size != _size(content):
        return "changed"
    same = _sha256(content) == there.lfs.sha256 if there.lfs else _git_sha1(content) == there.blob_id
    return "unchanged" if same else "changed"


def _size(content: Content) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _sha256(content: Content) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_sha1(content: Content) -> str:
    """The name git gives to a content; such a file is small."""
    data = content.read_bytes() if isinstance(content, Path) else content
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
