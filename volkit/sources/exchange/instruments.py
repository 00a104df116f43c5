"""Option contracts, from the venue's market list or read off an instrument's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

__all__ = ["Contract", "Settlement", "is_future", "listed_contract", "parse_instrument"]

Settlement = Literal["coin", "usd"]


@dataclass(frozen=True, slots=True)
class Contract:
    """One option: coin underneath, settlement currency, expiry (UTC instant), strike (USD), call or put."""

    underlying: str
    settle: str
    expiry: pd.Timestamp
    strike: float
    is_call: bool

    @property
    def settlement(self) -> Settlement:
        """Whether it pays in its own coin or in dollars."""
        return "coin" if self.settle == self.underlying else "usd"


def listed_contract(market: Mapping[str, Any]) -> Contract | None:
    """Return the option that an entry of the venue's market list describes (expiry in UTC), else None."""
    if not market.get("expiry") or not market.get("strike") or market.get("optionType") not in ("call", "put"):
        return None
    return Contract(
        underlying=str(market["base"]),
        settle=str(market["settle"]),
        expiry=pd.Timestamp(market["expiry"], unit="ms", tz="UTC"),
        strike=float(market["strike"]),
        is_call=market["optionType"] == "call",
    )


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DATE = rf"(?P<day>\d{{1,2}})(?P<month>{'|'.join(_MONTHS)})(?P<year>\d{{2}})"
_OPTION = re.compile(rf"(?P<base>[A-Z0-9]+)(_(?P<quote>[A-Z]+))?-{_DATE}-(?P<strike>\d+(d\d+)?)-(?P<side>[CP])")
_FUTURE = re.compile(rf"[A-Z0-9]+(_[A-Z]+)?-({_DATE}|PERPETUAL)")


def parse_instrument(name: str) -> Contract | None:
    """Return what Deribit's name of an option says, or None when it is not one.

    Options listed since the markets were read are known by their name alone; they expire at 08:00 UTC.

    Parameters
    ----------
    name : str
        Coin, currency where it is not the coin, day, strike (``d`` for the point), side.

    Examples
    --------
    >>> contract = parse_instrument("XRP_USDC-7JUN24-0d55-P")
    >>> contract.underlying, contract.settle, str(contract.expiry), contract.strike, contract.is_call
    ('XRP', 'USDC', '2024-06-07 08:00:00+00:00', 0.55, False)
    >>> parse_instrument("BTC-31JUN24-60000-C") is None  # no such day
    True
    """
    parts = _OPTION.fullmatch(name)
    if parts is None:
        return None
    month = _MONTHS.index(parts["month"]) + 1
    expiry = pd.to_datetime(f"20{parts['year']}-{month:02}-{int(parts['day']):02}", format="%Y-%m-%d", errors="coerce")
    strike = float(parts["strike"].replace("d", "."))
    if expiry is pd.NaT or strike == 0.0:
        return None
    return Contract(
        underlying=parts["base"],
        settle=parts["quote"] or parts["base"],
        expiry=expiry.tz_localize("UTC") + pd.Timedelta(hours=8),
        strike=strike,
        is_call=parts["side"] == "C",
    )


def is_future(name: str) -> bool:
    """Return whether a name is that of a dated future or a perpetual.

    Examples
    --------
    >>> is_future("BTC-27DEC24"), is_future("SYN.BTC-27DEC24")
    (True, False)
    """
    return _FUTURE.fullmatch(name) is not None
