"""Progressive resizing: training begins with small pictures and ends with the whole ones.

Howard & Gugger (2020). fastai: A Layered API for Deep Learning, doi 10.3390/info11020108.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ser_hf.augment import resize
from ser_hf.base.errors import RecipeError


class ProgressiveResizing(TrainerCallback):
    """Shrinks what a model's backbone sees in training, less and less.

    It works inside the model, on its device, between the normalisation over mel bins and the backbone: the layers bound
    to ``n_mels`` see all bins, and neither the collator nor its workers need to know the epoch. The last size is that
    of the features, or the model's ``image_size`` where it has one, so validation, the saved checkpoint and the test
    see what the last epochs saw without resizing.

    Each size gets the same number of epochs, later ones one more where they do not divide; the last epoch always has
    the last size. A resumed run goes on with the size of its epoch.

    Args:
        backbone: takes pictures ``(B, channels, n_mels, n_frames)`` of any size.
        sizes: heights, rising; widths keep the proportion of the features.
    """

    def __init__(self, backbone: nn.Module, sizes: Sequence[int]) -> None:
        self.backbone = backbone
        self.sizes = tuple(sizes)
        self.size = self.sizes[0]
        self._hook: Any = None

    def size_of(self, epoch: int, epochs: int) -> int:
        """The size of an epoch, counted from 0.

        >>> [ProgressiveResizing(nn.Identity(), [128, 256]).size_of(epoch, 5) for epoch in range(5)]
        [128, 128, 256, 256, 256]
        """
        left = max(0, epochs - 1 - epoch) * len(self.sizes) // max(1, epochs)
        return self.sizes[len(self.sizes) - 1 - left]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begins to watch the backbone's input."""
        self._release()
        self._hook = self.backbone.register_forward_pre_hook(self._shrink)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Sets the size of the epoch."""
        self.size = self.size_of(int((state.epoch or 0) + 1e-6), state.num_train_epochs)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leaves the model as it was."""
        self._release()

    def _release(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook = None

    def _shrink(self, backbone: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        if not backbone.training:
            return inputs
        images, *rest = inputs
        return resize(images, self.size, _width(images.shape, self.size)), *rest


def check_sizes(sizes: Sequence[int]) -> bool:
    """Whether there is anything to resize: an empty list and ``[0]`` turn it off.

    Raises:
        RecipeError: fewer than two sizes, or not positive and rising.
    """
    if list(sizes) in ([], [0]):
        return False
    if len(sizes) < 2 or sizes[0] < 1 or any(b <= a for a, b in pairwise(sizes)):
        raise RecipeError(f"progressive_resize is {list(sizes)}; expected two or more rising sizes such as [128, 256]")
    return True


def progressive_resizing(model: PreTrainedModel, sizes: Sequence[int], shape: Sequence[int]) -> ProgressiveResizing:
    """The callback for a model, after a trial at the smallest size.

    Args:
        model: one with a picture network inside, as `ser_hf.models.TimmCnnForAudioClassification`.
        sizes: heights, rising.
        shape: ``(..., n_mels, n_frames)`` of the features of a clip.

    Raises:
        RecipeError: the model's layers are made for one number of mel bins, the last size is not that of
            the pictures, or the backbone does not take the smallest.
    """
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        raise RecipeError(
            f"progressive_resize is for picture networks (model: timm_cnn); the layers of {model.config.model_type!r} "
            f"are made for {shape[-2]} mel bins: leave progressive_resize out"
        )
    image = getattr(model.config, "image_size", None)
    if image is not None:
        shape = (image, image)
    if sizes[-1] != shape[-2]:
        there = f"the features have {shape[-2]} mel bins" if image is None else f"image_size is {image}"
        raise RecipeError(
            f"progressive_resize ends with {sizes[-1]}, and {there}; the last size is what validation, test and users "
            f"see, so make them the same: {'n_mels' if image is None else 'image_size'}: {sizes[-1]}, or other sizes"
        )
    _try(backbone, int(getattr(model.config, "in_chans", 1)), sizes[0], _width(shape, sizes[0]))
    return ProgressiveResizing(backbone, sizes)


def _width(shape: Sequence[int], height: int) -> int:
    return max(1, round(shape[-1] * height / shape[-2]))


def _try(backbone: nn.Module, channels: int, height: int, width: int) -> None:
    """Runs the backbone once, in evaluation: it leaves no trace in the weights or statistics."""
    training = backbone.training
    device = next(backbone.parameters()).device
    try:
        with torch.no_grad():
            backbone.eval()(torch.zeros(1, channels, height, width, device=device))
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(
            f"progressive_resize begins with {height}, and the backbone takes no picture of {height} x {width}: {error}"
        ) from error
    finally:
        backbone.train(training)
