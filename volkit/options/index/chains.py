"""A 30-day variance index of coin options, in the manner of Deribit's DVOL, from one option chain.

What the venue publishes about its index leaves choices open; each is an argument here, with what was chosen
carried in the result.
"""

import math
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_fraction, check_positive, real_number
from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_greeks, black76_price, implied_volatility
from volkit.options.index.book import ForwardRule, QuotedBook, book_provenance, dollar_quotes
from volkit.options.index.strip import VarianceStrip, strip_of_prices
from volkit.options.index.term import VarianceIndex, variance_index
from volkit.results import Provenance

__all__ = ["Fallback", "chain_variance_index", "chain_variance_strip"]

Fallback = Literal["mark", "drop"]


def chain_variance_index(
    chain: QuotedBook,
    *,
    days: float = 30.0,
    minimum_delta: float = 0.05,
    fallback: Fallback = "mark",
    forward: ForwardRule = "quoted",
    rate: float = 0.0,
    maximum_spread: float | None = None,
    minimum_days: float = 1.0,
    floor_share: float = 0.01,
    extrapolate: bool = False,
    provenance: Provenance | None = None,
) -> VarianceIndex:
    """Return the volatility that a chain of coin options implies over the next 30 days.

    Parameters
    ----------
    chain : OptionChain or prepared chain
        Of one underlying; coin or dollar prices.
    days : float
        Horizon.
    minimum_delta : float
        The strip ends, on each side, before the first option whose delta is smaller (absolute, of the forward, at the
        mark's volatility); 0 uses every strike.
    fallback : {"mark", "drop"}
        For an option without two-sided, uncrossed quotes: its price at the mark's volatility, or nothing.
    forward : {"quoted", "parity"}
        The venue's forward of the expiry, or that of put-call parity.
    rate : float
        Continuous, decimal per year. 0 as the venue: its prices are not discounted.
    maximum_spread : float, optional
        Ask less bid over mid (decimal) above which a quote counts as no quote. By default any spread is good enough.
    minimum_days : float
        Expiries nearer than this are not used.
    floor_share : float
        As in `variance_strip`.
    extrapolate : bool
        Whether the nearest two expiries may be used when none lies on one side of the horizon.
    provenance : Provenance, optional
        Where the chain comes from; its own by default.

    Returns
    -------
    VarianceIndex
        With both strips, their prices' origin, counts of what was cut, and a bound on what lies beyond.

    Raises
    ------
    DataError
        For an unusable row (named), an expiry without forward or enough strikes.
    ArgumentError
        When no two expiries enclose the horizon, or for an argument out of range.

    Notes
    -----
    Documented of DVOL, second hand: 30 days, two expiries interpolated in variance and minutes, rate 0, wings cut near
    a delta of 0.05, the mark's volatility where the book is thin, a year of 365 days, exponential smoothing
    (`smooth_index`). The venue's own rules decide more than that, so this comes near its index and is not it. Settling
    in coin changes nothing: a coin price times the forward is the dollar price of Black-76, which the strip takes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> now = pd.Timestamp("2024-03-01 08:00", tz="UTC")
    >>> rows = [(d, k, c) for d in (25, 60) for k in np.arange(40e3, 100e3, 1e3) for c in (False, True)]
    >>> quotes = pd.DataFrame(rows, columns=["days", "strike", "is_call"])
    >>> quotes = quotes.assign(
    ...     expiry=now + pd.to_timedelta(quotes["days"], unit="D"), forward=60_250.0, implied_volatility=0.5
    ... )
    >>> chain = SimpleNamespace(quotes=quotes, settlement="coin", underlying="BTC", as_of=now)
    >>> index = chain_variance_index(chain, minimum_delta=0.0)
    >>> round(index.index, 1), index.near.n_from_mark == index.near.n_strikes
    (50.0, True)
    """
    table = dollar_quotes(chain, forward=forward)
    least = check_positive(minimum_days, argument="minimum_days", unit="days")
    target = 1440.0 * check_positive(days, argument="days", unit="days of the horizon")
    minutes = np.unique(table["minutes"].to_numpy())
    near, later = _enclosing(minutes[minutes >= 1440.0 * least], target, extrapolate=extrapolate)
    strips = [
        _strip(
            table[table["minutes"] == m], chain, minimum_delta=minimum_delta, fallback=fallback, rate=rate,
            maximum_spread=maximum_spread, floor_share=floor_share, provenance=provenance,
        )
        for m in (near, later)
    ]  # fmt: skip
    choices = {
        "horizon": f"{days:g} days",
        "forward": forward,
        "rate": f"{rate:g}",
        "wings": f"cut below a delta of {minimum_delta:g}",
        "one-sided or crossed quotes": "at the mark's volatility" if fallback == "mark" else "dropped",
        "widest spread": "any" if maximum_spread is None else f"{maximum_spread:g} of the mid",
        "expiries": f"at least {minimum_days:g} days away",
        "year": "365 days, in minutes",
    }
    return variance_index(strips[0], strips[1], days=days, extrapolate=extrapolate, choices=choices)


