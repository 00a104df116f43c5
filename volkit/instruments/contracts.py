"""Contracts: perpetual, future, option and coin, and what venues' names say of them.

A linear contract settles in dollars, an inverse one in its own coin. A quantity of any of them is signed and counts
units of the underlying; one unit of an inverse future is the contract of ``entry_price`` dollars.
"""

import re
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.conventions import to_utc
from volkit.errors import ArgumentError, DataError
from volkit.sources.exchange.instruments import parse_instrument

__all__ = ["Coin", "ContractSettlement", "Future", "Instrument", "Option", "Perpetual", "instrument_of", "utc_instant"]

ContractSettlement = Literal["linear", "inverse"]
_SETTLEMENTS = ("linear", "inverse")
_DOLLARS = ("USD", "USDC", "USDT")
_EXPIRY_HOUR = 8
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin held as such: collateral, or the settled result of inverse contracts.

    Examples
    --------
    >>> Coin("BTC").name
    'BTC'
    """

    underlying: str

    @property
    def name(self) -> str:
        """The coin."""
        return self.underlying


@dataclass(frozen=True, slots=True)
class Perpetual:
    """A perpetual: settles in dollars ("linear") or in its coin ("inverse").

    Raises
    ------
    ArgumentError
        For another settlement.

    Examples
    --------
    >>> Perpetual("BTC", "inverse").name, Perpetual("BTC").name
    ('BTC-PERPETUAL', 'BTC_USDC-PERPETUAL')
    """

    underlying: str
    settlement: ContractSettlement = "linear"

    def __post_init__(self) -> None:
        check_choice(self.settlement, argument="settlement", choices=_SETTLEMENTS)

    @property
    def name(self) -> str:
        """The name in Deribit's manner."""
        return f"{_base(self.underlying, self.settlement)}-PERPETUAL"


@dataclass(frozen=True, slots=True)
class Future:
    """A dated future; `expiry` is an aware instant, kept in UTC.

    Raises
    ------
    ArgumentError
        For another settlement, or an expiry without a time zone.

    Examples
    --------
    >>> Future("ETH", pd.Timestamp("2026-03-27 08:00", tz="UTC"), "inverse").name
    'ETH-27MAR26'
    """

    underlying: str
    expiry: pd.Timestamp
    settlement: ContractSettlement = "linear"

    def __post_init__(self) -> None:
        check_choice(self.settlement, argument="settlement", choices=_SETTLEMENTS)
        object.__setattr__(self, "expiry", utc_instant(self.expiry, argument="expiry"))

    @property
    def name(self) -> str:
        """The name in Deribit's manner."""
        return f"{_base(self.underlying, self.settlement)}-{_day(self.expiry)}"


@dataclass(frozen=True, slots=True)
class Option:
    """A European option on the future of its expiry; `strike` in USD.

    Raises
    ------
    ArgumentError
        For another settlement, a strike that is not positive, or an expiry without a time zone.

    Examples
    --------
    >>> Option("XRP", pd.Timestamp("2026-03-27 08:00", tz="UTC"), 0.55, False).name
    'XRP_USDC-27MAR26-0d55-P'
    """

    underlying: str
    expiry: pd.Timestamp
    strike: float
    is_call: bool
    settlement: ContractSettlement = "linear"

    def __post_init__(self) -> None:
        check_choice(self.settlement, argument="settlement", choices=_SETTLEMENTS)
        object.__setattr__(self, "strike", check_positive(float(self.strike), argument="strike", unit="USD"))
        object.__setattr__(self, "expiry", utc_instant(self.expiry, argument="expiry"))

    @property
    def name(self) -> str:
        """The name in Deribit's manner."""
        strike = f"{self.strike:.12f}".rstrip("0").rstrip(".").replace(".", "d")
        side = "C" if self.is_call else "P"
        return f"{_base(self.underlying, self.settlement)}-{_day(self.expiry)}-{strike}-{side}"


Instrument = Coin | Perpetual | Future | Option

_DAY = r"(?P<date>\d{1,2}[A-Z]{3}\d{2}|\d{8}|\d{6})"
_TAIL = rf"(-{_DAY}(-(?P<strike>\d+([d.]\d+)?)-(?P<side>[CP]))?)?"
_BASE = r"(?P<base>[A-Z0-9]+)"
_QUOTE = rf"(?P<quote>{'|'.join(_DOLLARS)})"
_FORMS = (
    # Deribit, also with dates of eight or six digits: Derive, Binance and Bybit options.
    re.compile(rf"{_BASE}(_{_QUOTE})?(-(?P<perpetual>PERPETUAL|PERP)|{_TAIL})"),
    # OKX.
    re.compile(rf"{_BASE}-{_QUOTE}(-(?P<perpetual>SWAP)|{_TAIL})"),
    # ccxt's unified symbols.
    re.compile(rf"{_BASE}/{_QUOTE}:(?P<settle>[A-Z0-9]+){_TAIL}"),
    # Binance and Bybit perpetuals.
    re.compile(rf"(?P<base>[A-Z0-9]+?){_QUOTE}(?P<perpetual>(PERP)?)"),
)


