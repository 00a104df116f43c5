"""One account by the tick: beside a valuation afresh, linear positions exactly, ranges and refusals."""

from dataclasses import replace

import numpy as np
import pytest

from tests.realtime.insolvency.conftest import SPOT, book_of, market_at, scaled_book, simulated_paths
from volkit.errors import ArgumentError
from volkit.realtime.insolvency import LiveInsolvencyMargin, insolvency_margin


@pytest.mark.parametrize("event", ["path minimum", "terminal"])
@pytest.mark.parametrize("move", [-0.02, 0.0, 0.02])
def test_at_the_three_spots_a_tick_is_a_valuation_afresh(market, event, move):
    paths = simulated_paths(1000, 10, seed=9)
    live = LiveInsolvencyMargin(scaled_book(1.0), market, paths, event=event)
    spot = {coin: price * (1.0 + move) for coin, price in SPOT.items()}

    live.tick("BTC", spot["BTC"])
    found = live.tick("ETH", spot["ETH"])

    fresh = insolvency_margin(scaled_book(1.0), market_at(spot), paths, event=event)
    assert found.margin == pytest.approx(fresh.margin, rel=2e-3)
    assert found.equity == pytest.approx(fresh.equity, rel=2e-3)


def test_linear_and_inverse_futures_are_followed(market):
    rows = [
        ("A", "BTC_USDC-PERPETUAL", 1.0, 79_000.0, "position"),
        ("A", "BTC-PERPETUAL", -0.4, 82_000.0, "position"),
        ("A", "BTC-1JAN26", 0.7, 80_500.0, "position"),
        ("A", "BTC", 0.3, np.nan, "collateral"),
    ]
    paths = simulated_paths(1000, 12, seed=9)
    live = LiveInsolvencyMargin(book_of(rows), market, paths, reach=0.05)
    for move, tolerance in ((-0.05, 1e-9), (-0.013, 2e-4), (0.0, 1e-9), (0.021, 2e-4), (0.05, 1e-9)):
        found = live.tick("BTC", SPOT["BTC"] * (1.0 + move))
        fresh = insolvency_margin(book_of(rows), market_at(SPOT | {"BTC": SPOT["BTC"] * (1.0 + move)}), paths)
        assert found.margin == pytest.approx(fresh.margin, rel=tolerance), move
        assert found.equity == pytest.approx(fresh.equity, rel=tolerance), move
        assert found.missing == pytest.approx(max(found.margin - found.equity, 0.0))


def test_options_between_the_spots_are_off_by_the_third_order(market):
    """Halving the reach makes the largest error at least four times smaller."""
    rows = [("A", "BTC_USDC-27MAR26-80000-C", -1.0, 9_000.0, "position")]
    paths, errors = simulated_paths(1000, 6, seed=9), []
    for reach in (0.08, 0.04):
        live = LiveInsolvencyMargin(book_of(rows), market, paths, reach=reach)
        moves = np.linspace(-reach, reach, 9)
        fresh = [
            insolvency_margin(book_of(rows), replace(market, spot=m.spot, forwards=m.forwards), paths).margin
            for m in (market_at(SPOT | {"BTC": SPOT["BTC"] * (1 + x)}) for x in moves)
        ]
        found = [live.tick("BTC", SPOT["BTC"] * (1 + x)).margin for x in moves]
        errors.append(np.abs(np.array(found) / fresh - 1.0).max())

    assert errors[0] < 5e-3
    assert errors[1] < errors[0] / 4.0


def test_weights_are_respected(market):
    w = np.random.default_rng(1).uniform(0.2, 1.8, 3000)
    paths = replace(simulated_paths(3000, 5, seed=9), log_weights=np.log(w / w.mean()))

    found = LiveInsolvencyMargin(scaled_book(1.0), market, paths).current

    assert found.margin == pytest.approx(insolvency_margin(scaled_book(1.0), market, paths).margin, rel=1e-9)


def test_a_tick_back_brings_the_first_margin_back(market, paths):
    live = LiveInsolvencyMargin(scaled_book(1.0), market, paths)
    first = live.current

    live.tick("BTC", 80_900.0)

    assert live.tick("BTC", 80_000.0) == first


def test_bad_arguments_are_named(book, market, paths):
    live = LiveInsolvencyMargin(book, market, paths, account="B")
    with pytest.raises(ArgumentError, match="coin must be one of BTC; got 'ETH'"):
        live.tick("ETH", 2_500.0)
    with pytest.raises(
        ArgumentError, match=r"spot must lie from 78,400 to 81,600; got 90,000; value the account afresh"
    ):
        live.tick("BTC", 90_000.0)
    for bad in (0.0, float("nan"), -1.0):
        with pytest.raises(ArgumentError, match="spot must lie from"):
            live.tick("BTC", bad)
    with pytest.raises(ArgumentError, match=r"reach must be above 0 and below 0.5"):
        LiveInsolvencyMargin(book, market, paths, account="B", reach=0.6)
    with pytest.raises(ArgumentError, match="paths must be at least 10,000"):
        LiveInsolvencyMargin(book, market, paths, account="B", target=0.001)
