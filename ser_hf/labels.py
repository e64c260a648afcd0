"""The emotion vocabulary and the label schemes: what becomes of every harmonised emotion, as data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.strict_yaml import read_yaml

EMOTIONS = (
    *("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    *("excited", "frustrated", "bored", "contempt", "anxious", "apologetic", "assertive", "concerned", "encouraging"),
    *("pleased", "pained", "disappointed", "interested", "bothered", "concentrating", "thinking", "unsure"),
    *("other", "undecided"),
)
"""Every harmonised emotion; the first eight are the classes of the widest scheme, in the order of their ids.

``other`` is outside the corpus' own list, ``undecided`` says that the raters did not agree.
"""

WORDS = {
    "anger": "angry",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "fear": "fearful",
    "disgusted": "disgust",
    "surprise": "surprised",
    "neutrality": "neutral",
    "calmness": "calm",
    "excitement": "excited",
    **{emotion: emotion for emotion in EMOTIONS},
}
"""Common words, in lower case -> the harmonised emotion; labels of one's own recordings are understood by them."""
SHORT = {
    "neu": "neutral",
    "cal": "calm",
    "hap": "happy",
    "sad": "sad",
    "ang": "angry",
    "fea": "fearful",
    "dis": "disgust",
    "sur": "surprised",
    "exc": "excited",
    "fru": "frustrated",
}
"""What checkpoints call their classes, those of SUPERB among them, after the codes of IEMOCAP."""
OWN = "own"
"""Name of the scheme in which every label there is, of ours or of one's own, is a class; see `own_scheme`."""

NO_CLASS = ("other", "undecided")
_NEAR = 0.75
_KEYS = ("name", "keep", "merge", "drop", "rename")
_OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A label scheme.

    Attributes:
        name: e.g. ``"8class"``.
        classes: class names; the position is the class id.
        merge: emotion -> the class it becomes.
        rename: emotion -> the name of the class it alone stands for, e.g. ``{"angry": "anger"}``.
        drop: emotions to leave out; None drops whatever is not kept, merged or renamed.
    """

    name: str
    classes: tuple[str, ...]
    merge: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] | None = None

    def class_of(self, emotion: str) -> str | None:
        """The class of an emotion, or None where the scheme drops it.

        >>> get_scheme("4class").class_of("excited"), get_scheme("7class").class_of("calm")
        ('happy', None)

        Raises:
            SerHfError: the scheme says nothing of the emotion and must: of a word of one's own one of ours has to.
        """
        if not self.names(emotion):
            raise SerHfError(
                f"label scheme {self.name!r} says nothing of the emotion {emotion!r}, which the clips have; "
                f"put it under keep, merge, rename or drop (or write `drop: {_OTHERS}`)"
            )
        return self.rename.get(emotion) or self.merge.get(emotion) or (emotion if emotion in self.classes else None)

    def names(self, emotion: str) -> bool:
        """Whether the scheme says what becomes of an emotion; the schemes we ship know no word of one's own.

        >>> get_scheme("8class").names("excited"), get_scheme("8class").names("stressed")
        (True, False)
        """
        if emotion in self.rename or emotion in self.merge or emotion in self.classes:
            return True
        if self.drop is None:
            return emotion in EMOTIONS or self.name not in SCHEMES
        return emotion in self.drop

    def action_of(self, emotion: str) -> str:
        """What becomes of an emotion, in a word: ``kept``, ``renamed``, ``merged`` or ``dropped``."""
        if self.class_of(emotion) is None:
            return "dropped"
        return "renamed" if emotion in self.rename else "merged" if emotion in self.merge else "kept"

    def distribution(self, votes: Iterable[tuple[str, float]]) -> list[float] | None:
        """Votes for emotions as shares of the classes, which sum to 1; None where no vote falls on a class.

        >>> get_scheme("4class").distribution([("happy", 3), ("sad", 1), ("disgust", 4)])
        [0.0, 0.75, 0.25, 0.0]
        """
        counts = dict.fromkeys(self.classes, 0.0)
        for emotion, number in votes:
            label = self.class_of(emotion)
            if label is not None:
                counts[label] += number
        total = sum(counts.values())
        return [n / total for n in counts.values()] if total > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data, which `from_dict` reads."""
        drop = None if self.drop is None else [*self.drop]
        return {**asdict(self), "classes": [*self.classes], "drop": drop}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scheme:
        """The scheme `to_dict` wrote."""
        drop = None if data["drop"] is None else tuple(data["drop"])
        return cls(data["name"], tuple(data["classes"]), dict(data["merge"]), dict(data["rename"]), drop)


_EIGHT = EMOTIONS[:8]
SCHEMES = {
    s.name: s
    for s in (
        Scheme("8class", _EIGHT),
        Scheme("7class", tuple(e for e in _EIGHT if e != "calm")),
        Scheme("6class", tuple(e for e in _EIGHT if e not in ("calm", "surprised"))),
        Scheme("4class", ("neutral", "happy", "sad", "angry"), {"excited": "happy"}),
    )
}


