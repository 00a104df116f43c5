"""Structural default (Merton): the value of a firm's assets from that of its equity, and what follows for its debt.

Equity, its volatility and debt (money, decimals, years) enter; assets, distance to default, default probability and
expected loss leave, with the residuals of both equations and, for an error of the volatility, an interval.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, special

from volkit.checks import check_confidence, check_positive, real_number
from volkit.errors import ArgumentError, ConvergenceError
from volkit.results import Provenance, ResultDisplay

__all__ = ["MertonDefault", "merton_default"]

# Largest relative residual of the two equations with which a solution is handed out.
_RESIDUAL = 1e-9
# Beyond it exp(sigma^2 T / 2) leaves the range of floating point.
_MOST_DEVIATION = 30.0
_FEWEST_DEVIATION = 1e-6
# Of a logarithm, so that its exponential is a number.
_MOST_SPREAD = 300.0
_LEVERAGE = (1e-12, 1e12)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_SQRT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MertonDefault(ResultDisplay):
    """Solvency of a firm, venue or protocol as a call on its assets.

    Attributes
    ----------
    equity, debt : float
        Market value of equity (a token's, for a protocol), and face value of debt due at the horizon, USD.
    equity_volatility : float
        Annualised, decimal.
    rate : float
        Riskless, continuously compounded, decimal a year.
    horizon : float
        Years.
    asset_value : float
        USD.
    asset_volatility : float
        Annualised, decimal.
    distance_to_default : float
        d2: standard deviations of the assets' log return above the debt, risk-neutral.
    default_probability : float
        Risk-neutral, N(-d2).
    debt_value : float
        Today, USD.
    expected_loss : float
        Fraction of the debt's riskless value that default costs.
    residual : float
        Largest relative error of the two equations at the solution.
    slope : float
        Change of the default probability per unit of equity volatility (annualised decimal).
    lower, upper : float
        Ends of the default probability's interval for the error of the equity volatility; NaN without one.
    volatility_error : float or None
        Standard error of the equity volatility.
    coverage : float
        Of the interval.
    as_of : Timestamp or None
        Of equity and debt, UTC.
    provenance : Provenance
        Of the equity's prices.
    """

    equity: float
    debt: float
    equity_volatility: float
    rate: float
    horizon: float
    asset_value: float
    asset_volatility: float
    distance_to_default: float
    default_probability: float
    debt_value: float
    expected_loss: float
    residual: float
    slope: float
    lower: float
    upper: float
    volatility_error: float | None
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def riskless_debt(self) -> float:
        """Present value of the debt without default, USD."""
        return float(self.debt * np.exp(-self.rate * self.horizon))

    @property
    def leverage(self) -> float:
        """Debt's riskless value over the asset value, decimal."""
        return self.riskless_debt / self.asset_value

    @property
    def credit_spread(self) -> float:
        """Yield of the debt above the riskless rate, decimal a year."""
        return float(-np.log1p(-self.expected_loss) / self.horizon)

    def probability_under(self, drift: float) -> float:
        """Return the default probability when assets grow with a drift (decimal a year) instead of the rate.

        Raises
        ------
        ArgumentError
            For a drift that is not finite.
        """
        if not np.isfinite(drift):
            raise ArgumentError("drift", "must be a finite decimal a year", f"{drift!r}", "pass for example 0.10")
        moved = (float(drift) - self.rate) * self.horizon / (self.asset_volatility * np.sqrt(self.horizon))
        return float(special.ndtr(-self.distance_to_default - moved))

    @property
    def headline(self) -> str:
        """Default probability with its interval, distance to default, asset value and volatility."""
        ends = "" if self.volatility_error is None else f" ({self.lower:.4g} to {self.upper:.4g})"
        return (
            f"default probability {self.default_probability:.4g}{ends} within {self.horizon:g} y, "
            f"distance {self.distance_to_default:.3f}, assets {self.asset_value:,.6g} USD at volatility "
            f"{self.asset_volatility:.4g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return inputs and results, units in the labels."""
        rows = {
            "equity (USD)": self.equity,
            "equity volatility (decimal a year)": self.equity_volatility,
            "debt due (USD)": self.debt,
            "asset value (USD)": self.asset_value,
            "asset volatility (decimal a year)": self.asset_volatility,
            "distance to default (standard deviations)": self.distance_to_default,
            "default probability (risk-neutral)": self.default_probability,
            "debt value (USD)": self.debt_value,
            "expected loss (of riskless debt)": self.expected_loss,
            "credit spread (decimal a year)": self.credit_spread,
            "largest residual (relative)": self.residual,
        }
        if self.volatility_error is not None:
            rows[f"lower {100.0 * self.coverage:g} % end of the probability"] = self.lower
            rows[f"upper {100.0 * self.coverage:g} % end of the probability"] = self.upper
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every number."""
        names = (
            "equity", "debt", "equity_volatility", "rate", "horizon", "asset_value", "asset_volatility",
            "distance_to_default", "default_probability", "debt_value", "expected_loss", "residual", "slope", "lower",
            "upper",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def merton_default(
    equity: float,
    *,
    equity_volatility: float,
    debt: float,
    rate: float = 0.0,
    horizon: float = 1.0,
    volatility_error: float | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> MertonDefault:
    """Return asset value, distance to default and default probability that equity and its volatility imply.

    Parameters
    ----------
    equity : float
        Market value, USD, positive.
    equity_volatility : float
        Annualised, decimal, positive.
    debt : float
        Face value due at the horizon, USD, positive.
    rate : float
        Riskless, continuously compounded, decimal a year.
    horizon : float
        Years to the debt's date.
    volatility_error : float, optional
        Standard error of the equity volatility, for an interval of the default probability.
    coverage : float
        Of the interval, decimal.
    as_of : Timestamp, optional
        Of equity and debt, UTC.
    provenance : Provenance, optional
        Of the equity's prices.

    Returns
    -------
    MertonDefault

    Raises
    ------
    ArgumentError
        For inputs that are not positive, equity beyond 1e-12 to 1e12 times the debt, or a volatility over the horizon
        or an end of its interval beyond 1e-6 to 30.
    ConvergenceError
        When the equations are left with a relative error above 1e-9.

    Notes
    -----
    With K = debt exp(-rate T) and s = sigma_V sqrt(T) the equations are E = V N(d1) - K N(d2) and
    sigma_E E = N(d1) sigma_V V, d1 = log(V / K) / s + s / 2, d2 = d1 - s [1]_ [2]_. The first gives
    V N(d1) = E + K N(d2), so that s = sigma_E sqrt(T) E / (E + K N(d2)) and V = K exp(d2 s + s^2 / 2) follow from d2,
    and one equation in d2 is left, solved between bounds that hold its root. There is one root: along the first
    equation d(s (E + K N(d2))) / ds = V N(d1) v, where v in (0, 1) is the variance of a standard normal variable
    truncated above at d1. For the same reason the default probability rises with the equity volatility, so that its
    interval is exact given that of the volatility, sigma_E exp(+-z error / sigma_E): the model's own error is not in
    it. For tokens and protocols "debt" is a modelling choice.

    References
    ----------
    .. [1] Merton (1974), On the pricing of corporate debt, Journal of Finance 29(2), 449-470.
    .. [2] Hull, Options, Futures, and Other Derivatives, chapter on credit risk, estimating default probabilities from
       equity prices.

    Examples
    --------
    >>> firm = merton_default(3.0, equity_volatility=0.8, debt=10.0, rate=0.05)
    >>> round(firm.asset_value, 2), round(firm.asset_volatility, 4), round(firm.default_probability, 3)
    (12.4, 0.2123, 0.127)
    """
    E = check_positive(equity, argument="equity", unit="USD")
    D = check_positive(debt, argument="debt", unit="USD")
    T = check_positive(horizon, argument="horizon", unit="years")
    sigma = check_positive(equity_volatility, argument="equity_volatility", unit="annualised decimal")
    share = check_confidence(coverage, argument="coverage")
    if not np.isfinite(real_number(rate, argument="rate")):
        raise ArgumentError("rate", "must be a finite decimal a year", f"{rate!r}", "pass 0.0 for none")
    K = D * float(np.exp(-rate * T))
    e, deviation = E / K, sigma * T**0.5
    _check_reach(e, deviation)
    d2, s, residual = _solve(e, deviation)
    _certify(residual)
    d1, loss = d2 + s, _put(d2, s)
    lower, upper = np.nan, np.nan
    if volatility_error is not None:
        error = check_positive(volatility_error, argument="volatility_error", unit="annualised decimal")
        spread = float(np.exp(min(special.ndtri(0.5 + 0.5 * share) * error / sigma, _MOST_SPREAD)))
        _check_spread(error, deviation, spread)
        lower, upper = (_probability(e, deviation * factor) for factor in (1.0 / spread, spread))
    return MertonDefault(
        equity=E, debt=D, equity_volatility=sigma, rate=float(rate), horizon=T, asset_value=E + K * (1.0 - loss),
        asset_volatility=s / T**0.5, distance_to_default=d2, default_probability=float(special.ndtr(-d2)),
        debt_value=K * (1.0 - loss), expected_loss=loss, residual=residual,
        slope=_slope(e, d1, d2, s) * T**0.5, lower=lower, upper=upper, volatility_error=volatility_error,
        coverage=share, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _check_reach(e: float, deviation: float) -> None:
    if not _LEVERAGE[0] <= e <= _LEVERAGE[1]:
        rule = "must be 1e-12 to 1e12 times the riskless debt"
        raise ArgumentError("equity", rule, f"{e:g} times", "check that equity and debt are in the same unit")
    if not _FEWEST_DEVIATION <= deviation <= _MOST_DEVIATION:
        rule = f"must be {_FEWEST_DEVIATION:g} to {_MOST_DEVIATION:g} over the horizon"
        raise ArgumentError("equity_volatility", rule, f"{deviation:g}", "pass a decimal a year: 0.8 is 80 per cent")


def _check_spread(error: float, deviation: float, spread: float) -> None:
    low, high = deviation / spread, deviation * spread
    if low < _FEWEST_DEVIATION or high > _MOST_DEVIATION:
        rule = (
            f"must leave the volatility's interval within {_FEWEST_DEVIATION:g} to {_MOST_DEVIATION:g} over the horizon"
        )
        remedy = "pass the standard error as a decimal a year: 0.2 is 20 per cent"
        raise ArgumentError("volatility_error", rule, f"{error:g}, so {low:.3g} to {high:.3g}", remedy)


def _certify(residual: float) -> None:
    if not residual <= _RESIDUAL:
        raise ConvergenceError(f"the equations are left with a relative error of {residual:.3g}, above {_RESIDUAL:g}")


def _probability(e: float, deviation: float) -> float:
    d2, _, residual = _solve(e, deviation)
    _certify(residual)
    return float(special.ndtr(-d2))


def _solve(e: float, deviation: float) -> tuple[float, float, float]:
    """Return d2, s and the largest relative residual, for equity e in units of riskless debt."""

    def s_of(d2: float) -> float:
        return float(deviation * e / (e + special.ndtr(d2)))

    def excess(d2: float) -> float:
        s = s_of(d2)
        return _call(d2, s) / e - 1.0

    least = deviation * e / (1.0 + e)
    low = min(np.log(e), 0.0) / least - deviation
    high = np.log1p(e) / least
    d2 = float(optimize.brentq(excess, low, high, xtol=1e-300, rtol=4.0 * np.finfo(float).eps, maxiter=500))
    s = s_of(d2)
    first, v = abs(excess(d2)), np.exp(d2 * s + 0.5 * s * s)
    second = abs(v * float(special.ndtr(d2 + s)) * s / (deviation * e) - 1.0)
    return d2, s, float(max(first, second))


def _call(d2: float, s: float) -> float:
    """Return exp(d2 s + s^2 / 2) N(d2 + s) - N(d2), without the cancellation of a small s."""
    w = min(d2 * s + 0.5 * s * s, 700.0)
    return float(np.expm1(w) * special.ndtr(d2 + s) + _normal_between(d2, s))


def _put(d2: float, s: float) -> float:
    """Return N(-d2) - exp(d2 s + s^2 / 2) N(-d2 - s): what default costs of a riskless unit."""
    return max(float(_normal_between(d2, s) - np.expm1(d2 * s + 0.5 * s * s) * special.ndtr(-d2 - s)), 0.0)


def _normal_between(d: float, s: float) -> float:
    """Return N(d + s) - N(d) to full relative precision."""
    if s <= 1.0:
        x = d + 0.5 * s * (_NODES + 1.0)
        return float(0.5 * s * (_WEIGHTS @ np.exp(-0.5 * x * x)) / _SQRT_2PI)
    if d > 0.0:
        return float(special.ndtr(-d) - special.ndtr(-d - s))
    return float(special.ndtr(d + s) - special.ndtr(d))


def _slope(e: float, d1: float, d2: float, s: float) -> float:
    """Return the derivative of N(-d2) by sigma_E sqrt(T), equity held fixed."""
    log_mills = -0.5 * d1 * d1 - np.log(_SQRT_2PI) - special.log_ndtr(d1)
    hazard = float(np.exp(log_mills))
    truncated_variance = 1.0 - hazard * (d1 + hazard)
    rise = e / ((e + float(special.ndtr(d2))) * truncated_variance)
    return float(np.exp(-0.5 * d2 * d2) / _SQRT_2PI * (d1 + hazard) / s * rise)
