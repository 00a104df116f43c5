"""Risk arrays: what one unit of each contract earns or loses in each scenario, and the worst of it for a book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_kinds
from volkit.errors import DataError
from volkit.instruments import Instrument, MarketState, contract_terms
from volkit.portfolio.scenarios.grid import ScenarioGrid
from volkit.portfolio.scenarios.revalue import unit_profits
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["RiskArray", "WorstScenario", "risk_array", "risk_array_of_profits", "units_of"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class WorstScenario(ResultDisplay):
    """The scenario in which a portfolio loses most, weights included.

    Attributes
    ----------
    scenario : str
        Its name.
    loss : float
        USD, weighted; negative when the portfolio gains in every scenario.
    weight : float
        Share of the loss that counts.
    contributions : Series
        Weighted losses by instrument, USD; they add up to `loss`.
    profits : Series
        Weighted profit and loss of the portfolio by scenario, USD.
    as_of : Timestamp or None
        Of the market.
    """

    scenario: str
    loss: float
    weight: float
    contributions: pd.Series
    profits: pd.Series
    as_of: pd.Timestamp | None

    @property
    def headline(self) -> str:
        """Loss, scenario and weight in one line."""
        told = f", of which {self.weight:.4g} counts" if self.weight != 1.0 else ""
        return f"loses {self.loss:,.6g} USD with {self.scenario}{told}, worst of {len(self.profits)} scenarios"

    def summary(self) -> pd.DataFrame:
        """Return the loss by instrument (USD), largest first."""
        return self.contributions.sort_values(ascending=False).to_frame("loss (USD)")

    def to_frame(self) -> pd.DataFrame:
        """Return profit and loss by scenario (USD)."""
        return self.profits.to_frame()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RiskArray(ResultDisplay):
    """Profit and loss of one unit by instrument and scenario.

    Attributes
    ----------
    profits : DataFrame, shape (n_instruments, n_scenarios)
        USD per unit of the underlying, not weighted.
    grid : ScenarioGrid or None
        The scenarios; None where profits were given.
    weights : Series
        Share of a loss that counts, by scenario.
    equally_likely : bool
        Whether tails of the scenarios may be taken.
    as_of : Timestamp or None
        Of the market, UTC.
    provenance : Provenance
        Sources and hashes, when given.
    """

    profits: pd.DataFrame
    grid: ScenarioGrid | None
    weights: pd.Series
    equally_likely: bool
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.weights)

    @property
    def instruments(self) -> pd.Index:
        """Names of the instruments."""
        return self.profits.index

    @property
    def headline(self) -> str:
        """Counts, the worst scenario of a unit and time in one line."""
        when = f", {self.as_of:%Y-%m-%d %H:%M} UTC" if self.as_of is not None else ""
        kind = "equally likely" if self.equally_likely else "weighted"
        return f"{len(self.profits)} instruments in {self.n_scenarios} {kind} scenarios, USD per unit{when}"

    def summary(self) -> pd.DataFrame:
        """Return the worst scenario of one unit long and short by instrument, losses in USD with weights."""
        values = self.profits.to_numpy() * self.weights.to_numpy()
        names = self.profits.columns.to_numpy()
        return pd.DataFrame(
            {
                "loss long (USD)": -values.min(axis=1),
                "worst scenario long": names[values.argmin(axis=1)],
                "loss short (USD)": values.max(axis=1),
                "worst scenario short": names[values.argmax(axis=1)],
            },
            index=self.profits.index,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an instrument and scenario: profit (USD per unit) and weight."""
        table = self.profits.rename_axis(columns="scenario").stack().rename("profit").reset_index()
        return table.assign(weight=self.weights.reindex(table["scenario"]).to_numpy())

    def portfolio(self, units: Mapping[str, float] | pd.Series) -> pd.Series:
        """Return profit and loss of a portfolio by scenario, USD, not weighted.

        Parameters
        ----------
        units : mapping or Series
            Signed units by instrument.

        Raises
        ------
        DataError
            For an instrument that the array does not have, or units that are no numbers.
        """
        held = units_of(units, self)
        return pd.Series(held @ self.profits.to_numpy(), index=self.profits.columns, name="profit")

    def worst(self, units: Mapping[str, float] | pd.Series) -> WorstScenario:
        """Return the scenario with the largest weighted loss of a portfolio, and who makes it.

        Parameters
        ----------
        units : mapping or Series
            Signed units by instrument.

        Raises
        ------
        DataError
            For an instrument that the array does not have, or units that are no numbers.

        Examples
        --------
        The covered write of McMillan's SPAN table, one future and one short call:

        >>> from volkit.portfolio.scenarios import risk_array_of_profits
        >>> profits = pd.DataFrame({"down": [-10_000.0, 3_380.0], "up": [10_000.0, -8_060.0]}, index=["future", "call"])
        >>> risk_array_of_profits(profits).worst({"future": 1.0, "call": 1.0})
        <WorstScenario: loses 6,620 USD with down, worst of 2 scenarios>
        """
        held = units_of(units, self)
        weights = self.weights.to_numpy()
        profits = (held @ self.profits.to_numpy()) * weights
        at = int(profits.argmin())
        legs = held != 0.0
        losses = -weights[at] * held[legs] * self.profits.to_numpy()[legs, at]
        return WorstScenario(
            scenario=str(self.profits.columns[at]),
            loss=float(-profits[at]),
            weight=float(weights[at]),
            contributions=freeze(pd.Series(losses, index=self.profits.index[legs], name="loss")),
            profits=freeze(pd.Series(profits, index=self.profits.columns, name="profit")),
            as_of=self.as_of,
        )


