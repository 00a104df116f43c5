"""Which volatility forecast was best: forecasts of one asset scored against what was realised.

Forecasts (labelled by the last return used) and a proxy of realised variance (labelled by its own period) enter; a
`ForecastComparison` leaves. Which outcome belongs to which forecast: `volkit.volatility.outcomes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_named_kinds
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.comparison import diebold_mariano_test
from volkit.validation.confidence_set import EliminationRule, model_confidence_set
from volkit.validation.mincer_zarnowitz import weighted_mincer_zarnowitz_test
from volkit.validation.scoring import hac_lags, qlike_loss, squared_error_loss
from volkit.volatility.outcomes import Outcomes, align_outcomes
from volkit.volatility.rolling_results import RollingForecast

__all__ = ["LOSSES", "Forecast", "ForecastComparison", "compare_forecasts"]

Forecast: TypeAlias = RollingForecast | pd.Series

LOSSES = ("qlike", "squared error")

# Below this many common rows neither a long-run variance nor a bootstrap of blocks says anything.
_MINIMUM = 30


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ForecastComparison(ResultDisplay):
    """Forecasts of one asset's variance, scored on the same periods.

    Attributes
    ----------
    asset : str
        Whose variance.
    benchmark : str
        Model that the others are compared with.
    scores : DataFrame, one row a loss and model
        `mean_loss` (unit of the loss), `ratio` to the benchmark's (no unit), `difference` to the benchmark's mean
        (negative is better) with its interval `lower`, `upper` and `standard_error` (unit of the loss),
        `dm_statistic`, `dm_p_value` (two-sided), `dm_reason` (why these are NaN), `mcs_p_value`,
        `in_confidence_set`. The benchmark's own comparison is NaN.
    calibration : DataFrame, one row a model
        Weighted Mincer-Zarnowitz line: `intercept` (decimal squared), `slope`, `intercept_error`, `slope_error`,
        `mz_p_value` of intercept 0 and slope 1, `r_squared` (squared correlation of forecast and proxy), `mz_reason`.
    losses : DataFrame, shape (n_obs, n_losses * n_models)
        Loss of each period by (loss, model). Index `time` (UTC): label of the last period of the outcome, from which
        on the loss was known.
    alignment : DataFrame, one row a model and one for the proxy
        Counts: values `given`, `outside` the span that all share, and rows of it that are `missing`.
    n_dropped, n_zero : int
        Rows of the span that were dropped, and proxies of zero among the others (floored inside QLIKE's logarithm).
    horizon : int
        Periods that a forecast covers.
    lags, block_length, n_bootstrap : int
        Of the Bartlett kernel and of the bootstrap (periods, periods, replications).
    confidence : float
        Of the confidence set and of the intervals.
    method : {"max", "R"}
        Statistic of the confidence set.
    provenance : Provenance
        Sources and hashes behind the rolling forecasts, or as given.
    """

    asset: str
    benchmark: str
    scores: pd.DataFrame
    calibration: pd.DataFrame
    losses: pd.DataFrame
    alignment: pd.DataFrame
    n_dropped: int
    n_zero: int
    horizon: int
    lags: int
    block_length: int
    n_bootstrap: int
    confidence: float
    method: EliminationRule
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last period that was scored."""
        return self.losses.index[-1]

    @property
    def n_obs(self) -> int:
        """Periods on which every model was scored."""
        return len(self.losses)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order given."""
        return tuple(self.calibration.index)

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses, in the order given."""
        return tuple(dict.fromkeys(self.scores.index.get_level_values("loss")))

    def table(self, loss: str) -> pd.DataFrame:
        """Return the scores under one loss by model (units as in `scores`).

        Raises
        ------
        ArgumentError
            For a loss that was not asked for.
        """
        return self.scores.xs(check_choice(loss, argument="loss", choices=self.loss_names), level="loss")

    def cumulative_difference(self, loss: str) -> pd.DataFrame:
        """Return how much more than each model the benchmark lost up to each time: rising is better (unit of the loss).

        Raises
        ------
        ArgumentError
            For a loss that was not asked for.
        """
        losses = self.losses[check_choice(loss, argument="loss", choices=self.loss_names)]
        return losses.drop(columns=self.benchmark).rsub(losses[self.benchmark], axis=0).cumsum()

    @property
    def headline(self) -> str:
        """Asset, count and the best model under the first loss in one line."""
        first = self.table(self.loss_names[0])
        best = first["mean_loss"].idxmin()
        versus = "" if best == self.benchmark else f" ({first.loc[best, 'ratio']:.3g} of {self.benchmark})"
        members = int(first["in_confidence_set"].sum())
        return (
            f"{self.asset}, {len(self.models)} models on {self.n_obs} periods to {self.as_of.date()}, lowest "
            f"{self.loss_names[0]} {best}{versus}, {members} in the set at {self.confidence:g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a loss and model in words (units and targets in the labels)."""
        words = {
            "mean_loss": "mean loss (unit of the loss)",
            "ratio": f"ratio to {self.benchmark} (no unit)",
            "dm_p_value": "Diebold-Mariano p (probability)",
            "mcs_p_value": "confidence set p (probability)",
            "in_confidence_set": f"in the set at {self.confidence:g}",
            "slope": "Mincer-Zarnowitz slope (target 1)",
            "intercept": "intercept (decimal squared, target 0)",
            "mz_p_value": "Mincer-Zarnowitz p (probability)",
            "r_squared": "R squared (fraction)",
        }
        return self.scores.join(self.calibration, on="model")[list(words)].rename(columns=words)

    def to_frame(self) -> pd.DataFrame:
        """Return scores and calibration, one row a loss and model (units as in the attributes)."""
        table = self.scores.join(self.calibration, on="model").reset_index()
        return table.assign(asset=self.asset, benchmark=self.benchmark, horizon=self.horizon, n_obs=self.n_obs)


def compare_forecasts(
    forecasts: Mapping[str, Forecast],
    proxy: pd.Series,
    *,
    rng: np.random.Generator,
    loss: str | Sequence[str] = ("qlike", "squared error"),
    benchmark: str | None = None,
    horizon: int = 1,
    confidence: float = 0.90,
    method: EliminationRule = "max",
    lags: int | None = None,
    block_length: int | None = None,
    n_bootstrap: int = 1000,
    max_loss: float = 0.10,
    provenance: Provenance | None = None,
) -> ForecastComparison:
    """Return forecasts of one asset's variance scored on the same periods, with tests of their differences.

    Parameters
    ----------
    forecasts : mapping of str to RollingForecast or Series
        At least two models. A Series holds the variance over the next `horizon` periods (decimal squared) by the last
        return used (UTC), NaN where there is none; a `RollingForecast` is of one period.
    proxy : Series, shape (n_periods,)
        Realised variance of each period (decimal squared), labelled by the period: squared returns, a range-based or a
        realised variance. Its index is the clock: a forecast with label t is scored with the `horizon` rows after t.
    rng : Generator
        Of the bootstrap of the confidence set.
    loss : {"qlike", "squared error"} or sequence of these
        How a forecast is scored.
    benchmark : str, optional
        Model that the others are compared with; default the first.
    horizon : int
        Periods that a forecast covers.
    confidence : float
        Of the confidence set and of the intervals of differences.
    method, block_length, n_bootstrap
        As in `model_confidence_set`; blocks have at least the length of the horizon by default.
    lags : int, optional
        Of the Bartlett kernels, in periods; default `hac_lags`.
    max_loss : float
        Largest share of rows of the common span that may lack a forecast or an outcome, decimal.
    provenance : Provenance, optional
        Default that of the rolling forecasts.

    Returns
    -------
    ForecastComparison
        Scores, tests and losses.

    Raises
    ------
    ArgumentError
        For fewer than two models, an unknown loss or benchmark, a rolling forecast with horizon above 1 or of another
        asset, and what the tests refuse.
    DataError
        For fewer than 30 common rows, and what `align_outcomes` refuses: bad values, no overlap, another unit.
    DataLossError
        When more than `max_loss` of the rows would be dropped.

    Notes
    -----
    Losses: `volkit.validation.scoring`; a proxy of zero stands in QLIKE's logarithm as the smallest positive one, for
    every model alike. Each model but the benchmark has its own Diebold-Mariano test: with many models read the
    confidence set, which allows for their number. Models that were chosen on these periods win here by construction.

    Examples
    --------
    >>> from volkit.volatility.ewma import Ewma
    >>> from volkit.volatility.rolling import rolling_forecast
    >>> rng = np.random.default_rng(5)
    >>> times = pd.date_range("2022-01-01", periods=700, tz="UTC")
    >>> scale = np.where(np.arange(700) // 100 % 2, 0.01, 0.04)
    >>> returns = pd.Series(scale * rng.standard_normal(700), index=times, name="BTC")
    >>> ewma = rolling_forecast(Ewma(half_life=15), returns, window=150, periods_per_year=365)
    >>> constant = returns.pow(2).rolling(150).mean().iloc[149:]
    >>> compare_forecasts({"constant": constant, "EWMA": ewma}, returns**2, rng=rng)
    <ForecastComparison: BTC, 2 models on 550 periods to 2023-12-01, lowest qlike EWMA (0.837 of constant), 1 in the \
set at 0.9>
    """
    names = [loss] if isinstance(loss, str) else list(dict.fromkeys(loss))
    for name in names or [""]:
        check_choice(name, argument="loss", choices=LOSSES)
    level = check_confidence(confidence)
    series, asset, sources = _gather(forecasts, proxy, check_count(horizon, argument="horizon"))
    base = check_choice(benchmark or next(iter(series)), argument="benchmark", choices=series)
    outcomes = align_outcomes(series, proxy, horizon=horizon, max_loss=max_loss)
    if (n := len(outcomes.proxy)) < _MINIMUM:
        raise DataError("forecasts and proxy", f"must share at least {_MINIMUM} rows", str(n), "pass a longer history")
    kernel = hac_lags(n, horizon=horizon) if lags is None else lags
    block = max(int(np.sqrt(n)), horizon) if block_length is None else block_length
    losses = {name: _losses(outcomes, name) for name in names}
    tests = {name: _differences(table, base, horizon, kernel, level) for name, table in losses.items()}
    for name, table in losses.items():
        found = model_confidence_set(
            table, rng=rng, confidence=level, method=method, block_length=block, n_bootstrap=n_bootstrap
        )
        inside = table.columns.isin(found.included)
        tests[name] = tests[name].assign(mcs_p_value=found.p_values, in_confidence_set=inside)
    return ForecastComparison(
        asset=asset,
        benchmark=base,
        scores=freeze(pd.concat(tests, names=["loss", "model"])),
        calibration=freeze(_calibration(outcomes, horizon, kernel)),
        losses=freeze(pd.concat(losses, axis=1, names=["loss", "model"])),
        alignment=outcomes.counts,
        n_dropped=outcomes.n_dropped,
        n_zero=int((outcomes.proxy == 0.0).sum()),
        horizon=horizon,
        lags=kernel,
        block_length=block,
        n_bootstrap=n_bootstrap,
        confidence=level,
        method=method,
        provenance=provenance or sources,
    )


def _gather(
    forecasts: Mapping[str, Forecast], proxy: pd.Series, horizon: int
) -> tuple[dict[str, pd.Series], str, Provenance]:
    remedy = "pass what rolling_forecast returns, or a Series of variances"
    check_named_kinds(forecasts, RollingForecast, pd.Series, argument="forecasts", remedy=remedy)
    if len(forecasts) < 2:
        remedy = "pass a benchmark beside the model, e.g. an Ewma()"
        raise ArgumentError("forecasts", "must hold at least two models", str(len(forecasts)), remedy)
    rolling = {name: f for name, f in forecasts.items() if isinstance(f, RollingForecast)}
    if rolling and horizon > 1:
        remedy = "pass Series of the variance summed over the horizon"
        got = f"horizon={horizon} for {', '.join(rolling)}"
        raise ArgumentError("forecasts", "must cover the horizon, and a RollingForecast covers one period", got, remedy)
    assets = sorted({f.asset for f in rolling.values()})
    if len(assets) > 1:
        remedy = "compare each asset by itself"
        raise ArgumentError("forecasts", "must be of one asset", ", ".join(assets), remedy)
    series = {name: f.path["variance"] if isinstance(f, RollingForecast) else f for name, f in forecasts.items()}
    sources = dict.fromkeys(s for f in rolling.values() for s in f.provenance.series)
    return series, assets[0] if assets else str(proxy.name or "asset"), Provenance(tuple(sources))


def _losses(outcomes: Outcomes, name: str) -> pd.DataFrame:
    p = outcomes.proxy
    floor = float(p[p > 0.0].min())
    return pd.DataFrame(
        {
            model: qlike_loss(h, p, zero_floor=floor) if name == "qlike" else squared_error_loss(h, p)
            for model, h in outcomes.forecasts.items()
        },
        index=p.index,
    )


def _differences(losses: pd.DataFrame, benchmark: str, horizon: int, lags: int, confidence: float) -> pd.DataFrame:
    base, rows = losses[benchmark], {}
    scale = base.mean() if base.mean() > 0.0 else np.nan
    for model, column in losses.items():
        row = {"mean_loss": column.mean(), "ratio": column.mean() / scale, "difference": 0.0}
        if model == benchmark:
            blank = dict.fromkeys(("lower", "upper", "standard_error", "dm_statistic", "dm_p_value"), np.nan)
            rows[model] = {**row, **blank, "dm_reason": "the benchmark"}
            continue
        test = diebold_mariano_test(column, base, horizon=horizon, lags=lags)
        lower, upper = test.interval(confidence=confidence)
        rows[model] = {
            **row,
            "difference": test.mean_difference,
            "lower": lower,
            "upper": upper,
            "standard_error": test.standard_error,
            "dm_statistic": test.statistic,
            "dm_p_value": test.p_value,
            "dm_reason": test.reason,
        }
    return pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="model"))


def _calibration(outcomes: Outcomes, horizon: int, lags: int) -> pd.DataFrame:
    rows = []
    for h in (outcomes.forecasts[model] for model in outcomes.forecasts):
        test = weighted_mincer_zarnowitz_test(h, outcomes.proxy, horizon=horizon, lags=lags)
        rows.append(
            {
                "intercept": test.intercept,
                "slope": test.slope,
                "intercept_error": test.intercept_error,
                "slope_error": test.slope_error,
                "mz_p_value": test.p_value,
                "r_squared": test.r_squared,
                "mz_reason": test.reason,
            }
        )
    return pd.DataFrame(rows, index=outcomes.forecasts.columns.rename("model"))
