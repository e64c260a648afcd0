"""CASIA: 4 Mandarin speakers, 6 emotions; 1,200 clips circulate, the full corpus has 9,600.

Institute of Automation, Chinese Academy of Sciences: CASIA Mandarin emotional corpus, distributed by ChineseLDC. No DOI
and no licence text is known for the public part, so it is not redistributable.

Only 50 base names serve 1,200 files: a clip is its speaker, emotion and number together. They stand in the folders
(``liuchanhg/angry/201.wav``) or, in flattened copies, in the name in any order (``201-angry-liuchanhg.wav``,
``liuchanhg_201_fear_0.wav``, ``angry/liuchanhg_201.wav``). Folders above the speaker are not read: their Chinese names
arrive in any encoding. The full corpus has two parts with numbers of their own: the same texts for everybody (speakers
spelt ``liuchanhg``) and different texts (spelt ``Chang.Liu``, with ``normal`` for neutral).
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, register

_SAME_TEXTS = {name: name for name in ("liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang")}
_DIFFERENT_TEXTS = dict(
    zip(("chang.liu", "zhe.wang", "quanyin.zhao", "zuoxiang.zhao"), _SAME_TEXTS.values(), strict=True)
)
_SPEAKERS = _SAME_TEXTS | _DIFFERENT_TEXTS
_EMOTIONS = {
    "angry": "angry",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}
_WORDS = {**{word: word for word in _EMOTIONS}, "normal": "neutral"}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name and its two innermost folders; None for other names.

    Raises:
        CorpusError: there is a speaker and a number, but no emotion of the corpus.
    """
    tokens = re.split("[-_]", path.stem.lower())
    *_, grandparent, parent = ("", "", *(part.lower() for part in path.parts[:-1]))
    number = next((token for token in tokens if re.fullmatch("[0-9]{1,4}", token)), None)
    spelling = next((token for token in tokens if token in _SPEAKERS), None)
    if spelling is None and tokens == [number] and grandparent in _SPEAKERS:
        spelling, tokens = grandparent, []
    if spelling is None or number is None:
        return None
    word = next((token for token in (*tokens, parent) if token in _WORDS), None)
    if word is None:
        raise CorpusError(
            f"{path}: no CASIA emotion in the name or the folder {parent!r}; expected one of {', '.join(_WORDS)}"
        )
    speaker, native, same = _SPEAKERS[spelling], _WORDS[word], spelling in _SAME_TEXTS
    return Clip(
        path=path,
        corpus="casia",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=CASIA.speaker(speaker),
        clip_id=f"casia/{speaker}/{native}/{number if same else f'different_{number}'}",
        language="zh",
        sentence=number if same else None,
    )


CASIA = register(
    Corpus(
        name="casia",
        title="CASIA Chinese emotional speech corpus",
        homepage="http://www.chineseldc.org",
        citation="Institute of Automation, Chinese Academy of Sciences: CASIA Mandarin emotional corpus, ChineseLDC",
        licence="unknown (sold by ChineseLDC; the public part has no licence text)",
        licence_url="",
        redistributable=False,
        language="zh",
        sampling_rate=16_000,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, 200),
        names="liuchanhg/angry/201.wav",
        how_to_get=(
            "Order the corpus from ChineseLDC (http://www.chineseldc.org), or download the public 1,200 clips after "
            "logging in at https://aistudio.baidu.com/aistudio/datasetdetail/209512, and unpack them so that the "
            "folder holds <speaker>/<emotion>/<number>.wav, e.g. casia/liuchanhg/angry/201.wav."
        ),
        parse=parse,
    )
)
