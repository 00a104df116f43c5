"""The bad-input lists, a row each: function, argument, what is wrong with it, error class, words of the answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from documented_calls import documented_call, untouched_copy

import volkit
from volkit.errors import ArgumentError, DataError, SourceError, StudyError, VolkitError

TIMES = pd.date_range("2024-01-01", periods=400, tz="UTC", name="time")
RETURNS = pd.Series([0.01, -0.012, 0.02, -0.018, 0.004] * 80, index=TIMES, name="BTC")


@dataclass(frozen=True)
class Row:
    """`value` makes the bad value of the valid one in the function's example; a value that is no callable is it."""

    function: str
    argument: str
    label: str
    value: Any
    error: type[VolkitError]
    words: str

    @property
    def id(self) -> str:
        return f"{self.function}-{self.argument}-{self.label}"


def at_middle(value: float) -> Callable[[Any], Any]:
    def made(table: Any) -> Any:
        changed = table.astype("float64")
        changed.iloc[len(changed) // 2] = value
        return changed

    return made


def naive(table: Any) -> Any:
    return table.set_axis(table.index.tz_localize(None))


def twice(table: Any) -> Any:
    return pd.concat([table.iloc[:2], table.iloc[1:]])


def backwards(table: Any) -> Any:
    return table.iloc[::-1]


def as_prices(table: Any) -> Any:
    return pd.Series(30_000.0 + np.arange(len(table)) % 7, index=table.index, name=table.name)


def in_percent(table: Any) -> Any:
    return table * 100.0


def always_the_same(table: Any) -> Any:
    return table * 0.0 + 0.01


def five_rows(table: Any) -> Any:
    return table.iloc[:5]


def no_rows(table: Any) -> Any:
    return table.iloc[:0]


def text(table: Any) -> Any:
    return table.astype(str).astype(object)


def complex_numbers(table: Any) -> Any:
    return table.astype(complex)


_SERIES = (
    ("naive", naive, DataError, "naive times"),
    ("twice", twice, DataError, "duplicate times"),
    ("backwards", backwards, DataError, "sorted by time"),
    ("inf", at_middle(np.inf), DataError, "finite"),
    ("huge", at_middle(1e308), DataError, "at most 1e+100"),
    ("text", text, DataError, "numbers"),
    ("complex", complex_numbers, DataError, "numbers"),
    ("empty", no_rows, DataError, "must"),
)
_RETURNS = (
    *_SERIES,
    ("nan", at_middle(np.nan), DataError, "must be finite"),
    ("prices", as_prices, DataError, "must be decimal returns"),
    ("percent", in_percent, DataError, "five per cent"),
    ("constant", always_the_same, DataError, "must vary"),
    ("five rows", five_rows, DataError, "observations"),
)
_CONFIDENCES = (
    ("1 %", 0.01, ArgumentError, "not the tail probability"),
    ("one", 1.0, ArgumentError, "from 0.5 to below 1"),
    ("zero", 0.0, ArgumentError, "from 0.5 to below 1"),
    ("99", 99, ArgumentError, "=0.99"),
    ("text", "0.99", ArgumentError, "pass a number"),
    ("nan", np.nan, ArgumentError, "from 0.5 to below 1"),
)
_COUNTS = (
    ("zero", 0, ArgumentError, "whole number"),
    ("negative", -1, ArgumentError, "whole number"),
    ("half", 1.5, ArgumentError, "whole number"),
    ("true", True, ArgumentError, "whole number"),
    ("text", "10", ArgumentError, "whole number"),
)
_YEARS = (
    ("nan", np.nan, ArgumentError, "positive number"),
    ("inf", np.inf, ArgumentError, "positive number"),
    ("zero", 0, ArgumentError, "positive number"),
    ("text", "365", ArgumentError, "pass a number"),
)


def rows_of(cases: Any, *places: tuple[str, str]) -> list[Row]:
    return [Row(function, argument, *case) for function, argument in places for case in cases]


TABLE = [
    *rows_of(
        _RETURNS,
        ("calibrate_margin", "returns"),
        ("margin_schedule", "returns"),
        ("rolling_forecast", "returns"),
        ("walk_forward", "returns"),
    ),
    *rows_of(
        _SERIES,
        ("pearson_correlation", "x"),
        ("kendall_correlation", "y"),
        ("spearman_correlation", "x"),
        ("gerber_correlation", "y"),
        ("ewma_correlation", "x"),
        ("rolling_correlation", "y"),
        ("correlation_break_test", "x"),
        ("cross_correlogram", "x"),
        ("tail_dependence", "y"),
        ("change_points", "values"),
        ("log_returns", "close"),
        ("simple_returns", "close"),
    ),
    *rows_of(
        _CONFIDENCES,
        ("margin_rates", "confidence"),
        ("kupiec_test", "confidence"),
        ("christoffersen_test", "confidence"),
        ("tail_risk", "confidence"),
        ("shortfall_contributions", "confidence"),
        ("pearson_correlation", "confidence"),
        ("bad_debt_measures", "confidence"),
        ("collateral_haircut", "confidence"),
    ),
    *rows_of(
        _COUNTS,
        ("historical_scenarios", "horizon"),
        ("forecast_band", "horizon"),
        ("simulate_paths", "horizon"),
        ("rolling_forecast", "window"),
        ("rolling_correlation", "window"),
        ("connectedness", "lags"),
        ("kupiec_power", "n_obs"),
    ),
    *rows_of(
        _YEARS,
        ("margin_schedule", "periods_per_year"),
        ("calibrate_margin", "periods_per_year"),
        ("ewma_correlation", "periods_per_year"),
        ("historical_scenarios", "periods_per_year"),
        ("fit_panel", "periods_per_year"),
        ("rolling_forecast", "periods_per_year"),
        ("macro_day_scenarios", "periods_per_year"),
    ),
    Row("log_returns", "close", "zero price", at_middle(0.0), DataError, "positive"),
    Row("log_returns", "close", "negative price", at_middle(-1.0), DataError, "positive"),
    Row("open_source", "text", "unknown source", "bloomberg:BTC", VolkitError, "source"),
    Row("load_study", "name", "unknown study", "no-such-study", StudyError, "no-such-study"),
    Row("load_venue_rules", "name", "unknown rules", "no-such-venue", VolkitError, "no-such-venue"),
    Row("instrument_of", "name", "unknown instrument", "BTC-31FEB24-1-C", VolkitError, "BTC-31FEB24-1-C"),
    Row("touch_margin", "probability", "over one", 1.5, ArgumentError, "above 0 and below 1"),
    Row("collateral_haircut", "correlation", "text", "x", ArgumentError, "must be a number"),
    Row("nearest_correlation", "matrix", "inf", at_middle(np.inf), VolkitError, "finite"),
    Row(
        "stressed_correlation",
        "matrix",
        "not symmetric",
        lambda m: m.assign(**{m.columns[0]: 0.4}),
        VolkitError,
        "must",
    ),
    Row("run_cascade", "shock", "text", "x", ArgumentError, "must be a number"),
    Row("debtrank", "shock", "nan", [np.nan, 0.1, 0.1], DataError, "finite"),
    Row("exceedance_rate", "margin", "nan", np.nan, ArgumentError, "finite"),
    Row("granger_test", "lags", "longer than the data", 100_000, DataError, "longer than the lags"),
    Row("capital_efficiency", "cost_of_capital", "8 %", 8.0, DataError, "decimal: 0.08"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_bad_value_is_answered_by_name_and_with_the_remedy(row):
    call = documented_call(row.function)
    argument = row.argument if row.argument in call.arguments else next(iter(call.arguments))
    bad = row.value(untouched_copy(call.arguments[argument])) if callable(row.value) else row.value

    with pytest.raises(row.error, match=re.escape(row.words)):
        call.given(**{argument: bad})


def test_network_that_owes_itself_or_a_negative_amount_is_refused():
    amounts = [[0.0, 1.0], [2.0, 0.0]]
    for changed, words in (([[1.0, 1.0], [2.0, 0.0]], "another node"), ([[0.0, -1.0], [2.0, 0.0]], "must")):
        with pytest.raises(VolkitError, match=words):
            volkit.LiabilityNetwork.from_matrix(changed, external_assets=[5.0, 5.0], external_liabilities=[1.0, 1.0])
    assert volkit.LiabilityNetwork.from_matrix(
        amounts, external_assets=[5.0, 5.0], external_liabilities=[1.0, 1.0]
    ).nodes.tolist() == [0, 1]


@pytest.mark.parametrize("leverage", [0.5, 0.0, -3.0, np.nan])
def test_leverage_below_one_is_refused(leverage):
    with pytest.raises(VolkitError, match="leverage"):
        volkit.LeveragedAccounts.from_leverage(
            price=100.0, notional=[1e5], leverage=[leverage], side="long", maintenance_rate=0.01
        )


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan, np.inf])
def test_depth_of_zero_is_refused(depth):
    with pytest.raises(VolkitError):
        volkit.LinearImpact.from_depth(depth, displacement=0.01)


@pytest.mark.parametrize(
    "content", [b"", b"time,close\n", b"\xff\xfe\x00", b"time,close\n2024-01-01,1,5\n", b"time,close\n2024-01-01,x\n"]
)
def test_folder_with_a_malformed_file_names_the_file(tmp_path, content):
    (tmp_path / "BTC.csv").write_bytes(content)

    with pytest.raises(SourceError, match=r"BTC\.csv"):
        volkit.open_source(f"files:{tmp_path}").load_bars("BTC")
