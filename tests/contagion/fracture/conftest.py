"""The simulated venue as books and rules of a cascade."""

import pytest

from volkit.contagion.cascade import LeveragedAccounts, Venue
from volkit.impact.laws import LinearImpact
from volkit.sources.venue import simulate_venue


@pytest.fixture(name="simulated", scope="session")
def _simulated():
    return simulate_venue(n_accounts=6_000)


@pytest.fixture(name="accounts", scope="session")
def _accounts(simulated):
    return LeveragedAccounts.from_frame(simulated.accounts, provenance=simulated.provenance, as_of=simulated.as_of)


@pytest.fixture(name="venue", scope="session")
def _venue(simulated):
    # What the closed forms of the truth assume: nothing decays, and the fund takes in nothing.
    return Venue(
        price=simulated.price,
        impact=LinearImpact(simulated.truth.impact),
        fund=simulated.fund,
        leftover="returned",
    )
