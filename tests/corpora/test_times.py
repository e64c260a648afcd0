"""Times of segments, as people, pandas and spreadsheets write them."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora._times import seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("0,5", 0.5),
        ("1e-1", 0.1),
        ("2:05", 125.0),
        ("1:02:03.25", 3723.25),
        ("0 days 00:00:01.700000", 1.7),
        ("1 day 00:00:00", 86400.0),
        ("1 days 00:00:00.000000000", 86400.0),
        ("0 days", 0.0),
        ("0 days 00:00:00.123456789", 0.123457),
    ],
)
def test_spellings_of_a_time(text, value):
    assert seconds(text, "here") == value


@pytest.mark.parametrize("text", ["soon", "1:2:3:4", "", "1;5", "nan", "NaN s", "0x1"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CorpusError, match=r"here is .*; expected"):
        seconds(text, "here")


@pytest.mark.parametrize("text", ["-1", "-0.5", "-1 days +23:59:59.500000", "-0:00:01"])
def test_a_negative_time_is_refused(text):
    with pytest.raises(CorpusError, match="expected a time of 0 s or later"):
        seconds(text, "here")


@given(st.timedeltas(min_value=datetime.timedelta(0), max_value=datetime.timedelta(days=3)))
def test_spans_of_python_and_pandas_are_read_back(span):
    total = span.total_seconds()
    assert seconds(str(span).replace(",", ""), "here") == pytest.approx(total, abs=1e-6)
    pandas = f"{span.days} days {datetime.timedelta(seconds=span.seconds, microseconds=span.microseconds)}"
    assert seconds(pandas, "here") == pytest.approx(total, abs=1e-6)
