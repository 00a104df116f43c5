"""Leverage brackets in the structure of ccxt: read into a tier table, and written from one."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from volkit.errors import DataError
from volkit.margin.tiers.refusals import TierAmountError, TierGapError, TierOverlapError
from volkit.margin.tiers.table import TierTable

__all__ = ["from_leverage_tiers", "to_leverage_tiers"]

_KEYS = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage")
# Amounts are printed with a few decimals; a relative error above this is another table.
_AMOUNT_TOLERANCE = 1e-6


def from_leverage_tiers(
    brackets: Sequence[Mapping[str, Any]], *, asset: str = "", as_of: pd.Timestamp | None = None
) -> TierTable:
    """Return the tier table of one market as ccxt's ``fetch_leverage_tiers`` lists it.

    Parameters
    ----------
    brackets : sequence of mapping
        One a tier, in any order, with minNotional, maxNotional (None or absent: open), maintenanceMarginRate (decimal)
        and maxLeverage (times); currency and ``info["cum"]``, the venue's own amount, are read when there.
    asset : str
        Name of the market; the brackets' symbol by default.
    as_of : Timestamp, optional
        When the brackets were in force (UTC).

    Returns
    -------
    TierTable
        Sorted by notional.

    Raises
    ------
    DataError
        For no bracket, a missing number, a bracket that ends before it begins, or several currencies.
    TierGapError, TierOverlapError, FallingRateError
        For brackets that leave a hole, overlap, or whose rates fall.
    TierAmountError
        For a venue's amount that is not the recursion of its rates.

    Examples
    --------
    >>> low = {"minNotional": 0, "maxNotional": 50_000, "maintenanceMarginRate": 0.004, "maxLeverage": 125}
    >>> high = {"minNotional": 50_000, "maxNotional": 600_000, "maintenanceMarginRate": 0.005, "maxLeverage": 100}
    >>> from_leverage_tiers([low, high], asset="BTC/USDT:USDT").amounts
    (0.0, 50.0)
    """
    is_listed = isinstance(brackets, Sequence) and not isinstance(brackets, (str, bytes))
    if not is_listed or not all(isinstance(b, Mapping) for b in brackets):
        got = f"{brackets!r:.60}"
        raise DataError("brackets", "must be a list of mappings, one a tier", got, "pass the list of one market")
    if not brackets:
        raise DataError("brackets", "must hold at least one tier", "none", "pass the list of one market")
    rows = sorted((_row(b, k) for k, b in enumerate(brackets, start=1)), key=lambda r: (r["floor"], r["cap"]))
    for k, (one, after) in enumerate(pairwise(rows), start=1):
        if after["floor"] > one["cap"]:
            got = f"nothing from {one['cap']:g} to {after['floor']:g} (tiers {k} and {k + 1})"
            raise TierGapError("brackets", "must join without a hole", got, "add the missing tier")
        if after["floor"] < one["cap"]:
            got = f"{after['floor']:g} before {one['cap']:g} (tiers {k} and {k + 1})"
            raise TierOverlapError("brackets", "must not overlap", got, "drop the doubled tier; pass one market")
    table = TierTable(
        asset=asset or str(brackets[0].get("symbol") or ""),
        floors=tuple(r["floor"] for r in rows),
        maintenance_rates=tuple(r["rate"] for r in rows),
        initial_rates=tuple(1.0 / r["leverage"] for r in rows),
        cap=rows[-1]["cap"],
        currency=_currency(brackets),
        as_of=as_of,
    )
    _check_amounts(table, rows)
    return table


def to_leverage_tiers(table: TierTable) -> list[dict[str, Any]]:
    """Return a tier table in ccxt's structure, one mapping a tier, the amount as ``info["cum"]``.

    Parameters
    ----------
    table : TierTable
        Its open cap is written as None.

    Returns
    -------
    list of dict
        `from_leverage_tiers` gives the same table back.

    Examples
    --------
    >>> table = TierTable(floors=(0.0,), maintenance_rates=(0.01,), initial_rates=(0.02,), asset="DOGE")
    >>> to_leverage_tiers(table)[0]["maxLeverage"], to_leverage_tiers(table)[0]["maxNotional"]
    (50.0, None)
    """
    return [
        {
            "tier": float(n),
            "symbol": table.asset,
            "currency": table.currency,
            "minNotional": row["floor"],
            "maxNotional": row["cap"] if row["cap"] < float("inf") else None,
            "maintenanceMarginRate": row["maintenance_rate"],
            "maxLeverage": row["max_leverage"],
            "info": {"bracket": str(n), "cum": str(row["amount"])},
        }
        for n, row in zip(table.summary().index, table.summary().to_dict("records"), strict=True)
    ]


def _number(value: Any, key: str, position: int) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        got = f"{value!r:.40} in number {position}"
        raise DataError("brackets", f"must have a number as {key}", got, "ask the venue again") from error


def _row(bracket: Mapping[str, Any], position: int) -> dict[str, float]:
    for key in _KEYS:
        if bracket.get(key) is None and key != "maxNotional":
            remedy = "leave the market out, or ask the venue for it"
            raise DataError("brackets", f"must have {key}", f"none in number {position}", remedy)
    cap = bracket.get("maxNotional")
    info = bracket.get("info")
    amount = info.get("cum") if isinstance(info, Mapping) else None
    row = {
        "floor": _number(bracket["minNotional"], "minNotional", position),
        "cap": float("inf") if cap is None else _number(cap, "maxNotional", position),
        "rate": _number(bracket["maintenanceMarginRate"], "maintenanceMarginRate", position),
        "leverage": _number(bracket["maxLeverage"], "maxLeverage", position),
        "amount": float("nan") if amount is None else _number(amount, "cum", position),
    }
    if not row["cap"] > row["floor"]:
        got = f"{row['floor']:g} to {row['cap']:g} in number {position}"
        raise DataError("brackets", "must end above where they begin", got, "swap the bounds, or drop the tier")
    if not row["leverage"] >= 1.0:
        raise DataError(
            "brackets", "must have maxLeverage of at least 1", f"{row['leverage']:g}", "pass times, e.g. 50"
        )
    return row


def _currency(brackets: Sequence[Mapping[str, Any]]) -> str:
    found = {str(b["currency"]) for b in brackets if b.get("currency")}
    if len(found) > 1:
        raise DataError("brackets", "must be in one currency", ", ".join(sorted(found)), "pass one market")
    return found.pop() if found else "USD"


def _check_amounts(table: TierTable, rows: Sequence[Mapping[str, float]]) -> None:
    for k, (own, row) in enumerate(zip(table.amounts, rows, strict=True), start=1):
        printed = row["amount"]
        if abs(printed - own) > _AMOUNT_TOLERANCE * max(1.0, own):  # NaN, no printed amount, compares false
            raise TierAmountError(
                "brackets", "must have the amounts of their rates", f"{printed:g} in tier {k}, the rates give {own:g}",
                "check rates and bounds: the venue's margin would jump at the tier",
            )  # fmt: skip
