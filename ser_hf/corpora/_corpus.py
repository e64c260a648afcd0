"""The record that describes a corpus, and the registry the corpus files fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_hf.base.errors import CorpusError
from ser_hf.base.registry import Registry
from ser_hf.records import Clip

from ._folds import FoldSet, published_folds

Parse = Callable[[Path], Clip | None]
Refuse = Callable[[Path, CorpusError], None]


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that anybody can fetch.

    Attributes:
        url: direct address.
        filename: what it is called on disk; an archive is unpacked, by its content.
        sha256: checksum in hex digits; None where none is published.
        md5: the same by MD5.
        size: in bytes; None where unknown.
        folder: where under the corpus' folder it, or what is in it, goes; ``""`` is the folder itself.
    """

    url: str
    filename: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What is known of a corpus without opening its audio.

    Attributes:
        name: registered name; also the name of its folder under ``--data_root`` and the prefix of its speakers.
        speakers_of: the corpus whose people these are, if another one's: they must have one id in both, or a split of
            the two by speakers would have the same voice on both sides.
        title: full name.
        citation: the reference to cite, with its DOI where there is one.
        licence: short name, e.g. ``"CC BY-NC-SA 4.0"``.
        redistributable: whether the licence lets the recordings be published again in another form.
        language: BCP 47 code; None where it differs from clip to clip or is unknown.
        sampling_rate: of the original release, in Hz.
        emotions: native label -> harmonised emotion.
        expected: native label -> clips in the official release; empty where there is no official count.
        names: an example of a file name, for messages.
        how_to_get: where the recordings come from, for messages.
        parse: path -> ``Clip``; None for a file that is not part of this corpus.
        reader: root -> such a function; for corpora with tables beside the audio, read once.
        find: for corpora that are not described by file names: (root, refuse) -> clips, sorted; a file with an unknown
            label is handed to ``refuse``, which raises or notes it. Replaces the walk and ``parse``.
        extensions: of files to look at beside audio files, e.g. ``{".mp4"}``; lower case.
        aside: path -> in a few words what a file of the release is that is no clip of this corpus, e.g. ``"song"``.
        bad: clip id -> what is wrong with the recording in the official release.
        downloads: files that need no registration; empty where ``how_to_get`` is the only way.
        synthetic: True for made-up voices, whose scores say nothing about people.
        own: True for recordings of one's own, whose labels may be words that no other corpus has.
        fetch: clip -> the bytes of its recording, for clips that are rows of a dataset and no files.
        state: what changes when such a dataset does.
    """

    name: str
    title: str
    homepage: str
    citation: str
    licence: str
    licence_url: str
    redistributable: bool
    language: str | None
    emotions: Mapping[str, str]
    names: str
    how_to_get: str
    speakers_of: str | None = None
    parse: Parse | None = None
    reader: Callable[[Path], Parse] | None = None
    find: Callable[[Path, Refuse], Iterator[Clip]] | None = None
    extensions: frozenset[str] = frozenset()
    aside: Callable[[Path], str | None] | None = None
    bad: Mapping[str, str] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    sampling_rate: int | None = None
    expected: Mapping[str, int] = field(default_factory=dict)
    synthetic: bool = False
    own: bool = False
    fetch: Callable[[Clip], bytes] | None = field(default=None, repr=False)
    state: str = ""

    def speaker(self, native: str) -> str:
        """The speaker's name across corpora, e.g. ``"ravdess_01"``."""
        return f"{self.speakers_of or self.name}_{native}"

    @property
    def folds(self) -> Mapping[str, FoldSet]:
        """Protocol -> its published folds, from ``folds/<name>.json`` beside the corpus files."""
        return published_folds(self.name)

    def card(self) -> dict[str, Any]:
        """The facts that cards and reports print, as plain JSON data."""
        keys = "name title licence licence_url redistributable citation homepage language synthetic"
        return {key: getattr(self, key) for key in keys.split()}


CORPORA: Registry[Corpus] = Registry("corpus", "ser_hf.corpora")


def register(corpus: Corpus) -> Corpus:
    """Makes a corpus known under its name."""
    return CORPORA.register(corpus.name, corpus)
