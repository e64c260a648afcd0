"""A trainer whose checkpoints appear whole or not at all, and whose resumed runs equal unbroken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_utils import rotate_checkpoints

from ser_hf.base.atomic import write_json
from ser_hf.base.disk import writing
from ser_hf.base.ending import noting
from ser_hf.base.errors import NotFiniteError

from .divergence import Divergence
from .ending import Ending
from .length_buckets import LengthBuckets
from .sharing import SharingTrainer
from .step_size import CLIPS, LOSS, clips_per_step

_WORKSHOP = ".writing"
_STATE = "trainer_state.json"


class SerTrainer(SharingTrainer):
    """transformers' trainer, but for its checkpoints, and for how processes share a step.

    A checkpoint is written beside the others and moved into place when it is complete. It holds the loss since the last
    entry of the log as well, which transformers forgets; one that falls on the last step of an epoch is written after
    what the end of the epoch logs. What chance decides in training follows from the seed, the epoch and the clip, or is
    kept with the checkpoint, so a run that was killed and resumed has the losses, rates, clips and weights of one that
    was not. At SIGTERM and SIGHUP a checkpoint is saved and the training ends.

    Args:
        given: everything goes to `transformers.Trainer`.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._place: Path | None = None
        self._ending = Ending()
        self.add_callback(self._ending)  # before the next, which may put a checkpoint off
        self._divergence = Divergence(self)
        self.add_callback(_Resuming(self))

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **given: Any) -> Any:
        """Trains, from a checkpoint where one is named.

        Raises:
            Ended: a signal asked for it; a checkpoint was saved.
        """
        self.resumed_from = Path(resume_from_checkpoint) if isinstance(resume_from_checkpoint, str) else None
        with noting() as self._ending.asked:
            told = super().train(resume_from_checkpoint, *args, **given)
        if self.resumed_from and self.args.should_save:
            self._tidy(Path(str(self.args.output_dir)))
        return told

    def training_step(self, *args: Any, **given: Any) -> torch.Tensor:
        """The stock one.

        Raises:
            DivergedError: the loss is NaN or infinite.
        """
        loss: torch.Tensor = super().training_step(*args, **given)
        self._divergence.see_loss(loss, 1 / (getattr(self, "current_gradient_accumulation_steps", 1) or 1))
        return loss

    def evaluate(self, *args: Any, **given: Any) -> dict[str, float]:
        """The stock one.

        Raises:
            DivergedError: what the network says of the validation is NaN or infinite.
        """
        try:
            found: dict[str, float] = super().evaluate(*args, **given)
        except NotFiniteError as error:
            said = f"what the network says of the validation is no number ({str(error).partition(': ')[0]})"
            raise self._divergence.error(said) from error
        return found

    def get_train_dataloader(self) -> Any:
        """The stock one, that leaves the generator of dropout alone."""
        return self._apart(super().get_train_dataloader())

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The stock one, that leaves the generator of dropout alone."""
        return self._apart(super().get_eval_dataloader(eval_dataset))

    def _apart(self, loader: Any) -> Any:
        """Workers that live on are seeded once and not in every epoch, so a resumed run would draw more often."""
        inner = getattr(loader, "base_dataloader", loader)  # accelerate may have wrapped it
        loader.generator = inner.generator = torch.Generator().manual_seed(self.args.seed)
        return loader

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """The stock one; clips of like length together, by rows that know their lengths, without reading them all."""
        rows = self.train_dataset if train_dataset is None else train_dataset
        lengths = getattr(rows, "lengths", None)
        if lengths is None or self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        batch = self.args.clips_together or self.args.train_batch_size * self.args.world_size
        together = batch * self.args.gradient_accumulation_steps
        return LengthBuckets(lengths(), together, self.args.seed)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._place) if self._place is not None else str(super()._get_output_dir(trial))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Writes a checkpoint into a workshop and moves it to its place.

        Raises:
            SerHfError: there is no room, or weights are NaN or infinite; the checkpoints before stay as they are.
        """
        self._divergence.see_weights(self.accelerator.unwrap_model(self.model))
        folder, name = Path(self._get_output_dir(trial)), f"checkpoint-{self.state.global_step}"
        workshop = folder / _WORKSHOP
        gathered = self.accelerator.gather(self._tr_loss.detach().reshape(1))
        loss = {"loss": gathered.mean().item(), "last_logged": self._globalstep_last_logged}
        loss[CLIPS] = clips_per_step(self.args)
        if self.args.should_save:
            shutil.rmtree(workshop, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self._place, best = workshop, self.state.best_model_checkpoint
        try:
            with writing(folder / name, self._size(), self._hint(folder)):
                super()._save_checkpoint(model, trial)
                self.state.best_model_checkpoint = self._best(folder, name, best)
                if self.args.should_save:
                    write_json(workshop / name / LOSS, loss)
                    self.state.save_to_json(str(workshop / name / _STATE))
        finally:
            self._place = None
            self.accelerator.wait_for_everyone()
            if self.args.should_save and not (workshop / name / LOSS).is_file():
                shutil.rmtree(workshop, ignore_errors=True)
        if self.args.should_save:
            shutil.rmtree(folder / name, ignore_errors=True)
            (workshop / name).rename(folder / name)
            self._tidy(folder)
        self.accelerator.wait_for_everyone()

    def _tidy(self, folder: Path) -> None:
        """Removes the workshop and the checkpoints that are too many: after a kill both may be there without a save."""
        shutil.rmtree(folder / _WORKSHOP, ignore_errors=True)
        rotate_checkpoints(str(folder), self.args.save_total_limit, self.state.best_model_checkpoint, True)

    def _best(self, folder: Path, name: str, before: str | None) -> str | None:
        """The checkpoint with the best score so far, where it will lie."""
        best = f"checkpoint-{self.state.best_global_step}" if self.state.best_global_step else None
        return str(folder / best) if best == name or (best and (folder / best).is_dir()) else before

    def _size(self) -> int:
        """Bytes of a checkpoint: weights, and twice as much again for an optimiser like Adam."""
        tensors = self.accelerator.unwrap_model(self.model).state_dict().values()
        return 3 * sum(int(tensor.nbytes) for tensor in tensors)

    def _hint(self, folder: Path) -> str:
        there = any(folder.glob("checkpoint-*"))
        return ", and go on with --resume_from_checkpoint last" if there else ", or choose another --output_dir"


class _Resuming(TrainerCallback):
    """Takes up the loss where the checkpoint left it, and lets the end of an epoch be logged before it is saved."""

    def __init__(self, trainer: SerTrainer) -> None:
        self.trainer = trainer
        self.due = False

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """After the trainer set its sums to zero."""
        path = self.trainer.resumed_from and self.trainer.resumed_from / LOSS
        if path and path.is_file():
            before = json.loads(path.read_text(encoding="utf-8"))
            self.trainer._tr_loss = torch.tensor(before["loss"], device=args.device)
            self.trainer._globalstep_last_logged = before["last_logged"]

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Puts off a checkpoint at the last step of an epoch."""
        if control.should_save and float(state.epoch or 0).is_integer():
            control.should_save, self.due = False, True

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Writes the checkpoint that was put off."""
        if self.due:
            control.should_save, self.due = True, False
