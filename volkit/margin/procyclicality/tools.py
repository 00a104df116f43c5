"""The tools against procyclicality as values: what each one is set to, and nothing of any data."""

from dataclasses import dataclass
from typing import Literal

from volkit.checks import check_choice, check_count, check_fraction, check_positive
from volkit.errors import ArgumentError
from volkit.margin.procyclicality.recursions import LEAST_BUFFER, check_limits

__all__ = ["Buffer", "LongFloor", "SpeedLimit", "StressFloor", "StressWeight", "VolatilityFloor"]

# Article 28(1)(c) of Commission Delegated Regulation (EU) No 153/2013.
_TEN_YEARS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A buffer on the calculated rate, released while it rises (EMIR, Article 28(1)(a)); see `release_buffer`.

    Attributes
    ----------
    size : float
        Fraction of the rate; the article asks for at least 0.25.
    rebuild_periods : int
        Periods in which an empty buffer is full again when the rate does not rise.
    significant_rise : float
        Fraction over the rate `rise_periods` ago from which it counts as rising.
    rise_periods : int
        See there.

    Raises
    ------
    ArgumentError
        For a value outside its range, at construction.

    Examples
    --------
    >>> Buffer().words
    'buffer 25 %, rebuilt in 60 periods'
    """

    size: float = LEAST_BUFFER
    rebuild_periods: int = 60
    significant_rise: float = 0.0
    rise_periods: int = 1

    def __post_init__(self) -> None:
        check_fraction(self.size, argument="size")
        check_count(self.rebuild_periods, argument="rebuild_periods")
        check_fraction(self.significant_rise, argument="significant_rise")
        check_count(self.rise_periods, argument="rise_periods")

    @property
    def words(self) -> str:
        """The tool in words."""
        return f"buffer {100 * self.size:.3g} %, rebuilt in {self.rebuild_periods} periods"


@dataclass(frozen=True, slots=True, kw_only=True)
class StressWeight:
    """A weight on the worst window known so far (EMIR, Article 28(1)(b)), by one of two named readings.

    Attributes
    ----------
    weight : float
        Fraction; the article asks for at least 0.25.
    window : int
        Returns of the stressed window, the one with the highest tail measure among those known.
    reading : {"rates", "scenarios"}
        ``rates`` mixes the calculated rate with the stressed window's (`mix_rates`); ``scenarios`` gives the window's
        returns that weight among the returns of the look-back (`mixed_tail`), for the method ``historical`` only.

    Raises
    ------
    ArgumentError
        For a value outside its range, at construction.

    Examples
    --------
    >>> StressWeight(weight=0.3).words
    'stress weight 30 % on rates of the worst 250 returns'
    """

    weight: float = LEAST_BUFFER
    window: int = 250
    reading: Literal["rates", "scenarios"] = "rates"

    def __post_init__(self) -> None:
        check_fraction(self.weight, argument="weight")
        check_count(self.window, argument="window", minimum=20, unit="returns")
        check_choice(self.reading, argument="reading", choices=("rates", "scenarios"))

    @property
    def words(self) -> str:
        """The tool in words."""
        return f"stress weight {100 * self.weight:.3g} % on {self.reading} of the worst {self.window} returns"


@dataclass(frozen=True, slots=True, kw_only=True)
class LongFloor:
    """A floor at the margin of a long look-back (EMIR, Article 28(1)(c)): historical, at the policy's confidence.

    Attributes
    ----------
    years : float
        Of the look-back, 10 in the article. Where the returns know fewer years, all that they know.

    Raises
    ------
    ArgumentError
        For years that are not above zero, at construction.

    Examples
    --------
    >>> LongFloor().words
    'floor of 10 years'
    """

    years: float = _TEN_YEARS

    def __post_init__(self) -> None:
        check_positive(self.years, argument="years", unit="years")

    @property
    def words(self) -> str:
        """The tool in words."""
        return f"floor of {self.years:g} years"


@dataclass(frozen=True, slots=True, kw_only=True)
class StressFloor:
    """A floor at a quantile of the worst window, re-calibrated so that it meets the long look-back (Prisma's way).

    Every `recalibrate_every` periods from the first rate on, the confidence is set at which the Value at Risk of the
    worst window known equals that of the long look-back at the policy's confidence (`matching_confidence`). Until the
    next time the confidence stays, and the floor moves only when a worse window appears.

    Attributes
    ----------
    window : int
        Returns of the stressed window.
    years : float
        Of the long look-back; where the returns know fewer, all that they know.
    recalibrate_every : int, optional
        Periods; one year by default.

    Raises
    ------
    ArgumentError
        For a value outside its range, at construction.

    Examples
    --------
    >>> StressFloor().words
    'stress floor on the worst 250 returns, met yearly to 10 years'
    """

    window: int = 250
    years: float = _TEN_YEARS
    recalibrate_every: int | None = None

    def __post_init__(self) -> None:
        check_count(self.window, argument="window", minimum=20, unit="returns")
        check_positive(self.years, argument="years", unit="years")
        if self.recalibrate_every is not None:
            check_count(self.recalibrate_every, argument="recalibrate_every")

    @property
    def words(self) -> str:
        """The tool in words."""
        often = "yearly" if self.recalibrate_every is None else f"every {self.recalibrate_every} periods"
        return f"stress floor on the worst {self.window} returns, met {often} to {self.years:g} years"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityFloor:
    """A floor under the volatility behind the rate: rate times max(1, floor / volatility).

    Attributes
    ----------
    half_life : float
        Periods, of the exponentially weighted volatility.
    share : float
        The floor as a fraction of the long-run volatility, the root mean square of the returns.
    years : float
        Of the long run; where the returns know fewer, all that they know.

    Raises
    ------
    ArgumentError
        For a value outside its range, at construction.

    Examples
    --------
    >>> VolatilityFloor(share=0.8).words
    'volatility at least 80 % of 10 years'
    """

    half_life: float = 33.0
    share: float = 1.0
    years: float = _TEN_YEARS

    def __post_init__(self) -> None:
        check_positive(self.half_life, argument="half_life", unit="periods")
        check_fraction(self.share, argument="share")
        check_positive(self.years, argument="years", unit="years")

    @property
    def words(self) -> str:
        """The tool in words."""
        return f"volatility at least {100 * self.share:.3g} % of {self.years:g} years"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedLimit:
    """The largest fall, and rise if any, of the charged rate in a period; see `limit_speed`.

    Attributes
    ----------
    largest_fall : float, optional
        Fraction of the rate the period before; None for no limit.
    largest_rise : float, optional
        The same. It leaves the rate below what was calculated until it has caught up.

    Raises
    ------
    ArgumentError
        For a value outside its range, or no limit at all, at construction.

    Examples
    --------
    >>> SpeedLimit(largest_rise=0.1).words
    'falls of at most 1 %, rises of at most 10 % a period'
    """

    largest_fall: float | None = 0.01
    largest_rise: float | None = None

    def __post_init__(self) -> None:
        check_limits(self.largest_fall, self.largest_rise)
        if self.largest_fall is None and self.largest_rise is None:
            raise ArgumentError("largest_fall", "must be set where largest_rise is not", "None", "pass one of both")

    @property
    def words(self) -> str:
        """The tool in words."""
        limits = {"falls": self.largest_fall, "rises": self.largest_rise}
        parts = [f"{name} of at most {100 * x:.3g} %" for name, x in limits.items() if x is not None]
        return ", ".join(parts) + " a period"
