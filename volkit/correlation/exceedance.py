"""Exceedance correlation: how two series move together when both fall, or both rise, beyond a threshold.

Cutting a sample changes its correlation even where nothing else changes: of normal changes with rho = 0.5, those in
which both are above their mean have 0.27. Every value therefore stands beside the one that normal changes with the
same correlation would have, and the two tails are compared by a test, not by eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import integrate, special, stats

from volkit.checks import check_confidence, check_correlation, real_number
from volkit.correlation.inputs import MINIMUM_PAIRS, check_pair, warn_small
from volkit.correlation.intervals import CorrelationBand, ewc_band
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ExceedanceCorrelations", "exceedance_correlation", "normal_exceedance_correlation"]

# atanh of one is infinite.
_LARGEST = 1.0 - 1e-15


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExceedanceCorrelations(ResultDisplay):
    """Correlations of one pair in its joint tails, and a test of their symmetry.

    Attributes
    ----------
    table : DataFrame, shape (2 n_thresholds, 7)
        By row: `threshold` (standard deviations from the mean), `tail` ("lower": both below minus it, "upper": both
        above it), `n` rows there, `correlation` of these rows with `lower` and `upper` limit, and `normal`, the
        correlation that normal changes with the same `correlation` overall would have there (no unit). NaN with
        fewer than 20 rows.
    correlation : float
        Pearson's, of all complete pairs (no unit).
    pair : tuple of str
        Names of the two series.
    symmetry : DataFrame, shape (n_tested, 6)
        By threshold with 20 rows in both tails: `threshold`, `difference` of the correlations, upper less lower (no
        unit), `statistic` t of equal correlations, `degrees_of_freedom`, `p_value`, and `adjusted` p-value (Holm,
        over the thresholds tested).
    method : str
        In words.
    confidence : float
        Of each interval (pointwise), fraction.
    n_obs : int
        Complete pairs.
    n_missing : int
        Rows left out because a value was missing.
    start, as_of : Timestamp
        First and last time (UTC) used, both inclusive.
    synchrony : Synchrony or None
        What the two clocks have in common.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    correlation: float
    pair: tuple[str, str]
    symmetry: pd.DataFrame
    method: str
    confidence: float
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def p_value(self) -> float:
        """The least adjusted p-value of symmetry (fraction): small where the tails differ; NaN when none was tested."""
        return float(self.symmetry["adjusted"].min())

    @property
    def headline(self) -> str:
        """Pair, the outermost threshold with both tails and the normal value, and the p-value of symmetry."""
        known = self.table.dropna(subset="correlation")
        last = known[known["threshold"] == known["threshold"].max()]
        tails = ", ".join(f"{row.tail} tail {row.correlation:.2f}" for row in last.itertuples())
        beyond = f"beyond {last['threshold'].iloc[0]:g} sd {tails} (normal {last['normal'].iloc[0]:.2f})"
        return f"{self.pair[0]} and {self.pair[1]}, {beyond}, symmetry p {self.p_value:.3f}, {self.n_obs} pairs"

    def summary(self) -> pd.DataFrame:
        """Return by threshold and tail: rows, correlation with interval, and the value under normality (no unit)."""
        table = self.table
        return pd.DataFrame(
            {
                "threshold (standard deviations)": table["threshold"],
                "tail": table["tail"],
                "n (rows)": table["n"],
                "correlation": table["correlation"].round(3),
                f"{percent_to(self.confidence, 0)} lower": table["lower"].round(3),
                f"{percent_to(self.confidence, 0)} upper": table["upper"].round(3),
                "under normality": table["normal"].round(3),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row a threshold and tail."""
        return self.table.copy()


def exceedance_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    thresholds: Sequence[float] = (0.0, 0.5, 1.0, 1.5),
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> ExceedanceCorrelations:
    """Return the correlations of two series in their joint tails, beside those of normal changes.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out and counted.
    thresholds : sequence of float
        In standard deviations of each series from its mean, from 0 up, rising.
    confidence : float
        Of each two-sided, pointwise interval, fraction.
    synchrony : Synchrony, optional
        What the two clocks have in common (`PricePanel.synchrony`); carried on the result, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ExceedanceCorrelations
        Two rows a threshold (no unit), and tests of symmetry.

    Raises
    ------
    ArgumentError
        For thresholds that are none, negative or not rising, or a bad confidence.
    DataError
        For what `pearson_correlation` refuses, and when no tail has 20 rows.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete pairs.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    The lower tail beyond c holds the rows with (x - mean) / s <= -c and (y - mean) / s <= -c, the upper tail those
    above c [1]_ [2]_. Its interval is that of `intervals` on the rows of the tail as if adjacent: their number
    decides the degrees of freedom. Symmetry: t = (atanh r_upper - atanh r_lower) / sqrt(se_upper^2 + se_lower^2)
    with Welch's degrees of freedom at each threshold, and Holm's correction over them. (The joint chi-squared test
    of [3]_, with thresholds as nested as these, rejected in 8 to 20 % of simulated symmetric samples at 5 %.)

    In simulation (rho = 0.5; 500, 1,000 and 2,500 rows; thresholds 0 to 1.5) 95 % intervals cover 93 to 97 % on
    independent normal changes, 88 to 95 % on t5 and 87 to 95 % on GARCH(0.10, 0.87) with t5, least in tails of
    fewer than 50 rows; symmetry is rejected in 2 to 5 % at a nominal 5 %.

    References
    ----------
    .. [1] Longin and Solnik (2001), "Extreme correlation of international equity markets", Journal of Finance 56(2).
    .. [2] Ang and Chen (2002), "Asymmetric correlations of equity portfolios", Journal of Financial Economics 63(3).
    .. [3] Hong, Tu and Zhou (2007), "Asymmetries in stock returns: statistical tests and economic evaluation",
       Review of Financial Studies 20(5), 1547-1581.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ"]))
    >>> found = exceedance_correlation(moves["SPX"], moves["NASDAQ"], thresholds=[1.0])
    >>> found.table[["tail", "n", "correlation", "normal"]].round(2)
        tail    n  correlation  normal
    0  lower  457         0.70    0.63
    1  upper  372         0.71    0.63
    """
    level = check_confidence(confidence)
    cuts = _check_thresholds(thresholds)
    pair = check_pair(x, y)
    kept = pair.rows(pair.complete)
    n = len(kept.index)
    warn_small(n, what=f"the exceedance correlation of {pair.label}")
    warn_asynchronous(synchrony, what=f"the exceedance correlation of {pair.label}")
    z = np.stack([(a - a.mean()) / a.std() for a in (kept.x, kept.y)])
    rho = float(np.clip((z[0] * z[1]).mean(), -1.0, 1.0))
    sides = (("lower", -1.0), ("upper", 1.0))
    tails = {(cut, side): _Tail(z[:, (sign * z >= cut).all(axis=0)]) for cut in cuts for side, sign in sides}
    if not any(tail.is_known for tail in tails.values()):
        most = max(tail.n for tail in tails.values())
        remedy = "pass lower thresholds, or a longer history"
        raise DataError("thresholds", f"must leave {MINIMUM_PAIRS} rows in some joint tail", f"at most {most}", remedy)
    normal = {cut: normal_exceedance_correlation(rho, threshold=cut) for cut in cuts}
    rows = [(cut, side, tail.n, *tail.limits(level), normal[cut]) for (cut, side), tail in tails.items()]
    columns = ["threshold", "tail", "n", "correlation", "lower", "upper", "normal"]
    return ExceedanceCorrelations(
        table=freeze(pd.DataFrame(rows, columns=columns)),
        correlation=rho,
        pair=pair.names,
        symmetry=freeze(_symmetry({cut: (tails[cut, "lower"], tails[cut, "upper"]) for cut in cuts})),
        method="exceedance correlation, EWC-HAR interval",
        confidence=level,
        n_obs=n,
        n_missing=len(pair.index) - n,
        start=kept.index[0],
        as_of=kept.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def normal_exceedance_correlation(correlation: float, *, threshold: float) -> float:
    """Return the correlation of two normal variables where both exceed a threshold.

    Parameters
    ----------
    correlation : float
        rho of the two, from -1 to 1.
    threshold : float
        a, in standard deviations from the mean; by symmetry also that of both below -a.

    Returns
    -------
    float
        No unit. Falls towards 0 as the threshold rises, for every |rho| < 1.

    Raises
    ------
    ArgumentError
        For a correlation outside -1 to 1.

    Notes
    -----
    With L = P(X > a, Y > a), q = 1 - Phi(a sqrt((1 - rho) / (1 + rho))) and
    g = sqrt((1 - rho^2) / (2 pi)) phi(a sqrt(2 / (1 + rho))), the moments there are [1]_

        L E[X]   = (1 + rho) phi(a) q
        L E[X^2] = L + (1 + rho^2) a phi(a) q + rho g
        L E[X Y] = rho L + 2 rho a phi(a) q + g

    References
    ----------
    .. [1] Rosenbaum (1961), "Moments of a truncated bivariate normal distribution", Journal of the Royal Statistical
       Society B 23(2), 405-408.

    Examples
    --------
    >>> [round(normal_exceedance_correlation(0.5, threshold=a), 3) for a in (0.0, 1.0, 2.0)]
    [0.269, 0.179, 0.119]
    """
    rho, a = check_correlation(correlation), float(threshold)
    if abs(rho) == 1.0:
        return 1.0 if rho == 1.0 else float("nan")
    L = _joint_exceedance(rho, a)
    phi, q = stats.norm.pdf(a), stats.norm.sf(a * np.sqrt((1.0 - rho) / (1.0 + rho)))
    g = np.sqrt((1.0 - rho**2) / (2.0 * np.pi)) * stats.norm.pdf(a * np.sqrt(2.0 / (1.0 + rho)))
    mean = (1.0 + rho) * phi * q / L
    square = 1.0 + ((1.0 + rho**2) * a * phi * q + rho * g) / L
    product = rho + (2.0 * rho * a * phi * q + g) / L
    return float((product - mean**2) / (square - mean**2))


def _joint_exceedance(rho: float, a: float) -> float:
    """P(X > a, Y > a), from an integral of positive terms: exact in its digits however small it is."""

    def density(x: float) -> float:
        return float(np.exp(special.log_ndtr((rho * x - a) / root) - 0.5 * x * x))

    root = np.sqrt(1.0 - rho**2)
    return float(integrate.quad(density, a, np.inf, epsabs=0.0, epsrel=1e-12)[0] / np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, eq=False, slots=True)
class _Tail:
    """Rows of a joint tail, shape (2, n)."""

    rows: np.ndarray

    @property
    def n(self) -> int:
        return int(self.rows.shape[1])

    @property
    def is_known(self) -> bool:
        """Whether the rows carry a correlation."""
        return self.n >= MINIMUM_PAIRS and bool((np.ptp(self.rows, axis=1) > 0.0).all())

    def band(self, confidence: float) -> CorrelationBand:
        return ewc_band(self.rows[:1], self.rows[1:], confidence=confidence)

    def limits(self, confidence: float) -> tuple[float, float, float]:
        """Correlation and limits; NaN when not known."""
        if not self.is_known:
            return (float("nan"),) * 3
        band = self.band(confidence)
        return float(band.correlation[0]), float(band.lower[0]), float(band.upper[0])


def _symmetry(tails: dict[float, tuple[_Tail, _Tail]]) -> pd.DataFrame:
    """Tests of equal correlations in both tails, one row a threshold where both are known."""
    rows = []
    for cut, (low, high) in tails.items():
        if not (low.is_known and high.is_known):
            continue
        a, b = low.band(0.95), high.band(0.95)
        variances = np.concatenate([a.standard_error, b.standard_error]) ** 2
        freedoms = np.concatenate([a.degrees_of_freedom, b.degrees_of_freedom])
        total = variances.sum()
        # Tails on a line have no width: nothing can be tested, and the difference speaks for itself.
        freedom = total**2 / (variances**2 / freedoms).sum() if total > 0.0 else np.nan
        z = [np.arctanh(np.clip(band.correlation[0], -_LARGEST, _LARGEST)) for band in (a, b)]
        statistic = (z[1] - z[0]) / np.sqrt(total) if total > 0.0 else np.nan
        p_value = 2.0 * stats.t.sf(abs(statistic), freedom)
        rows.append((cut, b.correlation[0] - a.correlation[0], statistic, freedom, p_value))
    table = pd.DataFrame(rows, columns=["threshold", "difference", "statistic", "degrees_of_freedom", "p_value"])
    table = table.astype(np.float64)
    # Holm: the k-th smallest of m times m - k + 1, never below the one before.
    order = np.argsort(table["p_value"].to_numpy(), kind="stable")
    stepped = np.maximum.accumulate(table["p_value"].to_numpy()[order] * np.arange(len(order), 0, -1))
    table["adjusted"] = 0.0
    table.loc[order, "adjusted"] = np.minimum(stepped, 1.0)
    return table


def _check_thresholds(thresholds: Sequence[float]) -> list[float]:
    cuts = [real_number(cut, argument="thresholds") for cut in thresholds]
    if not cuts or not np.isfinite(cuts).all() or min(cuts) < 0.0 or (np.diff(cuts) <= 0.0).any():
        remedy = "pass for example thresholds=[0, 0.5, 1]"
        raise ArgumentError("thresholds", "must rise from 0 or more (standard deviations)", str(cuts), remedy)
    return cuts
