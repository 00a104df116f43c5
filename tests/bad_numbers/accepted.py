"""Bad values that a function takes on purpose, each with the reason; all others must be refused in words."""

from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
from bad_values import OTHERS, is_object

__all__ = ["ACCEPTED", "HOLES", "LOUD", "accepts", "must_refuse"]

Reasons = dict[tuple[str, str, str], str]

_TABLE = frozenset({"inf", "-inf", "unsorted", "duplicated", "naive", "NaT", "text", "object", "complex"})
_ARRAY = frozenset({"text", "object", "complex"})


def must_refuse(value: Any) -> frozenset[str]:
    """Return the mistakes that nobody may take without a reason, by what is spoiled."""
    if isinstance(value, (pd.Series, pd.DataFrame)):
        return _TABLE
    if is_object(value):
        return frozenset(OTHERS)
    return _ARRAY if isinstance(value, (np.ndarray, list)) else frozenset()


def accepts(reasons: Reasons, *place: str) -> bool:
    """Return whether function, argument and mistake are listed (each may be a pattern)."""
    return any(all(map(fnmatchcase, place, pattern)) for pattern in reasons)


# function, argument, mistake -> why it may be taken.
ACCEPTED: Reasons = {
    ("complete_rows", "frame", "*"): "drops rows with NaN of any frame, and looks at nothing else",
    ("replay", "bars", "duplicated"): "a stream skips the repeated bar and says so in `skipped`",
    ("compare_static_dynamic", "bars", "duplicated"): "as replay",
    ("event_study", "events", "unsorted"): "events are a list: their order says nothing",
    ("variance_event_study", "events", "unsorted"): "events are a list: their order says nothing",
    ("implied_volatility", "*", "*inf"): "each quote has a code that says why it has no volatility",
    ("model_confidence_set", "losses", "duplicated"): "rows are periods by position; labels are not read",
    ("oracle_cascade", "shocks", "duplicated"): "rows are steps by position",
    ("first_and_latest", "pulled", "*inf"): "releases without a finite value are left out, as those with NaN",
    **{
        ("worst_factor_move", "factor_changes", mistake): "days in any order: a mean does not look at their times"
        for mistake in ("unsorted", "duplicated", "naive", "NaT")
    },
    ("split_flows", "dealers", "none"): "nobody hedges: the default",
    ("start_live", "model", "none"): "the default model",
    ("quantile_quantile", "values", "*"): "a sample: neither order nor labels matter",
}

