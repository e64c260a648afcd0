"""A run's checkpoint on recordings: its own test clips again, or other corpora."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile
import torch

from ser_hf.audio import LONGEST, decode
from ser_hf.base.alone import alone
from ser_hf.base.atomic import write_json
from ser_hf.base.disk import writing
from ser_hf.base.errors import SplitError
from ser_hf.base.provenance import now, versions
from ser_hf.corpora import Reading
from ser_hf.data import Corpora, load_corpus
from ser_hf.features import prepared
from ser_hf.labels import Scheme
from ser_hf.protocols import split_counts
from ser_hf.records import AUDIO, CLIP_ID
from ser_hf.reporting import load_results, surest_errors, write_report
from ser_hf.training import folders, load_checkpoint, read_split, score, trained_on


def evaluate(
    run: str | Path,
    corpora: Sequence[str] | None = None,
    *,
    data_root: str | Path | None = None,
    data_dirs: Sequence[str] = (),
    skip_bad: bool = False,
    max_duration: float = LONGEST,
    num_proc: int | None = None,
    output: str | Path | None = None,
    reading: Reading | None = None,
    listen: bool = False,
) -> tuple[dict[str, Any], Path]:
    """Scores a checkpoint and writes results.json, predictions.parquet, plots and report into a folder of their own.

    Args:
        run: run folder of `train`.
        corpora: score every clip of these; None scores the run's own test clips.
        data_root: folder that holds one folder per corpus.
        data_dirs: ``NAME=DIR`` words, over ``data_root``.
        skip_bad: leave out unreadable files and list them in the ledger.
        max_duration: seconds above which a recording is taken for a mistake, and is bad.
        num_proc: worker processes.
        output: by default ``<run>/evaluations/<corpora or "test">``.
        reading: how corpora of one's own are read.
        listen: put the recordings of the surest errors into the report, to be heard there; the page may then be passed
            on as little as they are.

    Returns:
        The results, and the folder they are in.

    Raises:
        SplitError: a clip of the run's test split is not there, or a clip asked for was trained on.
        SerHfError: any error of loading checkpoint and recordings.
    """
    folder = Path(run)
    model, extractor = load_checkpoint(folder)
    trained, split = load_results(folder), read_split(folder)
    loaded = recordings_for(
        trained,
        corpora,
        data_root=data_root,
        data_dirs=data_dirs,
        skip_bad=skip_bad,
        max_duration=max_duration,
        num_proc=num_proc,
        reading=reading,
    )
    rows = own_test(loaded.dataset, split) if corpora is None else _others(loaded.dataset, split)
    names = list(corpora or ())
    rows = prepared(rows, extractor, num_proc=num_proc)
    what = "-".join(names) if corpora else "test"
    target = Path(output) if output else folder / "evaluations" / what
    speakers = set(rows["speaker"])
    seen = set(split["train"]["speakers"]) | set(split["validation"]["speakers"])
    results = {
        **trained,
        "name": f"{trained['name']} on {what}",
        "created": now(),
        "versions": versions(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "synthetic": trained["synthetic"] or any(corpus.synthetic for corpus in loaded.records),
        "data": {
            **trained["data"],
            "corpora": [corpus.card() for corpus in loaded.records],
            "ledger": loaded.ledger.to_dict(),
            "remarks": list(loaded.remarks),
            "splits": split_counts({"test": rows}),
        },
        "split": {
            **trained["split"],
            "protocol": trained["split"]["protocol"] if corpora is None else "cross-corpus",
            "description": f"all clips of {', '.join(names)}, none trained on" if corpora else "the run's test clips",
            "fold": trained["split"]["fold"] if corpora is None else None,
            "speaker_independent": None not in speakers and not speakers & seen,
            "test_speakers": sorted(speakers - {None}),
        },
        "audit": trained["audit"] if corpora is None else [],
    }
    with alone(target), writing(target):
        results["test"] = score(model, extractor, rows, trained["data"]["classes"], target, recordings=loaded.dataset)
        write_json(target / "results.json", results)
        write_report(target)
        if listen:
            write_report(target, _sounds(loaded.dataset, surest_errors(target)))
    return results, target


def _sounds(rows: Any, clips: Sequence[str]) -> dict[str, bytes]:
    """Clips as FLAC, by their ids."""
    place = {clip: i for i, clip in enumerate(rows[CLIP_ID][:])}
    chosen, found = rows.select([place[clip] for clip in clips]).select_columns(AUDIO).with_format("arrow"), {}
    for i, clip in enumerate(clips):
        audio, file = chosen[i][AUDIO][0].as_py(), io.BytesIO()
        soundfile.write(file, *decode(audio["bytes"] or audio["path"], audio["path"], math.inf), format="FLAC")
        found[clip] = file.getvalue()
    return found


def recordings_for(
    trained: Mapping[str, Any], corpora: Sequence[str] | None = None, *, data_dirs: Sequence[str] = (), **options: Any
) -> Corpora:
    """Recordings under the label scheme of a run.

    Args:
        trained: its results.
        corpora: by default those it was trained on.
        data_dirs: ``NAME=DIR`` words.
        options: of `load_corpus`.
    """
    defined = trained["data"].get("scheme_definition")
    scheme = Scheme.from_dict(defined) if defined else trained["data"]["scheme"]
    names = list(corpora or (corpus["name"] for corpus in trained["data"]["corpora"]))
    return load_corpus(names, data_dirs=folders(data_dirs), scheme=scheme, **options)


def own_test(rows: Any, split: dict[str, dict[str, list[str]]]) -> Any:
    """The rows of the run's test clips, in their order.

    Raises:
        SplitError: one is missing.
    """
    position = {clip: i for i, clip in enumerate(rows["clip_id"][:])}
    missing = [clip for clip in split["test"]["clips"] if clip not in position]
    if missing:
        raise SplitError(
            f"{len(missing)} of the run's {len(split['test']['clips'])} test clips are not among the recordings, "
            f"e.g. {missing[0]}; a score on the others would be another score"
        )
    return rows.select([position[clip] for clip in split["test"]["clips"]])


def _others(rows: Any, split: dict[str, dict[str, list[str]]]) -> Any:
    """The rows, none of which may have been trained on, under whatever name.

    Raises:
        SplitError: one was.
    """
    if trained := trained_on(rows, split):
        raise SplitError(
            f"{len(trained)} of {len(rows)} clips were used in training, e.g. {trained[0]}; "
            "leave out --corpora to score the run's own test clips"
        )
    return rows
