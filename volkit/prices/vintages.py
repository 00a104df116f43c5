"""Macro values as they were known: reference period, release instant, vintage.

A macro value has three times: the period it is about, the instant at which it was published, and the vintage
(a later release may revise it). A join on the first looks ahead by weeks, and one on the newest vintage by years.
Releases enter as a `VintageTable`; `as_known` joins them on the release instant, and `check_point_in_time`
refuses a series that was joined otherwise. What the sources hand out is read in `releases`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_floats, check_times
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["Vintage", "VintageTable", "check_point_in_time", "vintage_table"]

Vintage = Literal["first_release", "latest_known"]
_COLUMNS = ["reference", "released", "value"]
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VintageTable(ResultDisplay):
    """Every release of a macro series: what it was about, when it came, and what it said.

    Attributes
    ----------
    releases : DataFrame, shape (n_releases, 3)
        `reference` (label of the period, UTC), `released` (instant, UTC), `value` (in `unit`), sorted by
        `released`, then `reference`. On purpose not indexed by the reference: that join is the mistake.
    name : str
        Of the series.
    unit : str
        Of the values.
    provenance : Provenance
        Source behind it.

    Examples
    --------
    >>> releases = pd.DataFrame({
    ...     "reference": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-02-01"], utc=True),
    ...     "released": pd.to_datetime(["2024-02-13 13:30", "2024-03-12 12:30", "2024-03-12 12:30"], utc=True),
    ...     "value": [3.1, 3.0, 3.2]})
    >>> vintage_table(releases, name="CPI", unit="percent")
    <VintageTable: CPI, 2 periods, 3 releases 2024-02-13..2024-03-12, 1 of them a revision>
    """

    releases: pd.DataFrame
    name: str
    unit: str
    provenance: Provenance

    @property
    def as_of(self) -> pd.Timestamp:
        """The last release (UTC)."""
        return self.releases["released"].max()

    @property
    def n_revisions(self) -> int:
        """Releases of a period that had been released before."""
        return int(self.releases["reference"].duplicated().sum())

    @property
    def headline(self) -> str:
        """Name, periods, releases and span in one line."""
        released = self.releases["released"]
        span = f"{released.min().date()}..{released.max().date()}"
        n_periods = self.releases["reference"].nunique()
        return (
            f"{self.name}, {n_periods} periods, {len(released)} releases {span}, {self.n_revisions} of them a revision"
        )

    def summary(self) -> pd.DataFrame:
        """Return count, median delay in days and size of revisions (in the unit), one fact a row."""
        first = self.releases.drop_duplicates("reference")
        last = self.releases.drop_duplicates("reference", keep="last").set_index("reference")["value"]
        revision = (last - first.set_index("reference")["value"]).abs()
        delay = (first["released"] - first["reference"]) / _DAY
        facts = {
            "periods": str(len(first)),
            "releases": str(len(self.releases)),
            "revisions": str(self.n_revisions),
            "median delay of the first release (days)": f"{delay.median():.1f}",
            f"median absolute revision ({self.unit})": f"{revision.median():.4g}",
            "last release (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name=self.name).to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the releases."""
        return self.releases.copy()

    def as_known(self, at: pd.DatetimeIndex, *, vintage: Vintage = "first_release") -> pd.DataFrame:
        """Return the value of the newest period that had been released by each instant.

        Parameters
        ----------
        at : DatetimeIndex, shape (n_obs,)
            Instants (UTC) of the decisions; usually the close instants of a panel, never its labels.
        vintage : {"first_release", "latest_known"}
            The period's first value, which markets saw, or the newest one released by then.

        Returns
        -------
        DataFrame, shape (n_obs, 4)
            `value` (in `unit`), `label` (reference period, UTC), `released` (UTC) and `age_days` since; NaN and
            NaT before the first release.

        Raises
        ------
        ArgumentError
            For another vintage.
        DataError
            When `at` is naive, unsorted or has duplicates.

        Examples
        --------
        >>> releases = pd.DataFrame({
        ...     "reference": pd.to_datetime(["2024-01-01", "2024-01-01"], utc=True),
        ...     "released": pd.to_datetime(["2024-02-13 13:30", "2024-03-12 12:30"], utc=True), "value": [3.1, 3.0]})
        >>> table = vintage_table(releases, name="CPI", unit="percent")
        >>> at = pd.DatetimeIndex(["2024-02-13 13:00", "2024-02-13 14:00", "2024-03-13"], tz="UTC")
        >>> table.as_known(at, vintage="latest_known")["value"].tolist()
        [nan, 3.1, 3.0]
        """
        check_choice(vintage, argument="vintage", choices=("first_release", "latest_known"))
        instants = check_times(at, argument="at")
        news = self.releases
        if vintage == "first_release":
            news = news.drop_duplicates("reference")
        # A revision of an older period is no news of the newest one.
        news = news[news["reference"] >= news["reference"].cummax()]
        joined = pd.merge_asof(pd.DataFrame({"at": instants}), news, left_on="at", right_on="released")
        age = (joined["at"] - joined["released"]) / _DAY
        columns = {"value": joined["value"], "label": joined["reference"], "released": joined["released"]}
        return pd.DataFrame({**columns, "age_days": age}).set_axis(instants, axis=0)

    def history_at(self, at: pd.Timestamp) -> pd.Series:
        """Return the series as it stood at one instant: each period's newest value released by then.

        Parameters
        ----------
        at : Timestamp
            With a time zone.

        Returns
        -------
        Series, shape (n_periods,)
            In `unit`, by reference period (UTC); empty before the first release.

        Raises
        ------
        ArgumentError
            For a naive time.

        Examples
        --------
        >>> releases = pd.DataFrame({
        ...     "reference": pd.to_datetime(["2024-01-01", "2024-01-01"], utc=True),
        ...     "released": pd.to_datetime(["2024-02-13 13:30", "2024-03-12 12:30"], utc=True), "value": [3.1, 3.0]})
        >>> table = vintage_table(releases, name="CPI", unit="percent")
        >>> table.history_at(pd.Timestamp("2024-03-01", tz="UTC")).tolist()
        [3.1]
        """
        instant = pd.Timestamp(at)
        if instant.tz is None:
            raise ArgumentError(
                "at", "must be a time in UTC", f"the naive {at}", f'pass pd.Timestamp("{at}", tz="UTC")'
            )
        known = self.releases[self.releases["released"] <= instant]
        newest = known.drop_duplicates("reference", keep="last").sort_values("reference")
        return newest.set_index("reference")["value"].rename(self.name)

    def surprises(self, expected: pd.Series) -> pd.DataFrame:
        """Return what each first release said beyond what had been expected of it.

        Parameters
        ----------
        expected : Series, shape (n_periods,)
            Expectation of the value, in `unit`, by reference period (UTC): a survey that closed before the
            release.

        Returns
        -------
        DataFrame, shape (n_periods, 4)
            `reference`, `actual`, `expected`, `surprise` (actual minus expected, in `unit`) by release instant
            (UTC); NaN where no expectation is given.

        Raises
        ------
        DataError
            For bad times, or an expectation of a period that was never released.

        Examples
        --------
        >>> month = pd.to_datetime(["2024-01-01"], utc=True)
        >>> releases = pd.DataFrame({
        ...     "reference": month, "released": pd.to_datetime(["2024-02-13 13:30"], utc=True), "value": [3.1]})
        >>> table = vintage_table(releases, name="CPI", unit="percent")
        >>> table.surprises(pd.Series([2.9], index=month))["surprise"].round(2).tolist()
        [0.2]
        """
        index = check_times(expected.index, argument="expected")
        first = self.releases.drop_duplicates("reference")
        stray = index[~index.isin(first["reference"])]
        if len(stray):
            got = f"{len(stray)} other periods, first {stray[0]}"
            remedy = "label each expectation by the reference period, not by the day of the release"
            raise DataError("expected", f"must be of periods that {self.name} was released for", got, remedy)
        survey = pd.Series(expected.to_numpy(dtype=np.float64), index=index).reindex(first["reference"]).to_numpy()
        table = pd.DataFrame({"reference": first["reference"], "actual": first["value"], "expected": survey})
        table["surprise"] = table["actual"] - table["expected"]
        return table.set_axis(pd.DatetimeIndex(first["released"], name="time"), axis=0)


