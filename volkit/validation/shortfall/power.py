"""Size and power of every back-test of expected shortfall at a given length and confidence, by simulation.

The laws of these tests hold for long samples, and a tail has few periods: at 97.5 % six in a year. Before a p-value is
read the size says how often the test rejects right forecasts, the power how often it finds wrong ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import signal

from volkit.checks import check_confidence, check_count
from volkit.errors import ArgumentError, ConvergenceError
from volkit.parallel import progress
from volkit.results import ResultDisplay, freeze
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.shortfall.acerbi_szekely_laws import AcerbiSzekely, acerbi_szekely_draws
from volkit.validation.shortfall.du_escanciano import du_escanciano_conditional_test, du_escanciano_test
from volkit.validation.shortfall.es_regression import auxiliary_es_regression_test, strict_es_regression_test
from volkit.validation.shortfall.exceedance_residual import (
    exceedance_residual_bootstrap_test,
    exceedance_residual_test,
)
from volkit.validation.shortfall.laws import TailLaw
from volkit.validation.shortfall.nolde_ziegel import nolde_ziegel_general_test, nolde_ziegel_test
from volkit.validation.shortfall.simulation import INFLATION, N_DRAWS, check_simulation, draw_exceptions, tail_count

__all__ = ["SHORTFALL_TESTS", "ShortfallPower", "shortfall_power"]

Floats = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """A simulated sample, shape (n_obs,) each: what a test may ask for."""

    loss: Floats
    value_at_risk: Floats
    expected_shortfall: Floats
    volatility: Floats
    tail_probability: Floats
    confidence: float
    rng: np.random.Generator

    @property
    def tail(self) -> tuple[Floats, Floats, Floats]:
        """Losses and both forecasts."""
        return self.loss, self.value_at_risk, self.expected_shortfall


class Setting(NamedTuple):
    """What all samples have in common."""

    n: int
    confidence: float
    law: TailLaw
    rng: np.random.Generator


_LAGS = 4
_BOOTSTRAP = 1000

_BY_SUMS = ("Z1", "Z2", "Z3", "minimum bias", "relative minimum bias")
_BY_SAMPLES: dict[str, Callable[[Sample], float]] = {
    "Du-Escanciano unconditional": lambda x: du_escanciano_test(x.tail_probability, confidence=x.confidence).p_value,
    "Du-Escanciano conditional": lambda x: (
        du_escanciano_conditional_test(x.tail_probability, lags=_LAGS, confidence=x.confidence).p_value
    ),
    "Nolde-Ziegel simple": lambda x: nolde_ziegel_test(*x.tail, confidence=x.confidence).p_value,
    "Nolde-Ziegel general": lambda x: (
        nolde_ziegel_general_test(*x.tail, volatility=x.volatility, confidence=x.confidence).p_value
    ),
    "exceedance residuals, t": lambda x: (
        exceedance_residual_test(*x.tail, volatility=x.volatility, confidence=x.confidence).p_value
    ),
    "exceedance residuals, bootstrap": lambda x: (
        exceedance_residual_bootstrap_test(
            *x.tail, volatility=x.volatility, confidence=x.confidence, rng=x.rng, n_draws=_BOOTSTRAP
        ).p_value
    ),
    "strict ES regression": lambda x: (
        strict_es_regression_test(x.loss, x.expected_shortfall, confidence=x.confidence).p_value
    ),
    "auxiliary ES regression": lambda x: auxiliary_es_regression_test(*x.tail, confidence=x.confidence).p_value,
}
SHORTFALL_TESTS = (*_BY_SUMS, *_BY_SAMPLES)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ShortfallPower(ResultDisplay):
    """Simulated size and power of tests of expected shortfall.

    Attributes
    ----------
    frame : DataFrame, shape (n_tests, 5)
        Index `test`: size and power (probabilities), the share of samples without a p-value (which count as not
        rejected), largest standard error of the two probabilities, and samples behind them.
    n_obs : int
        Periods of a sample.
    confidence, significance : float
        Of the forecasts, and nominal false alarms.
    inflation : float
        Factor of the losses that the power speaks of.
    law : str
        Of the simulated losses.
    """

    frame: pd.DataFrame
    n_obs: int
    confidence: float
    significance: float
    inflation: float
    law: str

    @property
    def headline(self) -> str:
        """Periods, confidence, and the range of sizes."""
        low, high = self.frame["size"].min(), self.frame["size"].max()
        return f"{self.n_obs} periods at {self.confidence:g}, size {low:.3f} to {high:.3f} at {self.significance:g}"

    def summary(self) -> pd.DataFrame:
        """Return the frame with units in the labels."""
        power = f"power against losses {self.inflation:g} times as large (probability)"
        labels = {"size": "size (probability)", "power": power, "undefined": "undefined (share)"}
        return self.frame.rename(columns=labels)

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a test."""
        terms = {"n_obs": self.n_obs, "confidence": self.confidence, "inflation": self.inflation, "law": self.law}
        return freeze(self.frame.reset_index().assign(**terms))


