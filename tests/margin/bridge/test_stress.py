from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation import Dcc, macro_betas
from volkit.errors import ArgumentError, ConvergenceError
from volkit.margin.bridge import macro_day_margins
from volkit.margin.bridge.stress import dcc_day_returns, tail_day_returns
from volkit.margin.rates import tail_risk
from volkit.scenarios import macro_day_scenarios

TIMES = pd.date_range("2020-01-01", periods=1_500, tz="UTC")


def moves(seed=1):
    rng = np.random.default_rng(seed)
    f = rng.normal(0, [0.01, 5.0], (1_500, 2))
    f[:, 1] += 200 * f[:, 0]
    y = 1.5 * f[:, 0] - 0.001 * f[:, 1] + rng.normal(0, 0.02, 1_500)
    return pd.DataFrame({"BTC": y, "SPX": f[:, 0], "US10Y": f[:, 1]}, index=TIMES)


UNITS = {"SPX": "log return", "US10Y": "basis points"}
MOVE = pd.Series({"SPX": -0.03, "US10Y": -8.0}, name="given")
TERMS = {"asset": "BTC", "factor_move": MOVE, "units": UNITS, "driver": "SPX", "periods_per_year": 365}


@pytest.fixture(scope="module")
def day():
    return macro_day_margins(moves(), **TERMS)


def test_move_of_the_truth_is_found_by_betas_and_dynamic_correlations(day):
    truth = np.expm1(1.5 * -0.03 - 0.001 * -8.0)

    # Constant betas: both maps estimate the same regression; 1,500 rows leave betas to about 5 %.
    assert day.table.loc[["betas", "dcc"], "move"].to_numpy() == pytest.approx(truth, abs=0.006)
    tail = np.expm1(np.log1p(truth) + 0.02 * stats.norm.ppf([0.01, 0.99]))
    for name in ("betas", "dcc"):
        found = day.table.loc[name, ["value_at_risk_long", "value_at_risk_short"]].to_numpy()
        assert found == pytest.approx([-tail[0], tail[1]], abs=0.01)


def test_rows_are_those_of_the_parts(day):
    data = moves()
    betas = macro_betas(data["BTC"], data[["SPX", "US10Y"]], units=UNITS)
    scenarios = macro_day_scenarios(betas, MOVE, periods_per_year=365).returns["BTC"].to_numpy()
    for name, values in (("betas", scenarios), ("ordinary day", np.expm1(data["BTC"].to_numpy()))):
        for side in ("long", "short"):
            risk = tail_risk(values, confidence=0.99, side=side)
            assert day.table.loc[name, f"value_at_risk_{side}"] == risk.value_at_risk
            assert day.table.loc[name, f"expected_shortfall_{side}"] == risk.expected_shortfall
    assert day.driver_rank == (data["SPX"] <= -0.03).mean()
    assert "stressed macro day" in repr(day) and len(day.to_frame()) == 4


def test_dcc_shocks_are_those_of_a_plain_loop():
    data = moves() * [1, 1, 1e-4]
    fit = Dcc().fit(data, periods_per_year=365)
    move = pd.Series({"SPX": -0.02, "US10Y": 3e-4})

    found = dcc_day_returns(fit, move, asset="BTC")

    H = fit.next_covariance.to_numpy()
    b = np.linalg.inv(H[1:, 1:]) @ H[1:, 0]
    s = np.sqrt(H[0, 0] - H[0, 1:] @ b)
    for t in (0, 700, 1_499):
        row = fit.path.iloc[t]
        ab, ac, bc = row[("BTC", "SPX")], row[("BTC", "US10Y")], row[("SPX", "US10Y")]
        w = np.linalg.inv([[1, bc], [bc, 1]]) @ [ab, ac]
        z = fit.standardized.iloc[t].to_numpy()
        u = (z[0] - w @ z[1:]) / np.sqrt(1 - w @ [ab, ac])
        assert found[t] == pytest.approx(np.expm1(b @ [-0.02, 3e-4] + s * u))
    # What the factors leave has a mean square of one.
    shocks = (np.log1p(found) - b @ [-0.02, 3e-4]) / s
    assert (shocks**2).mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("rho", "nu"), [(0.5, 4.0), (-0.3, 10.0), (0.7, np.inf)])
def test_conditional_law_is_that_of_draws_from_the_copula(rho, nu):
    rng = np.random.default_rng(4)
    n, rank = 4_000_000, 0.02
    x = rng.standard_normal((2, n))
    x[1] = rho * x[0] + np.sqrt(1 - rho**2) * x[1]
    if np.isfinite(nu):
        x /= np.sqrt(rng.chisquare(nu, n) / nu)
        u, law = stats.t.cdf(x[0], nu), stats.t(nu)
    else:
        u, law = stats.norm.cdf(x[0]), stats.norm()
    near = x[1][np.abs(u - rank) < 0.001]
    margin = law.ppf(np.arange(1, 20_001) / 20_001) / 100.0

    found = np.log1p(tail_day_returns(SimpleNamespace(rho=rho, nu=nu), margin, driver_rank=rank)) * 100.0

    # Some 8,000 draws lie near the rank: quantiles to about five standard errors.
    for q in (0.1, 0.5, 0.9):
        width = np.sqrt(q * (1 - q) / len(near)) / stats.gaussian_kde(near[:4_000])(np.quantile(near, q))[0]
        assert np.quantile(found, q) == pytest.approx(np.quantile(near, q), abs=5 * width)


def test_dynamic_correlations_without_an_optimum_give_no_number():
    fit = Dcc().fit(moves() * [1, 1, 1e-4], periods_per_year=365)
    move = pd.Series({"SPX": -0.02, "US10Y": 3e-4})

    with pytest.raises(ConvergenceError, match="leave the map dcc out"):
        dcc_day_returns(replace(fit, status="not converged"), move, asset="BTC")


def test_a_map_can_be_left_out():
    day = macro_day_margins(moves(), **TERMS, maps=["betas"])

    assert day.table.index.tolist() == ["ordinary day", "betas"]


def test_no_loss_beyond_the_history_comes_out_of_the_tail_map():
    values = moves()["BTC"].to_numpy()

    found = tail_day_returns(SimpleNamespace(rho=0.9, nu=3.0), values, driver_rank=0.0)

    assert found.min() >= np.expm1(values.min()) and found.max() <= np.expm1(values.max())
    assert np.median(found) < np.quantile(values, 0.05)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"asset": "ETH"}, "asset must be one of BTC"),
        ({"driver": "BTC"}, "driver must be one of SPX, US10Y"),
        ({"factor_move": pd.Series({"SPX": -0.1})}, "pass 0 for one that stays put"),
        ({"maps": ["beta"]}, "betas, dcc, tail dependence"),
        ({"confidence": 99}, "confidence=0.99"),
        ({"confidence": 0.9999}, "10001 scenarios"),
    ],
)
def test_what_cannot_be_mapped_is_refused(changes, match):
    with pytest.raises(ArgumentError, match=match):
        macro_day_margins(moves(), **(TERMS | changes))
