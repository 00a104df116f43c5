"""Did markets become more alike, or only more volatile: the Forbes-Rigobon adjustment, and what it assumes.

Correlations and variances of a calm and a crisis span enter; the adjusted correlation leaves beside the raw one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence
from volkit.correlation.estimates import CorrelationInterval
from volkit.correlation.estimators import pearson_correlation
from volkit.correlation.inputs import check_pair
from volkit.errors import ArgumentError
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ForbesRigobon", "forbes_rigobon", "forbes_rigobon_adjustment", "interdependence_correlation"]

CAVEAT = (
    "The adjustment assumes that all of the extra variance of the crisis market is common to both; where that market's "
    "own shocks matter it lowers the correlation too far and accepts 'no contagion' too easily (Corsetti, Pericoli and "
    "Sbracia 2005). Read it with the sensitivity to that share."
)
# Variance of the crisis market's own shocks over that of the common one.
_OWN_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)

Span = tuple[pd.Timestamp, pd.Timestamp]


def forbes_rigobon(rho: float | np.ndarray, delta: float | np.ndarray) -> np.ndarray:
    """Return crisis correlations adjusted for the crisis market's higher variance, shape of the broadcast inputs.

    Parameters
    ----------
    rho : float or ndarray
        Correlation in the crisis, no unit.
    delta : float or ndarray
        Variance of the crisis market in the crisis over that in the calm span, less one; above -1.

    Raises
    ------
    ArgumentError
        For a correlation beyond 1 or a delta of -1 or less.

    Notes
    -----
    rho / sqrt(1 + delta (1 - rho^2)), Forbes and Rigobon (2002), Journal of Finance 57(5), 2223-2261, equation 11.

    Examples
    --------
    >>> float(forbes_rigobon(0.60, 8.72).round(6))
    0.23389
    """
    r, d = np.asarray(rho, dtype=np.float64), np.asarray(delta, dtype=np.float64)
    if not (np.abs(r) <= 1.0).all():
        raise ArgumentError("rho", "must be correlations from -1 to 1", repr(rho), "pass decimals")
    if not ((d > -1.0) & np.isfinite(d)).all():
        remedy = "pass variance in the crisis / variance before - 1"
        raise ArgumentError("delta", "must be a finite relative rise in variance above -1", repr(delta), remedy)
    return np.asarray(r / np.sqrt(1.0 + d * (1.0 - r**2)))


def interdependence_correlation(
    rho: float | np.ndarray, delta: float, *, own_share_calm: float | np.ndarray, own_share_crisis: float | np.ndarray
) -> np.ndarray:
    """Return the crisis correlation that unchanged links imply, shape of the broadcast inputs.

    Parameters
    ----------
    rho : float or ndarray
        Correlation in the calm span, no unit.
    delta : float
        As in `forbes_rigobon`.
    own_share_calm, own_share_crisis : float or ndarray
        lambda and lambda^C: variance of the crisis market's own shocks over that of the common factor in it, in the
        calm and in the crisis span; from 0.

    Returns
    -------
    ndarray
        A higher correlation in the crisis is contagion. NaN where rho^2 (1 + lambda) exceeds 1: with so much of its
        own, the crisis market could not have had that correlation.

    Raises
    ------
    ArgumentError
        For a negative share, or what `forbes_rigobon` refuses.

    Notes
    -----
    With both returns a loading on one factor plus shocks of their own, constant loadings and constant own variance of
    the other market, the factor's variance rises by g = (1 + delta)(1 + lambda) / (1 + lambda^C), and
    rho^C = rho sqrt(g (1 + lambda) / (1 + lambda^C) / (1 + rho^2 (1 + lambda)(g - 1))): Corsetti, Pericoli and Sbracia
    (2005), Journal of International Money and Finance 24(8), 1177-1199, section 3. With no own shocks it inverts
    `forbes_rigobon`.

    Examples
    --------
    >>> float(interdependence_correlation(0.23389, 8.72, own_share_calm=0.0, own_share_crisis=0.0).round(4))
    0.6
    """
    forbes_rigobon(rho, delta)
    r = np.asarray(rho, dtype=np.float64)
    calm, crisis = (np.asarray(share, dtype=np.float64) for share in (own_share_calm, own_share_crisis))
    for argument, share in (("own_share_calm", calm), ("own_share_crisis", crisis)):
        if not ((share >= 0.0) & np.isfinite(share)).all():
            raise ArgumentError(argument, "must be a finite ratio of variances from 0", repr(share.tolist()), "pass 0")
    g = (1.0 + delta) * (1.0 + calm) / (1.0 + crisis)
    # A hair above 1 is rounding.
    possible = r**2 * (1.0 + calm) <= 1.0 + 1e-12
    implied = g * (1.0 + calm) / (1.0 + crisis) / (1.0 + r**2 * (1.0 + calm) * (g - 1.0))
    return np.asarray(np.where(possible, r * np.sqrt(implied), np.nan))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ForbesRigobon(ResultDisplay):
    """Correlations of a calm and a crisis span, raw and adjusted.

    Attributes
    ----------
    calm, crisis : CorrelationInterval
        Raw, each with its interval.
    adjusted, adjusted_lower, adjusted_upper : float
        Crisis correlation at the variance of the calm span, and its interval's limits adjusted alike (delta taken as
        known), no unit.
    delta : float
        Relative rise of the variance of `pair[0]`, no unit.
    sensitivity : DataFrame, shape (n_shares, 3)
        By `own_share` lambda, equal in both spans: `implied` crisis correlation under unchanged links (NaN where
        impossible), `crisis` as observed, `contagion`, 1 where the observed is above the implied, else 0.
    pair : tuple of str
        The market in which the crisis began, and the other.
    confidence : float
        Of the intervals, fraction.
    n_obs : int
        Pairs in both spans.
    caveat : str
        What the adjustment assumes.
    method : str
        In words.
    as_of : Timestamp
        Last time (UTC) used.
    synchrony : Synchrony or None
        What the two clocks have in common.
    provenance : Provenance
        Series behind it.
    """

    calm: CorrelationInterval
    crisis: CorrelationInterval
    adjusted: float
    adjusted_lower: float
    adjusted_upper: float
    delta: float
    sensitivity: pd.DataFrame
    pair: tuple[str, str]
    confidence: float
    n_obs: int
    caveat: str
    method: str
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Calm, crisis and adjusted correlation."""
        words = f"{self.calm.correlation:.3f} calm, {self.crisis.correlation:.3f} crisis, {self.adjusted:.3f} adjusted"
        return f"{self.pair[0]} and {self.pair[1]}, {words}, delta {self.delta:.2f}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row, the caveat last."""
        implied = self.sensitivity["implied"].dropna()
        facts = {
            "calm (no unit)": _words(self.calm.correlation, self.calm.lower, self.calm.upper),
            "crisis, raw (no unit)": _words(self.crisis.correlation, self.crisis.lower, self.crisis.upper),
            "crisis, adjusted (no unit)": _words(self.adjusted, self.adjusted_lower, self.adjusted_upper),
            f"variance of {self.pair[0]}, relative rise": f"{self.delta:.4f}",
            f"implied by unchanged links, own shocks 0 to {implied.index[-1]:g}": (
                f"{implied.min():.4f} to {implied.max():.4f}"
            ),
            "method": self.method,
            "pairs, calm and crisis": f"{self.calm.n_obs} and {self.crisis.n_obs}",
            "clocks": clock_words(self.synchrony),
            "caveat": self.caveat,
        }
        return pd.Series(facts, name=f"{self.pair[0]} and {self.pair[1]}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the sensitivity as a tidy frame."""
        return self.sensitivity.reset_index()


def forbes_rigobon_adjustment(
    x: pd.Series,
    y: pd.Series,
    *,
    calm: Span,
    crisis: Span,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> ForbesRigobon:
    """Return the correlation of a crisis beside what is left of it at the variance of a calm span.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times, x of the market in which the crisis began.
    calm, crisis : (start, end)
        Times with a zone; `start` inclusive, `end` exclusive.
    confidence : float
        Of the intervals, fraction.
    synchrony : Synchrony, optional
        What the two clocks have in common; Forbes and Rigobon take two-day averages for theirs.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ForbesRigobon
        Raw and adjusted, with the sensitivity to the crisis market's own shocks and the caveat in words.

    Raises
    ------
    ArgumentError
        For naive times or an end that is not after its start.
    DataError
        As `pearson_correlation`, in each span.

    Warns
    -----
    SmallSampleWarning
        When a span has fewer than 60 pairs.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    delta is the ratio of the variances of x (n - 1 in the denominator), less one; see `forbes_rigobon` and
    `interdependence_correlation`.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ"]))
    >>> years = [pd.Timestamp(f"{year}-01-01", tz="UTC") for year in (2017, 2018, 2019)]
    >>> forbes_rigobon_adjustment(moves["SPX"], moves["NASDAQ"], calm=(years[0], years[1]), crisis=(years[1], years[2]))
    <ForbesRigobon: SPX and NASDAQ, 0.876 calm, 0.957 crisis, 0.792 adjusted, delta 5.54>
    """
    level = check_confidence(confidence)
    names = check_pair(x, y).names
    spans = [_span_of(x, y, *_check_span(span, name)) for span, name in ((calm, "calm"), (crisis, "crisis"))]
    before, during = (
        pearson_correlation(a, b, confidence=level, synchrony=synchrony, provenance=provenance) for a, b in spans
    )
    variances = [float(a[a.notna() & b.notna()].var()) for a, b in spans]
    delta = variances[1] / variances[0] - 1.0
    adjusted, lower, upper = forbes_rigobon(np.array([during.correlation, during.lower, during.upper]), delta)
    shares = np.array(_OWN_SHARES)
    implied = interdependence_correlation(before.correlation, delta, own_share_calm=shares, own_share_crisis=shares)
    sensitivity = pd.DataFrame(
        {
            "implied": implied,
            "crisis": during.correlation,
            "contagion": np.where(np.isnan(implied), np.nan, np.abs(during.correlation) > np.abs(implied)),
        },
        index=pd.Index(shares, name="own_share"),
    )
    return ForbesRigobon(
        calm=before,
        crisis=during,
        adjusted=float(adjusted),
        adjusted_lower=float(lower),
        adjusted_upper=float(upper),
        delta=delta,
        sensitivity=freeze(sensitivity),
        pair=names,
        confidence=level,
        n_obs=before.n_obs + during.n_obs,
        caveat=CAVEAT,
        method=f"{before.method}; Forbes-Rigobon adjustment, delta taken as known",
        as_of=max(before.as_of, during.as_of),
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _check_span(span: Span, argument: str) -> Span:
    if len(span) != 2:
        raise ArgumentError(argument, "must be a start and an end", f"{len(span)} times", "pass (start, end)")
    start, end = span
    for time in span:
        if not isinstance(time, pd.Timestamp) or time.tz is None:
            remedy = 'pass for example pd.Timestamp("2024-01-01", tz="UTC")'
            raise ArgumentError(argument, "must be two Timestamps with a zone", repr(time), remedy)
    if end <= start:
        raise ArgumentError(argument, "must end after its start", f"{start} to {end}", "swap them")
    return start, end


def _span_of(x: pd.Series, y: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> tuple[pd.Series, pd.Series]:
    inside = (x.index >= start) & (x.index < end)
    return x[inside], y[inside]


def _words(value: float, lower: float, upper: float) -> str:
    return f"{value:.4f} ({lower:.4f} to {upper:.4f})"
