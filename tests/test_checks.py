"""Mistakes stop at the boundary, each with its argument, what came and what to do."""

import re

import numpy as np
import pandas as pd
import pytest

from volkit.checks import (
    check_choice,
    check_confidence,
    check_correlation,
    check_count,
    check_fraction,
    check_not_negative,
    check_positive,
    check_returns,
    check_times,
)
from volkit.errors import ArgumentError, DataError, VolkitError

TIMES = pd.date_range("2024-01-01", periods=60, tz="UTC")


def plausible_returns(name="BTC"):
    return pd.Series(np.random.default_rng(1).normal(0.0, 0.02, len(TIMES)), index=TIMES, name=name)


def exactly(message):
    return f"^{re.escape(message)}$"


def test_argument_error_is_a_value_error_and_keeps_its_facts():
    error = ArgumentError("horizon", "must be at least 1 period", "0", "pass horizon=1")

    assert isinstance(error, (VolkitError, ValueError))
    assert (error.argument, error.requirement, error.got, error.remedy) == (
        "horizon",
        "must be at least 1 period",
        "0",
        "pass horizon=1",
    )


def test_unknown_choice_lists_the_known_ones():
    with pytest.raises(
        ArgumentError, match=exactly("distribution must be one of normal, t; got 'cauchy'; choose one of these.")
    ):
        check_choice("cauchy", argument="distribution", choices=iter(["normal", "t"]))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (0.01, "pass the confidence, not the tail probability: confidence=0.99"),
        (99, "pass a fraction: confidence=0.99"),
        (1.0, "pass for example confidence=0.99"),
        (float("nan"), "pass for example confidence=0.99"),
    ],
)
def test_confidence_outside_its_range_is_answered_with_the_likely_intention(value, remedy):
    message = f"confidence must be a fraction from 0.5 to below 1; got {value!r}; {remedy}."

    with pytest.raises(ArgumentError, match=exactly(message)):
        check_confidence(value)


def test_text_is_no_number_and_the_number_is_told():
    message = "confidence must be a fraction from 0.5 to below 1; got '0.99'; pass a number: confidence=0.99."

    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        check_confidence("0.99")
    with pytest.raises(ArgumentError, match=r"got None; pass a number\.$"):
        check_positive(None, argument="half_life", unit="periods")


def test_confidence_of_one_half_is_allowed():
    assert check_confidence(0.5) == 0.5


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_count_must_be_a_whole_number_from_its_minimum(value):
    message = f"horizon must be a whole number of at least 1 periods; got {value!r}; pass for example horizon=1."

    with pytest.raises(ArgumentError, match=exactly(message)):
        check_count(value, argument="horizon")


def test_count_of_numpy_becomes_a_plain_int():
    assert type(check_count(np.int64(3), argument="horizon")) is int


def test_fraction_in_per_cent_is_answered_with_the_decimal():
    with pytest.raises(
        ArgumentError, match=exactly("buffer must be a fraction from 0 to 1; got 25; pass a decimal, buffer=0.25.")
    ):
        check_fraction(25, argument="buffer")


@pytest.mark.parametrize("value", [0, -2.0, float("inf"), float("nan")])
def test_positive_number_must_be_finite_and_above_zero(value):
    message = f"half_life must be a positive number (periods); got {value!r}; pass a positive number."

    with pytest.raises(ArgumentError, match=exactly(message)):
        check_positive(value, argument="half_life", unit="periods")


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_number_must_not_be_negative(value):
    message = f"fund must be a finite number of at least 0 (USD); got {value!r}; pass 0 for none."

    with pytest.raises(ArgumentError, match=exactly(message)):
        check_not_negative(value, argument="fund", unit="USD")
    with pytest.raises(ArgumentError, match=exactly(message.replace(" (USD)", ""))):
        check_not_negative(value, argument="fund")
    assert check_not_negative(0, argument="fund") == 0.0


@pytest.mark.parametrize("value", [-1.01, 1.01, float("nan")])
def test_correlation_must_lie_from_minus_one_to_one(value):
    with pytest.raises(ArgumentError, match=exactly(f"rho must be from -1 to 1; got {value!r}; pass a correlation.")):
        check_correlation(value, argument="rho")
    assert check_correlation(-1) == -1.0 and check_correlation(1) == 1.0


def test_times_become_utc_microseconds_named_time():
    checked = check_times(TIMES.tz_convert("Asia/Tokyo").as_unit("ns"), argument="close")

    assert str(checked.dtype) == "datetime64[us, UTC]" and checked.name == "time"
    assert (checked == TIMES).all()


