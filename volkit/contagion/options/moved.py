"""Contracts of one coin after its price has moved at once: profits and deltas of one unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volkit.errors import DataError
from volkit.instruments import ContractTerms, MarketState, contract_terms
from volkit.instruments.contracts import Instrument
from volkit.options.black76 import black76_greeks
from volkit.portfolio.scenarios import ScenarioGrid, VolatilityResponse, scenario_grid
from volkit.portfolio.scenarios.revalue import group_shock, groups_of, shocked_volatility, unit_profits

__all__ = ["MovedContracts"]

Floats = npt.NDArray[np.float64]
# A rise so large that a falling response would take all volatility leaves a thousandth of it, as in sampled grids.
_LEAST_CHANGE = 1e-3 - 1.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MovedContracts:
    """Contracts of one coin, valued anew at any price of it; no time passes.

    Attributes
    ----------
    terms : ContractTerms
        In today's market.
    response : VolatilityResponse or None
        Of implied volatility to the coin's return since today; none leaves every strike its volatility.
    """

    terms: ContractTerms
    response: VolatilityResponse | None = None

    @classmethod
    def of(
        cls, contracts: Sequence[Instrument], market: MarketState, *, response: VolatilityResponse | None
    ) -> "MovedContracts":
        """Return the contracts in a market.

        Raises
        ------
        DataError
            For contracts of several coins or none, or one that cannot be valued.
        """
        coins = sorted({c.underlying for c in contracts})
        if len(coins) != 1:
            got = ", ".join(coins) or "no contract"
            raise DataError("contracts", "must be of one coin", got, "make one of these for each coin")
        return cls(terms=contract_terms(contracts, market), response=response)

    @property
    def spot(self) -> float:
        """Today's price of the coin, USD."""
        return float(self.terms.spot[0])

    def profits(self, price: float) -> Floats:
        """Return profit of one unit since today, shape (n_contracts,), USD, by full revaluation."""
        return np.asarray(unit_profits(self.terms, self._grid(price))[:, 0])

    def deltas(self, price: float) -> Floats:
        """Return the coins that one unit moves like at a price, volatility held there, shape (n_contracts,).

        Of an option N(d1), less one for puts, times forward over spot where it settles in dollars.
        """
        terms, grid = self.terms, self._grid(price)
        deltas = np.where(terms.is_inverse | terms.is_coin, 1.0, terms.forward / terms.spot)
        for rows in groups_of(terms):
            options = rows[terms.is_option[rows]]
            if len(options):
                shock = group_shock(terms, int(options[0]), grid)
                sigma = shocked_volatility(terms, options, shock, grid)[:, 0]
                greeks = black76_greeks(
                    shock.forward[0], terms.strike[options], shock.time[0], sigma, terms.is_call[options]
                )
                deltas[options] *= greeks.delta
        return np.asarray(deltas)

    def _grid(self, price: float) -> ScenarioGrid:
        move = price / self.spot - 1.0
        change = 0.0
        if self.response is not None:
            change = max(float(self.response.changes(np.array([move]))[0]), _LEAST_CHANGE)
        return scenario_grid([move], [change])
