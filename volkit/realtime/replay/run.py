"""Bars replayed through a live margin: margins, two accounts, calls and exceedances, as they would have been."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.realtime.online import OnlineCalibration, OnlineCalibrator, calibrate_online, coverage_by_group
from volkit.realtime.replay.blocks import block_table, margin_table
from volkit.realtime.replay.policy import LivePolicy
from volkit.realtime.state import LiveVolatility
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources import Bars

__all__ = ["Replay", "check_target", "replay"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Replay(ResultDisplay):
    """A live margin along past bars.

    Attributes
    ----------
    asset : str
        Name of the series.
    frame : DataFrame, shape (n_bars, 12)
        Index time (UTC label of the bar; a row is known when its bar closes): `close`, `volatility` of the horizon
        ahead, and for each side `model_margin_`, `multiplier_`, `margin_` (their product, fraction of the notional),
        `equity_` before the call and `call_` of an account of one unit of notional at the first bar (in units of that
        notional).
    blocks : DataFrame
        Index start (UTC): end, prices, volatility, and for each side `model_margin_`, `multiplier_`, `margin_`,
        `loss_` (fractions of the notional at the start) and `exceeded_` (1, 0, or NaN for a block that is not whole).
    calls : DataFrame
        Index time: side, price, equity, margin due, call, is_insolvent (equity below zero).
    skipped : DataFrame
        Bars left out: time, reason, value, last good bar before it.
    policy : LivePolicy
        That made the margins.
    online : dict of str to OnlineCalibration
        By side; empty without a calibrator.
    state : LiveVolatility
        After the last bar, to go on with.
    as_of : Timestamp
        Label (UTC) of the last bar taken.
    provenance : Provenance
        Of the bars, when given.
    """

    asset: str
    frame: pd.DataFrame
    blocks: pd.DataFrame
    calls: pd.DataFrame
    skipped: pd.DataFrame
    policy: LivePolicy
    online: dict[str, OnlineCalibration[OnlineCalibrator]]
    state: LiveVolatility
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Bars taken."""
        return len(self.frame)

    @property
    def n_blocks(self) -> int:
        """Whole blocks."""
        return int(self.blocks["loss_long"].notna().sum())

    def coverage(self, side: str, groups: pd.Series | None = None) -> pd.DataFrame:
        """Return exceedances of one side beside the target, overall and by group; see `coverage_by_group`."""
        return coverage_by_group(self.blocks[f"exceeded_{side}"], groups, confidence=1.0 - self.policy.target)

    @property
    def headline(self) -> str:
        """Bars, exceedances and calls by side in one line."""
        words = ", ".join(
            f"{side} {self.blocks[f'exceeded_{side}'].sum():.0f} exceedances and "
            f"{int((self.calls['side'] == side).sum())} calls"
            for side in SIDES
        )
        return (
            f"{self.asset}, {self.n_obs:,} bars in {self.n_blocks:,} blocks, {words}, "
            f"{len(self.skipped)} skipped, as of {self.as_of:%Y-%m-%d %H:%M}"
        )

    def summary(self) -> pd.DataFrame:
        """Return what each side's margin did: rates (decimals), exceedances, calls and lowest equity."""
        rows = {}
        for side in SIDES:
            margin, calls = self.frame[f"margin_{side}"], self.frame[f"call_{side}"]
            row = self.coverage(side).loc["all"]
            rows[side] = {
                "blocks": self.n_blocks,
                "exceedances": int(row["exceedances"]),
                "rate (decimal)": row["rate"],
                "target (decimal)": self.policy.target,
                "allowed (exact 95 %)": int(row["allowed"]),
                "mean margin (fraction of notional)": margin.mean(),
                "highest margin": margin.max(),
                "lowest margin": margin.min(),
                "last multiplier": self.frame[f"multiplier_{side}"].iloc[-1],
                "calls": int((calls > 0.0).sum()),
                "paid in calls (notional at entry)": calls.sum(),
                "lowest equity (notional at entry)": self.frame[f"equity_{side}"].min(),
                "bars skipped": len(self.skipped),
            }
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """Return margins, multipliers, equity and calls by bar."""
        return self.frame


