"""``ser-hf list``: what there is to choose from."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ser_hf.base.plain import plain_json

from ._command import Command, say

if TYPE_CHECKING:
    from ser_hf.corpora import Corpus


class ListCommand(Command):
    """Lists corpora, label schemes, protocols, models, recipes or studies."""

    name = "list"
    help = "list corpora, schemes, protocols, models, recipes or studies"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One optional word."""
        parser.add_argument("what", nargs="?", choices=sorted(_LISTS), help="by default all of them")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints the lists asked for."""
        if args.json:
            found = {what: _LISTS[what]() for what in ([args.what] if args.what else _LISTS)}
            say(plain_json(found))
            return 0
        for what in [args.what] if args.what else [*_LISTS]:
            rows = _LISTS[what]()
            width = max(len(name) for name, _ in rows)
            say(f"{what}:")
            for name, text in rows:
                say(f"  {name:<{width}}  {text}")
            if what == "models":
                say("".join(f"\n  {line}".rstrip(" ") for line in _costs().splitlines()))
        return 0


def _corpora() -> list[tuple[str, str]]:
    from ser_hf.corpora import CORPORA

    return [
        (c.name, "; ".join(filter(None, (c.title, c.language, c.licence, _size(sum(c.expected.values())), _folds(c)))))
        for c in CORPORA.values()
    ]


def _size(clips: int) -> str:
    return f"{clips} clips" if clips else ""


def _folds(corpus: Corpus) -> str:
    return f"folds by {', '.join(sorted(corpus.folds))}" if corpus.folds else ""


def _schemes() -> list[tuple[str, str]]:
    from ser_hf.labels import SCHEMES

    merged = {s.name: "".join(f"; {old} becomes {new}" for old, new in s.merge.items()) for s in SCHEMES.values()}
    return [(s.name, " ".join(s.classes) + merged[s.name]) for s in SCHEMES.values()]


def _protocols() -> list[tuple[str, str]]:
    from ser_hf.corpora import CORPORA
    from ser_hf.protocols import PROTOCOLS

    having = {name: [c.name for c in CORPORA.values() if name in c.folds] for name in PROTOCOLS}
    return [
        (p.name, p.description + (f" (for {', '.join(having[p.name])})" if having[p.name] else "") + _options(p.takes))
        for p in PROTOCOLS.values()
    ]


def _options(takes: Iterable[str]) -> str:
    return f" [{' '.join(f'--{option}' for option in sorted(takes))}]" if takes else ""


def _models() -> list[tuple[str, str]]:
    from ser_hf.baselines import BASELINES
    from ser_hf.finetuning import FAMILIES, TRANSFORMER
    from ser_hf.models import MODELS

    families = "; ".join(f"{family.title}, {family.reference}" for family in FAMILIES.values())
    ours = [(name, (model.__doc__ or "").splitlines()[0]) for name, (_, model) in (MODELS | BASELINES).items()]
    return [
        *ours,
        (TRANSFORMER, f"A pretrained transformer on recordings [pretrained=NAME freeze lora_rank ...]: {families}"),
    ]


def _recipes() -> list[tuple[str, str]]:
    from ser_hf.training.shipped_recipes import GROUPS, RECIPES, measured, recipe_names

    scores, rows = measured(), []
    for group, names in itertools.groupby(recipe_names(), lambda name: name.partition("/")[0]):
        rows.append((f"{group}/", GROUPS[group]))
        for name in names:
            first, *others = scores.get(name, ["not measured yet"])
            rows += [(f"  {name.partition('/')[2]}", first), *(("", line) for line in others)]
    together = {name: lines for name, lines in scores.items() if " + " in name}
    if together:
        rows.append(("ensembles", "the mean of runs by several recipes: `ser-hf ensemble`"))
    for name, lines in together.items():
        rows += [("", " + ".join(part.removesuffix(".yaml") for part in name.split(" + "))), *(("", f) for f in lines)]
    return [*rows, ("", f"their files, and Accelerate's configurations: {RECIPES}")]


def _costs() -> str:
    from ser_hf.benchmarks import models_table, shipped_models

    return models_table(shipped_models())


def _studies() -> list[tuple[str, str]]:
    from ser_hf.studies import load_study, study_names

    return [(name, load_study(name).title) for name in study_names()]


_LISTS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "corpora": _corpora,
    "schemes": _schemes,
    "protocols": _protocols,
    "models": _models,
    "recipes": _recipes,
    "studies": _studies,
}
