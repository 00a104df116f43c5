"""What the measures say of bitcoin, ether and macro series to 2023."""

import numpy as np
import pandas as pd
import pytest

import volkit
from volkit.contagion.measures import (
    absorption_ratio,
    covar,
    dcc_marginal_expected_shortfall,
    marginal_expected_shortfall,
    systemic_table,
    turbulence,
)

pytestmark = pytest.mark.real
NAMES = ["SPX", "BTC", "ETH", "GOLD", "DXY"]


@pytest.fixture(scope="module")
def changes(real_data):
    panel = volkit.load_prices(volkit.open_source(f"files:{real_data}"), [*NAMES, "VIX"])
    moves = volkit.complete_rows(volkit.changes(panel), max_loss=0.9).frame
    return moves[moves.index < pd.Timestamp("2024-01-01", tz="UTC")]


def test_march_2020_is_the_most_turbulent(changes):
    found = turbulence(changes[NAMES], minimum=120)

    top = found.path["turbulence"].nlargest(3)
    assert str(top.index[0].date()) == "2020-03-12" and top.iloc[0] > 30.0
    assert all((t.year, t.month) == (2020, 3) for t in top.index)
    # A usual row is near one.
    assert 0.4 < found.path["turbulence"].median() < 1.0


def test_crypto_and_stocks_have_more_in_common_in_2022_than_in_2019(changes):
    found = absorption_ratio(changes[NAMES], window=120, rng=np.random.default_rng(1))

    ratio = found.path["ratio"]
    year = {y: ratio[ratio.index.year == y].mean() for y in (2019, 2022)}
    assert year[2022] > year[2019] + 0.05
    assert (ratio > found.noise_upper).mean() > 0.99


def test_bitcoin_adds_to_the_tail_of_ether(changes):
    found = covar(changes, system="ETH", institution="BTC", confidence=0.95, n_draws=100, rng=np.random.default_rng(1))

    assert found.lower > 0.05 and found.delta_covar < 0.2
    stocks = covar(changes, system="SPX", institution="BTC", confidence=0.95)
    assert 0.0 < stocks.delta_covar < 0.02
    state = changes[["VIX"]]
    given = covar(changes, system="SPX", institution="BTC", confidence=0.95, state=state)
    assert given.n_obs == len(changes) - 1 and given.path["delta_covar"].min() != given.path["delta_covar"].max()


def test_shortfall_of_coins_given_stocks(changes):
    btc = marginal_expected_shortfall(changes, asset="BTC", market="SPX", rng=np.random.default_rng(1))

    assert 0.015 < btc.lower < btc.shortfall < btc.upper < 0.08
    moving = dcc_marginal_expected_shortfall(changes[["SPX", "BTC"]], asset="BTC", market="SPX", periods_per_year=252)
    # Coins and stocks had little in common before 2020.
    mean = moving.path["shortfall"].groupby(moving.path.index.year).mean()
    assert mean[2020] > mean[2019] and mean[2022] > mean[2019]
    assert moving.path["shortfall"].mean() == pytest.approx(btc.shortfall, rel=0.6)


def test_ranking_against_stocks(changes):
    found = systemic_table(changes[NAMES], market="SPX", n_draws=60, rng=np.random.default_rng(1))

    assert set(found.table.index[:2]) == {"BTC", "ETH"} and found.table.index[-1] == "DXY"
    assert found.table.loc["ETH", "long_run_shortfall"] > found.table.loc["GOLD", "long_run_shortfall"]
