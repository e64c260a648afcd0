"""Corpus folders -> harmonised dataset and the ledger of every clip found."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets

from ser_hf.audio import decode
from ser_hf.corpora import CORPORA, Corpus
from ser_hf.errors import AudioError, CorpusError, SerHfError
from ser_hf.labels import Ledger, get_scheme, make_ledger
from ser_hf.records import Clip

from .ser_corpus import COMBINED, SerCorpus

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corpora:
    """A harmonised dataset with what is known about it.

    Attributes:
        dataset: the rows, see ``row_features``.
        ledger: what became of every clip found.
        records: the corpora in it.
        remarks: counts that differ from the official ones, files left out.
    """

    dataset: datasets.Dataset
    ledger: Ledger
    records: tuple[Corpus, ...]
    remarks: tuple[str, ...]


def load_corpus(
    corpora: Sequence[str],
    *,
    data_root: str | Path | None = None,
    data_dirs: Mapping[str, str] | None = None,
    scheme: str = "8class",
    skip_bad: bool = False,
    num_proc: int | None = None,
    cache_dir: str | Path | None = None,
) -> Corpora:
    """Builds (or takes from the cache) the dataset of one or more corpora.

    Args:
        corpora: registered names, see ``ser-hf list corpora``.
        data_root: folder that holds one folder per corpus.
        data_dirs: corpus name -> its folder, over ``data_root``.
        scheme: label scheme.
        skip_bad: leave out unreadable files and list them in the ledger, instead of stopping at the first one.
        num_proc: worker processes; None is one, in this process.
        cache_dir: where ``datasets`` keeps the result; its own default where None.

    Raises:
        CorpusError: a missing folder, no clip, no readable clip, or a name outside a corpus' grammar.
        AudioError: an unreadable file, named (unless ``skip_bad``).
        SerHfError: an unknown corpus or scheme.
    """
    names = list(dict.fromkeys(corpora))
    label_scheme = get_scheme(scheme)
    for name in (*names, *(data_dirs or ())):
        CORPORA[name]
    builder = SerCorpus(
        config_name=names[0] if len(names) == 1 else COMBINED,
        cache_dir=str(cache_dir) if cache_dir else None,
        corpora=tuple(names),
        data_root=str(data_root) if data_root else None,
        data_dirs=dict(data_dirs or {}),
        scheme=scheme,
        skip_bad=skip_bad,
    )
    clips = [clip for found in builder.scans for clip in found.clips]
    wanted = [clip for clip in clips if label_scheme.class_of(clip.emotion) is not None]
    remarks = tuple(line for found in builder.scans for line in found.remarks())
    for line in remarks:
        logger.warning(line)
    try:
        builder.download_and_prepare(num_proc=num_proc)
    except datasets.exceptions.DatasetGenerationError as error:
        raise _cause(error, wanted) from error
    if not builder.info.splits["train"].num_examples:
        why = f"; the first: {_reason(wanted[0])}" if wanted else f" under the scheme {scheme}"
        raise CorpusError(f"no readable clip in {', '.join(names)}{why}")
    dataset = builder.as_dataset(split="train")
    there = set(dataset["clip_id"][:])
    unreadable = {clip.clip_id: _reason(clip) for clip in wanted if clip.clip_id not in there}
    if unreadable:
        logger.warning("%d unreadable files left out: %s", len(unreadable), "; ".join(unreadable.values()))
    ledger = make_ledger(clips, label_scheme, unreadable)
    return Corpora(dataset, ledger, tuple(found.corpus for found in builder.scans), remarks)


def _cause(error: BaseException, clips: Sequence[Clip]) -> BaseException:
    """The user's error behind what ``datasets`` wraps around it, or the wrapper where there is none.

    An error that comes from a worker process has lost what it wraps: the unreadable file is looked for again.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, SerHfError):
            return link
        link = link.__cause__ or link.__context__
    for clip in clips:
        try:
            decode(clip.path)
        except AudioError as found:
            return found
    return error


def _reason(clip: Clip) -> str:
    try:
        decode(clip.path)
    except AudioError as error:
        return str(error)
    return f"{clip.path}: was not readable when the cache was built; now it is, so clear the cache"
