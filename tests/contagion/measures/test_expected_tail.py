"""Marginal expected shortfall and SRISK: closed forms, plain loops, coverage, the dynamic version, errors."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from volkit.contagion.measures import (
    dcc_marginal_expected_shortfall,
    gaussian_marginal_expected_shortfall,
    long_run_shortfall,
    long_run_shortfall_from_beta,
    marginal_expected_shortfall,
    srisk,
)
from volkit.errors import ArgumentError, DataError
from volkit.margin.frontier.bands import stationary_weights


def pairs(n, seed=1, rho=0.6):
    rng = np.random.default_rng(seed)
    m = 0.02 * rng.standard_normal(n)
    x = 0.03 * (rho * m / 0.02 + np.sqrt(1.0 - rho**2) * rng.standard_normal(n))
    times = pd.date_range("1900-01-01", periods=n, tz="UTC", name="time")
    return pd.DataFrame({"M": m, "X": x}, index=times)


def test_closed_forms_of_the_reference():
    mes = gaussian_marginal_expected_shortfall(correlation=0.6, volatility=0.03, confidence=0.95)
    by_beta = long_run_shortfall_from_beta(0.9, decline=0.4)
    found = srisk({"X": 900.0}, equity={"X": 100.0}, long_run_shortfall={"X": by_beta})

    assert mes == pytest.approx(0.037128830535133654, abs=1e-12)
    assert long_run_shortfall(mes) == pytest.approx(0.48743049088895285, abs=1e-12)
    assert by_beta == pytest.approx(0.3685541325106447, abs=1e-12)
    assert found.total == pytest.approx(13.906980190979311, abs=1e-10)


def test_equals_a_plain_loop():
    frame = pairs(200)

    found = marginal_expected_shortfall(frame, asset="X", market="M", confidence=0.95)

    worst = sorted(range(200), key=lambda t: frame["M"].iloc[t])[:10]
    assert found.shortfall == pytest.approx(-sum(frame["X"].iloc[t] for t in worst) / 10.0, rel=1e-12)
    assert found.market_shortfall == pytest.approx(-sum(frame["M"].iloc[t] for t in worst) / 10.0, rel=1e-12)
    assert found.n_tail == 10 and found.threshold == pytest.approx(-frame["M"].iloc[worst[-1]])


def test_recovers_the_normal_one():
    found = marginal_expected_shortfall(pairs(40_000), asset="X", market="M")

    assert found.shortfall == pytest.approx(0.0371288, rel=0.04) and found.beta == pytest.approx(0.9, rel=0.03)


def test_intervals_hold_the_truth():
    exact = gaussian_marginal_expected_shortfall(correlation=0.6, volatility=0.03)
    inside = np.zeros(2)
    for seed in range(40):
        frame = pairs(1_000, seed=seed)
        for j, rng in enumerate((None, np.random.default_rng(seed))):
            found = marginal_expected_shortfall(frame, asset="X", market="M", n_draws=200, rng=rng)
            inside[j] += found.lower < exact < found.upper

    # Of 40 at 95 %: 32 or fewer come once in two thousand.
    assert inside.min() > 32


def test_bootstrap_equals_sorting_every_drawn_sample():
    frame = pairs(120)
    weights = stationary_weights(120, mean_block=4.0, n_draws=15, rng=np.random.default_rng(3))

    found = marginal_expected_shortfall(
        frame, asset="X", market="M", confidence=0.9, n_draws=15, mean_block=4.0, rng=np.random.default_rng(3)
    )

    draws = []
    for counts in weights.astype(int):
        drawn = frame.iloc[np.repeat(np.arange(120), counts)].sort_values("M", kind="stable")
        draws.append(-drawn["X"].iloc[:12].mean())
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), rel=1e-9)


def test_a_later_row_changes_no_earlier_number():
    frame = pairs(500)

    early = marginal_expected_shortfall(frame.iloc[:300], asset="X", market="M", rng=np.random.default_rng(1))
    again = marginal_expected_shortfall(frame.iloc[:300], asset="X", market="M", rng=np.random.default_rng(1))

    assert (early.lower, early.upper, early.as_of) == (again.lower, again.upper, frame.index[299])


def test_dynamic_version_follows_volatility_and_knows_the_normal_form():
    rng = np.random.default_rng(4)
    n = 2_500
    variance, e = np.empty(n), rng.standard_normal(n)
    variance[0] = 1.0
    for t in range(1, n):
        variance[t] = 0.03 + (0.05 + 0.06 * (e[t - 1] < 0)) * variance[t - 1] * e[t - 1] ** 2 + 0.89 * variance[t - 1]
    m = 0.01 * np.sqrt(variance) * e
    x = 0.02 * (0.6 * e + 0.8 * rng.standard_normal(n))
    times = pd.date_range("2010-01-01", periods=n, tz="UTC", name="time")

    found = dcc_marginal_expected_shortfall(
        pd.DataFrame({"M": m, "X": x}, index=times), asset="X", market="M", periods_per_year=252, threshold=0.015
    )

    # The asset has constant volatility and correlation: MES = 0.02 x 0.6 x E(-e | e < -0.015 / sigma_m).
    bound = -0.015 / (0.01 * np.sqrt(variance))
    truth = 0.02 * 0.6 * np.exp(-0.5 * bound**2) / np.sqrt(2 * np.pi)
    truth = truth / ndtr(bound)
    calm = bound > -2.5
    assert found.path["shortfall"][bound < -4.0].isna().all()
    error = found.path["shortfall"].to_numpy()[calm] / truth[calm] - 1.0
    assert abs(float(np.median(error))) < 0.1
    assert np.corrcoef(found.path["shortfall"].to_numpy()[calm], truth[calm])[0, 1] > 0.8
    assert np.isnan(found.lower) and found.threshold == pytest.approx(0.015) and np.isnan(found.confidence)
    assert "gjr" in found.method.lower() and found.to_frame().shape == (n, 4)


def test_srisk_table_and_warning():
    found = srisk(
        {"A": 900.0, "B": 100.0, "C": 500.0},
        equity={"A": 100.0, "B": 100.0, "C": 50.0},
        long_run_shortfall={"A": 0.4, "B": 0.4, "C": 0.5},
        lower={"A": 0.3, "B": 0.3, "C": 0.4},
        upper={"A": 0.5, "B": 0.5, "C": 0.6},
    )

    table = found.table
    assert table["srisk"].tolist() == pytest.approx([72 - 0.92 * 60, 8 - 0.92 * 60, 40 - 0.92 * 25])
    # A surplus is not taken off the others' shortfall.
    assert found.total == pytest.approx(16.8 + 17.0) and table["share"].sum() == pytest.approx(1.0)
    assert (table["lower"] < table["srisk"]).all() and (table["srisk"] < table["upper"]).all()
    assert "modelling choice" in found.warning and "modelling choice" in repr(found)
    assert found.summary().index[0] == "C" and found.summary().columns.name == found.warning
    assert found.to_frame().shape == (3, 8) and found.as_of is None


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: marginal_expected_shortfall(pairs(200), asset="M", market="M"), ArgumentError, "another series"),
        (lambda: marginal_expected_shortfall(pairs(200), asset="X", market="M", confidence=0.995),
         ArgumentError, "tail"),
        (lambda: marginal_expected_shortfall(pairs(50), asset="X", market="M"), DataError, "at least 100"),
        (lambda: marginal_expected_shortfall(pairs(200)["X"], asset="X", market="M"), DataError, "frame"),
        (lambda: dcc_marginal_expected_shortfall(pairs(300), asset="M", market="M", periods_per_year=365),
         ArgumentError, "another series"),
        (lambda: gaussian_marginal_expected_shortfall(correlation=2.0, volatility=0.1), ArgumentError, "correlation"),
        (lambda: long_run_shortfall(np.nan), ArgumentError, "shortfall"),
        (lambda: long_run_shortfall_from_beta(1.0, decline=1.0), ArgumentError, "decline"),
        (lambda: long_run_shortfall_from_beta(np.inf), ArgumentError, "beta"),
        (lambda: srisk({"A": -1.0}, equity={"A": 1.0}, long_run_shortfall={"A": 0.1}), DataError, "debt"),
        (lambda: srisk({"A": 1.0}, equity={"B": 1.0}, long_run_shortfall={"A": 0.1}), DataError, "nothing for A"),
        (lambda: srisk({"A": 1.0}, equity={"A": 1.0}, long_run_shortfall={"A": 1.5}), DataError, "long_run_shortfall"),
        (lambda: srisk({"A": 1.0}, equity={"A": 1.0}, long_run_shortfall={"A": 1.0}), DataError, "without 1; got 1.0"),
        (lambda: srisk({"A": 1.0}, equity={"A": 0.0}, long_run_shortfall={"A": 0.1}), DataError, "without 0; got 0.0"),
        (
            lambda: srisk(
                {"A": 1.0}, equity={"A": 1.0}, long_run_shortfall={"A": 0.1}, lower={"A": 0.3}, upper={"A": 0.2}
            ),
            DataError,
            "lower and upper must be in this order; got 0.3 and 0.2 for A",
        ),
        (lambda: srisk({"A": 1.0}, equity={"A": 1.0}, long_run_shortfall={"A": 0.1}, prudential_ratio=1.0),
         ArgumentError, "prudential_ratio"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_dynamic_version_at_a_quantile_and_out_of_reach():
    frame = pairs(3_000)

    found = dcc_marginal_expected_shortfall(frame, asset="X", market="M", periods_per_year=365, confidence=0.95)

    # What is counted are falls against each period's own volatility, not falls below the next period's threshold.
    assert "in the next period when M loses" in found.headline
    assert f"{found.n_tail} of {found.n_obs:,} periods to" in found.headline and "own volatility" in found.headline
    # Without dynamics in the data it is the normal one, up to the kernel's smoothing.
    assert found.shortfall == pytest.approx(0.0371288, rel=0.15) and found.n_tail == pytest.approx(150, abs=2)
    assert found.threshold == pytest.approx(1.645 * 0.02, rel=0.1) and found.path["shortfall"].notna().all()
    with pytest.raises(ArgumentError, match="within reach of the next period"):
        dcc_marginal_expected_shortfall(frame, asset="X", market="M", periods_per_year=365, threshold=0.3)


def test_srisk_without_a_shortfall_says_so():
    found = srisk({"A": 1.0, "B": 2.0}, equity={"A": 10.0, "B": 10.0}, long_run_shortfall={"A": 0.1, "B": 0.1})

    assert "nobody is short at 0.08 of assets, nearest B (surplus 8.12)" in found.headline
