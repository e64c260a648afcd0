"""ESD: 20 speakers, 5 emotions, 350 texts each, 35,000 clips: one half Mandarin, the other English.

Zhou K, Sisman B, Liu R, Li H (2021). Seen and Unseen Emotional Style Transfer for Voice Conversion with a New Emotional
Speech Dataset. ICASSP 2021, 920-924, doi 10.1109/ICASSP39728.2021.9413391; (2022) Emotional voice conversion: Theory,
databases and ESD. Speech Communication 137, 1-18. For research, after signing a form; not redistributable.

Three names: ``esd`` is everything, ``esd_zh`` (speakers 0001-0010) and ``esd_en`` (0011-0020) are its halves, for which
the files of the other language are foreign. Each name prefixes its own clips, so that no two rows collide; the speakers
are those of ``esd`` under all three. ``esd_en`` with ``esd_zh`` is all of ``esd``; ``esd`` with one of them holds
recordings twice.

File name: ``SPEAKER_NUMBER``. The number gives the emotion in blocks of 350 and, within a block, the text, which is the
same for all emotions and all speakers of a language. The split is the one of the older archive, by text: 1-20
evaluation, 21-50 test, the others for training. Transcripts are in ``SPEAKER/SPEAKER.txt``, a line per clip: name,
text, emotion; they are written in four encodings, and in some lines spaces stand for tabs.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Parse, register
from ._walk import table_files

_NAME = re.compile("([0-9]{4})_([0-9]{6})")
_LINE = re.compile(r"([0-9]{4}_[0-9]{6})\s+(.*)")
_EMOTIONS = {"Neutral": "neutral", "Angry": "angry", "Happy": "happy", "Sad": "sad", "Surprise": "surprised"}
_WORDS = frozenset({*_EMOTIONS, "中立", "生气", "快乐", "伤心", "惊喜"})
_TEXTS = 350
_EVALUATION, _TEST = 20, 50
_SPEAKERS, _ZH, _EN = range(1, 21), range(1, 11), range(11, 21)
_MALE = frozenset({4, 5, 6, 8, 10, 11, 12, 13, 14, 20})


def _clip(path: Path, corpus: Corpus, speakers: range, texts: Mapping[str, str]) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, number = map(int, match.groups())
    if speaker not in _SPEAKERS:
        raise CorpusError(f"{path}: unknown ESD speaker {match[1]}; expected 0001 to 0020")
    if speaker not in speakers:
        return None
    if not 1 <= number <= _TEXTS * len(_EMOTIONS):
        raise CorpusError(f"{path}: unknown ESD number {match[2]}; expected 000001 to 001750")
    block, before = divmod(number - 1, _TEXTS)
    native, text = [*_EMOTIONS][block], before + 1
    language = "zh" if speaker in _ZH else "en"
    return Clip(
        path=path,
        corpus=corpus.name,
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=corpus.speaker(match[1]),
        clip_id=f"{corpus.name}/{path.stem}",
        sex="male" if speaker in _MALE else "female",
        language=language,
        sentence=texts.get(path.stem) or f"{language} {text}",
        partition="validation" if text <= _EVALUATION else "test" if text <= _TEST else "train",
    )


def _transcripts(root: Path, speakers: range) -> dict[str, str]:
    """Name of a clip -> what is said in it, from every table of these speakers below ``root``."""
    texts: dict[str, str] = {}
    for table in table_files(root, frozenset({".txt"})):
        if re.fullmatch("[0-9]{4}", table.stem) and int(table.stem) in speakers:
            texts |= {name: text for name, text in _lines(table) if name not in texts}
    return texts


def _lines(table: Path) -> Iterator[tuple[str, str]]:
    # not splitlines(), which also breaks at characters that Latin-1 text may hold
    for number, line in enumerate(_decode(table).split("\n"), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise CorpusError(f"{table}, line {number}: expected NAME, text and emotion, found {line!r:.60}")
        text, tab, _ = match[2].partition("\t")
        words = text.split()
        if not tab and _WORDS.intersection(words[-1:]):
            del words[-1]
        yield match[1], " ".join(words)


def _decode(table: Path) -> str:
    """A table's text: by its byte order mark, else UTF-8, else the old encoding of its language."""
    data = table.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["utf-16"]
    else:
        tried = ["utf-8-sig", "gb18030" if int(table.stem) in _ZH else "latin-1"]
    for encoding in tried:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CorpusError(f"{table}: expected text in {' or '.join(tried)}; it is neither, so fetch the file again")


def _register(name: str, part: str, language: str | None, speakers: range) -> Corpus:
    def read(root: Path) -> Parse:
        texts = _transcripts(root, speakers)
        return lambda path: _clip(path, corpus, speakers, texts)

    corpus = Corpus(
        name=name,
        title=f"Emotional Speech Dataset (ESD){part}",
        homepage="https://hltsingapore.github.io/ESD/",
        citation="Zhou, Sisman, Liu & Li (2022), Speech Communication 137, 1-18; (2021) ICASSP, 920-924, "
        "doi:10.1109/ICASSP39728.2021.9413391",
        licence="research only, after signing a form",
        licence_url="https://github.com/HLTSingapore/Emotional-Speech-Data",
        redistributable=False,
        language=language,
        sampling_rate=16_000,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, _TEXTS * len(speakers)),
        names=f"00{speakers[0]:02d}_000351.wav",
        how_to_get=(
            "Sign the licence form and download the archive as told at "
            "https://github.com/HLTSingapore/Emotional-Speech-Data, and unpack it. Expected, at any depth: "
            "0011/Angry/0011_000351.wav and, for the texts, 0011/0011.txt. One folder serves esd, esd_en and esd_zh: "
            "name it with --data_dirs."
        ),
        speakers_of="esd",
        reader=read,
    )
    return register(corpus)


ESD = _register("esd", "", None, _SPEAKERS)
ESD_EN = _register("esd_en", ", English half", "en", _EN)
ESD_ZH = _register("esd_zh", ", Mandarin half", "zh", _ZH)
