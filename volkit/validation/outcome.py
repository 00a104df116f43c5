"""What a test of a margin says, with its long-sample law and, where known, its law in a sample of this length.

The tests of `coverage` and `independence` have their own, older result; those that came later share this one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.results import ResultDisplay
from volkit.validation.power import SIGNIFICANCE

__all__ = ["MarginTest", "known_runs"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginTest(ResultDisplay):
    """Outcome of one test of a margin on its exceptions or on the probabilities of its losses.

    Attributes
    ----------
    name : str
        Test in words.
    statistic : float
        Without unit; large is evidence against the margin. NaN when the test is degenerate.
    degrees_of_freedom : float
        Of the chi-squared law for long samples.
    p_value : float
        Probability under the law for long samples; NaN when the test is degenerate.
    n_obs : int
        Observations that were counted; for tests with lags the rows whose lags are known.
    n_exceptions : int
        Losses strictly above the margin among them.
    confidence : float
        Target of the margin.
    n_missing : int
        Observations that were left out because they are missing.
    exact_p_value : float
        Probability in samples of this length and these holes: exact, or simulated from `n_draws` samples. NaN where
        none was asked for.
    exact_critical_value : float
        The statistic beyond which a 5 % test with these degrees of freedom rejects, by the same law.
    size : float
        Probability that a right margin is rejected at 5 % by the law for long samples.
    power : float
        The same when exceptions come twice as often as promised.
    power_clustered : float
        The same when they come at the right rate, but cluster (see `volkit.validation.exact`).
    undefined_share : float
        Share of samples from a right margin that leave the test undefined.
    n_draws : int
        Simulated samples behind these; 0 when they are exact or absent.
    reason : str
        Why the statistic is NaN; empty otherwise.
    note : str
        What to know of a statistic that is not NaN; often empty.
    """

    name: str
    statistic: float
    degrees_of_freedom: float
    p_value: float
    n_obs: int
    n_exceptions: int
    confidence: float
    n_missing: int = 0
    exact_p_value: float = np.nan
    exact_critical_value: float = np.nan
    size: float = np.nan
    power: float = np.nan
    power_clustered: float = np.nan
    undefined_share: float = np.nan
    n_draws: int = 0
    reason: str = ""
    note: str = ""

    @property
    def critical_value(self) -> float:
        """Statistic beyond which the 5 % test rejects by the law for long samples; NaN when degenerate."""
        return np.nan if self.reason else float(stats.chi2.isf(SIGNIFICANCE, self.degrees_of_freedom))

    @property
    def exception_rate(self) -> float:
        """Exceptions per observation, a fraction; NaN without observations."""
        return self.n_exceptions / self.n_obs if self.n_obs else np.nan

    @property
    def expected_exceptions(self) -> float:
        """Exceptions that the target promises on `n_obs` observations."""
        return self.n_obs * (1.0 - self.confidence)

    @property
    def headline(self) -> str:
        """Test, p-value or reason, and exceptions beside their target."""
        verdict = f"undefined ({self.reason})" if self.reason else f"p = {self.p_value:.3g}"
        if not np.isnan(self.exact_p_value):
            kind = "simulated" if self.n_draws else "exact"
            verdict += f" ({kind} {self.exact_p_value:.3g})"
        rate = f"rate {self.exception_rate:.3g}, target {1.0 - self.confidence:.3g}"
        return f"{self.name}: {verdict}, {self.n_exceptions} exceptions in {self.n_obs} ({rate})"

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity that the test has, unit in the label: value, target (or NaN) and note."""
        kind = f"simulated, {self.n_draws} draws" if self.n_draws else "exact"
        law = {
            f"p-value ({kind})": (self.exact_p_value, np.nan, ""),
            f"critical value at 5 % ({kind})": (self.exact_critical_value, np.nan, ""),
            "size of the 5 % test (probability)": (self.size, SIGNIFICANCE, ""),
            "power against twice the rate (probability)": (self.power, np.nan, ""),
            "power against clusters (probability)": (self.power_clustered, np.nan, ""),
            "undefined (share of right margins)": (self.undefined_share, 0.0, ""),
        }
        rows = {
            "observations (count)": (self.n_obs, np.nan, ""),
            "missing (count)": (self.n_missing, 0, ""),
            "exceptions (count)": (self.n_exceptions, self.expected_exceptions, ""),
            "exception rate (fraction)": (self.exception_rate, 1.0 - self.confidence, ""),
            **self._details(),
            f"statistic (chi-squared, {self.degrees_of_freedom:.4g} df)": (
                self.statistic,
                np.nan,
                self.reason or self.note,
            ),
            "critical value at 5 % (long samples)": (self.critical_value, np.nan, ""),
            "p-value (long samples)": (self.p_value, np.nan, ""),
            **{label: row for label, row in law.items() if not np.isnan(row[0])},
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target", "note"])
        return table.astype({"value": float, "target": float}).rename_axis(self.name)

    def to_frame(self) -> pd.DataFrame:
        """Return one row, index the name of the test; columns are the attributes (probabilities, counts)."""
        names = ["statistic", "degrees_of_freedom", "p_value", "critical_value", "exact_p_value"]
        names += ["exact_critical_value", "size", "power", "power_clustered", "undefined_share", "n_draws"]
        names += ["n_obs", "n_exceptions", "n_missing", "confidence", "reason", "note"]
        row = {name: getattr(self, name) for name in names}
        return pd.DataFrame([row], index=pd.Index([self.name], name="test"))

    def _details(self) -> dict[str, tuple[float, float, str]]:
        """Rows of the summary that only this test has."""
        return {}


def known_runs(hits: npt.NDArray[np.float64]) -> list[npt.NDArray[np.bool_]]:
    """Return the flags of each run of neighbours without a hole, in order of time.

    Parameters
    ----------
    hits : ndarray, shape (n,)
        0, 1 and NaN, from `volkit.validation.coverage.check_hits`.

    Returns
    -------
    list of ndarray of bool
        Their lengths sum to the number of known observations.

    Examples
    --------
    >>> [run.tolist() for run in known_runs(np.array([0.0, 1.0, np.nan, 1.0]))]
    [[False, True], [True]]
    """
    known = np.concatenate([[False], ~np.isnan(hits), [False]])
    edges = np.flatnonzero(known[1:] != known[:-1]).reshape(-1, 2)
    return [hits[start:end] == 1.0 for start, end in edges]