# Results with NaN, infinity or no rows where the valid call has none, by contract.
HOLES: Reasons = {
    ("*_test", "hits", "*"): "too few or no exceptions: the result says why in its status, p is never 1",
    ("berkowitz_tail_test", "pit", "*"): "no exception in the tail: the result says why",
    ("exceedance_residual_test", "*", "*"): "no exception beyond the VaR: the result says why",
    ("nolde_ziegel_test", "losses", "*"): "no variation of the scores: the result says why",
    ("dynamic_quantile_test", "lags", "*"): "no row left after the lags: the result says why",
    ("coverage_battery", "*", "*"): "cells without exceptions have a reason in the table",
    ("validate_schedules", "lags", "longer than data"): "no row left after the lags: the table says why",
    ("reserve_ratios", "reserves", "unknown key"): "infinite where nothing is owed, as the result says",
    ("reserve_ratios", "liabilities", "* zero"): "infinite where nothing is owed, as the result says",
    ("calibrate_online", "*", "*"): "unscored rows stay NaN; a window longer than the scores has no gap",
    ("choose_policy", "max_*", "inf"): "infinity is no limit",
    ("risk_levels", "max_*", "inf"): "infinity is no limit",
    ("constancy_test", "clip", "inf"): "infinity is no clipping",
    ("fracture_threshold", "amplification", "inf"): "infinity is no limit, and is kept as given",
    ("complete_rows", "frame", "*"): "a frame as it comes",
    ("compare_static_dynamic", "bars", "*"): "skipped bars are listed with the value that came",
    ("replay", "bars", "*"): "skipped bars are listed with the value that came",
    ("cross_cascade", "shock", "*"): "no shock, no fills",
    ("oracle_cascade", "shocks", "*"): "no shock, no fills",
    ("run_cascade", "shock", "*"): "a price that reaches nobody makes no rounds",
    ("split_flows", "shock", "*"): "no shock, no flows",
    ("margin_calls", "*", "*"): "prices that stay put, or a small position, make no call",
    ("ex_post_premium", "realized_variance", "zeros"): "the log of zero variance is not defined and is left out",
    ("exceedance_correlation", "*", "negative"): "no pair in a quadrant: NaN with the count beside it",
    ("exceedance_rate", "margin", "*"): "no loss beyond the margin has no standard error",
    ("insolvency_probabilities", "equity", "*"): "no insolvent path has no shortfall",
    ("linear_insolvency_margin", "*", "*"): "no insolvent path has no shortfall",
    ("fit_panel", "returns", "*"): "errors that cannot be had are NaN beside their status",
    ("fit_surface", "book", "*"): "smiles left out by name have no arbitrage bound",
    ("fund_adequacy", "losses", "*"): "no loss has no ratio",
    ("cover_k", "uncovered", "zeros"): "no loss has no ratio",
    ("fz0_score", "*", "nan"): "scores are row by row: NaN stays where it came",
    ("log_returns", "close", "*nan"): "NaN stays where it came: prices are never filled",
    ("simple_returns", "close", "*nan"): "NaN stays where it came: prices are never filled",
    ("jump_test", "returns", "nan"): "a period with a missing return has no measure",
    ("realized_variance", "returns", "nan"): "a period with a missing return has no measure",
    ("macro_state", "max_age", "NaT"): "no age, no value",
    ("procyclicality_metrics", "rates", "nan"): "rises across a missing rate are not known",
    ("rolling_connectedness", "changes", "*"): "windows without a fit are NaN and counted",
    ("tvp_var_connectedness", "kappa_*", "*"): "periods without a stable system are NaN and counted",
    ("stressed_margin", "*", "*"): "no margin has no share lost",
    ("reflection_margin", "target", "denormal"): "the quantile at probability zero is infinite",
    ("inspect_bars", "bars", "*"): "no finding is an empty table",
}

# Numbers beyond 1e100 in these places overflow with numpy's own warning: loud, but not yet in words of ours.
LOUD: Reasons = {
    ("covar", "returns", "collinear"): "a quantile line through points on one line: minutes of simplex steps",
    ("coverage_battery", "lags", "longer than data"): "lags beyond the rows of each cell are tried one by one: minutes",
    ("exception_law", "lags", "longer than data"): "numba refuses the regressor of 100,000 lags with MemoryError",
    ("simulate_market", "start", "number"): "a number is an instant of 1970: a market of 54 years",
    ("fit_impact", "bars", "collinear"): "bars whose close is their open have no move to divide by",
    ("fit_impact", "imbalance", "denormal"): "a share of imbalance below any trade",
    ("fit_pareto_tail", "threshold", "-inf"): "a threshold below every loss",
    **{
        (name, "*", size): "numpy warns of the overflow"
        for name in (
            *("black76_*", "compare_forecasts", "cross_cascade", "ex_post_premium", "exceedance_residual_test"),
            *("fit_surface", "fz0_score", "greek_ladder", "macro_day_*", "margin_calls", "merton_default"),
            *("model_confidence_set", "netting_benefit", "nolde_ziegel_test", "offset_credits", "oracle_cascade"),
            *("phase_diagram", "procyclicality_metrics", "qlike_loss", "reserve_ratios", "rolling_har_forecast"),
            *("scenario_grid", "stressed_margin", "auto_deleverage", "choose_blend", "capital_efficiency"),
        )
        for size in ("*1e308", "huge scale", "tiny scale", "*denormal")
    },
}
