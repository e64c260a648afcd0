"""The ``datasets`` builder: corpus folders in, one harmonised dataset out."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import datasets
import pyarrow as pa
from filelock import FileLock, Timeout

from ser_hf.audio import Recording, audio_hash, part_name
from ser_hf.base.errors import AudioError, CorpusError
from ser_hf.corpora import CORPORA, Corpus, Scan
from ser_hf.labels import Scheme, get_scheme
from ser_hf.records import Clip

from ._cache_key import cache_key
from .checks import Findings, bad_clips_error, oddities, read_clip
from .own_words import settled
from .ser_corpus_config import COMBINED, SerCorpusConfig

_VERSION = datasets.Version("0.1.0")
_CHECKS = "checks.json"
_ROWS = 100
_BYTES = 16 << 20
"""Rows and bytes of audio that are held at once; ``datasets`` keeps binary columns in batches of 100 rows as well."""

_COLUMNS = tuple(f.name for f in fields(Clip) if f.name not in ("path", "votes", "start", "end", "row"))
_of_clip = attrgetter(*_COLUMNS)
_AT_WORK: dict[str, tuple[tuple[Clip, ...], dict[str, Corpus]]] = {}
"""Builder's hash -> its clips and their corpora while it builds: workers that are forked find them here, so none goes
through a pipe."""


def row_features(scheme: Scheme) -> datasets.Features:
    """The columns of a harmonised corpus under a label scheme.

    The audio is a plain struct of the file's bytes and name: ``datasets.Audio`` would need FFmpeg even to store a path.
    Of a part of a file it has no bytes, and the path of the part, see `ser_hf.audio.parts`.
    ``label_distribution`` holds the raters' shares of the classes; ``source`` and ``augmentation`` are set in augmented
    copies: the clip they were made from, and how. Parts of one file that overlap have the first of them as ``source``.
    """
    text, number, score = (datasets.Value(kind) for kind in ("string", "int32", "float32"))
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
            "age": number,
            "partition": text,
            "label_distribution": datasets.List(datasets.Value("float32")),
            "valence": score,
            "arousal": score,
            "dominance": score,
            "clip_id": text,
            "source": text,
            "augmentation": text,
            "duration": datasets.Value("float32"),
            "sampling_rate": number,
            "audio_hash": text,
        }
    )


class SerCorpus(datasets.ArrowBasedBuilder):
    """Emotional speech corpora with harmonised labels; one config per corpus, and ``combined``.

    All clips come as one split, ``train``: how they are divided is the business of ``ser_hf.protocols.make_split``.
    Clips the scheme drops are left out; ``load_corpus`` also gives the ledger that counts them.

    >>> builder = SerCorpus(config_name="ravdess", data_dir="RAVDESS")  # doctest: +SKIP
    >>> builder.download_and_prepare()  # doctest: +SKIP
    >>> builder.as_dataset(split="train")  # doctest: +SKIP

    Raises:
        CorpusError: no such folder, no clip in it, or a name outside the corpus' grammar.
        AudioError: clips that cannot be used, all of them listed (unless ``skip_bad``).
    """

    VERSION = _VERSION
    BUILDER_CONFIG_CLASS = SerCorpusConfig
    BUILDER_CONFIGS: ClassVar[list[datasets.BuilderConfig]] = [
        SerCorpusConfig(name=name, version=_VERSION) for name in (*CORPORA, COMBINED)
    ]

    def _create_builder_config(self, *args: Any, **kwargs: Any) -> tuple[datasets.BuilderConfig, str]:
        config, config_id = super()._create_builder_config(*args, **kwargs)
        self.scans: list[Scan] | None = config.scans()
        config.scheme = settled(get_scheme(config.scheme), self.scans)
        self._key = cache_key(self.scans, config.scheme)
        # the cache folder must change with the files and their parsers; by default only module and config name it
        self.hash: str = self.hash or self._key
        return config, config_id

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "scans": None}  # every worker would get a copy

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Emotional speech with harmonised labels.",
            features=row_features(get_scheme(self.config.scheme)),
        )

    def findings(self) -> Findings:
        """What the checks found when the cache was built."""
        return Findings.read(Path(self.cache_dir, _CHECKS))

    def _clips(self) -> tuple[tuple[Clip, ...], dict[str, Corpus]]:
        """The clips the scheme keeps, and their corpora; looked for again in a worker that is not a fork."""
        if self.hash in _AT_WORK:
            return _AT_WORK[self.hash]
        scheme = get_scheme(self.config.scheme)
        if self.scans is None:
            self.scans = self.config.scans()
            if cache_key(self.scans, scheme) != self._key:
                raise CorpusError("files of the corpora changed while they were read; build again")
        kept = tuple(c for found in self.scans for c in found.clips if scheme.class_of(c.emotion) is not None)
        return kept, {found.corpus.name: found.corpus for found in self.scans}

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        notes = None
        if not dl_manager.is_streaming and Path(self._output_dir).is_dir():
            _clear(Path(self._output_dir), Path(self.cache_dir))
            notes = str(Path(self._output_dir, f"notes-{uuid.uuid4().hex}"))
        # lists are what datasets deals out to workers
        numbers = list(range(len(self._clips()[0])))
        main = os.getpid()
        return [datasets.SplitGenerator("train", gen_kwargs={"numbers": numbers, "notes": notes, "main": main})]

    def _prepare_split(self, split_generator: datasets.SplitGenerator, **kwargs: Any) -> None:
        clips, _ = _AT_WORK[self.hash] = self._clips()
        try:
            super()._prepare_split(split_generator, **kwargs)
        finally:
            _AT_WORK.pop(self.hash, None)
        notes = split_generator.gen_kwargs["notes"]
        if notes is not None:
            files = sorted(Path(notes).parent.glob(f"{Path(notes).name}-*"))
            found = Findings.read(*files)
            found.write(Path(notes).with_name(_CHECKS))
            for path in files:
                path.unlink()
            if found.bad and not self.config.skip_bad:
                raise bad_clips_error(found.bad, len(clips))

    def _generate_tables(self, numbers: list[int], notes: str | None, main: int) -> Iterator[tuple[int, pa.Table]]:
        """Tables of 100 rows or 16 MiB.

        Args:
            numbers: which clips.
            notes: how the file begins that takes what the checks found; without one, bad clips are errors.
            main: the process that builds; its workers do not outlive it.
        """
        scheme, (clips, records), found = get_scheme(self.config.scheme), self._clips(), Findings()
        schema, parent = row_features(scheme).arrow_schema, os.getppid()
        rows: list[dict[str, Any]] = []
        size = 0
        for number in numbers:
            if os.getppid() != parent and os.getpid() != main:
                raise SystemExit(f"the process {main}, which builds, is gone")
            clip = clips[number]
            try:
                recording = read_clip(clip, records[clip.corpus], self.config.max_duration)
            except AudioError as error:
                if notes is None and not self.config.skip_bad:
                    raise
                found.add_bad(clip, error)
                continue
            for what in oddities(clip, records[clip.corpus], recording):
                found.add_odd(clip.corpus, what, [clip.clip_id])
            rows.append(row(clip, recording, scheme))
            size += len(recording.data)
            if len(rows) == _ROWS or size > _BYTES:
                yield number, pa.Table.from_pylist(rows, schema)
                rows, size = [], 0
        if rows:
            yield numbers[-1], pa.Table.from_pylist(rows, schema)
        if notes is not None:
            found.write(Path(f"{notes}-{numbers[0] if numbers else 0:09d}.json"))


def row(clip: Clip, recording: Recording, scheme: Scheme) -> dict[str, Any]:
    """The row of a clip; the bytes of its file are kept as they are, and those of a part of one stay there."""
    label = scheme.class_of(clip.emotion)
    name = clip.path.name if recording.data else part_name(os.path.abspath(clip.path), clip.start, clip.end)
    return {
        **dict(zip(_COLUMNS, _of_clip(clip), strict=True)),
        "audio": {"bytes": recording.data or None, "path": name.encode("utf-8", "backslashreplace").decode()},
        "label": None if label is None else scheme.classes.index(label),
        "label_distribution": scheme.distribution(clip.votes) if clip.votes else None,
        "augmentation": None,
        "duration": len(recording.samples) / recording.rate,
        "sampling_rate": recording.rate,
        "audio_hash": audio_hash(recording.samples, recording.rate),
    }


def _clear(folder: Path, cache: Path) -> None:
    """Removes what killed builds left: in the folder to build in, and beside it the unfinished ones nobody works on."""
    for path in folder.iterdir() if folder.suffix == ".incomplete" else ():
        path.unlink()
    for left in cache.parents[2].glob("*/*/*.incomplete"):
        if left != folder:
            try:
                with FileLock(f"{left}".removesuffix(".incomplete") + "_builder.lock", timeout=0):
                    shutil.rmtree(left)
            except Timeout:
                continue
