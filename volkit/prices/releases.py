"""What the sources know of publication, as releases: one value a period from bars, first and latest from FRED."""

import pandas as pd

from volkit.checks import check_kind, check_table
from volkit.errors import DataError
from volkit.prices.vintages import VintageTable, vintage_table
from volkit.results import Provenance
from volkit.sources.catalogue import ReleaseRule
from volkit.sources.protocol import Bars

__all__ = ["first_and_latest", "last_known"]


def first_and_latest(
    pulled: pd.DataFrame, release: ReleaseRule, *, name: str, unit: str, provenance: Provenance | None = None
) -> VintageTable:
    """Return a table of releases from FRED's first and latest values (`FredClient.pull_vintages`).

    Parameters
    ----------
    pulled : DataFrame, shape (n_periods, 4 or more)
        `close` and `latest` (values), `vintage_start` and `latest_start` (dates as YYYYMMDD), by reference period
        (UTC).
    release : ReleaseRule
        Its local time and zone are the time of day of every release, since FRED keeps dates only.
    name, unit, provenance
        As in `vintage_table`.

    Returns
    -------
    VintageTable
        One or two releases a period. What stood between the two is not known, so ``latest_known`` keeps the first
        value until the newest one came: never too early.

    Raises
    ------
    DataError
        As `vintage_table`.

    Examples
    --------
    >>> pulled = pd.DataFrame({"close": [3.1], "vintage_start": [20240213.0], "latest": [3.0],
    ...                        "latest_start": [20240312.0]}, index=pd.to_datetime(["2024-01-01"], utc=True))
    >>> rule = ReleaseRule(time="08:30", zone="America/New_York")
    >>> first_and_latest(pulled, rule, name="CPI", unit="percent").to_frame()["released"].astype(str).tolist()
    ['2024-02-13 13:30:00+00:00', '2024-03-12 12:30:00+00:00']
    """
    check_kind(release, ReleaseRule, argument="release", remedy="pass the release of a catalogue's series")
    needed = ["close", "vintage_start", "latest", "latest_start"]
    check_table(pulled, argument="pulled")
    if missing := [name for name in needed if name not in pulled.columns]:
        has = ", ".join(map(str, pulled.columns)) or "no column"
        raise DataError("pulled", f"must have the columns {', '.join(needed)}", has, f"add {missing[0]}")
    parts = []
    for value, since in (("close", "vintage_start"), ("latest", "latest_start")):
        known = pulled.loc[pulled[value].notna() & pulled[since].notna(), [value, since]]
        days = pd.to_datetime(known[since].astype("int64").astype(str), format="%Y%m%d", errors="coerce")
        if (bad := days.isna()).any():
            got = f"{known.loc[bad, since].iloc[0]:g}"
            raise DataError(f"pulled[{since!r}]", "must be days written as 20240131", got, "pull the series again")
        wall = pd.DatetimeIndex(days) + pd.Timedelta(f"{release.time}:00")
        released = wall.tz_localize(release.zone).tz_convert("UTC")
        parts.append(pd.DataFrame({"reference": known.index, "released": released, "value": known[value].to_numpy()}))
    # A period that was never revised has its first value as its latest.
    releases = pd.concat(parts).drop_duplicates(["reference", "released"])
    return vintage_table(releases, name=name, unit=unit, provenance=provenance)


def last_known(bars: Bars, at: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the last value of a series that had been published by each instant.

    Parameters
    ----------
    bars : Bars
        A macro level or any predictor; its `release_time` decides, else its `close_time`.
    at : DatetimeIndex, shape (n_obs,)
        Instants (UTC) of the decisions; usually the close instants of a panel.

    Returns
    -------
    DataFrame, shape (n_obs, 3)
        `value`, `label` (the value's own time, UTC) and `age_days` since its publication; NaN before the first.
        Of the values published by an instant the latest label counts.

    Raises
    ------
    DataError
        When `at` is naive, unsorted or has duplicates.

    Notes
    -----
    The source's newest vintage stands in for the first release: use `VintageTable.as_known` where a series is
    revised.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> oil = BundledSource().load_bars("WTI_SPOT")
    >>> known = last_known(oil, pd.DatetimeIndex(["2018-06-15 20:00"], tz="UTC"))
    >>> str(known["label"].iloc[0].date())  # published a week late
    '2018-06-07'
    """
    check_kind(bars, Bars, argument="bars", remedy="pass what load_bars returns")
    published = "release_time" if "release_time" in bars.frame.columns else "close_time"
    columns = {"time": "reference", published: "released", "close": "value"}
    releases = bars.frame[["close", published]].dropna().rename_axis("time").reset_index().rename(columns=columns)
    provenance = Provenance((bars.provenance,))
    table = vintage_table(releases, name=bars.name, unit=bars.spec.unit, provenance=provenance)
    return table.as_known(at)[["value", "label", "age_days"]]
