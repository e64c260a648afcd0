"""The classes of other people's checkpoints, in our words: which of theirs is which of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ser_hf.base.errors import SerHfError
from ser_hf.labels import EMOTIONS, Scheme, label_meaning, near

DROP = "drop"
"""What a mapping says of a label that stands for no class: its share is taken off, and the others add up to 1."""
_NAMELESS = re.compile(r"(label_?)?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class ForeignClasses:
    """What the labels of a checkpoint mean under a label scheme.

    Attributes:
        labels: of the checkpoint, in the order of its ids.
        meanings: the emotion, or word of one's own, of each; None where it is dropped.
        scheme: of the score.
        matrix: ``(labels, classes)``, 1 where a label is a class.
    """

    labels: tuple[str, ...]
    meanings: tuple[str | None, ...]
    scheme: Scheme
    matrix: np.ndarray

    @classmethod
    def of(cls, labels: Sequence[str], mapping: Mapping[str, str], scheme: Scheme | None = None) -> ForeignClasses:
        """Finds them.

        Args:
            labels: of the checkpoint, in the order of its ids.
            mapping: label -> word or emotion, over ours; ``drop`` for none.
            scheme: the classes to score; by default those that the labels mean, ours in their order before others.

        Raises:
            SerHfError: nothing is known of a label, or none of them is a class of the scheme.
        """
        meanings = tuple(None if mapping.get(name) == DROP else label_meaning(name, mapping) for name in labels)
        _check(labels, meanings, mapping, scheme)
        if scheme is None:
            there = set(meanings) - {None}
            classes = [*(e for e in EMOTIONS if e in there), *sorted(str(m) for m in there if m not in EMOTIONS)]
            scheme = Scheme("checkpoint", tuple(classes))
        matrix = np.zeros((len(labels), len(scheme.classes)))
        for row, meaning in enumerate(meanings):
            if meaning is not None and (name := scheme.class_of(meaning)) is not None:
                matrix[row, scheme.classes.index(name)] = 1
        if not matrix.any():
            raise SerHfError(
                f"none of the checkpoint's labels ({', '.join(labels)}) is a class of the scheme {scheme.name!r} "
                f"({', '.join(scheme.classes)}); say what they mean by --labels, or choose another --scheme"
            )
        return cls(tuple(labels), meanings, scheme, matrix)

    def unsaid(self) -> list[str]:
        """The classes of the scheme that the checkpoint cannot say."""
        return [name for i, name in enumerate(self.scheme.classes) if not self.matrix[:, i].any()]

    def words(self) -> str:
        """What each label was taken for, in a line."""
        return ", ".join(
            f"{label} = {meaning or 'dropped'}" for label, meaning in zip(self.labels, self.meanings, strict=True)
        )

    def regrouped(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities ``(N, labels)`` of the checkpoint as ``(N, classes)``: added up by class, and to 1 in all.

        A clip of which no class has a share gets the same one of each.
        """
        shares = probabilities @ self.matrix
        total = shares.sum(axis=1, keepdims=True)
        regrouped: np.ndarray = np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / shares.shape[1])
        return regrouped


def _check(
    labels: Sequence[str], meanings: Sequence[str | None], mapping: Mapping[str, str], scheme: Scheme | None
) -> None:
    known = {*EMOTIONS, *((*scheme.classes, *scheme.merge, *scheme.rename) if scheme is not None else ())}
    doubtful = [
        label
        for label, meaning in zip(labels, meanings, strict=True)
        if meaning is not None and meaning not in known and label not in mapping
        if _NAMELESS.fullmatch(label) or near(meaning) or scheme is not None
    ]
    for label in mapping.keys() - set(labels):
        raise SerHfError(f"labels: the checkpoint has no label {label!r}; it has: {', '.join(labels)}")
    if doubtful:
        first = doubtful[0]
        raise SerHfError(
            f"nothing is known of the checkpoint's labels {', '.join(map(repr, doubtful))}; say what each means, e.g. "
            f"--labels {first}={near(first) or 'angry'}, or {first}={DROP} where it is no class"
        )
