"""Words and numbers that panels, figures and files of the dashboard share."""

from volkit.errors import VolkitError

__all__ = ["NotShownError", "counted", "stem", "two_digits"]


class NotShownError(VolkitError):
    """Why a panel has no numbers, and what its reader can choose instead."""


def two_digits(value: float) -> str:
    """Return a number without unit with two digits."""
    return f"{value:.2f}".replace("-", "\u2212")


def counted(count: int, noun: str) -> str:
    """Return a count and its noun.

    Examples
    --------
    >>> counted(1, "exception"), counted(1200, "exception")
    ('1 exception', '1,200 exceptions')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def stem(name: str) -> str:
    """Return a name as a plain part of a file name.

    Examples
    --------
    >>> stem("BTC/USD")
    'btc_usd'
    """
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name).lower() or "series"
