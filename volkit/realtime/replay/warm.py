"""Compile the kernels of live states and replays."""

import numpy as np
import pandas as pd

from volkit.realtime.online import QuantileTracker
from volkit.realtime.replay.live_margin import LiveMargin
from volkit.realtime.replay.policy import LivePolicy
from volkit.realtime.replay.run import replay
from volkit.realtime.state import LiveBar, LiveFactors, LiveVolatility
from volkit.volatility import Ewma, Har

__all__ = ["compile_replay"]


def compile_replay() -> None:
    """Replay a few bars, take one by itself and with others, and let a HAR state take one.

    Examples
    --------
    >>> compile_replay()
    """
    rng = np.random.default_rng(1)
    times = pd.date_range("2024-01-01", periods=120, freq="1h", tz="UTC", name="time")
    close = pd.Series(100.0 * np.exp(0.01 * rng.standard_normal(120).cumsum()), index=times, name="asset")
    fit = Ewma().fit(close.pct_change().iloc[1:81], periods_per_year=8760)
    state = LiveVolatility.from_fit(fit, last_close=float(close.iloc[80]))
    policy = LivePolicy(target=0.05, horizon=pd.Timedelta("8h"), quantile_long=2.0, quantile_short=2.0)
    replay(close.iloc[81:].to_frame("close"), state, policy, calibrator=QuantileTracker(confidence=0.95))
    LiveMargin(state, policy).update(LiveBar(times[81], float(close.iloc[81])))
    LiveFactors([state]).update(times[81], close.iloc[[81]].to_numpy())
    days = pd.date_range("2023-01-01", periods=320, tz="UTC", name="time")
    variance = pd.Series(np.exp(0.3 * rng.standard_normal(320) - 7.0), index=days, name="asset")
    har = Har(lags=(1, 2), form="log").fit(variance, periods_per_year=365)
    bar = LiveBar(days[-1] + pd.Timedelta("1D"), 100.0)
    LiveVolatility.from_har(har, last_close=100.0, step="1h").update(bar)
