"""Words and numbers that panels, figures and files of the dashboard share."""

__all__ = ["percent", "stem", "two_digits"]


def percent(share: float) -> str:
    """Return a decimal in per cent with one digit."""
    return f"{100.0 * share:.1f} %".replace("-", "\u2212")


def two_digits(value: float) -> str:
    """Return a number without unit with two digits."""
    return f"{value:.2f}".replace("-", "\u2212")


def stem(name: str) -> str:
    """Return a name as a plain part of a file name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name).lower() or "series"
