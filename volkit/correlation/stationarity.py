"""Tests of stationarity: what may enter a correlation, and what must be differenced first.

The augmented Dickey-Fuller test takes a unit root for granted until it is rejected, the KPSS test stationarity;
a series is refused where both point at a unit root. `check_changes` has a quicker guard of its own; this report
is for a study, and for series between the two.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_fraction, check_times
from volkit.correlation.inputs import MINIMUM_PAIRS
from volkit.errors import DataError
from volkit.results import ResultDisplay, freeze

__all__ = ["StationarityReport", "check_stationary", "require_no_unit_root", "stationarity_report"]

_LEAST = max(30, MINIMUM_PAIRS)
_VERDICTS = {
    (True, False): "stationary",
    (False, True): "unit root",
    (True, True): "between: long memory or a break",
    (False, False): "undecided: too few observations",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StationarityReport(ResultDisplay):
    """Two tests of stationarity for each of several series.

    Attributes
    ----------
    table : DataFrame, shape (n_series, 7)
        By series: `n` observations, `adf` statistic, `adf_p` (small: no unit root), `adf_lags`, `kpss` statistic,
        `kpss_p` (small: not stationary), `verdict` in words.
    significance : float
        Of both tests, fraction.
    as_of : Timestamp
        Last time (UTC) used.
    """

    table: pd.DataFrame
    significance: float
    as_of: pd.Timestamp

    @property
    def with_unit_root(self) -> tuple[str, ...]:
        """Names of the series for which both tests point at a unit root."""
        return tuple(map(str, self.table.index[self.table["verdict"] == "unit root"]))

    @property
    def headline(self) -> str:
        """Number of series, and which have a unit root."""
        named = ", ".join(self.with_unit_root) or "none"
        return f"{len(self.table)} series, with a unit root: {named}"

    def summary(self) -> pd.DataFrame:
        """Return the table, rounded (statistics and p-values without unit)."""
        return self.table.round(3)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row a series."""
        return self.table.copy()


def stationarity_report(data: pd.DataFrame, *, significance: float = 0.05) -> StationarityReport:
    """Return augmented Dickey-Fuller and KPSS tests of each column.

    Parameters
    ----------
    data : DataFrame, shape (n_obs, n_series)
        Levels or changes, any units, indexed by time (UTC). Missing values are left out column by column.
    significance : float
        Of both tests, fraction.

    Returns
    -------
    StationarityReport
        One row a series.

    Raises
    ------
    ArgumentError
        For a significance outside 0 to 1.
    DataError
        For anything but a frame with columns on UTC times, a name twice, infinite values, a constant column or one of
        fewer than 30 observations.

    Notes
    -----
    Both with a constant; the ADF lags minimise AIC up to 12 (n / 100)^(1/4), the KPSS bandwidth is Hobijn,
    Franses and Ooms' automatic one [1]_; both from `arch.unitroot`. Neither sees a unit root in the volatility.

    References
    ----------
    .. [1] Kwiatkowski, Phillips, Schmidt and Shin (1992), Journal of Econometrics 54, 159-178; Hobijn, Franses and
       Ooms (2004), Statistica Neerlandica 58(4), 483-502.

    Examples
    --------
    >>> times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    >>> moves = np.random.default_rng(1).standard_normal(400)
    >>> both = pd.DataFrame({"level": moves.cumsum(), "change": moves}, index=times)
    >>> stationarity_report(both).table["verdict"].tolist()
    ['unit root', 'stationary']
    """
    level = check_fraction(significance, argument="significance")
    if not isinstance(data, pd.DataFrame) or data.shape[1] == 0:
        got = "no column" if isinstance(data, pd.DataFrame) else type(data).__name__
        raise DataError("data", "must be a frame of at least one series", got, 'pass for example frame[["BTC"]]')
    if data.columns.has_duplicates:
        twice = data.columns[data.columns.duplicated()][0]
        raise DataError("data", "must name each series once", f"{twice} twice", "rename or drop one of them")
    index = check_times(data.index, argument="data")
    rows = {name: _test(data[name], str(name), level) for name in data.columns}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("series")
    return StationarityReport(table=freeze(table), significance=level, as_of=index[-1])


