"""Simulated option books of known truth: Black-76 prices on a smile that the caller knows."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive
from volkit.options.black76 import black76_price
from volkit.results import freeze
from volkit.sources.exchange import OptionChain
from volkit.sources.exchange.instruments import Settlement

__all__ = ["Smile", "simulate_chain", "simulated_smile"]

Smile = Callable[[np.ndarray, float], np.ndarray]

_AS_OF = pd.Timestamp("2026-01-05 12:00", tz="UTC").as_unit("us")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def simulated_smile(log_moneyness: np.ndarray, time: float) -> np.ndarray:
    """Return the volatility (decimal per year, shape of `log_moneyness`) of the smile that simulations use by default.

    In units of standard deviations x = k / (0.6 sqrt(time)): 0.6 - 0.04 x + 0.02 x^2 within 4 deviations.

    Examples
    --------
    >>> simulated_smile(np.array([0.0]), 0.25).tolist()
    [0.6]
    """
    x = np.clip(np.asarray(log_moneyness) / (0.6 * np.sqrt(time)), -4.0, 4.0)
    return np.asarray(0.6 - 0.04 * x + 0.02 * x**2)


def simulate_chain(
    *,
    underlying: str = "BTC",
    forward: float = 90_000.0,
    days: Sequence[float] = (7.0, 30.0, 90.0, 180.0),
    n_strikes: int = 31,
    smile: Smile = simulated_smile,
    settlement: Settlement = "coin",
    half_spread: float = 0.005,
    carry: float = 0.04,
    as_of: pd.Timestamp = _AS_OF,
) -> OptionChain:
    """Return an option chain whose marks are Black-76 on a known smile; every display says that it is simulated.

    Parameters
    ----------
    underlying : str
        The coin in the names.
    forward : float
        Forward (USD) at `as_of`; that of an expiry is ``forward * exp(carry * time)``.
    days : sequence of float
        About how far the expiries lie ahead; each is the next 08:00 UTC after `as_of` plus the days.
    n_strikes : int
        Strikes of each expiry, evenly spaced in log-moneyness within 2.5 deviations of the volatility at the money.
    smile : callable
        Volatility (decimal per year) by (log-moneyness array, time in years of 365 days).
    settlement : {"coin", "usd"}
        Unit of the prices.
    half_spread : float
        Half the distance of bid and ask, in volatility.
    carry : float
        Growth of the forward, decimal per year.
    as_of : Timestamp
        Instant (UTC) of the quotes.

    Returns
    -------
    OptionChain
        `implied_volatility` holds the smile's own value; forwards are marked synthetic at every other expiry.

    Raises
    ------
    ArgumentError
        For a forward, spread or number of strikes that cannot be, or a settlement of another name.

    Examples
    --------
    >>> chain = simulate_chain(days=[30.0], n_strikes=5)
    >>> chain.n_quotes, chain.quotes["instrument"].iloc[0]
    (10, 'BTC-5FEB26-58400-P')
    """
    check_positive(forward, argument="forward", unit="USD")
    check_positive(half_spread, argument="half_spread", unit="volatility")
    check_count(n_strikes, argument="n_strikes", minimum=1, unit="strikes")
    check_choice(settlement, argument="settlement", choices=("coin", "usd"))
    expiries = [(as_of + pd.Timedelta(days=d) - pd.Timedelta(hours=8)).ceil("D") + pd.Timedelta(hours=8) for d in days]
    name = underlying if settlement == "coin" else f"{underlying}_USDC"
    frames = []
    for number, expiry in enumerate(expiries):
        time = (expiry - as_of).total_seconds() / (365.0 * 86_400.0)
        f = forward * np.exp(carry * time)
        strikes = _strikes(f, smile, time, n_strikes)
        frame = _expiry(f, strikes, time, smile, half_spread, in_coin=settlement == "coin")
        day = f"{expiry.day}{_MONTHS[expiry.month - 1]}{expiry:%y}"
        sides = np.where(frame["is_call"], "C", "P")
        named = [f"{name}-{day}-{k:.10g}-{s}".replace(".", "d") for k, s in zip(frame["strike"], sides, strict=True)]
        frames.append(frame.assign(expiry=expiry, instrument=named, is_synthetic_forward=bool(number % 2)))
    quotes = pd.concat(frames, ignore_index=True)
    return OptionChain(
        quotes=_in_order(quotes, as_of),
        venue="simulated",
        underlying=underlying,
        settlement=settlement,
        quote_unit=underlying if settlement == "coin" else "USDC",
        as_of=as_of,
        dropped={},
        metadata={"source": "simulated: Black-76 on a known smile", "rows_received": str(len(quotes))},
    )


def _strikes(forward: float, smile: Smile, time: float, n_strikes: int) -> np.ndarray:
    reach = 2.5 * float(smile(np.zeros(1), time)[0]) * np.sqrt(time)
    step = 10.0 ** np.floor(np.log10(forward) - 2.0) / 4.0
    raw = forward * np.exp(np.linspace(-reach, reach, n_strikes))
    return np.unique(np.maximum(np.round(raw / step), 1.0) * step)


def _expiry(
    forward: float, strikes: np.ndarray, time: float, smile: Smile, half_spread: float, *, in_coin: bool
) -> pd.DataFrame:
    is_call = np.repeat([False, True], len(strikes))
    k = np.tile(strikes, 2)
    volatility = smile(np.log(k / forward), time)
    unit = forward if in_coin else 1.0

    def price(at: np.ndarray) -> np.ndarray:
        return np.asarray(black76_price(forward, k, time, at, is_call)) / unit

    bid, ask = price(np.maximum(volatility - half_spread, 1e-4)), price(volatility + half_spread)
    return pd.DataFrame(
        {
            "strike": k, "is_call": is_call, "bid": bid, "ask": ask, "mid": (bid + ask) / 2.0,
            "mark": price(volatility), "implied_volatility": volatility, "underlying_price": forward,
            "open_interest": 100.0, "volume": 10.0,
        }
    )  # fmt: skip


def _in_order(quotes: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    columns = [
        *("instrument", "expiry", "strike", "is_call", "bid", "ask", "mid", "mark", "implied_volatility"),
        *("underlying_price", "is_synthetic_forward", "open_interest", "volume", "quoted_at"),
    ]
    typed = quotes.assign(
        quoted_at=as_of,
        expiry=quotes["expiry"].dt.as_unit("us"),
        instrument=quotes["instrument"].astype("str"),
        is_synthetic_forward=quotes["is_synthetic_forward"].astype("boolean"),
    )
    return freeze(typed[columns].sort_values(["expiry", "strike", "is_call"], ignore_index=True))
