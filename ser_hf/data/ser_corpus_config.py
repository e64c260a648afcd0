"""What a corpus is built from: which records, where their files are, how those of one's own are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import datasets

from ser_hf.audio import LONGEST
from ser_hf.base.errors import CorpusError, SerHfError, unknown
from ser_hf.corpora import CORPORA, FOLDER, Corpus, Reading, Scan, corpus_root, own_corpus, scan
from ser_hf.labels import Scheme, get_scheme

from ._dataset_source import is_dataset
from .dataset_corpus import dataset_corpus
from .own_words import with_known_words
from .synthetic import synthetic_root

COMBINED = "combined"


@dataclass
class SerCorpusConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """What a corpus is built from.

    Attributes:
        corpora: names of the corpora; by default the one the config is named after, for ``combined`` all that have a
            folder under ``data_root``. A name that is not registered is that of a corpus of one's own.
        data_root: folder that holds one folder per corpus.
        data_dirs: corpus name -> its folder, over ``data_root``; for one's own also a table or a dataset.
            ``data_dir`` does the same for a single corpus.
        scheme: label scheme: a name, a ``.yaml`` file, or one made by ``ser_hf.labels``.
        skip_bad: leave out clips that cannot be used instead of stopping.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        reading: how corpora of one's own are read.
    """

    corpora: tuple[str, ...] = ()
    data_root: str | None = None
    data_dirs: dict[str, str] = field(default_factory=dict)
    scheme: str | Scheme = "8class"
    skip_bad: bool = False
    max_duration: float = LONGEST
    reading: Reading = field(default_factory=Reading)

    def scans(self) -> list[Scan]:
        """Finds the clips of every corpus asked for; no audio is opened.

        Raises:
            CorpusError: a folder is missing or holds no clip, or a label of one's own says nothing.
        """
        found = [scan(corpus, self._root(corpus), self.skip_bad) for corpus in self._corpora()]
        return with_known_words(found, get_scheme(self.scheme), self.reading.labels, self.skip_bad)

    def _corpora(self) -> list[Corpus]:
        if self.corpora:
            return [self._record(name) for name in dict.fromkeys(self.corpora)]
        if self.name != COMBINED:
            return [self._record(self.name)]
        parent = Path(self.data_root).expanduser() if self.data_root else None
        there = {p.name.lower() for p in parent.iterdir()} if parent and parent.is_dir() else set()
        own = [name for name in self.data_dirs if name not in CORPORA]
        found = [self._record(name) for name in (*CORPORA, *own) if name in there or name in self.data_dirs]
        if not found:
            where = f"no corpus folder in {parent}" if parent else "no folder given; pass data_root or data_dirs"
            raise CorpusError(f"{where}; expected one or more of: {', '.join(CORPORA)}")
        return found

    def _record(self, name: str) -> Corpus:
        """The corpus of a name; one of one's own as its files say.

        Raises:
            SerHfError: nobody registered it, and no place for it was given.
        """
        if name in CORPORA and name != FOLDER:
            return CORPORA[name]
        place = self.data_dirs.get(name) or self.data_dir
        if place is None and self.data_root and (below := Path(self.data_root).expanduser() / name).is_dir():
            place = str(below)
        if place is None and name not in CORPORA:
            raise SerHfError(
                f"{unknown('corpus', name, CORPORA)}; or a corpus of your own, whose place you give by "
                f"--data_dirs {name}=FOLDER_TABLE_OR_DATASET"
            )
        if place is None:
            return CORPORA[name]
        if is_dataset(place):
            return dataset_corpus(name, place, self.reading)
        return own_corpus(name, Path(place).expanduser(), self.reading)

    def _root(self, corpus: Corpus) -> Path:
        if self.data_dir is not None and len(self.corpora) < 2:
            return corpus_root(corpus, None, {corpus.name: self.data_dir})
        if corpus.fetch is not None:
            return Path(self.data_dirs[corpus.name])
        if corpus.synthetic and corpus.name not in self.data_dirs:
            given = Path(self.data_root).expanduser() / corpus.name if self.data_root else None
            return given if given is not None and given.is_dir() else synthetic_root()
        return corpus_root(corpus, self.data_root, self.data_dirs)
