"""The margin policy: a value that says how a rate is made from risk, and nothing of any data."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from volkit.checks import check_choice, check_confidence, check_count, check_fraction, check_positive
from volkit.conventions import Side, spoken_periods
from volkit.errors import ArgumentError
from volkit.margin.rates import TailRisk
from volkit.volatility import Garch, VolatilityModel

__all__ = ["METHODS", "MarginMethod", "MarginPolicy"]

MarginMethod = Literal[
    "historical",
    "weighted_historical",
    "filtered_historical",
    "fitted_law",
    "cornish_fisher",
    "conditional_pareto",
    "stressed_historical",
]
METHODS: tuple[MarginMethod, ...] = get_args(MarginMethod)
# Methods that look one period ahead and no further.
_ONE_PERIOD = ("conditional_pareto",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPolicy:
    """How margin rates follow from risk.

    The maintenance margin covers the loss while a position is closed out: the tail measure over the margin
    period of risk, at least the floor. The initial margin adds the buffer, so that a new position is not
    called at the first move.

    Attributes
    ----------
    method : str
        Where the tail measure comes from. By returns as they came: ``historical`` (equally likely),
        ``weighted_historical`` (weights that halve every `half_life`), ``cornish_fisher`` (four moments),
        ``stressed_historical`` (of the worst `stress_window` returns known so far, by side). By the shocks
        of `model` at today's volatility: ``filtered_historical`` (past ones), ``fitted_law`` (the model's own law),
        ``conditional_pareto`` (a Pareto tail beyond the outermost `tail_share`, for any confidence; one period).
    measure : {"value_at_risk", "expected_shortfall"}
        Which one sets the maintenance margin.
    confidence : float
        For example 0.99.
    margin_period_of_risk : int
        Periods from the last margin payment to the closed position.
    lookback : int
        Returns behind each rate; at least 20, and no fewer than the margin period of risk has periods.
    expanding : bool
        Whether the look-back grows from its first length to the whole history.
    half_life : float
        Of the weights of ``weighted_historical``, in periods.
    tail_share : float
        Of the shocks beyond the threshold of ``conditional_pareto``, on either side, fraction.
    stress_weight : float
        Of the stressed tails in a mix with those of the method: w stressed + (1 - w) current, fraction.
    stress_window : int
        Returns of the worst window; no more than the look-back.
    refit_every : int
        Periods between fits of the volatility model; the variance is updated at every period.
    floor : float
        Least maintenance margin, fraction of the notional.
    buffer : float
        Initial margin over maintenance margin, less one: decimal.
    model : VolatilityModel
        Filter of the methods that have one.
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
    lookback: int = 365
    expanding: bool = True
    half_life: float = 120.0
    tail_share: float = 0.10
    stress_weight: float = 0.0
    stress_window: int = 250
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
        check_positive(self.half_life, argument="half_life", unit="periods")
        check_fraction(self.tail_share, argument="tail_share")
        check_fraction(self.stress_weight, argument="stress_weight")
        check_count(self.stress_window, argument="stress_window", minimum=20)
        if self.is_stressed and self.stress_window > self.lookback:
            got, remedy = f"{self.stress_window} of {self.lookback}", "shorten stress_window or lengthen lookback"
            raise ArgumentError("stress_window", "must fit into the look-back", got, remedy)
        if self.method in _ONE_PERIOD and self.margin_period_of_risk > 1:
            got, remedy = str(self.margin_period_of_risk), "use filtered_historical or fitted_law for more periods"
            raise ArgumentError("margin_period_of_risk", f"must be 1 for {self.method}", got, remedy)
        if self.method == "conditional_pareto" and 1.0 - self.confidence > self.tail_share - 1e-9:
            got, remedy = (
                f"{self.tail_share:g} at a confidence of {self.confidence:g}",
                "raise tail_share or confidence",
            )
            raise ArgumentError("tail_share", "must reach further in than the confidence", got, remedy)

    @property
    def is_filtered(self) -> bool:
        """Whether the method works on the shocks of the model."""
        return self.method in ("filtered_historical", "fitted_law", "conditional_pareto")

    @property
    def is_stressed(self) -> bool:
        """Whether a worst window plays a part."""
        return self.stress_weight > 0.0 or self.method == "stressed_historical"

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
        lookback = f"look-back {'from ' if self.expanding else ''}{self.lookback}"
        mixed = f", {100 * self.stress_weight:.4g} % stressed" if self.stress_weight else ""
        return (
            f"{self.method.replace('_', ' ')}{mixed}, {measure} {self.confidence:.4g}, "
            f"{spoken_periods(self.margin_period_of_risk)}, {lookback}, floor {self.floor:.3g}, "
            f"buffer {self.buffer:.3g}"
        )
