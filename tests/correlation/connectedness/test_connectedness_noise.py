"""Simulated: how wrong the index is, raw and adjusted, over systems whose index is known."""

import math

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.connectedness import connectedness, connectedness_from_var

HORIZON = 10


def simulate(A, P, n, rng, *, shared=0.0, burn=100):
    """Rows of a VAR(1) with t6 shocks; `shared` is the noise of a common log-volatility of persistence 0.95."""
    shocks = rng.standard_t(6, (n + burn, len(A))) / math.sqrt(1.5)
    state = 0.0
    for t in range(n + burn):
        state = 0.95 * state + shared * rng.standard_normal()
        shocks[t] *= math.exp(state)
    shocks = shocks @ P.T
    values = np.zeros_like(shocks)
    for t in range(1, n + burn):
        values[t] = A @ values[t - 1] + shocks[t]
    times = pd.date_range("2018-01-01", periods=n, tz="UTC")
    return pd.DataFrame(values[burn:], index=times, columns=[f"s{k}" for k in range(len(A))])


def designs():
    K = 10
    one, ties = np.eye(K), lambda rho, n=K: np.linalg.cholesky((1 - rho) * np.eye(n) + rho)
    hub = 0.3 * one
    hub[1:, 0] = 0.25
    chain = 0.9 * one + 0.08 * np.eye(K, k=-1)
    four = 0.95 * np.eye(4) + np.diag([0.04, 0.03, 0.0], k=-1)
    return {
        "independent, AR 0.35": (0.35 * one, one),
        "correlation 0.3": (0.2 * one, ties(0.3)),
        "correlation 0.7": (0.2 * one, ties(0.7)),
        "one sends to nine": (hub, one),
        "ring": (0.5 * one + 0.3 * np.roll(one, 1, axis=0), one),
        "persistent chain": (chain, ties(0.2)),
        "four log-volatilities": (four, ties(0.3, 4)),
    }


@pytest.mark.slow
def test_raw_index_of_independent_series_shows_the_known_bias_and_the_adjusted_one_does_not(capsys):
    known = {4: (3.3, 5.0, 8.1), 10: (9.8, 14.1, 22.9)}
    lines, adjusted = [], {}
    for K, row in known.items():
        for p, expected in zip((1, 2, 4), row, strict=True):
            rng = np.random.default_rng(5)
            found = []
            for _ in range(300):
                result = connectedness(simulate(0.35 * np.eye(K), np.eye(K), 200, rng), lags=p, horizon=HORIZON)
                found.append((result.total, result.adjusted_total, result.floor))
            raw, adjusted[K, p], floor = np.mean(found, axis=0)
            lines.append(
                f"K {K:>2} p {p}: raw {raw:5.1f} (known {expected:5.1f}),"
                f" adjusted {adjusted[K, p]:4.1f}, floor {floor:5.1f}"
            )
            # The known values are rounded to 0.05 and rest on 40 samples.
            assert raw == pytest.approx(expected, abs=0.35)
            assert floor == pytest.approx(expected, abs=0.5)
    with capsys.disabled():
        print("\nindex of simulated independent series, 200 rows, per cent", *lines, sep="\n")
    assert adjusted[10, 2] <= 2.0
    assert max(adjusted.values()) <= 4.0


@pytest.mark.slow
def test_adjusted_index_is_nearer_the_truth_than_the_raw_one(capsys):
    lines, found = [], {}
    for n, p, shared in ((200, 1, 0.0), (200, 2, 0.0), (200, 4, 0.0), (100, 1, 0.0), (400, 2, 0.0), (200, 2, 0.15)):
        for name, (A, P) in designs().items():
            truth = connectedness_from_var([A], P @ P.T, horizon=HORIZON).total
            rng = np.random.default_rng(5)
            pairs = []
            for _ in range(120):
                moves = simulate(A, P, n, rng, shared=shared)
                # Some designs are as persistent as log-volatilities, which changes are not.
                result = connectedness(moves, lags=p, horizon=HORIZON, kind="volatilities")
                pairs.append((result.total, result.adjusted_total))
            error = np.array(pairs) - truth
            bias, rmse = error.mean(axis=0), np.sqrt((error**2).mean(axis=0))
            found[n, p, shared, name] = bias, rmse, error.std(axis=0).max() / math.sqrt(len(error))
            lines.append(
                f"{n:>4} rows, {p} lags, {'shared' if shared else 'plain '} volatility, {name:<22} true {truth:5.1f}"
                f"  bias {bias[0]:5.1f} -> {bias[1]:5.1f}  rmse {rmse[0]:5.1f} -> {rmse[1]:5.1f}"
            )
    with capsys.disabled():
        print("\nsimulated: raw -> adjusted index, points", *lines, sep="\n")
    for bias, _, error in found.values():
        # Where the raw bias is small already, nothing is to be had; elsewhere the adjusted one is the smaller.
        assert abs(bias[1]) < max(abs(bias[0]), 1.0 + 2.0 * error)
    bias, rmse, _ = (np.array(part) for part in zip(*found.values(), strict=True))
    assert np.abs(bias[:, 1]).mean() < 0.25 * np.abs(bias[:, 0]).mean()
    assert rmse[:, 1].mean() < 0.75 * rmse[:, 0].mean()


@pytest.mark.slow
def test_limits_cover_the_known_index(capsys):
    lines, coverage = [], {}
    for name, (A, P) in designs().items():
        truth = connectedness_from_var([A], P @ P.T, horizon=HORIZON).total
        for n in (200, 500):
            rng = np.random.default_rng(6)
            held = 0
            for _ in range(200):
                moves = simulate(A, P, n, rng)
                result = connectedness(moves, lags=1, horizon=HORIZON, kind="volatilities", rng=rng, n_draws=199)
                held += result.lower - 1e-9 <= truth <= result.upper + 1e-9
            coverage[name, n] = held / 200
            lines.append(f"{name:<22} {n} rows, 1 lag: {coverage[name, n]:.1%} of 95 % limits hold the index")
    with capsys.disabled():
        print("\nsimulated coverage", *lines, sep="\n")
    # Standard error 2 points. Near a unit root 200 rows are too few, as the docstring of `connectedness` says.
    assert min(share for (_, n), share in coverage.items() if n == 500) >= 0.88
    assert min(coverage.values()) >= 0.78
