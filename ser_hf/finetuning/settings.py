"""The ``model_settings`` of a transformer: how it is fine-tuned, and what of its configuration is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from ser_hf.base.errors import RecipeError, unknown

FREEZE = ("none", "feature_encoder", "encoder")


@dataclass(frozen=True)
class TransformerSettings:
    """How a transformer is fine-tuned.

    Attributes:
        pretrained: a repository on the Hub, or a local folder.
        freeze: what of it is not trained: ``none``, its ``feature_encoder`` (the convolutions under the layers, for AST
            the patch embedding) or its whole ``encoder``.
        weighted_layers: classify a learned weighted sum of all layers instead of the last one; Yang et al. (2021),
            SUPERB, doi 10.21437/Interspeech.2021-1775.
        lora_rank: train adapters of this rank beside a frozen encoder; 0 is none. Hu et al. (2022), arXiv 2106.09685.
        lora_alpha: the adapters are scaled by ``lora_alpha / lora_rank``; twice the rank by default.
        lora_dropout: before the adapters.
        random_init: take the configuration of ``pretrained`` and random weights.
        config: everything else: settings of the family's own configuration, such as ``hidden_dropout``.
    """

    pretrained: str
    freeze: str = "none"
    weighted_layers: bool = False
    lora_rank: int = 0
    lora_alpha: float | None = None
    lora_dropout: float = 0.0
    random_init: bool = False
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Reads ``model_settings``; names that are not ours are left to the configuration.

        Raises:
            RecipeError: there is no ``pretrained``, or a value is of the wrong kind or out of its range.
        """
        own = [f.name for f in fields(cls) if f.name != "config"]
        if not isinstance(name := settings.get("pretrained"), str) or not name:
            raise RecipeError(
                f"model 'transformer' needs model_settings pretrained=NAME, a repository on the Hub such as "
                f"facebook/wav2vec2-base or a local folder; found {name!r}"
            )
        known = {key: value for key, value in settings.items() if key in own}
        found = cls(**known, config={key: value for key, value in settings.items() if key not in own})
        found._check()
        return found

    def _check(self) -> None:
        if self.freeze not in FREEZE:
            raise RecipeError(unknown("value of model setting freeze", str(self.freeze), FREEZE))
        for name, (right, expected) in _RULES.items():
            value = getattr(self, name)
            if not right(value):
                raise RecipeError(f"model setting {name} is {value!r}; expected {expected}")
        if not self.lora_rank and (self.lora_alpha is not None or self.lora_dropout):
            raise RecipeError("lora_alpha and lora_dropout say how adapters are, and there are none; add lora_rank=8")


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "weighted_layers": (_is_bool, "true or false"),
    "random_init": (_is_bool, "true or false"),
    "lora_rank": (lambda x: isinstance(x, int) and not _is_bool(x) and x >= 0, "a whole number, 0 (off) or more"),
    "lora_alpha": (lambda x: x is None or (_is_number(x) and x > 0), "a number above 0"),
    "lora_dropout": (lambda x: _is_number(x) and 0 <= x < 1, "a number in [0, 1)"),
}