def shortfall_power(
    n_obs: int,
    *,
    confidence: float,
    law: TailLaw,
    rng: np.random.Generator,
    tests: Sequence[str] = SHORTFALL_TESTS,
    inflation: float = INFLATION,
    significance: float = SIGNIFICANCE,
    n_simulations: int = 1000,
    n_draws: int = N_DRAWS,
) -> ShortfallPower:
    """Return simulated size and power of tests of expected shortfall.

    Parameters
    ----------
    n_obs : int
        Periods of a sample, at least 20.
    confidence : float
        Of the forecasts.
    law : TailLaw
        Of the standardised losses; the volatility follows a persistent path of its own, known to the forecasts.
    rng : Generator
        Of the simulation.
    tests : sequence of str
        Some of `SHORTFALL_TESTS`.
    inflation : float
        Losses are this many times what the forecasts suppose, for the power.
    significance : float
        Nominal false alarms.
    n_simulations : int
        Samples for tests with a law in closed form and for the bootstrap, at least 100.
    n_draws : int
        Samples for tests with a simulated law, at least 1,000.

    Returns
    -------
    ShortfallPower
        One row a test. A test with a simulated law has its nominal size by construction.

    Raises
    ------
    ArgumentError
        For unknown tests, or terms that cannot be used.

    Notes
    -----
    Log volatility is an autoregression with coefficient 0.98 and standard deviation 0.4. Size and power are
    independent samples; a regression without a certified optimum counts as undefined.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> found = shortfall_power(250, confidence=0.975, law=normal_law(), rng=rng, tests=["Z2", "minimum bias"])
    >>> found.frame["size"].tolist()
    [0.05, 0.05]
    """
    n = check_count(n_obs, argument="n_obs", minimum=20)
    c = check_confidence(confidence)
    check_simulation(n_draws, significance, inflation, rng)
    M = check_count(n_simulations, argument="n_simulations", minimum=100, unit="samples")
    if (unknown := [name for name in tests if name not in SHORTFALL_TESTS]) or not len(tests):
        rule = f"must be some of {', '.join(SHORTFALL_TESTS)}"
        raise ArgumentError("tests", rule, ", ".join(map(str, unknown)) or "nothing", "choose some of these")
    setting = Setting(n, c, law, rng)
    rows = {}
    for name in progress(tests, label="tests of expected shortfall"):
        if name in _BY_SUMS:
            null, other = (_by_sums(name, setting, n_draws, factor) for factor in (1.0, inflation))
            rows[name] = _row(_judged_by_draws(null, other, significance), n_draws)
        else:
            both = [_by_samples(_BY_SAMPLES[name], setting, M, factor) for factor in (1.0, inflation)]
            rows[name] = _row([(float((p < significance).mean()), float(np.isnan(p).mean())) for p in both], M)
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("test")
    return ShortfallPower(
        frame=freeze(frame),
        n_obs=n,
        confidence=c,
        significance=float(significance),
        inflation=float(inflation),
        law=law.name,
    )


def _row(both: list[tuple[float, float]], samples: int) -> dict[str, float]:
    (size, undefined), (power, _) = both
    error = max(np.sqrt(share * (1.0 - share) / samples) for share in (size, power))
    return {"size": size, "power": power, "undefined": undefined, "standard error": error, "samples": samples}


def _volatility(n: int, rng: np.random.Generator) -> Floats:
    """Return a path of volatility around one."""
    shocks = rng.standard_normal(n) * np.sqrt(1.0 - 0.98**2)
    log, _ = signal.lfilter([1.0], [1.0, -0.98], shocks, zi=[0.98 * rng.standard_normal()])
    return np.asarray(np.exp(0.4 * log))


def _by_sums(name: str, setting: Setting, n_draws: int, inflation: float) -> Floats:
    """Return draws of a statistic that rejects for small values."""
    n, c, law, rng = setting
    if name == "Z3" and not tail_count(n, c):
        return np.full(n_draws, np.nan)
    for statistic in get_args(AcerbiSzekely):
        if name == statistic:
            return acerbi_szekely_draws(
                n, statistic=statistic, confidence=c, law=law, rng=rng, n_draws=n_draws, inflation=inflation
            )
    # One path for both sides, else the critical value would belong to other weights.
    weights = _volatility(n, np.random.default_rng(n)) if name == "minimum bias" else np.ones(n)
    sums = draw_exceptions(law, weights, confidence=c, n_draws=n_draws, rng=rng, inflation=inflation)
    ratio = law.value_at_risk(c) / law.expected_shortfall(c)
    return np.asarray(weights.mean() * (1.0 - ratio) - (sums.loss - sums.value_at_risk) / (n * (1.0 - c)))


def _judged_by_draws(null: Floats, other: Floats, significance: float) -> list[tuple[float, float]]:
    known = null[~np.isnan(null)]
    critical = np.quantile(known, significance) if len(known) else np.nan
    return [(float((draws < critical).mean()), float(np.isnan(draws).mean())) for draws in (null, other)]


def _by_samples(judge: Callable[[Sample], float], setting: Setting, n_samples: int, inflation: float) -> Floats:
    """Return p-values of samples, NaN where the test is undefined."""
    n, c, law, rng = setting
    v, e = law.value_at_risk(c), law.expected_shortfall(c)
    found = np.empty(n_samples)
    for i in progress(range(n_samples), label="simulated samples"):
        s = _volatility(n, rng)
        z = inflation * law.upper_quantile(rng.random(n))
        try:
            found[i] = judge(Sample(s * z, s * v, s * e, s, law.exceedance(z), c, rng))
        except ConvergenceError:
            found[i] = np.nan
    return found
