"""The traffic light: the zone of a number of exceptions, for any number of observations and any target.

Counts enter, a `TrafficLight` leaves. Unlike the tests of `coverage`, it looks only for too many exceptions.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pandas as pd
from scipy import stats

from volkit.checks import check_confidence
from volkit.results import ResultDisplay
from volkit.validation.coverage import check_counts

__all__ = ["TrafficLight", "Zone", "traffic_light"]

Zone: TypeAlias = Literal["green", "yellow", "red"]
_YELLOW_FROM = 0.95
_RED_FROM = 0.9999


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TrafficLight(ResultDisplay):
    """Zone of a number of exceptions.

    Attributes
    ----------
    zone : {"green", "yellow", "red"}
        Where `n_exceptions` falls.
    n_obs, n_exceptions : int
        Counts of observations and of exceptions.
    confidence : float
        Target of the margin.
    green_max : int
        Largest number of exceptions in the green zone.
    red_from : int
        Smallest number of exceptions in the red zone.
    cumulative_probability : float
        Probability of at most `n_exceptions` when the margin is right.
    """

    zone: Zone
    n_obs: int
    n_exceptions: int
    confidence: float
    green_max: int
    red_from: int
    cumulative_probability: float

    @property
    def headline(self) -> str:
        """Zone, exceptions in observations, and the limits of the zones."""
        limits = f"green to {self.green_max}, red from {self.red_from}"
        return f"{self.zone}, {self.n_exceptions} exceptions in {self.n_obs} at {self.confidence:g} ({limits})"

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity (unit in the label): value, and target where there is one."""
        rows = {
            "zone": (self.zone, "green"),
            "observations (count)": (self.n_obs, None),
            "exceptions (count)": (self.n_exceptions, self.n_obs * (1.0 - self.confidence)),
            "green up to (count)": (self.green_max, None),
            "red from (count)": (self.red_from, None),
            "probability of at most as many": (self.cumulative_probability, None),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target"]).rename_axis("traffic light")


def traffic_light(n_exceptions: int, n_obs: int, *, confidence: float) -> TrafficLight:
    """Return the traffic-light zone of a number of exceptions.

    Parameters
    ----------
    n_exceptions, n_obs : int
        Numbers of exceptions and of observations.
    confidence : float
        Target of the margin; the supervisors' own table is for 250 observations at 0.99.

    Returns
    -------
    TrafficLight
        Zone and its limits, in counts.

    Raises
    ------
    ArgumentError
        For impossible counts, or a confidence outside 0.5 to 1.

    Notes
    -----
    With F the binomial(n, 1 - confidence) distribution function ([1]_, table 2), a count k is green while
    F(k) < 0.95 and red once F(k) >= 0.9999. The limits are computed for each n and never scaled: 1,000
    observations at 0.99 give 14 and 24, not four times 4 and 10. In samples so short that F(0) >= 0.95 no
    exception is still green, since it cannot speak against a margin; such a sample says little.

    References
    ----------
    .. [1] Basel Committee on Banking Supervision (1996), Supervisory framework for the use of "backtesting" in
       conjunction with the internal models approach to market risk capital requirements.

    Examples
    --------
    >>> traffic_light(7, 250, confidence=0.99)
    <TrafficLight: yellow, 7 exceptions in 250 at 0.99 (green to 4, red from 10)>
    """
    x, n = check_counts(n_exceptions, n_obs)
    count = stats.binom(n, 1.0 - check_confidence(confidence))
    green_max = max(int(count.ppf(_YELLOW_FROM)) - 1, 0)
    red_from = max(int(count.ppf(_RED_FROM)), 1)
    zone: Zone = "green" if x <= green_max else "red" if x >= red_from else "yellow"
    return TrafficLight(
        zone=zone,
        n_obs=n,
        n_exceptions=x,
        confidence=float(confidence),
        green_max=green_max,
        red_from=red_from,
        cumulative_probability=float(count.cdf(x)),
    )
