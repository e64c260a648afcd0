"""Reads the list of steps of a recipe: strictly, with a message for whatever is not understood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from yaml import YAMLError

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.base.strict_yaml import parse_yaml

from ._recordings import Load, Recordings
from ._steps import KINDS, Kind, Step

_SNR = (5.0, 20.0)
"""Default of ``background``: from a noisy street to a quiet office."""


def read_steps(steps: Sequence[Any], load: Load) -> tuple[Step, ...]:
    """Reads steps, given as mappings or as YAML text of them; ``["none"]`` is no step.

    Raises:
        RecipeError: a step or key nobody knows, a value out of its range, a folder that is missing or empty.
    """
    if isinstance(steps, str | dict):
        raise RecipeError(f"waveform_augment is {steps!r}; expected a list of steps such as [{{pitch_shift: 2}}]")
    if list(steps) == ["none"]:
        return ()
    found = []
    for number, step in enumerate(steps, 1):
        try:
            found.append(_step(step, load))
        except RecipeError as error:
            raise RecipeError(f"waveform_augment, step {number}: {error}") from error
    return tuple(found)


def read_copies(copies: Sequence[Any], load: Load) -> tuple[tuple[Step, ...], ...]:
    """Reads the steps of every copy, given as a mapping, a list of mappings, or YAML text; a lone number is the value.

    Raises:
        RecipeError: see `read_steps`; or a step with a probability.
    """
    if isinstance(copies, str | dict):
        raise RecipeError(f"copies is {copies!r}; expected a list, an entry for each copy, as [{{speed: 0.9}}]")
    if list(copies) == ["none"]:
        return ()
    found = []
    for number, entry in enumerate(copies, 1):
        try:
            steps = _from_yaml(entry)
            found.append(tuple(_of_copy(step, load) for step in (steps if isinstance(steps, list) else [steps])))
            if not found[-1]:
                raise RecipeError("an empty list; a copy must differ from its clip")
        except RecipeError as error:
            raise RecipeError(f"copies, entry {number}: {error}") from error
    return tuple(found)


def _of_copy(given: Any, load: Load) -> Step:
    if isinstance(given, dict) and "p" in given:
        raise RecipeError(f"{given} has a probability; every entry gives one copy of every clip, leave out p")
    return _step(given, load, exact=True)


def _from_yaml(given: Any) -> Any:
    """What text says; anything else as it is."""
    if not isinstance(given, str):
        return given
    try:
        return parse_yaml(given)
    except (YAMLError, ValueError) as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{given!r} is not YAML: {' '.join(str(error).split())}") from error


def _step(given: Any, load: Load, *, exact: bool = False) -> Step:
    given = _from_yaml(given)
    if not isinstance(given, dict):
        raise RecipeError(f"expected a mapping such as {{pitch_shift: 2, p: 0.5}}, found {given!r}")
    names = [key for key in given if key in KINDS]
    for key in given:
        if key not in (*KINDS, "p", "snr"):
            raise RecipeError(unknown("step" if not names else "key", str(key), [*KINDS, "p", "snr"]))
    if len(names) != 1:
        raise RecipeError(f"{given} names {' and '.join(names) or 'no step'}; expected one of {', '.join(KINDS)}")
    name = names[0]
    if "snr" in given and name != "background":
        raise RecipeError(f"snr belongs to background, not to {name}; for white noise: noise_snr: [10, 30]")
    p = _number("p", given.get("p", 1.0), 0, 1)
    if KINDS[name].change is not None:
        return Step(name, *_range(name, given[name], KINDS[name], exact=exact), p)
    folder = given[name]
    if not isinstance(folder, str):
        raise RecipeError(f"{name} is {folder!r}; expected a folder of recordings")
    low, high = _range("snr", given.get("snr", list(_SNR)), KINDS[name]) if name == "background" else (0.0, 0.0)
    return Step(name, low, high, p, Recordings.of(folder, load))


def _range(name: str, value: Any, kind: Kind, *, exact: bool = False) -> tuple[float, float]:
    """``[low, high]``, or what a lone number means for this kind of step: where it is ``exact``, itself."""
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise RecipeError(f"{name} is {list(value)}; expected [lowest, highest], in {kind.unit}")
        low, high = (_number(name, end, kind.least, kind.most) for end in value)
        if low > high:
            raise RecipeError(f"{name} is {list(value)}; expected the lower end first")
        return low, high
    if exact or kind.alone == "x":
        number = _number(name, value, kind.least, kind.most)
        return number, number
    if kind.alone == "+-x":
        number = _number(name, value, 0, kind.most)
        return -number, number
    number = _number(name, value, 0, 1 - kind.least)  # a share: 0.2 is [0.8, 1.2]
    return 1 - number, 1 + number


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RecipeError(f"{name} is {value!r}; expected a number from {least:g} to {most:g}")
    if not least <= value <= most:
        raise RecipeError(f"{name} is {value}; expected {least:g} to {most:g}")
    return float(value)
