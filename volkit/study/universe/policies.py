"""The ten policies that a universe is measured with unless others are named."""

from volkit.margin import MarginPolicy
from volkit.volatility import Ewma, Garch

__all__ = ["universe_policies"]


def universe_policies(confidence: float = 0.99) -> dict[str, MarginPolicy]:
    """Return ten policies by name, quick enough for hundreds of assets.

    Parameters
    ----------
    confidence : float
        Of each; the expected shortfall is taken at a level that gives about the same margin (0.975 for 0.99).

    Raises
    ------
    ArgumentError
        For a confidence outside its range, or too high for the shortest look-back.

    Examples
    --------
    >>> len(universe_policies())
    10
    """
    return {
        "historical, 250 days": MarginPolicy(method="historical", lookback=250, expanding=False, confidence=confidence),
        "historical, all days": MarginPolicy(method="historical", lookback=250, confidence=confidence),
        "weighted, half-life 120": MarginPolicy(method="weighted_historical", lookback=250, confidence=confidence),
        "stressed, a quarter": MarginPolicy(
            method="historical", lookback=250, stress_weight=0.25, confidence=confidence
        ),
        "shortfall of all days": MarginPolicy(
            method="historical", lookback=250, measure="expected_shortfall",
            confidence=1.0 - 2.5 * (1.0 - confidence),
        ),
        "filtered, EWMA 30": MarginPolicy(model=Ewma(half_life=30.0), lookback=250, confidence=confidence),
        "filtered, GARCH-t": MarginPolicy(lookback=250, confidence=confidence),
        "filtered, GJR-t": MarginPolicy(
            model=Garch(family="gjr", distribution="t"), lookback=250, confidence=confidence
        ),
        "law of GARCH-t": MarginPolicy(method="fitted_law", lookback=250, confidence=confidence),
        "law of GARCH-normal": MarginPolicy(
            method="fitted_law", model=Garch(distribution="normal"), lookback=250, confidence=confidence
        ),
    }  # fmt: skip
