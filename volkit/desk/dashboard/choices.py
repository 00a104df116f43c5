"""What a reader of the dashboard can choose, and the policy that a choice stands for: arithmetic, no prices."""

import math
from dataclasses import dataclass

import numpy as np

from volkit.checks import check_choice
from volkit.margin import MarginMethod, MarginPolicy
from volkit.volatility import Garch

__all__ = [
    "CONFIDENCES",
    "HALF_LIFE",
    "HORIZONS",
    "METHODS",
    "MODELS",
    "TESTED",
    "Choices",
    "policy_of",
    "returns_needed",
]

# Those that a reader can wait for: the other two take up to a minute on twenty years of days.
METHODS: tuple[MarginMethod, ...] = (
    "filtered_historical", "fitted_law", "historical", "weighted_historical", "stressed_historical",
)  # fmt: skip
MODELS: dict[str, Garch] = {
    "GARCH-t": Garch(distribution="t"),
    "GJR-t": Garch(family="gjr", distribution="t"),
    "GARCH-normal": Garch(distribution="normal"),
}
CONFIDENCES = (0.975, 0.99, 0.995, 0.999)
HORIZONS = (1, 2, 5, 10)
# Periods that a calibration wants to test its margins on.
TESTED = 50
# Of falling weights, where the confidence does not ask for a longer one (periods).
HALF_LIFE = 120.0

# Ten thousand paths at each of five thousand days take ten seconds, and move a rate by a few per cent of itself.
_PATHS = 2_000
_STRESS_WINDOW = 250
# With a half-life of half the window, weighted scenarios count as 0.87 of their number: 1.2 windows are enough.
_WEIGHTED_ROOM = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the reader of the dashboard has chosen.

    Attributes
    ----------
    asset : str
        Catalogue name of what is margined.
    factor : str or None
        Catalogue name of the series beside it in the correlation; None where the source has no other.
    method : str
        Of `METHODS`.
    model : str
        Of `MODELS`; without effect for methods that work on returns as they came.
    confidence : float
        Of `CONFIDENCES` or any other between 0.5 and 1.
    horizon : int
        Margin period of risk, in periods of the asset's clock.

    Raises
    ------
    ArgumentError
        For a method or model that is not offered.
    """

    asset: str
    factor: str | None = None
    method: MarginMethod = "filtered_historical"
    model: str = "GARCH-t"
    confidence: float = 0.99
    horizon: int = 1

    def __post_init__(self) -> None:
        check_choice(self.method, argument="method", choices=METHODS)
        check_choice(self.model, argument="model", choices=tuple(MODELS))

    @property
    def is_filtered(self) -> bool:
        """Whether the method has a volatility model."""
        return self.method in ("filtered_historical", "fitted_law")


def policy_of(choices: Choices, *, n_obs: int) -> MarginPolicy:
    """Return the policy that the choices stand for, on a history of `n_obs` returns.

    Parameters
    ----------
    choices : Choices
        Of the reader.
    n_obs : int
        Returns of the asset.

    Returns
    -------
    MarginPolicy
        An expanding look-back of at least 365 returns, half of a history that is shorter than two years, and always so
        many that one scenario over the margin period of risk lies beyond the confidence. Where the weights of
        ``weighted_historical`` would leave fewer, its half-life is half the look-back.

    Examples
    --------
    >>> policy_of(Choices(asset="BTC", method="historical", confidence=0.999, horizon=10), n_obs=4000).lookback
    1009
    """
    needs = math.ceil(1.0 / (1.0 - choices.confidence) - 1e-6)
    overlap = choices.horizon - 1
    usual = 365 if n_obs >= 2 * 365 else 10 * (n_obs // 20)
    lookback, half_life = max(usual, needs + overlap), HALF_LIFE
    if choices.method == "weighted_historical" and _weighted(lookback - overlap, half_life) < needs:
        lookback = max(usual, math.ceil(_WEIGHTED_ROOM * needs) + overlap)
        half_life = max(HALF_LIFE, (lookback - overlap) / 2.0)
    return MarginPolicy(
        method=choices.method,
        model=MODELS[choices.model],
        confidence=choices.confidence,
        margin_period_of_risk=choices.horizon,
        lookback=lookback,
        stress_window=min(lookback, max(_STRESS_WINDOW, needs + overlap)),
        half_life=half_life,
        n_paths=_PATHS,
    )


def returns_needed(policy: MarginPolicy) -> int:
    """Return how many returns a policy asks for: its look-back and 50 periods to test on."""
    return policy.lookback + policy.margin_period_of_risk + TESTED


def _weighted(n_scenarios: int, half_life: float) -> float:
    """How many equal weights the falling ones count as."""
    weights = 0.5 ** (np.arange(n_scenarios) / half_life)
    return float(weights.sum() ** 2 / (weights**2).sum())
