"""Names of scenarios: what they shock, or the day that they come from."""

import pandas as pd

__all__ = ["named_rows", "origin_labels"]

_WORDS = {
    "price": ("price {:+g} %", 100.0),
    "volatility": ("volatility {:+g} %", 100.0),
    "days": ("{:g} days on", 1.0),
    "skew": ("skew {:+g} %", 100.0),
    "wing": ("wings {:+g} %", 100.0),
    "basis": ("basis {:+g} %", 100.0),
    "carry": ("carry {:+g} %", 100.0),
}


def named_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows (shape unchanged) under names that tell their shocks.

    Examples
    --------
    >>> list(named_rows(pd.DataFrame({**dict.fromkeys(_WORDS, 0.0), "price": [0.0, -0.15]})).index)
    ['nothing moves', 'price -15 %']
    """
    names = []
    for row in table.to_dict("records"):
        told = [text.format(round(scale * row[key], 4)) for key, (text, scale) in _WORDS.items() if row[key] != 0.0]
        told = ["1 day on" if words == "1 days on" else words for words in told]
        names.append(", ".join(told) or "nothing moves")
    return table.set_axis(pd.Index(names, name="scenario"), axis=0)


def origin_labels(index: pd.Index) -> pd.Index:
    """Return a name for each scenario: its first day, instant, or running number.

    Examples
    --------
    >>> list(origin_labels(pd.date_range("2024-01-01", periods=2, tz="UTC")))
    ['2024-01-01', '2024-01-02']
    """
    if isinstance(index, pd.DatetimeIndex):
        days = index.strftime("%Y-%m-%d")
        names = index.strftime("%Y-%m-%d %H:%M") if days.has_duplicates else days
    else:
        names = pd.Index([f"scenario {label}" for label in index])
    if names.has_duplicates:
        names = pd.Index([f"scenario {i}" for i in range(len(index))])
    return names.rename("scenario")
