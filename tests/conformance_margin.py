"""Reference methods of scenarios, margin and validation that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from conformance_series import Case, generated, in_decimals
from scipy import stats

from volkit.margin import inverse_liquidation_price, liquidation_price, tail_risk
from volkit.margin.procyclicality import apply_floor, mix_rates, procyclicality_metrics, release_buffer
from volkit.scenarios import filtered_historical_scenarios
from volkit.validation import (
    TransitionCounts,
    binomial_from_counts,
    christoffersen_from_counts,
    christoffersen_test,
    independence_from_counts,
    kupiec_from_counts,
    kupiec_region,
    kupiec_test,
    traffic_light,
    transition_counts,
)
from volkit.volatility import Ewma, Recursion, half_life_of
from volkit.volatility.tails.pareto import ParetoEstimate
from volkit.volatility.tails.pareto_tail import ParetoTail
from volkit.volatility.tails.peaks import fit_pareto_tail

__all__ = ["MARGIN_METHODS"]

_LEVELS = {"q99": 0.99, "q995": 0.995, "q999": 0.999}


def kupiec(case: Case) -> dict[str, float]:
    """Return the likelihood ratio of the number of exceptions."""
    found = kupiec_from_counts(case.inputs["failures"], case.inputs["n"], confidence=1.0 - case.inputs["p"])
    return {"lr": found.statistic, "p_value": found.p_value}


def binomial(case: Case) -> dict[str, float]:
    """Return the z of the number of exceptions."""
    found = binomial_from_counts(case.inputs["failures"], case.inputs["n"], confidence=1.0 - case.inputs["p"])
    return {"z": found.statistic, "p_value_two_sided": found.p_value}


def independence(case: Case) -> dict[str, float]:
    """Return Christoffersen's likelihood ratio of independence."""
    found = independence_from_counts(**{name: case.inputs[name] for name in TransitionCounts._fields})
    return {"lr": found.statistic, "p_value": found.p_value}


def conditional_coverage(case: Case) -> dict[str, float]:
    """Return Christoffersen's likelihood ratio of coverage and independence."""
    inputs = case.inputs
    pairs = TransitionCounts(**{name: inputs[name] for name in TransitionCounts._fields})
    found = christoffersen_from_counts(inputs["failures"], inputs["n"], confidence=1.0 - inputs["p"], transitions=pairs)
    return {"lr": found.statistic, "p_value": found.p_value}


def region(case: Case) -> dict[str, dict[str, list[int]]]:
    """Return the open interval of exceptions that are not rejected, by rate and observations."""
    significance = 1.0 - case.inputs.get("test_confidence", 0.95)
    found: dict[str, dict[str, list[int]]] = {}
    for rate, cells in case.expected.items():
        for n in cells:
            low, high = kupiec_region(int(n), confidence=1.0 - float(rate), significance=significance)
            found.setdefault(rate, {})[n] = [low - 1, high + 1]
    return found


def traffic_limits(case: Case) -> dict[str, list[int]]:
    """Return where green ends and red begins, by observations@rate."""
    found = {}
    for key in case.expected:
        n, rate = key.split("@")
        light = traffic_light(0, int(n), confidence=1.0 - float(rate))
        found[key] = [light.green_max, light.red_from]
    return found


def generator(case: Case) -> dict[str, Any]:
    """Return the first returns and two sums of the generated data."""
    returns, volatility = generated(case)
    return {"r_first5": returns[:5].tolist(), "sum_r": returns.sum(), "sum_sigma": volatility.sum()}


def coverage_battery(case: Case) -> dict[str, float]:
    """Return counts and likelihood ratios of normal Value at Risk on the generated data."""
    alpha = case.inputs["alpha"]
    returns, volatility = generated(case)
    hits = returns < volatility * stats.norm.ppf(alpha)
    counts = transition_counts(hits)
    kupiec_found = kupiec_test(hits, confidence=1.0 - alpha)
    joint = christoffersen_test(hits, confidence=1.0 - alpha)
    return {
        "hits": int(hits.sum()),
        **counts._asdict(),
        "lr_uc": kupiec_found.statistic,
        "p_uc": kupiec_found.p_value,
        "lr_cc": joint.statistic,
        "p_cc": joint.p_value,
    }


