"""Tables in every dialect: the rows are those that were written, or one line says what is wrong."""

import csv
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.tables import TableError, read_table

CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@given(
    rows=st.lists(st.tuples(st.just("x"), CELL, CELL), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_rows_are_those_that_were_written(tmp_path_factory, rows, delimiter, ending, encoding):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows([("Path", "Label", "Text"), *rows])
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert [tuple(row.values()) for _, row in read_table(path)] == rows
    assert all(list(row) == ["path", "label", "text"] for _, row in read_table(path))


def test_lines_are_counted_as_an_editor_does(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n3,4\n')
    assert [line for line, _ in read_table(path)] == [3, 5]


def test_a_table_is_read_as_it_is_asked_for(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 10 + "1,2,3\n")
    rows = read_table(path)
    assert [next(rows)[1] for _ in range(10)] == [{"a": "1", "b": "2"}] * 10
    with pytest.raises(TableError, match="line 12: 3 cells under 2 column names"):
        next(rows)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TableError, match=r"none\.csv: No such file"):
        list(read_table(tmp_path / "none.csv"))


def test_a_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "t.csv")  # opening it would wait for ever
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    for name in ("t.csv", "endless.csv"):
        with pytest.raises(TableError, match=rf"{name}: a device, pipe or socket, not a file$"):
            list(read_table(tmp_path / name))
