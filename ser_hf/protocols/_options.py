"""What a protocol may be told, and the words for what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SplitError

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """What a protocol may be told; one that takes no such option refuses a value other than the default.

    Attributes:
        fold: number of the fold, from 1, for protocols that have folds.
        folds: how many folds ``kfold`` and ``speaker-kfold`` make.
        seed: of the drawing.
        test_size: share of the clips (``random``) or of each corpus' speakers (``speaker-independent``) for the test.
        validation_size: the same for validation, always taken from the training side.
        test_speakers: exactly these, for ``speaker-independent``.
        train_corpora: trained on, for ``cross-corpus``; by default all that are not tested on.
        test_corpora: tested on, for ``cross-corpus`` and ``leave-one-corpus-out``.
        test_partition: the corpus' own test set, for ``official``: MSP-Podcast has ``test``, ``test2``, ``test3``.
        split_file: the user's list of clips, for ``file``.
        drop_unlisted: leave out clips that ``split_file`` does not list, instead of refusing.
    """

    fold: int | None = None
    folds: int = 5
    seed: int = 42
    test_size: float = 0.1
    validation_size: float = 0.1
    test_speakers: tuple[str, ...] = ()
    train_corpora: tuple[str, ...] = ()
    test_corpora: tuple[str, ...] = ()
    test_partition: str = "test"
    split_file: str | Path | None = None
    drop_unlisted: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SplitOptions:
        """The options among ``values``, which may hold more; lists become tuples."""
        own: dict[str, Any] = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        own |= {name: tuple(value) for name, value in own.items() if isinstance(value, list)}
        return cls(**own)

    def given(self) -> dict[str, Any]:
        """The options that differ from their defaults."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    def check(self) -> None:
        """Refuses values that no protocol can follow.

        Raises:
            SplitError: a share outside 0 to 1, a negative seed, fewer than two folds.
        """
        for name in ("test_size", "validation_size"):
            share = getattr(self, name)
            if not 0 < share < 1:
                raise SplitError(f"{name} is {share}; expected a share between 0 and 1, such as 0.1")
        if self.test_size + self.validation_size >= 1:
            raise SplitError("test_size and validation_size leave nothing to train on; their sum must be below 1")
        if self.seed < 0:
            raise SplitError(f"seed is {self.seed}; expected 0 or more")
        if self.folds < 2:
            raise SplitError(f"folds is {self.folds}; expected 2 or more, such as 5")


def some(names: Iterable[object]) -> str:
    """The first few names, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def span(numbers: Sequence[int]) -> str:
    """Fold numbers in words.

    >>> span([1, 2, 3]), span([1, 3]), span([2])
    ('1 to 3', '1, 3', '2')
    """
    if len(numbers) > 1 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
