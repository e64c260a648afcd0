"""Sends a built dataset to the Hub: the recordings whose licence allows it, and the manifest of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError

from ._results import BUILD, load_build
from ._upload import Push, Target, upload
from .dataset_card import render_dataset_card
from .model_card import CARD

MANIFEST = "manifest.parquet"


def push_dataset(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    token: str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    dry_run: bool = False,
) -> Push:
    """Uploads a dataset written by ``ser-hf build`` to a dataset repository of the Hub, in one commit.

    Recordings of a corpus whose licence forbids passing them on are never sent, in a private repository neither: of
    those the repository holds the manifest (clip ids, splits, hashes), from which ``ser-hf build --manifest`` makes the
    same dataset out of the reader's own copy. Where no corpus may be sent, the manifest is all there is.

    Args:
        folder: the built dataset.
        repo_id: ``"user/name"``, or ``"name"`` under the token's user.
        private: for a repository made here; one that is public already is refused.
        token: a token that may write; the stored one by default.
        revision: branch, made if missing.
        create_pr: as a pull request to a repository that is there.
        dry_run: sends nothing and needs no token; says what would be sent.

    Returns:
        The address, and the files with what the Hub has of them.

    Raises:
        SerHfError: not a built dataset, a file of it is missing, or the Hub refuses.
    """
    path = Path(folder)
    build = load_build(path)
    files = files_to_push(path, build)
    target = Target(
        repo_id=repo_id,
        repo_type="dataset",
        private=private,
        revision=revision,
        create_pr=create_pr,
        dry_run=dry_run,
        token=token,
    )
    return upload(files, build["name"], target)


def is_dataset(folder: str | Path) -> bool:
    """Whether a folder is a built dataset and no run."""
    return (Path(folder) / BUILD).is_file() and not (Path(folder) / "config.json").is_file()


def files_to_push(folder: Path, build: dict[str, Any]) -> dict[str, Path | str]:
    """What is sent: name in the repository -> file, or text.

    Raises:
        SerHfError: a file that the card names is missing.
    """
    published = open_corpora(build)
    data = {corpus: sorted((folder / "data" / corpus).glob("*.parquet")) for corpus in published}
    for corpus, found in data.items():
        if not found:
            raise SerHfError(f"{folder} has no data of {corpus}; build the dataset again")
    if not (folder / MANIFEST).is_file():
        raise SerHfError(f"{folder} has no {MANIFEST}; build the dataset again")
    shards = {file.relative_to(folder).as_posix(): file for found in data.values() for file in found}
    card = render_dataset_card(build, published=published)
    return {CARD: card, BUILD: folder / BUILD, MANIFEST: folder / MANIFEST, **shards}


def open_corpora(build: dict[str, Any]) -> tuple[str, ...]:
    """The corpora of a dataset whose licence lets the recordings be passed on."""
    return tuple(corpus["name"] for corpus in build["corpora"] if corpus["redistributable"])
