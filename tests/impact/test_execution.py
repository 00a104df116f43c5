import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.impact.execution import ExecutionMarket, almgren_cost, execution_frontier, execution_schedule

# Table 1 of Almgren and Chriss (2000).
PAPER = ExecutionMarket(volatility=0.95, half_spread=0.0625, permanent=2.5e-7, temporary=2.5e-6)
MARKETS = st.builds(
    ExecutionMarket, volatility=st.floats(0.01, 5.0), half_spread=st.floats(0.0, 1.0), permanent=st.floats(0.0, 1e-7),
    temporary=st.floats(1e-6, 1e-4),
)  # fmt: skip


IBM = {"volume": 6_561_000, "volatility": 0.0157, "outstanding": 1.728e9}
DRI = {"volume": 1_929_000, "volatility": 0.0226, "outstanding": 1.68e8}


@pytest.mark.parametrize(
    ("stock", "permanent", "realized"),
    [(IBM, 19.859702, [32.223851, 24.638405, 18.417863]), (DRI, 21.678656, [42.931327, 32.012152, 23.05774])],
)
def test_impact_of_both_stocks_of_the_paper(stock, permanent, realized):
    for days, wanted in zip((0.1, 0.2, 0.5), realized, strict=True):
        cost = almgren_cost(0.1 * stock["volume"], days=days, **stock)

        # Reference entry impact.almgren2005; basis points.
        assert cost.permanent * 1e4 == pytest.approx(permanent, abs=1e-6)
        assert cost.realized * 1e4 == pytest.approx(wanted, abs=1e-6)
        assert cost.realized == pytest.approx(cost.permanent / 2 + cost.temporary)


def test_frontier_matches_the_reference_entry():
    table = execution_frontier(1e6, PAPER, horizon=5, n_steps=5, risk_aversions=[1e-9, 2e-9, 5e-9, 9e-9])

    # Reference entry impact.almgrenchriss2000, printed with four decimals.
    np.testing.assert_allclose(table["expected_cost"] / 1e6, [0.6625, 0.6625, 0.6625, 0.6626], atol=6e-5)
    np.testing.assert_allclose(table["variance"] / 1e12, [1.0812, 1.0794, 1.0740, 1.0669], atol=6e-5)
    np.testing.assert_allclose(table["penalty"] / 1e6, [0.6636, 0.6647, 0.6679, 0.6722], atol=6e-5)
    np.testing.assert_allclose(table["time_constant"], [51.3, 36.27, 22.94, 17.1], atol=6e-2)


@given(market=MARKETS, aversion=st.floats(0.0, 1e-3), n_steps=st.integers(2, 12))
def test_schedule_solves_the_quadratic_problem(market, aversion, n_steps):
    X, T = 1e5, 4.0
    tau = T / n_steps
    eta = market.temporary - market.permanent * tau / 2

    found = execution_schedule(X, market, horizon=T, n_steps=n_steps, risk_aversion=aversion)

    # First-order conditions of the holdings between the first and the last, as a linear system.
    n = n_steps - 1
    A = (2 * eta / tau + aversion * market.volatility**2 * tau) * np.eye(n)
    A -= eta / tau * (np.eye(n, k=1) + np.eye(n, k=-1))
    b = np.zeros(n)
    b[0] = eta / tau * X
    np.testing.assert_allclose(found.path["holding"].iloc[1:-1], np.linalg.solve(A, b), rtol=1e-6, atol=1e-6 * X)
    assert found.path["trade"].sum() == pytest.approx(X) and (found.path["trade"] >= -1e-9 * X).all()


def test_cost_and_variance_are_those_of_simulated_sales():
    found = execution_schedule(1e6, PAPER, horizon=5, n_steps=5, risk_aversion=1e-6)
    rng, n = np.random.default_rng(3), 200_000
    trades = found.path["trade"].to_numpy()[1:]
    noise = 0.95 * rng.standard_normal((n, 5)).cumsum(axis=1)
    sold_before = np.concatenate([[0.0], np.cumsum(trades)[:-1]])
    # Sold in step k: after k - 1 noises, at the price left by former sales, less half a spread and the step's speed.
    price = np.column_stack([np.zeros(n), noise[:, :-1]]) - PAPER.permanent * sold_before - 0.0625 - 2.5e-6 * trades

    lost = -(price * trades).sum(axis=1)

    assert lost.mean() == pytest.approx(found.expected_cost, abs=4 * lost.std() / n**0.5)
    assert lost.var() == pytest.approx(found.variance, rel=0.02)
    assert found.cost_at(0.95) == pytest.approx(np.quantile(lost, 0.95), rel=0.01)


def test_frontier_trades_cost_for_risk():
    table = execution_frontier(1e6, PAPER, horizon=5, n_steps=20, risk_aversions=[0.0, 1e-7, 1e-6, 1e-4, 1e3])

    assert table["expected_cost"].is_monotonic_increasing and table["variance"].is_monotonic_decreasing
    assert np.isinf(table["time_constant"].iloc[0]) and np.isfinite(table.iloc[-1]).all()
    even = execution_schedule(1e6, PAPER, horizon=5, n_steps=20, risk_aversion=0.0)
    np.testing.assert_allclose(even.path["trade"].iloc[1:], 5e4, rtol=1e-9)
    assert "1e+06 coins over 5 periods in 20 steps" in repr(even) and even.summary().shape == (5, 1)
    assert even.to_frame() is even.path


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: almgren_cost(0.0, volume=1, volatility=1, days=1, outstanding=1), ArgumentError, "quantity must be"),
        (lambda: almgren_cost(1, volume=1, volatility=1, days=0, outstanding=1), ArgumentError, "days must be"),
        (
            lambda: almgren_cost(1, volume=1, volatility=1, days=1, outstanding=1, temporary=-1),
            ArgumentError,
            "temporary must be a finite number of at least 0",
        ),
        (lambda: execution_schedule(1, PAPER, horizon=100, n_steps=1, risk_aversion=0), ArgumentError, "more steps"),
        (lambda: execution_schedule(1, PAPER, horizon=1, n_steps=0, risk_aversion=0), ArgumentError, "n_steps must"),
        (lambda: execution_schedule(1, PAPER, horizon=1, n_steps=1, risk_aversion=-1), ArgumentError, "risk_aversion"),
        (
            lambda: execution_frontier(1, PAPER, horizon=1, n_steps=1, risk_aversions=[]),
            DataError,
            "at least one value",
        ),
        (
            lambda: ExecutionMarket(volatility=1, half_spread=0, permanent=0, temporary=0),
            ArgumentError,
            "temporary must be",
        ),
    ],
)
def test_bad_executions_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
