"""Where the profit of a hedged option book came from: Greeks, hedge, funding and what they do not explain.

A book and a path of forwards and volatilities enter, or two chains; a `PnlAttribution` leaves, whose buckets sum to
the change of wealth of every step.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_times
from volkit.errors import ArgumentError, DataError
from volkit.options.exposure.ledger import BUCKETS, HEDGE_COLUMNS, HedgeRule, Path, run_ledger
from volkit.options.index.book import QuotedBook, book_provenance, dollar_quotes
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["PnlAttribution", "attribute_between_chains", "attribute_path"]

_YEAR = pd.Timedelta(days=365)
_BOOK = ("expiry", "strike", "is_call", "quantity")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PnlAttribution(ResultDisplay):
    """Profit of an option book with its hedge, step by step, in buckets that sum to it.

    Attributes
    ----------
    steps : DataFrame, shape (n_steps, 12)
        USD, by the end of the step (UTC): delta, gamma, theta, vega, vanna, volga (of the options, Greeks at the start
        of the step), hedge (of the forwards held against them), funding (on the hedge), interest (on cash), cost (of
        trading the hedge), residual (of the options, what the Greeks leave), total.
    hedge : DataFrame, shape (n_steps, 6)
        By the start of the step (UTC): position and trade (units of the underlying), notional (USD traded, positive),
        cost, variation (USD paid over the step) and cash (USD, at the end of the step).
    by_option : DataFrame, shape (n_options, 8)
        USD over the whole path, by instrument: the option buckets and their total.
    hedged : bool
        Whether the delta was hedged.
    as_of : Timestamp
        UTC; the end of the last step.
    provenance : Provenance
        Sources and hashes, when given.
    """

    steps: pd.DataFrame
    hedge: pd.DataFrame
    by_option: pd.DataFrame
    hedged: bool
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def buckets(self) -> pd.Series:
        """Each bucket over the whole path (USD); sums to `total`."""
        return self.steps[list(BUCKETS)].sum().rename("USD")

    @property
    def total(self) -> float:
        """Profit over the whole path (USD)."""
        return float(self.steps["total"].sum())

    @property
    def n_steps(self) -> int:
        """Steps of the path."""
        return len(self.steps)

    @property
    def residual_share(self) -> float:
        """Sum of absolute residuals over the sum of absolute option buckets; no unit, 0 when nothing moved."""
        gross = self.steps[["delta", "gamma", "theta", "vega", "vanna", "volga", "residual"]].abs().to_numpy().sum()
        return float(self.steps["residual"].abs().sum() / gross) if gross > 0.0 else 0.0

    @property
    def headline(self) -> str:
        """Total, its largest buckets and the residual in one line."""
        b = self.buckets
        shown = b.drop("residual").sort_values(key=np.abs, ascending=False).iloc[:3]
        words = ", ".join(f"{name} {value:+,.2f}" for name, value in shown.items())
        kind = "delta-hedged" if self.hedged else "unhedged"
        return (
            f"{self.total:+,.2f} USD over {self.n_steps} steps, {kind}: {words}, residual {b['residual']:+,.2f}; "
            f"to {self.as_of:%Y-%m-%d %H:%M} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a bucket and the total: USD over the path, worst and best step."""
        table = pd.DataFrame(
            {
                "path (USD)": self.steps.sum(),
                "worst step (USD)": self.steps.min(),
                "best step (USD)": self.steps.max(),
            }
        )
        return table.rename_axis("bucket")

    def to_frame(self) -> pd.DataFrame:
        """Return `steps`."""
        return self.steps