def vintage_table(
    releases: pd.DataFrame, *, name: str, unit: str, provenance: Provenance | None = None
) -> VintageTable:
    """Return a table of releases from a frame, checked and in order of release.

    Parameters
    ----------
    releases : DataFrame, shape (n_releases, 3 or more)
        `reference` and `released` (times with a zone), `value` (in `unit`); other columns are left out. Rows
        without a value are no releases and are left out.
    name : str
        Of the series.
    unit : str
        Of the values.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    VintageTable
        Sorted by release, times in UTC.

    Raises
    ------
    DataError
        For a missing column, naive times, no value at all, a release before its period begins, or two values of
        one period at one instant.

    Examples
    --------
    >>> month = pd.to_datetime(["2024-01-01"], utc=True)
    >>> vintage_table(pd.DataFrame({"reference": month, "value": [3.1]}), name="CPI", unit="percent")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: releases of CPI must have the columns reference, released, value; got reference, value; \
say when each value was published: without the instant no join is free of look-ahead.
    """
    argument = f"releases of {name}"
    if not set(_COLUMNS) <= set(releases.columns):
        remedy = "say when each value was published: without the instant no join is free of look-ahead"
        has = ", ".join(map(str, releases.columns)) or "none"
        raise DataError(argument, f"must have the columns {', '.join(_COLUMNS)}", has, remedy)
    table = releases[_COLUMNS].reset_index(drop=True)
    table["value"] = check_floats(table["value"], argument=f"{argument} value")
    table = table[np.isfinite(table["value"].to_numpy())]
    if table.empty:
        raise DataError(argument, "must hold a value", f"{len(releases)} rows without one", "check the source")
    for column in ("reference", "released"):
        table[column] = _utc_column(table[column], argument=f"{column} of {name}")
    table = table.sort_values(["released", "reference"], kind="stable", ignore_index=True)
    early = table[table["released"] < table["reference"]]
    if len(early):
        got = f"{early['released'].iloc[0]} for {early['reference'].iloc[0]}"
        remedy = "pass the publication instant as released; a reference period is labelled by its start"
        raise DataError(argument, "must come after the start of their period", got, remedy)
    twice = table[table.duplicated(["reference", "released"])]
    if len(twice):
        got = f"two for {twice['reference'].iloc[0]} at {twice['released'].iloc[0]}"
        raise DataError(argument, "must have one value for a period and an instant", got, "keep the one that stood")
    return VintageTable(releases=freeze(table), name=name, unit=unit, provenance=provenance or Provenance(()))


