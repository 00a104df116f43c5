"""Solvency through time: balance sheets valued at every time of a price frame, each sheet from when it was known."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction, check_times
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.ratios import DOLLARS, ratio
from volkit.solvency.balance.sheet import BalanceSheet

__all__ = ["SolvencyPath", "amounts_through_time", "lowest_to_last", "provenance_of", "solvency_through_time"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SolvencyPath(ResultDisplay):
    """Solvency through time, all entities together.

    Attributes
    ----------
    frame : DataFrame, shape (n_times, 6)
        Index time (UTC); USD: assets, own_token_assets, liabilities, surplus; ratios: solvency_ratio and
        collateralisation, as in `Solvency`.
    surplus_by_asset : DataFrame, shape (n_times, n_assets)
        USD; adds up to the surplus.
    own_token_haircut : float
        Fraction.
    n_sheets : int
        Balance sheets that were given.
    provenance : Provenance
        Of the sheets.
    """

    frame: pd.DataFrame
    surplus_by_asset: pd.DataFrame
    own_token_haircut: float
    n_sheets: int
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Last time (UTC)."""
        return self.frame.index[-1]

    @property
    def headline(self) -> str:
        """Lowest ratio and its time, the last ratio and how often the surplus was negative in one line."""
        low = self.frame["solvency_ratio"].idxmin()
        short = int((self.frame["surplus"] < 0.0).sum())
        return (
            f"solvency ratio {self.frame['solvency_ratio'].iloc[-1]:.3g} as of {self.as_of.date()}, lowest "
            f"{self.frame['solvency_ratio'].min():.3g} on {low.date()}, negative surplus at {short} of "
            f"{len(self.frame)} times"
        )

    def summary(self) -> pd.DataFrame:
        """Return lowest, median, highest and last value of every column (USD and ratios)."""
        return lowest_to_last(self.frame)

    def to_frame(self) -> pd.DataFrame:
        """Return the frame by time (UTC)."""
        return self.frame


def solvency_through_time(
    sheets: BalanceSheet | Sequence[BalanceSheet],
    prices: pd.DataFrame,
    *,
    fixed: Sequence[str] = DOLLARS,
    own_token_haircut: float = 0.0,
) -> SolvencyPath:
    """Return the solvency of all entities together at every time of a price frame.

    Parameters
    ----------
    sheets : BalanceSheet or sequence of BalanceSheet
        One sheet holds at all times; of several, each with its `as_of`, the last one known by then.
    prices : DataFrame, shape (n_times, n_columns)
        USD by time (UTC) and asset; further columns play no part.
    fixed : sequence of str
        Assets without a column that stay at the price of the sheet.
    own_token_haircut : float
        Fraction.

    Returns
    -------
    SolvencyPath

    Raises
    ------
    DataError
        For times that are no sorted UTC times, an asset that has neither a column nor a place among `fixed`, and a
        price that is missing or negative: nothing is filled.
    ArgumentError
        For no sheet, sheets without `as_of` or out of order, and times before the first.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "liability"], "asset": ["USD", "BTC"], "quantity": [1e6, 10.0],
    ...     "price": [1.0, 80_000.0], "own_token": False, "liquid": True}))
    >>> times = pd.date_range("2026-01-01", periods=3, tz="UTC")
    >>> prices = pd.DataFrame({"BTC": [80_000.0, 100_000.0, 125_000.0]}, index=times)
    >>> solvency_through_time(sheet, prices).frame["solvency_ratio"].tolist()
    [1.25, 1.0, 0.8]
    """
    kept = 1.0 - check_fraction(own_token_haircut, argument="own_token_haircut")
    owned, own, owed = amounts_through_time(sheets, prices, fixed=fixed)
    own = kept * own
    assets, owes = (owned + own).sum(axis=1), owed.sum(axis=1)
    frame = pd.DataFrame(
        {
            "assets": assets,
            "own_token_assets": own.sum(axis=1),
            "liabilities": owes,
            "surplus": assets - owes,
            "solvency_ratio": ratio(assets, owes),
            "collateralisation": ratio(owned.sum(axis=1), owes),
        }
    )
    return SolvencyPath(
        frame=freeze(frame),
        surplus_by_asset=freeze(owned + own - owed),
        own_token_haircut=1.0 - kept,
        n_sheets=1 if isinstance(sheets, BalanceSheet) else len(sheets),
        provenance=provenance_of(sheets),
    )


