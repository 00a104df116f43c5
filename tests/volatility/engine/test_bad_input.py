"""Data that no model can be fitted to, and data that one can, but should not be believed without a word."""

import warnings

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ConvergenceWarning, DataError, VolkitWarning
from volkit.volatility import Garch

FAMILIES = ("garch", "gjr", "tarch", "egarch", "aparch", "igarch", "ewma")
LAWS = ("normal", "t", "skewt", "ged")


def series(values, start="2020-01-01"):
    return pd.Series(values, index=pd.date_range(start, periods=len(values), tz="UTC"), name="BTC")


@pytest.fixture
def returns():
    return 0.02 * np.random.default_rng(0).standard_t(5, 600)


def fit(values, **model):
    """Return the fit and the classes of its warnings; a warning that is not volkit's is an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = Garch(**model).fit(series(values), periods_per_year=365)
    foreign = [w for w in caught if not issubclass(w.category, VolkitWarning)]
    assert not foreign, [str(w.message) for w in foreign]
    return found, {w.category for w in caught}


def broken(kind, r):
    times = r.index
    if kind == "missing":
        return r.where((times != times[5]) & (times != times[9]))
    if kind == "infinite":
        return r.where(times != times[7], np.inf)
    if kind == "unsorted":
        return r.iloc[::-1]
    if kind == "duplicated":
        return r.set_axis(times[:300].append(times[:300]))
    if kind == "prices":
        return 100.0 * (1.0 + r).cumprod()
    return {"per cent": 100.0 * r, "short": r.iloc[:99], "constant": 0.0 * r + 0.01, "still": 0.0 * r}[kind]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", r"returns of BTC must be finite; got 2 NaN or infinite values, first at 2020-01-06 00:00"),
        ("infinite", r"returns of BTC must be finite; got 1 NaN or infinite values, first at 2020-01-08 00:00"),
        ("unsorted", r"returns of BTC must be sorted by time; got a step back at 2021-08-21"),
        ("duplicated", r"returns of BTC must have unique times; got 300 duplicate times, first 2020-01-01"),
        ("prices", r"returns of BTC must be decimal returns; got only positive values .* take returns first"),
        ("per cent", r"returns of BTC must be decimals .* looks like per cent; divide by 100"),
        ("short", r"returns of BTC must have at least 100 observations; got 99; pass a longer history"),
        ("constant", r"returns of BTC must vary; got 600 times the value 0.01"),
        ("still", r"returns of BTC must vary; got 600 times the value 0;"),
    ],
)
def test_refusal_names_the_series_the_count_and_the_first_date(returns, kind, message):
    with pytest.raises(DataError, match=message):
        Garch().fit(broken(kind, series(returns)), periods_per_year=365)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_absurd_print_ends_in_a_status_and_finite_numbers(returns, family, law):
    returns[300] = 1e6 * 0.02

    found, raised = fit(returns, family=family, distribution=law)

    assert (found.status == "not converged") == (ConvergenceWarning in raised)
    if found.status == "converged":
        assert np.isfinite(found.parameters).all() and np.isfinite(found.variance).all() and found.next_variance > 0.0
        # A density of 600 returns of some per cent, one of which is far away, has no more than a few units each.
        assert found.log_likelihood < 600 * 10.0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", [1e-9, 1e-30])
def test_tiny_returns_are_fitted_as_if_they_were_large(returns, family, scale):
    plain, _ = fit(returns, family=family)

    found, _ = fit(returns * scale, family=family)

    assert found.status == plain.status == "converged"
    assert found.log_likelihood == pytest.approx(plain.log_likelihood - 600 * np.log(scale), rel=0, abs=1e-6)


def test_returns_too_small_for_a_variance_are_refused(returns):
    # Squares of 1e-200 are zero.
    with pytest.raises(DataError):
        Garch().fit(series(returns * 1e-200), periods_per_year=365)


@pytest.mark.parametrize("law", LAWS)
def test_mostly_still_series_ends_in_a_status(returns, law):
    still = np.random.default_rng(1).random(600) < 0.6

    found, raised = fit(np.where(still, 0.0, returns), distribution=law)

    assert (found.status == "not converged") == (ConvergenceWarning in raised)
    assert np.isfinite(found.variance).all()


@pytest.mark.parametrize("law", LAWS)
def test_one_move_in_a_still_series_is_no_quiet_success(law):
    values = np.zeros(600)
    values[300] = 0.01

    found, raised = fit(values, distribution=law)

    assert found.status == "not converged" or np.isfinite(found.standard_errors).any() or raised


def test_text_that_is_no_number_is_refused(returns):
    words = series(returns).astype(str)
    words.iloc[4] = "n/a"

    with pytest.raises(DataError, match="must be numbers"):
        Garch().fit(words, periods_per_year=365)
