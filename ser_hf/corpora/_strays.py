"""Why an audio file in a corpus' folder is no clip of it, and which clips lie in another speaker's folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import CORPORA, Corpus, Parse

NOT_UTF8 = "a name that is not UTF-8"
COPY_NAME = "a copy by its name"
UNKNOWN = "no name of this corpus"
UNLISTED = "not in the table"
SECOND = "a second file of a clip"
CODE = "an unknown code in the name"
UNSAID = "too little is known of it"

_COPY = re.compile(r"( \(\d+\)|\(\d+\)| - Copy( \(\d+\))?| copy( \d+)?|[ _-]copy\d*|~\d*)+$", re.IGNORECASE)
_WORDS = re.compile(r"[^0-9a-z]+")


def reason(path: Path, corpus: Corpus, parse: Parse | None) -> str:
    """In a few words, why ``path`` is not taken for a clip; the audio is not opened.

    >>> from ser_hf.corpora import CORPORA
    >>> ravdess = CORPORA["ravdess"]
    >>> reason(Path("03-01-05-01-01-01-12 (1).wav"), ravdess, ravdess.parse)
    'a copy by its name'
    """
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return NOT_UTF8
    original = path.with_name(_COPY.sub("", path.stem) + path.suffix)
    if original != path and _is_clip(parse, original):
        return COPY_NAME
    aside = corpus.aside(path) if corpus.aside is not None else None
    if aside:
        return aside
    other = next((c.name for c in CORPORA.values() if c.name != corpus.name and _is_clip(c.parse, path)), None)
    return UNKNOWN if other is None else f"a name of the corpus {other}"


def misplaced(clips: Iterable[Clip], corpus: Corpus, root: Path) -> list[Clip]:
    """Clips that lie in a folder named after another speaker than their name says, e.g. ``Actor_02/...-05.wav``.

    A folder is taken to be named after a speaker where a word of its name is a speaker of the corpus, and where most
    clips in such folders agree with theirs: a folder ``1`` may well be something else.
    """
    prefix = f"{corpus.speakers_of or corpus.name}_"
    speaker_of = {c.clip_id: c.speaker.removeprefix(prefix).lower() for c in clips if c.speaker is not None}
    known, words_of = set(speaker_of.values()), {}
    agreeing, astray = 0, []
    for clip in clips:
        if clip.clip_id not in speaker_of:
            continue
        if clip.path.parent not in words_of:
            words_of[clip.path.parent] = known & _folder_words(clip.path.parent, root)
        words = words_of[clip.path.parent]
        if speaker_of[clip.clip_id] in words:
            agreeing += 1
        elif words:
            astray.append(clip)
    return astray if agreeing > len(astray) else []


def _folder_words(folder: Path, root: Path) -> set[str]:
    parts = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
    return {word for part in parts for word in (part.lower(), *_WORDS.split(part.lower())) if word}


def _is_clip(parse: Parse | None, path: Path) -> bool:
    try:
        return parse is not None and parse(path) is not None
    except CorpusError:
        return False
