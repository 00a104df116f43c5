"""What a strip of options leaves out beyond its lowest and highest strike: an estimate and a bound."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from volkit.checks import check_positive
from volkit.options.black76 import implied_volatility

__all__ = ["Truncation", "flat_tails", "truncation_of"]


# Of a strike: what stands for 0, below which no option is missed.
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """Annual variance (decimal squared) that lies beyond the strikes of a strip.

    Attributes
    ----------
    low_estimate, high_estimate : float
        Below the lowest and above the highest strike, were the volatility there that of the end of the strip.
    low_bound, high_bound : float
        What no arbitrage allows at most, given the prices from each end outward; the lower one down to `floor` only.
    floor : float
        Strike (quote currency) below which the lower bound does not look.
    """

    low_estimate: float
    high_estimate: float
    low_bound: float
    high_bound: float
    floor: float

    @property
    def estimate(self) -> float:
        """Both sides, flat volatility."""
        return self.low_estimate + self.high_estimate

    @property
    def bound(self) -> float:
        """Both sides, at most."""
        return self.low_bound + self.high_bound


def truncation_of(
    *,
    puts: tuple[np.ndarray, np.ndarray],
    calls: tuple[np.ndarray, np.ndarray],
    reach: tuple[float, float],
    forward: float,
    time: float,
    rate: float,
    floor_share: float,
) -> Truncation:
    """Return what a strip leaves out below and above its strikes.

    Parameters
    ----------
    puts, calls : tuple of ndarray, shape (n,) each
        Strikes and prices (quote currency, present value): the last one of the strip first, then those known beyond it.
    reach : tuple of float
        How far the widths of the last put and call reach beyond them (quote currency): the estimate starts there.
    forward : float
        Quote currency.
    time : float
        Years of 365 days.
    rate : float
        Continuous, decimal per year.
    floor_share : float
        Of the forward; strikes below it are left out of the lower bound.

    Returns
    -------
    Truncation
        Annual variances.

    Notes
    -----
    Option prices are convex in the strike: between two strikes they lie below the chord, which bounds the integral of
    Q / K^2 there. A put is worth nothing at strike 0, so P(K) <= P(a) K / a below a, the lowest strike known, and the
    integral from f to a is at most P(a) / a ln(a / f). Without a floor f there is no bound: near 0 the integral may be
    infinite, as the log contract is when the price may fall to nothing. Calls fall with the strike: above the highest
    known, b, the integral is at most C(b) / b. All times 2 exp(r T) / T. Prices that are themselves not convex
    (quotes far from the market) bound nothing.

    Examples
    --------
    >>> ends = {"puts": (np.array([50.0]), np.array([0.01])), "calls": (np.array([200.0]), np.array([0.02]))}
    >>> missing = truncation_of(**ends, reach=(2.5, 2.5), forward=100.0, time=0.1, rate=0.0, floor_share=0.01)
    >>> 0.0 < missing.estimate < missing.bound < 0.02
    True
    """
    check_positive(floor_share, argument="floor_share", unit="share of the forward")
    (k_put, put), (k_call, call) = puts, calls
    growth = math.exp(rate * time)
    ends = np.array([k_put[0], k_call[0]])
    volatility = implied_volatility(
        np.array([put[0], call[0]]) * growth, forward, ends, time, np.array([False, True])
    ).volatility
    edges = np.array([max(ends[0] - reach[0], _TINY * ends[0]), ends[1] + reach[1]])
    below, above = flat_tails(edges, forward, np.asarray(volatility) * math.sqrt(time))
    last_put, last_call = int(np.argmin(k_put)), int(np.argmax(k_call))
    floor = min(floor_share * forward, float(k_put[last_put]))
    ray = put[last_put] / k_put[last_put] * math.log(k_put[last_put] / floor)
    scale = 2.0 * growth / time
    return Truncation(
        low_estimate=2.0 / time * below,
        high_estimate=2.0 / time * above,
        low_bound=float(scale * (_under_chords(k_put, put) + ray)),
        high_bound=float(scale * (_under_chords(k_call, call) + call[last_call] / k_call[last_call])),
        floor=floor,
    )


def _under_chords(strikes: np.ndarray, prices: np.ndarray) -> float:
    """Return the integral of price / K^2 along straight lines between the strikes."""
    order = np.argsort(strikes)
    k, q = strikes[order], prices[order]
    a, b = k[:-1], k[1:]
    slope = np.diff(q) / np.diff(k)
    return float(np.sum((q[:-1] - slope * a) * (1.0 / a - 1.0 / b) + slope * np.log(b / a)))


def flat_tails(strikes: np.ndarray, forward: float, deviation: np.ndarray) -> tuple[float, float]:
    """Return the integrals of undiscounted P / K^2 below strikes[0] and of C / K^2 above strikes[1].

    Parameters
    ----------
    strikes, deviation : ndarray, shape (2,)
        Quote currency; volatility times the square root of time, no unit, of the lower and the upper tail.
    forward : float
        Quote currency.

    Returns
    -------
    tuple of float
        No unit.

    Notes
    -----
    Under a lognormal price S both are E[(ln(K / S) - 1 + S / K) on the side beyond K].

    Examples
    --------
    >>> below, above = flat_tails(np.array([100.0, 100.0]), 100.0, np.array([0.2, 0.2]))
    >>> round(below + above, 6)  # the whole strip: half the total variance
    0.02
    """
    side = np.array([-1.0, 1.0])
    d2 = np.log(forward / strikes) / deviation - 0.5 * deviation
    density = np.exp(-0.5 * d2**2) / math.sqrt(2.0 * math.pi)
    level = np.log(strikes / forward) + 0.5 * deviation**2 - 1.0
    first = level * ndtr(side * d2) - side * deviation * density
    tails = np.maximum(first + forward / strikes * ndtr(side * (d2 + deviation)), 0.0)
    return float(tails[0]), float(tails[1])
