"""Tests of stationarity: against statsmodels, size and power, verdicts, messages, refusals."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.stattools import adfuller, kpss

from volkit.correlation.stationarity import check_stationary, stationarity_report
from volkit.errors import ArgumentError, DataError


def frame(values):
    index = pd.date_range("2020-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=index, columns=list("abcdefgh")[: np.shape(values)[1]])


@pytest.mark.filterwarnings("ignore:The test statistic is outside")
def test_statistics_equal_statsmodels():
    moves = np.random.default_rng(3).standard_normal((400, 2))
    data = frame(np.column_stack([moves[:, 0].cumsum(), moves[:, 1]]))

    found = stationarity_report(data).table

    for name in data:
        peer = adfuller(
            data[name], regression="c", maxlag=int(found.at[name, "adf_lags"]), autolag=None, result_object=False
        )
        assert found.at[name, "adf"] == pytest.approx(peer[0], rel=1e-8)
        assert found.at[name, "adf_p"] == pytest.approx(peer[1], rel=1e-6)
        assert found.at[name, "kpss"] == pytest.approx(
            kpss(data[name], regression="c", nlags="auto", result_object=False)[0], rel=1e-8
        )


def test_missing_values_are_left_out_column_by_column_and_units_do_not_matter():
    data = frame(np.random.default_rng(3).standard_normal((400, 2)).cumsum(axis=0))
    holed = data.assign(a=data["a"].mask(np.arange(400) < 50))

    found, scaled = stationarity_report(holed).table, stationarity_report(holed * 1e9 + 1e12).table

    assert found["n"].tolist() == [350, 400]
    np.testing.assert_allclose(scaled["adf"], found["adf"], rtol=1e-5)
    assert (
        stationarity_report(data.iloc[50:]).table.loc["a", ["adf", "kpss"]].tolist()
        == found.loc["a", ["adf", "kpss"]].tolist()
    )


def test_message_names_each_series_with_a_unit_root():
    moves = np.random.default_rng(1).standard_normal((400, 2))
    data = frame(np.column_stack([moves[:, 0].cumsum(), moves[:, 1]]))

    with pytest.raises(DataError, match=r"data must be stationary; got a unit root in a \(ADF p 0\.\d\d, KPSS p 0\.\d"):
        check_stationary(data)
    assert check_stationary(data[["b"]]).with_unit_root == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["a"], "data must be a frame of at least one series; got Series"),
        (lambda d: d[[]], "got no column"),
        (lambda d: d[["a", "a"]], "data must name each series once; got a twice"),
        (lambda d: d.tz_localize(None), "naive times"),
        (lambda d: d.iloc[::-1], "data must"),
        (lambda d: d.assign(a=np.inf), r"data\['a'\] must be finite; got 400 infinite values"),
        (lambda d: d.assign(a=2.0), "must hold 30 observations that vary; got 400 observations of one value"),
        (lambda d: d.iloc[:20], "must hold 30 observations that vary; got 20 observations"),
        (lambda d: d * np.nan, "got 0 observations"),
    ],
)
def test_bad_data_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        stationarity_report(change(frame(np.random.default_rng(1).standard_normal((400, 2)))))


@pytest.mark.parametrize("significance", [1.5, -0.1, np.nan])
def test_significance_is_a_fraction(significance):
    with pytest.raises(ArgumentError, match="significance"):
        stationarity_report(frame(np.random.default_rng(1).standard_normal((400, 1))), significance=significance)


@pytest.mark.slow
def test_size_and_power(capsys):
    rng, rows = np.random.default_rng(7), []
    for _ in range(40):
        shocks = rng.standard_normal((500, 8))
        for name, values in (("walk", shocks.cumsum(axis=0)), ("noise", shocks)):
            table = stationarity_report(frame(values)).table
            rows += [(name, a < 0.05, k < 0.05, v) for a, k, v in table[["adf_p", "kpss_p", "verdict"]].to_numpy()]
    table = pd.DataFrame(rows, columns=["law", "adf", "kpss", "verdict"])
    rates = table.groupby("law")[["adf", "kpss"]].mean()
    refused = (table["verdict"] == "unit root").groupby(table["law"]).mean()
    with capsys.disabled():
        print("\nADF and KPSS, n 500, 320 simulated series a law, 5 % tests reject; refused as a unit root\n",
              rates.assign(refused=refused).round(3).to_string())  # fmt: skip

    # 320 series: two simulation errors of 5 % are 0.024.
    assert 0.02 <= rates.at["walk", "adf"] <= 0.10 and rates.at["noise", "adf"] == 1.0
    assert 0.02 <= rates.at["noise", "kpss"] <= 0.08 and rates.at["walk", "kpss"] > 0.85
    assert refused["walk"] > 0.8 and refused["noise"] == 0.0
