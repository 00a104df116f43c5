"""A `MarginUnderRules` as lines of text and as plain values, and what a command line says in words."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from volkit.conventions import to_utc
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.portfolio.venues.compare import MarginUnderRules

__all__ = ["margin_lines", "margin_record", "parse_instant", "parse_prices"]

_MEANING = "A margin is the equity in USD, with every position counted at its mark, that the account must hold."


def _share(rate: float) -> str:
    return percent_to(rate, 2) if rate == rate else "\u2013"


def margin_lines(result: MarginUnderRules) -> list[str]:
    """Return the table from the lowest to the highest initial margin, refusals, illustrative parameters and notes.

    Parameters
    ----------
    result : MarginUnderRules
        Of one portfolio.

    Returns
    -------
    list of str
        Lines without a line end; a rule with illustrative parameters carries a star.
    """
    table = result.table
    applied = table[table["reason"] == ""].sort_values("initial_margin", kind="stable")
    refused = table[table["reason"] != ""]
    mark = "SIMULATED prices; " if result.provenance.simulated else ""
    width = max((len(name) for name in table.index), default=4) + 2
    lines = [
        f"{mark}as of {result.as_of:%Y-%m-%d %H:%M} UTC, gross notional {result.gross_notional:,.2f} USD, "
        f"{result.n_applied} of {len(table)} rules apply",
        "",
        f"{'rule':<{width}}{'initial':>16}{'maintenance':>16}{'of notional':>13}{'from':>12}  worst scenario",
    ]
    for name, row in applied.iterrows():
        shown, day = f"{name}{'*' if row['is_illustrative'] else ''}", f"{row['date']:%Y-%m-%d}"
        numbers = f"{row['initial_margin']:>16,.2f}{row['maintenance_margin']:>16,.2f}{_share(row['initial_rate']):>13}"
        lines.append(f"{shown:<{width}}{numbers}{day:>12}  {row['worst_scenario']}".rstrip())
    lines += ["", _MEANING]
    if len(refused):
        lines += ["", "does not apply:", *(f"  {name}: {row['reason']}" for name, row in refused.iterrows())]
    stars = {name: result.illustrative[str(name)] for name in applied.index if result.illustrative[str(name)]}
    if stars:
        lines += ["", "* illustrative, stated by no source at hand:"]
        lines += [f"  {name}: {', '.join(keys)}" for name, keys in stars.items()]
    if result.notes:
        lines += ["", "notes:", *(f"  {note}" for note in result.notes)]
    return lines


def margin_record(result: MarginUnderRules) -> dict[str, Any]:
    """Return the result as plain values for JSON; a margin that does not apply is None.

    Parameters
    ----------
    result : MarginUnderRules
        Of one portfolio.

    Returns
    -------
    dict
        as_of, simulated, gross_notional (USD), rules, components, notes.
    """
    return {
        "as_of": result.as_of.isoformat(),
        "simulated": result.provenance.simulated,
        "gross_notional": result.gross_notional,
        "rules": [
            {**_plain(row), "illustrative_parameters": list(result.illustrative[str(row["rule"])])}
            for row in result.table.reset_index().to_dict("records")
        ],
        "components": [_plain(row) for row in result.components.to_dict("records")],
        "notes": list(result.notes),
    }


def parse_prices(words: Sequence[str]) -> dict[str, float]:
    """Return prices (USD) by coin from words such as ``BTC=60000``.

    Raises
    ------
    ArgumentError
        For a word of another form, or a coin that comes twice.

    Examples
    --------
    >>> parse_prices(["BTC=60000", "ETH=2500.5"])
    {'BTC': 60000.0, 'ETH': 2500.5}
    """
    prices: dict[str, float] = {}
    for word in words:
        coin, _, text = (part.strip() for part in word.partition("="))
        try:
            price = float(text)
        except ValueError:
            price = math.nan
        if not coin or not 0.0 < price < math.inf:
            raise ArgumentError("--spot", "must be COIN=PRICE", repr(word), "write for example --spot BTC=60000")
        if coin in prices:
            raise ArgumentError("--spot", "must name a coin once", repr(word), "drop one of them")
        prices[coin] = price
    return prices


def parse_instant(text: str) -> pd.Timestamp:
    """Return an instant (UTC) written as a day or a time; one without a zone is taken as UTC.

    Raises
    ------
    ArgumentError
        When the text is neither.

    Examples
    --------
    >>> str(parse_instant("2026-11-28T09:30"))
    '2026-11-28 09:30:00+00:00'
    """
    try:
        stamp = pd.Timestamp(text)
        if stamp is pd.NaT:
            raise ValueError(text)
    except (ValueError, TypeError) as error:
        remedy = "write it as 2026-11-28 or 2026-11-28T09:30"
        raise ArgumentError("--as-of", "must be a day or an instant in UTC", repr(text), remedy) from error
    aware = stamp.tz_localize("UTC") if stamp.tz is None else stamp
    return to_utc(pd.DatetimeIndex([aware]))[0]


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    # JSON has no NaN and no instants.
    return {str(key): _value(value) for key, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
