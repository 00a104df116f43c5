"""The lending positions of the simulated venue, whose health factors are known."""

import numpy as np
import pytest

from volkit.solvency.balance import BalanceSheet, reverse_stress, solvency_ratios
from volkit.solvency.lending import LendingBook, health_distribution
from volkit.sources.venue import simulate_venue
from volkit.sources.venue_sheets import HEALTH_RANGE


@pytest.fixture(scope="module")
def venue():
    return simulate_venue(n_accounts=200)


def test_debt_shares_are_those_that_were_drawn(venue):
    book = LendingBook.from_frames(
        venue.lending_positions, venue.lending_terms, as_of=venue.as_of, provenance=venue.provenance
    )
    found = health_distribution(book, levels=(1.0, 1.05, 1.25, 2.0))
    low, high = np.log(HEALTH_RANGE)
    truth = (np.log([1.0, 1.05, 1.25, 2.0]) - low) / (high - low)

    # Debt lies evenly along the log health factor, account by account: one account is all that the share can be off.
    largest = found.accounts["debt"].max() / found.total_debt
    assert (np.abs(found.table["debt_share"] - truth) <= largest).all()
    assert repr(found).startswith("<HealthDistribution: SIMULATED")


def test_balance_sheet_is_read_and_marked(venue):
    sheet = BalanceSheet.from_frame(venue.balance_sheet, as_of=venue.as_of, provenance=venue.provenance)
    found = solvency_ratios(sheet)

    assert found.table.loc["all", "surplus"] == pytest.approx(found.table.drop(index="all")["surplus"].sum())
    assert repr(found).startswith("<Solvency: SIMULATED")
    assert repr(reverse_stress(sheet)).startswith("<ReverseStress: SIMULATED")
