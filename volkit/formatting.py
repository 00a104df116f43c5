"""How a value is written for people: in a report's tables, and in the table that a notebook shows of a result."""

import re
from typing import Literal

import numpy as np
import pandas as pd

__all__ = [
    "HASH_SHOWN",
    "MISSING",
    "ColumnKind",
    "aligned_digits",
    "format_value",
    "guess_kind",
    "is_missing",
    "is_numeric",
    "length_words",
    "money_words",
    "percent_to",
    "percent_words",
    "plain_words",
    "time_words",
    "to_digits",
    "unit_kind",
    "words_of_class",
]

ColumnKind = Literal[
    "text", "number", "percent", "correlation", "p_value", "count", "date", "time", "by_unit", "hash", "change"
]

MISSING = "\u2013"
HASH_SHOWN = 12
_MINUS = "\u2212"
_LARGEST_PLAIN = 1e9
_ROUNDING = 1e-12
_SNAKE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[0-9]+")
_LABELS = ("year", "seed", "id")
# Fractions by the naming rule of the package: a share or a rate is a decimal.
_FRACTION = re.compile(r"(?:^|[_ ])(?:share|rate)$")
_FRACTION_UNIT = re.compile(r"^(?:(?P<before>.*), )?(?:decimal|fraction|share)(?! squared)(?P<after>.*)$")
_ACRONYMS = {
    "adl": "ADL",
    "arch": "ARCH",
    "covar": "CoVaR",
    "dcc": "DCC",
    "garch": "GARCH",
    "greeks": "Greeks",
    "granger": "Granger",
    "har": "HAR",
    "hayashi": "Hayashi",
    "yoshida": "Yoshida",
    "merton": "Merton",
    "murphy": "Murphy",
    "berkowitz": "Berkowitz",
    "hill": "Hill",
    "diebold": "Diebold",
    "mariano": "Mariano",
    "mincer": "Mincer",
    "zarnowitz": "Zarnowitz",
    "forbes": "Forbes",
    "rigobon": "Rigobon",
    "pareto": "Pareto",
    "t": "t",
}
_CLOCK = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0))


def format_value(value: object, *, kind: ColumnKind, unit: str = "") -> str:
    """Return a value as it stands in a table cell.

    Parameters
    ----------
    value : object
        A number, text, time, length of time or a missing value (None, NaN, NaT), which becomes a dash.
    kind : str
        `percent` is for fractions (0.05 is 5 %), `change` for those with their sign, `p_value` has three digits,
        `correlation` two, `number` four significant ones, `date` leaves the clock out, `time` keeps it, `hash` is cut
        to twelve letters, `by_unit` follows `unit`.
    unit : str
        For `by_unit`: ``fraction...`` is written as per cent, ``times`` with a multiplication sign.

    Returns
    -------
    str
        Not escaped.

    Examples
    --------
    >>> [format_value(v, kind=k) for v, k in ((0.1234, "percent"), (0.00004, "p_value"), (12345, "count"))]
    ['12.34 %', '<0.001', '12,345']
    >>> format_value(pd.Timestamp("2024-03-01", tz="UTC"), kind="date"), format_value(8.0, kind="by_unit", unit="times")
    ('2024-03-01', '8.00\u00d7')
    """
    if is_missing(value):
        return MISSING
    if kind == "by_unit":
        if unit == "times" and isinstance(value, (int, float, np.number)):
            return f"{float(value):.2f}\u00d7"
        kind = "percent" if unit.startswith("fraction") else "number"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if kind == "hash":
        return str(value)[:HASH_SHOWN]
    if isinstance(value, (pd.Timedelta, np.timedelta64)):
        return length_words(pd.Timedelta(value))
    if kind in ("date", "time") and hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M UTC"))
    if isinstance(value, pd.Timestamp):
        return time_words(value)
    if kind == "text" or not isinstance(value, (int, float, np.number)):
        return str(value)
    return _number_words(float(value), kind).replace("-", _MINUS)