def replay(
    bars: Bars | pd.DataFrame,
    state: LiveVolatility,
    policy: LivePolicy,
    *,
    calibrator: OnlineCalibrator | None = None,
    provenance: Provenance | None = None,
) -> Replay:
    """Return past bars replayed through a live margin, each number from what was known before it.

    Parameters
    ----------
    bars : Bars or DataFrame
        With `close`, labelled by opens (UTC), after the state's last bar. Bars that the state refuses are left out and
        listed.
    state : LiveVolatility
        As it stood before the bars; it is copied.
    policy : LivePolicy
        Margin as a multiple of the horizon's volatility.
    calibrator : OnlineCalibrator, optional
        Repairs the margin of each side with the scores of past blocks; copied for each side.
    provenance : Provenance, optional
        Default that of the bars.

    Returns
    -------
    Replay
        The numbers that `LiveMargin` gives bar by bar.

    Raises
    ------
    ArgumentError
        For a calibrator with another target than the policy.
    DataError
        For bars of which none can be taken, or without one whole block.

    Notes
    -----
    Blocks of the policy's horizon follow one another from 00:00 UTC. Its margin is known at a block's start; the loss
    is that of the close at its end, so that a loss within the block that comes back is a matter of the accounts only.
    Each account holds one unit of notional at the first bar and starts with the margin due. Equity below
    `policy.maintenance` of the margin brings a call up to the margin, paid before the next bar; gains stay in.

    Examples
    --------
    >>> from volkit.realtime.replay import policy_from_law
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=300, freq="1h", tz="UTC", name="time")
    >>> simulated = pd.Series(100.0 * np.exp(0.01 * np.sin(np.arange(300.0)).cumsum()), index=times, name="BTC")
    >>> fit = Ewma().fit(simulated.pct_change().iloc[1:101], periods_per_year=8760)
    >>> state = LiveVolatility.from_fit(fit, last_close=simulated.iloc[100])
    >>> replay(simulated.iloc[101:].to_frame("close"), state, policy_from_law(state))
    <Replay: BTC, 199 bars in 24 blocks, long 0 exceedances and 0 calls, short 0 exceedances and 1 calls, 0 skipped, \
as of 2024-01-13 11:00>
    """
    check_kind(state, LiveVolatility, argument="state", remedy="pass the state of start_live")
    check_kind(policy, LivePolicy, argument="policy", remedy="pass the policy of start_live")
    check_target(calibrator, policy)
    after = state.copy()
    path = after.follow(bars)
    margins = margin_table(path, policy)
    blocks = block_table(margins, policy, step=state.model.step, asset=path.asset)
    source = provenance or path.provenance
    online: dict[str, OnlineCalibration[OnlineCalibrator]] = {}
    for side in SIDES:
        if calibrator is not None:
            scores = blocks[f"loss_{side}"] / blocks[f"model_margin_{side}"]
            online[side] = calibrate_online(scores, calibrator, provenance=source)
        multipliers = online[side].multipliers.to_numpy() if online else np.ones(len(blocks))
        first = 1.0 if calibrator is None else calibrator.multiplier
        _charge(margins, blocks, side, multipliers, first)
        _account(margins, side, policy.maintenance)
    return Replay(
        asset=path.asset,
        frame=freeze(margins),
        blocks=freeze(blocks.drop(columns="row")),
        calls=freeze(_calls(margins)),
        skipped=path.skipped,
        policy=policy,
        online=online,
        state=after,
        as_of=path.as_of,
        provenance=source,
    )


def check_target(calibrator: OnlineCalibrator | None, policy: LivePolicy) -> None:
    """Refuse a calibrator with another target than the policy (no unit).

    Raises
    ------
    ArgumentError
        When they differ.
    """
    if calibrator is not None and abs(calibrator.target - policy.target) > 1e-12:
        remedy = f"pass a calibrator with confidence={1.0 - policy.target:g}"
        raise ArgumentError("calibrator", f"must aim at {policy.target:g}", f"{calibrator.target:g}", remedy)


def _charge(margins: pd.DataFrame, blocks: pd.DataFrame, side: str, multipliers: np.ndarray, first: float) -> None:
    """Put multipliers and the margins that they make into both tables."""
    blocks[f"multiplier_{side}"] = multipliers
    blocks[f"margin_{side}"] = blocks[f"model_margin_{side}"] * multipliers
    loss = blocks[f"loss_{side}"]
    blocks[f"exceeded_{side}"] = (loss > blocks[f"margin_{side}"]).astype("float64").where(loss.notna())
    block = np.searchsorted(blocks["row"].to_numpy(), np.arange(len(margins)), side="right") - 1
    margins[f"multiplier_{side}"] = np.append(multipliers, first)[block]
    margins[f"margin_{side}"] = margins[f"model_margin_{side}"] * margins[f"multiplier_{side}"]


def _account(margins: pd.DataFrame, side: str, maintenance: float) -> None:
    close = margins["close"].to_numpy()
    equity, calls = np.empty(len(close)), np.empty(len(close))
    load_kernels("volkit.realtime.replay._kernels").run_account(
        close / close[0],
        margins[f"margin_{side}"].to_numpy(),
        1.0 if side == "long" else -1.0,
        maintenance,
        equity,
        calls,
    )
    margins[f"equity_{side}"], margins[f"call_{side}"] = equity, calls


def _calls(margins: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for side in SIDES:
        called = margins[margins[f"call_{side}"] > 0.0]
        price = called["close"] / margins["close"].iloc[0]
        parts.append(
            pd.DataFrame(
                {
                    "side": side,
                    "price": called["close"],
                    "equity": called[f"equity_{side}"],
                    "margin": called[f"margin_{side}"] * price,
                    "call": called[f"call_{side}"],
                    "is_insolvent": called[f"equity_{side}"] < 0.0,
                }
            )
        )
    return pd.concat(parts).sort_index(kind="stable").astype({"side": "str", "is_insolvent": bool})
