"""Greek ladders of a book of options: positions in, Greeks by expiry, by strike and by shock of the price out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_table
from volkit.errors import ArgumentError, DataError
from volkit.options.black76.arguments import check_range, numbers
from volkit.options.black76.greeks import black76_greeks
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["GreekLadder", "greek_ladder"]

_KEYS = ["underlying", "expiry", "strike"]
_COLUMNS = [*_KEYS, "is_call", "quantity", "forward", "time", "volatility"]
_SHOCKS = (-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GreekLadder(ResultDisplay):
    """Greeks of a book, for the position as held, at shocked forwards.

    Attributes
    ----------
    frame : DataFrame
        One row for each underlying, expiry, strike and shock. `spot_shock` is the relative change of all forwards, as
        a decimal, at unchanged volatility of each strike. In the quote currency: `value`; `profit`, the value less
        that without shock; `cash_delta`, delta times the shocked forward; `cash_gamma`, the change of delta for a
        forward higher by one per cent, times the forward; `vega_per_point`, for one percentage point of volatility;
        `volga_per_point`, the change of that for one more point; `theta_per_day`. In units of the underlying: `delta`;
        `gamma`, its change for one unit of quote currency; `vanna_per_point`, its change for a point of volatility.
    n_positions : int
        Rows of the book.
    as_of : Timestamp or None
        Instant (UTC) from which times to expiry count, when it was said.
    provenance : Provenance
        Sources behind the book, when they were said.
    """

    frame: pd.DataFrame
    n_positions: int
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def spot_shocks(self) -> tuple[float, ...]:
        """The shocks, ascending."""
        return tuple(float(shock) for shock in np.unique(self.frame["spot_shock"]))

    @property
    def headline(self) -> str:
        """Positions, shocks, and the delta of each underlying without shock."""
        deltas = self._at(0.0).groupby("underlying")["delta"].sum()
        shown = ", ".join(f"{name} {delta:+.4g}" for name, delta in deltas.items())
        return f"{self.n_positions} positions, {len(self.spot_shocks)} shocks, delta {shown}"

    def by_expiry(self, *, spot_shock: float = 0.0) -> pd.DataFrame:
        """Return sums by underlying and expiry at one shock.

        Raises
        ------
        ArgumentError
            For a shock that the ladder does not have.
        """
        return self._sums(self._at(spot_shock), ["underlying", "expiry"])

    def by_strike(self, *, spot_shock: float = 0.0) -> pd.DataFrame:
        """Return sums by underlying and strike at one shock.

        Raises
        ------
        ArgumentError
            For a shock that the ladder does not have.
        """
        return self._sums(self._at(spot_shock), ["underlying", "strike"])

    def by_shock(self) -> pd.DataFrame:
        """Return sums by underlying and shock."""
        return self._sums(self.frame, ["underlying", "spot_shock"])

    def summary(self) -> pd.DataFrame:
        """Return sums by underlying and shock."""
        return self.by_shock()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each underlying, expiry, strike and shock."""
        return self.frame

    def _at(self, spot_shock: float) -> pd.DataFrame:
        if spot_shock not in self.spot_shocks:
            known = ", ".join(f"{shock:g}" for shock in self.spot_shocks)
            raise ArgumentError("spot_shock", f"must be one of {known}", repr(spot_shock), "choose one of these")
        return self.frame[self.frame["spot_shock"] == spot_shock]

    @staticmethod
    def _sums(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
        dropped = [*_KEYS, "spot_shock"]
        return frame.groupby(keys, observed=True)[[c for c in frame.columns if c not in dropped]].sum()


def greek_ladder(
    book: pd.DataFrame,
    *,
    spot_shocks: Sequence[float] = _SHOCKS,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> GreekLadder:
    """Return the Greeks of a book of options by expiry, strike and shock of the price.

    Parameters
    ----------
    book : DataFrame
        One row a position: `underlying`, `expiry`, `strike`, `is_call`, `quantity` (signed, in units of the
        underlying), `forward`, `time` (years of 365 days, 0 or more) and `volatility` (decimal per year). Positions in
        one option add up. Options that settle in coin enter alike: their Greeks are those in the quote currency.
    spot_shocks : sequence of float
        Relative changes of all forwards, decimals above -1; 0 is added where it is missing.
    as_of : Timestamp, optional
        Instant from which `time` counts; kept with the result.
    provenance : Provenance, optional
        Sources of the book; kept with the result.

    Returns
    -------
    GreekLadder
        Sums for the position as held, prices undiscounted.

    Raises
    ------
    DataError
        For missing columns, an empty book, a missing name, expiry or quantity, or a number out of range.
    ArgumentError
        For a shock that is not a finite number above -1.

    Examples
    --------
    >>> expiry = pd.Timestamp("2024-03-29 08:00", tz="UTC")
    >>> book = pd.DataFrame({"underlying": "BTC", "expiry": expiry, "strike": [60_000.0, 70_000.0],
    ...     "is_call": True, "quantity": [1.0, -1.0], "forward": 62_000.0, "time": 0.1, "volatility": [0.6, 0.58]})
    >>> greek_ladder(book, spot_shocks=[-0.1, 0.1]).by_shock()[["profit", "delta"]].round(3).reset_index()
      underlying  spot_shock    profit  delta
    0        BTC        -0.1 -1845.872  0.261
    1        BTC         0.0     0.000  0.321
    2        BTC         0.1  1962.110  0.299
    """
    _check_book(book)
    shocks = _checked_shocks(spot_shocks)
    columns = {name: numbers(book[name], argument=f"book.{name}")[:, None] for name in ("quantity", "forward")}
    quantity, forward = columns["quantity"], check_range(columns["forward"], argument="book.forward")
    shocked = forward * (1.0 + shocks)
    inputs = (book[name].to_numpy()[:, None] for name in ("strike", "time", "volatility", "is_call"))
    greeks = black76_greeks(shocked, *inputs)
    per_unit = {
        "value": greeks.price,
        "profit": greeks.price - greeks.price[:, [int(np.flatnonzero(shocks == 0.0)[0])]],
        "delta": greeks.delta,
        "cash_delta": greeks.delta * shocked,
        "gamma": greeks.gamma,
        "cash_gamma": greeks.gamma * shocked * shocked / 100.0,
        "vega_per_point": greeks.vega_per_point,
        "theta_per_day": greeks.theta_per_day,
        "vanna_per_point": greeks.vanna / 100.0,
        "volga_per_point": greeks.volga / 1e4,
    }
    rows = np.repeat(np.arange(len(book)), len(shocks))
    frame = book[_KEYS].iloc[rows].reset_index(drop=True).assign(spot_shock=np.tile(shocks, len(book)))
    frame = frame.assign(**{name: (quantity * value).ravel() for name, value in per_unit.items()})
    summed = frame.groupby([*_KEYS, "spot_shock"], observed=True).sum().reset_index()
    return GreekLadder(
        frame=freeze(summed), n_positions=len(book), as_of=as_of, provenance=provenance or Provenance(())
    )


def _check_book(book: pd.DataFrame) -> None:
    check_table(book, argument="book")
    missing = [name for name in _COLUMNS if name not in book.columns]
    if missing:
        raise DataError("book", f"must have the columns {', '.join(_COLUMNS)}", f"none of {missing}", "add them")
    if book.empty:
        raise DataError("book", "must have at least one position", "no rows", "pass the positions to look at")
    lacking = book[[*_KEYS, "quantity"]].isna()
    if lacking.to_numpy().any():
        name = lacking.columns[lacking.any()][0]
        label = book.index[lacking[name]][0]
        raise DataError(f"book.{name}", "must be known for every position", f"none in row {label}", "fill or drop it")
    quantity = numbers(book["quantity"], argument="book.quantity")
    if not np.isfinite(quantity).all():
        label = book.index[~np.isfinite(quantity)][0]
        raise DataError("book.quantity", "must be finite", f"inf in row {label}", "repair or drop the position")


def _checked_shocks(spot_shocks: Sequence[float]) -> np.ndarray:
    shocks = np.unique(np.append(numbers(spot_shocks, argument="spot_shocks").ravel(), 0.0))
    bad = shocks[~((shocks > -1.0) & (shocks < np.inf))]
    if bad.size:
        rule = "must be finite relative changes above -1"
        raise ArgumentError("spot_shocks", rule, f"{bad[0]:g}", "pass decimals, -0.1 for ten per cent down")
    return shocks
