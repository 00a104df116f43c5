"""Synchronised changes: values, what of a true correlation comes back, coverage, invariants, refusals."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.api import VAR, VARMAX

from volkit.correlation.synchrony import lead_lag_correlation, synchronize_returns
from volkit.correlation.synchrony._kernels import moving_average_residuals
from volkit.errors import ArgumentError, DataError
from volkit.returns import changes

_SPEC = importlib.util.spec_from_file_location("_worlds", Path(__file__).with_name("test_synchrony_simulation.py"))
worlds = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(worlds)


def frame_of(n=1000, *, seed=1, gap=0.5, rho=0.5, kind="normal"):
    """Return changes of two markets, the second of which closes a share `gap` of a day earlier."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((2, n + 1, 2))
    e[1] = rho * e[0] + np.sqrt(1 - rho**2) * e[1]
    if kind == "t5":
        e *= np.sqrt(3 / rng.chisquare(5, e.shape[1:]))
    parts = e * np.sqrt([1 - gap, gap])
    x, y = parts[0, 1:].sum(axis=1), parts[1, 1:, 0] + parts[1, :-1, 1]
    times = pd.date_range("2018-01-01", periods=n, tz="UTC", name="time", unit="us")
    return pd.DataFrame({"SPX": x, "NKY": y}, times)


def slow_news(r, M):
    """Return r_t - M e_{t-1} row by row."""
    news = []
    for row in r:
        news.append(row - M @ news[-1] if news else row)
    return np.array(news)


@pytest.fixture(scope="module")
def moves():
    return frame_of()


# Values


def test_moving_average_has_the_likelihood_and_the_optimum_of_statsmodels(moves):
    found = synchronize_returns(moves)
    theirs = VARMAX(moves - moves.mean(), order=(0, 1), trend="n")
    M = found.coefficients.to_numpy()
    news = slow_news((moves - moves.mean()).to_numpy(), M)
    S = news.T @ news / len(news)
    start = np.concatenate([M.ravel(), np.linalg.cholesky(S)[np.tril_indices(2)]])

    # No shock before the first row: the first state is its own shock, twice.
    theirs.ssm.initialize_known(np.zeros(4), np.tile(S, (2, 2)))
    given_zeros = theirs.loglike(start)
    theirs.ssm.initialize_stationary()
    exact = theirs.fit(start_params=start, disp=0, maxiter=500, cov_type="none")

    assert found.log_likelihood == pytest.approx(given_zeros, abs=1e-6)
    # The exact likelihood has the first row's shock unknown, which is worth 1 / n of the estimates and their errors.
    assert np.abs(exact.params[:4] - M.ravel()).max() < 0.1 * found.coefficient_errors.to_numpy().min()


def test_no_other_coefficients_are_more_likely(moves):
    found = synchronize_returns(moves)
    r = (moves - moves.mean()).to_numpy()

    def slow(M):
        e = slow_news(r, M)
        return -0.5 * len(r) * (2 * np.log(2 * np.pi) + 2 + np.linalg.slogdet(e.T @ e / len(r))[1])

    M = found.coefficients.to_numpy()
    assert slow(M) == pytest.approx(found.log_likelihood, abs=1e-8)
    for step in np.eye(4).reshape(4, 2, 2) * 0.02:
        assert max(slow(M + step), slow(M - step)) < found.log_likelihood
    assert found.remaining < 1e-8


def test_autoregression_is_that_of_statsmodels(moves):
    found = synchronize_returns(moves, model="var")

    # Theirs leaves out the first row; ours has zeros before it, which adds one row of none to the regressors.
    r = moves - moves.mean()
    padded = pd.concat([r.iloc[:1] * 0.0, r])
    A = VAR(padded.to_numpy()).fit(1, trend="n").coefs[0]
    assert found.coefficients.to_numpy() == pytest.approx(A, abs=1e-10)


@pytest.mark.parametrize("model", ["vma", "var"])
def test_rows_are_change_and_next_expectation_less_the_last(moves, model):
    found = synchronize_returns(moves, model=model)

    r, M = (moves - moves.mean()).to_numpy(), found.coefficients.to_numpy()
    source = slow_news(r, M) if model == "vma" else r
    expected = [M @ row for row in source]
    slow = [r[t] + expected[t] - expected[t - 1] + moves.mean().to_numpy() for t in range(1, len(r))]
    assert found.returns.to_numpy() == pytest.approx(np.array(slow), abs=1e-12)
    assert found.expected_news.to_numpy() == pytest.approx(np.array(expected[1:]), abs=1e-12)
    if model == "vma":
        assert found.returns.to_numpy() == pytest.approx(source[1:] @ (np.eye(2) + M).T + moves.mean().to_numpy())


