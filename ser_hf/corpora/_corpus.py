"""The record that describes a corpus, and the registry the corpus files fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_hf.errors import SplitError
from ser_hf.records import Clip
from ser_hf.registry import Registry

Folds = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What is known of a corpus without opening its audio.

    Attributes:
        name: registered name; also the name of its folder under ``--data_root`` and the prefix of its speakers.
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
        find: for corpora that are not described by file names: root -> clips, sorted. Replaces the walk and ``parse``.
        folds: protocol -> fold number -> test speakers, as the corpus writes them (without prefix).
        synthetic: True for made-up voices, whose scores say nothing about people.
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
    parse: Callable[[Path], Clip | None] | None = None
    find: Callable[[Path], Iterator[Clip]] | None = None
    sampling_rate: int | None = None
    expected: Mapping[str, int] = field(default_factory=dict)
    folds: Mapping[str, Folds] = field(default_factory=dict)
    synthetic: bool = False

    def speaker(self, native: str) -> str:
        """The speaker's name across corpora, e.g. ``"ravdess_01"``."""
        return f"{self.name}_{native}"

    def test_speakers(self, protocol: str, fold: int) -> tuple[str, ...]:
        """The test speakers of a published fold, prefixed.

        Raises:
            SplitError: the corpus has no folds under this protocol, or no such fold.
        """
        if protocol not in self.folds:
            raise SplitError(
                f"corpus {self.name!r} has no {protocol!r} folds; it has: {', '.join(self.folds) or 'none'}"
            )
        folds = self.folds[protocol]
        if fold not in folds:
            known = ", ".join(map(str, folds))
            raise SplitError(f"corpus {self.name!r} has no {protocol!r} fold {fold}; it has folds {known}")
        return tuple(self.speaker(s) for s in folds[fold])

    def card(self) -> dict[str, Any]:
        """The facts that cards and reports print, as plain JSON data."""
        keys = "name title licence licence_url redistributable citation homepage language synthetic"
        return {key: getattr(self, key) for key in keys.split()}


CORPORA: Registry[Corpus] = Registry("corpus", "ser_hf.corpora")


def register(corpus: Corpus) -> Corpus:
    """Makes a corpus known under its name."""
    return CORPORA.register(corpus.name, corpus)
