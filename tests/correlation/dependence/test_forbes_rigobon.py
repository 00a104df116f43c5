"""Forbes-Rigobon: published inputs, shipped data, a simulated factor, what the adjustment assumes, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import nasdaq, sp500, vix

from volkit.correlation import pearson_correlation
from volkit.correlation.dependence import forbes_rigobon, forbes_rigobon_adjustment, interdependence_correlation
from volkit.errors import ArgumentError, DataError

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "dependence.json").read_text())


def year(number):
    return pd.Timestamp(f"{number}-01-01", tz="UTC"), pd.Timestamp(f"{number + 1}-01-01", tz="UTC")


@pytest.fixture(scope="module")
def shares():
    sources = {"sp500": sp500.load()["Adj Close"], "nasdaq": nasdaq.load()["Adj Close"], "vix": vix.load().iloc[:, 0]}
    columns = {name: 100 * np.log(close).diff().dropna() for name, close in sources.items()}
    frame = pd.concat(columns, axis=1, join="inner").dropna()
    return frame.set_axis(pd.DatetimeIndex(frame.index).tz_localize("UTC"))


def factor_model(n=20_000, *, rise=4.0, own=0.0, own_crisis=0.0, seed=1):
    """Return two series of a factor whose variance rises in the second half; x has shocks of its own."""
    rng = np.random.default_rng(seed)
    crisis = np.arange(n) >= n // 2
    factor = np.sqrt(np.where(crisis, rise, 1.0)) * rng.standard_normal(n)
    alone = np.sqrt(np.where(crisis, own_crisis * rise, own)) * rng.standard_normal(n)
    index = pd.date_range("1960-01-01", periods=n, freq="h", tz="UTC")
    x = pd.Series(factor + alone, index=index, name="HK")
    y = pd.Series(0.5 * factor + rng.standard_normal(n), index=index, name="US")
    ends = (index[0], index[n // 2]), (index[n // 2], index[-1])
    return x, y, ends


def test_hong_kong():
    expected = REFERENCE["hong_kong"]

    found = forbes_rigobon(np.array(expected["rho"]), expected["delta"])

    np.testing.assert_allclose(found, expected["adjusted"], atol=5e-7)


def test_shipped_shares(shares):
    expected = REFERENCE["arch_data"]
    assert len(shares) == 1211

    found = forbes_rigobon_adjustment(shares["sp500"], shares["nasdaq"], calm=year(2017), crisis=year(2018))

    assert [found.calm.n_obs, found.crisis.n_obs] == expected["n"]
    assert [found.calm.correlation, found.crisis.correlation] == pytest.approx(expected["rho"], abs=5e-7)
    assert found.delta == pytest.approx(expected["delta"], abs=5e-7)
    assert found.adjusted == pytest.approx(expected["adjusted"], abs=5e-7)
    assert found.adjusted < found.calm.correlation < found.crisis.correlation
    assert "accepts 'no contagion' too easily" in found.summary().loc["caveat"].iloc[0]


def test_raw_correlations_are_those_of_pearson(shares):
    found = forbes_rigobon_adjustment(shares["sp500"], shares["nasdaq"], calm=year(2017), crisis=year(2018))

    inside = shares.loc["2018"]
    direct = pearson_correlation(inside["sp500"], inside["nasdaq"])
    assert (found.crisis.correlation, found.crisis.lower) == (direct.correlation, direct.lower)
    assert found.adjusted_lower == pytest.approx(float(forbes_rigobon(direct.lower, found.delta)))


def test_adjustment_recovers_the_calm_correlation_without_own_shocks():
    x, y, (calm, crisis) = factor_model()

    found = forbes_rigobon_adjustment(x, y, calm=calm, crisis=crisis)

    assert found.crisis.correlation > found.calm.correlation + 0.15
    assert found.adjusted == pytest.approx(found.calm.correlation, abs=0.03)


def test_with_own_shocks_it_adjusts_too_far_and_the_implied_correlation_does_not():
    x, y, (calm, crisis) = factor_model(rise=8.0, own=1.0, own_crisis=1.0)

    found = forbes_rigobon_adjustment(x, y, calm=calm, crisis=crisis)

    assert found.adjusted < found.calm.correlation - 0.04
    assert found.sensitivity.loc[1.0, "implied"] == pytest.approx(found.crisis.correlation, abs=0.03)
    assert found.sensitivity.loc[0.0, "implied"] > found.crisis.correlation + 0.05


def test_implied_correlation_of_a_factor_whose_own_share_changes():
    calm, crisis, rise = 0.25, 1.5, 3.0
    delta = rise * (1 + crisis) / (1 + calm) - 1
    rho = 1 / np.sqrt((1 + calm) * (1 + 2.0))
    expected = 1 / np.sqrt((1 + crisis) * (1 + 2.0 / rise))

    found = interdependence_correlation(rho, delta, own_share_calm=calm, own_share_crisis=crisis)

    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_without_own_shocks_the_two_are_inverse_to_each_other():
    rng = np.random.default_rng(1)
    rho, delta = rng.uniform(-1, 1, 50), rng.uniform(-0.9, 20, 50)

    for r, d in zip(rho, delta, strict=True):
        there = interdependence_correlation(r, d, own_share_calm=0.0, own_share_crisis=0.0)
        assert float(forbes_rigobon(there, d)) == pytest.approx(r, rel=1e-12)
    assert (np.abs(forbes_rigobon(rho, 3.0)) <= np.abs(rho)).all()


def test_impossible_shares_are_missing():
    assert np.isnan(interdependence_correlation(0.9, 1.0, own_share_calm=1.0, own_share_crisis=1.0))


def test_a_delta_of_minus_one_is_refused():
    with pytest.raises(ArgumentError, match=r"delta must be a finite relative rise in variance above -1; got -1\.0"):
        forbes_rigobon(0.5, -1.0)


def test_a_span_without_rows_is_refused(shares):
    with pytest.raises(DataError, match="must have at least 20 complete pairs"):
        forbes_rigobon_adjustment(shares["sp500"], shares["nasdaq"], calm=year(2003), crisis=year(2018))


def test_a_naive_span_is_refused(shares):
    naive = (pd.Timestamp("2017-01-01"), pd.Timestamp("2018-01-01"))
    with pytest.raises(ArgumentError, match="calm must be two Timestamps with a zone"):
        forbes_rigobon_adjustment(shares["sp500"], shares["nasdaq"], calm=naive, crisis=year(2018))
