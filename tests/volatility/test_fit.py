import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.volatility import Ewma, Recursion

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "margin.json").read_text())["entries"]
}
GJR = Recursion(0.0, 2e-5, 0.05, 0.08, 0.88)


@pytest.fixture(scope="module")
def fit():
    times = pd.date_range("2020-01-01", periods=200, tz="UTC")
    return Ewma().fit(
        pd.Series(np.random.default_rng(5).normal(0, 0.03, 200), index=times, name="BTC"), periods_per_year=365
    )


def test_variance_of_a_sum_matches_the_closed_form_of_the_reference():
    entry = REFERENCE["garch_horizon_10"]
    i = entry["inputs"]

    expected = Recursion(0.0, i["omega"], i["alpha"], 0.0, i["beta"]).forecast(i["next_var"], i["h"])

    assert expected.sum() == pytest.approx(entry["expected"]["variance"], rel=entry["tolerance"]["value"])


def test_forecast_is_the_loop_of_expectations():
    expected = [4e-4]
    for _ in range(19):
        # E of the squared residual is the variance; half of it falls on negative residuals.
        expected.append(GJR.omega + GJR.alpha * expected[-1] + GJR.gamma * expected[-1] / 2 + GJR.beta * expected[-1])

    assert GJR.forecast(4e-4, 20) == pytest.approx(np.array(expected), rel=1e-12)


def test_forecast_is_the_mean_of_simulated_variances():
    rng = np.random.default_rng(3)
    variance = np.full(100_000, 4e-4)
    for _ in range(9):
        residual = np.sqrt(variance) * rng.standard_normal(len(variance))
        variance = GJR.omega + (GJR.alpha + GJR.gamma * (residual < 0)) * residual**2 + GJR.beta * variance

    error = variance.std() / np.sqrt(len(variance))

    assert GJR.forecast(4e-4, 10)[-1] == pytest.approx(variance.mean(), abs=4 * error)


@given(st.floats(1e-6, 1e-2), st.integers(2, 200))
def test_forecasts_move_monotonically_to_the_long_run_level(next_variance, horizon):
    path = GJR.forecast(next_variance, horizon)
    distance = np.abs(path - GJR.omega / (1 - GJR.persistence))

    assert (np.diff(distance) <= 1e-15).all()


def test_negative_residual_weighs_more():
    down, up = (GJR.next_variance(value, 4e-4) for value in (-0.02, 0.02))

    assert down - up == pytest.approx(GJR.gamma * 0.02**2, rel=1e-10)


def test_forecast_speaks_of_the_sum_and_of_its_date(fit):
    ahead = fit.forecast(5)

    # An EWMA expects the same variance for ever.
    assert ahead.horizon_volatility == pytest.approx(np.sqrt(5 * fit.next_variance), rel=1e-12)
    assert ahead.as_of == fit.as_of
    assert ahead.to_frame().index.tolist() == [1, 2, 3, 4, 5]
    assert "5 periods from 2020-07-18" in repr(ahead)


def test_horizon_zero_is_refused(fit):
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1 periods; got 0"):
        fit.forecast(0)


def test_results_cannot_be_written_to(fit):
    with pytest.raises(ValueError, match="read-only"):
        fit.variance.iloc[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        fit.forecast(2).variance[0] = 1.0


def test_integrated_recursion_has_no_long_run_level(fit):
    assert np.isnan(fit.annualized_long_run_volatility)


def test_long_run_volatility_is_annualised_by_the_clock(fit):
    assert fit.annualized_volatility.to_numpy() == pytest.approx(np.sqrt(fit.variance.to_numpy() * 365), rel=1e-12)


def test_summary_and_frame_name_their_units(fit):
    assert "next volatility (per period, decimal)" in fit.summary().index
    assert fit.to_frame().columns.tolist() == ["variance", "volatility", "standardized"]
    assert "EWMA half-life 11.2" in fit._repr_html_()