def test_index_that_is_not_made_of_times_is_refused():
    with pytest.raises(
        DataError,
        match=exactly(
            "close must be indexed by time; got an index of int64; use pd.to_datetime(index, utc=True) first."
        ),
    ):
        check_times(pd.RangeIndex(3), argument="close")


def test_naive_times_are_refused_with_the_way_to_localise():
    message = (
        "close must have times in UTC (datetime64[us, UTC]); got naive times from 2024-01-01 00:00:00; "
        'say what zone they are in, e.g. data.tz_localize("UTC").'
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_times(TIMES.tz_localize(None), argument="close")


def test_duplicate_times_are_counted_and_the_first_is_named():
    message = (
        "close must have unique times; got 2 duplicate times, first 2024-01-02 00:00:00+00:00; "
        "decide which row is right, e.g. data[~data.index.duplicated(keep='last')]."
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_times(TIMES[[0, 1, 1, 2, 2]], argument="close")


def test_unsorted_times_are_refused_at_the_first_step_back():
    message = (
        "close must be sorted by time; got a step back at 2024-01-02 00:00:00+00:00; call data.sort_index() first."
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_times(TIMES[[0, 2, 1, 3]], argument="close")


def test_missing_times_are_counted():
    with pytest.raises(
        DataError, match=exactly("close must have a time on every row; got 1 missing times; drop them.")
    ):
        check_times(TIMES.insert(1, pd.NaT), argument="close")


def test_returns_come_back_as_floats_with_their_name():
    checked = check_returns(plausible_returns().astype("Float64"))

    assert checked.dtype == np.float64 and checked.name == "BTC"
    np.testing.assert_array_equal(checked, plausible_returns())


def test_prices_passed_as_returns_are_recognised():
    prices = pd.Series(np.linspace(40_000.0, 45_000.0, 60), index=TIMES, name="BTC")
    message = (
        "returns of BTC must be decimal returns; got only positive values around 42500, which look like prices; "
        "take returns first, e.g. volkit.simple_returns(close)."
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_returns(prices)


def test_per_cent_returns_are_recognised():
    returns = pd.Series([1.5, -1.5] * 30, index=TIMES, name="BTC")
    message = (
        "returns of BTC must be decimals (0.05 is five per cent); got a typical move of 1.5 per period, "
        "which looks like per cent; divide by 100."
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_returns(returns)


def test_five_rows_are_too_few():
    with pytest.raises(
        DataError, match=exactly("returns of BTC must have at least 20 observations; got 5; pass a longer history.")
    ):
        check_returns(plausible_returns().iloc[:5])


def test_constant_series_is_refused():
    message = "returns of USDT must vary; got 60 times the value 0; check that the series was traded at all."

    with pytest.raises(DataError, match=exactly(message)):
        check_returns(pd.Series(0.0, index=TIMES, name="USDT"))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinite_returns_are_counted_and_the_first_is_named(bad):
    returns = plausible_returns()
    returns.iloc[[4, 9]] = bad
    message = (
        "returns of BTC must be finite; got 2 NaN or infinite values, first at 2024-01-05 00:00:00+00:00; "
        "drop them and count them, e.g. with returns.complete_rows, or repair the prices."
    )

    with pytest.raises(DataError, match=exactly(message)):
        check_returns(returns)


def test_missing_returns_may_stay_where_the_caller_allows_it():
    returns = plausible_returns()
    returns.iloc[4] = np.nan

    assert check_returns(returns, allow_missing=True).isna().sum() == 1


def test_infinite_returns_are_refused_even_where_missing_ones_may_stay():
    returns = plausible_returns()
    returns.iloc[4] = -np.inf

    with pytest.raises(DataError, match="returns of BTC must be finite; got 1 infinite values"):
        check_returns(returns, allow_missing=True)


def test_returns_all_missing_are_too_few():
    with pytest.raises(DataError, match="must have at least 20 observations; got 0;"):
        check_returns(plausible_returns() * np.nan, allow_missing=True)


def test_frame_of_returns_is_answered_with_one_column():
    message = "returns must be a Series of one asset; got DataFrame; pass one column, e.g. returns['BTC']."

    with pytest.raises(DataError, match=exactly(message)):
        check_returns(plausible_returns().to_frame())


def test_text_in_place_of_numbers_is_refused():
    returns = plausible_returns().astype("object")
    returns.iloc[0] = "n/a"

    with pytest.raises(
        DataError,
        match=exactly("returns of BTC must be numbers; got a column of object; use pd.to_numeric first."),
    ):
        check_returns(returns)


def test_positive_returns_in_a_short_sample_are_not_taken_for_prices():
    returns = plausible_returns().abs().iloc[:10]

    assert (check_returns(returns, minimum=5) > 0).all()
