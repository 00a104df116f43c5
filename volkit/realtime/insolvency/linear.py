"""Margin of one isolated linear position: its lowest point is that of the price, so nothing is revalued."""

import numpy as np

from volkit.checks import check_choice, check_kind, real_number
from volkit.errors import ArgumentError, DataError
from volkit.margin.horizon.touch import check_probability
from volkit.realtime.insolvency.closed_form import EVENTS, Event
from volkit.realtime.insolvency.equity import EquityPaths
from volkit.realtime.insolvency.margin import InsolvencyMargin, Monitoring, check_monitoring, margin_of_equity
from volkit.realtime.insolvency.nested import check_rates
from volkit.realtime.insolvency.tail import TailMethod
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["linear_insolvency_margin"]


def linear_insolvency_margin(
    notional: float,
    paths: PathSet,
    *,
    asset: str | None = None,
    target: float = 0.01,
    event: Event = "path minimum",
    equity: float = 0.0,
    monitoring: Monitoring = "steps",
    initial_rate: float | None = None,
    maintenance_rate: float | None = None,
    tail: TailMethod = "auto",
    coverage: float = 0.95,
) -> InsolvencyMargin:
    """Return the margin of an isolated linear perpetual, future or coin.

    Parameters
    ----------
    notional : float
        Signed, USD: units times price. 1.0 gives rates of a long, -1.0 of a short.
    paths : PathSet
        From today's price.
    asset : str, optional
        Needed where the paths have several.
    target, event, monitoring, initial_rate, maintenance_rate, tail, coverage
        As in `insolvency_margin`.
    equity : float
        USD today, for `InsolvencyMargin.held`.

    Returns
    -------
    InsolvencyMargin
        As `insolvency_margin` of a book with this position alone.

    Raises
    ------
    ArgumentError
        For a notional of 0, and as `insolvency_margin`.
    DataError
        For an asset that the paths do not have.

    Notes
    -----
    Along a path the least of profit less a requirement lies where the price is least (long) or largest (short): with
    v the price over the start, a long has v - 1 - r v and a short 1 - v - r v.

    Examples
    --------
    >>> import pandas as pd
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> linear_insolvency_margin(-1.0, paths, target=0.02)
    <InsolvencyMargin: BTC short, 0.192 USD (0.1884 to 0.1956) for insolvency 2 % over 1 d, path minimum of 1,001 paths>
    """
    check_kind(paths, PathSet, argument="paths", remedy="pass what simulate_path_set returns")
    size = real_number(notional, argument="notional")
    if not (np.isfinite(size) and size != 0.0):
        raise ArgumentError("notional", "must be finite and not 0 (USD)", f"{notional!r}", "pass units times price")
    if not np.isfinite(real_number(equity, argument="equity")):
        raise ArgumentError("equity", "must be finite (USD)", f"{equity!r}", "leave it out")
    p = check_probability(target, argument="target")
    check_choice(event, argument="event", choices=EVENTS)
    check_monitoring(monitoring, event, paths)
    column = _column(paths, asset)
    rates = check_rates(initial_rate, maintenance_rate)
    found = _equity(size, paths, column, rates, steps=monitoring == "continuous")
    name = f"{paths.assets[column]} {'long' if size > 0.0 else 'short'}"
    return margin_of_equity(
        found, paths, target=p, event=event, monitoring=monitoring, tail=tail, probabilities=None, coverage=coverage,
        account=name, equity=float(equity), method=f"{paths.engine}, no options, no funding",
        as_of=paths.as_of,
    )  # fmt: skip


def _column(paths: PathSet, asset: str | None) -> int:
    if asset is None and len(paths.assets) == 1:
        return 0
    if asset not in paths.assets:
        raise DataError("asset", f"must be one of {', '.join(paths.assets)}", repr(asset), "choose one of these")
    return paths.assets.index(asset)


def _equity(size: float, paths: PathSet, column: int, rates: dict[str, float], *, steps: bool) -> EquityPaths:
    values = paths.values[:, :, column]
    worst = np.minimum(values.min(axis=1), 1.0) if size > 0.0 else np.maximum(values.max(axis=1), 1.0)
    end = values[:, -1]
    variance = np.full(len(values), np.nan)
    if steps:
        moves = np.diff(values, axis=1, prepend=1.0)
        variance = size**2 * moves.var(axis=1, ddof=1)
    return EquityPaths(
        lowest=size * (worst - 1.0),
        end=size * (end - 1.0),
        above={name: size * (worst - 1.0) - rate * abs(size) * worst for name, rate in rates.items()},
        end_above={name: size * (end - 1.0) - rate * abs(size) * end for name, rate in rates.items()},
        step_variance=variance,
    )