def attribute_path(
    book: pd.DataFrame,
    forward: pd.Series | pd.DataFrame,
    volatility: pd.Series | pd.DataFrame,
    *,
    hedge: Literal["delta", "none"] = "delta",
    hedge_every: int = 1,
    funding_rate: float | pd.Series = 0.0,
    rate: float = 0.0,
    cost: float = 0.0,
    provenance: Provenance | None = None,
) -> PnlAttribution:
    """Return where the profit of a book came from along a path of forwards and volatilities.

    Parameters
    ----------
    book : DataFrame, shape (n_options, 4 or 5)
        expiry (UTC), strike (USD), is_call, quantity (units of the underlying, signed), and instrument where they have
        names.
    forward : Series or DataFrame, shape (n_steps + 1,) or (n_steps + 1, n_expiries)
        USD by UTC time, one for all or a column an expiry (Timestamps).
    volatility : Series or DataFrame, shape (n_steps + 1,) or (n_steps + 1, n_options)
        Decimal per year at the same times, one for all or a column an instrument. Not asked for at or after the
        expiry.
    hedge : {"delta", "none"}
        Whether the delta is held against in forwards of the same expiry.
    hedge_every : int
        Steps between trades of the hedge; the first is at the start.
    funding_rate : float or Series, shape (n_steps + 1,)
        Decimal per year of the hedge's notional, paid by longs, at the start of each step.
    rate : float
        Continuous, decimal per year, on the cash of the account, which starts at minus the options' value.
    cost : float
        Decimal of the notional traded in the hedge. Closing at the end of the path is not charged.
    provenance : Provenance, optional
        Where the path comes from.

    Returns
    -------
    PnlAttribution
        With the cash flows of the hedge.

    Raises
    ------
    DataError
        For a book or path with missing columns, values or times, an option that expired before the path starts or that
        expires between two of its times (the row is named).
    ArgumentError
        For an argument out of range.

    Notes
    -----
    With Greeks at the start of a step, dF and dsigma over it and dt its length in years of 365 days: delta dF,
    gamma dF^2 / 2, theta dt, vega dsigma, vanna dF dsigma, volga dsigma^2 / 2; the residual is the change of the
    Black-76 value less these. The hedge earns -delta_0 dF with delta_0 that of its last trade. At its expiry an option
    is paid out at the forward of that time and leaves the book.

    Examples
    --------
    >>> times = pd.date_range("2024-03-01", periods=3, freq="D", tz="UTC")
    >>> book = pd.DataFrame({"expiry": [times[0] + pd.Timedelta(days=30)], "strike": [100.0],
    ...                      "is_call": [True], "quantity": [10.0]})
    >>> result = attribute_path(book, pd.Series([100.0, 103.0, 101.0], times), pd.Series(0.6, times))
    >>> bool(abs(result.buckets.sum() - result.total) < 1e-12)
    True
    """
    rows = _check_book(book)
    times = check_times(forward.index, argument="forward")
    if len(times) < 2:
        raise DataError("forward", "must have at least two times", f"{len(times)}", "pass a path")
    path = Path(
        forward=_by_option(forward, rows["expiry"], times, argument="forward"),
        volatility=_by_option(volatility, rows["instrument"], times, argument="volatility"),
        time=np.stack([(rows["expiry"] - t).to_numpy() / np.timedelta64(1, "s") for t in times]) / 31_536_000.0,
        strike=rows["strike"].to_numpy(),
        is_call=rows["is_call"].to_numpy(),
        quantity=rows["quantity"].to_numpy(),
    )
    _refuse_gaps(path, rows, times)
    check_choice(hedge, argument="hedge", choices=("delta", "none"))
    every = check_count(hedge_every, argument="hedge_every", unit="steps")
    for name, number in (("rate", rate), ("cost", cost)):
        if not np.isfinite(number) or (name == "cost" and number < 0.0):
            raise ArgumentError(name, "must be a finite decimal, a cost not negative", repr(number), "pass a decimal")
    rule = HedgeRule(
        every=every if hedge == "delta" else 0,
        funding=_rates(funding_rate, times),
        rate=float(rate),
        cost=float(cost),
        years=np.diff(times.as_unit("us").asi8) / 1e6 / _YEAR.total_seconds(),
    )
    return _result(path, rule, times, rows["instrument"], provenance)


def attribute_between_chains(
    before: QuotedBook,
    after: QuotedBook,
    positions: pd.Series,
    *,
    hedge: Literal["delta", "none"] = "delta",
    funding_rate: float = 0.0,
    provenance: Provenance | None = None,
) -> PnlAttribution:
    """Return where the profit of a book came from between two chains, marked at their forwards and mark volatilities.

    Parameters
    ----------
    before, after : OptionChain or prepared chain
        Of one underlying, in order of time.
    positions : Series, shape (n_options,)
        Units of the underlying, signed, by instrument.
    hedge : {"delta", "none"}
        Whether the delta at the first chain is held against in forwards until the second.
    funding_rate : float
        As in `attribute_path`.
    provenance : Provenance, optional
        Where the chains come from; that of the first by default.

    Returns
    -------
    PnlAttribution
        Of one step.

    Raises
    ------
    DataError
        For chains out of order or of two underlyings, and for a position that one of them cannot value (the first is
        named): what expired in between needs a path with the settlement price.
    ArgumentError
        As `attribute_path`.
    """
    if before.underlying != after.underlying or not before.as_of < after.as_of:
        got = f"{before.underlying} at {before.as_of} and {after.underlying} at {after.as_of}"
        raise DataError("before and after", "must be chains of one underlying in order of time", got, "swap them")
    ends = [dollar_quotes(chain).set_index("instrument") for chain in (before, after)]
    for words, table in zip(("before", "after"), ends, strict=True):
        usable = table.index[table[["forward", "volatility"]].notna().all(axis=1)]
        missing = positions.index.difference(usable)
        if len(missing):
            got = f"{len(missing)} of {len(positions)} without, first {missing[0]!r}"
            remedy = "drop these positions, or use attribute_path with the settlement price"
            raise DataError(f"the chain {words}", "must value every position (forward, volatility)", got, remedy)
    rows, later = (table.loc[positions.index] for table in ends)
    times = pd.DatetimeIndex([before.as_of, after.as_of]).as_unit("us")
    book = rows[["expiry", "strike", "is_call"]].assign(quantity=positions).reset_index(names="instrument")
    # The forwards of one expiry are the same in a chain: any of its options tells them.
    of_expiry = [table.groupby("expiry")["forward"].first() for table in (rows, later)]
    expiries = pd.DataFrame(of_expiry).set_axis(times)
    sigma = pd.DataFrame([rows["volatility"], later["volatility"]]).set_axis(times)
    return attribute_path(
        book, expiries, sigma, hedge=hedge, funding_rate=funding_rate, provenance=book_provenance(before, provenance)
    )


