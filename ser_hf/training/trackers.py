"""The trackers of a run: trackio, TensorBoard, Weights & Biases and what else the Trainer knows."""

from __future__ import annotations

import copy
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    TensorBoardCallback,
    TrackioCallback,
    WandbCallback,
)

from ser_hf.base.errors import RecipeError, unknown

from .arguments import DataArguments, FeatureArguments, ModelArguments
from .recipe import UNKEPT, Recipe
from .training_arguments import SerTrainingArguments

STUDY = "SER_HF_STUDY"
"""Environment variable with the name of the study that a run belongs to; it wins over the ``group`` of `tracking`."""

TRACKING = "tracking"
"""Folder in the run folder, for trackers that write files."""

_EXTRA = "tracking"
_OF_BASELINES = (DataArguments, FeatureArguments, ModelArguments)


def check_trackers(recipe: Recipe) -> list[str]:
    """The trackers of a recipe's ``report_to``; refuses what is no tracker, and one that is not installed.

    Raises:
        RecipeError: with the nearest names, or with the line that installs it.
    """
    names = [*(recipe.training.report_to or ())]
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise RecipeError(unknown("report_to", name, sorted(INTEGRATION_TO_CALLBACK)))
        if name in _OURS and importlib.util.find_spec(name) is None:
            package = f"'ser_hf[{_EXTRA}]'" if name != "wandb" else name
            raise RecipeError(f"report_to: {name} is not installed; pip install {package}, or leave it out")
    return names


@contextmanager
def tracking(
    recipe: Recipe, group: str | None = None, *, name: str, folder: Path, baseline: bool = False
) -> Iterator[Tracking]:
    """Opens the trackers that a recipe's ``report_to`` names; none by default. They are closed with the block.

    Files lie in ``tracking/`` in the run folder, but trackio's, which has a store of its own. A run is grouped by the
    environment variable ``SER_HF_STUDY``, else by ``group``; Weights & Biases' own variables win over both.

    Args:
        recipe: of the run, with ``run_name`` and ``project``.
        group: what the run belongs to, such as a study or the folds of one experiment.
        name: of the run, where the recipe has no ``run_name``.
        folder: the run folder.
        baseline: of the parameters only those of data, features and model are told.

    Raises:
        RecipeError: a tracker is not installed, or cannot be set up.
    """
    args = copy.copy(recipe.training)
    args.run_name = args.run_name or name
    args.parameters = _parameters(recipe, baseline)
    place, group = folder / TRACKING, os.environ.get(STUDY) or group
    trackers = []
    for kind in check_trackers(recipe):
        try:
            trackers.append(_OURS[kind](place, group) if kind in _OURS else INTEGRATION_TO_CALLBACK[kind]())
        except RuntimeError as error:
            raise RecipeError(f"report_to: {' '.join(str(error).split())}") from error
    opened = Tracking(trackers, args)
    try:
        yield opened
    finally:
        opened.close()


