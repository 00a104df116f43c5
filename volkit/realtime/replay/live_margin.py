"""The margin of one factor, brought up to date with every bar: live state, policy and online calibrator together."""

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from volkit.conventions import SIDES, Side, losses
from volkit.errors import DataError
from volkit.formatting import length_words, percent_to
from volkit.realtime.online import OnlineCalibrator, load_calibrator
from volkit.realtime.replay.policy import LivePolicy
from volkit.realtime.replay.run import check_target
from volkit.realtime.state import LiveVolatility
from volkit.realtime.state.bars import ClosingBar
from volkit.realtime.state.files import read_state, write_state

__all__ = ["LiveMargin", "MarginNow"]

_KIND, _MARGIN, _STATE = "volkit live margin", "margin.json", "state.json"


class MarginNow(NamedTuple):
    """What is due after a bar.

    Attributes
    ----------
    time : Timestamp
        Label of the bar, as it came.
    close : float
        Its price.
    volatility : float
        Of the return over the horizon ahead, decimal.
    margin_long, margin_short : float
        Fractions of the notional, multipliers included.
    multiplier_long, multiplier_short : float
        Of the online calibrators; 1 without them.
    """

    time: pd.Timestamp
    close: float
    volatility: float
    margin_long: float
    margin_short: float
    multiplier_long: float
    multiplier_short: float


class LiveMargin:
    """Margin at a target probability, bar by bar.

    Parameters
    ----------
    state : LiveVolatility
        As it stands; it is copied.
    policy : LivePolicy
        Margin as a multiple of the horizon's volatility.
    calibrator : OnlineCalibrator, optional
        Copied for each side; takes the score of each block when the block ends.

    Raises
    ------
    ArgumentError
        For a calibrator with another target than the policy.

    Examples
    --------
    >>> from volkit.realtime.replay import policy_from_law
    >>> from volkit.realtime.state import LiveBar
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=8760)
    >>> state = LiveVolatility.from_fit(fit, last_close=42000.0)
    >>> margin = LiveMargin(state, policy_from_law(state))
    >>> now = margin.update(LiveBar(pd.Timestamp("2024-01-03 12:00", tz="UTC"), 43260.0))
    >>> round(now.margin_long, 4), now.multiplier_long
    (0.0886, 1.0)
    """

    __slots__ = ("_block", "_end", "_horizon", "calibrators", "policy", "state")

    def __init__(
        self, state: LiveVolatility, policy: LivePolicy, *, calibrator: OnlineCalibrator | None = None
    ) -> None:
        check_target(calibrator, policy)
        self.state, self.policy, self._horizon = state.copy(), policy, policy.horizon.value
        self.calibrators: dict[Side, OnlineCalibrator] = {}
        if calibrator is not None:
            self.calibrators = {side: calibrator.copy() for side in SIDES}
        for own in self.calibrators.values():
            # A saved calibrator is refused for another asset, and so has to know its own.
            own.asset = state.model.asset
        # Of the block that is open: its price at the start and the model's margins then.
        self._block: tuple[float, dict[Side, float]] | None = None
        self._end = 0

    def __repr__(self) -> str:
        online = ", calibrated online" if self.calibrators else ""
        return (
            f"<LiveMargin: {self.state.model.asset}, target {percent_to(self.policy.target, 2)} over "
            f"{length_words(self.policy.horizon)}{online}, as of {self.state.as_of:%Y-%m-%d %H:%M}>"
        )

    def update(self, bar: ClosingBar) -> MarginNow:
        """Take one bar, and return what is due now.

        Raises
        ------
        DataError
            As `LiveVolatility.update`; the margin stays as it was.
        """
        state, policy = self.state, self.policy
        state.update(bar)
        volatility, price, instant = state.volatility(policy.horizon), state.last_close, state.last_instant
        model = {side: policy.rate(volatility, side=side) for side in SIDES}
        if instant % self._horizon == 0:
            self._turn(instant, price, model)
        long, short = (self.calibrators[side].multiplier if self.calibrators else 1.0 for side in SIDES)
        return MarginNow(bar.time, price, volatility, model["long"] * long, model["short"] * short, long, short)

    def save(self, folder: Path | str) -> None:
        """Write state, calibrators, policy and the open block into a folder, one file each; see `load`.

        The margin's own file comes last: one that was interrupted is refused by its hash or by the instants it names.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        self.state.save(place / _STATE)
        for side, calibrator in self.calibrators.items():
            calibrator.save(place / f"{side}.json")
        policy = asdict(self.policy) | {"horizon": self._horizon}
        record = {
            "policy": policy,
            "block": self._block,
            "end": self._end,
            "sides": list(self.calibrators),
            "scores": [calibrator.n_updates for calibrator in self.calibrators.values()],
            "instant": self.state.last_instant,
        }
        write_state(place / _MARGIN, record, asset=self.state.model.asset, kind=_KIND)

    @classmethod
    def load(cls, folder: Path | str, *, asset: str) -> "LiveMargin":
        """Return the margin in a folder written by `save`, which goes on with the same numbers.

        Raises
        ------
        DataError
            For files of another version or asset, changed ones, and files of different moments.
        """
        place = Path(folder)
        state = LiveVolatility.load(place / _STATE, asset=asset)
        record = read_state(place / _MARGIN, asset=asset, kind=_KIND)
        plain = record["policy"] | {"horizon": pd.Timedelta(record["policy"]["horizon"], unit="ns")}
        margin = cls(state, LivePolicy(**plain))
        margin.calibrators = {side: load_calibrator(place / f"{side}.json", asset=asset) for side in record["sides"]}
        scores = [calibrator.n_updates for calibrator in margin.calibrators.values()]
        if state.last_instant != record["instant"] or scores != record["scores"]:
            got, remedy = f"a state after {state.as_of} with {scores} scores", "restore a whole folder"
            raise DataError(f"folder {place.name}", "must hold files of one moment", got, remedy)
        margin._block = None if record["block"] is None else (record["block"][0], record["block"][1])
        margin._end = record["end"]
        return margin

    def _turn(self, instant: int, price: float, model: dict[Side, float]) -> None:
        """End the block that is open, if this is its end, and open the next."""
        if self._block is not None and self.calibrators:
            start, margins = self._block
            for side, calibrator in self.calibrators.items():
                loss = losses(price / start - 1.0, side=side)
                calibrator.update(loss / margins[side] if instant == self._end else np.nan)
        self._block, self._end = (price, model), instant + self._horizon
