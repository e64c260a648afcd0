"""A number of steps sets its strategy: ``logging_steps: 5`` alone would mean nothing to transformers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ser_hf.base.errors import RecipeError

_STRATEGIES = {"logging_steps": "logging_strategy", "eval_steps": "eval_strategy", "save_steps": "save_strategy"}
_PARTNERS = {"eval": "save", "save": "eval"}

logger = logging.getLogger(__name__)


def settle_strategies(given: dict[str, Any], overrides: Sequence[str], where: str) -> None:
    """Completes the keys of a recipe, in place, where they name a number of steps and no strategy.

    The best checkpoint is kept, so scoring and saving go together: a number for one of the two, alone, is taken for
    both, and a warning says so.

    Args:
        given: the keys of the file and the defaults.
        overrides: words of the command line.
        where: the recipe, for messages.

    Raises:
        RecipeError: a number of steps beside a strategy that is not ``steps``, or checkpoints at steps without a score.
    """

    def value(key: str) -> Any:
        places = [i for i, word in enumerate(overrides[:-1]) if word == f"--{key}"]
        return overrides[places[-1] + 1] if places else given.get(key)

    for number, strategy in _STRATEGIES.items():
        if value(number) is None:
            continue
        if value(strategy) not in (None, "steps"):
            raise RecipeError(
                f"{where}: {number} is {value(number)}, and {strategy} is {value(strategy)}; leave out one of them, or "
                f"say {strategy}: steps"
            )
        given.setdefault(strategy, "steps")
    if str(value("load_best_model_at_end")).lower() in ("false", "no", "0"):
        return
    for one, other in _PARTNERS.items():
        if value(f"{one}_strategy") == "steps" and value(f"{other}_strategy") is None:
            given[f"{other}_strategy"], steps = "steps", value(f"{one}_steps")
            if steps is not None:
                given[f"{other}_steps"] = steps
            logger.warning("%s: %s_strategy is steps, so %s_strategy is too: the best is kept", where, one, other)
    _check_together(value, where)


def _check_together(value: Any, where: str) -> None:
    """Transformers keeps the best checkpoint only where every checkpoint has a score."""
    evaluated, saved = value("eval_strategy") or "epoch", value("save_strategy") or "epoch"
    if "best" not in (evaluated, saved) and evaluated != saved:
        raise RecipeError(
            f"{where}: eval_strategy is {evaluated} and save_strategy {saved}; the best checkpoint is kept, so they "
            "must be the same (or load_best_model_at_end: false)"
        )
    scored, kept = (value(f"{key}_steps") or value("logging_steps") for key in ("eval", "save"))
    if saved == "steps" and scored and kept:
        every, step = float(kept), float(scored)
        if every < step or abs(every / step - round(every / step)) > 1e-9:
            raise RecipeError(
                f"{where}: save_steps is {kept} and eval_steps {scored}; the best checkpoint is kept, so save_steps "
                "must be a multiple of eval_steps (or load_best_model_at_end: false)"
            )
