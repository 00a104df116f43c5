"""One policy for both coins and both sides, through calm, normal and crisis days: real daily data to 2023."""

import numpy as np
import pandas as pd
import pytest

from volkit.margin import MarginPolicy
from volkit.margin.frontier import choose_policy, policy_frontier, walk_policies
from volkit.margin.measures.walk import walk_of
from volkit.returns import simple_returns
from volkit.validation import binomial_from_counts, coverage_battery
from volkit.validation.multiplicity import holm
from volkit.volatility import Ewma

pytestmark = pytest.mark.real

FIRST_YEAR = {"lookback": 365, "expanding": True}
# Volatility forecast of a day, from what was known the day before: below 3 %, 3 to 5 %, above.
CUTS, REGIMES = (0.0, 0.03, 0.05, np.inf), ("calm", "normal", "crisis")


@pytest.fixture(scope="module")
def coins(real_data):
    found = {}
    for coin in ("BTC", "ETH"):
        bars = pd.read_csv(real_data / "daily" / f"{coin}-USDT_binance_1d.csv.gz", index_col="time")
        close = bars["close"].set_axis(pd.to_datetime(bars.index, utc=True)).rename(coin)
        found[coin] = simple_returns(close).dropna()[:"2023-12-31"]
    return found


def battery_of(policy, coins):
    losses, margins, regimes = {}, {}, {}
    for coin, walked in walk_policies(coins, [policy]).items():
        for j, side in enumerate(("long", "short")):
            losses[(coin, side)] = pd.Series(walked.losses[j], walked.times)
            margins[(coin, side)] = pd.Series(walked.maintenance[0, j], walked.times)
        states = walk_of(MarginPolicy(**FIRST_YEAR), coins[coin])
        forecast = pd.Series(np.sqrt([s.next_variance for s in states]), [s.as_of for s in states])
        regimes[coin] = pd.cut(forecast, CUTS, labels=REGIMES).astype(object).reindex(walked.times)
    tables = (pd.DataFrame(t) for t in (losses, margins))
    return coverage_battery(*tables, confidence=0.99, regimes=pd.DataFrame(regimes), n_draws=0)


@pytest.mark.parametrize("model", [MarginPolicy().model, Ewma(half_life=33.0)])
def test_filtered_historical_margins_hold_in_every_regime(model, coins):
    battery = battery_of(MarginPolicy(model=model, **FIRST_YEAR), coins)

    cells = battery.cells[battery.cells.index.get_level_values("regime") != "all"]
    exact = [
        binomial_from_counts(int(x), int(n), confidence=0.99).exact_p_value
        for x, n in zip(cells["n_exceptions"], cells["n_obs"], strict=True)
    ]
    assert len(cells) == 12 and holm(np.array(exact)).min() > 0.05
    # Christoffersen's test needs an exception: cells without one say so and are no pass.
    assert not battery.table.xs("conditional_coverage", level="test")["holm"].lt(0.05).any()


def test_plain_historical_margins_fail_for_too_few_exceptions_on_calm_days(coins):
    battery = battery_of(MarginPolicy(method="historical", **FIRST_YEAR), coins)

    cell = battery.cells.loc[("BTC", "long", "calm")]
    assert cell["n_exceptions"] == 0 and cell["n_obs"] > 600


def test_frontier_of_real_coins_prefers_filtering_for_cost_and_age_weights_for_calm(coins):
    policies = {
        "historical": MarginPolicy(method="historical", **FIRST_YEAR),
        "weighted": MarginPolicy(method="weighted_historical", half_life=250.0, **FIRST_YEAR),
        "filtered": MarginPolicy(model=Ewma(half_life=33.0), **FIRST_YEAR),
    }

    frontier = policy_frontier(coins, policies, periods_per_year=365, rng=np.random.default_rng(1))

    assert choose_policy(frontier).name == "filtered"
    assert choose_policy(frontier, max_procyclicality=2.0).name == "weighted"
    assert (frontier.table["n_too_many"] == 0).all()
