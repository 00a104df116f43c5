"""The tables of a surface: quotes that can be fitted, their residuals, and parameters by expiry."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from volkit.checks import check_floats
from volkit.errors import DataError
from volkit.options.surface.smile import FittedSmile
from volkit.options.surface.spec import SurfaceSpec

__all__ = ["FEWEST_STRIKES", "fitted_quotes", "parameter_table", "usable_quotes"]

FEWEST_STRIKES = 5
_NEEDED = (
    *("expiry", "time", "forward", "strike", "is_call", "log_moneyness"),
    *("bid_volatility", "ask_volatility", "mark_volatility"),
)
_NUMBERS = tuple(
    name for name in (*_NEEDED, "mid_volatility", "implied_volatility") if name not in ("expiry", "is_call")
)
_TIGHTEST, _WIDEST = 1e-3, 3.0
_UNQUOTED = 0.05
# A mark near the forward is known better than its spread says: hours from expiry the spread is several points wide.
_AT_THE_MONEY, _AWAY = 0.001, 0.02
# Solved volatilities carry rounding of prices.
_ROUNDING = 1e-9


def usable_quotes(quotes: pd.DataFrame, spec: SurfaceSpec) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the quotes to fit with target and tolerance (volatility, decimal), and what was skipped and why.

    Raises
    ------
    DataError
        When a column is missing, a time is not positive, an expiry has two times, or nothing is left.
    """
    missing = [name for name in _NEEDED if name not in quotes.columns]
    if missing:
        raise DataError(
            "quotes",
            f"must have the columns {', '.join(_NEEDED)}",
            f"none named {missing[0]}",
            "pass what prepare_chain returns, or add it",
        )
    table = quotes.reset_index(drop=True)
    for name in (c for c in _NUMBERS if c in table.columns):
        table[name] = check_floats(table[name], argument=f"quotes ({name})")
    _refuse_times(table)
    two_sided = _two_sided(table)
    bid, ask = table["bid_volatility"], table["ask_volatility"]
    mid = table.get("mid_volatility", 0.5 * (bid + ask)).fillna(0.5 * (bid + ask))
    mark = table.get("implied_volatility", table["mark_volatility"]).fillna(table["mark_volatility"])
    target = mid if spec.target == "mid" else mark.fillna(mid)
    half = (0.5 * (ask - bid)).fillna((ask - target).abs()).fillna((target - bid).abs())
    half = half.where(two_sided).fillna(_UNQUOTED * target)
    if spec.target == "mark":
        deviations = table["log_moneyness"] / (target * np.sqrt(table["time"]))
        half = np.minimum(half, _AT_THE_MONEY + _AWAY * deviations**2)
    table = table.assign(
        target_volatility=target, tolerance=half.clip(_TIGHTEST, _WIDEST), is_two_sided=two_sided.to_numpy()
    )
    reasons = pd.Series("", index=table.index)
    reasons[(table["log_moneyness"].isna()) | ~(target > 0.0)] = "no volatility to meet"
    if spec.quotes == "two_sided":
        reasons[(reasons == "") & ~two_sided] = "without bid or ask"
    strikes = table[reasons == ""].groupby("expiry")["strike"].nunique().reindex(table["expiry"]).fillna(0).to_numpy()
    reasons[(reasons == "") & (strikes < FEWEST_STRIKES)] = f"fewer than {FEWEST_STRIKES} strikes at the expiry"
    used = reasons == ""
    skipped = table.assign(reason=reasons)[~used].groupby(["expiry", "reason"]).size().rename("quotes").reset_index()
    if not used.any():
        told = ", ".join(f"{n} {reason}" for reason, n in skipped.groupby("reason")["quotes"].sum().items())
        raise DataError("quotes", "must have an expiry that can be fitted", told or "no rows", "pass more quotes")
    return table[used].sort_values(["expiry", "strike", "is_call"], ignore_index=True), skipped


def _refuse_times(table: pd.DataFrame) -> None:
    late = ~(table["time"] > 0.0)
    if late.any():
        row = int(np.flatnonzero(late)[0])
        got = f"{table['time'].iloc[row]} in row {row}"
        raise DataError("quotes['time']", "must be positive (years to expiry)", got, "drop expired options")
    several = table.groupby("expiry")["time"].agg(np.ptp) > 1e-6
    if several.any():
        got = f"several for {several.index[several.to_numpy()][0]}"
        raise DataError("quotes['time']", "must be one an expiry", got, "take one snapshot at a time")


def _two_sided(table: pd.DataFrame) -> pd.Series:
    if "sides" in table.columns:
        return table["sides"] == "two"
    if {"bid", "ask"} <= set(table.columns):
        return table["bid"].notna() & table["ask"].notna()
    return table["bid_volatility"].notna() & table["ask_volatility"].notna()


_QUOTE_COLUMNS = [
    *("instrument", "expiry", "strike", "is_call", "time", "forward", "log_moneyness"),
    *("bid_volatility", "ask_volatility", "target_volatility", "tolerance"),
]


def fitted_quotes(slices: Sequence[FittedSmile], quotes: pd.DataFrame) -> pd.DataFrame:
    """Return the quotes with the volatility of their smile, its residual, and whether bid and ask enclose it."""
    fitted = np.full(len(quotes), np.nan)
    for smile in slices:
        rows = (quotes["expiry"] == smile.expiry).to_numpy()
        fitted[rows] = smile.volatility(quotes["log_moneyness"].to_numpy()[rows])
    bid, ask = (quotes[name].to_numpy() for name in ("bid_volatility", "ask_volatility"))
    # A bid below the intrinsic value has no volatility and bounds nothing; an ask without one is below every smile.
    inside = ~(fitted < bid - _ROUNDING) & (fitted <= ask + _ROUNDING)
    two_sided = quotes["is_two_sided"].to_numpy()
    kept = quotes[[name for name in _QUOTE_COLUMNS if name in quotes.columns]]
    return kept.assign(
        fitted_volatility=fitted,
        residual=fitted - quotes["target_volatility"].to_numpy(),
        is_two_sided=two_sided,
        is_inside=pd.Series(inside, index=quotes.index).astype("boolean").where(pd.Series(two_sided, quotes.index)),
    )


def parameter_table(slices: Sequence[FittedSmile], quotes: pd.DataFrame) -> pd.DataFrame:
    """Return parameters and goodness of fit by expiry."""
    groups = quotes.groupby("expiry")
    rows = [
        {
            "expiry": s.expiry,
            "time": s.time,
            "forward": s.forward,
            **{name: getattr(s.svi, name) for name in ("a", "b", "rho", "m", "sigma")},
            "smoothing": s.residual.smoothing if s.residual is not None else np.nan,
        }
        for s in slices
    ]
    table = pd.DataFrame(rows).set_index("expiry")
    inside = groups["is_inside"].apply(lambda x: float(x.dropna().astype(bool).mean()) if x.notna().any() else np.nan)
    return table.assign(
        n_quotes=groups.size(),
        rmse=groups["residual"].apply(lambda x: float(np.sqrt(np.mean(np.square(x))))),
        inside_share=inside,
    )
