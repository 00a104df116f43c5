"""Profit and loss by Greeks instead of full revaluation, and how far off it is, scenario by scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.instruments import ContractTerms, Instrument, MarketState, contract_terms
from volkit.options.black76 import black76_greeks
from volkit.portfolio.scenarios.arrays import RiskArray, risk_array, units_of
from volkit.portfolio.scenarios.grid import ScenarioGrid
from volkit.portfolio.scenarios.revalue import group_shock, groups_of, shocked_volatility
from volkit.results import ResultDisplay, freeze

__all__ = ["GREEKS", "ApproximationError", "GreeksApproximation", "greeks_approximation"]

GREEKS = ("delta", "gamma", "vega", "vanna", "volga", "theta")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ApproximationError(ResultDisplay):
    """What Greeks give for one portfolio beside full revaluation.

    Attributes
    ----------
    by_scenario : DataFrame
        USD by scenario: exact, approximate, error (approximate less exact), and the part of each Greek.
    worst_exact, worst_approximate : float
        Largest weighted losses, USD.
    as_of : Timestamp or None
        Of the market.
    """

    by_scenario: pd.DataFrame
    worst_exact: float
    worst_approximate: float
    as_of: pd.Timestamp | None

    @property
    def headline(self) -> str:
        """Largest error, and both worst losses, in one line."""
        error = self.by_scenario["error"]
        at = error.abs().idxmax()
        return (
            f"off by {error[at]:+,.6g} USD at most, with {at}; worst loss {self.worst_approximate:,.6g} "
            f"instead of {self.worst_exact:,.6g} USD"
        )

    def summary(self) -> pd.DataFrame:
        """Return exact and approximate profits and the error (USD), the largest errors first."""
        table = self.by_scenario[["exact", "approximate", "error"]].add_suffix(" (USD)")
        return table.loc[self.by_scenario["error"].abs().sort_values(ascending=False).index]

    def to_frame(self) -> pd.DataFrame:
        """Return profits, error and parts by scenario, USD."""
        return self.by_scenario


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class GreeksApproximation(ResultDisplay):
    """Profit and loss of one unit by second-order Greeks, beside full revaluation.

    Attributes
    ----------
    parts : dict of str to DataFrame, each of shape (n_instruments, n_scenarios)
        USD per unit by Greek; futures, perpetuals and coins have all of theirs in delta.
    exact : RiskArray
        Full revaluation.
    """

    parts: dict[str, pd.DataFrame]
    exact: RiskArray

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Of the market, UTC."""
        return self.exact.as_of

    @property
    def profits(self) -> pd.DataFrame:
        """Sum of the parts, USD per unit, shape (n_instruments, n_scenarios)."""
        total = sum(part.to_numpy() for part in self.parts.values())
        return pd.DataFrame(total, index=self.exact.instruments, columns=self.exact.profits.columns)

    @property
    def headline(self) -> str:
        """Counts and the largest error of a unit in one line."""
        error = np.abs(self.profits.to_numpy() - self.exact.profits.to_numpy())
        row, column = np.unravel_index(int(error.argmax()), error.shape)
        name, scenario = self.exact.instruments[row], self.exact.profits.columns[column]
        return (
            f"{len(self.exact.instruments)} instruments in {self.exact.n_scenarios} scenarios, a unit off by "
            f"{error.max():,.6g} USD at most ({name}, {scenario})"
        )

    def summary(self) -> pd.DataFrame:
        """Return the largest error of a unit by instrument (USD) and its scenario."""
        error = np.abs(self.profits - self.exact.profits)
        return pd.DataFrame({"largest error (USD)": error.max(axis=1), "scenario": error.idxmax(axis=1)})

    def to_frame(self) -> pd.DataFrame:
        """Return one row an instrument and scenario: exact, approximate, error and parts (USD per unit)."""
        columns = {"exact": self.exact.profits, "approximate": self.profits, **self.parts}
        table = pd.DataFrame({k: f.rename_axis(columns="scenario").stack() for k, f in columns.items()})
        table.insert(2, "error", table["approximate"] - table["exact"])
        return table.reset_index()

    def error(self, units: Mapping[str, float] | pd.Series) -> ApproximationError:
        """Return the errors for a portfolio of signed units.

        Raises
        ------
        DataError
            For an instrument that was not approximated, or units that are no numbers.
        """
        held = units_of(units, self.exact)
        exact = held @ self.exact.profits.to_numpy()
        parts = {name: held @ part.to_numpy() for name, part in self.parts.items()}
        approximate = sum(parts.values(), np.zeros(len(exact)))
        table = pd.DataFrame(
            {"exact": exact, "approximate": approximate, "error": approximate - exact, **parts},
            index=self.exact.profits.columns,
        )
        weights = self.exact.weights.to_numpy()
        return ApproximationError(
            by_scenario=freeze(table),
            worst_exact=float(-(weights * exact).min()),
            worst_approximate=float(-(weights * approximate).min()),
            as_of=self.exact.as_of,
        )


