"""Corpus folders -> a dataset folder that ``load_dataset`` reads, and the audit of such a folder."""

from __future__ import annotations

import contextlib
import glob
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from ser_hf.audio import LONGEST
from ser_hf.audit import Audit, audit
from ser_hf.base.atomic import write_json
from ser_hf.base.disk import writing
from ser_hf.base.errors import SerHfError
from ser_hf.base.provenance import now, versions
from ser_hf.corpora import Reading
from ser_hf.data import (
    MANIFEST,
    Corpora,
    card_features,
    load_built,
    load_corpus,
    read_manifest,
    split_by_manifest,
    write_manifest,
    write_parquet,
)
from ser_hf.labels import Scheme, get_scheme
from ser_hf.protocols import PROTOCOLS, Split, SplitOptions, make_split, split_counts
from ser_hf.reporting import load_build, write_dataset_card
from ser_hf.training import folders

_BUILDING, _LOCK = ".building", "lock"
_YOUNG = 60.0
"""Seconds for which a folder without a lock may be one that is just being made."""


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
    scheme: str | Path | Scheme = "8class",
    data_root: str | Path | None = None,
    data_dirs: Sequence[str] = (),
    skip_bad: bool = False,
    max_duration: float = LONGEST,
    num_proc: int | None = None,
    overwrite: bool = False,
    reading: Reading | None = None,
) -> Built:
    """Builds a harmonised dataset: Parquet shards, ``build.json`` and the dataset card.

    The folder appears whole or not at all. ``load_dataset(output, "ravdess")`` reads one corpus, ``"combined"`` all.
    What a build that was killed has left beside it is removed.

    Args:
        corpora: registered names, names of one's own that ``data_dirs`` has, or the one word ``all``: every corpus that
            has a folder.
        output: the folder to make.
        protocol: split rule.
        options: its fold, seed, sizes and speakers.
        scheme: label scheme: a name, a ``.yaml`` file, or one made by ``ser_hf.labels``.
        data_root: folder that holds one folder per corpus.
        data_dirs: ``NAME=DIR`` words, over ``data_root``.
        skip_bad: leave out clips that cannot be used and list them in the ledger.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        num_proc: worker processes.
        overwrite: replace a dataset built there before.
        reading: how corpora of one's own are read.

    Raises:
        SerHfError: ``output`` is in use, or any error of loading and splitting.
    """
    folder, labels = Path(output), get_scheme(scheme)
    _sweep(folder)
    _check_output(folder, overwrite)
    PROTOCOLS[protocol].check(options or SplitOptions())  # before any clip is read
    loaded = load_corpus(
        corpora,
        data_root=data_root,
        data_dirs=folders(data_dirs),
        scheme=labels,
        skip_bad=skip_bad,
        max_duration=max_duration,
        num_proc=num_proc,
        reading=reading,
    )
    split = make_split(loaded.dataset, protocol, options)
    return _publish(folder, loaded, split, overwrite)


def rebuild(
    manifest: str | Path,
    output: str | Path,
    *,
    data_root: str | Path | None = None,
    data_dirs: Sequence[str] = (),
    skip_bad: bool = False,
    max_duration: float = LONGEST,
    allow_differences: bool = False,
    num_proc: int | None = None,
    overwrite: bool = False,
    reading: Reading | None = None,
) -> Built:
    """Builds the dataset of a manifest from the user's own copy of its corpora: the same clips, labels and splits.

    Args:
        manifest: folder with ``manifest.parquet`` and ``build.json``, as `ser-hf push` sends them.
        output: the folder to make.
        data_root: folder that holds one folder per corpus.
        data_dirs: ``NAME=DIR`` words, over ``data_root``.
        skip_bad: leave out clips that cannot be used and list them in the ledger.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        allow_differences: build even where clips are missing or their audio is another; the card says so.
        num_proc: worker processes.
        overwrite: replace a dataset built there before.
        reading: how corpora of one's own are read.

    Raises:
        SerHfError: there is no manifest, or the copy differs from it; also any error of loading.
    """
    folder = Path(output)
    _sweep(folder)
    _check_output(folder, overwrite)
    wanted, facts = read_manifest(manifest), load_build(manifest)
    labels = Scheme.from_dict(facts["scheme_definition"])
    loaded = load_corpus(
        [corpus["name"] for corpus in facts["corpora"]],
        data_root=data_root,
        data_dirs=folders(data_dirs),
        scheme=labels,
        skip_bad=skip_bad,
        max_duration=max_duration,
        num_proc=num_proc,
        reading=reading,
    )
    split, found = split_by_manifest(loaded.dataset, wanted, facts["split"])
    if found and not allow_differences:
        raise SerHfError(
            f"your recordings are not those of the manifest {manifest}: {'; '.join(found.lines())}. "
            "Fetch the release it was made from, or build with --allow_differences"
        )
    return _publish(folder, replace(loaded, remarks=(*loaded.remarks, *found.lines())), split, overwrite)


