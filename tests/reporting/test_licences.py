"""The licence and the languages of several corpora together."""

import pytest

from ser_hf.reporting._licences import combined_licence, hub_licence


def corpora(*licences):
    return [
        {"name": f"c{i}", "licence": name, "licence_url": f"https://terms.example/{i}"}
        for i, name in enumerate(licences)
    ]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("CC BY-NC-ND 4.0", "cc-by-nc-nd-4.0"),
        ("cc by 4.0", "cc-by-4.0"),
        ("CC0 1.0", "cc0-1.0"),
        ("ODbL 1.0", "odbl"),
        ("Apache-2.0", "apache-2.0"),
        ("CC BY-SA-NC 4.0", None),
        ("CC BY 9.0", None),
        ("the user's own", None),
    ],
)
def test_names_of_the_hub(licence, expected):
    assert hub_licence(licence) == expected


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC BY-NC-SA 4.0"], "cc-by-nc-sa-4.0"),
        (["CC BY-NC-SA 4.0", "CC BY-NC-SA 4.0"], "cc-by-nc-sa-4.0"),
        (["CC0 1.0", "CC BY-NC-ND 4.0", "CC BY 4.0"], "cc-by-nc-nd-4.0"),
        (["CC0 1.0", "CC BY 4.0"], "cc-by-4.0"),
        (["CC BY-NC-SA 4.0", "CC BY-NC-ND 4.0"], "other"),
        (["CC BY-NC-SA 4.0", "research only"], "other"),
        (["CC0 1.0", "research only"], "other"),
        (["ODbL 1.0", "CC BY-NC-SA 4.0"], "other"),
    ],
)
def test_the_strictest_applies_where_there_is_one(licences, expected):
    licence = combined_licence(corpora(*licences))
    assert licence.id == expected
    assert (licence.name is None) == (expected != "other")
    assert all(name in licence.text for name in licences)


def test_terms_of_one_corpus_are_linked():
    licence = combined_licence(corpora("research only, after registration"))
    assert (licence.id, licence.name) == ("other", "research-only-after-registration")
    assert licence.link == "https://terms.example/0"
