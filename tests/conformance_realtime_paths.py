"""Reference methods of path engines that volkit answers."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from conformance_series import Case

from volkit.margin.horizon import touch_probability

__all__ = ["PATH_METHODS"]

_WATCH = {"hourly": pd.Timedelta("1h")}


def monitored_touch(case: Case) -> dict[str, float]:
    """Return the probabilities that a price touches a barrier, watched continuously and at a distance of time."""
    i = case.inputs
    span = pd.Timedelta(days=i["H_days"])
    terms = {
        "side": "long" if i["B"] < i["S"] else "short",
        "volatility": i["sigma"] * (i["H_days"] / i["year"]) ** 0.5,
        "drift": i["mu"] * i["H_days"] / i["year"],
        "horizon": 1,
        "interval": span,
    }
    margin = abs(1.0 - i["B"] / i["S"])
    return {
        "continuous": touch_probability(margin, **terms).probability,
        f"{i['monitor']}_bgk": touch_probability(margin, **terms, monitoring=_WATCH[i["monitor"]]).probability,
    }


PATH_METHODS: dict[str, Callable[[Case], Any]] = {"touch_probability_monitored": monitored_touch}
