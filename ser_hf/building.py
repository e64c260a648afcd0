"""Corpus folders -> a dataset folder that ``load_dataset`` reads, and the audit of such a folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_hf.atomic import write_json
from ser_hf.data import (
    PROTOCOLS,
    Audit,
    Corpora,
    Split,
    SplitOptions,
    audit,
    load_built,
    load_corpus,
    make_split,
    split_counts,
    write_parquet,
)
from ser_hf.errors import SerHfError
from ser_hf.provenance import now, versions
from ser_hf.reporting import load_build, write_dataset_card
from ser_hf.training import folders


@dataclass(frozen=True, slots=True)
class Built:
    """A built dataset."""

    folder: Path
    corpora: Corpora
    split: Split
    configs: tuple[str, ...]


def build(
    corpora: Sequence[str],
    output: str | Path,
    *,
    protocol: str,
    options: SplitOptions | None = None,
    scheme: str = "8class",
    data_root: str | Path | None = None,
    data_dirs: Sequence[str] = (),
    skip_bad: bool = False,
    num_proc: int | None = None,
    overwrite: bool = False,
) -> Built:
    """Builds a harmonised dataset: Parquet shards, ``build.json`` and the dataset card.

    The folder appears whole or not at all. ``load_dataset(output, "ravdess")`` reads one corpus, ``"combined"`` all.

    Args:
        corpora: registered names.
        output: the folder to make.
        protocol: split rule.
        options: its fold, seed, sizes and speakers.
        scheme: label scheme.
        data_root: folder that holds one folder per corpus.
        data_dirs: ``NAME=DIR`` words, over ``data_root``.
        skip_bad: leave out unreadable files and list them in the ledger.
        num_proc: worker processes.
        overwrite: replace a dataset built there before.

    Raises:
        SerHfError: ``output`` is in use, or any error of loading and splitting.
    """
    folder = Path(output)
    _check_output(folder, overwrite)
    loaded = load_corpus(
        corpora, data_root=data_root, data_dirs=folders(data_dirs), scheme=scheme, skip_bad=skip_bad, num_proc=num_proc
    )
    split = make_split(loaded.dataset, protocol, options)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        made = Path(name) / folder.name
        made.mkdir()
        configs = write_parquet(split.datasets, made)
        facts = {
            "schema": 1,
            "name": folder.name,
            "created": now(),
            "versions": versions(),
            "corpora": [corpus.card() for corpus in loaded.records],
            "scheme": scheme,
            "classes": split.datasets["train"].features["label"].names,
            "ledger": loaded.ledger.to_dict(),
            "remarks": list(loaded.remarks),
            "splits": split_counts(split.datasets),
            "split": split.info.to_dict(),
            "audit": split.audit.to_list(),
            "configs": configs,
        }
        write_json(made / "build.json", facts)
        write_dataset_card(made)
        if folder.exists():
            shutil.rmtree(folder)
        made.replace(folder)
    return Built(folder, loaded, split, tuple(config["config_name"] for config in configs))


def audit_dataset(dataset: str | Path, config: str | None = None, *, speaker_independent: bool = False) -> Audit:
    """Audits a dataset on disk.

    Args:
        dataset: folder written by `build`, or any that ``load_dataset`` reads, with the columns the audit needs.
        config: configuration; by default ``combined`` for a built dataset.
        speaker_independent: shared speakers are errors even where the dataset's protocol does not claim otherwise.

    Raises:
        SerHfError: it cannot be loaded, or lacks columns.
    """
    folder = Path(dataset)
    if not folder.is_dir():
        raise SerHfError(f"no dataset folder {folder}; expected one written by `ser-hf build`")
    claim = speaker_independent
    if (folder / "build.json").is_file():
        config = config or "combined"
        claim = claim or PROTOCOLS[load_build(folder)["split"]["protocol"]].claims_speaker_independent
    return audit(load_built(folder, config), claims_speaker_independent=claim)


def _check_output(folder: Path, overwrite: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "build.json").is_file():
        raise SerHfError(f"{folder} exists and is not a dataset built by ser_hf; choose another --output")
    if not overwrite:
        raise SerHfError(f"{folder} already holds a dataset; choose another --output, or replace it with --overwrite")
