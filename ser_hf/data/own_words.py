"""Labels of one's own: each must be meant, and not be a slip of the pen or a code that nobody explained."""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import Scan
from ser_hf.labels import EMOTIONS, OWN, Scheme, near, own_scheme

CODE = "a label that nothing is known of"
_SHOWN = 5

logger = logging.getLogger(__name__)


def settled(scheme: Scheme, scans: Iterable[Scan]) -> Scheme:
    """The scheme, with its classes where it is ``own``: every label that was found.

    Raises:
        SerHfError: fewer than two were.
    """
    if scheme.name != OWN or scheme.classes:
        return scheme
    return own_scheme({clip.emotion for found in scans for clip in found.clips})


def with_known_words(
    scans: Sequence[Scan], scheme: Scheme, labels: Mapping[str, str], skip_bad: bool = False
) -> list[Scan]:
    """The scans of which every label is one of ours, of the scheme or of a mapping, or plainly one's own.

    Args:
        scans: of any corpora; of those with a grammar of their own all labels are known.
        scheme: a word it names is meant.
        labels: the mapping; what it makes of a label is meant, and a label that no clip has is told.
        skip_bad: leave the clips of the others out, and list them.

    Raises:
        CorpusError: with every label nothing is known of, how many clips have it, and what to do.
    """
    there = {clip.native_label for found in scans if found.corpus.own for clip in found.clips}
    for label in labels.keys() - there if there else ():
        logger.warning("labels: no clip is labelled %r", label)
    return [_checked(found, scheme, skip_bad) if found.corpus.own else found for found in scans]


def _checked(found: Scan, scheme: Scheme, skip_bad: bool) -> Scan:
    words = Counter(clip.emotion for clip in found.clips if clip.emotion not in EMOTIONS)
    said = {*found.corpus.emotions.values()}
    reasons = {
        word: reason
        for word in words
        if not _named(scheme, word) and (reason := _doubt(word, () if word in said else words, scheme))
    }
    if not reasons:
        return found
    bad = [clip for clip in found.clips if clip.emotion in reasons]
    if not skip_bad or len(bad) == len(found.clips):
        raise CorpusError(_message(found, words, reasons, scheme))
    lines = [f"{clip.clip_id}: the label {clip.native_label!r} {reasons[clip.emotion]}" for clip in bad]
    return replace(
        found,
        clips=tuple(clip for clip in found.clips if clip.emotion not in reasons),
        strays={**found.strays, CODE: tuple(clip.path for clip in bad)},
        refused=(*found.refused, *lines),
    )


def _named(scheme: Scheme, word: str) -> bool:
    """Whether the scheme itself has the word; ``drop: others`` does not say that a word is meant."""
    return word in (*scheme.classes, *scheme.rename, *scheme.merge, *(scheme.drop or ()))


def _doubt(word: str, words: Iterable[str], scheme: Scheme) -> str | None:
    """What is wrong with a word, None where nothing is; without other words, it is meant as it is."""
    twin = next((w for w in words if w != word and w.lower() == word.lower()), None)
    meant = near(word) or next(iter(difflib.get_close_matches(word, scheme.classes, n=1, cutoff=0.75)), None)
    if twin:
        return f"is there as {twin!r} as well"
    if words and word.isdigit():
        return "is a number, and nothing says of which emotion"
    if words and meant:
        return f"is close to {meant!r}"
    if not scheme.names(word) and scheme.name != OWN:
        return f"is not in the label scheme {scheme.name!r}"
    return None


def _message(found: Scan, words: Mapping[str, int], reasons: Mapping[str, str], scheme: Scheme) -> str:
    native = {clip.emotion: clip for clip in reversed(found.clips) if clip.emotion in reasons}
    shown = sorted(reasons, key=lambda word: -words[word])[:_SHOWN]
    lines = "; ".join(
        f"{native[word].native_label!r} ({words[word]} clip{'s' * (words[word] > 1)}, e.g. {native[word].clip_id}) "
        f"{reasons[word]}"
        for word in shown
    )
    more = f"; and {len(reasons) - len(shown)} more" if len(reasons) > len(shown) else ""
    label = native[shown[0]].native_label
    means = near(label) or "angry"
    own = f"a word of your own is a class with --scheme {OWN}, or in a scheme file that names it"
    keep = f" (--labels {label}={label} if it is none of ours)" if reasons[shown[0]].startswith("is close") else ""
    return (
        f"corpus {found.corpus.name!r}: labels that nothing is known of: {lines}{more}. Say what each means, e.g. "
        f"--labels {label}={means}{keep}; {own}"
    )