def check_point_in_time(values: pd.Series, table: VintageTable) -> pd.Series:
    """Return a series that was joined by hand, when each value had been released by its row's instant.

    Parameters
    ----------
    values : Series, shape (n_obs,)
        Values of the table by decision instant (UTC); NaN may stay.
    table : VintageTable
        The releases they were taken from.

    Returns
    -------
    Series, shape (n_obs,)
        The same.

    Raises
    ------
    DataError
        When a value was released only after its row's instant, as after a join on the reference period or on the
        newest vintage, or belongs to no release at all.

    Notes
    -----
    Values are told by their number: one that an earlier release happened to have as well passes.

    Examples
    --------
    >>> month = pd.to_datetime(["2024-01-01"], utc=True)
    >>> releases = pd.DataFrame({
    ...     "reference": month, "released": pd.to_datetime(["2024-02-13 13:30"], utc=True), "value": [3.1]})
    >>> table = vintage_table(releases, name="CPI", unit="percent")
    >>> check_point_in_time(pd.Series([3.1], index=month), table)
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: values of CPI must have been released by the instant of their row; got 1 of 1 rows too \
early, first 3.1 at 2024-01-01 00:00:00+00:00, released 2024-02-13 13:30:00+00:00 for the period 2024-01-01; join on \
the release instant: table.as_known(at).
    """
    argument = f"values of {table.name}"
    index = check_times(values.index, argument=argument)
    given = pd.DataFrame({"at": index, "value": values.to_numpy(dtype=np.float64, na_value=np.nan)}).dropna()
    first = table.releases.drop_duplicates("value")
    joined = given.merge(first, on="value", how="left")
    stray = joined[joined["released"].isna()]
    if len(stray):
        got = f"{len(stray)} of {len(joined)} rows with other values, first {stray['value'].iloc[0]:g}"
        remedy = "pass levels as released, before any change or scaling"
        raise DataError(argument, "must be values of some release", got, remedy)
    early = joined[joined["released"] > joined["at"]]
    if len(early):
        row = early.iloc[0]
        got = (
            f"{len(early)} of {len(joined)} rows too early, first {row['value']:g} at {row['at']}, "
            f"released {row['released']} for the period {row['reference'].date()}"
        )
        remedy = "join on the release instant: table.as_known(at)"
        raise DataError(argument, "must have been released by the instant of their row", got, remedy)
    return values


def _utc_column(times: pd.Series, *, argument: str) -> pd.Series:
    if not isinstance(times.dtype, pd.DatetimeTZDtype) or times.isna().any():
        got = "missing times" if times.isna().any() else f"a column of {times.dtype}"
        raise DataError(argument, "must be times with a zone on every row", got, "use pd.to_datetime(..., utc=True)")
    return times.dt.tz_convert("UTC").dt.as_unit("us")
