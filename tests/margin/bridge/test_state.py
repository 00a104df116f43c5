import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.margin.bridge import StateVariable, level_variable, macro_state, move_variable
from volkit.sources.bundled import BundledSource

DAYS = pd.date_range("2024-01-01", periods=6, tz="UTC")
CLOSES = pd.Series(DAYS.shift(1), index=DAYS)


def variable(hours, values, name="VIX"):
    """Values labelled by day, published `hours` after the label."""
    labels = DAYS[: len(values)]
    known = pd.Series(labels + pd.to_timedelta(hours, unit="h"), index=labels)
    return StateVariable(name=name, unit="points", values=pd.Series(values, index=labels, dtype=float), known=known)


def test_value_published_at_the_close_is_known_and_one_microsecond_later_is_not():
    at = macro_state([variable([24, 24, 24], [1, 2, 3])], at=CLOSES).frame["VIX"]
    late = variable([24, 24, 24], [1, 2, 3])
    late.known[:] = late.known + pd.Timedelta("1us")

    assert at.iloc[:3].tolist() == [1, 2, 3]
    assert macro_state([late], at=CLOSES).frame["VIX"].iloc[:3].tolist() == pytest.approx([np.nan, 1, 2], nan_ok=True)


def test_release_a_week_late_is_seen_a_week_late():
    oil = BundledSource().load_bars("WTI_SPOT")
    days = pd.date_range("2018-06-04", periods=30, tz="UTC")

    state = macro_state([move_variable(oil, periods=1)], at=pd.Series(days.shift(1), days), max_age=pd.Timedelta("20D"))

    published = oil.frame["release_time"]
    change = np.log(oil.frame["close"].dropna()).diff()
    for day, value in state.frame.iloc[:, 0].items():
        known = published[change.index][published[change.index] <= day + pd.Timedelta("1D")].index[-1]
        assert value == pytest.approx(change[known])
        assert known < day


def test_value_older_than_the_limit_is_missing():
    found = macro_state([variable([12, 12], [1, 2])], at=CLOSES, max_age=pd.Timedelta("2D"))

    assert found.frame["VIX"].tolist() == pytest.approx([1, 2, 2, np.nan, np.nan, np.nan], nan_ok=True)
    assert found.age_hours["VIX"].tolist() == [12, 12, 36, 60, 84, 108]
    assert found.n_obs == 3 and "3 complete periods" in found.headline


def test_missing_value_is_passed_over():
    assert macro_state([variable([12] * 3, [1, np.nan, 3])], at=CLOSES).frame["VIX"].tolist()[:3] == [1, 1, 3]


def test_state_up_to_a_time_does_not_change_with_later_bars():
    source = BundledSource()
    labels = pd.date_range("2016-01-04", periods=500, tz="UTC")
    days = pd.Series(labels.shift(1), labels)
    full = source.load_bars("VIX")
    cut = type(full)(
        frame=full.frame[full.frame["close_time"] <= days.iloc[299]], spec=full.spec, interval=full.interval,
        provenance=full.provenance,
    )  # fmt: skip

    def state(bars):
        variables = [level_variable(bars), level_variable(bars, form="percentile", window=60), move_variable(bars)]
        return macro_state(variables, at=days).frame.iloc[:300]

    pd.testing.assert_frame_equal(state(full), state(cut))


def test_yield_moves_are_basis_points_over_rows_of_its_own():
    spx = BundledSource().load_bars("SPX")
    bonds = type(spx)(
        frame=spx.frame.assign(close=np.arange(len(spx.frame)) / 100.0),
        spec=spx.spec.model_copy(update={"transform": "basis_points"}),
        interval="1d",
        provenance=spx.provenance,
    )

    move = move_variable(bonds, periods=5)

    assert move.unit == "basis points"
    assert move.values.dropna().to_numpy() == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: macro_state([], at=CLOSES), ArgumentError, "variables must be some"),
        (lambda: macro_state([variable([1], [1])] * 2, at=CLOSES), ArgumentError, "names of their own"),
        (lambda: macro_state([variable([1], [1])], at=CLOSES[::-1]), DataError, "sorted by time"),
        (lambda: macro_state([variable([1], [1])], at=CLOSES.dt.tz_localize(None)), DataError, "instants in UTC"),
        (lambda: macro_state([variable([80, 1], [1, 2])], at=CLOSES), DataError, "never go back"),
        (lambda: macro_state([variable([1], [1])], at=CLOSES, max_age=pd.Timedelta(0)), ArgumentError, "max_age"),
        (lambda: level_variable(BundledSource().load_bars("VIX"), form="cube"), ArgumentError, "log, percentile"),
        (lambda: move_variable(BundledSource().load_bars("VIX"), periods=0), ArgumentError, "periods"),
    ],
)
def test_what_cannot_be_a_state_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
