"""A static margin against a live one, with and without online calibration, and where the live one is worse."""

from dataclasses import dataclass, field

import pandas as pd

from volkit.checks import check_count, check_kind, check_positive
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.realtime.online import OnlineCalibrator, QuantileTracker, coverage_by_group, full_years
from volkit.realtime.replay.measures import block_regimes, measure_margin
from volkit.realtime.replay.policy import LivePolicy
from volkit.realtime.replay.run import Replay, replay
from volkit.realtime.replay.words import comparison_sentence
from volkit.realtime.state import LiveVolatility
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources import Bars

__all__ = ["MARGINS", "StaticDynamicComparison", "compare_static_dynamic"]

MARGINS = ("static", "dynamic", "online")
_LOOKBACK = pd.Timedelta(days=7)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StaticDynamicComparison(ResultDisplay):
    """Three margins on the same blocks.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (6, 17)
        Index (margin, side), margin of `static`, `dynamic` (the model's), `online` (times its multiplier). Columns:
        `blocks`, `exceedances`, `rate`, `allowed` (most that a right margin exceeds with probability at most 5 %),
        `p_above`, `p_below` (exact binomial); `gap_above`, `gap_below` (largest distance of a window's rate from the
        target); shortfall `episodes`, `longest_episode` (blocks), `deepest` and `shortfall` (largest and sum of loss
        less margin); `mean_margin` (capital), `exceedances_of_mean`
        (of a static margin with the same mean), `peak_to_trough` (ratio), `largest_rise` over one block and over a day.
        Fractions of the notional unless said.
    regimes, years : DataFrame
        Coverage by (margin, side, group), columns of `coverage_by_group`, with Holm over the groups of one margin and
        side. Regimes are thirds of the trailing volatility over seven days; years are full calendar years.
    episodes : DataFrame
        Every shortfall episode: margin, side, first, last, n_blocks, depth, shortfall.
    blocks : DataFrame
        By start (UTC): `regime`, and by side `loss_`, and the margins `static_`, `dynamic_`, `online_`.
    replay : Replay
        Of the live margin with the calibrator.
    static_words : str
        Where the static margin is from.
    window : int
        Blocks of the local gaps.
    as_of : Timestamp
        Label (UTC) of the last bar taken.
    provenance : Provenance
        Of the bars, when given.
    """

    asset: str
    table: pd.DataFrame
    regimes: pd.DataFrame
    years: pd.DataFrame
    episodes: pd.DataFrame
    blocks: pd.DataFrame
    replay: Replay
    static_words: str
    window: int
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def sentence(self) -> str:
        """What the live margin does worse than the static one, and what better, with numbers."""
        return comparison_sentence(self.table, self.regimes)

    @property
    def headline(self) -> str:
        """Exceedances and capital of the three in one line."""
        target = self.replay.policy.target
        words = "; ".join(
            f"{margin} {self.table.loc[margin, 'exceedances'].sum():.0f} exceedances at "
            f"{percent_to(self.table.loc[margin, 'mean_margin'].mean())} mean margin"
            for margin in MARGINS
        )
        return f"{self.asset}, {self.replay.n_blocks:,} blocks, two sides, target {percent_to(target, 2)}: {words}"

    def summary(self) -> pd.DataFrame:
        """Return the table (fractions of the notional unless said)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def compare_static_dynamic(
    bars: Bars | pd.DataFrame,
    state: LiveVolatility,
    policy: LivePolicy,
    *,
    static_long: float,
    static_short: float,
    calibrator: OnlineCalibrator | None = None,
    static_words: str = "given",
    window: int = 500,
    provenance: Provenance | None = None,
) -> StaticDynamicComparison:
    """Return a static margin, a live one and a live one with online calibration, side by side on one path.

    Parameters
    ----------
    bars, state, policy
        As `replay`.
    static_long, static_short : float
        Static margin rates (decimal): from a training window (`start_live`), or a published percentage.
    calibrator : OnlineCalibrator, optional
        By default a `QuantileTracker` at the policy's target.
    static_words : str
        Where the static rates are from.
    window : int
        Blocks over which local gaps are taken.
    provenance : Provenance, optional
        Default that of the bars.

    Returns
    -------
    StaticDynamicComparison
        With `sentence`, which says where the live margin is worse.

    Raises
    ------
    ArgumentError
        For a static rate that is not above zero, and as `replay`.
    DataError
        As `replay`, and with fewer than two blocks.

    Notes
    -----
    All margins are those at the start of each whole block and meet the same losses. Capital is the mean of the rates,
    block by block; procyclicality is peak to trough and the largest relative rise. A static margin has neither.

    Examples
    --------
    >>> import numpy as np
    >>> from volkit.realtime.replay import start_live
    >>> from volkit.volatility import Ewma
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=1500, freq="1h", tz="UTC", name="time")
    >>> close = pd.DataFrame({"close": 100.0 * np.exp(0.01 * rng.standard_normal(1500).cumsum())}, index=times)
    >>> start = start_live(close, n_train=900, target=0.01, model=Ewma(half_life=100), asset="SIM")
    >>> compare_static_dynamic(start.later, start.state, start.policy, static_long=start.static_long,
    ...                        static_short=start.static_short)
    <StaticDynamicComparison: SIM, 74 blocks, two sides, target 1.00 %: static 0 exceedances at 7.4 % mean margin; \
