"""The HTML page: complete, self-contained, escaped."""

import base64
import copy
import html.parser
import json
import re

import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.reporting import write_model_card, write_report
from ser_hf.reporting._wording import confident_errors, worst_confusions

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Tags with attributes, tables by section, visible text; checks that every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.tables, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def table(self, first):
        return next(t for t in self.tables if t[0][0] == first)


def percent(value):
    return f"{100 * value:.1f}"


def between(bounds):
    return "–".join(map(percent, bounds)) if bounds else "–"


@pytest.fixture
def no_plots(monkeypatch):
    """Leaves the figures out, which take a second."""
    monkeypatch.setattr("ser_hf.reporting.report.write_plots", lambda results, folder: [])


@pytest.fixture
def page(run_dir, no_plots):
    return Page(write_report(run_dir).read_text(encoding="utf-8"))


def test_the_page_needs_nothing_else(run_dir):
    page = Page(write_report(run_dir).read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    sources = [attrs["src"] for tag, attrs in page.tags if "src" in attrs]
    assert len(sources) == 6
    for source in sources:
        head, data = source.split(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")
    assert not re.search(r"url\(|@import", (run_dir / "report.html").read_text())
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    anchors = {attrs["href"][1:] for tag, attrs in page.tags if tag == "a" and attrs["href"].startswith("#")}
    assert anchors <= {attrs.get("id") for _, attrs in page.tags}


def test_the_page_holds_every_number(page, results):
    test = results["test"]
    for metric in test["metrics"].values():
        for text in (percent(metric["value"]), between(metric["clips"]), between(metric["speakers"])):
            assert text in page.text
    classes = results["data"]["classes"]
    rows = page.table("true \\ predicted")
    assert rows[0][1:] == classes
    assert [[int(n) for n in row[1:]] for row in rows[1:]] == test["confusion"]
    rows = page.table("class")
    expected = [
        [r["class"], str(r["clips"]), *(percent(r[k]) for k in ("precision", "recall", "f1"))]
        for r in test["per_class"]
    ]
    assert rows[1:] == expected
    total = {"corpus": "all", "clips": test["n_clips"], "speakers": test["n_speakers"], **test["metrics"]}
    for row, given in zip(page.table("corpus")[1:], [*test["per_corpus"], total], strict=True):
        cells = [given["corpus"], str(given["clips"]), str(given["speakers"])]
        for key in ("accuracy", "uar"):
            cells += [percent(given[key]["value"]), between(given[key]["clips"]), between(given[key]["speakers"])]
        assert row == cells
    for row, (name, split) in zip(page.table("split")[1:], results["data"]["splits"].items(), strict=True):
        cells = [name, f"{split['clips']:,}", str(split["speakers"]), *map(str, split["classes"].values())]
        assert row == cells
    ledger = next(t for t in page.tables if t[0][:2] == ["corpus", "native label"])
    assert [int(row[-1]) for row in ledger[1:]] == [r["clips"] for r in results["data"]["ledger"]["rows"]]
    for text in (
        "13 min 32 s",
        "1,234,568 parameters",
        "AMD EPYC, 2 cores",
        "bf16",
        "2.14.1",
        "900 of 960 clips",
        "savee: 479 clips",
    ):
        assert text in page.text
    for key in results["training"]["arguments"]:
        assert key in page.text
    for finding in results["audit"]:
        assert finding["message"] in page.text


def test_errors_are_listed_with_the_surest_first(page, run_dir, make_run):
    results, rows = make_run()
    wrong = [r for r in rows if r["label"] != r["predicted"]]
    surest = sorted(wrong, key=lambda r: -r[f"p_{r['predicted']}"])[:10]
    expected = [
        [r["label"], r["predicted"], f"{r['p_' + r['predicted']]:.3f}", f"{r['p_' + r['label']]:.3f}", r["clip_id"]]
        for r in surest
    ]
    assert page.table("label")[1:] == expected
    pairs = page.table("true class")[1:]
    confusion, classes = results["test"]["confusion"], results["data"]["classes"]
    assert [int(p[2]) for p in pairs] == sorted(
        (n for i, r in enumerate(confusion) for j, n in enumerate(r) if i != j)
    )[: -len(pairs) - 1 : -1]
    for true, predicted, clips, _ in pairs:
        assert confusion[classes.index(true)][classes.index(predicted)] == int(clips)


@pytest.mark.usefixtures("no_plots")
def test_what_the_score_is_worth_is_said_first(make_run, write_run):
    results, rows = make_run()
    mixed = Page(write_report(write_run(results, rows)).read_text()).text
    assert mixed.index("Speaker-mixed. Speakers are on both sides of the split") < mixed.index("Accuracy (WA)")
    assert "Synthetic voices." not in mixed
    results["synthetic"], results["split"]["speaker_independent"], results["audit"] = True, True, []
    results["training"]["history"] = []
    other = Page(write_report(write_run(results, rows)).read_text()).text
    assert other.index("Synthetic voices. The voices were made by a synthesiser") < other.index("Accuracy (WA)")
    assert "Speaker-independent. No speaker of the test set" in other
    assert "both sides" not in other
    assert "The leakage audit found nothing." in other
    assert "No training history was recorded." in other


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    ("training", "kept"),
    [
        ({}, "chosen by validation UAR"),
        ({"best_epoch": None, "best_validation_uar": None, "epochs": 40.0}, "40, the last"),
        ({"best_epoch": None, "epochs": 0.0}, "–"),
    ],
)
def test_which_epoch_was_kept_is_said(make_run, write_run, training, kept):
    results, rows = make_run()
    results["training"] |= training
    folder = write_run(results, rows)
    write_report(folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    (row,) = [row for table in page.tables for row in table if row[:1] == ["kept epoch"]]
    assert row[1].endswith(kept)


@pytest.mark.usefixtures("no_plots")
def test_a_perfect_score_has_no_errors_to_list(make_run, write_run):
    results, rows = make_run()
    rows = [{**r, "predicted": r["label"]} for r in rows]
    counts = [r["clips"] for r in results["test"]["per_class"]]
    results["test"]["confusion"] = [[n if i == j else 0 for j in range(8)] for i, n in enumerate(counts)]
    assert "No test clip was classified wrongly." in Page(write_report(write_run(results, rows)).read_text()).text
    assert worst_confusions(results) == confident_errors(rows) == []


def test_names_are_escaped(make_run, write_run):
    classes = ["<script>alert(1)</script>", 'a"b', "c&d", "e|f"]
    results, rows = make_run(classes)
    results["data"]["corpora"][0] |= {"name": "<img src=x>", "homepage": "javascript:alert(1)", "title": "<b>T</b>"}
    results["data"]["ledger"]["unreadable"] = ["<i>x</i>.wav: bad"]
    rows[0]["clip_id"] = "<u>clip</u>"
    results["training"]["arguments"] = {"<key>": {"inner": ["<value>"]}}
    path = write_report(write_run(results, rows))
    page = Page(path.read_text())
    assert not {"script", "b>", "i", "u", "key", "value"} & {tag for tag, _ in page.tags}
    assert len([1 for tag, _ in page.tags if tag == "img"]) == 6
    assert "javascript:" not in path.read_text()
    assert page.table("true \\ predicted")[0][1:] == classes
    assert "<key>.inner" in page.text
    assert "<i>x</i>.wav: bad" in page.text


def keys(value, prefix=()):
    """The path of every key in nested data; of a list only the first entry."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*prefix, key)
            yield from keys(inner, (*prefix, key))
    elif isinstance(value, list) and value:
        yield from keys(value[0], (*prefix, 0))


@pytest.mark.usefixtures("no_plots")
def test_no_key_is_read_that_was_not_checked(make_run, write_run):
    results, rows = make_run(["happy", "sad", "angry", "calm"], clips=24)
    run = write_run(results, rows)
    refused = []
    for path in list(keys(results)):
        broken = copy.deepcopy(results)
        inner = broken
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        (run / "results.json").write_text(json.dumps(broken), encoding="utf-8")
        try:  # anything but success or the one clear error ends the test
            write_report(run)
            write_model_card(run)
        except SerHfError as error:
            refused.append((path, str(error)))
    assert len(refused) > 80
    assert [path for path, message in refused if str(path[-1]) not in message] == []


def test_ratings_and_votes_are_shown_where_there_are_any(run_dir):
    results = json.loads((run_dir / "results.json").read_text())
    score = {"value": 0.512, "clips": [0.412, 0.612], "speakers": None}
    results["test"]["dimensions"] = {
        "arousal": {"n_clips": 9, "mean": 4.0, "std": 1.0, **dict.fromkeys(("ccc", "pearson", "mae", "rmse"), score)},
        "valence": {"n_clips": 0},
    }
    names = ("kl_divergence", "js_divergence", "majority_accuracy")
    results["test"]["soft"] = {"n_clips": 7, **dict.fromkeys(names, score)}
    (run_dir / "results.json").write_text(json.dumps(results))
    html, card = write_report(run_dir).read_text(), write_model_card(run_dir).read_text()
    assert "0.412–0.612" in html
    assert "no test clip was rated" in html
    assert "7 clips with votes" in html
    assert "| arousal | 9 | 0.512 | 0.412–0.612 | – | 0.512 |" in card
    assert "votes of the raters of 7 test clips" in card
