"""Connectedness: published numbers, plain twins, invariants, look-ahead, refusals."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import nasdaq, sp500, vix

from volkit.correlation.connectedness import (
    connectedness,
    connectedness_from_var,
    frequency_connectedness,
    independent_totals,
    joint_connectedness,
    ordering_range,
    rolling_connectedness,
    select_lags,
    tvp_var_connectedness,
)
from volkit.errors import ArgumentError, DataError

_FILE = Path(__file__).parents[2] / "reference" / "connectedness.json"
REFERENCE = {entry["id"]: entry for entry in json.loads(_FILE.read_text())["entries"]}


def case(name):
    entry = REFERENCE[name]
    return entry["expected"], entry["tolerance"]


def frame_of(values, names=None):
    times = pd.date_range("2018-01-01", periods=len(values), tz="UTC", name="time", unit="us")
    return pd.DataFrame(values, index=times, columns=names or [f"s{k}" for k in range(values.shape[1])])


def simulate(A, P, n, rng, *, burn=100):
    """Rows of a VAR(1) with t6 shocks of unit variance through P."""
    shocks = rng.standard_t(6, (n + burn, len(A))) / math.sqrt(1.5) @ P.T
    values = np.zeros_like(shocks)
    for t in range(1, n + burn):
        values[t] = A @ values[t - 1] + shocks[t]
    return values[burn:]


def linked(n=400, n_series=3, seed=1):
    A = 0.3 * np.eye(n_series) + 0.2 * np.eye(n_series, k=-1)
    P = np.linalg.cholesky(0.6 * np.eye(n_series) + 0.4)
    return frame_of(simulate(A, P, n, np.random.default_rng(seed)))


def real(folder, name):
    frame = pd.read_csv(folder.parent / "reference" / "series" / f"{name}.csv.gz")
    numbers = frame.select_dtypes("number")
    return frame_of(numbers.to_numpy(), list(numbers.columns))


def slow_fit(values, p):
    n, K = values.shape
    Z = np.array([[1.0, *(values[t - lag, k] for lag in range(1, p + 1) for k in range(K))] for t in range(p, n)])
    B, *_ = np.linalg.lstsq(Z, values[p:], rcond=None)
    e = values[p:] - Z @ B
    return [B[1 + lag * K : 1 + (lag + 1) * K].T for lag in range(p)], e.T @ e / (len(e) - Z.shape[1])


def slow_psi(A, horizon):
    K = len(A[0])
    psi = [np.eye(K)]
    for h in range(1, horizon):
        psi.append(sum((A[j] @ psi[h - 1 - j] for j in range(min(h, len(A)))), np.zeros((K, K))))
    return psi


def slow_table(A, sigma, horizon, decomposition):
    """Definition, entry by entry."""
    K = len(sigma)
    P = np.linalg.cholesky(sigma)
    psi = slow_psi(A, horizon)
    table = np.zeros((K, K))
    for i in range(K):
        for j in range(K):
            for M in psi:
                shock = P[:, j] if decomposition == "cholesky" else sigma[:, j] / math.sqrt(sigma[j, j])
                table[i, j] += float(M[i] @ shock) ** 2
    return 100 * table / table.sum(axis=1, keepdims=True)


def equities():
    closes = {"sp500": sp500, "nasdaq": nasdaq, "vix": vix}
    moves = {
        name: 100 * np.log(data.load()["vix" if name == "vix" else "Adj Close"]).diff() for name, data in closes.items()
    }
    return pd.concat(moves, axis=1, sort=True).dropna().tz_localize("UTC")


# Published and other programs' numbers


def test_known_system_gives_the_printed_numbers():
    expected, tolerance = case("analytic")
    inputs = REFERENCE["analytic"]["inputs"]

    known = connectedness_from_var(inputs["A"], inputs["sigma"], horizon=inputs["horizon"])

    assert known.total == pytest.approx(expected["total"], abs=tolerance["printed_absolute"])
    np.testing.assert_allclose(known.net, expected["net"], atol=tolerance["printed_absolute"])


def test_equity_system_equals_pyconnectedness():
    expected, tolerance = case("equities")

    result = connectedness(equities(), lags=2, horizon=10)

    assert result.n_obs == 1209
    assert result.total == pytest.approx(expected["total"], abs=tolerance["total_absolute"])
    np.testing.assert_allclose(result.table.iloc[0], expected["row"], atol=tolerance["printed_absolute"])


@pytest.mark.real
def test_volatilities_of_2012_equal_the_published_table(real_data):
    expected, tolerance = case("dy2012")

    result = connectedness(real(real_data, "dy2012"), lags=4, horizon=10, kind="volatilities")

    assert result.total == pytest.approx(expected["total"], abs=tolerance["total_absolute"])
    assert result.corrected_total == pytest.approx(expected["corrected"], abs=tolerance["total_absolute"])
    for got, key in ((result.to_others, "to"), (result.from_others, "from"), (result.table.iloc[0], "row")):
        np.testing.assert_allclose(got, expected[key], atol=tolerance["printed_absolute"])


@pytest.mark.real
def test_rolling_volatilities_of_2012_equal_the_reference(real_data):
    expected, tolerance = case("dy2012_rolling")

    path = rolling_connectedness(real(real_data, "dy2012"), window=200, lags=4, kind="volatilities", adjust=False)
    totals = path.total["total"].dropna()

    assert len(totals) == expected["n"]
    for name, value in (("min", totals.min()), ("max", totals.max()), ("mean", totals.mean())):
        assert value == pytest.approx(expected[name], abs=tolerance["absolute"])
    assert totals.iloc[0] == pytest.approx(expected["first"], abs=tolerance["digits_six_absolute"])
    assert totals.iloc[-1] == pytest.approx(expected["last"], abs=tolerance["digits_six_absolute"])


@pytest.mark.real
def test_cholesky_of_2009_equals_the_published_table(real_data):
    expected, tolerance = case("dy2009")

    result = connectedness(real(real_data, "dy2009"), lags=2, horizon=10, decomposition="cholesky")

    assert result.total == pytest.approx(expected["total"], abs=tolerance["total_absolute"])
    printed = tolerance["printed_absolute"]
    assert result.table.loc["US", "US"] == pytest.approx(expected["us_own"], abs=printed)
    assert result.table.loc["UK", "US"] == pytest.approx(expected["uk_from_us"], abs=printed)
    assert result.to_others["US"] == pytest.approx(expected["us_to"], abs=printed)


@pytest.mark.real
def test_time_varying_autoregression_equals_the_published_table(real_data):
    expected, tolerance = case("gg2018")

    path = tvp_var_connectedness(
        real(real_data, "gg2018"), lags=1, prior_window=200, demean="sample", keep_prior=True, kind="volatilities"
    )

    assert path.mean_total == pytest.approx(expected["total"], abs=tolerance["total_absolute"])
    assert path.total["corrected"].mean() == pytest.approx(expected["corrected"], abs=tolerance["total_absolute"])
    np.testing.assert_allclose(path.mean_table.iloc[0], expected["row"], atol=tolerance["printed_absolute"])
    np.testing.assert_allclose(path.net.mean(), expected["net"], atol=tolerance["printed_absolute"])


# Plain twins


@pytest.mark.parametrize("decomposition", ["generalised", "cholesky"])
@pytest.mark.parametrize(("lags", "horizon"), [(1, 1), (2, 10), (4, 7)])
def test_table_equals_its_definition(decomposition, lags, horizon):
    moves = linked()

    result = connectedness(moves, lags=lags, horizon=horizon, decomposition=decomposition)

    A, sigma = slow_fit(moves.to_numpy(), lags)
    np.testing.assert_allclose(result.table, slow_table(A, sigma, horizon, decomposition), atol=1e-10)


@pytest.mark.parametrize("hostile", ["plain", "far from zero", "spike", "drift"])
def test_rolling_windows_equal_windows_fitted_alone(hostile):
    moves = linked(500, seed=4)
    values = moves.to_numpy().copy()
    if hostile == "far from zero":
        values += 1e4
    if hostile == "spike":
        values[150, 1] = 1e6
    if hostile == "drift":
        values += np.arange(500)[:, None] * 0.5
    moves = frame_of(values)

    path = rolling_connectedness(moves, window=100, lags=2, kind="volatilities", adjust=False)

    # The sum over a window that holds a spike of 1e6 is known to 1e-16 of 1e12, and so is its twin's.
    for end in range(100, 501, 7):
        A, sigma = slow_fit(values[end - 100 : end] - values[end - 100 : end].mean(axis=0), 2)
        table = slow_table(A, sigma, 10, "generalised")
        direct = 100 - np.trace(table) / 3
        assert path.total["total"].iloc[end - 1] == pytest.approx(direct, abs=1e-6 if hostile == "spike" else 1e-10)
        np.testing.assert_allclose(
            path.net.iloc[end - 1], table.sum(axis=0) - 100, atol=1e-6 if hostile == "spike" else 1e-9
        )


def test_last_window_equals_the_table_of_its_rows_alone():
    moves = linked(300)

    path = rolling_connectedness(moves, window=120, lags=2)
    alone = connectedness(moves.iloc[-120:], lags=2)

    last = path.latest
    for name, value in (("total", alone.total), ("adjusted", alone.adjusted_total), ("floor", alone.floor)):
        assert last[name] == pytest.approx(value, abs=1e-9)


def test_bands_equal_an_integral_over_a_grid_of_frequencies():
    moves = linked()
    A, sigma = slow_fit(moves.to_numpy(), 2)
    responses = np.stack(slow_psi(A, 60)) @ (sigma / np.sqrt(np.diag(sigma)))
    n = 1 << 13
    power = np.abs(np.fft.fft(responses, n, axis=0)) ** 2 / n
    period = 1.0 / np.maximum(np.abs(np.fft.fftfreq(n)), 1e-300)

    result = frequency_connectedness(moves, lags=2, edges=(4.0, 16.0), horizon=60)

    whole = power.sum(axis=(0, 2))[:, None]
    for name, band in (("up to 4", period <= 4), ("4 to 16", (period > 4) & (period <= 16)), ("above 16", period > 16)):
        # A grid is off by its step at the two ends of a band.
        np.testing.assert_allclose(result.tables[name], 100 * power[band].sum(axis=0) / whole, atol=0.05)


@pytest.mark.parametrize("decomposition", ["generalised", "cholesky"])
def test_bands_add_up_to_the_table_without_bands(decomposition):
    moves = linked()

    result = frequency_connectedness(moves, lags=2, edges=(3, 7, 30), horizon=20, decomposition=decomposition)
    whole = connectedness(moves, lags=2, horizon=20, decomposition=decomposition)

    np.testing.assert_allclose(sum(result.tables.values()), whole.table, atol=1e-10)
    assert result.totals.sum() == pytest.approx(whole.total, abs=1e-10)


def test_joint_share_is_the_r_squared_on_all_other_shocks():
    moves = linked(seed=3)
    A, sigma = slow_fit(moves.to_numpy(), 1)
    psi = slow_psi(A, 5)

    result = joint_connectedness(moves, lags=1, horizon=5)

    for i in range(3):
        M = np.delete(np.eye(3), i, axis=1)
        middle = sigma @ M @ np.linalg.inv(M.T @ sigma @ M) @ M.T @ sigma
        share = sum((p @ middle @ p.T)[i, i] for p in psi) / sum((p @ sigma @ p.T)[i, i] for p in psi)
        assert result.from_others.iloc[i] == pytest.approx(100 * share, abs=1e-9)
    plain = connectedness(moves, lags=1, horizon=5).table
    # Within a row the senders keep their proportions.
    assert result.table.iat[0, 1] / result.table.iat[0, 2] == pytest.approx(plain.iat[0, 1] / plain.iat[0, 2])


def test_lags_are_those_of_statsmodels():
    from statsmodels.tsa.api import VAR

    moves = linked(600)

    for criterion in ("aic", "bic"):
        assert (
            select_lags(moves, criterion=criterion, maximum=6)
            == VAR(moves.to_numpy()).select_order(6).selected_orders[criterion]
        )


def test_order_matters_to_cholesky_only_within_its_range():
    moves = linked()

    orders = ordering_range(moves, lags=1)
    own = connectedness(moves, lags=1, decomposition="cholesky").total
    turned = connectedness(moves[["s2", "s0", "s1"]], lags=1, decomposition="cholesky").total

    assert len(orders) == 6
    by_order = orders.set_index("order")["total"]
    assert by_order["s0 > s1 > s2"] == pytest.approx(own, abs=1e-9)
    assert by_order["s2 > s0 > s1"] == pytest.approx(turned, abs=1e-9)


# Invariants


@pytest.mark.parametrize("seed", range(5))
def test_rows_add_up_and_net_vanishes(seed):
    moves = linked(seed=seed, n_series=4)

    for result in (connectedness(moves, lags=2), joint_connectedness(moves, lags=2)):
        np.testing.assert_allclose(result.table.sum(axis=1), 100, atol=1e-10)
        assert result.net.sum() == pytest.approx(0, abs=1e-10)
        np.testing.assert_allclose(result.net_pairwise, -result.net_pairwise.T, atol=1e-12)
        np.testing.assert_allclose(result.net_pairwise.sum(axis=1), result.net, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_generalised_shares_do_not_depend_on_order_or_unit(seed):
    moves = linked(seed=seed, n_series=4)
    order = ["s2", "s0", "s3", "s1"]

    plain = connectedness(moves, lags=2)
    other = connectedness((moves * [1.0, 1e4, 1e-5, 100.0])[order], lags=2)

    np.testing.assert_allclose(other.table.loc[moves.columns, moves.columns], plain.table, atol=1e-8)
    np.testing.assert_allclose(other.adjusted_table.loc[moves.columns, moves.columns], plain.adjusted_table, atol=1e-8)
    assert other.floor == pytest.approx(plain.floor, abs=1e-8)


def test_diagonal_system_is_not_connected():
    for decomposition in ("generalised", "cholesky"):
        assert connectedness_from_var([np.diag([0.5, 0.2])], np.eye(2), decomposition=decomposition).total == 0.0


# Noise


def test_floor_is_the_mean_of_simulated_independent_systems():
    moves = linked(200, n_series=5)

    result = connectedness(moves, lags=2)
    draws = independent_totals(moves, lags=2, rng=np.random.default_rng(1), n_draws=400)

    error = draws.std() / math.sqrt(len(draws))
    # To first order: what is left of a floor of 6 % is a few hundredths of it.
    assert result.floor == pytest.approx(draws.mean(), abs=4 * error + 0.04 * result.floor)


def test_limits_hold_the_adjusted_index_and_repeat_with_the_seed():
    moves = linked()

    first, second = (connectedness(moves, lags=1, rng=np.random.default_rng(3)) for _ in range(2))

    assert first.lower < first.adjusted_total < first.upper
    assert (first.lower, first.upper) == (second.lower, second.upper)


# Look-ahead


def test_rolling_values_do_not_change_when_rows_are_added():
    moves = linked(420)
    whole = rolling_connectedness(moves, window=90, lags=2, rng=np.random.default_rng(1), n_draws=39)

    for end in (90, 154, 300):
        part = rolling_connectedness(moves.iloc[:end], window=90, lags=2, rng=np.random.default_rng(1), n_draws=39)
        pd.testing.assert_frame_equal(part.total, whole.total.iloc[:end], check_exact=True)
        pd.testing.assert_frame_equal(part.net, whole.net.iloc[:end], check_exact=True)


def test_time_varying_values_do_not_change_when_rows_are_added():
    moves = linked(300)
    whole = tvp_var_connectedness(moves, lags=2, prior_window=80)

    part = tvp_var_connectedness(moves.iloc[:200], lags=2, prior_window=80)

    pd.testing.assert_frame_equal(part.total, whole.total.iloc[:200], check_exact=True)
    assert whole.total["total"].iloc[:80].isna().all()
    assert whole.total["total"].iloc[80:].notna().all()


# Bad input


def test_windows_with_a_constant_series_have_no_value_and_are_counted():
    values = linked(300).to_numpy().copy()
    values[120:230, 1] = 0.7

    path = rolling_connectedness(frame_of(values), window=60, lags=1, kind="volatilities")

    constant = [end for end in range(60, 301) if np.ptp(values[end - 60 : end, 1]) == 0]
    missing = path.total["total"].isna() & (path.total["status"] != "not started")
    # Where only the last row moves, its own past is constant: one more window at the end of the halt.
    assert set(constant) <= set(np.flatnonzero(missing) + 1) <= {constant[0] - 1, *constant, constant[-1] + 1}
    assert path.n_singular == missing.sum()


def test_explosive_system_says_so():
    known = connectedness_from_var([[[1.05, 0.0], [0.2, 0.5]]], np.eye(2))

    assert not known.is_stable
    assert "EXPLOSIVE" in repr(known)


def test_missing_rows_are_refused_or_counted():
    moves = linked()
    moves.iloc[5, 1] = np.nan

    with pytest.raises(DataError, match=r"must be complete.*got 1 of 400 rows.*missing=\"drop\""):
        connectedness(moves, lags=1)
    assert connectedness(moves, lags=1, missing="drop").n_missing == 1


def test_levels_are_refused_as_changes_and_allowed_as_volatilities():
    positive = np.exp(linked())

    with pytest.raises(DataError, match="look like levels"):
        connectedness(positive, lags=1)
    assert connectedness(positive, lags=1, kind="volatilities").total > 0


def test_copies_are_refused():
    moves = linked()

    with pytest.raises(DataError, match=r"must be linearly independent; got .*copy"):
        connectedness(moves.assign(copy=moves["s0"] * 2), lags=1)


def test_too_many_lags_are_answered_with_a_number_that_fits():
    moves = linked(60, n_series=5)

    with pytest.raises(ArgumentError, match=r"at least 56 usable rows for 5 series; got lags=10.*pass lags=8"):
        rolling_connectedness(moves, window=60, lags=10)


def test_bad_covariance_and_edges_are_refused():
    with pytest.raises(ArgumentError, match="positive definite"):
        connectedness_from_var([np.zeros((2, 2))], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ArgumentError, match="above 2"):
        frequency_connectedness(linked(), lags=1, edges=(1.0, 5.0))


def test_results_show_themselves():
    moves = linked()

    results = [
        connectedness(moves, lags=1),
        rolling_connectedness(moves, window=100, lags=1),
        tvp_var_connectedness(moves, lags=1, prior_window=100),
        frequency_connectedness(moves, lags=1),
        joint_connectedness(moves, lags=1),
    ]

    for result in results:
        assert repr(result).startswith(f"<{type(result).__name__}: ")
        assert len(result.summary()) and len(result.to_frame())
