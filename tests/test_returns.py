"""Returns exist where both prices do, and nothing is filled."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import DataError, DataLossError
from volkit.prices import align
from volkit.returns import changes, complete_rows, log_returns, mask_not_positive, simple_returns
from volkit.sources import load_catalogue, make_bars

TAKE = pytest.mark.parametrize("take", [simple_returns, log_returns])
prices = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=12)


def closes(numbers, name="BTC"):
    times = pd.date_range("2024-01-01", periods=len(numbers), tz="UTC", unit="us", name="time")
    return pd.Series(np.asarray(numbers, dtype="float64"), index=times, name=name)


def panel_of(**series):
    catalogue = load_catalogue()
    return align(
        [
            make_bars(closes(v).rename("close").to_frame(), catalogue[n], interval="1d", source="typed in")
            for n, v in series.items()
        ]
    )


def exactly(message):
    return f"^{re.escape(message)}$"


def test_simple_return_of_the_crash_day():
    assert simple_returns(closes([7934.58, 4800.0])).iloc[0] == pytest.approx(4800.0 / 7934.58 - 1.0, rel=1e-15)


def test_log_returns_add_up_over_time():
    close = closes([100.0, 130.0, 90.0, 95.0])

    assert log_returns(close).sum() == pytest.approx(np.log(0.95), rel=1e-12)  # rounding of three logarithms


@TAKE
def test_first_row_is_left_out(take):
    close = closes([100.0, 110.0, 121.0])

    assert list(take(close).index) == list(close.index[1:])


@TAKE
def test_missing_price_leaves_both_neighbouring_returns_missing(take):
    returns = take(closes([100.0, 110.0, np.nan, 120.0, 121.0]))

    assert returns.isna().tolist() == [False, True, True, False]


@TAKE
@given(numbers=prices, factor=st.floats(1e-3, 1e3))
def test_returns_do_not_depend_on_the_unit_of_the_price(take, numbers, factor):
    close = closes(numbers)

    # A quotient of rounded products: a few units in the last place of one plus the return.
    gross = 1.0 + simple_returns(close).abs().max() if take is simple_returns else 40.0
    np.testing.assert_allclose(take(close * factor), take(close), rtol=0, atol=1e-14 * gross)


@TAKE
@given(numbers=prices, days=st.integers(-4000, 4000))
def test_returns_move_with_a_shift_of_whole_days(take, numbers, days):
    close = closes(numbers)
    shift = pd.Timedelta(days=days)

    later = take(close.set_axis(close.index + shift))

    np.testing.assert_array_equal(later, take(close))
    assert list(later.index) == list(close.index[1:] + shift)


@TAKE
@given(order=st.permutations(["BTC", "ETH", "SPX"]))
def test_returns_of_a_column_do_not_depend_on_the_others(take, order):
    frame = pd.DataFrame(
        {n: closes(v) for n, v in {"BTC": [1.0, 2.0, 3.0], "ETH": [4.0, np.nan, 5.0], "SPX": [6.0, 7.0, 6.5]}.items()}
    )

    pd.testing.assert_frame_equal(take(frame[order]), take(frame)[order])


@TAKE
@given(numbers=prices, more=prices)
def test_later_prices_leave_earlier_returns_alone(take, numbers, more):
    early = take(closes(numbers))

    np.testing.assert_array_equal(take(closes([*numbers, *more])).iloc[: len(early)], early)


@TAKE
@pytest.mark.parametrize("price", [0.0, -37.63])
def test_price_of_zero_or_less_is_refused_with_its_day(take, price):
    message = (
        f"close of WTI_FUT must be positive and finite; got 1 zero or negative prices, first {price:g} at "
        "2024-01-02 00:00:00+00:00; correct them, or set them to missing and count them (volkit.mask_not_positive)."
    )

    with pytest.raises(DataError, match=exactly(message)):
        take(closes([18.27, price, 10.01], name="WTI_FUT"))


@TAKE
def test_infinite_price_is_refused(take):
    with pytest.raises(DataError, match="close of BTC must be positive and finite; got 1 infinite prices, first inf"):
        take(closes([1.0, np.inf]))


def test_bad_price_in_a_frame_names_its_column():
    frame = pd.DataFrame({"BTC": closes([1.0, 2.0, 3.0]), "ETH": closes([1.0, 2.0, -3.0])})

    with pytest.raises(DataError, match=r"^close of ETH must be positive and finite; got 1 zero or negative prices"):
        log_returns(frame)


def test_bad_price_without_a_name_is_a_bad_close():
    with pytest.raises(DataError, match=r"^close must be positive and finite"):
        simple_returns(closes([1.0, 0.0], name=None))


@TAKE
def test_single_price_has_no_return(take):
    with pytest.raises(DataError, match=exactly("close must have at least 2 rows; got 1; pass a longer history.")):
        take(closes([1.0]))


@TAKE
def test_naive_times_are_refused(take):
    with pytest.raises(DataError, match=r"close must have times in UTC .*; got naive times from 2024-01-01"):
        take(closes([1.0, 2.0]).tz_localize(None))


def test_each_series_changes_in_its_own_unit():
    moves = changes(panel_of(BTC=[100.0, 105.0], US10Y=[4.00, 4.05], FEAR_GREED=[50.0, 44.0]))

    assert moves["BTC"].iloc[0] == pytest.approx(np.log(1.05), rel=1e-12)
    assert moves["US10Y"].iloc[0] == pytest.approx(5.0, rel=1e-9)  # basis points of a difference near 4
    assert moves["FEAR_GREED"].iloc[0] == -6.0


def test_negative_oil_stops_log_changes_until_it_is_masked():
    panel = panel_of(WTI_FUT=[18.27, -37.63, 10.01, 13.78])
    with pytest.raises(DataError, match="close of WTI_FUT must be positive and finite; got 1 zero or negative prices"):
        changes(panel)

    masked, counts = mask_not_positive(panel)

    assert counts.to_dict() == {"WTI_FUT": 1}
    assert changes(masked)["WTI_FUT"].isna().tolist() == [True, True, False]


def test_masking_leaves_the_panel_alone_and_gives_a_read_only_one():
    panel = panel_of(WTI_FUT=[18.27, -37.63, 10.01])

    masked, _ = mask_not_positive(panel)

    assert panel.close["WTI_FUT"].iloc[1] == -37.63
    with pytest.raises(ValueError, match="read-only"):
        masked.close.iloc[0, 0] = 1.0


def test_negative_yields_are_not_masked():
    panel = panel_of(REAL10Y=[-1.0, -0.9])

    assert mask_not_positive(panel)[0] is panel
    assert changes(panel)["REAL10Y"].iloc[0] == pytest.approx(10.0, rel=1e-9)


def test_complete_rows_counts_what_it_drops():
    frame = pd.DataFrame({"BTC": closes([1.0, 2.0, 3.0, 4.0]), "SPX": closes([1.0, np.nan, 3.0, 4.0])})

    kept = complete_rows(frame, max_loss=0.25)

    assert kept.n_dropped == 1 and len(kept.frame) == 3
    assert kept.summary()["missing values (rows)"].to_dict() == {"BTC": 0, "SPX": 1}


def test_more_missing_rows_than_the_budget_are_refused():
    frame = pd.DataFrame({"BTC": closes([1.0, 2.0, 3.0, 4.0]), "SPX": closes([1.0, np.nan, 3.0, 4.0])})
    message = (
        "frame may lose at most 0.125 of its rows; got 0.25 (1 of 4 rows with a missing value, most in SPX: 1); "
        "leave SPX out, shorten the span, or pass a larger max_loss."
    )

    with pytest.raises(DataLossError, match=exactly(message)):
        complete_rows(frame, max_loss=0.125)


def test_no_rows_at_all_exceed_every_budget_below_one():
    with pytest.raises(DataLossError, match="0 of 0 rows"):
        complete_rows(pd.DataFrame({"BTC": closes([])}))
