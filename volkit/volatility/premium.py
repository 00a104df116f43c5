"""The variance risk premium: what options ask for volatility, less what a model expects or what came.

An implied volatility index and either a forecast (`ex_ante_premium`) or realised variance (`ex_post_premium`) enter,
plain Series by time; a `VariancePremium` leaves: the premium through time, when each value was known, its rank in its
own history at that time, and an interval for its mean that allows for the overlap of horizons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_fraction, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.mean_premium import Interval, MeanPremium, mean_premium
from volkit.volatility.outcomes import check_variances, realized_proxy

__all__ = ["Measure", "VariancePremium", "ex_ante_premium", "ex_post_premium"]

Measure: TypeAlias = Literal["volatility", "variance"]

# An index in points was passed for a decimal: no market implies five hundred per cent for a month.
_PERCENT_FROM = 5.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VariancePremium(ResultDisplay):
    """Implied less expected, or less subsequently realised, volatility of one asset through time.

    Attributes
    ----------
    asset : str
        Name of the implied series.
    kind : str
        ``ex ante`` (implied less forecast) or ``ex post`` (implied less realised afterwards).
    frame : DataFrame, shape (n_obs, 7)
        Index `time` (UTC): when the implied volatility was known. implied, expected (or realised, ex post): annualised
        volatility, decimal; premium in `measure`; log_ratio (no unit) of the two volatilities; known_at (UTC): label
        of the period with which the premium was known, the time itself ex ante; rank: share of the premiums known
        before `known_at` that lie below, NaN until there are `minimum_history`; flag: rich, fair, cheap, or "".
    measure : {"volatility", "variance"}
        Unit of the premium.
    horizon : int
        Periods that forecast or realised volatility cover.
    periods_per_year : float
        Of the clock.
    limits : tuple of float
        Ranks up to the first are cheap, from the second on rich.
    mean : MeanPremium
        Over all rows.
    as_of : Timestamp
        UTC; the last `known_at`.
    n_pending : int
        Implied values whose horizon is not over (ex post) or that have no forecast (ex ante).
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    kind: str
    frame: pd.DataFrame
    measure: str
    horizon: int
    periods_per_year: float
    limits: tuple[float, float]
    mean: MeanPremium
    as_of: pd.Timestamp
    n_pending: int
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Premiums known."""
        return len(self.frame)

    @property
    def unit(self) -> str:
        """Unit of the premium, in words."""
        return "volatility per year" if self.measure == "volatility" else "variance per year"

    @property
    def headline(self) -> str:
        """Latest premium with its flag, and the mean with its interval, in one line."""
        last, m = self.frame.iloc[-1], self.mean
        flag = f" ({last['flag']}, above {percent_to(last['rank'], 0)} of its history)" if last["flag"] else ""
        return (
            f"{self.asset}, {self.kind}, {self.measure}: latest {last['premium']:+.4f}{flag}, mean {m.mean:+.4f} "
            f"({m.confidence:.4g} interval {m.lower:+.4f} to {m.upper:+.4f}), known by {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity, unit in the label."""
        f, m, unit = self.frame, self.mean, self.unit
        other = "expected" if self.kind == "ex ante" else "realised"
        rows = {
            "premiums (count)": self.n_obs,
            "not yet known (count)": self.n_pending,
            "horizon (periods)": self.horizon,
            "mean implied (volatility per year)": f["implied"].mean(),
            f"mean {other} (volatility per year)": f[other].mean(),
            f"mean premium ({unit})": m.mean,
            f"standard error ({unit}, {m.method.replace('_', ' ')}, {m.lags} periods)": m.standard_error,
            f"lower limit ({unit}, {m.confidence:.4g})": m.lower,
            f"upper limit ({unit}, {m.confidence:.4g})": m.upper,
            f"median premium ({unit})": f["premium"].median(),
            "premiums above zero (share)": (f["premium"] > 0.0).mean(),
            "horizons without a period in common (count)": m.n_independent,
            f"latest premium ({unit})": f["premium"].iloc[-1],
            "latest rank (share of history below)": f["rank"].iloc[-1],
        }
        title = f"{self.asset}, {self.kind} premium"
        return pd.DataFrame({"value": pd.Series(rows, dtype="float64")}).rename_axis(title)

    def to_frame(self) -> pd.DataFrame:
        """Return `frame`."""
        return self.frame