class Tracking(TrainerCallback):
    """transformers' own trackers, which stay open when training ends: the test scores are still to come.

    Args:
        trackers: told what the Trainer tells.
        args: what they are told of the arguments.
    """

    def __init__(self, trackers: Sequence[TrainerCallback], args: SerTrainingArguments) -> None:
        self.trackers, self.args = trackers, args
        self._state, self._model, self._open = TrainerState(), None, False

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Opens them."""
        self._open, self._state, self._model = True, state, kwargs.get("model")
        self._tell("on_train_begin", **kwargs)

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Passes on losses, and the scores of the validation."""
        self._tell("on_log", **kwargs)

    def on_evaluate(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Passes on that the validation was scored."""
        self._tell("on_evaluate", **kwargs)

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Passes on that there is a checkpoint."""
        self._tell("on_save", **kwargs)

    def scored(self, results: Mapping[str, Any], model: Any) -> None:
        """Tells the test scores of results.json; of a baseline, which no Trainer trained, everything."""
        if not self._open:
            self.on_train_begin(self.args, self._state, TrainerControl(), model=model)
            validation = results["training"]["best_validation_uar"]
            self._tell("on_log", logs={"eval_uar": validation}, model=model)
        self._tell("on_log", logs=scores_of_test(results["test"]), model=model)

    def close(self) -> None:
        """Closes them, where they were opened."""
        if self._open:
            self._open = False
            self._tell("on_train_end", model=self._model)

    def _tell(self, event: str, **kwargs: Any) -> None:
        with redirect_stdout(sys.stderr):  # a tracker greets; the output of a run is its score
            for tracker in self.trackers:
                getattr(tracker, event)(self.args, self._state, TrainerControl(), **kwargs)


def scores_of_test(test: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of the block ``test`` of results.json, as the Trainer would name them, with their 95 % intervals.

    >>> scores_of_test({"metrics": {"uar": {"value": 0.5, "clips": [0.4, 0.6], "speakers": None}}})
    {'test_uar': 0.5, 'test_uar_clips_low': 0.4, 'test_uar_clips_high': 0.6}
    """
    found = {}
    for name, metric in test["metrics"].items():
        found[f"test_{name}"] = metric["value"]
        for by in ("clips", "speakers"):
            if metric[by]:
                found |= {f"test_{name}_{by}_{end}": v for end, v in zip(("low", "high"), metric[by], strict=True)}
    return found


def _parameters(recipe: Recipe, baseline: bool) -> dict[str, Any]:
    """Every key of a recipe that means something for its kind of model, but where things lie on this machine."""
    groups = [g for g in recipe.groups[:-1] if not baseline or isinstance(g, _OF_BASELINES)]
    told = {} if baseline else recipe.training.to_dict()
    for group in groups:
        told |= vars(group)
    return {key: value for key, value in told.items() if key not in UNKEPT}


class _Trackio(TrackioCallback):
    """With a group; a run of a name that is taken is another run, unless it goes on from a checkpoint."""

    def __init__(self, folder: Path, group: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._group = group

    def setup(self, args: Any, state: TrainerState, model: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            told = {**model.config.to_dict(), **args.to_dict(), "model/num_parameters": model.num_parameters()}
            self._trackio.init(
                project=args.project,
                name=args.run_name,
                group=self._group,
                space_id=args.trackio_space_id,
                bucket_id=args.trackio_bucket_id,
                private=args.hub_private_repo,
                resume="allow" if state.global_step else "never",
                config={key: value for key, value in told.items() if not key.startswith("_")},  # which are its own
            )
            self._space_id = self._trackio.context_vars.current_space_id.get()
        self._initialized = True


class _TensorBoard(TensorBoardCallback):
    """In the run folder, unless ``TENSORBOARD_LOGGING_DIR`` names another."""

    def __init__(self, folder: Path, group: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.logging_dir = self.logging_dir or str(folder)


class _Wandb(WandbCallback):
    """With a group, in the run folder; one that the caller opened is gone on with, and left open."""

    def __init__(self, folder: Path, group: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._folder, self._group, self._own = folder, group, False

    def setup(self, args: Any, state: TrainerState, model: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero and self._wandb.run is None:
            place = os.environ.get("WANDB_DIR") or str(self._folder)
            Path(place).mkdir(parents=True, exist_ok=True)
            self._wandb.init(
                project=os.environ.get("WANDB_PROJECT") or args.project,
                name=args.run_name,
                group=os.environ.get("WANDB_RUN_GROUP") or self._group,
                dir=place,
            )
            self._own = True
        super().setup(args, state, model, **kwargs)  # type: ignore[no-untyped-call]

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        super().on_train_end(*args, **kwargs)
        if self._own:
            self._wandb.finish()


_OURS = {"tensorboard": _TensorBoard, "trackio": _Trackio, "wandb": _Wandb}
