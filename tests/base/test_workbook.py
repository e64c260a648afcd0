"""Workbooks: cells of every kind come as a table of text would have them, and no hostile file grows without limit."""

import datetime
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import SerHfError
from ser_hf.base.workbook import LARGEST, workbook_rows

SHEET = "xl/worksheets/sheet1.xml"


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"page {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def replaced(path: Path, name: str, content: str | bytes) -> Path:
    """The workbook with another content of one part."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, old in parts.items():
            archive.writestr(part, content if part == name else old)
    return path


def test_cells_of_every_kind(tmp_path):
    rows = [["Ann ", 12, 1.5, 2.0, None, True], [datetime.time(0, 0, 1, 500000), datetime.timedelta(seconds=1.5)]]
    path = workbook(tmp_path / "a.xlsx", rows, [["x"]])
    assert list(workbook_rows(path)) == [
        (f"{path}, page 1 row 1", ["Ann", "12", "1.5", "2", "", "True"]),
        (f"{path}, page 1 row 2", ["00:00:01.500000", "1.5"]),
        (f"{path}, page 2 row 1", ["x"]),
    ]


@pytest.mark.parametrize("content", ["<worksheet>", "", b"\xff\xfe\x00 no text"])
def test_broken_parts_are_refused(content, tmp_path):
    path = replaced(workbook(tmp_path / "a.xlsx", [["x"]]), SHEET, content)
    with pytest.raises(SerHfError, match=rf"{re.escape(str(path))}: not a readable Excel workbook"):
        list(workbook_rows(path))


def test_entities_do_not_explode(tmp_path):
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "x" * 10}">' for i in range(12))
    cell = '<sheetData><row r="1"><c t="inlineStr"><is><t>&e11;</t></is></c></row></sheetData>'
    path = replaced(
        workbook(tmp_path / "a.xlsx", [["x"]]), SHEET, f"<!DOCTYPE x [{levels}]><worksheet>{cell}</worksheet>"
    )
    with pytest.raises(SerHfError, match="not a readable Excel workbook"):
        list(workbook_rows(path))


def test_a_bomb_is_not_unpacked(tmp_path):
    path = replaced(workbook(tmp_path / "a.xlsx", [["x"]]), SHEET, b" " * (LARGEST + 1))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(SerHfError, match=f"more than {LARGEST}"):
        list(workbook_rows(path))


@pytest.mark.parametrize("content", [b"", b"PK\3\4 cut", b"\xd0\xcf\x11\xe0 an .xls of old"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(SerHfError, match="not a readable Excel workbook"):
        list(workbook_rows(path))


def test_a_missing_one(tmp_path):
    with pytest.raises(SerHfError, match="No such file"):
        list(workbook_rows(tmp_path / "b.xlsx"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    return workbook(tmp_path_factory.mktemp("xlsx") / "a.xlsx", [["seven"]]).read_bytes()


@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(whole, tmp_path_factory, data):
    path, content = tmp_path_factory.mktemp("xlsx") / "a.xlsx", bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = [cells for _, cells in workbook_rows(path)]
    except SerHfError as error:
        found = [[str(error)]]
    assert len(found) <= 1


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs"])).filter(str.strip))
def test_any_text_comes_back(tmp_path_factory, text):
    path = workbook(tmp_path_factory.mktemp("xlsx") / "a.xlsx", [["head"], ["'" + text]])
    assert [cells for _, cells in workbook_rows(path)][1] == [("'" + text).strip()]
