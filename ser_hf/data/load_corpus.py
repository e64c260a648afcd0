"""Corpus folders -> harmonised dataset and the ledger of every clip found."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import datasets

from ser_hf.audio import LONGEST
from ser_hf.base.disk import writing
from ser_hf.base.errors import CorpusError, SerHfError, led_to, unknown
from ser_hf.base.sealed import sealed
from ser_hf.base.steps import steps
from ser_hf.corpora import CORPORA, Corpus, Reading, mistaken_for
from ser_hf.labels import Scheme, get_scheme
from ser_hf.ledger import Ledger, make_ledger

from .checks import conflicting, repeated_audio
from .ser_corpus import SerCorpus
from .ser_corpus_config import COMBINED

logger = logging.getLogger(__name__)

EVERY = "all"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_NOTES = ("dataset_info.json", "checks.json")


@dataclass(frozen=True, slots=True)
class Corpora:
    """A harmonised dataset with what is known about it.

    Attributes:
        dataset: the rows, see ``row_features``.
        ledger: what became of every clip found.
        records: the corpora in it.
        scheme: the label scheme, with the classes that ``own`` found.
        remarks: counts that differ from the official ones, files passed over, odd files, recordings there twice.
    """

    dataset: datasets.Dataset
    ledger: Ledger
    records: tuple[Corpus, ...]
    scheme: Scheme
    remarks: tuple[str, ...]


def load_corpus(
    corpora: Sequence[str],
    *,
    data_root: str | Path | None = None,
    data_dirs: Mapping[str, str | Path] | None = None,
    scheme: str | Path | Scheme = "8class",
    skip_bad: bool = False,
    max_duration: float = LONGEST,
    num_proc: int | None = None,
    cache_dir: str | Path | None = None,
    reading: Reading | None = None,
) -> Corpora:
    """Builds (or takes from the cache) the dataset of one or more corpora.

    Args:
        corpora: registered names, see ``ser-hf list corpora``, or names of one's own that ``data_dirs`` has;
            ``["all"]`` takes every corpus that has a folder.
        data_root: folder that holds one folder per corpus.
        data_dirs: corpus name -> its folder, over ``data_root``; of one's own also a table, a folder with a dataset, or
            ``hf://USER/NAME[:CONFIG]``.
        scheme: label scheme: a name, a ``.yaml`` file, or one made by ``ser_hf.labels``.
        skip_bad: leave out clips that cannot be used (unreadable, silent, too short, known to be spoilt, with an
            unknown code in the name, or the same recording under two labels) and list them in the ledger, instead of
            stopping.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        num_proc: worker processes; None is one, in this process.
        cache_dir: where ``datasets`` keeps the result; its own default where None.
        reading: how corpora of one's own are read: which columns say what, and what labels stand for.

    Raises:
        CorpusError: a missing folder, no clip, no readable clip, or a name outside a corpus' grammar.
        AudioError: clips that cannot be used, all of them in one error (unless ``skip_bad``).
        SerHfError: an unknown corpus or scheme, or less than one process.
    """
    if num_proc is not None and num_proc < 1:
        raise SerHfError(f"num_proc is {num_proc}; expected 1 or more worker processes")
    names = [] if list(corpora) == [EVERY] else list(dict.fromkeys(corpora))
    check_names(corpora, data_dirs or {})
    builder = SerCorpus(
        config_name=names[0] if len(names) == 1 and names[0] in CORPORA else COMBINED,
        cache_dir=str(cache_dir) if cache_dir else None,
        corpora=tuple(names),
        data_root=str(data_root) if data_root else None,
        data_dirs={name: str(place) for name, place in (data_dirs or {}).items()},
        scheme=get_scheme(scheme),
        skip_bad=skip_bad,
        max_duration=max_duration,
        reading=reading or Reading(),
    )
    label_scheme: Scheme = builder.config.scheme
    if not Path(builder.cache_dir).is_dir():
        count = sum(len(one.clips) for one in builder.scans or [])
        steps.info("reading %d clips of %s", count, ", ".join(one.corpus.name for one in builder.scans or []))
    with writing(Path(builder.cache_dir)):
        sealed(partial(_prepare, builder, num_proc), partial(_kept, builder))
    scans, found = builder.scans or [], builder.findings()
    if not builder.info.splits["train"].num_examples:
        why = f"; the first: {found.bad[0].problem}" if found.bad else f" under the scheme {label_scheme.name}"
        raise CorpusError(f"no readable clip in {', '.join(corpora)}{why}")
    dataset = builder.as_dataset(split="train")
    unreadable, bad = (found.left_out(unreadable=which) for which in (True, False))
    if skip_bad and (torn := conflicting(dataset)):
        bad |= torn
        dataset = dataset.select([i for i, clip in enumerate(dataset["clip_id"][:]) if clip not in torn])
    ledger = make_ledger(
        (clip for one in scans for clip in one.clips),
        label_scheme,
        unreadable,
        bad,
        [other for one in scans for other in one.left_out()],
        [line for one in scans for line in one.refused],
    )
    remarks = (*(line for one in scans for line in one.remarks()), *found.remarks(), *repeated_audio(dataset))
    for line in remarks:
        logger.warning(line)
    lost = len(ledger.unreadable) + len(ledger.bad)
    if lost:
        logger.warning("%d clips that cannot be used were left out; the ledger lists them", lost)
    return Corpora(dataset, ledger, tuple(one.corpus for one in scans), label_scheme, remarks)


def check_names(corpora: Sequence[str], data_dirs: Mapping[str, str | Path]) -> None:
    """Checks the names of corpora: a place was given for each that nobody registered, and each such place is used.

    Raises:
        SerHfError: a name is no name, or ``data_dirs`` has one that is neither registered nor among the corpora.
    """
    for name in corpora:
        if name not in CORPORA and (_NAME.fullmatch(name) is None or name == COMBINED):
            raise SerHfError(f"{name!r} is no name for a corpus; use letters, digits, - and _")
        if name in data_dirs and (meant := mistaken_for(name)):
            raise SerHfError(
                f"unknown corpus {name!r}; did you mean {meant!r}? A corpus of your own needs a name less like that one"
            )
    for name in data_dirs:
        if name not in CORPORA and name not in corpora and list(corpora) != [EVERY]:
            raise SerHfError(
                f"data_dirs: {unknown('corpus', name, CORPORA)}. If it is one of your own, name it in --corpora as well"
            )


def _kept(builder: SerCorpus) -> list[Path]:
    """The files of the builder's cache; without one of them it is built again."""
    folder = Path(builder.cache_dir)
    return [*sorted(folder.glob("*.arrow")), *(path for name in _NOTES if (path := folder / name).is_file())]


def _prepare(builder: SerCorpus, num_proc: int | None) -> None:
    """Builds the cache, or finds it; raises the cause of an error in place of what ``datasets`` wraps around it."""
    try:
        builder.download_and_prepare(num_proc=num_proc)
    except datasets.exceptions.DatasetGenerationError as error:
        for one in led_to(error):
            if isinstance(one, SerHfError | OSError | MemoryError):
                raise one from None
        raise
