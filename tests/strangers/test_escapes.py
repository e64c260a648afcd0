"""Names by strangers with Markdown, HTML, templates and terminal codes in them are shown as text, everywhere."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml

from ser_hf.base.errors import SerHfError
from ser_hf.base.plain import one_line, plain, plain_json
from ser_hf.cli import main
from ser_hf.reporting import ModelCard, render_dataset_card, study_page, write_report
from ser_hf.studies.writing import write_study_table

from ..reporting.conftest import make_predictions, make_results
from .children import steady

WORDS = {
    "table": "a|b | c",
    "code": "`x` ```y",
    "fence": "a\n```\n<script>alert(1)</script>",
    "script": "<script>alert(1)</script>",
    "image": "![x](http://127.0.0.1:9/x.png)",
    "link": "[x](javascript:alert(1))",
    "attribute": '" onmouseover="alert(1)" x="',
    "front matter": "a\n---\nlicense: mit\n---\n",
    "template": "{{ 7 * 7 }} {% raw %} {# x",
    "entity": "&lt;script&gt; &#x202e; &amp;",
    "heading": "# x",
    "list": "1. x\n- y",
    "line": "---",
    "formula": r"$x$ \frac ~~y~~ *z* _w_",
    "terminal": "\x1b[2J\x1b]8;;http://127.0.0.1:9\x07x\x1b]8;;\x07\r\b\x9b31m",
    "turned": "\u202ereversed\u2066",
    "half": "x\udc80",
    "paragraph": "a\u2028b\u2029c",
    "nul": "a\0b",
}


@pytest.fixture(params=WORDS)
def word(request) -> str:
    return WORDS[request.param]


class Elements(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs if name != "class"))))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def shown(text: str) -> str:
    """What stands on a page for a word: its letters, whatever blanks are between."""
    return " ".join(plain(text).split())


def same_elements(page: str, plain_page: str) -> Elements:
    """The elements of a page, which must be those of a page of harmless words."""
    found, expected = Elements(page), Elements(plain_page)
    assert found.tags == expected.tags
    assert not [address for address in found.addresses if address.lower().startswith(("javascript:", "http://127"))]
    assert all(steady(line) for line in page.replace("\t", " ").split("\n"))
    return found


def run_of(word: str) -> tuple[dict, list[dict]]:
    """What is known of a run, with the word wherever strangers have a say."""
    classes = [word, "happy", "sad", "angry"]
    rows = make_predictions(classes, clips=48)
    results = json.loads(json.dumps(make_results(rows, classes)))
    results["name"] = word
    results["split"]["test_speakers"] = [word]
    corpus = results["data"]["corpora"][0]
    corpus |= {"title": word, "licence": word, "citation": word, "homepage": f"javascript:{word}"}
    corpus |= {"licence_url": f"https://example.org/) {word}"}
    results["data"]["scheme"] = word
    results["data"]["ledger"]["unreadable"] = [f"{word}.wav: is empty"]
    results["data"]["ledger"]["rows"][0] |= {"native_label": word}
    results["data"]["remarks"] = [word]
    results["training"]["arguments"] = {word: {"inner": [word]}}
    rows[0] |= {"clip_id": word, "speaker": word}
    return results, rows


def sortable(word: str) -> str:
    """Words that Parquet holds: no halves of surrogates, which cannot get there."""
    return one_line(word) if any(unicodedata.category(c) == "Cs" for c in word) else word


@pytest.mark.parametrize("word", [WORDS[name] for name in ("fence", "attribute", "template", "formula", "terminal")])
def test_the_report(word, tmp_path, monkeypatch):
    monkeypatch.setattr("ser_hf.reporting.report.write_plots", lambda *_, **__: [])
    pages = []
    for name, said in (("run", sortable(word)), ("harmless", "xyz")):
        results, rows = run_of(said)
        folder = tmp_path / name
        folder.mkdir()
        (folder / "results.json").write_text(json.dumps(results))
        pq.write_table(pa.Table.from_pylist(rows), folder / "predictions.parquet")
        pages.append(write_report(folder).read_text(encoding="utf-8"))
    assert shown(sortable(word)) in same_elements(*pages).text


def blocks_of(text: str) -> list[tuple[str, str]]:
    """The structure of a Markdown text: what elements there are, without what they say."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    found = []
    for token in tokens:
        found.append((token.type, token.tag))
        found += [
            (child.type, child.attrGet("href") or child.attrGet("src") or "")
            for child in token.children or ()
            if child.type not in ("text", "softbreak", "text_special")
        ]
    return found


def body_and_front(card: str) -> tuple[str, dict]:
    """A card parted as the Hub parts it."""
    match = re.match(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))", card)
    return card[match.end() :], yaml.safe_load(match[2])


def same_card(card: str, harmless: str) -> None:
    body, front = body_and_front(card)
    expected, keys = body_and_front(harmless)
    assert list(front) == list(keys)
    assert blocks_of(body) == blocks_of(expected)
    assert all(steady(line) for line in card.split("\n"))
    card.encode()


def test_the_model_card(word):
    card, harmless = (ModelCard.from_results(run_of(said)[0]).render() for said in (word, "xyz"))
    same_card(card, harmless)


def build_of(word: str) -> dict:
    results = run_of(word)[0]
    data = results["data"]
    files = [{"split": side, "path": f"data/x/{side}-*.parquet"} for side in ("train", "validation", "test")]
    return {
        **{"schema": 1, "name": word, "split": results["split"], "remarks": [word]},
        **{key: data[key] for key in ("corpora", "scheme", "classes", "ledger", "splits")},
        "audit": [{"level": "warning", "rule": word, "message": word}],
        "configs": [{"config_name": word, "data_files": files}],
    }


