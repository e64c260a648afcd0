"""Data of one's own, as a recipe or a command line names them: places become corpora."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ser_hf.base.errors import RecipeError
from ser_hf.corpora import CORPORA, FOLDER, Reading, mistaken_for
from ser_hf.data import dataset_source


def own_words(words: Sequence[str]) -> list[str]:
    """The words of a command line, with what ``--dataset`` and ``--data_dirs`` say without saying it.

    ``--dataset X`` is a corpus of the dataset's name, that is trained on in place of those of the recipe. So are names
    in ``--data_dirs`` that nobody registered, where no ``--corpora`` says otherwise.

    >>> own_words(["--dataset", "somebody/speech", "--seed", "1"])[4:]
    ['--data_dirs', 'speech=hf://somebody/speech', '--corpora', 'speech']

    Raises:
        SerHfError: there is no such dataset.
    """
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            options[word] = []  # the last one counts
        elif options:
            options[[*options][-1]].append(word)
    places, chosen = options.get("--data_dirs", []), "--corpora" in options
    own = [name for name in (place.partition("=")[0] for place in places) if name not in CORPORA]
    added = list(words)
    if dataset := options.get("--dataset"):
        name, source = _named(dataset[0])
        own.append(name)
        added += ["--data_dirs", *places, f"{name}={source}"]
    return added if chosen or not own else [*added, "--corpora", *dict.fromkeys(own)]


def own_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a recipe's file, with the place and the corpus that ``dataset`` says.

    Raises:
        SerHfError: there is no such dataset.
    """
    dataset = given.get("dataset")
    if not isinstance(dataset, str):
        return dict(given)
    name, source = _named(dataset)
    places = given.get("data_dirs") or {}
    pairs = places if isinstance(places, dict) else dict(word.split("=", 1) for word in places if "=" in word)
    return {"corpora": [name], **given, "data_dirs": {**pairs, name: source}}


def reading_of(settings: Any) -> Reading:
    """How data of one's own are read, from the data fields of a recipe or the arguments of a command.

    Raises:
        RecipeError: a word of ``labels`` is no ``label=word``.
    """
    labels = {}
    for word in settings.labels:
        label, equals, meaning = word.partition("=")
        if not (equals and label.strip() and meaning.strip()):
            raise RecipeError(f"labels {word!r}: expected label=word, e.g. W=angry")
        labels[label.strip()] = meaning.strip()
    names = ("audio_column", "label_column", "speaker_column", "split_column")
    return Reading(labels=labels, **{name: getattr(settings, name) for name in names})


def _named(dataset: str) -> tuple[str, str]:
    """The name and the place of a dataset; one that is called like a registered corpus is another."""
    name, source = dataset_source(dataset)
    taken = mistaken_for(name) or (name in CORPORA and name != FOLDER)
    return f"{name}_dataset" if taken else name, source
