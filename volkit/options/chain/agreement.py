"""Own volatilities and Greeks beside the venue's columns, and the conventions that reproduce those best.

A `PreparedChain` enters; a `VenueComparison` leaves: differences by row, shares within limits, and what was tried.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from volkit.errors import DataError
from volkit.options.black76 import Black76Greeks, black76_greeks
from volkit.options.chain.prepared import PreparedChain
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["VenueComparison", "compare_with_venue"]

DELTA_LIMIT, VEGA_LIMIT, VOLATILITY_LIMIT = 0.01, 0.01, 0.005
# The venue prints delta and vega to five decimals: half of the last one is no difference.
_PRINTED = 5e-6
_DAY_COUNTS = (365.0, 365.25)
# Forward delta; times index over forward; less the price over the forward (the premium is paid in coin).
_CONVENTIONS = ("forward", "spot", "premium-adjusted")
_UNMOVED = "forward, at the forward of the prices"
_NEAR_THE_MONEY = (0.2, 0.8)
# The index is looked for within this share of the rows' median, as a logarithm.
_MOST_MOVE = 0.03
# USD a point; below it the printed digits are too few for a relative difference.
_HEAVY_VEGA = 0.5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VenueComparison(ResultDisplay):
    """Own implied volatility, delta and vega against the venue's.

    Attributes
    ----------
    rows : DataFrame, shape (n_obs, 15)
        By quote: instrument, expiry, strike, is_call, sides; own_volatility (of the mark), venue_volatility,
        volatility_difference (own - venue, decimal), volatility_error (see `PreparedChain`); delta, venue_delta,
        delta_difference; vega_per_point, venue_vega (USD per 0.01 of volatility), vega_difference (own over venue
        - 1). Own Greeks are at the venue's volatility and at the forward of the Greeks' own instant.
    agreement : DataFrame, shape (4, 4)
        By quantity: rows compared, share within the limit, median and greatest absolute difference, over two-sided
        quotes. "volatility, resolved" leaves out rows whose price does not tell the volatility to half a point.
    conventions : DataFrame, shape (8, 4)
        By day count (days a year) and delta convention (forward; spot: times index over forward; premium-adjusted:
        less price over forward; each at the index that suits it best; and forward at the prices' own forward): median
        absolute difference of delta, share within 0.01, median absolute relative difference of vega, median absolute
        difference of the mark repriced at the venue's volatility (USD).
    index_at_quotes : float
        Index (USD) at which the prices and forwards were read, estimated from the Greeks; NaN without an index column.
    as_of : Timestamp
        Instant (UTC) of the quotes.
    underlying, venue : str
    provenance : Provenance
    """

    rows: pd.DataFrame
    agreement: pd.DataFrame
    conventions: pd.DataFrame
    index_at_quotes: float
    as_of: pd.Timestamp
    underlying: str
    venue: str
    provenance: Provenance

    @property
    def n_obs(self) -> int:
        """Quotes compared."""
        return len(self.rows)

    @property
    def headline(self) -> str:
        """Shares within the limits in one line."""
        shares = self.agreement["share within"]
        told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items() if np.isfinite(share))
        return (
            f"{self.underlying} {self.venue}, two-sided quotes within limits: {told}, {self.as_of:%Y-%m-%d %H:%M} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return `agreement`."""
        return self.agreement.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return `rows`."""
        return self.rows.copy()


def compare_with_venue(prepared: PreparedChain) -> VenueComparison:
    """Return own volatility, delta and vega beside the venue's, over the kept quotes.

    Parameters
    ----------
    prepared : PreparedChain
        With the venue's implied_volatility; and, where it is to be compared, venue_delta, vega_per_point and
        index_price.

    Returns
    -------
    VenueComparison
        Limits: half a volatility point, 0.01 of delta, 1 % of vega (and half of the last printed digit).

    Raises
    ------
    DataError
        When the book has no implied volatility of the venue.

    Notes
    -----
    A recorder asks for all prices at once and for Greeks instrument by instrument, some seconds later: rows then carry
    the index of the Greeks' instant beside forwards of the prices' instant. The forward of a row's Greeks is taken as
    its forward times its index over the index at the prices' instant. That one number a book is the one that makes
    deltas agree best (least mean absolute difference) over quotes with call deltas from 0.2 to 0.8. Hundreds of rows
    share it, so agreement is still a check of the formula, but not of a common error in all forwards, which parity
    checks. On two whole books of Deribit (December 2025, March 2026) the undiscounted forward delta and a year of 365
    days fit best; 365.25 days make repriced marks miss by three to five times as much, and spot and premium-adjusted
    deltas miss by far.

    Examples
    --------
    >>> from volkit.options.chain import prepare_chain, simulate_chain
    >>> comparison = compare_with_venue(prepare_chain(simulate_chain()))
    >>> bool(comparison.rows["volatility_difference"].abs().max() < 1e-10)
    True
    """
    quotes = prepared.quotes
    quotes = quotes[quotes["implied_volatility"].notna()].reset_index(drop=True)
    if quotes.empty:
        got = f"none on {prepared.n_obs} quotes of {prepared.venue}"
        raise DataError(
            "prepared", "must have implied volatilities of the venue", got, "choose a venue that gives them"
        )
    absent = pd.Series(np.nan, index=quotes.index)
    table = quotes.assign(
        venue_delta=quotes.get("venue_delta", absent),
        venue_vega=quotes.get("vega_per_point", absent),
        index_price=quotes.get("index_price", absent),
    )
    index_at_quotes = _index_at_quotes(table)
    rows = _rows(table, _forward_of_greeks(table, index_at_quotes))
    return VenueComparison(
        rows=freeze(rows),
        agreement=freeze(_agreement(rows)),
        conventions=freeze(_conventions(table, in_coin=prepared.settlement == "coin")),
        index_at_quotes=index_at_quotes,
        as_of=prepared.as_of,
        underlying=prepared.underlying,
        venue=prepared.venue,
        provenance=prepared.provenance,
    )


def _greeks(table: pd.DataFrame, forward: np.ndarray | pd.Series, *, days: float = _DAY_COUNTS[0]) -> Black76Greeks:
    time = table["time"] * (_DAY_COUNTS[0] / days)
    return black76_greeks(forward, table["strike"], time, table["implied_volatility"], table["is_call"].to_numpy())


def _delta(table: pd.DataFrame, forward: np.ndarray, *, convention: str, days: float) -> np.ndarray:
    """Return delta by one of `_CONVENTIONS`, at forwards of the Greeks' instant and the venue's volatility."""
    greeks = _greeks(table, forward, days=days)
    if convention == "spot":
        return np.asarray(greeks.delta * table["index_price"].to_numpy() / forward)
    return np.asarray(greeks.delta - greeks.price / forward if convention == "premium-adjusted" else greeks.delta)


def _index_at_quotes(table: pd.DataFrame, *, convention: str = _CONVENTIONS[0], days: float = _DAY_COUNTS[0]) -> float:
    """Return the index at which deltas of this convention agree best with the venue's, NaN without its columns."""
    call_delta = table["venue_delta"] + np.where(table["is_call"], 0.0, 1.0)
    near = table[call_delta.between(*_NEAR_THE_MONEY) & table["index_price"].notna()]
    if near.empty:
        return float("nan")
    middle = float(near["index_price"].median())

    def gap(shift: float) -> float:
        forward = _forward_of_greeks(near, middle * np.exp(shift))
        own = _delta(near, forward, convention=convention, days=days)
        return float(np.abs(own - near["venue_delta"]).mean())

    found = minimize_scalar(gap, bounds=(-_MOST_MOVE, _MOST_MOVE), method="bounded", options={"xatol": 1e-9})
    return float(middle * np.exp(found.x))


def _forward_of_greeks(table: pd.DataFrame, index_at_quotes: float) -> np.ndarray:
    moved = table["forward"] * table["index_price"] / index_at_quotes
    return np.asarray(moved.fillna(table["forward"]))


def _rows(table: pd.DataFrame, forward: np.ndarray) -> pd.DataFrame:
    greeks = _greeks(table, forward)
    vega = greeks.vega / 100.0
    # A vega that the venue prints as zero has no relative difference.
    venue_vega = table["venue_vega"].mask(table["venue_vega"] == 0.0)
    return table[["instrument", "expiry", "strike", "is_call", "sides"]].assign(
        own_volatility=table["mark_volatility"],
        venue_volatility=table["implied_volatility"],
        volatility_difference=table["mark_volatility"] - table["implied_volatility"],
        volatility_error=table["volatility_error"],
        delta=greeks.delta,
        venue_delta=table["venue_delta"],
        delta_difference=greeks.delta - table["venue_delta"],
        vega_per_point=vega,
        venue_vega=table["venue_vega"],
        vega_difference=vega / venue_vega - 1.0,
    )


def _agreement(rows: pd.DataFrame) -> pd.DataFrame:
    two_sided = rows[rows["sides"] == "two"]
    resolved = two_sided["volatility_difference"].where(two_sided["volatility_error"] <= VOLATILITY_LIMIT)
    vega_slack = _PRINTED / two_sided["venue_vega"].where(two_sided["venue_vega"] > 0.0)
    judged = {
        "volatility": (two_sided["volatility_difference"], VOLATILITY_LIMIT),
        "volatility, resolved": (resolved, VOLATILITY_LIMIT),
        "delta": (two_sided["delta_difference"], DELTA_LIMIT + _PRINTED),
        "vega": (two_sided["vega_difference"], VEGA_LIMIT + vega_slack),
    }
    lines = {}
    for name, (difference, limit) in judged.items():
        size = difference.abs()
        known = size.notna()
        share = float((size <= limit)[known].mean()) if known.any() else np.nan
        lines[name] = [int(known.sum()), share, size.median(), size.max()]
    columns = ["quotes", "share within", "median difference", "greatest difference"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns).rename_axis("quantity")


def _conventions(table: pd.DataFrame, *, in_coin: bool) -> pd.DataFrame:
    two_sided = table[table["sides"] == "two"]
    price = two_sided["mark"] * (two_sided["forward"] if in_coin else 1.0)
    lines = []
    for days in _DAY_COUNTS:
        repriced = _greeks(two_sided, two_sided["forward"], days=days).price
        mark = float((repriced - price).abs().median())
        lines.append((days, _UNMOVED, *_gaps(two_sided, two_sided["forward"].to_numpy(), _CONVENTIONS[0], days), mark))
        for convention in _CONVENTIONS:
            # Each has the index that suits it best, so that none is judged by another's.
            index = _index_at_quotes(two_sided, convention=convention, days=days)
            gaps = _gaps(two_sided, _forward_of_greeks(two_sided, index), convention, days)
            lines.append((days, convention, *gaps, mark))
    columns = ["days a year", "delta", "delta: median difference", "delta: share within 0.01"]
    columns += ["vega: median relative difference", "mark: median difference (USD)"]
    return pd.DataFrame(lines, columns=columns).set_index(columns[:2])


def _gaps(table: pd.DataFrame, forward: np.ndarray, convention: str, days: float) -> tuple[float, float, float]:
    """Return the median difference of delta, its share within the limit, the median relative difference of vega."""
    size = (_delta(table, forward, convention=convention, days=days) - table["venue_delta"]).abs()
    known = size.notna()
    share = float((size <= DELTA_LIMIT)[known].mean()) if known.any() else np.nan
    heavy = table["venue_vega"].mask(table["venue_vega"] < _HEAVY_VEGA)
    vega = (_greeks(table, forward, days=days).vega / 100.0 / heavy - 1.0).abs()
    return float(size.median()), share, float(vega.median())
