"""The outcome of one back-test of expected shortfall."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.results import ResultDisplay, freeze
from volkit.validation.comparison import Alternative
from volkit.validation.power import SIGNIFICANCE

__all__ = ["ShortfallTest"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ShortfallTest(ResultDisplay):
    """Outcome of one test of expected shortfall forecasts.

    Attributes
    ----------
    name : str
        Test in words, e.g. ``Acerbi-Szekely Z2``.
    statistic : float
        Its unit is that of the test, mostly none; NaN when the test is degenerate.
    p_value : float
        Probability under `law`; NaN when degenerate.
    expected : float
        Value of the statistic (or its mean) when the forecasts are right.
    acceptance : tuple of float
        Lowest and highest statistic that is not rejected; an end that is never rejected is infinite.
    significance : float
        Probability of a false alarm that `acceptance` was made for.
    alternative : {"two-sided", "less", "greater"}
        On which side of `expected` the statistic speaks against the forecasts.
    law : str
        Law behind the p-value, in words.
    degrees_of_freedom : int or None
        Of a chi-squared or Student law; None for others.
    n_obs, n_exceptions, n_missing : int
        Complete rows, losses strictly above the Value at Risk among them, rows left out.
    confidence : float
        Of the forecasts.
    standard_error : float
        Of the statistic when the forecasts are right; NaN where the law needs none.
    n_draws : int
        Simulated samples behind the p-value; 0 for a law in closed form.
    size : float
        Simulated probability of a rejection when the forecasts are right; NaN unless simulated (see
        `shortfall_power` for every test).
    power : float
        The same when losses are `inflation` times as large as the forecasts suppose; NaN unless simulated.
    inflation : float
        Factor of the losses that `power` speaks of; NaN without it.
    reason : str
        Why the statistic is NaN; empty otherwise.
    as_of : object
        Last label of the losses when they came as a Series; None otherwise.
    """

    name: str
    statistic: float
    p_value: float
    expected: float
    acceptance: tuple[float, float]
    alternative: Alternative
    law: str
    n_obs: int
    n_exceptions: int
    confidence: float
    significance: float = SIGNIFICANCE
    degrees_of_freedom: int | None = None
    n_missing: int = 0
    standard_error: float = np.nan
    n_draws: int = 0
    size: float = np.nan
    power: float = np.nan
    inflation: float = np.nan
    reason: str = ""
    as_of: object = None

    @property
    def critical_value(self) -> float:
        """End of the acceptance region beyond which the forecasts are rejected; the upper one of two."""
        return self.acceptance[0] if self.alternative == "less" else self.acceptance[1]

    @property
    def is_rejected(self) -> bool:
        """Whether the p-value lies below the significance; never for a degenerate test."""
        return bool(self.p_value < self.significance)

    @property
    def headline(self) -> str:
        """Test, p-value or reason, statistic and exceptions beside their target."""
        verdict = f"undefined ({self.reason})" if self.reason else f"p = {self.p_value:.3g}"
        target = f"{self.n_obs * (1.0 - self.confidence):.3g} expected"
        numbers = f"statistic {self.statistic:.3g}, {self.n_exceptions} exceptions in {self.n_obs} ({target})"
        return f"{self.name}: {verdict}, {numbers}"

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity that the test has, unit in the label: value, target (or NaN) and note."""
        rows: dict[str, tuple[float, float, str]] = {
            "observations (count)": (self.n_obs, np.nan, ""),
            "missing (count)": (self.n_missing, 0, ""),
            "exceptions (count)": (self.n_exceptions, self.n_obs * (1.0 - self.confidence), ""),
            "statistic": (self.statistic, self.expected, self.reason),
            "p-value (probability)": (self.p_value, np.nan, f"{self.law}, {self.alternative}"),
        }
        for word, end in zip(("lowest", "highest"), self.acceptance, strict=True):
            if np.isfinite(end):
                rows[f"{word} accepted at {100.0 * self.significance:g} %"] = (end, np.nan, "")
        if not np.isnan(self.size):
            rows["size (probability)"] = (self.size, self.significance, "simulated")
            rows[f"power against losses {self.inflation:g} times as large (probability)"] = (self.power, np.nan, "")
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target", "note"])
        return table.astype({"value": float, "target": float}).rename_axis(self.name)

    def to_frame(self) -> pd.DataFrame:
        """Return the outcome as one tidy row, so that tests can be stacked."""
        low, high = self.acceptance
        row = {
            "test": self.name, "statistic": self.statistic, "expected": self.expected, "p_value": self.p_value,
            "lowest_accepted": low, "highest_accepted": high, "significance": self.significance,
            "alternative": self.alternative, "law": self.law, "degrees_of_freedom": self.degrees_of_freedom,
            "confidence": self.confidence, "n_obs": self.n_obs, "n_exceptions": self.n_exceptions,
            "n_missing": self.n_missing, "size": self.size, "power": self.power, "inflation": self.inflation,
            "n_draws": self.n_draws, "reason": self.reason,
        }  # fmt: skip
        return freeze(pd.DataFrame([row]).astype({"degrees_of_freedom": "Int64"}))
