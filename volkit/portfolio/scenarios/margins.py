"""Margin of one book on scenarios: the worst of a weighted grid, or the tail of a sample, and who makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_kind
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Coin, MarketState, PositionBook, book_units
from volkit.portfolio.scenarios.arrays import RiskArray, risk_array, units_of
from volkit.portfolio.scenarios.grid import ScenarioGrid
from volkit.portfolio.scenarios.tail import tail_of
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MarginMethod", "PortfolioMargin", "portfolio_margin", "scan_margin", "shortfall_margin", "tail_margin"]

MarginMethod = Literal["scan", "expected_shortfall", "value_at_risk"]
_METHODS = ("scan", "expected_shortfall", "value_at_risk")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PortfolioMargin(ResultDisplay):
    """The margin of one book, and its parts by instrument.

    Attributes
    ----------
    method : {"scan", "expected_shortfall", "value_at_risk"}
        Worst of a weighted grid, or tail of a sample.
    loss : float
        What the method measures, USD; negative when the book gains even there.
    confidence : float or None
        Of a tail.
    legs : DataFrame, shape (n_instruments, 3)
        units, standalone (the measure of the leg alone, USD) and contribution (USD; they add up to `loss`).
    scenarios : Series
        Share of each scenario's loss in the measure, the worst first: weights of a scan, shares of a tail.
    n_scenarios : int
        Looked at.
    as_of : Timestamp or None
        Of the market, UTC.
    provenance : Provenance
        Sources and hashes, when given.
    """

    method: MarginMethod
    loss: float
    confidence: float | None
    legs: pd.DataFrame
    scenarios: pd.Series
    n_scenarios: int
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def margin(self) -> float:
        """The loss, at least 0, USD."""
        return max(self.loss, 0.0)

    @property
    def standalone(self) -> float:
        """Sum of the legs' own margins, USD."""
        return float(self.legs["standalone"].clip(lower=0.0).sum())

    @property
    def offset(self) -> float:
        """Share of the standalone margins that holding the legs together saves; NaN when they are 0."""
        return 1.0 - self.margin / self.standalone if self.standalone > 0.0 else float("nan")

    @property
    def headline(self) -> str:
        """Margin, method, worst scenario and offset in one line."""
        words = self.method.replace("_", " ")
        level = f" {100.0 * self.confidence:g} %" if self.confidence is not None else ""
        saved = (
            f", {100.0 * self.offset:.3g} % below standalone" if len(self.legs) > 1 and self.standalone > 0.0 else ""
        )
        return (
            f"{self.margin:,.6g} USD, {words}{level} of {self.n_scenarios} scenarios{saved}, "
            f"worst {self.scenarios.index[0]}"
        )

    def summary(self) -> pd.DataFrame:
        """Return standalone margin and contribution by leg (USD), largest first, with their sums."""
        table = self.legs.sort_values("contribution", ascending=False)[["standalone", "contribution"]]
        total = pd.DataFrame({"standalone": [self.standalone], "contribution": [self.loss]}, index=["all"])
        return pd.concat([table, total]).add_suffix(" (USD)").rename_axis("instrument")

    def to_frame(self) -> pd.DataFrame:
        """Return units, standalone margin, contribution (USD) and its share of the loss by leg."""
        share = self.legs["contribution"] / self.loss if self.loss != 0.0 else np.nan
        return self.legs.assign(share=share)


def scan_margin(units: Mapping[str, float] | pd.Series, array: RiskArray) -> PortfolioMargin:
    """Return the largest weighted loss of a portfolio over a grid.

    Parameters
    ----------
    units : mapping or Series
        Signed units by instrument.
    array : RiskArray
        With its weights.

    Returns
    -------
    PortfolioMargin
        Contributions are the legs' losses in the worst scenario.

    Raises
    ------
    DataError
        For an instrument that the array does not have, or units that are no numbers.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> profits = pd.DataFrame({"down": [-10.0, 6.0], "up": [10.0, -9.0]}, index=["future", "call"])
    >>> scan_margin({"future": 1.0, "call": 1.0}, risk_array_of_profits(profits)).legs["contribution"].to_dict()
    {'future': 10.0, 'call': -6.0}
    """
    held = units_of(units, array)
    weighted = array.profits.to_numpy() * array.weights.to_numpy()
    worst = np.array([int((held @ weighted).argmin())])
    standalone = -(held[:, None] * weighted).min(axis=1)
    return _made("scan", None, held, array, worst, array.weights.to_numpy()[worst], standalone)


def shortfall_margin(units: Mapping[str, float] | pd.Series, array: RiskArray, *, confidence: float) -> PortfolioMargin:
    """Return the expected shortfall of a portfolio over a sample of scenarios, with its Euler parts.

    Parameters
    ----------
    units : mapping or Series
        Signed units by instrument.
    array : RiskArray
        In equally likely scenarios.
    confidence : float
        For example 0.99.

    Returns
    -------
    PortfolioMargin
        Contributions are the legs' mean losses over the portfolio's worst scenarios.

    Raises
    ------
    DataError
        For an instrument that the array does not have, or a weighted grid.
    ArgumentError
        For a confidence with less than one scenario beyond it.

    References
    ----------
    .. [1] Tasche, D. (2002), Expected shortfall and beyond, Journal of Banking & Finance 26, section 4: the parts are
       the derivatives of the measure by the legs' sizes, times the sizes.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> profits = pd.DataFrame([np.arange(-50.0, 50.0), -np.arange(-50.0, 50.0)], index=["BTC", "hedge"])
    >>> array = risk_array_of_profits(profits, equally_likely=True)
    >>> shortfall_margin({"BTC": 2.0, "hedge": 1.0}, array, confidence=0.95)
    <PortfolioMargin: 48 USD, expected shortfall 95 % of 100 scenarios, 66.4 % below standalone, worst 0>
    """
    return tail_margin(units, array, confidence=confidence, method="expected_shortfall")


