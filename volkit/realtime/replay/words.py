"""What a comparison of margins says in a sentence: the worse first."""

from collections.abc import Callable

import pandas as pd

from volkit.conventions import SIDES
from volkit.formatting import percent_to, to_digits

__all__ = ["comparison_sentence"]

# Column, words, how a value is written; more is worse in all of them.
_CRITERIA = (
    ("mean_margin", "mean margin", percent_to),
    ("peak_to_trough", "peak to trough", lambda times: f"{to_digits(times, 1)} times"),
    ("largest_rise", "largest rise within a block", lambda share: percent_to(share, 0)),
    ("exceedances", "exceedances", lambda count: to_digits(count, 0)),
    ("episodes", "shortfall episodes", lambda count: to_digits(count, 0)),
    ("deepest", "deepest shortfall", percent_to),
    ("shortfall", "shortfall in all", percent_to),
)
_NAMES = {"dynamic": "The dynamic margin", "online": "With online calibration it"}


def comparison_sentence(table: pd.DataFrame, regimes: pd.DataFrame) -> str:
    """Return where the live margins are worse than the static one, and where better; both sides added up or averaged.

    Parameters
    ----------
    table, regimes : DataFrame
        Of a `StaticDynamicComparison`.
    """
    static = _both_sides(table.loc["static"])
    parts = []
    for margin, name in _NAMES.items():
        ours = _both_sides(table.loc[margin])
        worse = [_pair(c, w, f, ours, static) for c, w, f in _CRITERIA if ours[c] > static[c] * (1.0 + 1e-9)]
        better = [_pair(c, w, f, ours, static) for c, w, f in _CRITERIA if ours[c] < static[c] * (1.0 - 1e-9)]
        said = f"{name} is worse than the static one in {_listed(worse)}" if worse else f"{name} is worse in nothing"
        parts.append(f"{said}; better in {_listed(better)}" if better else f"{said}; better in nothing")
        at_mean = f"{table.loc[margin, 'exceedances_of_mean'].sum():.0f}"
        parts.append(
            f"A static margin of the same mean, known only in hindsight, would have had {at_mean} exceedances against "
            f"its {ours['exceedances']:.0f}"
        )
        if beyond := _beyond(regimes.loc[margin]):
            parts.append(f"Its exceedances lie above what the target allows in {_listed(beyond)}")
    if beyond := _beyond(regimes.loc["static"]):
        parts.append(f"The static margin's exceedances lie above what the target allows in {_listed(beyond)}")
    return ". ".join(parts) + "."


def _both_sides(rows: pd.DataFrame) -> pd.Series:
    """Counts and sums over both sides; means of the capital; the worse side of the rest."""
    added = rows[["exceedances", "episodes", "shortfall"]].sum()
    worst = rows[["deepest", "peak_to_trough", "largest_rise"]].max()
    return pd.concat([added, worst, rows[["mean_margin"]].mean()])


def _pair(column: str, words: str, form: Callable[[float], str], ours: pd.Series, static: pd.Series) -> str:
    return f"{words} ({form(ours[column])} against {form(static[column])})"


def _beyond(coverage: pd.DataFrame) -> list[str]:
    """Regimes and sides with more exceedances than a right margin has with probability 5 %."""
    found = []
    for side in SIDES:
        rows = coverage.loc[side]
        for group, row in rows[rows["exceedances"] > rows["allowed"]].iterrows():
            where = "all blocks" if group == "all" else f"{group} blocks"
            found.append(
                f"{where} ({side}, {row['exceedances']:.0f} of {row['n_obs']:.0f}, allowed {row['allowed']:.0f})"
            )
    return found


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
