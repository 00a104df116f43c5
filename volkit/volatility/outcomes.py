"""What came after each forecast: variance forecasts of one asset beside the realised variance they were made for.

The proxy's index is the clock. A forecast with label t (the last return it used) belongs to the periods after t,
which are the next rows of the clock; nothing is matched by calendar arithmetic, filled or moved. Rows that lack a
forecast or an outcome are counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_times
from volkit.errors import DataError, DataLossError
from volkit.results import freeze
from volkit.returns import complete_rows
from volkit.validation.scoring import Sign, check_values

__all__ = ["Outcomes", "align_outcomes", "check_variances", "realized_proxy"]

_PROXY = "the proxy"
# Means that differ by more than this factor are in different units: a volatility, per cent, a variance a year.
_SAME_UNIT = 20.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outcomes:
    """Forecasts and outcomes of the same periods.

    Attributes
    ----------
    forecasts : DataFrame, shape (n_obs, n_models)
        Variances over the horizon (decimal squared). Index `time` (UTC): label of the last period of the outcome.
    proxy : Series, shape (n_obs,)
        What was realised over the same periods (decimal squared).
    counts : DataFrame, shape (n_models + 1, 3)
        Values `given` and `outside` (the span that all share), and rows `missing` inside it: by model, and for the
        proxy, where a row is an outcome.
    n_dropped : int
        Rows of the span that lacked something.
    """

    forecasts: pd.DataFrame
    proxy: pd.Series
    counts: pd.DataFrame
    n_dropped: int


def check_variances(values: pd.Series, *, argument: str, sign: Sign = "positive") -> pd.Series:
    """Return variances by UTC time as float64, shape (n_obs,); NaN may stay, infinities and the wrong sign may not.

    Raises
    ------
    DataError
        For no Series, bad times, text, infinities, or the wrong sign; with the count and the first time.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=2, tz="UTC")
    >>> check_variances(pd.Series([4e-4, None], index=times), argument="proxy").tolist()
    [0.0004, nan]
    """
    if not isinstance(values, pd.Series):
        remedy = "pass variances by time, e.g. forecast.path['variance']"
        raise DataError(argument, "must be a Series", type(values).__name__, remedy)
    indexed = values.set_axis(check_times(values.index, argument=argument))
    known = indexed.dropna()
    checked = check_values(known, argument=argument, sign=sign, minimum=0)
    return pd.Series(checked, index=known.index, name=values.name).reindex(indexed.index)


def realized_proxy(proxy: pd.Series, times: pd.DatetimeIndex, *, horizon: int = 1) -> pd.Series:
    """Return for each forecast time the proxy summed over the `horizon` periods after it.

    Parameters
    ----------
    proxy : Series, shape (n_periods,)
        Realised variance of each period (decimal squared), labelled by the period like the returns, UTC. Its index is
        the clock: the period after t is the next row.
    times : DatetimeIndex, shape (n_forecasts,)
        Label of the last return that each forecast used, UTC, sorted.
    horizon : int
        Periods that one forecast covers.

    Returns
    -------
    Series, shape (n_forecasts,)
        Decimal squared, index `times`. NaN where the time is no label of the clock, where fewer than `horizon`
        periods follow, where a proxy among them is missing, and where the clock lacks a period that `times` knows.

    Raises
    ------
    DataError
        For bad times, text, infinite or negative proxies.
    ArgumentError
        For a horizon below 1.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> squared = pd.Series([1e-4, 4e-4, 9e-4, 2e-4], index=times)
    >>> realized_proxy(squared, times).tolist(), realized_proxy(squared, times, horizon=2).round(5).tolist()
    ([0.0004, 0.0009, 0.0002, nan], [0.0013, 0.0011, nan, nan])
    """
    steps = check_count(horizon, argument="horizon")
    known = check_variances(proxy, argument="proxy", sign="non-negative")
    labels, clock, n = check_times(times, argument="times"), known.index, len(known)
    ahead = np.full(n, np.nan)
    if n > steps:
        ahead[:-steps] = np.lib.stride_tricks.sliding_window_view(known.to_numpy()[1:], steps).sum(axis=1)
    position = clock.get_indexer(labels)
    outcome = np.where(position >= 0, ahead[position], np.nan) if n else np.full(len(labels), np.nan)
    # A time that the clock does not know may lie between t and the rows taken for the periods after it.
    strangers = labels[position < 0]
    end = clock[np.minimum(position + steps, n - 1)] if n else labels
    between = strangers.searchsorted(end, side="right") - strangers.searchsorted(labels, side="right")
    return pd.Series(np.where(between > 0, np.nan, outcome), index=labels, name=proxy.name)


def align_outcomes(
    forecasts: Mapping[str, pd.Series], proxy: pd.Series, *, horizon: int = 1, max_loss: float = 0.10
) -> Outcomes:
    """Return the rows in which every model has a forecast and the proxy an outcome, within a budget.

    Parameters
    ----------
    forecasts : mapping of str to Series
        Variance over the next `horizon` periods (decimal squared) by the last return used (UTC); NaN where none.
    proxy : Series, shape (n_periods,)
        As in `realized_proxy`; NaN where none.
    horizon : int
        Periods that one forecast covers.
    max_loss : float
        Largest share of the rows of the common span that may go, decimal. The span runs from the latest first to the
        earliest last value of all, outcomes included; what lies outside is counted and no loss.

    Returns
    -------
    Outcomes
        The rows and the counts.

    Raises
    ------
    DataError
        For bad times or values, when the spans do not overlap, when no forecast has an outcome, or when a forecast's
        mean is more than 20 times the proxy's or less than a twentieth (another unit).
    DataLossError
        When more rows would be dropped; names the model with most missing.
    ArgumentError
        For a horizon below 1 or a budget outside 0 to 1.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> squared = pd.Series([1e-4, 4e-4, 9e-4, 2e-4], index=times)
    >>> align_outcomes({"EWMA": pd.Series(3e-4, index=times)}, squared, horizon=2).proxy
    time
    2024-01-03 00:00:00+00:00    0.0013
    2024-01-04 00:00:00+00:00    0.0011
    dtype: float64
    """
    steps = check_count(horizon, argument="horizon")
    known = check_variances(proxy, argument="proxy", sign="non-negative")
    models = {n: check_variances(s, argument=f"forecast of {n}").dropna() for n, s in forecasts.items()}
    times = reduce(pd.DatetimeIndex.union, (s.index for s in models.values()))
    outcome = realized_proxy(known, times, horizon=steps)
    rows = _common_span({**models, _PROXY: outcome.dropna()}, times, known)
    frame = pd.DataFrame({n: s.reindex(rows) for n, s in models.items()}).assign(**{_PROXY: outcome.loc[rows]})
    try:
        complete = complete_rows(frame, max_loss=max_loss)
    except DataLossError as error:
        raise DataLossError("forecasts and proxy", error.requirement, error.got, error.remedy) from error
    _refuse_other_units(complete.frame)
    ends = known.index[known.index.get_indexer(complete.frame.index) + steps].rename("time")
    aligned = complete.frame.set_axis(ends)
    used = {n: s.index.isin(rows) for n, s in models.items()}
    measured = known.dropna().index
    used[_PROXY] = np.asarray((measured > rows[0]) & (measured <= ends[-1]))
    counts = pd.DataFrame({n: {"given": len(u), "outside": int((~u).sum())} for n, u in used.items()}).T
    return Outcomes(
        forecasts=freeze(aligned.drop(columns=_PROXY)),
        proxy=freeze(aligned[_PROXY].rename(proxy.name)),
        counts=freeze(counts.assign(missing=complete.missing_by_series)),
        n_dropped=complete.n_dropped,
    )


def _common_span(everything: dict[str, pd.Series], times: pd.DatetimeIndex, proxy: pd.Series) -> pd.DatetimeIndex:
    """Return every forecast time of the span that all models and the outcomes share."""
    remedy = "label forecasts by the last return used and the proxy by its period, on the same clock"
    if empty := [name for name, values in everything.items() if not len(values)]:
        of = f"none of {len(times)} forecast times has an outcome" if empty == [_PROXY] else f"no value of {empty[0]}"
        spans = (
            "" if times.empty or proxy.empty else f" (first {times[0]}; proxy {proxy.index[0]} to {proxy.index[-1]})"
        )
        raise DataError("forecasts and proxy", "must share times", f"{of}{spans}", remedy)
    start, end = max(s.index[0] for s in everything.values()), min(s.index[-1] for s in everything.values())
    rows = times[(times >= start) & (times <= end)]
    if rows.empty:
        spans = "; ".join(f"{name} {s.index[0]} to {s.index[-1]}" for name, s in everything.items())
        raise DataError("forecasts and proxy", "must overlap in time", spans, remedy)
    return rows


def _refuse_other_units(frame: pd.DataFrame) -> None:
    means = frame.mean()
    realized = float(means[_PROXY])
    if realized == 0.0:
        got = f"{len(frame)} zeros"
        raise DataError("proxy", "must have a positive value", got, "check that the asset was traded at all")
    for name, mean in means.drop(_PROXY).items():
        if not 1.0 / _SAME_UNIT < mean / realized < _SAME_UNIT:
            got = f"a mean of {mean:.3g} beside {realized:.3g} realised"
            remedy = (
                "pass variances of the same periods (decimal squared), not volatilities, per cent or yearly figures"
            )
            raise DataError(f"forecast of {name}", "must have the unit of the proxy", got, remedy)
