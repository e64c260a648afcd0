"""Features of a dataset on disk: computed in pieces, each of which ``datasets`` finds again by its key."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import multiprocess  # type: ignore[import-untyped]
import numpy as np
from datasets.fingerprint import Hasher

from ser_hf.base.disk import writing
from ser_hf.base.sealed import cache_files, sealed, sweep
from ser_hf.base.steps import steps
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import AUDIO, INPUT_FEATURES

from ._code import code_key
from ._step import FeatureStep

PIECE = 8192
"""Rows of which an interrupted run in one process keeps the features of all or of none."""


def mapped(rows: datasets.Dataset, step: FeatureStep, batch_size: int, num_proc: int | None) -> datasets.Dataset:
    """The columns the step keeps, and the features."""
    key = _key(rows, step)
    types = datasets.Features({**{name: rows.features[name] for name in step.columns}, INPUT_FEATURES: step.feature()})
    starts, done = range(0, len(rows), PIECE), []
    for number, start in enumerate(starts, 1):
        piece = rows.select(range(start, min(start + PIECE, len(rows)))) if len(starts) > 1 else rows
        mark = _digest(key, start, len(piece))
        make = partial(
            piece.with_format("arrow").map,
            replace(step, first=start),
            batched=True,
            batch_size=batch_size,
            with_indices=True,
            with_rank=True,
            features=types,
            remove_columns=[name for name in rows.column_names if name not in step.columns],
            num_proc=num_proc and min(num_proc, len(piece)),
            new_fingerprint=mark,
            desc=f"features on {step.device}" + (f", {number} of {len(starts)}" if len(starts) > 1 else ""),
        )
        files = partial(cache_files, piece, mark)
        if not files():
            steps.info("computing features of %d clips on %s", len(piece), step.device)
            sweep(_place(piece))
        with _start_method(step.device, num_proc), writing(_place(piece), len(piece) * step.row_bytes()):
            features = sealed(make, files)
        done.append(features.with_format(None))
    return datasets.concatenate_datasets(done) if len(done) > 1 else done[0]


def _place(rows: datasets.Dataset) -> Path:
    """The folder of a dataset's cache; the working folder of one in memory, which writes none."""
    return Path(rows.cache_files[0]["filename"]).parent if rows.cache_files else Path()


def with_features(rows: datasets.Dataset, step: FeatureStep, batch_size: int, num_proc: int | None) -> datasets.Dataset:
    """The columns the step keeps and the features, without a format."""
    plain = rows.with_format(None)
    if plain._indices is not None or not step.columns:  # selected or shuffled rows are written in their new order
        return mapped(plain, step, batch_size, num_proc)
    features = mapped(plain.select_columns([AUDIO]), replace(step, columns=()), batch_size, num_proc)
    plain = plain.select_columns(list(step.columns))
    info = plain.info.copy()
    info.features = datasets.Features({**plain.features, **features.features})
    return datasets.concatenate_datasets([plain, features], info=info, split=rows.split, axis=1)


def _key(rows: datasets.Dataset, step: FeatureStep) -> str:
    """Changes with rows, settings, dtype, kind of device and code, and not with how the work is dealt out."""
    extractor, kind = step.extractor, type(step.extractor)
    names = [name for name, p in inspect.signature(kind).parameters.items() if p.kind is not p.VAR_KEYWORD]
    settings = json.dumps({name: getattr(extractor, name) for name in names}, sort_keys=True, default=_plain)
    try:
        own = [base.__module__ for base in kind.__mro__ if issubclass(base, SerFeatureExtractor)]
        own += getattr(kind, "computed_by", ())
        code = code_key("ser_hf.audio.load", FeatureStep.__module__, *own)
    except OSError:  # a class that was typed into a session
        code = Hasher.hash(kind)
    place = step.device.split(":")[0]
    return _digest(rows._fingerprint, step.columns, kind.__qualname__, settings, step.dtype, place, code)


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist()


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@contextmanager
def _start_method(device: str, num_proc: int | None) -> Iterator[None]:
    """Has the workers of ``datasets`` started anew where they use a GPU: its driver does not survive a fork."""
    if not num_proc or not device.startswith("cuda"):
        yield
        return
    before = multiprocess.get_start_method(allow_none=True)
    multiprocess.set_start_method("spawn", force=True)
    try:
        yield
    finally:
        multiprocess.set_start_method(before, force=True)
