"""Calling again: waits, bounds, and what is never repeated."""

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.sources.pulling.retrying import call_patiently, read_retry_after


class BusyError(Exception):
    def __init__(self, after=None):
        self.after = after


class Bench:
    """A function that fails as told, on a clock that only its own sleep moves."""

    def __init__(self, errors, *, call_seconds=0.0):
        self.errors = iter(errors)
        self.call_seconds = call_seconds
        self.time = 0.0
        self.waits = []
        self.calls = 0

    def function(self):
        self.calls += 1
        self.time += self.call_seconds
        error = next(self.errors, None)
        if error is not None:
            raise error
        return "result"

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.time += seconds

    def call(self, **words):
        return call_patiently(
            self.function,
            is_transient=lambda error: isinstance(error, BusyError),
            retry_after=lambda error: error.after,
            sleep=self.sleep,
            clock=lambda: self.time,
            **{"jitter": lambda: 0.0, **words},
        )


def test_result_of_a_first_success_comes_without_a_wait():
    bench = Bench([])

    assert bench.call() == ("result", 0)
    assert bench.waits == []


def test_waits_double_and_are_counted():
    bench = Bench([BusyError(), BusyError(), BusyError()])

    assert bench.call() == ("result", 3)
    assert bench.waits == [0.5, 1.0, 2.0]


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_jitter_keeps_a_wait_between_half_and_whole(draw):
    bench = Bench([BusyError()])

    bench.call(jitter=lambda: draw)

    assert 0.5 <= bench.waits[0] <= 1.0  # the largest draw below one rounds up


def test_wait_never_exceeds_half_a_minute():
    bench = Bench([BusyError()] * 9)

    bench.call(attempts=10, total_seconds=1000.0, jitter=lambda: 0.999)

    assert max(bench.waits) < 30.0


def test_retry_after_is_honoured_exactly():
    bench = Bench([BusyError(after=17.0)])

    bench.call(jitter=lambda: 0.7)

    assert bench.waits == [17.0]


def test_attempts_are_bounded_and_the_last_error_comes_out():
    errors = [BusyError(), BusyError(), BusyError()]
    bench = Bench(errors)

    with pytest.raises(BusyError) as raised:
        bench.call(attempts=3)

    assert raised.value is errors[-1]
    assert bench.calls == 3


def test_total_time_is_bounded():
    bench = Bench(itertools.repeat(BusyError(after=50.0)))

    with pytest.raises(BusyError):
        bench.call(total_seconds=120.0)

    assert bench.waits == [50.0, 50.0]


def test_time_spent_in_the_calls_counts():
    bench = Bench(itertools.repeat(BusyError()), call_seconds=100.0)

    with pytest.raises(BusyError):
        bench.call(total_seconds=120.0)

    assert bench.calls == 2


def test_retry_after_beyond_the_budget_stops_at_once():
    bench = Bench([BusyError(after=3600.0)])

    with pytest.raises(BusyError):
        bench.call(total_seconds=120.0)

    assert bench.waits == []


def test_final_error_is_never_repeated():
    bench = Bench([KeyError("no such symbol")])

    with pytest.raises(KeyError):
        bench.call()

    assert bench.calls == 1


def test_interruption_by_the_user_is_never_repeated():
    bench = Bench([KeyboardInterrupt()])

    with pytest.raises(KeyboardInterrupt):
        bench.call()

    assert bench.calls == 1


@pytest.mark.parametrize("words", [{"attempts": 0}, {"total_seconds": 0.0}])
def test_bounds_that_allow_nothing_are_refused(words):
    with pytest.raises(ArgumentError, match=next(iter(words))):
        Bench([]).call(**words)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Fri, 31 Dec 1999 " + "9" * 200, None),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", 90.0),
        ("Mon, 01 Jan 2024 00:01:30 -0000", 90.0),
        ("Sun, 31 Dec 2023 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value, seconds):
    assert read_retry_after(value, now=pd.Timestamp("2024-01-01", tz="UTC")) == seconds