def risk_array(instruments: Sequence[Instrument], market: MarketState, grid: ScenarioGrid) -> RiskArray:
    """Return what one unit of each contract earns or loses in each scenario, by full revaluation.

    Parameters
    ----------
    instruments : sequence of Instrument
        Contracts and coins, each once.
    market : MarketState
        Today's; it stays as it is.
    grid : ScenarioGrid
        Scenarios.

    Returns
    -------
    RiskArray

    Raises
    ------
    DataError
        For no contract, one that comes twice, has no price, or is not in the scenarios.

    Notes
    -----
    Options are priced by Black-76 at their strike's shocked volatility; one that expires before the scenario's day is
    worth its intrinsic value at the shocked spot.

    Examples
    --------
    >>> from volkit.instruments import instrument_of
    >>> from volkit.portfolio.scenarios import scenario_grid
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 80_000.0}))
    >>> array = risk_array([instrument_of("BTCUSDT")], market, scenario_grid([-0.15, 0.15]))
    >>> array.worst({"BTC_USDC-PERPETUAL": -2.0})
    <WorstScenario: loses 24,000 USD with price +15 %, worst of 2 scenarios>
    """
    check_kind(market, MarketState, argument="market")
    check_kind(grid, ScenarioGrid, argument="grid")
    contracts = check_kinds(instruments, *get_args(Instrument), argument="instruments")
    if not contracts:
        raise DataError("instruments", "must be at least one", "none", "pass the contracts of the book")
    terms = contract_terms(contracts, market)
    index = pd.Index(terms.names, name="instrument")
    if index.has_duplicates:
        got = f"{index[index.duplicated()][0]} twice"
        raise DataError("instruments", "must come once each", got, "use dict.fromkeys(instruments)")
    profits, names = unit_profits(terms, grid), grid.scenarios.index
    profits.flags.writeable = False
    return RiskArray(
        profits=pd.DataFrame(profits, index=index, columns=names, copy=False),
        grid=grid,
        weights=freeze(grid.scenarios["weight"]),
        equally_likely=grid.equally_likely,
        as_of=market.as_of,
        provenance=grid.provenance.joined(market.provenance),
    )


def risk_array_of_profits(
    profits: pd.DataFrame, *, weights: pd.Series | None = None, equally_likely: bool = False
) -> RiskArray:
    """Return the risk array of profits that somebody else worked out, for example a venue's risk file.

    Parameters
    ----------
    profits : DataFrame, shape (n_instruments, n_scenarios)
        Per unit, one currency.
    weights : Series, optional
        Share of a loss that counts, by scenario; 1 by default.
    equally_likely : bool
        Whether the scenarios are a sample, of which tails may be taken.

    Raises
    ------
    DataError
        For missing numbers, names that come twice, or weights for other scenarios.
    """
    values = profits.to_numpy(dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        got = f"{int((~np.isfinite(values)).sum())} not finite of {values.size}"
        raise DataError("profits", "must be finite, one row an instrument at least", got, "drop these rows")
    for labels, what in ((profits.index, "instruments"), (profits.columns, "scenarios")):
        if labels.has_duplicates:
            raise DataError(
                "profits", f"must name {what} once", f"{labels[labels.duplicated()][0]} twice", "rename them"
            )
    held = pd.Series(1.0, index=profits.columns) if weights is None else weights.reindex(profits.columns)
    if held.isna().any() or (held < 0.0).any():
        raise DataError("weights", "must be at least 0 for every scenario", "some that are not", "give all of them")
    if equally_likely and (held != 1.0).any():
        raise DataError("weights", "must be 1 where scenarios are equally likely", "others", "leave weights out")
    array = np.array(values, order="C")
    array.flags.writeable = False
    return RiskArray(
        profits=pd.DataFrame(array, index=profits.index, columns=profits.columns, copy=False),
        grid=None,
        weights=freeze(held.astype(np.float64)),
        equally_likely=equally_likely,
        as_of=None,
    )


def units_of(units: Mapping[str, float] | pd.Series, array: RiskArray) -> np.ndarray:
    """Return units in the order of a risk array's instruments, zero where none is held.

    Raises
    ------
    DataError
        For an instrument that the array does not have, one that comes twice, or units that are no numbers.
    """
    series = pd.Series(units, dtype=np.float64)
    at = array.instruments.get_indexer(series.index)
    if (at < 0).any():
        name = series.index[at < 0][0]
        raise DataError("units", "must be of instruments in the risk array", f"{name!r}", "value it in the array too")
    if series.index.has_duplicates or not np.isfinite(series.to_numpy()).all():
        got = "one twice" if series.index.has_duplicates else "NaN or infinite"
        raise DataError("units", "must be one finite number an instrument", got, "add quantities up, drop the others")
    held = np.zeros(len(array.instruments))
    held[at] = series.to_numpy()
    return held