def instrument_of(name: str) -> Instrument:
    """Return the contract that a venue's name tells.

    Parameters
    ----------
    name : str
        In the manner of Deribit (``BTC-27MAR26-90000-C``, ``BTC_USDC-PERPETUAL``), ccxt
        (``BTC/USDT:USDT-260327``), OKX (``BTC-USD-SWAP``), Derive (``ETH-20260327-3000-P``), Binance (``BTCUSDT``,
        ``BTC-260327-90000-C``). Expiries are at 08:00 UTC. A name without dollars in Deribit's manner (day spelled
        with a month) settles in the coin, in the others in dollars.

    Returns
    -------
    Perpetual, Future or Option
        Never a `Coin`: a bare ``BTC`` is refused, since venues mean different things by it.

    Raises
    ------
    DataError
        For a name that none of these venues would write.

    Examples
    --------
    >>> instrument_of("BTC-27MAR26-90000-C").settlement, instrument_of("BTC/USDT:USDT-260327-90000-C").settlement
    ('inverse', 'linear')
    >>> instrument_of("BTC-USD-SWAP") == instrument_of("BTC-PERPETUAL")
    True
    """
    text = str(name).strip()
    contract = parse_instrument(text)
    if contract is not None:
        kind: ContractSettlement = "inverse" if contract.settlement == "coin" else "linear"
        return Option(contract.underlying, contract.expiry, contract.strike, contract.is_call, kind)
    for form in _FORMS:
        parts = form.fullmatch(text)
        found = _read(parts.groupdict()) if parts else None
        if found is not None:
            return found
    remedy = "write it as BTC-27MAR26-90000-C, BTC-27MAR26 or BTC_USDC-PERPETUAL, or in ccxt's manner as BTC/USDT:USDT"
    raise DataError("instrument", "must be a venue's name of a perpetual, future or option", repr(text), remedy)


def utc_instant(instant: pd.Timestamp, *, argument: str) -> pd.Timestamp:
    """Return an aware instant in UTC at microseconds.

    Raises
    ------
    ArgumentError
        For an instant without a time zone.

    Examples
    --------
    >>> str(utc_instant(pd.Timestamp("2026-03-27 09:00", tz="Europe/Berlin"), argument="expiry"))
    '2026-03-27 08:00:00+00:00'
    """
    stamp = pd.Timestamp(instant)
    if stamp.tz is None:
        remedy = 'write pd.Timestamp(..., tz="UTC")'
        raise ArgumentError(argument, "must be an instant in UTC", f"{stamp} without a zone", remedy)
    return to_utc(pd.DatetimeIndex([stamp]))[0]


def _read(parts: dict[str, str | None]) -> Instrument | None:
    """Return the contract of the parts of a name, None where a day does not exist or nothing tells the kind."""
    base, date = str(parts["base"]), parts.get("date")
    settlement = _settlement(parts, date)
    if parts.get("perpetual") is not None or (date is None and parts.get("settle")):
        return Perpetual(base, settlement)
    expiry = _expiry(date) if date else None
    if expiry is None:
        return None
    if not parts["strike"]:
        return Future(base, expiry, settlement)
    strike = float(str(parts["strike"]).replace("d", "."))
    return Option(base, expiry, strike, parts["side"] == "C", settlement) if strike > 0.0 else None


def _settlement(parts: dict[str, str | None], date: str | None) -> ContractSettlement:
    if parts.get("settle"):
        return "inverse" if parts["settle"] == parts["base"] else "linear"
    if parts.get("quote"):
        return "inverse" if parts["quote"] == "USD" and parts.get("perpetual") not in ("", "PERP") else "linear"
    spelled = date is not None and not date.isdigit()
    return "inverse" if spelled or parts.get("perpetual") == "PERPETUAL" else "linear"


def _expiry(date: str) -> pd.Timestamp | None:
    if date.isdigit():
        text = date if len(date) == 8 else f"20{date}"
    else:
        month = date[-5:-2]
        if month not in _MONTHS:
            return None
        text = f"20{date[-2:]}{_MONTHS.index(month) + 1:02}{int(date[:-5]):02}"
    day = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
    return None if day is pd.NaT else day.tz_localize("UTC") + pd.Timedelta(hours=_EXPIRY_HOUR)


def _base(underlying: str, settlement: ContractSettlement) -> str:
    return underlying if settlement == "inverse" else f"{underlying}_USDC"


def _day(expiry: pd.Timestamp) -> str:
    return f"{expiry.day}{_MONTHS[expiry.month - 1]}{expiry.year % 100:02}"
