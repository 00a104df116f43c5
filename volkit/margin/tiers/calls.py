"""Margin calls of one account along a path: when, how much, how often.

A price path and a linear position under a margin rule enter; a `MarginCallLog` leaves.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_floats, check_kind, check_positive, check_series, check_times, real_number
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, DataError
from volkit.margin.liquidation import refuse_liquidatable
from volkit.margin.tiers.forms import MarginRule
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MarginCallLog", "margin_calls"]

_COLUMNS = ("price", "equity", "maintenance_margin", "initial_margin", "call", "is_insolvent")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginCallLog(ResultDisplay):
    """The calls of an account, one row each.

    Attributes
    ----------
    asset : str
        Name of the price series.
    calls : DataFrame, shape (n_calls,)
        Index time (UTC); columns price (USD per coin), equity before the call, maintenance_margin, initial_margin and
        call (USD), is_insolvent (equity was already negative: the venue stood in for that part).
    side : {"long", "short"}
        Of the position.
    size : float
        Coins.
    wallet : float
        Collateral at the start, USD.
    n_obs, n_missing : int
        Prices looked at, and missing ones, at which nobody looked.
    start, as_of : Timestamp
        First and last price (UTC).
    final_equity : float
        After the last call, USD.
    provenance : Provenance
        Of the prices, when given.
    """

    asset: str
    calls: pd.DataFrame
    side: Side
    size: float
    wallet: float
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    final_equity: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_calls(self) -> int:
        """Number of calls."""
        return len(self.calls)

    @property
    def total(self) -> float:
        """Sum of all calls, USD."""
        return float(self.calls["call"].sum())

    @property
    def largest(self) -> float:
        """Largest call, USD; 0 without any."""
        return float(self.calls["call"].max()) if len(self.calls) else 0.0

    @property
    def headline(self) -> str:
        """Count, total and largest call in one line."""
        return (
            f"{self.asset} {self.side}: {self.n_calls} calls in {self.n_obs:,} prices, {self.total:,.0f} USD, largest "
            f"{self.largest:,.0f}, {int(self.calls['is_insolvent'].sum())} on negative equity"
        )

    def summary(self) -> pd.DataFrame:
        """Return count, sizes (USD and multiples of the starting collateral) and rate (calls per price)."""
        rows = {
            "calls (count)": float(self.n_calls),
            "calls per price (rate)": self.n_calls / self.n_obs,
            "total of calls (USD)": self.total,
            "total over starting collateral (times)": self.total / self.wallet,
            "largest call (USD)": self.largest,
            "calls on negative equity (count)": float(self.calls["is_insolvent"].sum()),
            "final equity (USD)": self.final_equity,
            "missing prices (count)": float(self.n_missing),
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the calls."""
        return self.calls


def margin_calls(
    prices: pd.Series,
    *,
    rule: MarginRule,
    side: Side,
    size: float,
    wallet: float,
    trigger: float = 1.0,
    provenance: Provenance | None = None,
) -> MarginCallLog:
    """Return the margin calls of a linear position that is opened at the first price and held to the last.

    Parameters
    ----------
    prices : Series, shape (n_obs,)
        USD per coin on UTC times; NaN is a price that nobody saw.
    rule : MarginRule
        For example a `TierTable`, in USD.
    side : {"long", "short"}
        Side of the position.
    size : float
        Coins, positive.
    wallet : float
        Collateral at the start, USD; must exceed the trigger.
    trigger : float
        Calls come when equity is strictly below this multiple of the maintenance margin, at least 1.
    provenance : Provenance, optional
        Of the prices.

    Returns
    -------
    MarginCallLog
        A call restores the initial margin of the notional at that price and is paid before the next price.

    Raises
    ------
    ArgumentError
        For an unknown side, a size, wallet or trigger out of range, or a wallet below the trigger at the start.
    DataError
        For fewer than two prices, a first price that is missing, prices that are not positive, or bad times.

    Notes
    -----
    Where a venue liquidates instead of calling, the first row is the liquidation. Gains stay in the account; nothing
    is paid out. The log to any time does not change with later prices.

    Examples
    --------
    >>> from volkit.margin.tiers.table import TierTable
    >>> rule = TierTable(floors=(0.0,), maintenance_rates=(0.05,), initial_rates=(0.10,))
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> prices = pd.Series([100.0, 96.0, 92.0, 94.0], index=times, name="BTC")
    >>> log = margin_calls(prices, rule=rule, side="long", size=10.0, wallet=100.0)
    >>> log.n_calls, log.calls["call"].round(2).tolist()
    (1, [72.0])
    """
    check_kind(rule, MarginRule, argument="rule", remedy="pass a table or a form, e.g. TierTable(...)")
    s = 1.0 if check_choice(side, argument="side", choices=SIDES) == "long" else -1.0
    q = check_positive(size, argument="size", unit="coins")
    W = check_positive(wallet, argument="wallet", unit="USD")
    if not 1.0 <= real_number(trigger, argument="trigger") < float("inf"):
        raise ArgumentError("trigger", "must be at least 1", f"{trigger!r}", "pass 1 for the maintenance margin itself")
    P, times = _check_prices(prices)
    entry = P[0]
    refuse_liquidatable(W, trigger * rule.maintenance_margin(q * entry, price=entry))
    rows: list[tuple[float, ...]] = []
    when: list[int] = []
    cash = W
    for t in np.flatnonzero(np.isfinite(P))[1:]:
        p = float(P[t])
        equity = cash + s * q * (p - entry)
        required = rule.maintenance_margin(q * p, price=p)
        if equity < trigger * required:
            # A trigger beyond the initial margin would leave an account that is called again at once.
            restored = max(rule.initial_margin(q * p, price=p), trigger * required)
            rows.append((p, equity, required, rule.initial_margin(q * p, price=p), restored - equity, equity < 0.0))
            when.append(int(t))
            cash += restored - equity
    last = float(P[np.isfinite(P)][-1])
    calls = pd.DataFrame(rows, index=times[when], columns=list(_COLUMNS))
    return MarginCallLog(
        asset=str(prices.name) if prices.name is not None else "asset",
        calls=freeze(calls.astype({c: bool if c == "is_insolvent" else float for c in _COLUMNS})),
        side=side,
        size=q,
        wallet=W,
        n_obs=int(np.isfinite(P).sum()),
        n_missing=int(np.isnan(P).sum()),
        start=times[0],
        as_of=times[-1],
        final_equity=cash + s * q * (last - entry),
        provenance=provenance or Provenance(()),
    )


def _check_prices(prices: pd.Series) -> tuple[np.ndarray, pd.DatetimeIndex]:
    times = check_times(check_series(prices, argument="prices").index, argument="prices")
    P = check_floats(prices, argument="prices")
    known = P[~np.isnan(P)]
    if len(known) < 2 or np.isnan(P[0]):
        got = f"{len(known)} prices" + (", the first missing" if len(P) and np.isnan(P[0]) else "")
        raise DataError("prices", "must hold at least two, the first among them", got, "begin where the account opens")
    if not (np.isfinite(known) & (known > 0.0)).all():
        raise DataError("prices", "must be positive", f"a lowest of {known.min():g}", "drop what is no price")
    return P, times