def greeks_approximation(
    instruments: Sequence[Instrument], market: MarketState, grid: ScenarioGrid
) -> GreeksApproximation:
    """Return profit and loss by delta, gamma, vega, vanna, volga and theta of today, beside full revaluation.

    Parameters
    ----------
    instruments : sequence of Instrument
        Contracts and coins, each once.
    market : MarketState
        Today's.
    grid : ScenarioGrid
        Scenarios.

    Returns
    -------
    GreeksApproximation

    Raises
    ------
    DataError
        For what `risk_array` refuses.

    Notes
    -----
    With dF, ds and dt the changes of forward, volatility and calendar time, an option earns delta dF + gamma dF^2 / 2
    + vega ds + vanna dF ds + volga ds^2 / 2 + theta dt. Of an inverse option each part is worth the shocked ratio of
    spot to forward, and what a change of that ratio does to today's value stands with delta. Good for small moves:
    far out a gamma that stays put makes losses of short options quadratic.

    Examples
    --------
    >>> from volkit.instruments import instrument_of
    >>> from volkit.portfolio.scenarios import scenario_grid
    >>> now, expiry = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-30 08:00", tz="UTC")
    >>> forwards = pd.Series([80_000.0], index=pd.MultiIndex.from_tuples([("BTC", expiry)]))
    >>> market = MarketState(as_of=now, spot=pd.Series({"BTC": 80_000.0}), forwards=forwards,
    ...                      volatility=lambda coin, expiry, strikes: np.full(len(strikes), 0.5))
    >>> call = instrument_of("BTC_USDC-30JAN26-80000-C")
    >>> near = greeks_approximation([call], market, scenario_grid([-0.01, 0.01]))
    >>> far = greeks_approximation([call], market, scenario_grid([-0.30, 0.30]))
    >>> print(round(near.error({call.name: -1.0}).by_scenario["error"].abs().max(), 2))
    0.06
    >>> far.error({call.name: -1.0})
    <ApproximationError: off by -3,143.06 USD at most, with price +30 %; worst loss 22,784.9 instead of 19,641.8 USD>
    """
    contracts = list(instruments)
    exact = risk_array(contracts, market, grid)
    terms = contract_terms(contracts, market)
    parts = {name: np.zeros(exact.profits.shape) for name in GREEKS}
    plain = ~terms.is_option
    parts["delta"][plain] = exact.profits.to_numpy()[plain]
    for rows in groups_of(terms):
        options = rows[terms.is_option[rows]]
        if len(options):
            _fill(parts, terms, options, grid)
    labels = {"index": exact.instruments, "columns": exact.profits.columns}
    return GreeksApproximation(
        parts={name: freeze(pd.DataFrame(values, **labels)) for name, values in parts.items()}, exact=exact
    )


def _fill(parts: dict[str, np.ndarray], terms: ContractTerms, rows: np.ndarray, grid: ScenarioGrid) -> None:
    shock = group_shock(terms, rows[0], grid)
    F, S = terms.forward[rows[0]], terms.spot[rows[0]]
    greeks = black76_greeks(F, terms.strike[rows], terms.time[rows], terms.volatility[rows], terms.is_call[rows])
    dF = shock.forward - F
    ds = shocked_volatility(terms, rows, shock, grid) - terms.volatility[rows, None]
    dt = terms.time[rows[0]] - shock.time
    column = {name: np.asarray(getattr(greeks, name))[:, None] for name in (*GREEKS, "price")}
    parts["delta"][rows] = column["delta"] * dF
    parts["gamma"][rows] = 0.5 * column["gamma"] * dF**2
    parts["vega"][rows] = column["vega"] * ds
    parts["vanna"][rows] = column["vanna"] * dF * ds
    parts["volga"][rows] = 0.5 * column["volga"] * ds**2
    parts["theta"][rows] = column["theta"] * dt
    inverse = rows[terms.is_inverse[rows]]
    if len(inverse):
        ratio = shock.spot / shock.forward
        for name in GREEKS:
            parts[name][inverse] *= ratio
        parts["delta"][inverse] += column["price"][terms.is_inverse[rows]] * (ratio - S / F)