def filtered_simulation(case: Case) -> dict[str, float]:
    """Return 99 % tail measures of the generated returns, plain and scaled by an exponential volatility."""
    values, _ = generated(case)
    times = pd.date_range("2000-01-01", periods=len(values), tz="UTC")
    returns, divisor = in_decimals(pd.Series(values, index=times, name="generated"))
    fit = Ewma(half_life=half_life_of(case.inputs["ewma_lambda"])).fit(returns, periods_per_year=1.0)
    scenarios = filtered_historical_scenarios(fit).returns.to_numpy().ravel()
    filtered, plain = (
        tail_risk(each, confidence=0.99, side="long", quantile_method="linear")
        for each in (scenarios, returns.to_numpy())
    )
    found = {
        "sigma_next": fit.next_variance**0.5,
        "var99": filtered.value_at_risk,
        "es99": filtered.expected_shortfall,
        "plain_hs_var99": plain.value_at_risk,
        "plain_hs_es99": plain.expected_shortfall,
    }
    return {key: value * divisor for key, value in found.items()}


def filtered_pareto(case: Case) -> dict[str, Any]:
    """Return the Pareto tail of the generated losses over their volatility."""
    returns, volatility = generated(case)
    losses = -returns / volatility
    tail = fit_pareto_tail(losses, threshold=float(np.quantile(losses, 0.95)))
    measures = {k: [tail.value_at_risk(level), tail.expected_shortfall(level)] for k, level in _LEVELS.items()}
    return {
        "u": tail.threshold,
        "n_exceed": tail.n_exceedances,
        "xi": tail.shape,
        "beta": tail.scale,
        "nll": tail.negative_log_likelihood,
        **measures,
    }


def pareto_levels(case: Case) -> dict[str, list[float]]:
    """Return tail measures of a Pareto tail with given parameters."""
    i = case.inputs
    given = ParetoEstimate(
        shape=i["xi"],
        scale=i["beta"],
        cost=np.nan,
        covariance=np.full((2, 2), np.nan),
        decrement=0.0,
        status="converged",
    )
    tail = ParetoTail(
        asset="given", unit="", threshold=i["u"], estimate=given, peaks=pd.Series(dtype=float),
        n_exceedances=i["n_exceed"], n_obs=i["n"],
    )  # fmt: skip
    levels = {key: float(key) for key in case.expected}
    return {key: [tail.value_at_risk(level), tail.expected_shortfall(level)] for key, level in levels.items()}


def variance_of_sum(case: Case) -> dict[str, float]:
    """Return the variance of the sum of the next h returns."""
    i = case.inputs
    recursion = Recursion(0.0, i["omega"], i["alpha"], i.get("gamma", 0.0), i["beta"])
    return {"variance": float(recursion.forecast(i["next_var"], i["h"]).sum())}


def linear_liquidation(case: Case) -> dict[str, float]:
    """Return the liquidation price of a linear position, by side."""
    i = case.inputs
    terms = {"entry_price": i["entry"], "size": i["size"], "wallet": i["wallet"], "maintenance_margin_rate": i["mmr"]}
    amount = i.get("maintenance_amount", 0.0)
    return {side: liquidation_price(side=side, maintenance_amount=amount, **terms) for side in case.expected}


def inverse_liquidation(case: Case) -> dict[str, float]:
    """Return the liquidation price of an inverse position, by side."""
    i = case.inputs
    terms = {"entry_price": i["entry"], "face_value": i["contracts_usd"], "wallet": i["wallet_coin"]}
    return {
        side: inverse_liquidation_price(side=side, maintenance_margin_rate=i["mmr"], **terms) for side in case.expected
    }


def procyclicality(case: Case) -> dict[str, Any]:
    """Return peak to trough and the largest rises of a margin."""
    wanted = [int(n) for n in case.expected["max_increase"]]
    found = procyclicality_metrics(case.inputs["im"], horizons=wanted)
    return {
        "peak_to_trough": found.peak_to_trough,
        "max_increase": {str(n): found.rises.loc[n, "largest"] for n in wanted},
    }


def article_28(case: Case) -> dict[str, float]:
    """Return a margin under each of the three tools."""
    im, stressed, long = ([case.inputs[key]] for key in ("im", "stressed_im", "im_10y"))
    return {
        "buffer_25": release_buffer(im).rates[0],
        "stress_weight_25": mix_rates(im, stressed)[0],
        "floor_10y": apply_floor(im, long)[0],
    }


MARGIN_METHODS: dict[str, Callable[[Case], Any]] = {
    "kupiec_pof": kupiec,
    "binomial_z": binomial,
    "christoffersen_independence": independence,
    "christoffersen_cc": conditional_coverage,
    "kupiec_pof_region": region,
    "basel_traffic_light_general": traffic_limits,
    "generator": generator,
    "coverage_battery": coverage_battery,
    "filtered_historical_simulation": filtered_simulation,
    "mcneil_frey_pot": filtered_pareto,
    "pot_var_es": pareto_levels,
    "garch_variance_of_sum": variance_of_sum,
    "procyclicality_metrics": procyclicality,
    "emir_article_28": article_28,
    "liquidation_price": linear_liquidation,
    "liquidation_price_inverse": inverse_liquidation,
}