def amounts_through_time(
    sheets: BalanceSheet | Sequence[BalanceSheet], prices: pd.DataFrame, *, fixed: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return owned (without own tokens), own tokens and owed, USD, each of shape (n_times, n_assets).

    Raises
    ------
    DataError, ArgumentError
        As `solvency_through_time`.
    """
    index = check_times(prices.index, argument="prices")
    parts = []
    for sheet, held in _in_order(sheets, index):
        found = _price_matrix(sheet, prices[held], fixed=fixed)
        sums = sheet.at_prices(dict.fromkeys(sheet.assets, 1.0)).values()
        amounts = [found * part.sum(axis=0) for part in (sums.owned, sums.own_tokens, sums.owed)]
        parts.append([pd.DataFrame(part, index=index[held], columns=list(sums.assets)) for part in amounts])
    owned, own, owed = (pd.concat([p[i] for p in parts]).fillna(0.0) for i in range(3))
    return owned, own, owed


def lowest_to_last(frame: pd.DataFrame) -> pd.DataFrame:
    """Return lowest, median, highest and last value of every column; infinite ones are values like others.

    Between an infinite value and another the median is the lower of the two.

    Examples
    --------
    >>> lowest_to_last(pd.DataFrame({"ratio": [np.inf, 2.0, np.inf, 4.0]})).loc["ratio"].tolist()
    [2.0, 4.0, inf, 4.0]
    """
    rising, n = np.sort(frame.to_numpy(dtype=np.float64), axis=0), len(frame)
    lower, upper = rising[(n - 1) // 2], rising[n // 2]
    # Half the distance to an infinite value is no number, or infinite.
    middle = np.where(np.isfinite(lower) & np.isfinite(upper), 0.5 * lower + 0.5 * upper, lower)
    table = {"lowest": rising[0], "median": middle, "highest": rising[-1], "last": frame.iloc[-1].to_numpy()}
    return pd.DataFrame(table, index=frame.columns)


def provenance_of(sheets: BalanceSheet | Sequence[BalanceSheet]) -> Provenance:
    """Return the sources of one sheet or several."""
    several = (sheets,) if isinstance(sheets, BalanceSheet) else sheets
    return Provenance(tuple({s.name: s for sheet in several for s in sheet.provenance.series}.values()))


def _price_matrix(sheet: BalanceSheet, prices: pd.DataFrame, *, fixed: Sequence[str]) -> Floats:
    """Return prices of the sheet's assets, shape (n_times, n_assets), USD; `fixed` ones from the sheet.

    Raises
    ------
    DataError
        For an asset without prices, or one that is missing or negative.
    """
    columns = []
    for asset, price in sheet.prices.items():
        if asset not in prices.columns:
            if asset not in fixed:
                remedy = f"add a column {asset} or name it in fixed=, which keeps it at {price:g} USD"
                raise DataError("prices", "must have a column for every asset of the sheet", f"none of {asset}", remedy)
            columns.append(np.full(len(prices), float(price)))
            continue
        values = prices[asset].to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~(np.isfinite(values) & (values >= 0.0))
        if bad.any():
            got = f"{int(bad.sum())} missing or negative, first at {prices.index[bad][0]}"
            raise DataError(f"prices of {asset}", "must be finite and not negative", got, "drop these times")
        columns.append(values)
    return np.stack(columns, axis=1)


def _in_order(
    sheets: BalanceSheet | Sequence[BalanceSheet], index: pd.DatetimeIndex
) -> list[tuple[BalanceSheet, npt.NDArray[np.bool_]]]:
    """Sheets that hold at some of the times, each with the times that it holds at."""
    if isinstance(sheets, BalanceSheet):
        return [(sheets, np.ones(len(index), dtype=bool))]
    stamps = [sheet.as_of for sheet in sheets]
    known = pd.DatetimeIndex([stamp for stamp in stamps if stamp is not None])
    if not len(sheets) or len(known) < len(stamps) or not known.is_monotonic_increasing or known.has_duplicates:
        got = ", ".join(str(stamp) for stamp in stamps) or "none"
        raise ArgumentError("sheets", "must each have a later as_of than the one before", got, "sort them by as_of")
    place = known.searchsorted(index, side="right") - 1
    if len(place) and place[0] < 0:
        remedy = "start the prices later or add an earlier sheet"
        raise ArgumentError("prices", f"must start at or after the first sheet ({known[0]})", str(index[0]), remedy)
    return [(sheets[int(k)], place == k) for k in np.unique(place)]
