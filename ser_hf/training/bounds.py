"""The ranges of a recipe's numbers: beyond them lies a mistake, or more memory than any machine has."""

from __future__ import annotations

import math
from typing import Any

from ser_hf.base.errors import RecipeError

_SEED = (0, 2**32 - 1)
_SHARE = (0, 1)
_COUNT = (0, 10**9)
_FRAME = (1, 65_536)
BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("split_seed", "seed", "data_seed"), _SEED),
    **dict.fromkeys(("test_size", "validation_size", "layer_decay", "learning_rate_decay", "erasing"), _SHARE),
    **dict.fromkeys(("label_smoothing_factor", "adam_beta1", "adam_beta2"), _SHARE),
    **dict.fromkeys(("freeze_layers", "gradual_unfreezing", "patience", "warmup_steps", "num_train_epochs"), _COUNT),
    **dict.fromkeys(("logging_steps", "eval_steps", "save_steps", "save_total_limit", "max_grad_norm"), _COUNT),
    **dict.fromkeys(("win_length", "hop_length", "feature_batch_size", "gradient_accumulation_steps"), _FRAME),
    **dict.fromkeys(("per_device_train_batch_size", "per_device_eval_batch_size"), _FRAME),
    **dict.fromkeys(
        ("time_masks", "time_mask_width", "frequency_masks", "frequency_mask_width", "time_shift"), (0, 65_536)
    ),
    **dict.fromkeys(("time_stretch", "frequency_stretch", "zoom", "brightness", "spectrogram_noise"), (0, 1000)),
    **dict.fromkeys(("mixup_alpha", "cutmix_alpha", "focal_gamma"), (0, 1000)),
    "target_weight": (0, 1),
    **dict.fromkeys(("learning_rate", "head_learning_rate", "l2", "weight_decay", "adam_epsilon"), (0, 1000)),
    **dict.fromkeys(("f_min", "f_max"), (0, 384_000)),
    **dict.fromkeys(("trim_db", "top_db"), (0, 1000)),
    **dict.fromkeys(("n_mels", "n_mfcc"), (1, 4096)),
    **dict.fromkeys(("num_proc", "dataloader_prefetch_factor"), (1, 1024)),
    "dataloader_num_workers": (0, 1024),
    "fold": (1, 10**6),
    "folds": (2, 10**6),
    **dict.fromkeys(("balance_to", "train_speakers"), (1, 10**9)),
    "max_duration": (0.05, 10**6),
    "sampling_rate": (1_000, 768_000),
    "duration": (0.01, 3_600),
    "n_fft": (16, 65_536),
    "power": (0.01, 10),
    "reference": (1e-30, 1e30),
    "deltas": (0, 2),
    "rotation": (0, 180),
    "max_steps": (-1, 10**9),
}
"""Key -> smallest and largest value; ``--help`` shows them."""

_LARGEST_SETTING = 10**6


def check_bounds(values: dict[str, Any]) -> None:
    """Refuses a number out of its range, and one that is not finite.

    Args:
        values: key -> value; what is no number passes.

    Raises:
        RecipeError: with the key, its value and its range.
    """
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low, high = BOUNDS.get(key, (-math.inf, math.inf))
        if not math.isfinite(value) or not low <= value <= high:
            raise RecipeError(f"{key} is {value}; expected {span(key)}")


def check_settings(settings: dict[str, Any]) -> None:
    """The same for ``model_settings``, whose names only the model knows.

    Raises:
        RecipeError: a number that is not finite, or larger than any setting of a network.
    """
    for key, value in settings.items():
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not abs(number) <= _LARGEST_SETTING:
                raise RecipeError(f"model_settings {key} is {number}; expected numbers up to {_LARGEST_SETTING}")


def span(key: str) -> str:
    """The range of a key in words, e.g. ``"16 to 65536"``.

    >>> span("n_fft"), span("rate_of_nothing")
    ('16 to 65536', 'a finite number')
    """
    if key not in BOUNDS:
        return "a finite number"
    low, high = BOUNDS[key]
    return f"{low:.15g} to {high:.15g}"