def test_compiled_residuals_are_their_own_source(moves):
    r, M = moves.to_numpy()[:60], np.array([[0.1, -0.2], [0.4, 0.3]])
    fast, plain = [(np.empty_like(r), np.empty((60, 4, 2))) for _ in range(2)]

    moving_average_residuals(r, M, *fast)
    moving_average_residuals.py_func(r, M, *plain)

    for one, other in zip(fast, plain, strict=True):
        assert one == pytest.approx(other, abs=1e-14)
    assert fast[0] == pytest.approx(slow_news(r, M), abs=1e-14)
    steps = 1e-6 * np.eye(4).reshape(4, 2, 2)
    slopes = [(slow_news(r, M + step) - slow_news(r, M - step)) / 2e-6 for step in steps]
    assert fast[1] == pytest.approx(np.array(slopes).transpose(1, 0, 2), abs=1e-8)


def test_target_is_that_of_lead_lag_sums_with_own_lags():
    found = [frame_of(1000, seed=seed) for seed in range(60)]

    intervals = [synchronize_returns(m).correlation("SPX", "NKY") for m in found]
    others = [lead_lag_correlation(m["SPX"], m["NKY"], own_lags=1) for m in found]
    moved, sums = (np.array([one.correlation for one in of_all]) for of_all in (intervals, others))

    # Moments of a moving average are another estimate of the same limit: no difference on average.
    difference = moved - sums
    assert abs(difference.mean()) < 3.0 * difference.std() / np.sqrt(60)
    assert difference.std() < 0.5 * moved.std()
    # Their errors agree too, where those at given coefficients would be 40 % smaller.
    errors, theirs = (np.mean([one.standard_error for one in of_all]) for of_all in (intervals, others))
    assert errors == pytest.approx(theirs, rel=0.1)


# Invariants


@given(st.floats(0.01, 100.0), st.floats(0.01, 100.0), st.floats(-3.0, 3.0), st.sampled_from(["vma", "var"]))
@settings(max_examples=15)
def test_units_and_means_change_nothing_but_units(first, second, shift, model):
    moves = frame_of(300, kind="t5")
    scale = pd.Series({"SPX": first, "NKY": second})
    # The level of a mean in units of a standard deviation: larger ones would be levels.
    other = (moves + 0.1 * shift) * scale

    one, two = (synchronize_returns(m, model=model) for m in (moves, other))

    np.testing.assert_allclose(two.returns, (one.returns + 0.1 * shift) * scale, rtol=1e-6, atol=1e-6 * scale.max())
    a, b = (m.correlation("SPX", "NKY") for m in (one, two))
    assert [a.lower, a.correlation, a.upper] == pytest.approx([b.lower, b.correlation, b.upper], abs=1e-5)


def test_order_of_the_series_changes_nothing(moves):
    one, two = synchronize_returns(moves), synchronize_returns(moves[["NKY", "SPX"]])

    np.testing.assert_allclose(two.returns[["SPX", "NKY"]], one.returns, atol=1e-5)
    a, b = one.correlation("SPX", "NKY"), two.correlation("NKY", "SPX")
    assert [a.lower, a.upper] == pytest.approx([b.lower, b.upper], abs=1e-5)


@pytest.mark.parametrize("model", ["vma", "var"])
def test_rows_look_at_no_later_row_at_given_coefficients(moves, model):
    found = synchronize_returns(moves, model=model)
    whole = found.filter(moves)

    pd.testing.assert_frame_equal(whole, found.returns, check_freq=False, rtol=1e-12)
    for n in (50, 333, 999):
        changed = moves.copy()
        changed.iloc[n:] *= -3.0
        np.testing.assert_array_equal(found.filter(moves.iloc[:n]), whole.iloc[: n - 1])
        np.testing.assert_array_equal(found.filter(changed).iloc[: n - 1], whole.iloc[: n - 1])


