"""RAVDESS, song: 23 actors (there is none of actor 18), 6 emotions, 1,012 clips.

Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). PLoS ONE
13(5): e0196391, doi 10.1371/journal.pone.0196391. Licence: CC BY-NC-SA 4.0.

The grammar of the names is in ``_ravdess.py``; only names that begin with 03-02 belong here, so that a folder which
holds speech and song together serves both corpora. A corpus of its own, as pitch and duration follow a melody; the
actors are those of ``ravdess``. Disgust and surprise are not sung. Ages are not published.
"""

from __future__ import annotations

from pathlib import Path

from ser_hf.records import Clip

from ._corpus import Corpus, Download, register
from ._ravdess import EMOTIONS, aside, read_name

_SUNG = EMOTIONS[:6]


def parse(path: Path) -> Clip | None:
    """Reads a song clip from its name; None for speech, video and other names.

    Raises:
        CorpusError: the emotion, intensity, statement or actor code is outside the grammar.
    """
    return read_name(path, RAVDESS_SONG, "song")


RAVDESS_SONG = register(
    Corpus(
        name="ravdess_song",
        title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), song",
        homepage="https://zenodo.org/records/1188976",
        citation="Livingstone & Russo (2018), PLoS ONE 13(5): e0196391, doi:10.1371/journal.pone.0196391",
        licence="CC BY-NC-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        redistributable=True,
        language="en",
        sampling_rate=48_000,
        emotions={name: name for name in _SUNG},
        expected={name: 92 if name == "neutral" else 184 for name in _SUNG},
        names="03-02-05-02-01-01-12.wav",
        how_to_get="Download Audio_Song_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it.",
        downloads=(
            Download(
                url="https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip?download=1",
                filename="Audio_Song_Actors_01-24.zip",
                sha256="89f3df66cc67ebb70c8af6f72f3f359bee497f6f763a9d863b6477619716d428",
                md5="5411230427d67a21e18aa4d466e6d1b9",
                size=225_505_317,
            ),
        ),
        speakers_of="ravdess",
        parse=parse,
        aside=aside,
    )
)