def guess_kind(name: str, column: pd.Series) -> ColumnKind:
    """Return the kind of a column by its dtype and its name.

    Examples
    --------
    >>> guess_kind("p-value", pd.Series([0.2])), guess_kind("rows", pd.Series([3]))
    ('p_value', 'count')
    """
    if pd.api.types.is_bool_dtype(column):
        return "text"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date" if (column.dropna() == column.dropna().dt.normalize()).all() else "time"
    if pd.api.types.is_integer_dtype(column):
        return "count"
    lowered = name.lower()
    if lowered.startswith(("sha-256", "sha256")):
        return "hash"
    if pd.api.types.is_float_dtype(column):
        p_value = lowered in ("p", "p-value", "p_value") or lowered.endswith((" p", "p-value"))
        whole = bool(column.notna().any()) and bool((column.dropna() % 1 == 0).all()) and column.abs().max() >= 1000
        return "p_value" if p_value else "count" if whole else "number"
    return "text"


def unit_kind(label: str) -> tuple[str, str, ColumnKind | None]:
    """Return a label's words, its unit, and the kind of number when either of them tells it.

    Parameters
    ----------
    label : str
        Of a column or row, with the unit in the last parentheses where it has one.

    Returns
    -------
    words, unit : str
        The unit without what a per-cent sign says already.
    kind : str or None
        None when the label does not tell.

    Examples
    --------
    >>> unit_kind("volatility (decimal per year)"), unit_kind("bad_debt (USD)"), unit_kind("exception rate")
    (('volatility', 'per year', 'percent'), ('bad debt', 'USD', None), ('exception rate', '', 'percent'))
    """
    words, _, unit = label[:-1].rpartition(" (") if label.endswith(")") and " (" in label else (label, "", "")
    words, lowered = plain_words(words.strip()), words.strip().lower()
    if lowered in _LABELS:
        return words, unit, "text"
    if lowered in ("p", "p-value", "p_value") or lowered.endswith((" p", "p-value", "p_value")):
        return words, "" if unit == "probability" else unit, "p_value"
    if lowered.startswith("p of ") or unit in ("p", "p, Holm"):
        return words, unit, "p_value"
    found = _FRACTION_UNIT.match(unit)
    if found:
        rest = [part.strip() for part in (found["before"] or "", found["after"]) if part.strip()]
        return words, ", ".join(part.removeprefix(", ") for part in rest), "percent"
    if not unit and _FRACTION.search(lowered):
        return words, "", "percent"
    return words, unit, None


def aligned_digits(column: pd.Series) -> int | None:
    """Find the least decimals, up to three, that write a whole column exactly, so that its points align.

    Examples
    --------
    >>> aligned_digits(pd.Series([1.5, 20.0])), aligned_digits(pd.Series([1 / 3]))
    (1, None)
    """
    values = pd.to_numeric(column, errors="coerce").dropna().to_numpy(dtype=np.float64)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) >= _LARGEST_PLAIN:
        return None
    return next((d for d in range(4) if np.abs(values - values.round(d)).max(initial=0.0) < _ROUNDING), None)


def to_digits(number: float, digits: int) -> str:
    """Return a number with so many decimals, thousands apart, and never as minus nought.

    Examples
    --------
    >>> to_digits(-1234.5, 1), to_digits(-0.0, 2)
    ('\u22121,234.5', '0.00')
    """
    return f"{number + 0.0:,.{digits}f}".replace("-", _MINUS)


def money_words(value: float) -> str:
    """Return an amount in three digits and a letter.

    Examples
    --------
    >>> money_words(1_234_000.0), money_words(-950.0)
    ('1.23M', '\u2212950')
    """
    sign = _MINUS if value < 0.0 else ""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{sign}{abs(value) / unit:.3g}{letter}"
    return f"{sign}{abs(value):.3g}"


def percent_words(share: float, *, digits: int | None = None) -> str:
    """Return a fraction in per cent, as it stands in a sentence.

    Parameters
    ----------
    share : float
        Decimal.
    digits : int, optional
        Significant digits at most, for an estimate; by default up to two decimals, for a level that somebody chose.

    Returns
    -------
    str
        Without noughts at the end.

    Examples
    --------
    >>> percent_words(0.95), percent_words(0.9975), percent_words(-0.13342, digits=3)
    ('95 %', '99.75 %', '\u221213.3 %')
    """
    per_cent = round(100.0 * share, 2) if digits is None else float(f"{100.0 * share:.{digits}g}")
    return f"{per_cent + 0.0:.12g} %".replace("-", _MINUS)


