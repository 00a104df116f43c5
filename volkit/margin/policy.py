"""The margin policy: a value that says how a rate is made from risk, and nothing of any data."""

from dataclasses import dataclass, field
from typing import Literal

from volkit.checks import check_choice, check_confidence, check_count, check_fraction, check_positive
from volkit.conventions import Side, spoken_periods
from volkit.errors import ArgumentError
from volkit.margin.rates import TailRisk
from volkit.volatility import Garch, VolatilityModel

__all__ = ["METHODS", "MarginMethod", "MarginPolicy"]

MarginMethod = Literal["historical", "filtered_historical", "garch_t"]
METHODS: tuple[MarginMethod, ...] = ("historical", "filtered_historical", "garch_t")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPolicy:
    """How margin rates follow from risk.

    The maintenance margin covers the loss while a position is closed out: the tail measure over the margin
    period of risk, at least the floor. The initial margin adds the buffer, so that a new position is not
    called at the first move.

    Attributes
    ----------
    method : {"historical", "filtered_historical", "garch_t"}
        Where the tail measure comes from.
    measure : {"value_at_risk", "expected_shortfall"}
        Which one sets the maintenance margin.
    confidence : float
        For example 0.99.
    margin_period_of_risk : int
        Periods from the last margin payment to the closed position.
    lookback : int
        Returns behind each rate; at least 20, and no fewer than the margin period of risk has periods.
    refit_every : int
        Periods between fits of the volatility model; the variance is updated at every period.
    floor : float
        Least maintenance margin, fraction of the notional.
    buffer : float
        Initial margin over maintenance margin, less one: decimal.
    model : VolatilityModel
        Filter of the methods that have one; garch_t needs a Student t.
    n_paths : int
        Simulated paths when the margin period of risk is above one period.
    seed : int
        Of those paths.

    Raises
    ------
    ArgumentError
        For a value outside its range, at construction.

    Examples
    --------
    >>> MarginPolicy(floor=0.02, buffer=0.25).margins(TailRisk(0.10, 0.14), side="long")
    (0.1, 0.125)
    """

    method: MarginMethod = "filtered_historical"
    measure: Literal["value_at_risk", "expected_shortfall"] = "value_at_risk"
    confidence: float = 0.99
    margin_period_of_risk: int = 1
    lookback: int = 500
    refit_every: int = 21
    floor: float = 0.0
    buffer: float = 0.25
    model: VolatilityModel = field(default_factory=lambda: Garch(distribution="t"))
    n_paths: int = 10_000
    seed: int = 20240601

    def __post_init__(self) -> None:
        check_choice(self.method, argument="method", choices=METHODS)
        check_choice(self.measure, argument="measure", choices=("value_at_risk", "expected_shortfall"))
        check_confidence(self.confidence)
        check_count(self.margin_period_of_risk, argument="margin_period_of_risk")
        check_count(self.lookback, argument="lookback", minimum=max(20, self.margin_period_of_risk))
        check_count(self.refit_every, argument="refit_every")
        check_fraction(self.floor, argument="floor")
        check_count(self.n_paths, argument="n_paths", unit="paths")
        check_count(self.seed, argument="seed", minimum=0, unit="as a seed")
        if self.buffer != 0:
            check_positive(self.buffer, argument="buffer", unit="decimal fraction")
        if self.method == "garch_t" and getattr(self.model, "distribution", None) != "t":
            raise ArgumentError(
                "model", "must have Student t innovations for garch_t", self.model.words, 'pass Garch(distribution="t")'
            )

    def margins(self, risk: TailRisk, *, side: Side) -> tuple[float, float]:
        """Return maintenance and initial margin (fractions of the notional) for a tail risk.

        A long position cannot lose more than its notional, so its rates stop at 1.
        """
        maintenance = max(self.floor, getattr(risk, self.measure))
        initial = maintenance * (1.0 + self.buffer)
        return (min(maintenance, 1.0), min(initial, 1.0)) if side == "long" else (maintenance, initial)

    @property
    def words(self) -> str:
        """The policy in words."""
        measure = self.measure.replace("_", " ")
        return (
            f"{self.method.replace('_', ' ')}, {measure} {self.confidence:.4g}, "
            f"{spoken_periods(self.margin_period_of_risk)}, look-back {self.lookback}, floor {self.floor:.3g}, "
            f"buffer {self.buffer:.3g}"
        )
