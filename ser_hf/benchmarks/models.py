"""What the models of a folder of recipes cost: parameters, operations, size, time of an answer and of training."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from transformers import BatchFeature, PreTrainedModel

from ser_hf.base.errors import SerHfError
from ser_hf.base.provenance import hardware, now, versions
from ser_hf.baselines import BASELINES
from ser_hf.finetuning import TRANSFORMER
from ser_hf.inference import SerClassifier
from ser_hf.training import Recipe, configure, load_recipe, make_extractor, make_model
from ser_hf.training.shipped_recipes import recipe_files

from ._measure import Settings, Subject, measure, timed

_SOURCE = re.compile(r"^# Source: (.+?)\.?$", re.MULTILINE)


@dataclass(frozen=True)
class ModelRow:
    """The model of a recipe.

    Attributes:
        recipe: ``<folder>/<file>``.
        name: ``<folder>/<name>``, as ``ser-hf train`` takes it.
        family: the model's type.
        parameters: all of them.
        macs: multiplications with an addition of a forward pass of one clip, in convolutions, matrix products and LSTM.
        bytes: of the checkpoint's weights, float32, with buffers.
        latency_ms: from a waveform to probabilities, one clip at a time; median.
        train_clips_per_second: forward, backward and optimiser step in the recipe's batches; median.
        batch_size: of the recipe.
        source: the paper that the recipe's head names.
    """

    recipe: str
    name: str
    family: str
    parameters: int
    macs: int
    bytes: int
    latency_ms: float
    train_clips_per_second: float
    batch_size: int
    source: str


@dataclass(frozen=True)
class ModelTable:
    """Rows, what was not measured and why, and where this happened."""

    rows: list[ModelRow]
    notes: list[str]
    settings: Settings
    precision: str
    task: str = "models"
    hardware: str = field(default_factory=hardware)
    threads: int = field(default_factory=torch.get_num_threads)
    versions: dict[str, str] = field(default_factory=versions)
    created: str = field(default_factory=now)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)


def bench_models(settings: Settings) -> ModelTable:
    """Measures the models of ``settings.recipes``, a folder of recipes or of such folders, each with random weights.

    Answers are computed in float32 on the CPU, training as the recipe says on this machine.

    Raises:
        SerHfError: there is no such folder, or no recipe in it.
    """
    folder = Path(settings.recipes or "")
    files = recipe_files(folder) if settings.recipes else []
    if not files:
        raise SerHfError(f"no recipes in {settings.recipes}; give a folder of them, as recipes/imagenet")
    rows, notes, precisions = [], [], set()
    for file in files:
        with tempfile.TemporaryDirectory() as runs:
            recipe = load_recipe(file, ["--output_dir", runs])
            try:
                configure(recipe)
                rows.append(_row(file, recipe, settings))
            except (SerHfError, OSError) as error:  # no network, or one that is not here
                notes.append(f"{_name(recipe)}: not measured, {' '.join(str(error).split())}")
            else:
                precisions.add("bf16" if recipe.training.bf16 else "fp32")
    return ModelTable(rows, notes, settings, " and ".join(sorted(precisions)))


def cost(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> tuple[int, int]:
    """Parameters, and multiply-adds of a forward pass.

    oneDNN is left out: its LSTM is one operation that PyTorch's counter takes for nothing; without it an LSTM is matrix
    products.
    """
    torch.nn.Module.train(model, False)
    counter = FlopCounterMode(display=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a setting for Intel's GPUs
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), counter:
            model(**inputs)
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2


def make(recipe: Recipe, seconds: float) -> tuple[PreTrainedModel, Any, NDArray[np.float32]]:
    """The model of a recipe with random weights, its extractor, and a clip of noise.

    Raises:
        SerHfError: the model starts from a checkpoint on the Hub or hears by one, or is fitted by scikit-learn.
    """
    if recipe.model.model == TRANSFORMER:
        raise SerHfError("it is as large as the checkpoint that it starts from, and that is on the Hub")
    if recipe.model.model in BASELINES:
        raise SerHfError("it is no network: it is as large as the clips it keeps")
    if recipe.features.encoder:
        raise SerHfError("it is a few layers on an encoder, and that is on the Hub")
    recipe.model.imagenet, recipe.model.imagenet_weights = False, None
    extractor = make_extractor(recipe)
    samples = round(seconds * extractor.sampling_rate)
    clip = 0.1 * np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
    return make_model(recipe, extractor), extractor, clip


def _row(file: Path, recipe: Recipe, settings: Settings) -> ModelRow:
    model, extractor, clip = make(recipe, settings.seconds)
    rate, size = extractor.sampling_rate, int(recipe.training.per_device_train_batch_size)
    inputs = extractor(size * [clip], sampling_rate=rate, return_tensors="pt")
    parameters, macs = cost(model, {name: values[:1] for name, values in inputs.items()})
    classifier = SerClassifier(copy.deepcopy(model), extractor)

    def answer() -> None:
        for _ in range(settings.clips):
            classifier([clip], sampling_rate=rate)

    steps = -(-settings.clips // size)
    subjects = [
        Subject("answer", settings.clips, timed(answer)),
        Subject("training", steps * size, timed(_training(model, recipe, inputs, steps))),
    ]
    answering, training = measure(subjects, "answer", settings.repeats)
    return ModelRow(
        recipe=str(recipe.file),
        name=_name(recipe),
        family=str(model.config.model_type),
        parameters=parameters,
        macs=macs,
        bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        latency_ms=1000 / answering.clips_per_second,
        train_clips_per_second=training.clips_per_second,
        batch_size=size,
        source=_source(file),
    )


def _training(model: PreTrainedModel, recipe: Recipe, inputs: BatchFeature, steps: int) -> Callable[[], None]:
    """Optimiser steps on one batch."""
    device, bf16 = recipe.training.device, bool(recipe.training.bf16)
    torch.nn.Module.to(model, device).train()
    inputs = inputs.to(device)
    labels = torch.arange(len(next(iter(inputs.values()))), device=device) % len(model.config.id2label or {})
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=1e-5, fused=True)

    def run() -> None:
        for _ in range(steps):
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(model(**inputs).logits.float(), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()

    return run


def _name(recipe: Recipe) -> str:
    return str(recipe.file).removesuffix(".yaml")


def _source(file: Path) -> str:
    """What stands after ``# Source:`` in the comment at the head of a recipe; nothing where there is none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    found = _SOURCE.search("\n".join(lines[:end]))
    return found[1] if found else ""
