"""The record that describes a protocol, and the registry the protocol files fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import datasets
import numpy as np

from ser_hf.base.errors import SplitError
from ser_hf.base.registry import Registry

from ._columns import Columns
from ._options import SplitOptions, span

Indices = dict[str, np.ndarray]
"""Split name -> row numbers. Rows that are in no split are left out, and counted by ``make_split``."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A named rule.

    Attributes:
        claims_speaker_independent: whether a split made by it that shares speakers must be refused.
        assign: (columns, options) -> row numbers of train, validation and test; called with resolved options.
        takes: the options it reads beside the seed.
        folds: (columns, options) -> the folds these data have, empty where none is to be chosen; None where the
            protocol has no folds at all.
        admits: (columns, options) -> whether on these data the rule says itself that speakers are shared, so that it
            claims nothing; None is never.
    """

    name: str
    description: str
    claims_speaker_independent: bool
    assign: Callable[[Columns, SplitOptions], Indices]
    takes: frozenset[str] = frozenset()
    folds: Callable[[Columns, SplitOptions], Sequence[int]] | None = None
    admits: Callable[[Columns, SplitOptions], bool] | None = None

    def claims(self, columns: Columns, options: SplitOptions) -> bool:
        """Whether on these data a split by this rule that shares speakers must be refused."""
        return self.claims_speaker_independent and not (self.admits and self.admits(columns, options))

    def resolve(self, columns: Columns, options: SplitOptions) -> SplitOptions:
        """Checks the options against the rule and the data; where there is one fold only, it is taken.

        Raises:
            SplitError: a value out of range, an option the rule does not take, a fold that is missing or not there.
        """
        self.check(options)
        numbers = tuple(self.folds(columns, options)) if self.folds else ()
        if options.fold is None:
            if len(numbers) > 1:
                raise SplitError(f"protocol {self.name!r} needs a fold: pass --fold N, N from {span(numbers)}")
            return replace(options, fold=numbers[0]) if numbers else options
        if not numbers:
            raise SplitError(f"protocol {self.name!r} has no folds here; leave out the fold {options.fold}")
        if options.fold not in numbers:
            raise SplitError(f"protocol {self.name!r} has no fold {options.fold} here; it has {span(numbers)}")
        return options

    def check(self, options: SplitOptions) -> None:
        """Refuses what is wrong whatever the data are.

        Raises:
            SplitError: a value out of range, an option the rule does not take.
        """
        options.check()
        for option, value in options.given().items():
            if option == "seed" or option in self.takes:
                continue
            others = ", ".join(p.name for p in PROTOCOLS.values() if option in p.takes)
            if option == "fold":
                raise SplitError(
                    f"protocol {self.name!r} has no folds; leave out the fold {value} or use one of: {others}"
                )
            raise SplitError(f"protocol {self.name!r} takes no {option}; leave it out or use one of: {others}")


PROTOCOLS: Registry[Protocol] = Registry("protocol", "ser_hf.protocols")


def register(protocol: Protocol) -> Protocol:
    """Makes a protocol known under its name."""
    return PROTOCOLS.register(protocol.name, protocol)


def folds_of(data: datasets.Dataset | Columns, protocol: str, options: SplitOptions | None = None) -> tuple[int, ...]:
    """The folds a protocol has on a dataset, for cross-validation; empty where it has none to choose.

    Pass each with ``dataclasses.replace(options, fold=n)``.

    Raises:
        SplitError: the protocol cannot be followed on these data.
        SerHfError: an unknown protocol.
    """
    rule, options = PROTOCOLS[protocol], options or SplitOptions()
    columns = data if isinstance(data, Columns) else Columns.of(data)
    return tuple(rule.folds(columns, options)) if rule.folds else ()
