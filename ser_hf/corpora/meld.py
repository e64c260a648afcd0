"""MELD: turns of dialogue from the TV series Friends, 7 emotions, 13,707 video clips.

Poria S, Hazarika D, Majumder N, Naik G, Cambria E, Mihalcea R (2019). MELD: A Multimodal Multi-Party Dataset for
Emotion Recognition in Conversations. ACL 2019, doi 10.18653/v1/P19-1050. The annotations are under GPL-3.0; the
recordings belong to the broadcaster and are not redistributable.

File name: ``dia0_utt0.mp4``. Numbers start anew in each of ``train``, ``dev`` and ``test``, so the split is read from
the innermost folder that names one. Labels, speakers and texts are in ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and
``test_sent_emo.csv``, looked for anywhere below the corpus' folder. The label is of the words in their context;
laughter and other voices are in most clips. The main cast speaks in all three splits. The tables have 13,708 rows: one
clip, dia110_utt7 of ``dev``, is not in the archive. Files without a row (``final_videos_testdia*`` and a few more) are
not part of the corpus.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, Parse, register
from ._meld_tables import EMOTIONS, Key, Utterance, read_tables

_NAME = re.compile(r"dia(\d+)_utt(\d+)", re.IGNORECASE)
_SPLIT = re.compile(r"(?<![a-z])(train|dev|test)(?![a-z])")
_PARTITIONS = {"train": "train", "dev": "validation", "test": "test"}
_Tables = dict[str, dict[Key, Utterance]]


def reader(root: Path) -> Parse:
    """Reads the tables below ``root`` once for all clips.

    Raises:
        CorpusError: a table is malformed.
    """
    return partial(_parse, root=root, tables=read_tables(root))


def _parse(path: Path, root: Path, tables: _Tables) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    split = _split(path, root, tables)
    if split not in tables:
        raise CorpusError(
            f"{path}: its label is in {split}_sent_emo.csv, which was looked for below {root} and is not there; "
            f"fetch it from {_TABLES}/{split}_sent_emo.csv"
        )
    key = int(match[1]), int(match[2])
    row = tables[split].get(key)
    if row is None:
        return None
    return Clip(
        path=path,
        corpus="meld",
        native_label=row.emotion,
        emotion=EMOTIONS[row.emotion],
        speaker=MELD.speaker(row.speaker),
        clip_id=f"meld/{split}/dia{key[0]}_utt{key[1]}",
        language="en",
        sentence=row.text or None,
        session=row.episode,
        partition=_PARTITIONS[split],
    )


def _split(path: Path, root: Path, tables: _Tables) -> str:
    """The split that the innermost telling folder names; where none does, that of the only table."""
    for part in reversed(path.relative_to(root).parts[:-1]):
        named = set(_SPLIT.findall(part.lower()))
        if len(named) == 1:
            return str(named.pop())
    if len(tables) == 1:
        return next(iter(tables))
    raise CorpusError(
        f"{path}: no folder between it and {root} names train, dev or test, and MELD numbers its clips anew in each; "
        "keep one folder per split"
    )


_TABLES = "https://raw.githubusercontent.com/declare-lab/MELD/master/data/MELD"
_ARCHIVE = "http://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz"

MELD = register(
    Corpus(
        name="meld",
        title="Multimodal EmotionLines Dataset (MELD)",
        homepage="https://affective-meld.github.io/",
        citation="Poria et al. (2019), ACL 2019, 527-536, doi:10.18653/v1/P19-1050",
        licence="annotations GPL-3.0; recordings of the broadcaster, not redistributable",
        licence_url="https://github.com/declare-lab/MELD/blob/master/LICENSE",
        redistributable=False,
        language="en",
        sampling_rate=48_000,
        emotions=EMOTIONS,
        expected={
            "neutral": 6435,
            "joy": 2308,
            "sadness": 1002,
            "anger": 1607,
            "surprise": 1636,
            "fear": 358,
            "disgust": 361,
        },
        bad={
            "meld/train/dia125_utt3": "not decodable",
            "meld/train/dia309_utt0": "cut wrongly",
            "meld/train/dia793_utt0": "disturbed sound",
            "meld/test/dia38_utt4": "cut wrongly: 5 minutes long",
            "meld/test/dia220_utt0": "cut wrongly: 4 minutes of another scene",
        },
        names="train/train_splits/dia0_utt0.mp4",
        how_to_get=f"Download {_ARCHIVE}, unpack it and the three archives in it (train, dev and test), and put "
        f"train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv from {_TABLES} beside them; keep the folders "
        "train_splits, dev_splits_complete and output_repeated_splits_test.",
        downloads=(
            Download(url=_ARCHIVE, filename="MELD.Raw.tar.gz"),
            *(
                Download(url=f"{_TABLES}/{split}_sent_emo.csv", filename=f"{split}_sent_emo.csv")
                for split in _PARTITIONS
            ),
        ),
        extensions=frozenset({".mp4"}),
        reader=reader,
    )
)
