"""The macro state at the close of each period of an asset: nothing that had not been published by then.

Bars, or any series with the instants at which its values became known, enter; a `MacroState` leaves, one row a period.
A variable is made on its own clock first and joined by publication afterwards, so that a change is never taken
between a value and its own copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_kind, check_kinds, check_series, check_times
from volkit.conventions import BASIS_POINTS_PER_PERCENT
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, freeze
from volkit.sources.protocol import Bars
from volkit.volatility import percentile_rank

__all__ = ["MacroState", "StateVariable", "level_variable", "macro_state", "move_variable"]

_MAX_AGE = pd.Timedelta(days=7)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StateVariable:
    """One variable on its own clock.

    Attributes
    ----------
    name : str
        Of the variable, e.g. ``VIX log level``.
    unit : str
        Of its values.
    values : Series, shape (n_values,)
        By label (UTC); NaN where there is none.
    known : Series of Timestamp, shape (n_values,)
        Instant (UTC) at which each value had been published, on the same labels, never falling.
    provenance : SeriesProvenance or None
        Of the series behind it.
    """

    name: str
    unit: str
    values: pd.Series
    known: pd.Series
    provenance: SeriesProvenance | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MacroState(ResultDisplay):
    """What was known of the macro market at the close of each period.

    Attributes
    ----------
    frame : DataFrame, shape (n_periods, n_variables)
        By label of the period (UTC), each variable in its unit; NaN before its first value and where the last known
        one was older than `max_age`.
    age_hours : DataFrame, shape (n_periods, n_variables)
        Hours since the value had been published.
    units : mapping of str to str
        By variable.
    at : Series of Timestamp, shape (n_periods,)
        Close of each period (UTC).
    max_age : Timedelta
        Oldest value that counts.
    provenance : Provenance
        Series behind it.
    """

    frame: pd.DataFrame
    age_hours: pd.DataFrame
    units: dict[str, str]
    at: pd.Series
    max_age: pd.Timedelta
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last period."""
        return self.frame.index[-1]

    @property
    def n_obs(self) -> int:
        """Periods with every variable."""
        return int(self.frame.notna().all(axis=1).sum())

    @property
    def headline(self) -> str:
        """Variables, complete periods and the oldest value in one line."""
        names = ", ".join(map(str, self.frame.columns))
        oldest = float(self.age_hours.where(self.frame.notna()).max().max())
        return f"{names}: {self.n_obs} complete periods to {self.as_of.date()}, values at most {oldest:.0f} hours old"

    def summary(self) -> pd.DataFrame:
        """Return one row a variable: unit, periods, least, median, greatest and latest value, median age (hours)."""
        known = self.frame
        return pd.DataFrame(
            {
                "unit": pd.Series(self.units),
                "periods": known.notna().sum(),
                "least": known.min(),
                "median": known.median(),
                "greatest": known.max(),
                "latest": known.iloc[-1],
                "median age (hours)": self.age_hours.where(known.notna()).median(),
            }
        ).loc[list(known.columns)]

    def to_frame(self) -> pd.DataFrame:
        """Return the frame (UTC, units as in `units`)."""
        return self.frame


def level_variable(bars: Bars, *, form: str = "log", window: int = 252) -> StateVariable:
    """Return the level of a mean-reverting series, as its logarithm or its rank among the values before it.

    Parameters
    ----------
    bars : Bars
        For example of VIX; prices and yields have a unit root and are refused where the state is used.
    form : {"log", "percentile"}
        Logarithm, or share of the `window` values before that lie below (`volkit.percentile_rank`).
    window : int
        Of the rank, in rows of the bars.

    Raises
    ------
    ArgumentError
        For another form.
    DataError
        For a level of zero or less under the logarithm, or what `percentile_rank` refuses.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> level_variable(BundledSource().load_bars("VIX"), window=60, form="percentile").name
    'VIX percentile (60)'
    """
    check_kind(bars, Bars, argument="bars", remedy="pass what load_bars returns")
    close, known = _published(bars)
    if check_choice(form, argument="form", choices=("log", "percentile")) == "log":
        if (close <= 0.0).any():
            got = f"{int((close <= 0.0).sum())} others, first on {close.index[close <= 0.0][0].date()}"
            raise DataError(bars.name, "must be positive for a logarithm", got, 'use form="percentile"')
        name, unit, values = f"{bars.name} log level", f"log of {bars.spec.unit}", np.log(close)
    else:
        name, unit = f"{bars.name} percentile ({window})", "fraction"
        values = percentile_rank(close, window=window)
    return StateVariable(name=name, unit=unit, values=values, known=known, provenance=bars.provenance)