def chain_variance_strip(
    chain: QuotedBook,
    expiry: pd.Timestamp,
    *,
    minimum_delta: float = 0.05,
    fallback: Fallback = "mark",
    forward: ForwardRule = "quoted",
    rate: float = 0.0,
    maximum_spread: float | None = None,
    floor_share: float = 0.01,
    provenance: Provenance | None = None,
) -> VarianceStrip:
    """Return the strip of one expiry (UTC) of a chain of coin options; arguments as `chain_variance_index`.

    Raises
    ------
    ArgumentError
        When the chain has no such expiry; the known ones are listed.
    DataError
        As `chain_variance_index`.
    """
    table = dollar_quotes(chain, forward=forward)
    rows = table[table["expiry"] == expiry]
    if rows.empty:
        known = ", ".join(f"{x:%Y-%m-%d %H:%M}" for x in sorted(table["expiry"].unique()))
        raise ArgumentError("expiry", f"must be one of {known}", str(expiry), "choose one of these")
    return _strip(
        rows, chain, minimum_delta=minimum_delta, fallback=fallback, rate=rate,
        maximum_spread=maximum_spread, floor_share=floor_share, provenance=provenance,
    )  # fmt: skip


def _enclosing(minutes: np.ndarray, target: float, *, extrapolate: bool) -> tuple[float, float]:
    """Return the minutes of the two expiries around the target, or the two nearest ones."""
    before, after = minutes[minutes <= target], minutes[minutes > target]
    if len(before) and len(after):
        return float(before[-1]), float(after[0])
    if extrapolate and len(minutes) >= 2:
        chosen = minutes[-2:] if len(before) else minutes[:2]
        return float(chosen[0]), float(chosen[1])
    got = ", ".join(f"{m / 1440.0:.2f}" for m in minutes) or "none"
    raise ArgumentError(
        "days",
        "must lie between two expiries of the chain",
        f"{target / 1440.0:g} days, expiries in {got} days",
        "choose another horizon, or extrapolate=True",
    )


def _strip(
    rows: pd.DataFrame,
    chain: QuotedBook,
    *,
    minimum_delta: float,
    fallback: Fallback,
    rate: float,
    maximum_spread: float | None,
    floor_share: float,
    provenance: Provenance | None,
) -> VarianceStrip:
    check_choice(fallback, argument="fallback", choices=("mark", "drop"))
    check_fraction(minimum_delta, argument="minimum_delta")
    if maximum_spread is not None:
        check_positive(maximum_spread, argument="maximum_spread", unit="of the mid")
    first = rows.iloc[0]
    F = float(first["forward"])
    if math.isnan(F):
        remedy = "use the other of forward='quoted' and forward='parity', or choose another expiry"
        raise DataError(f"the chain at {first['expiry']:%Y-%m-%d %H:%M}", "must have a forward", "none", remedy)
    priced = _priced(rows, F, fallback=fallback, rate=rate, maximum_spread=maximum_spread)
    pairs = priced.groupby("strike")["price"].agg(lambda p: len(p) == 2 and p.notna().all())
    below = pairs.index[pairs & (pairs.index <= F)]
    if not len(below):
        raise DataError(
            f"the chain at {first['expiry']:%Y-%m-%d}", "must have a priced pair at or below the forward",
            f"none below {F:.6g}", "choose another expiry",
        )  # fmt: skip
    k0 = float(below[-1])
    options, beyond, dropped = _chosen(priced, k0, minimum_delta=minimum_delta)
    return strip_of_prices(
        options, forward=F, reference_strike=k0, minutes=float(first["minutes"]), rate=float(rate), dropped=dropped,
        floor_share=floor_share, beyond=beyond, expiry=first["expiry"], as_of=chain.as_of,
        provenance=book_provenance(chain, provenance),
    )  # fmt: skip


