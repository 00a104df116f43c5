"""Which scenarios make a tail: how many of the worst count, and with what share."""

from dataclasses import dataclass

import numpy as np

from volkit.checks import check_confidence
from volkit.errors import DataError
from volkit.margin.rates import require_tail
from volkit.portfolio.scenarios.arrays import RiskArray

__all__ = ["Tail", "tail_of"]

# (1 - confidence) n is a whole number more often than its floating point shows: 1000 (1 - 0.99) = 10.000000000000009.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The worst scenarios of n at one confidence.

    Attributes
    ----------
    kept : int
        Worst scenarios that either measure needs.
    shares : tuple of float
        Weights of the worst scenarios, the worst first, in expected shortfall; they sum to 1.
    quantile_shares : tuple of float
        Likewise in Value at Risk.
    """

    kept: int
    shares: tuple[float, ...]
    quantile_shares: tuple[float, ...]


def tail_of(array: RiskArray, confidence: float) -> Tail:
    """Return the tail of a risk array's scenarios.

    Expected shortfall is the mean over the worst (1 - confidence) n, a fraction of a scenario counting as such: only so
    is it subadditive [1]_. Value at Risk is the quantile of type 6, as in `volkit.margin.tail_risk`.

    Raises
    ------
    DataError
        When the scenarios are a grid, not a sample.
    ArgumentError
        For a confidence outside (0, 1), or fewer than one scenario beyond it.

    References
    ----------
    .. [1] Acerbi, C. and Tasche, D. (2002), On the coherence of expected shortfall, Journal of Banking & Finance 26,
       definition 2.6.

    Examples
    --------
    >>> import pandas as pd
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> array = risk_array_of_profits(pd.DataFrame([range(250)]), equally_likely=True)
    >>> [round(share, 9) for share in tail_of(array, 0.99).shares]
    [0.4, 0.4, 0.2]
    """
    if not array.equally_likely:
        raise DataError(
            "risk array",
            "must have equally likely scenarios for a tail",
            "a weighted grid",
            "take the scan margin of it, or value the book in scenarios of a ScenarioSet",
        )
    level, n = check_confidence(confidence), array.n_scenarios
    require_tail(n, level)
    size = n * (1.0 - level)
    whole = int(np.floor(size + _ROUNDING))
    part = max(size - whole, 0.0)
    part = part if part > _ROUNDING else 0.0
    amounts = [1.0] * whole + ([part] if part else [])
    # The quantile of type 6 stands (n + 1)(1 - confidence) from the worst, counted from 1.
    at = max((n + 1) * (1.0 - level), 1.0)
    below = int(np.floor(at + _ROUNDING))
    over = max(at - below, 0.0) if below < n else 0.0
    quantile = [0.0] * (below - 1) + ([1.0 - over, over] if over > _ROUNDING else [1.0])
    total = sum(amounts)
    return Tail(
        kept=max(len(amounts), len(quantile)),
        shares=tuple(a / total for a in amounts),
        quantile_shares=tuple(quantile),
    )
