"""Positions that take longer to leave than the horizon: liquidity horizons, close-out periods, concentration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_not_negative, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import check_interval, spoken_time
from volkit.results import ResultDisplay

__all__ = [
    "ConcentrationAddOn",
    "concentration_add_on",
    "concentration_factor",
    "correlated_margin",
    "liquidity_cascade",
]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ConcentrationAddOn(ResultDisplay):
    """Margin added because a position cannot be closed within the base period.

    Attributes
    ----------
    add_on : float
        Currency of the margin.
    margin : float
        Before it.
    period : Timedelta
        Close-out period of the position, cap applied.
    uncapped_period : Timedelta
        The same without the cap.
    base_period : Timedelta
        What the margin covers.
    is_capped : bool
        Whether a cap is in force.
    """

    add_on: float
    margin: float
    period: pd.Timedelta
    uncapped_period: pd.Timedelta
    base_period: pd.Timedelta
    is_capped: bool

    @property
    def total(self) -> float:
        """Margin and add-on, currency of the margin."""
        return self.margin + self.add_on

    @property
    def headline(self) -> str:
        """Period and add-on in one line."""
        cap = ", capped" if self.is_capped else ""
        return (
            f"closed out in {_days(self.uncapped_period)} (base {_days(self.base_period)}): add-on "
            f"{percent_to(self.add_on / self.margin)} of the margin, {self.add_on:.6g}{cap}"
        )

    def summary(self) -> pd.DataFrame:
        """Return periods (days) and amounts (currency of the margin)."""
        day = pd.Timedelta("1D")
        rows = {
            "close-out period (days)": self.uncapped_period / day,
            "close-out period, capped (days)": self.period / day,
            "base period (days)": self.base_period / day,
            "margin (currency)": self.margin,
            "add-on (currency)": self.add_on,
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def liquidity_cascade(
    shortfalls: Sequence[float], *, liquidity_horizons: Sequence[int | pd.Timedelta], base: int | pd.Timedelta
) -> float:
    """Return the expected shortfall over nested liquidity horizons.

    Parameters
    ----------
    shortfalls : sequence of float, shape (n,)
        Of the base horizon: of all risk factors first, then of those with the second liquidity horizon or longer, and
        so on; any currency.
    liquidity_horizons : sequence of int or Timedelta, shape (n,)
        Rising; the first is the base.
    base : int or Timedelta
        Horizon of the shortfalls, in the same unit.

    Returns
    -------
    float
        Currency of the shortfalls.

    Raises
    ------
    ArgumentError
        For a base or horizons of 0 or less.
    DataError
        For other lengths, horizons that do not rise from the base, or shortfalls that are negative or not finite.

    Notes
    -----
    sqrt(sum_j (ES_j sqrt((LH_j - LH_{j-1}) / T))^2) with LH_0 = 0 (BCBS, MAR33.4). It takes increments of the horizon
    as independent and scales by square-root time.

    Examples
    --------
    >>> round(liquidity_cascade([100, 80, 60, 40, 20], liquidity_horizons=[10, 20, 40, 60, 120], base=10), 6)
    170.880075
    """
    es = check_floats(shortfalls, argument="shortfalls")
    T = _number(base, "base")
    horizons = np.array([_number(h, "liquidity_horizons") for h in liquidity_horizons])
    if es.ndim != 1 or not len(es) or es.shape != horizons.shape:
        got = f"{es.size} shortfalls and {horizons.size} horizons"
        raise DataError("shortfalls", "must be as many as the liquidity horizons", got, "pass one for each")
    if horizons[0] != T or not (np.diff(horizons) > 0.0).all():
        got = ", ".join(map(str, liquidity_horizons))
        raise DataError("liquidity_horizons", f"must rise from the base, {base}", got, "sort them, the base first")
    if not (np.isfinite(es) & (es >= 0.0)).all():
        raise DataError("shortfalls", "must be finite and not negative", str(es.tolist()), "pass losses as positive")
    return float(np.sqrt((es**2 * np.diff(horizons, prepend=0.0) / T).sum()))


def concentration_factor(sensitivity: float, *, threshold: float) -> float:
    """Return the factor max(1, sqrt(|S| / T)) by which a concentrated sensitivity weighs more.

    Parameters
    ----------
    sensitivity, threshold : float
        Same currency; the threshold positive.

    Returns
    -------
    float
        At least 1, no unit.

    Raises
    ------
    ArgumentError
        For a threshold that is not positive or a sensitivity that is not finite.

    Notes
    -----
    The concentration risk factor of the ISDA SIMM (whose calibration is licensed; the formula alone is here).

    Examples
    --------
    >>> round(2.1e9 * 7.4 * concentration_factor(2.1e9, threshold=1.2e9))
    20557487687
    """
    bound, size = (
        check_positive(threshold, argument="threshold", unit="currency of the sensitivity"),
        float(sensitivity),
    )
    if not np.isfinite(size):
        raise ArgumentError("sensitivity", "must be finite", f"{sensitivity!r}", "pass a number")
    return float(max(1.0, np.sqrt(abs(size) / bound)))


def correlated_margin(weighted: Sequence[float], correlation: np.ndarray | pd.DataFrame) -> float:
    """Return sqrt(w' R w), the margin of weighted sensitivities under a correlation.

    Parameters
    ----------
    weighted : sequence of float, shape (n,)
        Sensitivity times weight times concentration factor, signed, currency.
    correlation : ndarray or DataFrame, shape (n, n)
        Symmetric with a unit diagonal.

    Returns
    -------
    float
        Currency.

    Raises
    ------
    DataError
        For values that are not finite, another shape, or what is no correlation matrix (entries beyond -1 to 1, not
        symmetric, or a sum below zero).

    Examples
    --------
    >>> round(correlated_margin([7.4 * 9.1e8, -7.4 * 9e8], np.array([[1.0, 0.5], [0.5, 1.0]])))
    6697306623
    """
    w, R = np.asarray(weighted, dtype=np.float64), np.asarray(correlation, dtype=np.float64)
    remedy = "pass the correlation of the same factors"
    if w.ndim != 1 or not len(w) or R.shape != (len(w), len(w)) or not np.isfinite(w).all():
        got = f"shapes {w.shape} and {R.shape}"
        raise DataError("weighted", "must be finite, with a row and a column of the correlation each", got, remedy)
    square = float(w @ R @ w)
    is_correlation = (np.abs(R) <= 1.0 + 1e-12).all() and np.allclose(R, R.T) and np.allclose(np.diag(R), 1.0)
    if not is_correlation or square < -1e-12 * float(w @ w):
        raise DataError("correlation", "must be a correlation matrix", np.array2string(R, precision=3), remedy)
    return float(np.sqrt(max(square, 0.0)))


def concentration_add_on(
    margin: float,
    *,
    position: float,
    daily_volume: float,
    participation: float,
    base_period: pd.Timedelta,
    reaction: pd.Timedelta = pd.Timedelta("7h12min"),  # noqa: B008
    longest_period: pd.Timedelta | None = None,
    largest_add_on: float | None = None,
) -> ConcentrationAddOn:
    """Return the margin to add for a position that takes longer than the base period to close.

    Parameters
    ----------
    margin : float
        Of the position over the base period, any currency.
    position : float
        Size, in the unit of the volume (coins, contracts or money), 0 or more.
    daily_volume : float
        Traded on an average day, same unit.
    participation : float
        Share of the volume one can take without moving the price, above 0 to 1.
    base_period : Timedelta
        What the margin covers, e.g. two days.
    reaction : Timedelta
        Time before the first trade; 0.3 days by default.
    longest_period : Timedelta, optional
        Cap of the close-out period, at least the base period (ECC: three days for an account).
    largest_add_on : float, optional
        Cap of the add-on as a share of the margin, 0 or more (ECC: 0.5 for a member).

    Returns
    -------
    ConcentrationAddOn
        margin (sqrt(max(period, base) / base) - 1), capped.

    Raises
    ------
    ArgumentError
        For a margin, volume or base period that is not positive, a negative position, reaction or cap, a participation
        outside (0, 1], or a longest period below the base period.

    Notes
    -----
    period = position / (participation x daily volume) + reaction, as the effective liquidation period of ECC's
    concentration margin. Scaled by square-root time: variances are taken as constant over it.

    Examples
    --------
    >>> two_days = pd.Timedelta("2D")
    >>> concentration_add_on(1000.0, position=480, daily_volume=1000, participation=0.1, base_period=two_days)
    <ConcentrationAddOn: closed out in 5.1 d (base 2 d): add-on 59.7 % of the margin, 596.872>
    """
    money = check_positive(margin, argument="margin", unit="currency")
    volume = check_positive(daily_volume, argument="daily_volume", unit="as the position, per day")
    base = check_interval(base_period, argument="base_period")
    share = float(participation)
    if not 0.0 < share <= 1.0:
        remedy = f"pass a decimal: participation={share / 100:g}" if 1.0 < share <= 100.0 else "pass for example 0.1"
        raise ArgumentError("participation", "must be above 0 and at most 1", f"{participation!r}", remedy)
    size = check_not_negative(position, argument="position")
    wait = check_not_negative(reaction / pd.Timedelta("1D"), argument="reaction")
    if longest_period is not None and check_interval(longest_period, argument="longest_period") < base:
        raise ArgumentError(
            "longest_period", f"must be at least the base period, {base}", str(longest_period), "pass None for no cap"
        )
    uncapped = pd.Timedelta(days=size / (share * volume) + wait)
    period = uncapped if longest_period is None else min(uncapped, longest_period)
    add_on = money * (float(np.sqrt(max(period, base) / base)) - 1.0)
    cap = np.inf if largest_add_on is None else money * check_not_negative(largest_add_on, argument="largest_add_on")
    return ConcentrationAddOn(
        add_on=min(add_on, cap),
        margin=money,
        period=period,
        uncapped_period=uncapped,
        base_period=base,
        is_capped=period < uncapped or add_on > cap,
    )


def _number(horizon: int | pd.Timedelta, argument: str) -> float:
    if isinstance(horizon, pd.Timedelta):
        return float(check_interval(horizon, argument=argument) / pd.Timedelta("1D"))
    return check_positive(horizon, argument=argument, unit="periods")


def _days(length: pd.Timedelta) -> str:
    whole = length % pd.Timedelta("1D") == pd.Timedelta(0)
    return spoken_time(length) if whole else f"{length / pd.Timedelta('1D'):.3g} d"