def ex_ante_premium(
    implied: pd.Series,
    expected_variance: pd.Series,
    *,
    horizon: int,
    periods_per_year: float,
    measure: Measure = "volatility",
    limits: Sequence[float] = (0.1, 0.9),
    minimum_history: int = 60,
    interval: Interval = "newey_west",
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> VariancePremium:
    """Return implied volatility less the volatility that a model expects over the same horizon.

    Parameters
    ----------
    implied : Series, shape (n_obs,)
        Annualised implied volatility over `horizon` (decimal, an index in points over 100), by the label (UTC) of the
        period at whose close it was read; NaN where there is none.
    expected_variance : Series, shape (n_forecasts,)
        Variance forecast summed over the next `horizon` periods (decimal squared), by the label of the last return it
        used, as the forecasts of this package; NaN where there is none.
    horizon : int
        Periods.
    periods_per_year : float
        Periods of the clock in the year that annualises: 365 for UTC days.
    measure : {"volatility", "variance"}
        Whether the premium is a difference of volatilities or of variances.
    limits : sequence of two float
        Ranks up to the first are cheap, from the second on rich.
    minimum_history : int
        Premiums known before, below which there is no rank.
    interval : {"newey_west", "block_bootstrap"}
        How the mean's interval allows for overlap.
    confidence : float
        Of that interval.
    rng : Generator, optional
        For the bootstrap; seed 0 by default.
    provenance : Provenance, optional
        Where the series come from.

    Returns
    -------
    VariancePremium
        Times that have both; known at once.

    Raises
    ------
    DataError
        For bad times or values, implied volatility in per cent, or fewer than 3 premiums.
    ArgumentError
        For an argument out of range.

    Notes
    -----
    Volatility: sigma_implied - sigma_expected, sigma_expected^2 = expected_variance * periods_per_year / horizon.
    Variance: the difference of the squares, the premium of a variance swap (Bollerslev, Tauchen and Zhou 2009, Review
    of Financial Studies 22, equation 12). The root of an expected variance is above the expected volatility (Jensen),
    which makes the volatility measure the smaller one.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=100, tz="UTC")
    >>> implied = pd.Series(0.65, index=times, name="BTC")
    >>> expected = pd.Series(30 * 0.6**2 / 365, index=times)
    >>> premium = ex_ante_premium(implied, expected, horizon=30, periods_per_year=365)
    >>> round(premium.mean.mean, 3), premium.frame["known_at"].iloc[0] == times[0]
    (0.05, True)
    """
    steps = check_count(horizon, argument="horizon")
    year = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    known = _check_implied(implied)
    forecast = check_variances(expected_variance, argument="expected_variance")
    frame = pd.concat({"implied": known, "expected": np.sqrt(forecast * year / steps)}, axis=1, join="inner")
    return _premium_of(
        frame.assign(known_at=frame.index), kind="ex ante", n_implied=int(known.notna().sum()), horizon=steps,
        periods_per_year=year, measure=measure, limits=limits, minimum_history=minimum_history, interval=interval,
        confidence=confidence, rng=rng, provenance=provenance, name=implied.name,
    )  # fmt: skip


def ex_post_premium(
    implied: pd.Series,
    realized_variance: pd.Series,
    *,
    horizon: int,
    periods_per_year: float,
    measure: Measure = "volatility",
    limits: Sequence[float] = (0.1, 0.9),
    minimum_history: int = 60,
    interval: Interval = "newey_west",
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> VariancePremium:
    """Return implied volatility less the volatility that was realised over the horizon after it.

    Parameters
    ----------
    implied : Series, shape (n_obs,)
        As in `ex_ante_premium`.
    realized_variance : Series, shape (n_periods,)
        Variance of each period (decimal squared): realised variance of the day, or the squared return. Its index is
        the clock: the period after t is the next row. NaN where there is none.
    horizon, periods_per_year, measure, limits, minimum_history, interval, confidence, rng, provenance
        As in `ex_ante_premium`.

    Returns
    -------
    VariancePremium
        Times whose horizon is over, each with `known_at`; the rank of a premium is among those known before it was,
        so that nothing in a row depends on what came after its `known_at`.

    Raises
    ------
    DataError
        For bad times or values, implied volatility in per cent, or fewer than 3 premiums.
    ArgumentError
        For an argument out of range.

    Notes
    -----
    realised_t^2 = periods_per_year / horizon * sum of realized_variance over the `horizon` rows after t. A volatility
    read at the close of a period covers the periods after it and none before.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=100, tz="UTC")
    >>> implied = pd.Series(0.65, index=times, name="BTC")
    >>> daily = pd.Series(0.6**2 / 365, index=times)
    >>> premium = ex_post_premium(implied, daily, horizon=30, periods_per_year=365)
    >>> round(premium.mean.mean, 3), premium.n_obs, str(premium.frame["known_at"].iloc[0].date())
    (0.05, 70, '2024-01-31')
    """
    steps = check_count(horizon, argument="horizon")
    year = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    known = _check_implied(implied)
    outcome = realized_proxy(realized_variance, pd.DatetimeIndex(known.index), horizon=steps)
    clock = check_variances(realized_variance, argument="realized_variance", sign="non-negative").index
    if not len(clock):
        raise DataError("realized_variance", "must have rows", "none", "pass the variances of the days")
    last = clock.get_indexer(known.index) + steps
    frame = pd.DataFrame({"implied": known, "realised": np.sqrt(outcome * year / steps)})
    frame["known_at"] = clock[np.minimum(last, len(clock) - 1)]  # beyond the clock the outcome is NaN and goes
    return _premium_of(
        frame, kind="ex post", n_implied=int(known.notna().sum()), horizon=steps, periods_per_year=year,
        measure=measure, limits=limits, minimum_history=minimum_history, interval=interval, confidence=confidence,
        rng=rng, provenance=provenance, name=implied.name,
    )  # fmt: skip


def _check_implied(implied: pd.Series) -> pd.Series:
    known = check_variances(implied, argument="implied")
    typical = known.median()
    if typical > _PERCENT_FROM:
        got = f"a median of {typical:g}, which looks like points"
        raise DataError("implied", "must be decimal volatility (0.65 is 65 points)", got, "divide by 100")
    return known


def _premium_of(
    frame: pd.DataFrame,
    *,
    kind: str,
    n_implied: int,
    horizon: int,
    periods_per_year: float,
    measure: Measure,
    limits: Sequence[float],
    minimum_history: int,
    interval: Interval,
    confidence: float,
    rng: np.random.Generator | None,
    provenance: Provenance | None,
    name: object,
) -> VariancePremium:
    check_choice(measure, argument="measure", choices=("volatility", "variance"))
    if len(limits) != 2:
        raise ArgumentError("limits", "must be a low and a high share", f"{len(limits)}", "pass for example (0.1, 0.9)")
    low, high = (check_fraction(limit, argument="limits") for limit in limits)
    if not low < high:
        raise ArgumentError("limits", "must rise", f"{low:g} and {high:g}", "pass for example limits=(0.1, 0.9)")
    least = check_count(minimum_history, argument="minimum_history", minimum=2, unit="premiums")
    other = "expected" if kind == "ex ante" else "realised"
    rows = frame.dropna(subset=["implied", other])
    if len(rows) < 3:
        got = f"{len(rows)} of {n_implied} implied values"
        raise DataError(f"implied and {other}", "must share at least 3 times", got, "pass longer or matching series")
    a, b = rows["implied"].to_numpy(), rows[other].to_numpy()
    premium = a - b if measure == "volatility" else a**2 - b**2
    with np.errstate(divide="ignore"):  # a horizon without any move has an infinite ratio, and says so
        ratio = np.log(a) - np.log(b)
    ranks = _ranks(premium, least)
    flag = np.select([np.isnan(ranks), ranks <= low, ranks >= high], ["", "cheap", "rich"], "fair")
    table = rows[["implied", other]].assign(
        premium=premium, log_ratio=ratio, known_at=rows["known_at"], rank=ranks, flag=pd.array(flag, dtype="str")
    )
    return VariancePremium(
        asset=str(name) if name is not None else "implied volatility",
        kind=kind,
        frame=freeze(table.rename_axis("time")),
        measure=measure,
        horizon=horizon,
        periods_per_year=periods_per_year,
        limits=(low, high),
        mean=mean_premium(premium, horizon=horizon, method=interval, confidence=confidence, rng=rng),
        as_of=table["known_at"].max(),
        n_pending=n_implied - len(table),
        provenance=provenance or Provenance(()),
    )


def _ranks(premium: np.ndarray, least: int) -> np.ndarray:
    """Return each premium's standing among those before it; NaN below `least` of them.

    In order of time, and with one horizon for all, a row before was known before.
    """
    ranks = np.full(len(premium), np.nan)
    for i in range(least, len(premium)):
        before = premium[:i]
        ranks[i] = ((before < premium[i]).sum() + 0.5 * (before == premium[i]).sum()) / i
    return ranks
