"""Tail coefficients and copulas: published values, slow twins, recovery, coverage, no look-ahead, refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.dependence import (
    fit_pair_copula,
    fit_t_copula,
    rolling_tail_dependence,
    t_copula_tail_dependence,
    tail_dependence,
)
from volkit.correlation.dependence.t_likelihood import pseudo_observations
from volkit.errors import ArgumentError, DataError

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "dependence.json").read_text())
RHO, NU = 0.5, 4.0


def t_pair(n=1000, *, rho=RHO, nu=NU, seed=1):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n))
    z[1] = rho * z[0] + np.sqrt(1.0 - rho**2) * z[1]
    if np.isfinite(nu):
        z *= np.sqrt(nu / rng.chisquare(nu, n))
    index = pd.date_range("2018-01-01", periods=n, tz="UTC")
    return tuple(pd.Series(0.01 * row, index=index, name=name) for row, name in zip(z, ("BTC", "SPX"), strict=True))


def tails(x, y, *, seed=1, n_draws=299, **options):
    return tail_dependence(x, y, rng=np.random.default_rng(seed), n_draws=n_draws, **options)


def rolling(x, y, **options):
    return rolling_tail_dependence(x, y, window=250, rng=np.random.default_rng(1), n_draws=99, **options)


@pytest.mark.parametrize("nu", ["2", "4", "8"])
def test_closed_form_gives_the_published_table(nu):
    expected = REFERENCE["t_copula"]

    found = t_copula_tail_dependence(float(nu), np.array(expected["rho"]))

    np.testing.assert_allclose(found, expected["nu"][nu], atol=5.1e-5)


def test_closed_form_at_its_ends():
    assert t_copula_tail_dependence(np.inf, 0.99) == 0.0
    assert t_copula_tail_dependence(np.array([3.0, np.inf]), 1.0).tolist() == [1.0, 1.0]
    assert t_copula_tail_dependence(3.0, -1.0) == 0.0


def test_coefficient_equals_its_definition_on_each_tail():
    x, y = t_pair()

    for tail, sign in (("lower", 1.0), ("upper", -1.0)):
        found = tails(x, y, tail=tail, level=0.1)
        in_x = (sign * x).rank() <= 100
        in_y = (sign * y).rank() <= 100
        assert found.coefficient == pytest.approx((in_x & in_y).sum() / 100)
        p = 0.1 * found.coefficient
        assert found.latest["chi_bar"] == pytest.approx(2 * np.log(0.1) / np.log(p) - 1)


def test_monotone_changes_of_either_side_do_not_matter():
    x, y = t_pair()

    pd.testing.assert_frame_equal(tails(x, y).table, tails(np.sinh(50 * x), 1e6 * y**3).table)


def test_extremes_of_dependence():
    x, y = t_pair(rho=0.0, nu=np.inf)

    same = tails(x, 2 * x)
    against = tails(x, -x)

    assert (same.coefficient, same.latest["lower"]) == (1.0, 1.0)
    assert (against.coefficient, against.latest["chi_bar"]) == (0.0, -1.0)
    assert tails(x, y, level=0.1).latest["lower"] <= 0.1 <= tails(x, y, level=0.1).latest["upper"]


def test_levels_of_a_plot_come_in_order():
    table = tails(*t_pair(), other_levels=(0.2, 0.02, 0.1)).table

    assert table.index.tolist() == [0.02, 0.05, 0.1, 0.2]
    assert ((table["lower"] <= table["chi"]) & (table["chi"] <= table["upper"])).all()


def test_rolling_coefficients_do_not_change_as_rows_come_in():
    x, y = t_pair(700)

    long, short = rolling(x, y).table, rolling(x[:500], y[:500]).table

    pd.testing.assert_frame_equal(long[: len(short)], short, check_exact=True, check_freq=False)


def test_rolling_window_equals_the_coefficient_of_its_rows():
    x, y = t_pair(700)

    row = rolling(x, y, every=50, level=0.1).table.iloc[3]

    assert row["chi"] == tails(x[150:400], y[150:400], level=0.1).coefficient


def test_too_few_rows_in_a_tail_are_refused():
    message = r"level must leave at least 10 rows in a tail; got 0\.01 of 500 rows, 5 in a tail; pass level=0\.02"
    with pytest.raises(DataError, match=message):
        tails(*t_pair(500), level=0.01)


def test_t_copula_equals_a_plain_search():
    x, y = t_pair(400)

    found = fit_t_copula(x, y)

    u = np.column_stack([pseudo_observations(x.to_numpy()), pseudo_observations(y.to_numpy())])

    def likelihood(rho, nu):
        z = stats.t.ppf(u, nu)
        joint = stats.multivariate_t([0, 0], [[1, rho], [rho, 1]], df=nu).logpdf(z)
        return (joint - stats.t.logpdf(z, nu).sum(axis=1)).sum()

    assert found.log_likelihood == pytest.approx(likelihood(found.rho, found.nu), abs=1e-8)
    for rho, nu in ((0.01, 0.0), (-0.01, 0.0), (0.0, 0.2), (0.0, -0.2)):
        assert likelihood(found.rho + rho, found.nu + nu) < found.log_likelihood
    assert found.gain < 1e-6


def test_t_copula_takes_ranks_only():
    x, y = t_pair()

    plain, bent = fit_t_copula(x, y), fit_t_copula(np.sinh(50 * x), 1e6 * y**3)

    assert (plain.rho, plain.nu, plain.nu_error) == (bent.rho, bent.nu, bent.nu_error)


def test_normal_pairs_have_no_tail():
    fits = [fit_t_copula(*t_pair(1000, nu=np.inf, seed=seed)) for seed in range(6)]

    ends = [fit for fit in fits if np.isinf(fit.nu)]
    assert ends
    assert all(fit.tail_coefficient == 0.0 and np.isnan(fit.nu_error) for fit in ends)
    assert all(fit.log_likelihood >= fit.normal_log_likelihood - 1e-9 for fit in fits)
    assert all(fit.tail_coefficient < 0.1 for fit in fits)


def test_families_of_pyvinecopulib():
    pytest.importorskip("pyvinecopulib", exc_type=ImportError)
    x, y = t_pair(1500)

    found = fit_pair_copula(x, y)
    own = fit_t_copula(x, y)

    assert found.family == "student"
    best = found.table.loc["student"]
    assert best["log_likelihood"] == pytest.approx(own.log_likelihood, abs=0.05)
    assert best["log_likelihood"] <= own.log_likelihood + 1e-6
    assert best["lower_tail"] == pytest.approx(own.tail_coefficient, abs=0.02)
    assert found.table["aic"].is_monotonic_increasing
    clayton = found.table.loc["clayton"]
    assert clayton["lower_tail"] + clayton["upper_tail"] > 0.0


def test_missing_pyvinecopulib_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvinecopulib", None)
    with pytest.raises(ArgumentError, match="fit_pair_copula needs the package pyvinecopulib"):
        fit_pair_copula(*t_pair(100))


@pytest.mark.slow
def test_coverage_of_the_intervals(capsys):
    truth = float(t_copula_tail_dependence(NU, RHO))
    edge = stats.t.ppf(0.05, NU)
    chi = float(stats.multivariate_t([0, 0], [[1, RHO], [RHO, 1]], df=NU).cdf([edge, edge])) / 0.05
    fits, covered, empirical = [], [], []
    for seed in range(300):
        x, y = t_pair(seed=seed)
        fit, row = fit_t_copula(x, y), tails(x, y, seed=seed).latest
        fits.append((fit.rho, fit.nu, fit.rho_error, fit.nu_error))
        covered.append(fit.lower <= truth <= fit.upper)
        empirical.append(row["lower"] <= chi <= row["upper"])
    rho, nu, rho_error, nu_error = np.array(fits).T
    with capsys.disabled():
        print(f"\nt copula, n 1,000, rho 0.5, nu 4, 300 samples (simulated): rho {rho.mean():.3f}, nu median "
              f"{np.median(nu):.2f}; errors {rho_error.mean():.4f} of {rho.std():.4f}, {nu_error.mean():.2f} of "
              f"{nu.std():.2f}; 95 % intervals cover: t copula {np.mean(covered):.1%}, empirical 5 % tail "
              f"{np.mean(empirical):.1%}")  # fmt: skip

    assert rho.mean() == pytest.approx(RHO, abs=3 * rho.std() / np.sqrt(300))
    assert np.median(nu) == pytest.approx(NU, abs=0.25)
    assert rho_error.mean() == pytest.approx(rho.std(), rel=0.12)
    assert 0.915 <= np.mean(covered) <= 0.985
    assert 0.915 <= np.mean(empirical) <= 0.99
