import numpy as np
import pandas as pd
import pytest

from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.procyclicality import (
    AntiProcyclicality,
    Buffer,
    LongFloor,
    SpeedLimit,
    StressFloor,
    StressWeight,
    VolatilityFloor,
    procyclicality_table,
)
from volkit.returns import simple_returns

TREATMENTS = {
    "buffer": AntiProcyclicality(buffer=Buffer()),
    "stress weight": AntiProcyclicality(stress_weight=StressWeight()),
    "long floor": AntiProcyclicality(long_floor=LongFloor()),
    "stress floor": AntiProcyclicality(stress_floor=StressFloor()),
    "volatility floor": AntiProcyclicality(volatility_floor=VolatilityFloor()),
    "speed limit": AntiProcyclicality(speed_limit=SpeedLimit()),
}


@pytest.mark.real
@pytest.mark.parametrize("asset", ["BTC", "ETH"])
def test_every_tool_costs_margin_and_lowers_procyclicality_to_2023(asset, real_data):
    bars = pd.read_csv(real_data / "daily" / f"{asset}-USDT_binance_1d.csv.gz", index_col="time")
    close = bars["close"].set_axis(pd.to_datetime(bars.index, utc=True)).rename(asset)
    returns = simple_returns(close).dropna().loc[:"2023-12-31"]
    policy = MarginPolicy(lookback=365, expanding=True, refit_every=60)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    treated = {name: one.apply(schedule, returns) for name, one in TREATMENTS.items()}

    table = procyclicality_table({"untreated": schedule, **treated}, rng=np.random.default_rng(1)).table

    for side in ("long", "short"):
        of_side = table.xs(side, level="side")
        before, after = of_side.loc["untreated"], of_side.drop("untreated")
        assert after["cost"].between(0.10, 0.28).all()
        assert after["cost lower"].gt(0.0).all()
        assert after["peak to trough"].lt(before["peak to trough"]).all()
        assert after["99 % rise 1"].lt(before["99 % rise 1"]).all()
        assert after["exceptions"].le(before["exceptions"]).all()
        # The buffer can move the ratio of peak to trough by its own size and no more.
        assert after.loc["buffer", "peak to trough"] >= before["peak to trough"] / 1.25 * (1 - 1e-12)
        assert after.loc["long floor", "time at floor"] > 0.5
