"""The forward of each expiry: the venue's, checked against put-call parity, or parity's where the venue has none."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.options.chain.parity import parity_forwards

__all__ = ["ForwardChoice", "forward_report", "row_forwards"]

ForwardChoice = Literal["venue", "parity"]

_LEAST_PAIRS = 3


def forward_report(quotes: pd.DataFrame, *, settlement: str, prefer: ForwardChoice) -> pd.DataFrame:
    """Return what is known of the forward of each expiry, and which one is used.

    Parameters
    ----------
    quotes : DataFrame, shape (n_quotes, n_columns)
        Columns of `OptionChain.quotes`.
    settlement : {"coin", "usd"}
        Unit of the prices.
    prefer : {"venue", "parity"}
        Whose forward is used where both are known; parity's then needs 3 strikes.

    Returns
    -------
    DataFrame, shape (n_expiries, 13)
        By expiry: kind ("listed", "synthetic", "unstated" or "missing": what the venue says of its forward),
        venue_forward (median of the rows, USD), n_missing (rows without one), the six columns of `parity_forwards`,
        difference_bp (venue over parity, basis points) and difference_errors (the same in standard errors),
        is_inside (whether the venue's forward lies where no parity trade pays, NA if unknown), used ("venue", "parity"
        or "none").

    Examples
    --------
    >>> pair = pd.DataFrame({"expiry": pd.Timestamp("2026-01-30 08:00", tz="UTC"), "strike": 90.0,
    ...     "is_call": [True, False], "bid": [11.0, 1.0], "ask": [11.2, 1.2], "underlying_price": 100.1,
    ...     "is_synthetic_forward": pd.array([True, True], dtype="boolean")})
    >>> report = forward_report(pair, settlement="usd", prefer="venue")
    >>> report["kind"].iloc[0], round(float(report["difference_bp"].iloc[0]), 3), report["used"].iloc[0]
    ('synthetic', 10.0, 'venue')
    """
    groups = quotes.groupby("expiry")
    venue = groups["underlying_price"].median()
    parity = parity_forwards(quotes, settlement=settlement)
    gap = venue - parity["parity_forward"]
    known = gap.notna()
    inside = (venue >= parity["parity_low"]) & (venue <= parity["parity_high"])
    has_parity = parity["n_pairs"] >= (_LEAST_PAIRS if prefer == "parity" else 1)
    by_parity = parity["parity_forward"].notna() & (has_parity if prefer == "parity" else venue.isna())
    used = np.select([by_parity.to_numpy(), venue.notna().to_numpy()], ["parity", "venue"], default="none")
    return pd.DataFrame(
        {
            "kind": groups[["underlying_price", "is_synthetic_forward"]].apply(_kind),
            "venue_forward": venue,
            "n_missing": groups["underlying_price"].apply(lambda column: int(column.isna().sum())),
            **parity,
            "difference_bp": 1e4 * gap / parity["parity_forward"],
            "difference_errors": gap / parity["standard_error"],
            "is_inside": inside.astype("boolean").mask(~known),
            "used": used,
        }
    )


def _kind(rows: pd.DataFrame) -> str:
    if rows["underlying_price"].isna().all():
        return "missing"
    flags = rows["is_synthetic_forward"].dropna()
    if flags.empty:
        return "unstated"
    return "synthetic" if flags.any() else "listed"


def row_forwards(quotes: pd.DataFrame, report: pd.DataFrame) -> pd.DataFrame:
    """Return the forward (USD) of each row and where it is from, shape (n_quotes, 2).

    A row has its own forward of the venue, which may have moved by a tick within one answer; a row without one has
    the median of its expiry. Parity gives one forward to the whole expiry.

    Parameters
    ----------
    quotes : DataFrame, shape (n_quotes, n_columns)
        Columns expiry, underlying_price, is_synthetic_forward.
    report : DataFrame
        From `forward_report`.

    Returns
    -------
    DataFrame
        forward (NaN where there is none) and forward_source: "listed", "synthetic", "unstated", "expiry median",
        "parity" or "none".
    """
    of = report.reindex(quotes["expiry"])
    by_parity = (of["used"] == "parity").to_numpy()
    own = quotes["underlying_price"].to_numpy()
    filled = np.where(np.isnan(own), of["venue_forward"].to_numpy(), own)
    forward = np.where(by_parity, of["parity_forward"].to_numpy(), filled)
    flag = quotes["is_synthetic_forward"].astype("boolean")
    said = flag.map({True: "synthetic", False: "listed"}).astype("object").where(flag.notna(), "unstated").to_numpy()
    source = np.select([np.isnan(forward), by_parity, np.isnan(own)], ["none", "parity", "expiry median"], default=said)
    return pd.DataFrame({"forward": forward, "forward_source": source.astype("str")}, index=quotes.index)
