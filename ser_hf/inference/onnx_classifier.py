"""An ONNX file of `export_onnx` at work: onnxruntime, NumPy and what reads audio, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import CheckpointError
from ser_hf.base.finite import check_outputs
from ser_hf.base.optional import require

from .listener import Listener, Scores

WAVEFORM, PROBABILITIES = "waveform", "probabilities"
"""Input ``(B, n)`` float32 and output ``(B, C)`` of the file."""
_ERRORS: tuple[str, ...] = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NotImplemented")
_ERRORS += ("RuntimeException",)
_OTHERS = (ValueError, RuntimeError, MemoryError)
_TOGETHER = 32


class OnnxClassifier(Listener):
    """Gives probabilities by onnxruntime on the CPU.

    Args:
        file: written by `export_onnx`.
        threads: of onnxruntime; by default ``OMP_NUM_THREADS``, or as many as there are cores.

    Attributes:
        facts: the file's metadata.

    Raises:
        CheckpointError: no such file, not an ONNX file, or not one of `export_onnx`.
        SerHfError: onnxruntime is not installed.
    """

    def __init__(self, file: str | Path, threads: int | None = None) -> None:
        self._file, self._session = Path(file), _session(Path(file), threads)
        self.facts: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        inputs = [entry.name for entry in self._session.get_inputs()]
        if inputs != [WAVEFORM]:
            raise CheckpointError(
                f"{file} takes {', '.join(inputs)} and not {WAVEFORM!r}; write it anew by `ser-hf export RUN`"
            )
        try:
            self.labels = tuple(str(name) for name in json.loads(self.facts["labels"]))
            self.sampling_rate, self.window = int(self.facts["sampling_rate"]), float(self.facts["window"])
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{file} does not name its classes, sampling_rate and window; write it by `ser-hf export RUN`"
            ) from error
        if not self.labels or not self.sampling_rate > 0 or not self.window > 0:
            raise CheckpointError(f"{file}: the facts in its metadata cannot be; write it by `ser-hf export RUN`")

    def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """See `Listener.score`; clips of one length are computed together."""
        shares = np.empty((len(waveforms), len(self.labels)), np.float32)
        groups: dict[int, list[int]] = {}
        for i, samples in enumerate(waveforms):
            groups.setdefault(len(samples), []).append(i)
        for numbers in groups.values():
            for start in range(0, len(numbers), _TOGETHER):
                some = numbers[start : start + _TOGETHER]
                batch = np.stack([np.asarray(waveforms[i], np.float32) for i in some])
                shares[some] = self._run(batch)
        check_outputs("probabilities", shares)
        return Scores(shares)

    def _run(self, batch: np.ndarray) -> np.ndarray:
        errors = require("onnxruntime.capi.onnxruntime_pybind11_state", "onnx")
        try:
            (found,) = self._session.run([PROBABILITIES], {WAVEFORM: batch})
        except tuple(getattr(errors, name) for name in _ERRORS) + _OTHERS as error:
            raise CheckpointError(f"{self._file} cannot be run: {' '.join(str(error).split())[:200]}") from error
        if getattr(found, "shape", None) != (len(batch), len(self.labels)):
            raise CheckpointError(
                f"{self._file} does not give a probability for each of its {len(self.labels)} classes"
            )
        return np.asarray(found)

    def no_embeddings(self) -> str:
        """See `Listener.no_embeddings`."""
        return "an ONNX file gives scores alone, and no embeddings; name the checkpoint it was made of"


def _session(file: Path, threads: int | None) -> Any:
    runtime = require("onnxruntime", "onnx")
    errors = require("onnxruntime.capi.onnxruntime_pybind11_state", "onnx")
    if not file.is_file():
        raise CheckpointError(f"no ONNX file {file}; `ser-hf export RUN` writes one")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or int(os.environ.get("OMP_NUM_THREADS") or 0)
    options.log_severity_level = 4  # what is wrong with a file is raised
    try:
        session = runtime.InferenceSession(
            str(file),
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # or it prints what is wrong
        )
        dict(session.get_modelmeta().custom_metadata_map)
        return session
    except tuple(getattr(errors, name) for name in _ERRORS) + _OTHERS as error:
        raise CheckpointError(f"{file} cannot be loaded as ONNX: {' '.join(str(error).split())[:200]}") from error
