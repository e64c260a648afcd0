"""What the measuring promises, with subjects whose times are known; and the table."""

import json

import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.benchmarks import Result, Settings, Subject, measure, to_table


class Clock:
    """A subject that says it took the next of the given seconds, and notes that it was called."""

    def __init__(self, name, seconds, calls):
        self.name, self.seconds, self.calls = name, iter([9.0, 9.0, *seconds]), calls

    def __call__(self):
        self.calls.append(self.name)
        return next(self.seconds)


@pytest.fixture
def measured():
    calls = []
    subjects = [
        Subject("slow", 10, Clock("slow", [1, 4, 2], calls)),
        Subject("fast", 20, Clock("fast", [1, 1, 2], calls)),
    ]
    return measure(subjects, "slow", repeats=3), calls


def test_the_subjects_take_turns_after_warming_up(measured):
    assert "".join(name[0] for name in measured[1]) == "ssff" + 3 * "sf"


def test_medians_over_the_rounds_and_not_the_warm_up(measured):
    slow, fast = measured[0]
    assert (slow.clips_per_second, fast.clips_per_second) == (5, 20)
    assert (slow.seconds, slow.clips) == ([1, 4, 2], 10)


def test_the_ratio_is_the_median_of_the_rounds(measured):
    slow, fast = measured[0]
    assert (slow.ratio, fast.ratio) == (1, 2)  # of 2, 8 and 2; the medians alone would give 4


def test_memory_is_what_a_subject_holds_at_its_peak_whoever_came_before():
    def holding(megabytes):
        return lambda: float(len(bytearray(b"x") * (megabytes << 20)) > 0)

    large, small = measure([Subject("large", 1, holding(200)), Subject("small", 1, holding(50))], "large", repeats=1)
    if large.peak_bytes is None:
        pytest.skip("this system does not tell the peak of a process")
    assert large.peak_bytes == pytest.approx(200 << 20, rel=0.1)
    assert small.peak_bytes == pytest.approx(50 << 20, rel=0.1)


def test_the_table_shows_every_subject_and_where_it_was_measured(measured):
    result = Result("features", "features: 10 clips", "slow", measured[0], ["GPU: none"], Settings(repeats=3))
    lines = to_table(result).splitlines()
    (fast,) = [line.split() for line in lines if line.startswith("fast")]
    assert fast[1:4] == ["20", "50.000", "2.00"]
    assert "ratio: to slow; medians of 3 rounds in which all took turns" in lines
    assert {"features: 10 clips", "GPU: none"} <= set(lines)
    assert result.hardware in lines[-2]
    assert "ser_hf" in lines[-1]
    assert "torch" in lines[-1]


def test_memory_nobody_knows_is_a_dash():
    def shown(**given):
        (row,) = measure([Subject("one", 1, lambda: 1.0)], "one", repeats=1)
        table = to_table(Result("map", "map", "one", [type(row)(**vars(row) | given)], [], Settings()))
        return next(line.split() for line in table.splitlines() if line.startswith("one"))

    assert shown(peak_bytes=None)[-1] == "-"
    assert shown(peak_bytes=3_000_000)[-1] == "3"
    assert shown(clips_per_second=0.5)[1:3] == ["0.50", "2000.000"]


def test_everything_measured_is_json(measured):
    facts = json.loads(json.dumps(Result("map", "map", "slow", measured[0], [], Settings()).to_dict()))
    assert [row["name"] for row in facts["rows"]] == ["slow", "fast"]
    assert facts["rows"][0]["seconds"] == [1, 4, 2]
    assert facts["settings"]["seconds"] == 3.0
    assert {"hardware", "threads", "versions", "created"} <= set(facts)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clips": 0}, "clips is 0; expected 1 or more"),
        ({"repeats": 0}, "repeats is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"seconds": 0.01}, "seconds is 0.01; expected 0.1 to 600"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"data_root": "somewhere"}, "no corpus is named; add --corpus NAME"),
    ],
)
def test_settings_out_of_range_are_refused(given, message):
    with pytest.raises(SerHfError, match=message):
        Settings(**given)
