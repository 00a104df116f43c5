"""A fitted Pareto tail: Value at Risk, expected shortfall and return levels beyond a threshold, with intervals.

It is made by `fit_pareto_tail` in `peaks`. Losses are in the unit that was fitted.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_positive
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.tails.levels import Level, delta_interval, level_profile_interval, shape_profile_interval
from volkit.volatility.tails.pareto import REGULAR_SHAPE, ParetoEstimate, ParetoStatus

__all__ = ["IntervalMethod", "ParetoTail"]

IntervalMethod = Literal["profile", "delta"]
_METHODS: tuple[IntervalMethod, IntervalMethod] = ("profile", "delta")
_NAN_PAIR = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ParetoTail(ResultDisplay):
    """A generalised Pareto distribution fitted to the losses above a threshold.

    Attributes
    ----------
    asset : str
        Name of the losses.
    unit : str
        Of the losses: decimal for returns.
    threshold : float
        u, in that unit.
    estimate : ParetoEstimate
        Maximum of the likelihood, with covariance, status and certificate.
    peaks : Series, shape (n_peaks,)
        Losses that were fitted, by UTC time or position: all above the threshold, or one for each cluster.
    n_exceedances : int
        Losses above the threshold.
    n_obs : int
        All losses.
    run_length : int, optional
        Of the declustering, in observations; None where every exceedance was fitted.
    as_of : Timestamp, optional
        Last label (UTC), None where the losses have no times.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    unit: str
    threshold: float
    estimate: ParetoEstimate
    peaks: pd.Series
    n_exceedances: int
    n_obs: int
    run_length: int | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def spec(self) -> str:
        """The model in words."""
        clusters = "" if self.run_length is None else f", clusters ended by {self.run_length} below it"
        return f"generalised Pareto above {self.threshold:g}{clusters}"

    @property
    def shape(self) -> float:
        """xi, no unit: above 0 a power tail with index 1 / xi, 0 exponential, below 0 a bounded one."""
        return self.estimate.shape

    @property
    def scale(self) -> float:
        """beta, in the unit of the losses."""
        return self.estimate.scale

    @property
    def status(self) -> ParetoStatus:
        """How the estimation ended."""
        return self.estimate.status

    @property
    def negative_log_likelihood(self) -> float:
        """Of the peaks' excesses over the threshold."""
        return self.estimate.cost

    @property
    def covariance(self) -> pd.DataFrame:
        """Of shape and scale (observed information); NaN for a shape at or below -0.5."""
        names = ["shape", "scale"]
        return pd.DataFrame(self.estimate.covariance.copy(), index=names, columns=names)

    @property
    def standard_errors(self) -> pd.Series:
        """Of shape and scale; NaN for a shape at or below -0.5, where the estimate is not normal."""
        return pd.Series(np.sqrt(np.diag(self.estimate.covariance)), index=["shape", "scale"])

    @property
    def n_peaks(self) -> int:
        """Losses that were fitted."""
        return len(self.peaks)

    @property
    def exceedance_rate(self) -> float:
        """zeta: share of the losses above the threshold, a fraction."""
        return self.n_exceedances / self.n_obs

    @property
    def extremal_index(self) -> float:
        """Peaks over exceedances (no unit): 1 without declustering."""
        return self.n_peaks / self.n_exceedances

    @property
    def endpoint(self) -> float:
        """Largest possible loss, in the unit of the losses: infinite for a shape of 0 or more."""
        return self.threshold - self.scale / self.shape if self.shape < 0.0 else float("inf")

    @property
    def excesses(self) -> np.ndarray:
        """Peaks less the threshold, shape (n_peaks,), in the unit of the losses."""
        return np.asarray(self.peaks.to_numpy() - self.threshold)

    def value_at_risk(self, confidence: float) -> float:
        """Return the loss not exceeded with a probability of `confidence`, in the unit of the losses.

        Raises
        ------
        ArgumentError
            For a confidence that is no fraction, or whose loss lies below the threshold.

        Notes
        -----
        u + (beta / xi) [((1 - confidence) / zeta)^(-xi) - 1]: McNeil, Frey and Embrechts, Quantitative Risk
        Management, 2nd ed., section 5.2.3.
        """
        return self._loss_at(self._level(confidence, "quantile"))

    def expected_shortfall(self, confidence: float) -> float:
        """Return the mean of the losses beyond the Value at Risk, in the unit of the losses.

        Raises
        ------
        ArgumentError
            As `value_at_risk`, and for a shape of 1 or more, with which that mean is infinite.

        Notes
        -----
        (Value at Risk + beta - xi u) / (1 - xi); same source as `value_at_risk`.
        """
        if self.shape >= 1.0:
            got = f"xi = {self.shape:.3f}"
            remedy = "use value_at_risk, or look whether another threshold gives a lower shape"
            raise ArgumentError("shape", "must be below 1 for a tail with a mean", got, remedy)
        return self._loss_at(self._level(confidence, "tail mean"))

    def return_level(self, n_periods: float) -> float:
        """Return the loss exceeded once in `n_periods` observations on average, in the unit of the losses.

        With declustering: the loss that one cluster in `n_periods` observations exceeds.

        Raises
        ------
        ArgumentError
            For a number of periods that is not positive, or so short that the level lies below the threshold.

        Notes
        -----
        u + (beta / xi) [(m zeta theta)^xi - 1]: Coles, Statistical Modeling of Extreme Values, eq. (4.12), with the
        extremal index theta of section 5.3.
        """
        return self._loss_at(self._return_level(n_periods))

    def value_at_risk_interval(
        self, confidence: float, *, coverage: float = 0.95, method: IntervalMethod = "profile"
    ) -> tuple[float, float]:
        """Return the ends of an interval for the Value at Risk, in the unit of the losses.

        Parameters
        ----------
        confidence : float
            Tail level, fraction.
        coverage : float
            Of the interval, fraction.
        method : {"profile", "delta"}
            Profile likelihood, which leans towards large losses as the data do, or the symmetric delta method.

        Returns
        -------
        tuple of float
            NaN for a shape at or below -0.5. The lower profile end is the threshold at least.

        Raises
        ------
        ArgumentError
            As `value_at_risk`, and for an unknown method or a coverage that is no fraction.

        Notes
        -----
        Both count the uncertainty of zeta. On 1,000 samples of 2,000 Student t(4) losses with the largest 5 per cent
        fitted, the 95 % intervals at 99.9 % held the true value 93 (profile) and 85 (delta) times in 100; for the
        expected shortfall 92 and 80. Too short for clustered losses unless these are declustered.
        """
        return self._interval(self._level(confidence, "quantile"), coverage, method)

    def expected_shortfall_interval(
        self, confidence: float, *, coverage: float = 0.95, method: IntervalMethod = "profile"
    ) -> tuple[float, float]:
        """Return the ends of an interval for the expected shortfall, in the unit of the losses.

        The upper profile end is infinite where shapes of 1 and more cannot be ruled out. Parameters and errors
        are those of `value_at_risk_interval`; a shape of 1 or more is refused as in `expected_shortfall`.
        """
        self.expected_shortfall(confidence)
        return self._interval(self._level(confidence, "tail mean"), coverage, method)

    def return_level_interval(
        self, n_periods: float, *, coverage: float = 0.95, method: IntervalMethod = "profile"
    ) -> tuple[float, float]:
        """Return the ends of an interval for the return level, in the unit of the losses.

        Parameters and errors are those of `return_level` and `value_at_risk_interval`.
        """
        return self._interval(self._return_level(n_periods), coverage, method)

    def shape_interval(self, *, coverage: float = 0.95) -> tuple[float, float]:
        """Return the ends of the profile likelihood interval of xi (no unit); NaN for a shape at or below -0.5.

        Raises
        ------
        ArgumentError
            For a coverage that is no fraction.
        """
        level = check_confidence(coverage, argument="coverage")
        if self.shape <= REGULAR_SHAPE:
            return _NAN_PAIR
        return shape_profile_interval(self.excesses, self.estimate, coverage=level)

    @property
    def headline(self) -> str:
        """Name, threshold, peaks and shape in one line."""
        error = self.standard_errors["shape"]
        return (
            f"{self.asset}, {self.spec}, {self.n_peaks} peaks of {self.n_obs:,}, "
            f"shape {self.shape:.3f} (s.e. {error:.3f}), {self.status}"
        )

    def summary(self) -> pd.DataFrame:
        """Return estimates with standard errors, then what follows from them (units in the labels)."""
        table = pd.DataFrame({"estimate": {"shape": self.shape, f"scale ({self.unit})": self.scale}})
        table["standard error"] = self.standard_errors.to_numpy()
        derived = {
            f"threshold ({self.unit})": self.threshold,
            f"end of the tail ({self.unit})": self.endpoint,
            "share above the threshold": self.exceedance_rate,
            "extremal index": self.extremal_index,
            "log-likelihood": -self.negative_log_likelihood,
            "peaks": self.n_peaks,
            "observations": self.n_obs,
        }
        for level in (0.99, 0.999):
            if 1.0 - level < self.exceedance_rate:
                derived[f"Value at Risk {percent_to(level)} ({self.unit})"] = self.value_at_risk(level)
                mean = self.expected_shortfall(level) if self.shape < 1.0 else float("inf")
                derived[f"expected shortfall {percent_to(level)} ({self.unit})"] = mean
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(self.asset)

    def to_frame(self) -> pd.DataFrame:
        """Return each peak and its excess (unit of the losses) by time or position."""
        return pd.DataFrame({"loss": self.peaks, "excess": self.peaks - self.threshold})

    def _loss_at(self, level: Level) -> float:
        return self.threshold + self.scale * level.multiple(self.shape, self.exceedance_rate)

    def _level(self, confidence: float, kind: Literal["quantile", "tail mean"]) -> Level:
        return self._beyond(1.0 - check_confidence(confidence), kind, "confidence", f"{confidence:g}")

    def _return_level(self, n_periods: float) -> Level:
        periods = check_positive(n_periods, argument="n_periods", unit="observations")
        return self._beyond(1.0 / (periods * self.extremal_index), "quantile", "n_periods", f"{n_periods:g}")

    def _beyond(self, probability: float, kind: Literal["quantile", "tail mean"], argument: str, got: str) -> Level:
        if not probability < self.exceedance_rate:
            requirement = (
                f"must reach beyond the threshold, which {percent_to(self.exceedance_rate, 2)} of the losses exceed"
            )
            raise ArgumentError(argument, requirement, got, "pass a rarer level, or fit with a lower threshold")
        return Level(probability, kind)

    def _interval(self, level: Level, coverage: float, method: IntervalMethod) -> tuple[float, float]:
        share = check_confidence(coverage, argument="coverage")
        check_choice(method, argument="method", choices=_METHODS)
        if self.shape <= REGULAR_SHAPE:
            return _NAN_PAIR
        # A cluster counts once: the peaks are the independent events among n_obs times theta observations.
        zeta, n_effective = self.exceedance_rate, self.n_obs * self.extremal_index
        if method == "delta":
            ends = delta_interval(level, self.estimate, zeta=zeta, n_effective=n_effective, coverage=share)
        else:
            ends = level_profile_interval(
                level, self.excesses, self.estimate, zeta=zeta, n_effective=n_effective, coverage=share
            )
        return self.threshold + ends[0], self.threshold + ends[1]
