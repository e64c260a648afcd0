"""Layers that do not learn: the first ones for good, or all but the head at first and then one block less every time.

Howard & Ruder (2018). Universal Language Model Fine-tuning for Text Classification, doi 10.18653/v1/P18-1031.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ser_hf.base.errors import RecipeError

from .layers import body_blocks, body_layers, has_matrix, has_statistics, own_parameters
from .recipe import Recipe


class Freezing(TrainerCallback):
    """Keeps the parameters of layers, and the running statistics of their batch normalisation, as they are.

    Normalisation of the input, before the first layer with weights, is new where those are pretrained: it has no gain
    or shift of its own while that layer is frozen, and goes on to measure its mean and variance. Dropout stays on.

    What a block needs in the optimiser is there from the start, so that a resumed run finds its state again; a
    parameter without a gradient is neither moved nor decayed. The blocks that learn follow from the epoch alone.

    Args:
        model: of any family.
        frozen: the first so many layers with weights never learn.
        every: epochs after which one more block learns, from the head down; 0: all learn from the start.
    """

    def __init__(self, model: PreTrainedModel, frozen: int = 0, every: int = 0) -> None:
        layers = body_layers(model)
        self.every = every
        self.blocks = body_blocks(model)
        self._modules = [module for layer in layers for module in layer]
        self._always = {module for layer in layers[:frozen] for module in layer}
        self._held: set[nn.Module] = set()
        self._learning = {p for module in self._modules for p in own_parameters(module) if p.requires_grad}
        self._hooks: list[Any] = []
        self._hold(self._always)

    def frozen_blocks(self, epoch: int) -> int:
        """How many blocks, from the input up, do not learn in an epoch, counted from 0, for gradual unfreezing."""
        return max(0, len(self.blocks) - epoch // self.every) if self.every else 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Freezes what the epoch asks for; the optimiser exists by now."""
        self._release()
        first = next(i for i, module in enumerate(self._modules) if has_matrix(module))
        norms = [module for module in self._modules[first:] if has_statistics(module)]
        self._hooks = [norm.register_forward_pre_hook(self._still) for norm in norms]
        self._set(state)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Lets the blocks of the epoch learn."""
        self._set(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leaves the model as it was."""
        self._release()
        self._hold(self._always)

    def _set(self, state: TrainerState) -> None:
        frozen = self.blocks[: self.frozen_blocks(int((state.epoch or 0) + 1e-6))]
        self._hold(self._always.union(*frozen))

    def _hold(self, modules: set[nn.Module]) -> None:
        self._held = modules
        for module in self._modules:
            for parameter in own_parameters(module):
                if parameter in self._learning:
                    parameter.requires_grad_(module not in modules)

    def _still(self, norm: nn.Module, inputs: Any) -> None:
        """Before every forward, because the trainer sets the whole model to training in every step."""
        if norm in self._held:
            norm.eval()

    def _release(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def check_layers(recipe: Recipe, model: PreTrainedModel) -> None:
    """Checks what the recipe says of layers against a model.

    Raises:
        RecipeError: the model has fewer layers before its head than are to be frozen.
    """
    frozen, layers = recipe.optimiser.freeze_layers, len(body_layers(model))
    if frozen > layers:
        name = getattr(model.config, "backbone", None) or model.config.model_type
        raise RecipeError(
            f"freeze_layers is {frozen}, and {name} has {layers} layers with weights before its head; expected no more"
        )
