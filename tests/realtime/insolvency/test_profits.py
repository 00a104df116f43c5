"""Profits along paths beside a plain twin: mixed books, settlement on the way, volatility that moves."""

from dataclasses import replace

import numpy as np
import pytest

from tests.realtime.insolvency.conftest import book_of, scaled_book, simulated_paths
from tests.realtime.insolvency.twin import account_paths
from volkit.errors import DataError
from volkit.instruments import contract_terms
from volkit.portfolio.scenarios import VolatilityResponse
from volkit.realtime.insolvency import insolvency_margin
from volkit.realtime.insolvency.equity import account_position, equity_paths
from volkit.realtime.insolvency.profits import profits_along

RATES = {"margin call": 0.05, "liquidation": 0.02}


def along(book, market, paths, *, response=None, event="path minimum"):
    position = account_position(book, market, "A")
    return position, equity_paths(position, paths, response=response, rates=RATES, event=event)


def assert_like_twin(found, equity, gross):
    profit = equity - equity[:, :1]
    size = np.abs(profit).max()
    np.testing.assert_allclose(found.lowest, profit.min(axis=1), atol=1e-9 * size)
    np.testing.assert_allclose(found.end, profit[:, -1], atol=1e-9 * size)
    for name, rate in RATES.items():
        above = profit - rate * gross
        np.testing.assert_allclose(found.above[name], above.min(axis=1), atol=1e-9 * size)
        np.testing.assert_allclose(found.end_above[name], above[:, -1], atol=1e-9 * size)


def test_a_mixed_book_earns_what_a_plain_twin_says(book, market):
    paths = simulated_paths(15, 24, seed=1)

    position, found = along(book, market, paths)

    equity, _ = account_paths("A", paths)
    assert position.equity == pytest.approx(equity[0, 0], rel=1e-12)
    profit = equity - equity[:, :1]
    np.testing.assert_allclose(found.lowest, profit.min(axis=1), atol=1e-9 * np.abs(profit).max())
    np.testing.assert_allclose(found.end, profit[:, -1], atol=1e-9 * np.abs(profit).max())
    steps = np.diff(equity, axis=1)
    np.testing.assert_allclose(found.step_variance, steps.var(axis=1, ddof=1), rtol=1e-8)


def test_requirements_follow_the_notional_and_end_with_settlement(market):
    rows = [
        ("A", "BTC_USDC-PERPETUAL", 0.7, 79_000.0, "position"),
        ("A", "BTC_USDC-1JAN26-79000-P", -3.0, 500.0, "position"),
        ("A", "ETH_USDC-27MAR26-3000-C", 10.0, 100.0, "position"),
        ("A", "BTC", 0.2, np.nan, "collateral"),
    ]
    paths = simulated_paths(15, 24, seed=2)

    _, found = along(book_of(rows), market, paths)

    assert_like_twin(found, *account_paths("A", paths, rows=rows))


def test_volatility_on_the_paths_moves_options_relative_to_the_first_step(book, market):
    paths = simulated_paths(10, 12, seed=3, volatility=True)
    reference = paths.volatility[:, 0].mean(axis=0)

    _, found = along(book, market, paths)

    equity, _ = account_paths("A", paths, ratio=lambda c, i, k: paths.volatility[i, k, c] / reference[c])
    profit = equity - equity[:, :1]
    np.testing.assert_allclose(found.lowest, profit.min(axis=1), atol=1e-9 * np.abs(profit).max())


def test_a_response_moves_options_and_comes_before_the_paths(book, market):
    paths = simulated_paths(10, 12, seed=3, volatility=True)

    _, found = along(book, market, paths, response=VolatilityResponse(fall=1.5, rise=0.5))

    def ratio(c, i, k):
        move = paths.values[i, k, c] - 1.0
        return 1.0 + (-1.5 if move < 0.0 else 0.5) * move

    equity, _ = account_paths("A", paths, ratio=ratio)
    profit = equity - equity[:, :1]
    np.testing.assert_allclose(found.lowest, profit.min(axis=1), atol=1e-9 * np.abs(profit).max())


def test_the_end_alone_is_the_end_of_the_whole_way(book, market):
    paths = simulated_paths(50, 24, seed=4)

    (_, whole), (_, end) = (along(book, market, paths, event=e) for e in ("path minimum", "terminal"))

    np.testing.assert_allclose(end.end, whole.end, rtol=1e-12)
    assert (whole.lowest <= 0.0).all()
    assert (whole.lowest <= whole.end + 1e-9).all()


def test_what_a_path_earns_does_not_depend_on_the_others(book, market):
    """More paths than are valued at a time; prices later on a path do not change what came before."""
    many = simulated_paths(2100, 3, seed=5)
    few = replace(many, values=many.values[1500:1510].copy())
    _, all_of_them = along(book, market, many)
    _, part = along(book, market, few)
    np.testing.assert_allclose(part.lowest, all_of_them.lowest[1500:1510], rtol=1e-10, atol=1e-8)

    position = account_position(book, market, "A")
    changed = few.values.copy()
    changed[:, 2] *= 0.5
    first, second = (
        [p.copy() for p, _ in profits_along(position.terms, s, response=None, rows=slice(0, 10))]
        for s in (few, replace(few, values=changed))
    )
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[2] != second[2]).any()


def test_a_settled_contract_keeps_dollars_or_coins(market):
    """Both puts end at 08:00; afterwards the linear one is worth dollars, the inverse one coins."""
    paths = simulated_paths(5, 24, seed=6)
    position = account_position(scaled_book(1.0), market, "A")
    terms = position.terms
    found = list(profits_along(terms, paths, response=None, rows=slice(0, 5)))
    at = {name: i for i, name in enumerate(terms.names)}

    linear, inverse = at["BTC_USDC-1JAN26-79000-P"], at["BTC-1JAN26-81000-C"]
    for k in range(8, 24):
        np.testing.assert_array_equal(found[k][0][linear], found[7][0][linear])
        worth = [found[j][0][inverse] + terms.values[inverse] for j in (7, k)]
        np.testing.assert_allclose(worth[1] / found[k][1][inverse], worth[0] / found[7][1][inverse], rtol=1e-9)


def test_a_coin_without_paths_is_named(book, market):
    paths = simulated_paths(2000, 2)
    alone = replace(paths, values=paths.values[:, :, :1].copy(), assets=("BTC",))
    with pytest.raises(DataError, match="paths must hold every coin of the book; got BTC, without ETH"):
        insolvency_margin(book, market, alone, account="A")
    with pytest.raises(DataError, match="response must be told for every coin with options; got none of ETH"):
        insolvency_margin(book, market, paths, account="A", response={"BTC": VolatilityResponse(fall=1.0, rise=0.0)})


def test_a_path_that_loses_all_is_refused(book, market):
    paths = simulated_paths(2000, 2)
    values = paths.values.copy()
    values[3, 1] = 0.0
    with pytest.raises(DataError, match="above -1"):
        insolvency_margin(book, market, replace(paths, values=values), account="A")


def test_terms_are_of_the_contracts_that_are_held(book, market):
    position = account_position(book, market, "B")

    assert list(position.terms.names) == ["BTC_USDC-PERPETUAL"]
    assert position.equity == pytest.approx(9_000.0)
    assert len(contract_terms(list(book.instruments.values()), market)) == 11