def check_stationary(data: pd.DataFrame, *, significance: float = 0.05) -> StationarityReport:
    """Return the tests of each column when none of them points at a unit root.

    Parameters
    ----------
    data, significance
        As in `stationarity_report`.

    Returns
    -------
    StationarityReport
        One row a series.

    Raises
    ------
    ArgumentError, DataError
        As `stationarity_report`, and a DataError that names the series with a unit root: a correlation of levels
        of two random walks is near 1 or -1 by chance.

    Examples
    --------
    >>> times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    >>> moves = np.random.default_rng(1).standard_normal((400, 2))
    >>> check_stationary(pd.DataFrame(moves.cumsum(axis=0), index=times, columns=["BTC", "M2"]))
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: data must be stationary; got a unit root in BTC (ADF p 0.94, KPSS p 0.00), M2 (ADF p \
0.21, KPSS p 0.00); take changes first, e.g. volkit.changes(panel): levels of two random walks correlate by chance.
    """
    report = stationarity_report(data, significance=significance)
    remedy = "take changes first, e.g. volkit.changes(panel): levels of two random walks correlate by chance"
    require_no_unit_root(report, argument="data", remedy=remedy)
    return report


def require_no_unit_root(report: StationarityReport, *, argument: str, remedy: str) -> None:
    """Check that both tests of no series (of any unit) in a report point at a unit root.

    Raises
    ------
    DataError
        With the series and their p-values.

    Examples
    --------
    >>> times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    >>> moves = pd.DataFrame({"BTC": np.random.default_rng(1).standard_normal(400)}, index=times)
    >>> require_no_unit_root(stationarity_report(moves), argument="levels", remedy="pass changes")
    """
    if report.with_unit_root:
        found = report.table.loc[report.table["verdict"] == "unit root"]
        words = [f"{r.Index} (ADF p {r.adf_p:.2f}, KPSS p {r.kpss_p:.2f})" for r in found.itertuples()]
        raise DataError(argument, "must be stationary", f"a unit root in {', '.join(words)}", remedy)


def _test(column: pd.Series, name: str, significance: float) -> dict[str, object]:
    from arch.unitroot import ADF, KPSS  # half a second: only when asked for

    values = check_floats(column, argument=f"data ({column.name})")
    if np.isinf(values).any():
        got = f"{int(np.isinf(values).sum())} infinite values"
        raise DataError(f"data[{name!r}]", "must be finite", got, "repair them, or set them to NaN")
    values = values[~np.isnan(values)]
    if len(values) < _LEAST or np.ptp(values) == 0.0:
        got = f"{len(values)} observations" + (" of one value" if len(values) and np.ptp(values) == 0.0 else "")
        raise DataError(f"data[{name!r}]", f"must hold {_LEAST} observations that vary", got, "pass a longer history")
    # In units of its own spread, so that the regressions are as well conditioned for prices as for returns.
    values = (values - values.mean()) / np.abs(values - values.mean()).max()
    with warnings.catch_warnings():
        # The library announces that its bandwidth depends on the data, which is what is wanted.
        warnings.filterwarnings("ignore", message="Lag selection has changed")
        adf, kpss = ADF(values, trend="c", method="aic"), KPSS(values, trend="c")
        facts = {
            "n": len(values),
            "adf": float(adf.stat),
            "adf_p": float(adf.pvalue),
            "adf_lags": int(adf.lags),
            "kpss": float(kpss.stat),
            "kpss_p": float(kpss.pvalue),
        }
    return {**facts, "verdict": _VERDICTS[facts["adf_p"] < significance, facts["kpss_p"] < significance]}