def test_result_says_whose_coefficients_they_are_and_is_frozen(moves):
    found = synchronize_returns(moves)

    assert "VMA(1) of the whole sample" in found.headline
    assert "coefficients of the whole sample" in found.summary().index.name
    assert found.as_of == moves.index[-1]
    assert found.n_obs == len(moves) - 1
    for table in (found.returns, found.coefficients, found.observed, found.expected_news):
        assert not table.to_numpy().flags.writeable
    # A quarter of the other market's news, half of it common: 0.5 ** 2 * 0.5.
    assert found.summary()["share of variance known a row before"]["NKY"] == pytest.approx(0.125, abs=0.06)


# Recovery


@pytest.mark.slow
def test_synchronised_rows_recover_a_true_half_in_simulation_a(capsys):
    world = worlds.World("A", seed=7)
    coin = np.log(world.daily().frame["close"])
    tokyo = world.stock.reindex(world.sessions + pd.Timedelta(hours=6)).set_axis(world.sessions)
    made = {
        "UTC days": changes(worlds.align([world.daily(), world.equity()])).dropna(),
        "Tokyo close, same UTC date": pd.DataFrame({"NKY": tokyo, "BTC": coin.reindex(tokyo.index)}).diff().iloc[1:],
    }
    found = {}
    for name, moves in made.items():
        x, y = (moves[column] for column in moves.columns)
        found[name] = {
            "as they came": x.corr(y),
            "lead-lag sums": lead_lag_correlation(x, y).correlation,
            "lead-lag sums, own lags": lead_lag_correlation(x, y, own_lags=1).correlation,
            "VMA(1)": synchronize_returns(moves).correlation(*moves.columns).correlation,
            "VAR(1)": synchronize_returns(moves, model="var").correlation(*moves.columns).correlation,
        }
    with capsys.disabled():
        print("\nsimulation A, true correlation of synchronous shocks 0.50\n", pd.DataFrame(found).round(3).to_string())

    table = pd.DataFrame(found)
    assert (table.loc["as they came"] < 0.46).all()
    # One draw of 15,000 rows: the standard error is 0.01.
    assert (table.loc["VMA(1)"] - table.loc["lead-lag sums, own lags"]).abs().max() < 0.01
    assert table.loc["VMA(1)", "UTC days"] == pytest.approx(0.50, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "t5"])
def test_intervals_cover_and_rows_beat_plain_sums(kind):
    found = [frame_of(500, seed=100 + i, kind=kind, gap=0.3) for i in range(300)]

    moved = [synchronize_returns(m).correlation("SPX", "NKY") for m in found]
    sums = [lead_lag_correlation(m["SPX"], m["NKY"]).correlation for m in found]

    # 300 samples: 95 % +- 3 standard errors of 1.3 %.
    assert np.mean([one.lower <= 0.5 <= one.upper for one in moved]) == pytest.approx(0.95, abs=0.038)
    assert np.mean([one.correlation for one in moved]) == pytest.approx(0.5, abs=0.015)
    assert np.std([one.correlation for one in moved]) < 0.9 * np.std(sums)


# Refusals


def test_bad_data_is_refused_with_its_remedy(moves):
    hole = moves.copy()
    hole.iloc[7, 1] = np.nan
    constant = moves.assign(NKY=0.0)

    with pytest.raises(DataError, match=r"must have every series on every row; got 1 of 1000 rows.*complete_rows"):
        synchronize_returns(hole)
    with pytest.raises(DataError, match="must be changes rather than levels"):
        synchronize_returns(moves.cumsum())
    with pytest.raises(DataError, match="must have at least 100 rows; got 80 of 2 series"):
        synchronize_returns(moves.iloc[:80])
    with pytest.raises(DataError, match="must vary; got 1000 times one value in NKY"):
        synchronize_returns(constant)
    with pytest.raises(DataError, match="at least two series"):
        synchronize_returns(moves[["SPX"]])


def test_bad_arguments_are_refused(moves):
    with pytest.raises(ArgumentError, match="model must be one of vma, var"):
        synchronize_returns(moves, model="vecm")
    found = synchronize_returns(moves)
    for pair in (("SPX", "SPX"), ("SPX", "BTC")):
        with pytest.raises(ArgumentError, match="must be two of SPX, NKY"):
            found.correlation(*pair)
    with pytest.raises(DataError, match="must have every series; got none for NKY"):
        found.filter(moves[["SPX"]].assign(BTC=moves["NKY"]))