def _publish(folder: Path, loaded: Corpora, split: Split, overwrite: bool) -> Built:
    """Writes the folder of a dataset, whole or not at all."""
    with writing(folder), _workshop(folder) as room:
        made = room / folder.name
        made.mkdir()
        configs = write_parquet(split.datasets, made)
        write_manifest(split.datasets, made / MANIFEST)
        facts = {
            "schema": 1,
            "name": folder.name,
            "created": now(),
            "versions": versions(),
            "corpora": [corpus.card() for corpus in loaded.records],
            "scheme": loaded.scheme.name,
            "scheme_definition": loaded.scheme.to_dict(),
            "classes": split.datasets["train"].features["label"].names,
            "ledger": loaded.ledger.to_dict(),
            "remarks": list(loaded.remarks),
            "splits": split_counts(split.datasets),
            "split": split.info.to_dict(),
            "audit": split.audit.to_list(),
            "configs": configs,
            "features": card_features(split.datasets),
        }
        write_json(made / "build.json", facts)
        write_dataset_card(made)
        _check_output(folder, overwrite)  # another build may have been quicker
        if folder.exists():
            folder.rename(room / "replaced")
        made.rename(folder)
    return Built(folder, loaded, split, tuple(config["config_name"] for config in configs))


def audit_dataset(
    dataset: str | Path, config: str | None = None, *, speaker_independent: bool = False, num_proc: int | None = None
) -> Audit:
    """Audits a dataset on disk.

    Args:
        dataset: folder written by `build`, or any that ``load_dataset`` reads, with the columns the audit needs.
        config: configuration; by default ``combined`` for a built dataset.
        speaker_independent: shared speakers are errors even where the dataset's protocol does not claim otherwise.
        num_proc: worker processes for the fingerprints of the recordings.

    Raises:
        SerHfError: it cannot be loaded, or lacks columns.
    """
    folder = Path(dataset)
    if not folder.is_dir():
        raise SerHfError(f"no dataset folder {folder}; expected one written by `ser-hf build`")
    claim = speaker_independent
    if (folder / "build.json").is_file():
        config, split = config or "combined", load_build(folder)["split"]
        protocol = PROTOCOLS[split["protocol"]]
        claim = claim or bool(split.get("claims_speaker_independent", protocol.claims_speaker_independent))
    return audit(load_built(folder, config), claims_speaker_independent=claim, num_proc=num_proc)


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` to build in, removed at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix, suffix = f".{folder.name}.", _BUILDING
    with tempfile.TemporaryDirectory(prefix=prefix, suffix=suffix, dir=folder.parent) as name:
        room = Path(name)
        with FileLock(room / _LOCK):
            yield room


def _sweep(folder: Path) -> None:
    """Removes what builds that were killed have left beside ``folder``."""
    for left in folder.parent.glob(f"{glob.escape(f'.{folder.name}.')}*{_BUILDING}"):
        with contextlib.suppress(OSError, Timeout):  # it is just going, or another build is at work there
            if (left / _LOCK).exists() or time.time() - left.stat().st_mtime > _YOUNG:
                with FileLock(left / _LOCK, timeout=0):
                    shutil.rmtree(left)


def _check_output(folder: Path, overwrite: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "build.json").is_file():
        raise SerHfError(f"{folder} exists and is not a dataset built by ser_hf; choose another --output")
    if not overwrite:
        raise SerHfError(f"{folder} already holds a dataset; choose another --output, or replace it with --overwrite")
