"""What the dashboard computes: choices enter, frozen results of the stages leave. Knows nothing of pages or widgets.

Every number is that of a direct call of the library with the policy that `Workbench.policy` returns; what was computed
once is kept for the life of the workbench.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.conventions import SIDES
from volkit.correlation import CorrelationEstimate, rolling_correlation
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.margin import CalibratedParameters, MarginMethod, MarginPolicy, calibrate_margin
from volkit.margin.bridge import StressReplay, stress_replay
from volkit.margin.frontier import PolicyFrontier, policy_frontier
from volkit.margin.frontier.grid import require_scenarios
from volkit.prices import PricePanel, align
from volkit.results import Provenance
from volkit.returns import changes, mask_not_positive
from volkit.sources import Bars, PriceSource, SeriesSpec, load_events
from volkit.study.notes import Notes
from volkit.study.stages import own_returns
from volkit.validation.battery import CoverageBattery, coverage_battery
from volkit.volatility import Garch

__all__ = ["CONFIDENCES", "HORIZONS", "METHODS", "MODELS", "Choices", "Found", "Series", "Workbench"]

T = TypeVar("T")

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

_PRICES = ("crypto", "index", "fund", "future")
# Ten thousand paths at each of five thousand days take ten seconds, and move a rate by a few per cent of itself.
_PATHS = 2_000
_FRONTIER_CONFIDENCES = (0.975, 0.99, 0.995)
_WINDOW = 90
_LEAST = 250
# Periods that a calibration wants to test its margins on.
_TESTED = 50
# Closes of two daily series that are never twice paired; the bundled Bitcoin closes at 07:00 UTC.
_WIDE = pd.Timedelta(hours=11.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the reader of the dashboard has chosen.

    Attributes
    ----------
    asset, factor : str
        Catalogue names: of what is margined, and of the series beside it in the correlation.
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
    factor: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """A result and what has to be said of it.

    Attributes
    ----------
    result : object
        Of a stage of the library.
    notes : tuple of str
        Warnings and gaps, each once.
    """

    result: T
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Series:
    """The returns that margins are made from.

    Attributes
    ----------
    returns : Series, shape (n_obs,)
        Simple, decimal, UTC.
    periods_per_year : float
        Of their clock.
    provenance : Provenance
        Source and hash.
    """

    returns: pd.Series
    periods_per_year: float
    provenance: Provenance


class Workbench:
    """A source, and everything that was computed of it.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.

    Raises
    ------
    SourceError
        When it holds no daily prices of anything that can be margined.

    Examples
    --------
    >>> from volkit.sources import open_source
    >>> bench = Workbench(open_source("bundled"))
    >>> [spec.name for spec in bench.assets]
    ['BTC', 'SPX', 'NASDAQ', 'WTI_SPOT']
    >>> bench.policy(Choices(asset="BTC", factor="SPX", method="historical")).lookback
    180
    """

    def __init__(self, source: PriceSource) -> None:
        self.source = source
        held = {holding.name for holding in source.holdings() if holding.interval == "1d"}
        self.series: tuple[SeriesSpec, ...] = tuple(spec for spec in source.catalogue if spec.name in held)
        self.assets: tuple[SeriesSpec, ...] = tuple(
            spec for spec in self.series if spec.kind in _PRICES and spec.transform == "log" and spec.name != "VIX"
        )
        if not self.assets:
            raise SourceError(f"source {source.name!r} holds no daily prices; the dashboard needs one price series.")
        self._kept: dict[tuple[object, ...], object] = {}

    @property
    def start(self) -> Choices:
        """The choices that the dashboard opens with: the first asset with two years of prices."""
        asset = next((s.name for s in self.assets if self._length(s.name) >= 2 * 365), self.assets[0].name)
        factors = [spec.name for spec in self.factors(asset)]
        preferred = [name for name in ("SPX", "NDX", "NASDAQ", "VIX", "BTC") if name in factors]
        return Choices(asset=asset, factor=(preferred or factors or [asset])[0])

    def factors(self, asset: str) -> tuple[SeriesSpec, ...]:
        """Return the series that a correlation with an asset may have, macro series first."""
        others = [spec for spec in self.series if spec.name != asset]
        return tuple(sorted(others, key=lambda spec: spec.kind == "crypto"))

    def bars(self, name: str) -> Bars:
        """Return the daily bars of a series (UTC), loaded once."""
        return self._keep(("bars", name), lambda: self.source.load_bars(name))

    def asset_series(self, asset: str) -> Found[Series]:
        """Return the simple returns of an asset on its own clock (decimal, UTC).

        Raises
        ------
        DataError
            When there are fewer than 250 of them.
        """

        def make() -> Found[Series]:
            notes = Notes()
            with notes.recording("data"):
                returns, panel = own_returns(self.bars(asset), notes, log=False)
            if len(returns) < _LEAST:
                remedy = "choose an asset with a longer history"
                raise DataError(f"returns of {asset}", f"must be at least {_LEAST}", str(len(returns)), remedy)
            series = Series(returns=returns, periods_per_year=panel.periods_per_year, provenance=panel.provenance)
            return Found(result=series, notes=_texts(notes))

        return self._keep(("returns", asset), make)

    def policy(self, choices: Choices) -> MarginPolicy:
        """Return the policy that the choices stand for.

        An expanding look-back of at least 365 returns, half of a history that is shorter than two years, and no fewer
        than one scenario beyond the confidence.
        """
        n_obs = len(self.asset_series(choices.asset).result.returns)
        usual = 365 if n_obs >= 2 * 365 else 10 * (n_obs // 20)
        lookback = max(usual, math.ceil(1.0 / (1.0 - choices.confidence) - 1e-6))
        return MarginPolicy(
            method=choices.method,
            model=MODELS[choices.model],
            confidence=choices.confidence,
            margin_period_of_risk=choices.horizon,
            lookback=lookback,
            stress_window=min(250, lookback),
            n_paths=_PATHS,
        )

    def margins(self, choices: Choices) -> Found[CalibratedParameters]:
        """Return the margins to set, with their history and its tests.

        Raises
        ------
        DataError, ArgumentError, ConvergenceError
            As `calibrate_margin`.
        """

        def make() -> Found[CalibratedParameters]:
            series, policy, notes = self.asset_series(choices.asset), self.policy(choices), Notes()
            _require_history(choices.asset, series.result.returns, policy)
            with notes.recording("margin"):
                found = calibrate_margin(
                    series.result.returns, policy=policy, periods_per_year=series.result.periods_per_year,
                    methods=[policy.method], method=policy.method, provenance=series.result.provenance,
                )  # fmt: skip
            return Found(result=found, notes=(*series.notes, *_texts(notes)))

        return self._keep(("margins", *self._margin_key(choices)), make)

    def coverage(self, choices: Choices) -> Found[CoverageBattery]:
        """Return the tests of the maintenance margin's exceptions, both sides, corrected for their number."""

        def make() -> Found[CoverageBattery]:
            schedule, notes = self.margins(choices).result.schedule, Notes()
            done = schedule.frame[schedule.frame["loss_long"].notna()]
            losses, margins = (
                pd.DataFrame({(schedule.asset, side): done[f"{what}_{side}"] for side in SIDES})
                for what in ("loss", "maintenance_margin")
            )
            with notes.recording("coverage"):
                tests = coverage_battery(
                    losses, margins, confidence=choices.confidence, horizon=choices.horizon, n_draws=0
                )
            return Found(result=tests, notes=_texts(notes))

        return self._keep(("coverage", *self._margin_key(choices)), make)

    def stress(self, choices: Choices) -> Found[StressReplay]:
        """Return the dated stress windows replayed against the margins.

        Raises
        ------
        DataError
            When no window lies inside the history.
        """

        def make() -> Found[StressReplay]:
            notes, series = Notes(), self.asset_series(choices.asset).result
            with notes.recording("stress"):
                replayed = stress_replay(self.margins(choices).result.schedule, load_events(), returns=series.returns)
            return Found(result=replayed, notes=_texts(notes))

        return self._keep(("stress", *self._margin_key(choices)), make)

    def correlation(self, choices: Choices) -> Found[CorrelationEstimate]:
        """Return the correlation of the asset and the factor in windows of 90 periods, with intervals and band.

        Raises
        ------
        ArgumentError
            When asset and factor are the same.
        DataError
            When the two hardly meet.
        """
        if choices.asset == choices.factor:
            raise ArgumentError(
                "factor", "must differ from the asset", choices.factor, "choose a source with two series or more"
            )

        def make() -> Found[CorrelationEstimate]:
            notes = Notes()
            with notes.recording("correlation"):
                panel, _ = mask_not_positive(self._paired(choices))
                moves = changes(panel)[[choices.asset, choices.factor]]
                estimate = rolling_correlation(
                    moves[choices.asset], moves[choices.factor], window=_WINDOW,
                    periods_per_year=panel.periods_per_year, provenance=panel.provenance,
                    synchrony=panel.synchrony(choices.asset, choices.factor),
                )  # fmt: skip
            return Found(result=estimate, notes=_texts(notes))

        return self._keep(("correlation", choices.asset, choices.factor), make)

    def frontier(self, choices: Choices) -> Found[PolicyFrontier]:
        """Return the five methods at three confidences and the chosen one, tested against the chosen confidence.

        Raises
        ------
        DataError, ConvergenceError
            As `policy_frontier`.
        """

        def make() -> Found[PolicyFrontier]:
            series, notes = self.asset_series(choices.asset).result, Notes()
            with notes.recording("frontier"):
                found = policy_frontier(
                    {choices.asset: series.returns}, self._policies(choices), periods_per_year=series.periods_per_year,
                    confidence=choices.confidence, rng=np.random.default_rng(0), n_draws=200,
                    provenance=series.provenance,
                )  # fmt: skip
            return Found(result=found, notes=_texts(notes))

        return self._keep(("frontier", choices.asset, choices.model, choices.confidence, choices.horizon), make)

    def name_in_frontier(self, choices: Choices) -> str:
        """Return the name of the chosen policy in the frontier."""
        return _policy_name(choices.method, choices.confidence)

    def _policies(self, choices: Choices) -> dict[str, MarginPolicy]:
        chosen = self.policy(choices)
        policies = {}
        for confidence in sorted({*_FRONTIER_CONFIDENCES, choices.confidence}):
            for method in METHODS:
                policy = replace(chosen, method=method, confidence=confidence)
                try:
                    require_scenarios(policy)
                except ArgumentError:
                    # A short history has no scenario that far out; the chosen confidence always has.
                    continue
                policies[_policy_name(method, confidence)] = policy
        return policies

    def _paired(self, choices: Choices) -> PricePanel:
        bars = [self.bars(choices.asset), self.bars(choices.factor)]
        panel = align(bars)
        # Where the usual distance pairs hardly any closes, a wider one does, and the notes say how little they share.
        paired = panel.close.notna().all(axis=1).sum()
        return panel if paired > _LEAST else align(bars, tolerance=_WIDE)

    def _margin_key(self, choices: Choices) -> tuple[object, ...]:
        model = choices.model if choices.is_filtered else ""
        return choices.asset, choices.method, model, choices.confidence, choices.horizon

    def _length(self, asset: str) -> int:
        return len(self.bars(asset).frame)

    def _keep(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])


def _require_history(asset: str, returns: pd.Series, policy: MarginPolicy) -> None:
    needed = policy.lookback + policy.margin_period_of_risk + _TESTED
    if len(returns) < needed:
        promise = f"have at least {needed} of them for a confidence of {100.0 * policy.confidence:g} %"
        remedy = "choose a lower confidence or an asset with a longer history"
        raise DataError(f"returns of {asset}", f"must {promise}", str(len(returns)), remedy)


def _policy_name(method: str, confidence: float) -> str:
    return f"{method.replace('_', ' ')}, {confidence:g}"


def _texts(notes: Notes) -> tuple[str, ...]:
    return tuple(text for _, text in notes.entries)
