"""The choices of a HAR model, with what they say about arrays: regressors, targets, retransformation."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from volkit.checks import check_choice, check_count
from volkit.errors import ArgumentError
from volkit.volatility.har import _design as arrays
from volkit.volatility.har._regression import guard

__all__ = ["HarTerms"]

_MINIMUM_ROWS = 60
_JUMP_WORDS = {"none": "HAR", "added": "HAR-J", "split": "HAR-CJ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HarTerms:
    """Lags, form, jumps, horizon and return to variances of a HAR model; `Har` says what each means.

    Examples
    --------
    >>> HarTerms(lags=(1, 5, 22), form="log", jumps="split").words
    'log HAR-CJ (1, 5, 22)'
    """

    lags: tuple[int, ...]
    form: Literal["variance", "log", "root"] = "variance"
    jumps: Literal["none", "added", "split"] = "none"
    horizon: int = 1
    retransformation: Literal["smearing", "lognormal"] = "smearing"
    insanity_filter: Literal["lower", "both", "none"] = "lower"
    hac_lags: int | None = None

    def __post_init__(self) -> None:
        is_listed = isinstance(self.lags, (tuple, list))
        for lag in self.lags if is_listed else ():
            check_count(lag, argument="lags")
        if not is_listed or not self.lags or self.lags[0] != 1 or list(self.lags) != sorted(set(self.lags)):
            remedy = "pass lags=SESSION_LAGS (1, 5, 22) or CRYPTO_LAGS (1, 7, 30)"
            raise ArgumentError("lags", "must be whole periods rising from 1", repr(self.lags), remedy)
        check_choice(self.form, argument="form", choices=("variance", "log", "root"))
        check_choice(self.jumps, argument="jumps", choices=_JUMP_WORDS)
        check_count(self.horizon, argument="horizon")
        check_choice(self.retransformation, argument="retransformation", choices=("smearing", "lognormal"))
        check_choice(self.insanity_filter, argument="insanity_filter", choices=("lower", "both", "none"))
        if self.hac_lags is not None:
            check_count(self.hac_lags, argument="hac_lags", minimum=0)

    @property
    def words(self) -> str:
        """The model in words."""
        form = "" if self.form == "variance" else f"{self.form} "
        ahead = "" if self.horizon == 1 else f", mean of {self.horizon} periods"
        return f"{form}{_JUMP_WORDS[self.jumps]} ({', '.join(map(str, self.lags))}){ahead}"

    @property
    def minimum_observations(self) -> int:
        """Least number of realised variances."""
        return max(self.lags) + self.horizon - 1 + _MINIMUM_ROWS

    @property
    def names(self) -> list[str]:
        """Names of the regressors."""
        return arrays.regressor_names(self.lags, self.jumps)

    def design(self, variance: np.ndarray, jump_part: np.ndarray) -> np.ndarray:
        """Return the regressors known after each period from the longest lag on, shape (n - max(lags) + 1, k)."""
        return arrays.design(variance, jump_part, lags=self.lags, form=self.form, jumps=self.jumps)

    def target(self, variance: np.ndarray) -> np.ndarray:
        """Return the transformed mean variance of the periods ahead, one for each row that has them."""
        return arrays.target(variance, lags=self.lags, form=self.form, horizon=self.horizon)

    def newest_row(self, variance: np.ndarray, jump_part: np.ndarray) -> np.ndarray:
        """Return the regressors known after the last period, shape (k,)."""
        longest = max(self.lags)
        return np.asarray(self.design(variance[-longest:], jump_part[-longest:])[-1])

    def to_variance(
        self, means: np.ndarray, weights: np.ndarray, *, residuals: np.ndarray, residual_variance: float
    ) -> np.ndarray:
        """Return expected variances (decimal squared) from means on the scale of the regression."""
        return arrays.to_variance(
            means, weights, residuals, residual_variance, form=self.form, retransformation=self.retransformation
        )

    def guarded(self, raw: np.ndarray, sample: np.ndarray, *, asset: str) -> tuple[np.ndarray, int]:
        """Return forecasts after the insanity filter, and how many it replaced.

        Raises
        ------
        DataError
            For a forecast at or below zero under the rule "none".
        """
        return guard(raw, sample, rule=self.insanity_filter, label=f"{asset}, {self.words}")