def _result(
    path: Path, rule: HedgeRule, times: pd.DatetimeIndex, names: pd.Series, provenance: Provenance | None
) -> PnlAttribution:
    ledger = run_ledger(path, rule)
    by_option = pd.DataFrame({k: v.sum(axis=0) for k, v in ledger.options.items()}, index=pd.Index(names))
    return PnlAttribution(
        steps=freeze(pd.DataFrame(ledger.steps, index=times[1:], columns=[*BUCKETS, "total"])),
        hedge=freeze(pd.DataFrame(ledger.hedge, index=times[:-1], columns=list(HEDGE_COLUMNS))),
        by_option=freeze(by_option.assign(total=by_option.sum(axis=1))),
        hedged=rule.every > 0,
        as_of=times[-1],
        provenance=provenance or Provenance(()),
    )


def _check_book(book: pd.DataFrame) -> pd.DataFrame:
    missing = [c for c in _BOOK if c not in book.columns]
    if missing or book.empty:
        got = f"none named {', '.join(missing)}" if missing else "no rows"
        raise DataError("book", f"must have rows with {', '.join(_BOOK)}", got, "pass one row an option")
    rows = book.reset_index(drop=True)
    if "instrument" not in rows:
        side = np.where(rows["is_call"], "C", "P")
        rows["instrument"] = [
            f"{e:%Y-%m-%d}-{k:g}-{s}" for e, k, s in zip(rows["expiry"], rows["strike"], side, strict=True)
        ]
    if rows["instrument"].duplicated().any():
        got = repr(rows["instrument"][rows["instrument"].duplicated()].iloc[0])
        raise DataError("book", "must hold each option once", f"{got} twice", "add up the quantities")
    numbers = rows[["strike", "quantity"]].to_numpy(dtype=np.float64)
    bad = ~np.isfinite(numbers).all(axis=1) | (numbers[:, 0] <= 0.0)
    if bad.any():
        got = f"row {int(np.argmax(bad))}, {rows['instrument'][bad].iloc[0]}"
        raise DataError("book", "must have positive strikes and finite quantities", got, "correct or drop the row")
    types = {"strike": "float64", "quantity": "float64", "is_call": "bool"}
    return rows.astype(types)


def _by_option(
    data: pd.Series | pd.DataFrame, keys: pd.Series, times: pd.DatetimeIndex, *, argument: str
) -> np.ndarray:
    """Return a path's values by time and option, shape (n_times, n_options)."""
    index = check_times(data.index, argument=argument)
    if not index.equals(times):
        raise DataError(argument, "must have the times of the forward", f"{len(index)} others", "reindex it first")
    if isinstance(data, pd.Series):
        return np.repeat(data.to_numpy(dtype=np.float64, na_value=np.nan)[:, None], len(keys), axis=1)
    missing = [k for k in keys if k not in data.columns]
    if missing:
        raise DataError(argument, "must have a column for every option", f"none for {missing[0]}", "add it")
    return np.asarray(data[list(keys)].to_numpy(dtype=np.float64, na_value=np.nan))


def _refuse_gaps(path: Path, rows: pd.DataFrame, times: pd.DatetimeIndex) -> None:
    late = path.time[0] <= 0.0
    inside = ((path.time[:-1] > 0.0) & (path.time[1:] < 0.0)).any(axis=0)
    for bad, words in ((late, "must not have expired when the path starts"), (inside, "must expire at a time of it")):
        if bad.any():
            row = rows[bad].iloc[0]
            got = f"{row['instrument']}, {row['expiry']}"
            raise DataError("book", words, got, "drop it, or add its expiry to the path with the settlement price")
    alive = path.time > 0.0
    needed = np.vstack([alive[:1], alive[:-1]])  # the forward is needed up to the expiry, the volatility before it
    for name, values, where in (("forward", path.forward, needed), ("volatility", path.volatility, alive)):
        bad_cells = where & ~(np.isfinite(values) & (values > 0.0))
        if bad_cells.any():
            t, i = np.argwhere(bad_cells)[0]
            got = f"{values[t, i]} for {rows['instrument'].iloc[i]} at {times[t]}"
            raise DataError(name, "must be positive while the option lives", got, "fill in the value or cut the path")


def _rates(funding: float | pd.Series, times: pd.DatetimeIndex) -> np.ndarray:
    values = funding.reindex(times).to_numpy(dtype=np.float64) if isinstance(funding, pd.Series) else float(funding)
    rates = np.broadcast_to(values, len(times))[:-1]
    if not np.isfinite(rates).all():
        got = f"none at {times[:-1][~np.isfinite(rates)][0]}"
        raise DataError("funding_rate", "must be finite at the start of every step", got, "fill in the rate")
    return np.asarray(rates)
