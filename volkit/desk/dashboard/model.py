"""What the dashboard computes: choices enter, frozen results of the stages leave. Knows nothing of pages or widgets.

Every number is that of a direct call of the library with the policy that `Workbench.policy` returns; what was computed
once is kept for the life of the workbench.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np
import pandas as pd

from volkit.conventions import SIDES
from volkit.correlation import CorrelationEstimate, rolling_correlation
from volkit.desk.dashboard.choices import HALF_LIFE, METHODS, TESTED, Choices, policy_of, returns_needed
from volkit.desk.dashboard.comparison import worse_side
from volkit.desk.dashboard.found import LESS, Found, Series, in_words, require_history, texts
from volkit.desk.dashboard.shelf import Shelf
from volkit.desk.dashboard.words import NotShownError
from volkit.errors import ArgumentError, AsynchronousWarning
from volkit.margin import CalibratedParameters, MarginPolicy, calibrate_margin
from volkit.margin.bridge import StressReplay, stress_replay
from volkit.margin.frontier import PolicyFrontier, policy_frontier
from volkit.margin.frontier.grid import require_scenarios
from volkit.prices import PricePanel, align
from volkit.returns import changes, mask_not_positive
from volkit.sources import PriceSource, SeriesSpec, load_events
from volkit.study.notes import Notes
from volkit.study.stages import own_returns
from volkit.validation.battery import CoverageBattery, coverage_battery

__all__ = ["Workbench"]

T = TypeVar("T")

_FRONTIER_CONFIDENCES = (0.975, 0.99, 0.995)
_WINDOW = 90
_LEAST = 250
# Closes of two daily series that are never twice paired; the bundled Bitcoin closes at 07:00 UTC.
_WIDE = pd.Timedelta(hours=11.5)


class Workbench:
    """A source, and everything that was computed of it.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.
    clock : callable, optional
        Returns the present instant (UTC), beside which validity is read; by default that of this machine.

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

    def __init__(self, source: PriceSource, *, clock: Callable[[], pd.Timestamp] | None = None) -> None:
        self._shelf = Shelf(source)
        self._clock = clock or (lambda: pd.Timestamp.now("UTC"))
        self._kept: dict[tuple[object, ...], object] = {}

    @property
    def assets(self) -> tuple[SeriesSpec, ...]:
        """What can be margined."""
        return self._shelf.assets

    @property
    def notes(self) -> tuple[str, ...]:
        """Series that could not be read and are left out, a sentence each."""
        return self._shelf.notes

    @property
    def now(self) -> pd.Timestamp:
        """The present instant (UTC)."""
        return self._clock()

    @property
    def start(self) -> Choices:
        """The choices that the dashboard opens with: the first asset with two years of prices.

        Raises
        ------
        SourceError
            When no asset can be read.
        """
        asset = self._shelf.first()
        factors = [spec.name for spec in self.factors(asset)]
        preferred = [name for name in ("SPX", "NDX", "NASDAQ", "VIX", "BTC") if name in factors]
        return Choices(asset=asset, factor=next(iter(preferred or factors), None))

    def factors(self, asset: str) -> tuple[SeriesSpec, ...]:
        """Return the series that a correlation with an asset may have, macro series first, crypto last."""
        return self._shelf.factors(asset)

    def asset_series(self, asset: str) -> Found[Series]:
        """Return the simple returns of an asset on its own clock (decimal, UTC).

        Raises
        ------
        NotShownError
            When there are fewer than 250 of them.
        """

        def make() -> Found[Series]:
            notes, bars = Notes(), self._shelf.bars(asset)
            choice = "Choose another asset, or bring a longer history."
            with in_words(f"The returns of {asset} cannot be taken", choice), notes.recording("data"):
                returns, panel = own_returns(bars, notes, log=False)
            if len(returns) < _LEAST:
                raise NotShownError(f"{asset} has {len(returns)} returns, and margins need {_LEAST} at least. {choice}")
            close = bars.frame["close"]
            series = Series(
                returns=returns,
                periods_per_year=panel.periods_per_year,
                provenance=panel.provenance,
                masked=pd.DatetimeIndex(close.index[(close <= 0.0).to_numpy()]),
            )
            # The answer itself speaks of prices of zero or less.
            return Found(result=series, notes=tuple(text for text in texts(notes) if "zero or less" not in text))

        return self._keep(("returns", asset), make)

    def policy(self, choices: Choices) -> MarginPolicy:
        """Return the policy that the choices stand for (see `policy_of`)."""
        return policy_of(choices, n_obs=len(self.asset_series(choices.asset).result.returns))

    def margins(self, choices: Choices) -> Found[CalibratedParameters]:
        """Return the margins to set, with their history and its tests.

        Raises
        ------
        NotShownError
            When the history is too short for the choices.
        ConvergenceError
            As `calibrate_margin`.
        """

        def make() -> Found[CalibratedParameters]:
            series, policy, notes = self.asset_series(choices.asset), self.policy(choices), Notes()
            require_history(choices, series.result.returns, returns_needed(policy))
            with in_words(f"The margins of {choices.asset} cannot be computed", LESS), notes.recording("margin"):
                found = calibrate_margin(
                    series.result.returns, policy=policy, periods_per_year=series.result.periods_per_year,
                    methods=[policy.method], method=policy.method, provenance=series.result.provenance,
                )  # fmt: skip
            if policy.half_life > HALF_LIFE:
                notes.add(
                    "margin",
                    f"Weights halve every {policy.half_life:g} periods, not every {HALF_LIFE:g}: with faster ones no "
                    f"scenario would lie beyond {100.0 * choices.confidence:g} %.",
                )
            return Found(result=found, notes=(*series.notes, *texts(notes)))

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
            with in_words("The exceptions cannot be tested", LESS), notes.recording("coverage"):
                tests = coverage_battery(
                    losses, margins, confidence=choices.confidence, horizon=choices.horizon, n_draws=0
                )
            return Found(result=tests, notes=texts(notes))

        return self._keep(("coverage", *self._margin_key(choices)), make)

    def stress(self, choices: Choices) -> Found[StressReplay]:
        """Return the dated stress windows replayed against the margins.

        Raises
        ------
        NotShownError
            When no window lies inside the history.
        """

        def make() -> Found[StressReplay]:
            notes, series = Notes(), self.asset_series(choices.asset).result
            schedule = self.margins(choices).result.schedule
            try:
                with notes.recording("stress"):
                    replayed = stress_replay(schedule, load_events(), returns=series.returns)
            except ArgumentError as error:
                span = f"{schedule.frame.index[0].date()} to {schedule.as_of.date()}"
                raise NotShownError(
                    f"None of the named crises lies wholly inside the time with margins, {span}. {LESS}"
                ) from error
            return Found(result=replayed, notes=texts(notes))

        return self._keep(("stress", *self._margin_key(choices)), make)

    def correlation(self, choices: Choices) -> Found[CorrelationEstimate]:
        """Return the correlation of the asset and the factor in windows of 90 periods, with intervals and band.

        Raises
        ------
        ArgumentError
            When there is no factor, or it is the asset.
        NotShownError
            When the two hardly meet.
        """
        asset, factor = choices.asset, choices.factor
        if factor is None or factor == asset:
            remedy = "choose a source with two series or more"
            raise ArgumentError("factor", "must be a series other than the asset", str(factor), remedy)

        def make() -> Found[CorrelationEstimate]:
            problem = f"{asset} and {factor} cannot be compared day by day"
            notes = Notes()
            # What these warnings advise is for programmers; a sentence below says what a reader can use.
            recording = notes.recording("correlation", but=AsynchronousWarning)
            with in_words(problem, "Choose another series to compare with."), recording:
                panel, _ = mask_not_positive(self._paired(asset, factor))
                moves, shared = changes(panel)[[asset, factor]], panel.synchrony(asset, factor)
                estimate = rolling_correlation(
                    moves[asset], moves[factor], window=_WINDOW, periods_per_year=panel.periods_per_year,
                    provenance=panel.provenance, synchrony=shared,
                )  # fmt: skip
            if not shared.is_synchronous:
                notes.add(
                    "correlation",
                    f"{asset} and {factor} close at different hours and share {100 * shared.overlap_share:.0f} % of a "
                    f"day. That makes a correlation smaller, here by a factor of about {shared.attenuation:.2f}: read "
                    "it as a lower bound.",
                )
            return Found(result=estimate, notes=texts(notes))

        return self._keep(("correlation", asset, factor), make)

    def frontier(self, choices: Choices) -> Found[PolicyFrontier]:
        """Return the five methods at three confidences and the chosen one, tested against the chosen confidence.

        Exceedance is that of the worse side, and so is what no other policy beats.

        Raises
        ------
        NotShownError
            When the history is too short.
        ConvergenceError
            As `policy_frontier`.
        """

        def make() -> Found[PolicyFrontier]:
            series, notes, policies = self.asset_series(choices.asset).result, Notes(), self._policies(choices)
            longest = max(policy.lookback for policy in policies.values())
            require_history(choices, series.returns, longest + choices.horizon * TESTED)
            with in_words("The policies cannot be compared", LESS), notes.recording("frontier"):
                found = policy_frontier(
                    {choices.asset: series.returns}, policies, periods_per_year=series.periods_per_year,
                    confidence=choices.confidence, rng=np.random.default_rng(0), n_draws=200,
                    provenance=series.provenance,
                )  # fmt: skip
            return Found(result=worse_side(found), notes=texts(notes))

        # All methods share a frontier, unless one asks for a longer look-back.
        own = self.policy(choices)
        key = (choices.asset, choices.model, choices.confidence, choices.horizon, own.lookback, own.half_life)
        return self._keep(("frontier", *key), make)

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
                    # A short look-back has no scenario that far out; the chosen policy always has.
                    continue
                policies[_policy_name(method, confidence)] = policy
        return policies

    def _paired(self, asset: str, factor: str) -> PricePanel:
        bars = [self._shelf.bars(asset), self._shelf.bars(factor)]
        panel = align(bars)
        # Where the usual distance pairs hardly any closes, a wider one does, and the notes say how little they share.
        paired = panel.close.notna().all(axis=1).sum()
        return panel if paired > _LEAST else align(bars, tolerance=_WIDE)

    def _margin_key(self, choices: Choices) -> tuple[object, ...]:
        model = choices.model if choices.is_filtered else ""
        return choices.asset, choices.method, model, choices.confidence, choices.horizon

    def _keep(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])


def _policy_name(method: str, confidence: float) -> str:
    return f"{method.replace('_', ' ')}, {confidence:g}"