def test_the_dataset_card(word):
    card, harmless = (render_dataset_card(copy.deepcopy(build_of(said))) for said in (word, "xyz"))
    same_card(card, harmless)


def study_of(word: str) -> dict:
    line = dict.fromkeys(
        [
            *("row", word, "recipe", "speaker_independent", "test_clips", "test_speakers", "runs", "runs_expected"),
            *("accuracy", "uar", "uar_low", "uar_high", "uar_speakers_low", "uar_speakers_high", "macro_f1"),
            *("uar_seed_std", "uar_difference", "p_bootstrap_holm", "p_mcnemar_holm", "caveat"),
            *(f"paper_{key}" for key in ("accuracy", "uar", "macro_f1", "weighted_f1")),
        ],
        "",
    )
    return {**line, "row": word, word: word, "recipe": "svm", "speaker_independent": "False", "caveat": word}


def test_the_table_of_a_study(word, tmp_path):
    word = sortable(word)
    cost = {"minutes": "1", "peak_memory_mb": "2", "hardware": word, "commit": "abc"}
    for name, said in (("study", word), ("harmless", "xyz")):
        (tmp_path / name / "run").mkdir(parents=True)
        told = {"title": said, "about": said, "source": said, "remarks": [said]}
        cost["hardware"] = said
        write_study_table(tmp_path / name, [study_of(said)], [cost], **told, runs=[[tmp_path / name / "run"]])
    page = same_elements(*(((tmp_path / name) / "index.html").read_text() for name in ("study", "harmless")))
    assert shown(word) in page.text
    same_elements(*(((tmp_path / name) / "table.html").read_text() for name in ("study", "harmless")))
    texts = [((tmp_path / name) / "table.md").read_text() for name in ("study", "harmless")]
    assert blocks_of(texts[0]) == blocks_of(texts[1])
    latex = (tmp_path / "study/table.tex").read_text()
    assert all(steady(line) for line in latex.split("\n"))


def test_the_page_of_a_study_without_files(word):
    cost = {"minutes": "1", "peak_memory_mb": "2", "hardware": word, "commit": word}
    pages = [
        study_page(said, said, [said], [{said: said}], [{**cost, "hardware": said, "commit": said}], [[(said, "x")]])
        for said in (word, "xyz")
    ]
    assert shown(word) in same_elements(*pages).text


def quiet(text: str) -> bool:
    return all(steady(line) for line in text.replace("\t", "").split("\n"))


def write_clips(root: Path, word: str) -> list[Path]:
    """Recordings in folders and under names that are the word, as far as a file system takes it."""
    name = word.replace("/", "_").replace("\0", "_")[:80]
    paths = [root / label / f"{name}{n}.wav" for n in range(10) for label in (f"{name}.", "happy")]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = 0.3 * np.sin(np.arange(8_000) * (0.1 + number / 90))
        path.write_bytes(_wav(samples))
    (root / "happy" / f"{name}bad.wav").write_bytes(b"RIFF")
    return paths


def _wav(samples: np.ndarray) -> bytes:
    soundfile.write(file := io.BytesIO(), samples, 16_000, format="WAV")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["terminal", "turned", "half", "paragraph", "front matter", "script"])
def test_the_terminal(name, tmp_path, capsys, monkeypatch):
    """Errors, tables and JSON of the commands that read strangers' folders, and what is logged on the way."""
    word = WORDS[name]
    paths = write_clips(tmp_path / "clips", word)
    own = ["--corpora", "own", "--data_dirs", f"own={tmp_path / 'clips'}", "--protocol", "random"]
    recipe = tmp_path / f"{paths[0].stem}.yaml"
    recipe.write_text(f"{json.dumps(word)}: 1\n")
    table = tmp_path / "t.csv"
    table.write_bytes(b"path,label\n" + os.fsencode(paths[0]).replace(b"\n", b" ") + b"\xff,sad\n")
    commands = [
        ["list", "corpora"],
        ["build", *own, "--scheme", "own", "--output", str(tmp_path / "refused")],
        ["build", *own, "--skip_bad", "--scheme", "own", "--output", str(tmp_path / "built")],
        ["audit", str(tmp_path / "built")],
        ["audit", str(tmp_path / "built"), "--json"],
        ["train", str(recipe)],
        ["predict", *map(str, paths[:2])],
        ["predict", "--json", *map(str, paths[:1])],
        ["predict", str(tmp_path / "clips" / "happy" / f"{paths[0].stem[:-1]}bad.wav")],
        ["segment", str(paths[0])],
        ["segment", str(tmp_path / f"no{word.replace(chr(0), '')}.wav")],
        ["study", str(recipe)],
    ]
    codes = []
    for words in commands:
        codes.append(main(words))
        printed = capsys.readouterr()
        assert quiet(printed.out), (words, printed.out)
        assert quiet(printed.err.replace("\r", "\n")), (words, printed.err)
        printed.out.encode()
        if "--json" in words and printed.out.strip():
            json.loads(printed.out)
    assert codes[:1] == [0], codes
    assert codes[1] == codes[5] == codes[8] == codes[10] == codes[11] == 2
    assert codes[2] == codes[6] == codes[9] == 0
    card = (tmp_path / "built/README.md").read_text(encoding="utf-8")
    assert quiet(card)
    body_and_front(card)


def test_codes_of_plain():
    for word in WORDS.values():
        assert quiet(plain(word))
        assert steady(one_line(word))
        assert json.loads(plain_json({word: word})) == {word: word}
        assert steady(plain_json(word))
        assert quiet(str(SerHfError(word)))
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"  # its joiner is part of the word
    assert one_line(persian) == persian
