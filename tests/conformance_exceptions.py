"""Reference methods of back-tests by exceptions that volkit answers beside those of `conformance_margin`."""

from collections.abc import Callable
from typing import Any

import numpy as np
from conformance_series import Case, generated
from scipy import stats

from volkit.validation import (
    duration_test,
    dynamic_quantile_test,
    multinomial_test,
    time_between_from_ratio,
    traffic_light,
    tuff_from_first_failure,
)

__all__ = ["EXCEPTION_METHODS"]


def first_failure(case: Case) -> dict[str, float]:
    """Return the likelihood ratio of the time until the first exception."""
    found = tuff_from_first_failure(case.inputs["first_failure"], confidence=1.0 - case.inputs["p"])
    return {"lr": found.statistic, "p_value": found.p_value}


def times_between(case: Case) -> dict[str, float]:
    """Return the p-value of a sum of ratios of the times between exceptions."""
    return {"p_value": time_between_from_ratio(case.inputs["lr"], case.inputs["failures"])[2]}


def mixed_kupiec(case: Case) -> dict[str, float]:
    """Return that sum with the coverage ratio added."""
    i = case.inputs
    ratio, _, p_value = time_between_from_ratio(i["lr_tbfi"], i["failures"], coverage_ratio=i["lr_pof"])
    return {"lr": ratio, "p_value": p_value}


def durations(case: Case) -> dict[str, float]:
    """Return the Weibull fit of the gaps of normal Value at Risk on the generated data."""
    alpha = case.inputs["alpha"]
    returns, volatility = generated(case)
    found = duration_test(returns < volatility * stats.norm.ppf(alpha), confidence=1.0 - alpha)
    return {
        "b": found.shape,
        "ll_unrestricted": found.log_likelihood,
        "ll_restricted": found.restricted_log_likelihood,
        "lr": found.statistic,
        "p_value": found.p_value,
    }


def dynamic_quantile(case: Case) -> dict[str, float]:
    """Return the dynamic quantile statistics, with and without the squared return."""
    alpha = case.inputs["alpha"]
    returns, volatility = generated(case)
    margins = -volatility * stats.norm.ppf(alpha)
    terms: dict[str, Any] = {"confidence": 1.0 - alpha, "margins": margins, "lags": case.inputs["lags"]}
    plain = dynamic_quantile_test(-returns > margins, **terms)
    squared = dynamic_quantile_test(-returns > margins, instruments=np.r_[np.nan, returns[:-1] ** 2], **terms)
    return {
        "stat_const_var_lags": plain.statistic,
        "stat_with_y2": squared.statistic,
        "ncol": plain.n_columns,
        "rank": plain.rank,
        "p_value_df_rank": plain.p_value,
        "p_value_df_ncol": float(stats.chi2.sf(plain.statistic, plain.n_columns)),
    }


def multinomial(case: Case) -> dict[str, Any]:
    """Return the three statistics of the cells of the generated data's probabilities."""
    returns, volatility = generated(case)
    found = multinomial_test(stats.norm.cdf(returns / volatility), confidence=1.0 - case.inputs["alpha"])
    table = found.table
    return {
        "counts_low_to_high": found.cells["observed"].tolist()[::-1],
        "pearson": table.loc["Pearson", "statistic"],
        "pearson_p": table.loc["Pearson", "p_value"],
        "nass": table.loc["Nass", "statistic"],
        "nass_df": table.loc["Nass", "degrees_of_freedom"],
        "nass_p": table.loc["Nass", "p_value"],
        "lrt": table.loc["likelihood ratio", "statistic"],
        "lrt_p": table.loc["likelihood ratio", "p_value"],
    }


def traffic_zones(case: Case) -> dict[str, Any]:
    """Return cumulative probabilities and zones; the regulators' capital factors are no result of a computation."""
    n, rate = case.inputs["n"], case.inputs["p"]
    light = traffic_light(0, n, confidence=1.0 - rate)
    counts = np.arange(len(case.expected["cumulative_pct"]))
    return {
        "cumulative_pct": (100.0 * stats.binom.cdf(counts, n, rate)).tolist(),
        "zones": {
            "green": [0, light.green_max],
            "yellow": [light.green_max + 1, light.red_from - 1],
            "red_from": light.red_from,
        },
        **{key: case.expected[key] for key in ("plus_factor_1996", "multiplier_mar33") if key in case.expected},
    }


EXCEPTION_METHODS: dict[str, Callable[[Case], Any]] = {
    "kupiec_tuff": first_failure,
    "haas_tbfi": times_between,
    "haas_tbf_mixed": mixed_kupiec,
    "christoffersen_pelletier_duration": durations,
    "engle_manganelli_dq": dynamic_quantile,
    "multinomial_pearson_nass_lrt": multinomial,
    "basel_traffic_light": traffic_zones,
}
