"""The keys of a recipe: which there are, and what form their values have."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any, get_args, get_type_hints

from ser_hf.base.errors import RecipeError, unknown

from .arguments import GROUPS
from .training_arguments import SerTrainingArguments

PAIRS = ("data_dirs", "labels", "model_settings")
"""Fields that hold ``key=value`` pairs: the command line adds to those of the file instead of replacing them all."""

ALL_GROUPS: list[Any] = [*GROUPS, SerTrainingArguments]


def keys() -> dict[str, Any]:
    """Every key of a recipe, with its field."""
    return {f.name: f for group in (*GROUPS, SerTrainingArguments) for f in dataclasses.fields(group) if f.init}


def default_of(key: str) -> Any:
    """What a key is where nobody gives it, as results.json would hold it; None of what is no key."""
    field = keys().get(key)
    if field is None:
        return None
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return None if value is dataclasses.MISSING else getattr(value, "value", value)


def check_key(key: Any, where: str) -> None:
    """Refuses what is no key of a recipe.

    Raises:
        RecipeError: with the nearest keys, and ``where`` it stands.
    """
    if not isinstance(key, str):
        raise RecipeError(f"{where}: key {key!r} is not text; expected `key: value` lines")
    if key not in keys():
        raise RecipeError(f"{where}: {unknown('key', key, sorted(keys()))}")


def takes_list(key: str) -> bool:
    """Whether a key holds several values."""
    if key in PAIRS:
        return True
    return any(word in str(hint[key]).lower() for hint in _hints() if key in hint for word in ("list", "dict"))


def may_be_none(key: str) -> bool:
    """Whether a key without a value, as in ``trim_db: null``, means None.

    Raises:
        RecipeError: the key needs a value.
    """
    if not any(type(None) in get_args(group.get(key)) for group in _hints()):
        raise RecipeError(f"key {key!r} has no value; give it one or leave it out")
    return True


@cache
def _hints() -> list[dict[str, Any]]:
    """The types of the fields, by group, read once: a study asks often. HfArgumentParser changes the fields' own."""
    return [get_type_hints(group) for group in ALL_GROUPS]


def as_list(key: str, value: Any) -> list[str]:
    """A value of a recipe as the words that the command line would have."""
    if isinstance(value, dict):
        return [f"{k}={json.dumps(v) if key == 'model_settings' else v}" for k, v in value.items()]
    return [] if value is None else [str(v) for v in (value if isinstance(value, list | tuple) else [value])]