def percent_to(share: float, decimals: int = 1, *, signed: bool = False) -> str:
    """Return a fraction in per cent with so many decimals, noughts among them, as one of several to be compared.

    Examples
    --------
    >>> percent_to(0.0897), percent_to(-0.05, 2), percent_to(0.1, 0, signed=True)
    ('9.0 %', '\u22125.00 %', '+10 %')
    """
    words = f"{to_digits(100.0 * share, decimals)} %"
    return words if words.startswith(_MINUS) or not signed else f"+{words}"


def plain_words(words: str) -> str:
    """Return a Python name such as ``value_at_risk`` as words; a catalogue name such as ``WTI_SPOT`` stays.

    Examples
    --------
    >>> plain_words("value_at_risk"), plain_words("WTI_SPOT")
    ('value at risk', 'WTI_SPOT')
    """
    return words.replace("_", " ") if _SNAKE.fullmatch(words) else words


def words_of_class(name: str) -> str:
    """Return the name of a class as words.

    Examples
    --------
    >>> words_of_class("MarginSchedule"), words_of_class("DccFit"), words_of_class("TCopulaFit")
    ('Margin schedule', 'DCC fit', 't copula fit')
    """
    parts = [part.lower() for part in _CAMEL.findall(name)]
    words = " ".join(_ACRONYMS.get(part, part) for part in parts)
    return words if words.startswith("t ") else words[:1].upper() + words[1:]


def is_numeric(kind: ColumnKind) -> bool:
    """Return whether cells of this kind are numbers, which stand to the right.

    Examples
    --------
    >>> is_numeric("percent"), is_numeric("date")
    (True, False)
    """
    return kind in ("number", "percent", "correlation", "p_value", "count", "by_unit", "change")


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, NaT or NA.

    Examples
    --------
    >>> is_missing(float("nan")), is_missing(0.0)
    (True, False)
    """
    return (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))
    )


def time_words(time: pd.Timestamp) -> str:
    """Return an instant as a date, with the clock where it is not midnight.

    Examples
    --------
    >>> time_words(pd.Timestamp("2024-03-01", tz="UTC")), time_words(pd.Timestamp("2024-03-01 08:00", tz="UTC"))
    ('2024-03-01', '2024-03-01 08:00 UTC')
    """
    return str(time.strftime("%Y-%m-%d" if time == time.normalize() else "%Y-%m-%d %H:%M UTC"))


def length_words(span: pd.Timedelta) -> str:
    """Return a length of time in its largest fitting unit.

    Examples
    --------
    >>> length_words(pd.Timedelta("1h")), length_words(pd.Timedelta("36h")), length_words(pd.Timedelta("5s"))
    ('1 h', '1.5 d', '5 s')
    """
    seconds = span.total_seconds()
    unit, size = next(((unit, size) for unit, size in _CLOCK if abs(seconds) >= size), ("s", 1.0))
    words = _significant(seconds / size)
    return f"{words.rstrip('0').rstrip('.') if '.' in words else words} {unit}".replace("-", _MINUS)


def _number_words(number: float, kind: ColumnKind) -> str:
    if np.isinf(number):
        return "\u221e" if number > 0 else "-\u221e"
    if kind == "change":
        return f"{100.0 * number:+,.1f} %"
    if kind == "percent":
        size = abs(100.0 * number)
        digits = 2 if size >= 0.1 or size == 0 else 3
        return f"{100.0 * number + 0.0:,.{digits}f} %"
    if kind == "p_value":
        return "<0.001" if number < 0.0005 else f"{number:.3f}"
    if kind == "correlation":
        return f"{number:.2f}"
    if kind == "count":
        return f"{number + 0.0:,.0f}"
    return _significant(number)


def _significant(number: float) -> str:
    if number == 0.0:
        return "0"
    size = abs(number)
    if size >= 1e9 or size < 1e-5:
        return f"{number:.3e}"
    digits = max(0, 3 - int(np.floor(np.log10(size))))
    return f"{number:,.{digits}f}"
