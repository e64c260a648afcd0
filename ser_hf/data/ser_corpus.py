"""The ``datasets`` builder: corpus folders in, one harmonised dataset out."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import datasets
import numpy as np

from ser_hf.audio import audio_hash, decode
from ser_hf.corpora import CORPORA, Corpus, Scan, corpus_root, scan
from ser_hf.errors import AudioError, CorpusError
from ser_hf.labels import Scheme, get_scheme
from ser_hf.records import Clip

from .synthetic import synthetic_root

COMBINED = "combined"
_VERSION = datasets.Version("0.1.0")


def row_features(scheme: Scheme) -> datasets.Features:
    """The columns of a harmonised corpus under a label scheme.

    The audio is a plain struct of the file's bytes and name: ``datasets.Audio`` would need FFmpeg even to store a path.
    """
    text, number = datasets.Value("string"), datasets.Value("int32")
    return datasets.Features(
        {
            "audio": {"bytes": datasets.Value("binary"), "path": text},
            "label": datasets.ClassLabel(names=list(scheme.classes)),
            "native_label": text,
            "emotion": text,
            "corpus": text,
            "speaker": text,
            "sex": text,
            "language": text,
            "sentence": text,
            "intensity": text,
            "repetition": number,
            "channel": text,
            "session": text,
            "clip_id": text,
            "duration": datasets.Value("float32"),
            "sampling_rate": number,
            "audio_hash": text,
        }
    )


@dataclass
class SerCorpusConfig(datasets.BuilderConfig):
    """What a corpus is built from.

    Attributes:
        corpora: names of the corpora; by default the one the config is named after, for ``combined`` all that have a
            folder under ``data_root``.
        data_root: folder that holds one folder per corpus.
        data_dirs: corpus name -> its folder, over ``data_root``. ``data_dir`` does the same for a single corpus.
        scheme: label scheme, see ``ser_hf.labels``.
        skip_bad: leave out unreadable files instead of stopping at the first one.
    """

    corpora: tuple[str, ...] = ()
    data_root: str | None = None
    data_dirs: dict[str, str] = field(default_factory=dict)
    scheme: str = "8class"
    skip_bad: bool = False

    def scans(self) -> list[Scan]:
        """Finds the clips of every corpus asked for; no audio is opened.

        Raises:
            CorpusError: a folder is missing or holds no clip.
        """
        return [scan(corpus, self._root(corpus)) for corpus in self._corpora()]

    def _corpora(self) -> list[Corpus]:
        if self.corpora:
            return [CORPORA[name] for name in dict.fromkeys(self.corpora)]
        if self.name != COMBINED:
            return [CORPORA[self.name]]
        parent = Path(self.data_root).expanduser() if self.data_root else None
        there = {p.name.lower() for p in parent.iterdir()} if parent and parent.is_dir() else set()
        found = [c for c in CORPORA.values() if c.name in there or c.name in self.data_dirs]
        if not found:
            where = f"no corpus folder in {parent}" if parent else "no folder given; pass data_root or data_dirs"
            raise CorpusError(f"{where}; expected one or more of: {', '.join(CORPORA)}")
        return found

    def _root(self, corpus: Corpus) -> Path:
        if self.data_dir is not None and len(self._corpora()) == 1:
            return corpus_root(corpus, None, {corpus.name: self.data_dir})
        if corpus.synthetic and corpus.name not in self.data_dirs:
            given = Path(self.data_root).expanduser() / corpus.name if self.data_root else None
            return given if given is not None and given.is_dir() else synthetic_root()
        return corpus_root(corpus, self.data_root, self.data_dirs)


class SerCorpus(datasets.GeneratorBasedBuilder):
    """Emotional speech corpora with harmonised labels; one config per corpus, and ``combined``.

    All clips come as one split, ``train``: how they are divided is the business of ``ser_hf.data.make_split``. Clips
    the scheme drops are left out; ``load_corpus`` also gives the ledger that counts them.

    >>> builder = SerCorpus(config_name="ravdess", data_dir="RAVDESS")  # doctest: +SKIP
    >>> builder.download_and_prepare()  # doctest: +SKIP
    >>> builder.as_dataset(split="train")  # doctest: +SKIP

    Raises:
        CorpusError: no such folder, no clip in it, or a name outside the corpus' grammar.
        AudioError: a file is not readable (unless ``skip_bad``).
    """

    VERSION = _VERSION
    BUILDER_CONFIG_CLASS = SerCorpusConfig
    BUILDER_CONFIGS: ClassVar[list[datasets.BuilderConfig]] = [
        SerCorpusConfig(name=name, version=_VERSION) for name in (*CORPORA, COMBINED)
    ]

    def _create_builder_config(self, *args: Any, **kwargs: Any) -> tuple[datasets.BuilderConfig, str]:
        config, config_id = super()._create_builder_config(*args, **kwargs)
        self.scans = config.scans()
        # the cache folder must change with the files and their parsers; by default only module and config name it
        self.hash: str | None = self.hash or _fingerprint(self.scans)
        return config, config_id

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Emotional speech with harmonised labels.",
            features=row_features(get_scheme(self.config.scheme)),
        )

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        scheme = get_scheme(self.config.scheme)
        clips = [clip for found in self.scans for clip in found.clips if scheme.class_of(clip.emotion) is not None]
        return [datasets.SplitGenerator("train", gen_kwargs={"clips": clips})]

    def _generate_examples(self, clips: list[Clip]) -> Iterator[tuple[str, dict[str, Any]]]:
        scheme = get_scheme(self.config.scheme)
        for clip in clips:
            try:
                yield clip.clip_id, row(clip, scheme)
            except AudioError:
                if not self.config.skip_bad:
                    raise


def row(clip: Clip, scheme: Scheme) -> dict[str, Any]:
    """Reads a clip's file and makes its row; the bytes are kept as they are.

    Raises:
        AudioError: the file is not readable audio.
    """
    try:
        data = clip.path.read_bytes()
    except OSError as error:
        raise AudioError(f"{clip.path} cannot be read: {error.strerror or error}") from error
    samples, rate = decode(data, name=str(clip.path))
    columns = {f.name: getattr(clip, f.name) for f in fields(clip) if f.name != "path"}
    return {
        **columns,
        "audio": {"bytes": data, "path": clip.path.name.encode("utf-8", "backslashreplace").decode()},
        "label": scheme.class_of(clip.emotion),
        "duration": np.float32(len(samples) / rate),
        "sampling_rate": rate,
        "audio_hash": audio_hash(samples, rate),
    }


def _fingerprint(scans: list[Scan]) -> str:
    """Changes with every file's path, size and time, what is read from its name or table, and the sources that read."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for found in scans:
        reader = found.corpus.parse or found.corpus.find
        digest.update(Path(inspect.getfile(reader)).read_bytes() if reader else b"")
        for clip in found.clips:
            stat = clip.path.stat() if clip.path.exists() else clip.path.lstat()  # a link may lead nowhere
            digest.update(os.fsencode(f"{clip}|{os.path.realpath(clip.path)}|{stat.st_size}|{stat.st_mtime_ns}\n"))
    return digest.hexdigest()[:16]
