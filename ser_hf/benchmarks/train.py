"""Training through Trainer and collator, against a bare PyTorch loop."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PrinterCallback, SequenceFeatureExtractor, TrainerCallback

from ser_hf.base.errors import SerHfError
from ser_hf.features import FeatureRows, WaveformRows, add_features
from ser_hf.finetuning import TRANSFORMER
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES
from ser_hf.training import Recipe, build_trainer, configure, load_recipe

from ._clips import load_clips, some
from ._measure import Result, Settings, Subject, measure, synchronise
from ._model import SCHEME, make_model
from .whisper import make_whisper

REFERENCE = "a bare PyTorch loop"
_QUIET: dict[str, Any] = {
    "eval_strategy": "no",
    "save_strategy": "no",
    "logging_strategy": "no",
    "load_best_model_at_end": False,
    "dataloader_drop_last": True,
    "disable_tqdm": True,
    "report_to": "none",
    "num_train_epochs": 1,
}
Rows = FeatureRows | WaveformRows
_AUGMENT = {"time_masks": 2, "frequency_masks": 2, "mixup_alpha": 0.2}


def bench_train(settings: Settings) -> Result:
    """Measures training steps after the first: an epoch of Trainer with SpecAugment and mixup, and a bare loop.

    The loop has the same model, precision, batch size and optimiser. It does nothing else: its features are in memory,
    and there is no augmentation, schedule or clipping of gradients. A Whisper (``model`` transformer) is trained as its
    recipes do, from recordings whose spectrograms are computed anew in every epoch, and SpecAugment is the encoder's.

    Raises:
        SerHfError: there are not two batches.
    """
    steps = settings.clips // settings.batch_size
    if steps < 2:
        raise SerHfError(f"{settings.clips} clips are not two batches of {settings.batch_size}; ask for more clips")
    with tempfile.TemporaryDirectory() as name:
        rows = some(load_clips(settings, str(Path(name, "cache"))).dataset, settings.clips)
        kinds = _KINDS if settings.model != TRANSFORMER else _OF_WHISPER
        given: dict[str, Any] = {}
        model, extractor, train = _whisper(settings, rows) if settings.model == TRANSFORMER else _own(settings, rows)
        if settings.model == TRANSFORMER:  # a recipe names a checkpoint
            model.save_pretrained(Path(name, "model"))
            given = {"model_settings": [f"pretrained={Path(name, 'model')}"]}
        recipes = {t: _recipe(settings, Path(name, str(i)), kinds[t] | given) for i, t in enumerate(kinds)}
        recipe = next(iter(recipes.values()))
        on_gpu = recipe.training.device.type == "cuda"
        work: dict[str, Callable[[], float]] = {REFERENCE: Loop(copy.deepcopy(model), train, recipe)}
        for title, one in recipes.items():
            work[title] = Trained(one, _spec_augmenting(copy.deepcopy(model), title), extractor, train)
        counted = (steps - 1) * settings.batch_size
        subjects = [Subject(name, counted, run, on_gpu) for name, run in work.items()]
        found = measure(subjects, REFERENCE, settings.repeats)
    precision = "bf16" if recipe.training.bf16 else "fp32"
    title = f"train: {settings.model} on {settings.clips} clips of {settings.seconds:g} s, {precision}"
    return Result("train", f"{title}, batches of {settings.batch_size}", REFERENCE, found, [], settings)


_NONE = "ser_hf, no augmentation"
_KINDS: dict[str, dict[str, Any]] = {"ser_hf, SpecAugment and mixup": _AUGMENT, _NONE: {}}
_OF_WHISPER: dict[str, dict[str, Any]] = {"ser_hf, SpecAugment": {}, _NONE: {}}


def _own(settings: Settings, rows: Any) -> tuple[PreTrainedModel, SequenceFeatureExtractor, Rows]:
    extractor = SerFeatureExtractor(duration=settings.seconds)
    train = FeatureRows(add_features(rows, extractor, keep_audio=False), training=True)
    return make_model(settings, extractor), extractor, train


def _whisper(settings: Settings, rows: Any) -> tuple[PreTrainedModel, SequenceFeatureExtractor, Rows]:
    model, extractor = make_whisper(settings)
    options: dict[str, Any] = {"duration": settings.seconds, "training": True, "cache_bytes": 1 << 30}
    return model, extractor, WaveformRows(rows, extractor, **options)


def _spec_augmenting(model: PreTrainedModel, title: str) -> PreTrainedModel:
    """Turns the encoder's own SpecAugment on for the title that says so; our own networks have none."""
    if hasattr(model.config, "apply_spec_augment"):
        model.config.update({"apply_spec_augment": title != _NONE, "mask_time_prob": 0.1, "mask_feature_prob": 0.1})
    return model


def _recipe(settings: Settings, folder: Path, augment: dict[str, Any]) -> Recipe:
    recipe = load_recipe(
        None,
        corpora=[settings.corpus or "synthetic"],
        protocol="random",
        scheme=SCHEME,
        model=settings.model,
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        **_QUIET,
        **augment,
    )
    configure(recipe)
    return recipe


class Watch(TrainerCallback):
    """Takes the time from the end of the first step to the end of the last."""

    def __init__(self) -> None:
        self.first = self.last = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Notes the time, at the first and the last step."""
        if state.global_step in (1, state.max_steps):
            synchronise()
            self.last = time.perf_counter()
            self.first = self.first or self.last


class Trained:
    """An epoch of the trainer of a recipe; the weights go on from call to call."""

    def __init__(self, recipe: Recipe, model: PreTrainedModel, extractor: SequenceFeatureExtractor, rows: Rows) -> None:
        self.trainer = build_trainer(recipe, model, extractor, rows, rows)
        self.trainer.remove_callback(PrinterCallback)  # the table is all that is printed

    def __call__(self) -> float:
        """Gives the seconds of all steps but the first."""
        watch = Watch()
        self.trainer.add_callback(watch)
        self.trainer.train()
        self.trainer.remove_callback(watch)
        return watch.last - watch.first


class Loop:
    """An epoch of a loop as one would write it by hand for features in memory and a tensor of labels."""

    def __init__(self, model: PreTrainedModel, rows: Rows, recipe: Recipe) -> None:
        examples = rows.__getitems__(list(range(len(rows))))
        self.features = [torch.tensor(example[INPUT_FEATURES]) for example in examples]
        self.together = torch.stack(self.features) if len({len(clip) for clip in self.features}) == 1 else None
        self.labels = torch.tensor([example["labels"] for example in examples])
        self.device, self.bf16 = recipe.training.device, bool(recipe.training.bf16)
        self.model = torch.nn.Module.to(model, self.device).train()
        self.size = int(recipe.training.per_device_train_batch_size)
        self.optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.training.learning_rate,
            weight_decay=recipe.training.weight_decay,
            fused=True,
        )

    def __call__(self) -> float:
        """Gives the seconds of all steps but the first."""
        full = len(self.labels) // self.size * self.size
        batches = torch.randperm(len(self.labels))[:full].view(-1, self.size)
        start = 0.0
        for number, batch in enumerate(batches):
            self._step(batch)
            if number == 0:
                synchronise()
                start = time.perf_counter()
        synchronise()
        return time.perf_counter() - start

    def _step(self, batch: torch.Tensor) -> None:
        if self.together is not None:
            features = self.together[batch]
        else:
            features = pad_sequence([self.features[number] for number in batch.tolist()], batch_first=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.model(features.to(self.device)).logits.float()
            loss = F.cross_entropy(logits, self.labels[batch].to(self.device))
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.optimiser.zero_grad()
