"""A variance strip by the published rules of equity indices: which quotes survive, and where the forward lies."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_fraction, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.options.index.strip import MINUTES_PER_YEAR, VarianceStrip, strip_of_prices
from volkit.results import Provenance

__all__ = ["variance_strip"]

_SIDES = ("call_bid", "call_ask", "put_bid", "put_ask")


def variance_strip(
    quotes: pd.DataFrame,
    *,
    minutes: float,
    rate: float,
    zero_bids: int = 2,
    floor_share: float = 0.01,
    expiry: pd.Timestamp | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> VarianceStrip:
    """Return the model-free variance of one expiry by the rules of the VIX.

    Parameters
    ----------
    quotes : DataFrame, shape (n_strikes, 5)
        strike, call_bid, call_ask, put_bid, put_ask (quote currency), one row a strike, any order. A bid that is 0 or
        NaN is none; an ask that is NaN leaves the option without a price.
    minutes : float
        To the expiry; a year has 525,600.
    rate : float
        Riskless, continuous, decimal per year (0.0038 for 0.38 %).
    zero_bids : int
        That many strikes in a row without a bid end the strip on that side, whatever is quoted beyond.
    floor_share : float
        Of the forward: strikes below it are left out of the bound on what the strip misses.
    expiry, as_of : Timestamp, optional
        Carried in the result (UTC).
    provenance : Provenance, optional
        Where the quotes come from.

    Returns
    -------
    VarianceStrip
        Strikes, forward, variance, what was left out and a bound on what lies beyond.

    Raises
    ------
    DataError
        For missing columns, no numbers, duplicate strikes, negative or crossed quotes (the row is named), no strike
        with both options priced, or no put or call that survives.
    ArgumentError
        For minutes that are not positive, a rate that is not finite, or zero_bids below 1.

    Notes
    -----
    The forward is F = K + exp(r T) (C - P) at the strike K with the smallest |C - P| of mid prices; K0 is the highest
    strike not above F; out-of-the-money options with a bid are used until `zero_bids` in a row have none; at K0 the
    price is the mean of put and call [1]_. The sum over strikes stands in `strip_of_prices`.

    References
    ----------
    .. [1] Cboe (2009), The CBOE Volatility Index - VIX, White Paper, pages 4 to 9.

    Examples
    --------
    >>> from volkit.options.black76 import black76_price
    >>> strike = np.arange(40.0, 251.0, 2.5)
    >>> call, put = (black76_price(100.0, strike, 0.1, 0.6, is_call) for is_call in (True, False))
    >>> quotes = pd.DataFrame(
    ...     {"strike": strike, "call_bid": call, "call_ask": call, "put_bid": put, "put_ask": put}
    ... )
    >>> round(variance_strip(quotes, minutes=52_560, rate=0.0).annualized_volatility, 3)
    0.601
    """
    table = _check_quotes(quotes)
    minutes = check_positive(minutes, argument="minutes", unit="minutes to the expiry")
    if not math.isfinite(rate):
        raise ArgumentError("rate", "must be a finite decimal per year", repr(rate), "pass for example rate=0.0")
    run = check_count(zero_bids, argument="zero_bids", unit="strikes")
    check_fraction(floor_share, argument="floor_share")
    k = table["strike"].to_numpy()
    bid, mid = ({s: _prices(table, s, what) for s in ("call", "put")} for what in ("bid", "mid"))
    growth = math.exp(rate * minutes / MINUTES_PER_YEAR)
    forward, at = _forward(k, mid["call"], mid["put"], growth)
    puts, calls = np.arange(at - 1, -1, -1), np.arange(at + 1, len(k))
    kept: list[pd.DataFrame] = []
    dropped: dict[str, int] = {}
    for side, walk in (("put", puts), ("call", calls)):
        chosen, lost = _surviving(walk, bid[side], mid[side], run)
        kept.append(pd.DataFrame({"strike": k[chosen], "side": side, "price": mid[side][chosen], "origin": "mid"}))
        dropped |= {f"{side} {reason}": count for reason, count in lost.items()}
    pair = {"strike": k[[at]], "side": "both", "price": 0.5 * (mid["call"][[at]] + mid["put"][[at]]), "origin": "mid"}
    options = pd.concat([*kept, pd.DataFrame(pair)]).sort_values("strike")
    return strip_of_prices(
        options,
        forward=forward,
        reference_strike=float(k[at]),
        minutes=minutes,
        rate=float(rate),
        dropped=dropped,
        floor_share=floor_share,
        expiry=expiry,
        as_of=as_of,
        provenance=provenance,
    )


def _check_quotes(quotes: pd.DataFrame) -> pd.DataFrame:
    missing = [c for c in ("strike", *_SIDES) if c not in getattr(quotes, "columns", ())]
    if missing:
        remedy = "name the columns strike, call_bid, call_ask, put_bid, put_ask"
        raise DataError("quotes", "must have a column for every side", f"none named {', '.join(missing)}", remedy)
    try:
        table = quotes[["strike", *_SIDES]].astype("float64").sort_values("strike", ignore_index=True)
    except (TypeError, ValueError) as error:
        raise DataError("quotes", "must be numbers", str(error), "use pd.to_numeric first") from error
    numbers = table.to_numpy()
    wrong = (numbers < 0.0).any(axis=1) | np.isinf(numbers).any(axis=1) | ~(table["strike"].to_numpy() > 0.0)
    _refuse_rows(table, wrong, "must be finite and not negative, with a strike on every row", "drop or correct it")
    _refuse_rows(table, table["strike"].duplicated().to_numpy(), "must hold each strike once", "decide which is right")
    for side in ("call", "put"):
        crossed = (table[f"{side}_bid"] > table[f"{side}_ask"]).to_numpy()
        rule = f"must have the {side}'s bid not above its ask"
        _refuse_rows(table, crossed, rule, "set both sides to NaN, or pass an uncrossed quote")
    return table


def _refuse_rows(table: pd.DataFrame, wrong: np.ndarray, rule: str, remedy: str) -> None:
    if wrong.any():
        got = f"{int(wrong.sum())} rows that break this, first at strike {table['strike'].to_numpy()[wrong][0]:g}"
        raise DataError("quotes", rule, got, remedy)


def _prices(table: pd.DataFrame, side: str, what: str) -> np.ndarray:
    bid = table[f"{side}_bid"].fillna(0.0).to_numpy()
    return bid if what == "bid" else np.asarray(0.5 * (bid + table[f"{side}_ask"].to_numpy()))


def _forward(k: np.ndarray, call: np.ndarray, put: np.ndarray, growth: float) -> tuple[float, int]:
    """Return the forward and the position of the reference strike."""
    gap = np.abs(call - put)
    if not np.isfinite(gap).any():
        raise DataError(
            "quotes", "must have a strike with put and call priced", "none", "pass a chain with asks on both sides"
        )
    nearest = int(np.nanargmin(gap))
    forward = float(k[nearest] + growth * (call[nearest] - put[nearest]))
    both = np.flatnonzero((k <= forward) & np.isfinite(gap))
    if not len(both):
        got = f"forward {forward:g}, lowest strike {k[np.isfinite(gap)][0]:g}"
        raise DataError("quotes", "must have a priced pair at or below the forward", got, "pass lower strikes")
    return forward, int(both[-1])


def _surviving(
    walk: Sequence[int] | np.ndarray, bid: np.ndarray, mid: np.ndarray, run: int
) -> tuple[list[int], dict[str, int]]:
    """Return positions kept, walking away from the forward, and what was left out by reason."""
    kept: list[int] = []
    lost = {"without a bid": 0, "without an ask": 0, "beyond strikes without a bid": 0}
    empty = 0
    for steps, i in enumerate(walk):
        empty = empty + 1 if bid[i] == 0.0 else 0
        if empty:
            lost["without a bid"] += 1
        elif math.isnan(mid[i]):
            lost["without an ask"] += 1
        else:
            kept.append(int(i))
        if empty == run:
            lost["beyond strikes without a bid"] = len(walk) - steps - 1
            break
    return kept, lost