def move_variable(bars: Bars, *, periods: int = 5) -> StateVariable:
    """Return the change of a series over some of its own rows: basis points of a yield, else the log change.

    Parameters
    ----------
    bars : Bars
        For example of DXY or US10Y.
    periods : int
        Rows of the bars.

    Raises
    ------
    ArgumentError
        For no whole number of periods.
    DataError
        For a price of zero or less where a logarithm is due.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> move = move_variable(BundledSource().load_bars("SPX"), periods=1)
    >>> move.name, move.unit, round(float(move.values.loc["2018-02-05"]), 3)
    ('SPX move (1)', 'log return', -0.042)
    """
    check_kind(bars, Bars, argument="bars", remedy="pass what load_bars returns")
    rows = check_count(periods, argument="periods")
    close, known = _published(bars)
    if bars.spec.transform == "log":
        if (close <= 0.0).any():
            got = f"{int((close <= 0.0).sum())} others"
            raise DataError(bars.name, "must be positive for a log return", got, "leave those rows out")
        unit, values = "log return", np.log(close).diff(rows)
    elif bars.spec.transform == "basis_points":
        unit, values = "basis points", close.diff(rows) * BASIS_POINTS_PER_PERCENT
    else:
        unit, values = bars.spec.unit, close.diff(rows)
    return StateVariable(
        name=f"{bars.name} move ({rows})", unit=unit, values=values, known=known, provenance=bars.provenance
    )


def macro_state(variables: Sequence[StateVariable], *, at: pd.Series, max_age: pd.Timedelta = _MAX_AGE) -> MacroState:
    """Return the last published value of each variable at the close of each period.

    Parameters
    ----------
    variables : sequence of StateVariable
        From `level_variable`, `move_variable`, `regime_variable`, or one's own.
    at : Series of Timestamp, shape (n_periods,)
        Close instants (UTC) by label of the period, e.g. ``bars.frame["close_time"]`` of the asset.
    max_age : Timedelta
        Values published longer ago than this are missing; seven days by default, more than any holiday.

    Returns
    -------
    MacroState
        Shape (n_periods, n_variables). A value published at the very close counts as known.

    Raises
    ------
    ArgumentError
        For no variable, a name twice, or a maximal age that is not positive.
    DataError
        For bad labels, closes or publications that go back, or values and publications on different labels.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> source = BundledSource()
    >>> days = pd.date_range("2018-02-02", periods=3, tz="UTC")
    >>> state = macro_state([move_variable(source.load_bars("SPX"), periods=1)], at=pd.Series(days.shift(1), days))
    >>> state.frame["SPX move (1)"].round(3).tolist(), state.age_hours["SPX move (1)"].tolist()
    ([-0.021, -0.021, -0.021], [3.0, 27.0, 51.0])
    """
    remedy = "pass what level_variable or move_variable returns"
    variables = check_kinds(variables, StateVariable, argument="variables", remedy=remedy)
    names = [variable.name for variable in variables]
    if not names or len(set(names)) < len(names):
        raise ArgumentError("variables", "must be some with names of their own", ", ".join(names) or "none", "rename")
    if not isinstance(max_age, pd.Timedelta) or not max_age > pd.Timedelta(0):
        raise ArgumentError("max_age", "must be positive", str(max_age), 'pass pd.Timedelta("7D")')
    labels = check_times(check_series(at, argument="at").index, argument="at")
    if not len(labels):
        raise DataError("at", "must have rows", "none", "pass the instants of the returns' rows")
    closes = _instants(at, argument="at")
    columns, ages = {}, {}
    for variable in variables:
        columns[variable.name], ages[variable.name] = _last(variable, closes, max_age)
    return MacroState(
        frame=freeze(pd.DataFrame(columns, index=labels)),
        age_hours=freeze(pd.DataFrame(ages, index=labels)),
        units={variable.name: variable.unit for variable in variables},
        at=pd.Series(closes, index=labels, name="close_time"),
        max_age=max_age,
        provenance=Provenance(tuple(dict.fromkeys(v.provenance for v in variables if v.provenance is not None))),
    )


def _published(bars: Bars) -> tuple[pd.Series, pd.Series]:
    column = "release_time" if "release_time" in bars.frame.columns else "close_time"
    rows = bars.frame[["close", column]].dropna()
    return rows["close"].astype("float64"), rows[column]


def _instants(times: pd.Series, *, argument: str) -> pd.DatetimeIndex:
    instants = pd.DatetimeIndex(times)
    if instants.tz is None or instants.hasnans or not instants.is_monotonic_increasing:
        got = "naive times" if instants.tz is None else "missing or falling instants"
        raise DataError(argument, "must be instants in UTC that never go back", got, "pass the close_time of bars")
    return instants.tz_convert("UTC").as_unit("us")


def _last(variable: StateVariable, closes: pd.DatetimeIndex, max_age: pd.Timedelta) -> tuple[np.ndarray, np.ndarray]:
    if not variable.values.index.equals(variable.known.index):
        got, remedy = "different ones", "give each value the instant at which it was published"
        raise DataError(variable.name, "must have values and publications on the same labels", got, remedy)
    has = variable.values.notna().to_numpy()
    published = _instants(variable.known[has], argument=f"known of {variable.name}")
    values = variable.values.to_numpy(dtype=np.float64)[has]
    # Of values published at one instant the later label counts.
    at = published.searchsorted(closes, side="right") - 1
    found = np.maximum(at, 0)
    if not len(values):
        return np.full(len(closes), np.nan), np.full(len(closes), np.nan)
    age = ((closes - published[found]) / pd.Timedelta(hours=1)).to_numpy(dtype=np.float64)
    fresh = (at >= 0) & (age <= max_age / pd.Timedelta(hours=1))
    return np.where(fresh, values[found], np.nan), np.where(at >= 0, age, np.nan)
