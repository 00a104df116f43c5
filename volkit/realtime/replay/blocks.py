"""A live margin along blocks: what was charged at the start of each, and what was lost by its end."""

import numpy as np
import pandas as pd

from volkit.conventions import SIDES, losses
from volkit.errors import DataError
from volkit.realtime.replay.policy import GOOD, LivePolicy
from volkit.realtime.state.path import LivePath
from volkit.realtime.state.running import variance_ahead

__all__ = ["block_table", "margin_table"]


def margin_table(path: LivePath, policy: LivePolicy) -> pd.DataFrame:
    """Return close, volatility of the horizon and the model's margin rates after each bar that was taken.

    Index: label of the bar (UTC); what a row says is known when its bar closes.
    """
    taken = path.frame[path.frame["status"].isin(GOOD)]
    if taken.empty:
        first = path.skipped["reason"].value_counts().to_dict()
        remedy = "pass the bars that follow the state's last one"
        raise DataError(f"bars of {path.asset}", "must hold one that can be taken", f"only {first}", remedy)
    times = taken.index.as_unit("ns").asi8
    volatility = np.sqrt(variance_ahead(path.model, times, taken["level"].to_numpy(), policy.horizon))
    columns = {"close": taken["close"].to_numpy(), "volatility": volatility}
    columns |= {f"model_margin_{side}": policy.rates(volatility, side=side) for side in SIDES}
    return pd.DataFrame(columns, index=taken.index)


def block_table(margins: pd.DataFrame, policy: LivePolicy, *, step: pd.Timedelta, asset: str) -> pd.DataFrame:
    """Return one row a block from 00:00 UTC on: margins known at its start, losses by its end.

    Parameters
    ----------
    margins : DataFrame
        From `margin_table`.
    policy : LivePolicy
        For the length of a block.
    step : Timedelta
        From bar to bar.
    asset : str
        For messages.

    Returns
    -------
    DataFrame
        Index ``start`` (UTC instant, the close of the bar before); `row` (of that bar in `margins`), `end`,
        `price_start`, `price_end`, `volatility`, `model_margin_long`, `model_margin_short`, `loss_long`, `loss_short`,
        decimals. A block whose last bar is missing, or still to come, has NaN losses.

    Raises
    ------
    DataError
        When no block is whole.
    """
    instants = margins.index.as_unit("ns").asi8 + step.value
    rows = np.flatnonzero(instants % policy.horizon.value == 0)
    starts = instants[rows]
    ends = np.searchsorted(starts, starts + policy.horizon.value)
    whole = ends < len(starts)
    whole[whole] = starts[ends[whole]] == starts[whole] + policy.horizon.value
    if not whole.any():
        got = f"{len(margins)} bars from {margins.index[0]} to {margins.index[-1]}"
        raise DataError(f"bars of {asset}", f"must hold a whole block of {policy.horizon}", got, "pass a longer span")
    price = margins["close"].to_numpy()[rows]
    price_end = np.full(len(rows), np.nan)
    price_end[whole] = price[ends[whole]]
    moves = price_end / price - 1.0
    index = pd.to_datetime(starts, unit="ns", utc=True).as_unit("us").rename("start")
    table = pd.DataFrame(
        {"row": rows, "end": index + policy.horizon, "price_start": price, "price_end": price_end}, index=index
    )
    for name in ("volatility", *(f"model_margin_{side}" for side in SIDES)):
        table[name] = margins[name].to_numpy()[rows]
    for side in SIDES:
        table[f"loss_{side}"] = losses(moves, side=side)
    return table
