"""Probabilities of margin call, liquidation and insolvency on the same paths, and what insolvency leaves unpaid."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_fraction, check_kind, real_number
from volkit.errors import ArgumentError, DataError
from volkit.instruments import MarketState, PositionBook
from volkit.realtime.insolvency.closed_form import EVENTS, Event
from volkit.realtime.insolvency.equity import EquityPaths, account_position, equity_paths
from volkit.realtime.insolvency.profits import Response, volatility_words
from volkit.realtime.insolvency.tail import check_weights, probability_interval
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["NestedProbabilities", "check_rates", "insolvency_probabilities", "nested_of"]

Floats = npt.NDArray[np.float64]
_CALL, _LIQUIDATION, _INSOLVENCY = "margin call", "liquidation", "insolvency"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NestedProbabilities(ResultDisplay):
    """How likely an account with a given equity is called, liquidated and insolvent.

    Attributes
    ----------
    table : DataFrame, shape (n_events, 4)
        probability, lower, upper (Clopper and Pearson's interval) and n_paths with the event, by event: margin call
        and liquidation where their rates are told, and insolvency. Each event contains the next.
    equity : float
        USD at the start.
    shortfall : float
        Mean of what is missing given insolvency, USD; NaN where no path is insolvent.
    shortfall_error : float
        Its standard error over the paths, USD; NaN with fewer than two insolvent paths.
    event : {"path minimum", "terminal"}
        At any time, or at the end.
    coverage : float
        Of the intervals.
    account : Hashable
        Whose equity.
    n_paths : int
        Behind the probabilities.
    method : str
        Paths, volatilities of options and what is left out, in words.
    as_of : Timestamp or None
        Of the market, UTC.
    provenance : Provenance
        Of the paths.
    """

    table: pd.DataFrame
    equity: float
    shortfall: float
    shortfall_error: float
    event: Event
    coverage: float
    account: Hashable
    n_paths: int
    method: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def insolvency(self) -> float:
        """Probability of insolvency."""
        return float(self.table["probability"].loc[_INSOLVENCY])

    @property
    def headline(self) -> str:
        """Account, equity and probabilities in one line."""
        told = ", ".join(f"{name} {100.0 * p:.3g} %" for name, p in self.table["probability"].items())
        return f"{self.account} with {self.equity:,.6g} USD: {told} ({self.event}, {self.n_paths:,} paths)"

    def summary(self) -> pd.DataFrame:
        """Return probabilities with their intervals by event."""
        return self.table.drop(columns="n_paths")

    def to_frame(self) -> pd.DataFrame:
        """Return the table with counts of paths."""
        return self.table


def insolvency_probabilities(
    book: PositionBook,
    market: MarketState,
    paths: PathSet,
    *,
    equity: float | None = None,
    account: Hashable | None = None,
    event: Event = "path minimum",
    initial_rate: float | None = None,
    maintenance_rate: float | None = None,
    response: Response | None = None,
    coverage: float = 0.95,
) -> NestedProbabilities:
    """Return how likely an account is called, liquidated and insolvent over the paths' horizon.

    Parameters
    ----------
    book : PositionBook
        Perpetuals, futures, options and coins.
    market : MarketState
        Today's.
    paths : PathSet
        Of every coin that the book is exposed to, from today's state.
    equity : float, optional
        USD at the start; what the book shows by default.
    account : Hashable, optional
        Needed where the book has several.
    event : {"path minimum", "terminal"}
        Whether equity counts after every step, or at the end alone.
    initial_rate, maintenance_rate : float, optional
        Requirements as fractions of the gross notional at the spot of each step: equity below the first is a margin
        call, below the second a liquidation. An account below a requirement at the start has the event for certain.
    response : VolatilityResponse or mapping, optional
        Of implied volatility to the coin's return; see `insolvency_margin`.
    coverage : float
        Of the intervals, fraction.

    Returns
    -------
    NestedProbabilities

    Raises
    ------
    ArgumentError
        For rates that do not nest, or an account or equity that cannot be used.
    DataError
        For a coin without paths, or weights that are no likelihood ratios.

    Notes
    -----
    Nothing is closed out on the way: a margin call is met, a liquidation carried out, by nobody, and funding is not
    paid. Intervals take the paths to be independent.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [1.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> insolvency_probabilities(PositionBook.from_frame(frame), market, paths, equity=15.0)
    <NestedProbabilities: A with 15 USD: insolvency 12.5 % (path minimum, 1,001 paths)>
    """
    check_kind(book, PositionBook, argument="book")
    check_kind(market, MarketState, argument="market")
    check_kind(paths, PathSet, argument="paths", remedy="pass what simulate_path_set returns")
    check_choice(event, argument="event", choices=EVENTS)
    share = check_confidence(coverage, argument="coverage")
    rates = check_rates(initial_rate, maintenance_rate)
    position = account_position(book, market, account)
    held = position.equity if equity is None else real_number(equity, argument="equity")
    if not np.isfinite(held):
        raise ArgumentError("equity", "must be finite (USD)", f"{equity!r}", "leave it out for the book's own")
    weights = check_weights(paths.log_weights)
    found = equity_paths(position, paths, response=response, rates=rates, event=event)
    words = f"{paths.engine}, {volatility_words(position.terms, paths, response)}, no funding"
    return nested_of(
        found, weights, equity=held, event=event, coverage=share, account=position.name, method=words,
        as_of=market.as_of, provenance=paths.provenance.joined(market.provenance),
    )  # fmt: skip


def check_rates(initial_rate: float | None, maintenance_rate: float | None) -> dict[str, float]:
    """Return requirements by name, the larger first.

    Raises
    ------
    ArgumentError
        For a rate that is no fraction, or a maintenance rate above the initial one.
    """
    named = {_CALL: ("initial_rate", initial_rate), _LIQUIDATION: ("maintenance_rate", maintenance_rate)}
    rates = {name: check_fraction(rate, argument=word) for name, (word, rate) in named.items() if rate is not None}
    if len(rates) == 2 and rates[_LIQUIDATION] > rates[_CALL]:
        got, remedy = f"{maintenance_rate:g} above {initial_rate:g}", "exchange the two"
        raise ArgumentError("maintenance_rate", "must be at most initial_rate", got, remedy)
    return rates


def nested_of(
    found: EquityPaths, weights: Floats | None, *, equity: float, event: Event, coverage: float, account: Hashable,
    method: str, as_of: pd.Timestamp | None, provenance: Provenance, shift: float = 0.0,
) -> NestedProbabilities:  # fmt: skip
    """Return probabilities from paths of profit; `shift` (USD) is added to every loss for continuous watch."""
    needed = {name: found.shortfalls(name, event) for name in found.above} | {_INSOLVENCY: found.losses(event)}
    rows = {}
    for name, least in needed.items():
        if not np.isfinite(least).all():
            raise DataError("paths", "must give finite profits", f"others for {name}", "check prices and volatilities")
        hits = least + shift > equity
        rows[name] = (*probability_interval(hits, weights, coverage=coverage), int(hits.sum()))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["probability", "lower", "upper", "n_paths"])
    missing = needed[_INSOLVENCY] + shift - equity
    mean, error = _mean_beyond(missing, weights)
    return NestedProbabilities(
        table=freeze(table.rename_axis("event").astype({"n_paths": "int64"})),
        equity=equity, shortfall=mean, shortfall_error=error, event=event, coverage=coverage, account=account,
        n_paths=len(missing), method=method, as_of=as_of, provenance=provenance,
    )  # fmt: skip


def _mean_beyond(missing: Floats, weights: Floats | None) -> tuple[float, float]:
    """Return the weighted mean of what is above zero, and its standard error."""
    above = missing > 0.0
    values, w = missing[above], np.ones(int(above.sum())) if weights is None else weights[above]
    if not len(values):
        return float("nan"), float("nan")
    mean = float(np.average(values, weights=w))
    error = float(np.sqrt((w**2 * (values - mean) ** 2).sum()) / w.sum()) if len(values) > 1 else float("nan")
    return mean, error