def _two_sided(rows: pd.DataFrame, maximum_spread: float | None) -> pd.Series:
    mid = 0.5 * (rows["bid"] + rows["ask"])
    good = (rows["bid"] > 0.0) & (rows["ask"] >= rows["bid"])
    return good if maximum_spread is None else good & (rows["ask"] - rows["bid"] <= maximum_spread * mid)


def _priced(
    rows: pd.DataFrame, forward: float, *, fallback: Fallback, rate: float, maximum_spread: float | None
) -> pd.DataFrame:
    """Return strike, is_call, price (NaN where there is none), origin and delta of every option."""
    k, time, is_call = rows["strike"].to_numpy(), rows["time"].to_numpy(), rows["is_call"].to_numpy()
    discount = np.exp(-real_number(rate, argument="rate") * time)
    quoted = _two_sided(rows, maximum_spread).to_numpy()
    mid = 0.5 * (rows["bid"] + rows["ask"]).to_numpy()
    sigma = rows["volatility"].to_numpy()
    known = np.isfinite(sigma)
    model = black76_price(forward, k, time, np.where(known, sigma, 1.0), is_call, discount=discount)
    mark = np.where(known, model, rows["mark"].to_numpy())
    price = np.where(quoted, mid, mark if fallback == "mark" else np.nan)
    price = np.where(price > 0.0, price, np.nan)
    found = implied_volatility(
        np.where(np.isfinite(price), price, 0.0) / discount, forward, k, time, is_call
    ).volatility
    sigma = np.where(known, sigma, found)
    # Without price and volatility there is no delta, and such an option cuts nothing.
    delta = black76_greeks(forward, k, time, np.where(np.isfinite(sigma), sigma, 1.0), is_call).delta
    delta = np.where(np.isfinite(sigma), delta, np.nan)
    origin = np.where(quoted, "mid", "mark")
    columns = {"strike": k, "is_call": is_call, "price": price, "origin": origin, "delta": np.abs(delta)}
    return pd.DataFrame(columns).astype({"origin": "str"})


def _chosen(
    priced: pd.DataFrame, k0: float, *, minimum_delta: float
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Return the options of the strip by strike, those beyond it, and how many were left out for which reason."""
    parts: list[pd.DataFrame] = []
    outside: list[pd.DataFrame] = []
    dropped: dict[str, int] = {}
    calls = priced["is_call"]
    walks = {
        "put": priced[~calls & (priced["strike"] < k0)].sort_values("strike", ascending=False),
        "call": priced[calls & (priced["strike"] > k0)].sort_values("strike"),
    }
    for side, walk in walks.items():
        other = set(priced.loc[calls if side == "put" else ~calls, "strike"]) - set(walk["strike"])
        lone = sum(k < k0 if side == "put" else k > k0 for k in other)
        # Beyond the first option of too small a delta nothing is used, whatever a ragged smile says further out.
        cut = (walk["delta"] < minimum_delta).cummax()
        blank = ~cut & walk["price"].isna()
        outside.append(walk[cut & walk["price"].notna()].assign(side=side))
        parts.append(walk[~cut & ~blank].assign(side=side))
        dropped |= {
            f"{side} beyond the delta": int(cut.sum()),
            f"{side} without a price": int(blank.sum()),
            f"{side} not listed at a strike": lone,
        }
    pair = priced[priced["strike"] == k0]
    origin = "+".join(dict.fromkeys(pair["origin"]))
    both = pd.DataFrame({"strike": [k0], "side": "both", "price": pair["price"].mean(), "origin": origin})
    names = ["strike", "side", "price", "origin"]
    options = pd.concat([*(part[names] for part in parts), both]).sort_values("strike", ignore_index=True)
    return options, pd.concat([part[names] for part in outside]), dropped