dynamic 0 exceedances at 6.8 % mean margin; online 0 exceedances at 6.8 % mean margin>
    """
    check_kind(state, LiveVolatility, argument="state", remedy="pass the state of start_live")
    check_kind(policy, LivePolicy, argument="policy", remedy="pass the policy of start_live")
    width = check_count(window, argument="window", unit="blocks")
    static: dict[Side, float] = {
        "long": check_positive(static_long, argument="static_long", unit="fraction of the notional"),
        "short": check_positive(static_short, argument="static_short", unit="fraction of the notional"),
    }
    if static["long"] > 1.0:
        remedy = "pass a decimal: 0.06 for 6 %"
        raise ArgumentError("static_long", "must be a fraction of the notional up to 1", f"{static_long:g}", remedy)
    tracker = calibrator or QuantileTracker(confidence=1.0 - policy.target)
    run = replay(bars, state, policy, calibrator=tracker, provenance=provenance)
    blocks = _blocks(run, static, state.model.step)
    table, regimes, years, episodes = _measured(blocks, run, width)
    return StaticDynamicComparison(
        asset=run.asset,
        table=freeze(table),
        regimes=freeze(regimes),
        years=freeze(years),
        episodes=freeze(episodes),
        blocks=freeze(blocks),
        replay=run,
        static_words=static_words,
        window=width,
        as_of=run.as_of,
        provenance=run.provenance,
    )


def _blocks(run: Replay, static: dict[Side, float], step: pd.Timedelta) -> pd.DataFrame:
    whole = run.blocks[run.blocks["loss_long"].notna()]
    if len(whole) < 2:
        raise ArgumentError("bars", "must hold at least two whole blocks", str(len(whole)), "pass a longer span")
    close = run.frame["close"].set_axis(run.frame.index + step)
    blocks = pd.DataFrame({"regime": block_regimes(close, whole.index, lookback=_LOOKBACK)})
    for side in SIDES:
        blocks[f"loss_{side}"] = whole[f"loss_{side}"]
        blocks[f"static_{side}"] = static[side]
        blocks[f"dynamic_{side}"] = whole[f"model_margin_{side}"]
        blocks[f"online_{side}"] = whole[f"margin_{side}"]
    return blocks


def _measured(
    blocks: pd.DataFrame, run: Replay, window: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    target = run.policy.target
    per_day = max(1, int(pd.Timedelta(days=1) / run.policy.horizon))
    rows, regimes, years, episodes = {}, {}, {}, {}
    for margin in MARGINS:
        for side in SIDES:
            key, rates, loss = (margin, side), blocks[f"{margin}_{side}"], blocks[f"loss_{side}"]
            rows[key], regimes[key], episodes[key] = measure_margin(
                rates, loss, target=target, groups=blocks["regime"], per_day=per_day, window=window
            )
            exceeded = (loss > rates).astype("float64")
            years[key] = coverage_by_group(
                exceeded, full_years(pd.DatetimeIndex(blocks.index)), confidence=1.0 - target
            )
    names = ["margin", "side"]
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=names)
    log = pd.concat(episodes, names=[*names, "episode"]).reset_index(names).reset_index(drop=True)
    # Sorted, so that a margin and side can be looked up without a warning.
    return table, *(pd.concat(t, names=names).sort_index() for t in (regimes, years)), log
