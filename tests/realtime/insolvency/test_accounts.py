"""Margins of many accounts: beside the margin of one, a plain twin, weights, blocks, threads, refusals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tests.realtime.insolvency.conftest import simulated_paths
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Coin, contract_terms
from volkit.portfolio.scenarios import AccountUnits, account_units
from volkit.realtime.insolvency import insolvency_margin, insolvency_margins
from volkit.realtime.insolvency.profits import profits_along


def random_accounts(book, market, n, *, seed=0):
    """Return accounts with random units of the contracts of a book, of any number of them."""
    names = account_units(book, market).instruments
    rng = np.random.default_rng(seed)
    units = sparse.random_array((n, len(names)), density=0.7, rng=rng, format="csr", data_sampler=rng.standard_normal)
    return AccountUnits(accounts=pd.RangeIndex(n), instruments=names, units=units)


@pytest.mark.parametrize("event", ["path minimum", "terminal"])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_account_has_the_margin_of_itself_alone(book, market, event, weighted):
    paths = simulated_paths(2500, 4, seed=1)
    if weighted:
        w = np.random.default_rng(1).uniform(0.2, 1.8, 2500)
        paths = replace(paths, log_weights=np.log(w / w.mean()))

    found = insolvency_margins(book, market, paths, event=event).margins

    for account in ("A", "B"):
        alone = insolvency_margin(book, market, paths, account=account, event=event, tail="empirical")
        expected = [alone.margin, alone.lower, alone.upper]
        np.testing.assert_allclose(found.loc[account], expected, rtol=1e-9)


@pytest.mark.parametrize("n_paths", [1000, 1279, 1281])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_margins_agree_with_a_plain_product(book, market, n_paths, n_jobs):
    paths, accounts = simulated_paths(n_paths, 5, seed=2), random_accounts(book, market, 23)

    found = insolvency_margins(accounts, market, paths, n_jobs=n_jobs).margins["margin"]

    contracts = [book.instruments.get(n) or Coin(n) for n in accounts.instruments]
    lowest = np.zeros((23, n_paths))
    steps = profits_along(contract_terms(contracts, market), paths, response=None, rows=slice(0, n_paths))
    for profits, _ in steps:
        lowest = np.minimum(lowest, accounts.units.toarray() @ profits)
    expected = np.sort(-lowest, axis=1)[:, ::-1][:, int(n_paths * 0.01 + 1e-9)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_threads_and_neighbours_change_nothing(book, market, paths):
    accounts = random_accounts(book, market, 50, seed=3)
    one, two = (insolvency_margins(accounts, market, paths, n_jobs=n).margins for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)

    part = AccountUnits(
        accounts=accounts.accounts[10:20], instruments=accounts.instruments, units=accounts.units[10:20]
    )
    pd.testing.assert_frame_equal(insolvency_margins(part, market, paths).margins, one.iloc[10:20], check_exact=True)


def test_single_precision_leaves_six_digits(book, market, paths):
    accounts = random_accounts(book, market, 50, seed=4)
    double, single = (insolvency_margins(accounts, market, paths, precision=p).margins for p in ("double", "single"))

    np.testing.assert_allclose(single, double, rtol=1e-4)


def test_accounts_beyond_memory_are_worked_on_in_parts(book, market, monkeypatch):
    paths = simulated_paths(1000, 3, seed=5)
    paths = replace(paths, log_weights=np.zeros(1000))
    accounts = random_accounts(book, market, 7, seed=5)
    whole = insolvency_margins(accounts, market, paths).margins
    monkeypatch.setattr("volkit.realtime.insolvency.accounts._LOSSES_HELD", 2_000)

    parts = insolvency_margins(accounts, market, paths).margins

    pd.testing.assert_frame_equal(parts, whole, check_exact=True)


def test_an_account_without_positions_needs_nothing(book, market, paths):
    accounts = random_accounts(book, market, 3, seed=6)
    empty = replace(accounts, units=sparse.csr_array(accounts.units.shape))

    assert (insolvency_margins(empty, market, paths).margins == 0.0).all(axis=None)


def test_results_tell_what_they_are(book, market, paths):
    found = insolvency_margins(book, market, paths)

    assert "2 accounts" in repr(found)
    assert "for insolvency 1 % each over 1 d" in repr(found)
    assert found._repr_html_()
    assert found.to_frame().index.tolist() == ["A", "B"]


def test_bad_arguments_are_named(book, market, paths):
    with pytest.raises(ArgumentError, match="paths must be at least 10,000"):
        insolvency_margins(book, market, paths, target=0.001)
    with pytest.raises(ArgumentError, match="precision must be one of double, single"):
        insolvency_margins(book, market, paths, precision="half")
    with pytest.raises(ArgumentError, match="n_jobs"):
        insolvency_margins(book, market, paths, n_jobs=0)
    odd = AccountUnits(
        accounts=pd.RangeIndex(1), instruments=pd.Index(["no-contract"]), units=sparse.csr_array([[1.0]])
    )
    with pytest.raises(DataError, match="instrument must be a venue's name"):
        insolvency_margins(odd, market, paths)
