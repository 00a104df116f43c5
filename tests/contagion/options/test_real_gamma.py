"""Dealers' hedging in two real books of Deribit."""

import numpy as np
import pandas as pd
import pytest

from volkit.contagion.options import DealerHedging, UniformLiquidations, split_by_dealer_sign
from volkit.impact.laws import LinearImpact
from volkit.instruments import MarketState
from volkit.options.chain import read_option_chain
from volkit.options.exposure import gamma_exposure
from volkit.portfolio.scenarios import VolatilityResponse

pytestmark = pytest.mark.real

BOOKS = [(stamp, coin) for stamp in ("20251230T173115Z", "20260326T213149Z") for coin in ("BTC", "ETH")]


@pytest.fixture(scope="module", params=BOOKS, ids=lambda key: f"{key[1]} {key[0][:8]}")
def book(request, real_data):
    stamp, coin = request.param
    chain = read_option_chain(real_data / "deribit" / f"deribit_options_snapshot_{stamp}.csv.gz", underlying=coin)
    market = MarketState.from_chains(chain)
    exposure = gamma_exposure(chain, spot=market.spot_of(coin), dealer="long_calls_short_puts")
    return coin, market, exposure


def test_gamma_of_the_rehedge_is_that_of_the_exposure(book):
    coin, market, exposure = book
    dealers = DealerHedging.of_exposure(exposure, market)
    spot = market.spot_of(coin)
    found = dealers.log_gamma(spot) * 0.01 * spot
    gross = exposure.options["gamma"].abs().sum()

    # The book settles in coins: delta is N(d1), without the factor forward over spot of the exposure, 1 to 5 %.
    assert found == pytest.approx(exposure.total, abs=0.02 * gross)
    assert np.sign(found) == np.sign(exposure.total) or abs(exposure.total) < 0.02 * gross


def test_fall_goes_further_with_dealers_short_gamma(book):
    coin, market, exposure = book
    spot = market.spot_of(coin)
    dealers = DealerHedging.of_exposure(exposure, market, response=VolatilityResponse(fall=1.5, rise=0.5))
    depth = 5.0 * abs(exposure.total) / spot
    signs = split_by_dealer_sign(
        [UniformLiquidations(0.3 * depth / 0.01)],
        dealers,
        LinearImpact.from_depth(depth, displacement=0.01),
        price=spot,
        shock=-0.05,
        volatility=0.5,
        as_of=market.as_of,
    )
    short, long = sorted((signs.assumed, signs.opposite), key=lambda split: split.flows["dealer hedging"].sum())[::-1]

    assert short.status == long.status == "settled"
    assert short.move < long.move
    assert short.shares.sum() == pytest.approx(1.0)
    # Both hold the same book: what the one sells on a way the other buys.
    at = pd.Series([0.95, 0.9]) * spot
    deltas = [dealers.delta(price) - dealers.delta(spot) for price in at]
    assert [dealers.reversed().delta(p) - dealers.reversed().delta(spot) for p in at] == pytest.approx(
        [-d for d in deltas]
    )
