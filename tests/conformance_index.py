"""Reference methods of variance indices and of hedging feedback that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from conformance_series import Case

from volkit.options.exposure import feedback_volatility
from volkit.options.index import variance_index, variance_strip

__all__ = ["INDEX_METHODS"]

_SIDES = ["strike", "call_bid", "call_ask", "put_bid", "put_ask"]


def _chains(case: Case) -> list[pd.DataFrame]:
    """Return the quotes of the near and the next expiry: two files without names, or one with a column of days."""
    chain = case.inputs["chain"]
    if isinstance(chain, list):
        return [pd.DataFrame(np.loadtxt(case.folder / name)[:, :5], columns=_SIDES) for name in chain]
    table = pd.read_csv(case.folder / chain)
    named = table.set_axis([name.lower().replace(" ", "_") for name in table.columns], axis=1)
    return [rows[_SIDES] for _, rows in named.groupby("days")]


def index_of_chains(case: Case) -> dict[str, Any]:
    """Return forwards, reference strikes, term variances and the index in points."""
    i = case.inputs
    minutes = i["minutes"] if "minutes" in i else [1440.0 * days for days in i["days"]]
    strips = [
        variance_strip(quotes, minutes=time, rate=rate)
        for quotes, time, rate in zip(_chains(case), minutes, np.broadcast_to(i["rate"], 2).tolist(), strict=True)
    ]
    index = variance_index(strips[0], strips[1], days=i.get("target_days", 30.0), extrapolate=True)
    return {
        "forward": [s.forward for s in strips],
        "k0": [s.reference_strike for s in strips],
        "term_variance": [s.variance for s in strips],
        "index": index.index,
    }


def feedback(case: Case) -> dict[str, Any]:
    """Return volatilities with hedgers' feedback."""
    return {"sigma_eff": feedback_volatility(case.inputs["sigma"], case.inputs["rhoG"]).tolist()}


INDEX_METHODS: dict[str, Callable[[Case], Any]] = {
    "variance_index": index_of_chains,
    "gamma_feedback": feedback,
}
