"""RAVDESS, speech: 24 actors, 8 emotions, 1,440 clips.

Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). PLoS ONE
13(5): e0196391, doi 10.1371/journal.pone.0196391. Licence: CC BY-NC-SA 4.0.

The grammar of the names is in ``_ravdess.py``; only names that begin with 03-01 belong here, song is ``ravdess_song``.
The actor is taken from the name, as copies with files in wrong folders circulate. Ages are not published.
"""

from __future__ import annotations

from pathlib import Path

from ser_hf.records import Clip

from ._corpus import Corpus, Download, register
from ._ravdess import EMOTIONS, aside, read_name


def parse(path: Path) -> Clip | None:
    """Reads a speech clip from its name; None for song, video and other names.

    Raises:
        CorpusError: the emotion, intensity, statement or actor code is outside the grammar.
    """
    return read_name(path, RAVDESS, "speech")


RAVDESS = register(
    Corpus(
        name="ravdess",
        title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech",
        homepage="https://zenodo.org/records/1188976",
        citation="Livingstone & Russo (2018), PLoS ONE 13(5): e0196391, doi:10.1371/journal.pone.0196391",
        licence="CC BY-NC-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        redistributable=True,
        language="en",
        sampling_rate=48_000,
        emotions={name: name for name in EMOTIONS},
        expected={name: 96 if name == "neutral" else 192 for name in EMOTIONS},
        names="03-01-05-02-01-01-12.wav",
        how_to_get="Download Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it.",
        downloads=(
            Download(
                url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
                filename="Audio_Speech_Actors_01-24.zip",
                sha256="5d208e01632cc3e5242106fa2af3273e6dc5239fb8143131979ac74c4aa40657",
                md5="bc696df654c87fed845eb13823edef8a",
                size=208_468_073,
            ),
        ),
        parse=parse,
        aside=aside,
    )
)