def tail_margin(
    units: Mapping[str, float] | pd.Series,
    array: RiskArray,
    *,
    confidence: float,
    method: Literal["expected_shortfall", "value_at_risk"],
) -> PortfolioMargin:
    """Return expected shortfall or Value at Risk of a portfolio; see `shortfall_margin` for what enters.

    Contributions to Value at Risk are the losses in the one or two scenarios that the quantile lies at: they add up,
    and are noisy.

    Raises
    ------
    DataError
        For an instrument that the array does not have, or a weighted grid.
    ArgumentError
        For another method, or a confidence with less than one scenario beyond it.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> array = risk_array_of_profits(pd.DataFrame([np.arange(-50.0, 50.0)], index=["BTC"]), equally_likely=True)
    >>> round(tail_margin({"BTC": 1.0}, array, confidence=0.95, method="value_at_risk").margin, 9)
    45.95
    """
    check_choice(method, argument="method", choices=_METHODS[1:])
    tail = tail_of(array, confidence)
    shares = np.array(tail.shares if method == "expected_shortfall" else tail.quantile_shares)
    held = units_of(units, array)
    profits = array.profits.to_numpy()
    worst = np.argsort(held @ profits, kind="stable")[: len(shares)]
    alone = np.sort(held[:, None] * profits, axis=1)[:, : len(shares)]
    used = shares > 0.0
    return _made(method, confidence, held, array, worst[used], shares[used], -(alone @ shares))


def portfolio_margin(
    book: PositionBook,
    market: MarketState,
    grid: ScenarioGrid,
    *,
    method: MarginMethod,
    confidence: float | None = None,
    account: str | None = None,
) -> PortfolioMargin:
    """Return the margin of a book, or of one of its accounts, coins held as collateral included.

    Parameters
    ----------
    book : PositionBook
        All its accounts are netted unless one is named.
    market : MarketState
        Today's.
    grid : ScenarioGrid
        A grid for "scan", a sample for the others.
    method : {"scan", "expected_shortfall", "value_at_risk"}
        Worst of the weighted grid, or tail of the sample.
    confidence : float, optional
        Of a tail; not for a scan.
    account : str, optional
        The account.

    Returns
    -------
    PortfolioMargin

    Raises
    ------
    ArgumentError
        For another method, or a confidence that is missing or too many.
    DataError
        For an unknown account, one without positions, or a contract without a price.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import scenario_grid
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTCUSDT"], "quantity": [-2.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 80_000.0}))
    >>> portfolio_margin(PositionBook.from_frame(frame), market, scenario_grid([-0.15, 0.15]), method="scan")
    <PortfolioMargin: 24,000 USD, scan of 2 scenarios, worst price +15 %>
    """
    check_kind(book, PositionBook, argument="book")
    check_kind(market, MarketState, argument="market")
    check_kind(grid, ScenarioGrid, argument="grid")
    check_choice(method, argument="method", choices=_METHODS)
    if (method == "scan") != (confidence is None):
        got = f"{confidence} with method={method!r}"
        raise ArgumentError("confidence", "must be given for a tail, and for a tail only", got, "pass confidence=0.99")
    table = book_units(book, market)
    if account is not None:
        table = table[table["account"] == account]
    if not len(table):
        got = f"nothing under {account!r}" if account is not None else "an empty book"
        raise DataError("book", "must hold positions or coins", got, f"its accounts are {', '.join(book.accounts)}")
    units = table.groupby("instrument")["units"].sum()
    array = risk_array([book.instruments.get(name, Coin(name)) for name in units.index], market, grid)
    if confidence is None:
        return scan_margin(units, array)
    return tail_margin(
        units,
        array,
        confidence=confidence,
        method="value_at_risk" if method == "value_at_risk" else "expected_shortfall",
    )


def _made(
    method: MarginMethod,
    confidence: float | None,
    held: np.ndarray,
    array: RiskArray,
    worst: np.ndarray,
    shares: np.ndarray,
    standalone: np.ndarray,
) -> PortfolioMargin:
    legs = held != 0.0
    losses = -held[legs] * (array.profits.to_numpy()[np.ix_(legs, worst)] @ shares)
    table = pd.DataFrame(
        {"units": held[legs], "standalone": standalone[legs], "contribution": losses}, index=array.instruments[legs]
    )
    return PortfolioMargin(
        method=method,
        loss=float(losses.sum()),
        confidence=confidence,
        legs=freeze(table),
        scenarios=freeze(pd.Series(shares, index=array.profits.columns[worst], name="share")),
        n_scenarios=array.n_scenarios,
        as_of=array.as_of,
        provenance=array.provenance,
    )
