"""What may be done with a model or dataset made from several corpora: the licence and languages for a card."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HUB_IDS = {
    "apache-2.0": "apache-2.0",
    "mit": "mit",
    "gpl-3.0": "gpl-3.0",
    "cc0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
    "odbl": "odbl",
    "odbl-1.0": "odbl",
    "odc-by": "odc-by",
    "odc-by-1.0": "odc-by",
    "pddl": "pddl",
}
_CREATIVE_COMMONS = re.compile(r"cc-by(-nc)?(-sa|-nd)?-(2\.0|2\.5|3\.0|4\.0)")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence in the terms of the Hub's card metadata.

    Attributes:
        id: identifier of the Hub, ``"other"`` where none fits.
        name: for ``"other"``, a short name.
        link: for ``"other"``, an address with the terms, if there is one.
        text: what it means, in one or two sentences.
    """

    id: str
    name: str | None
    link: str | None
    text: str


def hub_licence(licence: str) -> str | None:
    """The Hub's identifier of a licence, None where it has none.

    >>> hub_licence("CC BY-NC-SA 4.0"), hub_licence("research only, after registration")
    ('cc-by-nc-sa-4.0', None)
    """
    key = re.sub(r"[\s_]+", "-", licence.strip().lower())
    return key if _CREATIVE_COMMONS.fullmatch(key) else _HUB_IDS.get(key)


def combined_licence(corpora: Sequence[Mapping[str, Any]]) -> Licence:
    """The strictest licence of the corpora; ``other`` where several differ or one is none of the Hub's.

    CC0 asks for nothing and CC BY asks for what every other CC BY licence asks for, so they give way to the stricter.
    """
    ids = {hub_licence(c["licence"]) for c in corpora}
    strictest = {i for i in ids if not (len(ids) > 1 and _contained(i, ids))}
    terms = "; ".join(f"{c['name']}: {c['licence']}" for c in corpora)
    if len(strictest) == 1 and (only := strictest.pop()) is not None:
        return Licence(only, None, None, f"The strictest licence of the corpora applies ({terms}).")
    links = {c["licence_url"] for c in corpora if c["licence_url"]}
    return Licence(
        "other",
        _slug(corpora[0]["licence"]) if len(corpora) == 1 else "terms-of-the-corpora",
        links.pop() if len(links) == 1 and len(corpora) == 1 else None,
        f"The terms of every corpus apply together ({terms}); check each before any use beyond research.",
    )


def _contained(licence: str | None, ids: set[str | None]) -> bool:
    """Whether another licence of ``ids`` asks for everything this one asks for."""
    if licence == "cc0-1.0":
        return True
    return licence == "cc-by-4.0" and any(i and i.startswith("cc-by-") and i.endswith("4.0") for i in ids - {licence})


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "see-card"


def language_codes(corpora: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """The languages of the corpora as the Hub's codes, None where none is known.

    >>> language_codes([{"language": "en-GB"}, {"language": "de"}, {"language": None}])
    ['de', 'en']
    """
    codes = {code.split("-")[0].lower() for c in corpora for code in re.findall(r"[A-Za-z-]+", c["language"] or "")}
    return sorted(code for code in codes if len(code) in (2, 3)) or None


def size_category(clips: int) -> str:
    """The Hub's size category of a dataset.

    >>> size_category(999), size_category(1000), size_category(25_000)
    ('n<1K', '1K<n<10K', '10K<n<100K')
    """
    names = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
    return next((name for limit, name in names.items() if clips < limit), "1M<n<10M")
