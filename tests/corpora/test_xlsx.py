"""Workbooks are read with the standard library: cells of every kind, and nothing that a hostile file could grow to."""

import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora._xlsx import LARGEST, workbook_rows

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = "xl/worksheets/sheet1.xml"


def sheet(rows: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>'


def workbook(path: Path, **parts: str | bytes) -> Path:
    """A workbook with these parts; ``sheet1``, ``sheet2`` ... and ``strings`` by their short names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr("xl/sharedStrings.xml" if name == "strings" else f"xl/worksheets/{name}.xml", content)
    return path


def test_cells_of_every_kind(tmp_path):
    strings = f"<sst {MAIN}><si><t>Ann</t></si><si><r><t>ri</t></r><r><rPr/><t>ch</t></r></si><si/></sst>"
    rows = (
        '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="C3"/><c r="D3"><v>12</v></c></row>'
        '<row><c t="inlineStr"><is><t> in line </t></is></c><c t="str"><f>1+1</f><v>two</v></c></row>'
        '<row r="9"><c t="s"><v>2</v></c></row>'
    )
    path = workbook(
        tmp_path / "a.xlsx", sheet1=sheet(rows), sheet2=sheet("<row r='1'><c><v>7</v></c></row>"), strings=strings
    )
    assert list(workbook_rows(path)) == [
        (f"{path}, sheet1 row 3", ["Ann", "rich", "12"]),
        (f"{path}, sheet1 row 2", ["in line", "two"]),
        (f"{path}, sheet1 row 9", []),
        (f"{path}, sheet2 row 1", ["7"]),
    ]


def test_the_strict_variant_has_another_namespace(tmp_path):
    rows = sheet("<row r='1'><c><v>7</v></c></row>").replace(
        MAIN, 'xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"'
    )
    path = workbook(tmp_path / "a.xlsx", sheet1=rows)
    assert [cells for _, cells in workbook_rows(path)] == [["7"]]


BILLION = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>' + sheet("&b;")[38:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BILLION, "it has a document type definition"),
        (BILLION.encode("utf-16"), "it has a document type definition"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "it has a document type definition"),
        (b"\0" * (LARGEST + 1), f"{SHEET} is larger than {LARGEST} bytes"),
        ("<worksheet>", "no element found"),
        (sheet('<row><c t="s"><v>5</v></c></row>'), "list index out of range"),
        (sheet('<row><c t="s"><v>five</v></c></row>'), "invalid literal for int"),
    ],
    ids=["entities", "entities in UTF-16", "external", "bomb", "cut", "no such string", "no number"],
)
def test_hostile_and_broken_parts_are_refused(content, message, tmp_path):
    path = workbook(tmp_path / "a.xlsx", sheet1=content)
    with pytest.raises(
        CorpusError, match=rf"{re.escape(str(path))}: not a readable Excel workbook.*{re.escape(message)}"
    ):
        list(workbook_rows(path))


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", sheet1=b"\0" * (LARGEST * 2))
    size = (LARGEST * 2).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(CorpusError, match="not a readable Excel workbook"):
        list(workbook_rows(path))


@pytest.mark.parametrize("content", [b"", b"PK\3\4 cut", b"\xd0\xcf\x11\xe0 an .xls of old"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="not a readable Excel workbook"):
        list(workbook_rows(path))


def test_a_large_file_is_not_even_opened(tmp_path):
    path = tmp_path / "a.xlsx"
    with path.open("wb") as handle:
        handle.truncate(LARGEST + 1)
    with pytest.raises(CorpusError, match=f"larger than {LARGEST} bytes"):
        list(workbook_rows(path))


def test_a_workbook_without_sheets_and_a_missing_one(tmp_path):
    with pytest.raises(CorpusError, match="there is no sheet in it"):
        list(workbook_rows(workbook(tmp_path / "a.xlsx", strings="<sst/>")))
    with pytest.raises(CorpusError, match="No such file"):
        list(workbook_rows(tmp_path / "b.xlsx"))


def test_an_encrypted_part_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", sheet1=sheet(""))
    data = bytearray(path.read_bytes())
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := data.find(start, at + 1)) >= 0:
            data[at + flags] |= 1
    path.write_bytes(data)
    with pytest.raises(CorpusError, match="encrypted"):
        list(workbook_rows(path))


@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(tmp_path_factory, data):
    path = workbook(tmp_path_factory.mktemp("xlsx") / "a.xlsx", sheet1=sheet("<row r='1'><c><v>7</v></c></row>"))
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = [cells for _, cells in workbook_rows(path)]
    except CorpusError as error:
        found = [[str(error)]]
    assert len(found) == 1


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs"])).filter(str.strip))
def test_any_text_comes_back(tmp_path_factory, text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    rows = sheet(f'<row r="1"><c t="inlineStr"><is><t>{escaped}</t></is></c></row>')
    path = workbook(tmp_path_factory.mktemp("xlsx") / "a.xlsx", sheet1=rows)
    assert [cells for _, cells in workbook_rows(path)] == [[text.strip()]]
