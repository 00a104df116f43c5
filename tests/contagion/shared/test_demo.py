"""The tables of the simulated venue go through fire sales and shared oracles as they are."""

import numpy as np
import pytest

from volkit.contagion.firesale import ProtocolBook, cont_schaanning, greenwood_landier_thesmar, portfolio_overlaps
from volkit.contagion.shared import CollateralMarket, OracleFeed, ProtocolLending, crash_path, oracle_cascade
from volkit.impact.laws import LinearImpact
from volkit.sources.venue import load_demo_venue

FALLS = {"BTC": 0.35, "ETH": 0.4, "SOL": 0.5, "LST": 0.45, "USDX": 0.0}


@pytest.fixture(scope="module")
def venue():
    return load_demo_venue()


@pytest.fixture(scope="module")
def prices(venue):
    return dict(zip(venue.lending_terms["asset"], venue.lending_terms["price"], strict=True))


def test_protocols_with_shared_collateral(venue, prices):
    book = ProtocolBook.from_frames(
        venue.protocol_holdings, venue.protocol_debts, prices=prices, provenance=venue.provenance
    )
    shock = {name: -0.25 * fall for name, fall in FALLS.items()}
    depth = dict.fromkeys(FALLS, 1e10)

    run = cont_schaanning(book, shock=shock, depth=depth, maximum_leverage=1.2 * book.leverage)
    linear = greenwood_landier_thesmar(book, impact={name: 1.0 / d for name, d in depth.items()}, shock=shock)

    assert run.provenance.simulated and "SIMULATED" in repr(run) and "SIMULATED" in repr(linear)
    assert run.status == "settled" and run.fire_sale_loss > 0.0
    # Back to the old leverage is more than down to a cap above it.
    assert linear.second_round_loss.sum() > run.losses.loc[1].sum()
    assert portfolio_overlaps(book, depth=depth).risk_index.idxmax() in book.protocols


def test_loans_split_among_lenders(venue, prices):
    number = venue.lending_positions["account"].str[1:].astype(int)
    positions = venue.lending_positions.assign(protocol=[f"lender-{n % 5 + 1}" for n in number])
    book = ProtocolLending.from_frames(positions, venue.lending_terms, prices=prices, provenance=venue.provenance)
    market = CollateralMarket(
        prices=prices, laws={name: LinearImpact(1e-8 * price) for name, price in prices.items()}, decay=0.8
    )
    path = crash_path(FALLS, n_steps=30, crash_steps=20, volatility=0.005, rng=np.random.default_rng(1))
    late = {name: OracleFeed(lag=4) for name in venue.lending_terms["oracle"].unique()}

    prompt = oracle_cascade(book, market, path)
    stale = oracle_cascade(book, market, path, feeds=late, settlement="fixed")

    assert prompt.loss < 0.001 * book.debt.sum() < stale.loss
    assert max(prompt.residual, stale.residual) < 1e-12 and stale.provenance.simulated