def get_scheme(scheme: str | Path | Scheme) -> Scheme:
    """A scheme by its name, or read from a ``.yaml`` file, see `read_scheme`.

    Of the scheme ``own`` the classes are known when the labels are, see `own_scheme`; until then it has none.

    Raises:
        SerHfError: there is none of this name, or the file does not hold one.
    """
    if isinstance(scheme, Scheme):
        return scheme
    if str(scheme) == OWN:
        return Scheme(OWN, ())
    if str(scheme).endswith((".yaml", ".yml")):
        return read_scheme(Path(scheme))
    if scheme not in SCHEMES:
        raise SerHfError(unknown("label scheme", str(scheme), (*SCHEMES, OWN)) + ", or a .yaml file")
    return SCHEMES[str(scheme)]


def own_scheme(emotions: Iterable[str]) -> Scheme:
    """The scheme ``own`` of labels that are there: each is a class, ours before those of one's own.

    >>> own_scheme(["stressed", "sad", "relaxed", "undecided"]).classes
    ('sad', 'relaxed', 'stressed')

    Raises:
        SerHfError: there are fewer than two.
    """
    there = set(emotions)
    ours = [emotion for emotion in EMOTIONS if emotion in there and emotion not in NO_CLASS]
    classes = (*ours, *sorted(there - {*EMOTIONS}))
    if len(classes) < 2:
        raise SerHfError(f"label scheme {OWN!r}: expected two or more different labels, found: {', '.join(classes)}")
    return Scheme(OWN, classes)


def near(word: str, others: Iterable[str] = WORDS) -> str | None:
    """The known word that a label may be a misspelling of, None where there is none.

    >>> near("anrgy"), near("Angry "), near("stressed")
    ('angry', None, None)
    """
    known = [*others]
    low = word.strip().lower()
    found = difflib.get_close_matches(low, known, cutoff=_NEAR) if low not in known else []
    return found[0] if found else None


def emotion_of(label: str, mapping: Mapping[str, str] | None = None) -> str:
    """What a label stands for: a harmonised emotion, or a word of one's own as it is.

    Args:
        label: as it is written somewhere.
        mapping: label -> word, over ours.

    >>> emotion_of("Anger"), emotion_of("W", {"W": "anger"}), emotion_of("Wut")
    ('angry', 'angry', 'Wut')
    """
    word = label.strip()
    word = (mapping or {}).get(word, word).strip()
    return WORDS.get(word.lower(), word)


def label_meaning(label: str, mapping: Mapping[str, str] | None = None) -> str:
    """The same for the label of a checkpoint, which may be a short form.

    >>> label_meaning("hap"), label_meaning("LABEL_0", {"LABEL_0": "sad"})
    ('happy', 'sad')
    """
    meaning = emotion_of(label, mapping)
    return SHORT.get(meaning.lower(), meaning)


def read_scheme(path: Path) -> Scheme:
    """Reads a user's own scheme.

    A small YAML file; every emotion the clips have must be named once, and words of one's own may be::

        keep: [neutral, happy, sad, stressed]  # classes, in the order of their ids
        merge: {calm: neutral, excited: happy} # emotion: class
        rename: {fearful: fear}                # a class under another name, after those of keep
        drop: [disgust, surprised]             # or `drop: others`: whatever is not named above

    Raises:
        SerHfError: not readable, an unknown key, a misspelt emotion or one named twice, or fewer than two classes.
    """
    content = read_yaml(path, "label scheme ")
    return _scheme(content, path)


def _scheme(content: Any, path: Path) -> Scheme:
    if not isinstance(content, dict):
        raise SerHfError(f"label scheme {path}: expected the keys {', '.join(_KEYS)}, found {content!r:.60}")
    for key in content:
        if key not in _KEYS:
            raise SerHfError(f"label scheme {path}: {unknown('key', str(key), _KEYS)}")
    keep, drop = _names(content, "keep", path), _names(content, "drop", path)
    merge, rename = _pairs(content, "merge", path), _pairs(content, "rename", path)
    others = drop == (_OTHERS,)
    named = [*keep, *merge, *rename, *(() if others else drop)]
    for emotion in named:
        if emotion not in EMOTIONS and (meant := WORDS.get(emotion.lower()) or near(emotion, EMOTIONS)):
            raise SerHfError(f"label scheme {path}: unknown emotion {emotion!r}; did you mean {meant!r}?")
        if named.count(emotion) > 1:
            raise SerHfError(
                f"label scheme {path}: the emotion {emotion!r} is named twice; say once what becomes of it"
            )
    classes = (*keep, *dict.fromkeys(rename.values()))
    for name in merge.values():
        if name not in classes:
            raise SerHfError(f"label scheme {path}, merge: {unknown('class', name, classes)}")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise SerHfError(f"label scheme {path}: expected two or more different classes, found: {', '.join(classes)}")
    return Scheme(str(content.get("name") or path.stem), classes, merge, rename, None if others else drop)


def _names(content: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = content.get(key) or []
    if value == _OTHERS and key == "drop":
        return (_OTHERS,)
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SerHfError(f"label scheme {path}, {key}: expected a list of emotions, found {value!r:.60}")
    return tuple(value)


def _pairs(content: dict[str, Any], key: str, path: Path) -> dict[str, str]:
    value = content.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for pair in value.items() for v in pair):
        raise SerHfError(f"label scheme {path}, {key}: expected pairs `emotion: class`, found {value!r:.60}")
    return cast("dict[str, str]", value)
