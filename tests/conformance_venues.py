"""Reference methods of venue rules that volkit answers."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from conformance_series import Case

from volkit.options.black76 import black76_price
from volkit.portfolio.venues import (
    CollateralHolding,
    ExpiryHolding,
    OptionLegs,
    PerpetualHolding,
    RiskAmounts,
    RiskUnit,
    ScenarioAccount,
    ScenarioPortfolioParameters,
    ShortOptionRates,
    aggregate_risk_amounts,
    expiry_margin,
    load_venue_rules,
    scan_risk,
    scenario_portfolio_margin,
    scenario_profits,
    short_option_margin,
)
from volkit.portfolio.venues.shocks import Scenario, VolatilityScaling

__all__ = ["VENUE_METHODS", "account_of", "parameters_of"]

SECONDS_PER_YEAR = 31_536_000
STORED = Path(__file__).parent / "reference" / "venues.json"


def span_scan(case: Case) -> dict[str, Any]:
    """Return the gains of a future and a short call over sixteen scenarios, and the worst."""
    gains = np.array([case.inputs["future"], case.inputs["short_call"]], dtype=float).T
    found = scan_risk(-gains, [1.0, 1.0])
    return {"portfolio": (-found.losses).tolist(), "scan_risk": found.scan_risk, "scenario": found.scenario}


def scan_plus_contingency(case: Case) -> dict[str, float]:
    """Return forward, contingency and worst gain of a future under moves of both signs."""
    i = case.inputs
    forward = i["index"] * (1.0 + i["basis"] * i["days"] / 365.0)
    unit = RiskUnit(underlying="ETH", spot=i["index"], perpetual=i["size"], perpetual_price=forward)
    moves = [Scenario(spot=-i["shock"]), Scenario(spot=i["shock"])]
    worst = float(scenario_profits(unit, moves, VolatilityScaling()).min())
    return {"forward": forward, "contingency": i["contingency"] * i["size"] * i["index"], "worst_pnl": worst}


def scenario_table(case: Case) -> list[list[float]]:
    """Return the rows of a scenario table in per cent."""
    table = load_venue_rules("paradex-portfolio").parameters.to_frame()
    return (100.0 * table[["spot", "volatility", "weight"]]).round(9).to_numpy().tolist()


def short_option(case: Case) -> dict[str, float]:
    """Return margins (with the venue's sign) and value of one short option."""
    i = case.inputs
    time = i["seconds"] / SECONDS_PER_YEAR
    price = black76_price(i["forward"], i["strike"], time, i["vol"], bool(i["call"]), discount=i["discount"])
    value = i["qty"] * float(price)
    p = i["params"]
    rates = ShortOptionRates(
        initial=p["max_spot"],
        initial_minimum=p["min_spot"],
        call_maintenance=p["mm_call"],
        put_maintenance=p["mm_put"],
        put_maintenance_of_mark=p["mm_put_mtm"],
        put_initial_over_maintenance=p["put_im_over_mm"],
    )
    margin = short_option_margin(
        spot=i["spot"], strike=[i["strike"]], is_call=[bool(i["call"])], quantity=[i["qty"]], value=[value], rates=rates
    )
    return {"im": -float(margin.initial[0]), "mm": -float(margin.maintenance[0]), "mtm": value}


def spread(case: Case) -> dict[str, float]:
    """Return margins (with the venue's sign) of options of one expiry."""
    i, legs = case.inputs, case.inputs["legs"]
    ones = np.ones(len(legs))
    options = OptionLegs(
        quantity=[leg["qty"] for leg in legs],
        strike=[leg["strike"] for leg in legs],
        is_call=[bool(leg["call"]) for leg in legs],
        # The largest loss at expiry asks for neither time nor volatility.
        forward=i["spot"] * ones,
        time=ones / 12.0,
        volatility=0.8 * ones,
    )
    margin = expiry_margin(
        options, spot=i["spot"], parameters=load_venue_rules("derive-standard").parameters_for("ETH")
    )
    return {"im": -margin.initial, "mm": -margin.maintenance}


def risk_aggregate(case: Case) -> dict[str, float]:
    """Return the aggregate of seven risk amounts."""
    return {"mmr": aggregate_risk_amounts(RiskAmounts(*(float(case.inputs[f"mr{k}"]) for k in range(1, 8))))}


def scenario_portfolio(case: Case) -> dict[str, float]:
    """Return margins, value and worst scenarios (with the venue's signs) of an account."""
    found = scenario_portfolio_margin(account_of(case.inputs), parameters_of(_parameter_set(case)))
    return {
        "im": found.initial_excess,
        "mm": found.maintenance_excess,
        "mtm": found.mark_to_market,
        "cash": found.cash,
        "worst_regular": -found.worst_loss("regular"),
        "worst_tail": -found.worst_loss("tail"),
        "worst_skew": -found.worst_loss("skew"),
        "forward_contingency": -found.worst_loss("basis"),
    }


def _parameter_set(case: Case) -> dict[str, Any]:
    """Return the set an entry names: its own, that of a file beside it, or the stored copy."""
    name = case.inputs["parameter_set"]
    if isinstance(name, dict):
        return name
    for path in (*sorted(Path(case.folder).glob("*.json")), STORED):
        if name in (sets := _parameter_sets(path)):
            return sets[name]
    raise KeyError(f"no file beside the entry holds the parameter set {name}")


@cache
def _parameter_sets(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text())
    return document.get("parameter_sets", {}) if isinstance(document, dict) else {}


def account_of(i: dict[str, Any]) -> ScenarioAccount:
    """Return the account of an entry."""
    perpetual = PerpetualHolding(
        quantity=i["NumPerps"],
        price=i["PerpPrice"] or i["SpotPrice"],
        confidence=i["PerpConfidence"],
        unrealised=i["UnrealisedPerpPNL"] + i["UnrealisedFunding"],
    )
    holds = i["NumPerps"] or perpetual.unrealised
    collateral = [
        CollateralHolding(
            name=c["Name"],
            amount=c["Amount"],
            price=c["Price"],
            confidence=c["Confidence"],
            cancels_risk=c["IsRiskCancelling"],
            maintenance_haircut=c["MMHaircut"],
            initial_haircut=c["IMHaircut"],
        )
        for c in i["collateral"]
    ]
    return ScenarioAccount(
        spot=i["SpotPrice"],
        spot_confidence=i["SpotConfidence"],
        stable_price=i["StablePrice"],
        cash=i["Cash"],
        perpetual=perpetual if holds else None,
        expiries=[_expiry(feed, i["options"]) for feed in i["feeds"]],
        collateral=collateral,
    )


def _expiry(feed: dict[str, Any], options: list[list[float]]) -> ExpiryHolding:
    rows = [row for row in options if row[0] == feed["sec"]]
    return ExpiryHolding.of(
        seconds=feed["sec"],
        forward=feed["forward"],
        strike=[row[1] for row in rows],
        is_call=[bool(row[2]) for row in rows],
        quantity=[row[3] for row in rows],
        volatility=[row[4] for row in rows],
        rate=feed["rate"],
        confidence=min(feed["fwd_conf"], feed["rate_conf"], feed["vol_conf"]),
    )


def parameters_of(p: dict[str, Any]) -> ScenarioPortfolioParameters:
    """Return the parameters of a set of the reference file."""
    shocks = {"Up": p["VolShock"]["VOLRANGEUP"], "Down": -p["VolShock"]["VOLRANGEDOWN"], "None": 0.0}
    rows = [(s - 1.0, kind, w) for s, kind, w in p["scenarios"]]
    moves = [{"spot": s, "volatility": shocks[kind], "weight": w} for s, kind, w in rows if kind in shocks]
    weights = {kind: w for _, kind, w in rows if kind not in shocks}
    v, s, m, b, c = (p[k] for k in ("VolShock", "SkewShock", "Margin", "BasisContingency", "OtherContingency"))
    return ScenarioPortfolioParameters.model_validate(
        {
            "regular": [move for move in moves if abs(move["spot"]) < 0.25],
            "tail": [move for move in moves if abs(move["spot"]) >= 0.25],
            "volatility": {
                "short_power": v["SHORTTERMPOWER"],
                "long_power": v["LONGTERMPOWER"],
                "floor_days": v["DTE_FLOOR"],
                "minimum_up": v["MIN_VOL_EVAL_SHOCKED"],
            },
            "skew": {
                "linear_cap_base": s["LINEAR_SCALE_CAP"],
                "linear_cap_slope": s["LINEAR_CBASE"],
                "linear_weight": weights["LINEAR"],
                "absolute_cap_base": s["ABS_SCALE_CAP"],
                "absolute_cap_slope": s["ABS_CBASE"],
                "absolute_weight": weights["ABS"],
                "minimum_width": s["MIN_K_STAR"],
                "width_scale": s["MIN_WIDTH_SCALE"],
                "width_static": s["VOL_PARAM_STATIC"],
                "width_slope": s["VOL_PARAM_SCALE"],
            },
            "discounting": {
                "positive_factor": m["BASE_STATIC_DISCOUNT"],
                "positive_rate_multiple": m["LONG_RATE_MULTSCALE"],
                "positive_rate_addition": m["LONG_RATE_ADDSCALE"],
                "negative_factor": m["BASE_STATIC_DISCOUNT_NEG"],
                "negative_rate_multiple": m["SHORT_RATE_MULTSCALE"],
                "negative_rate_addition": m["SHORT_RATE_ADDSCALE"],
            },
            "basis": {
                "spot_up": b["SCENARIO_SPOT_UP"] - 1.0,
                "spot_down": b["SCENARIO_SPOT_DOWN"] - 1.0,
                "addition": b["BASIS_CONT_ADD_FACTOR"],
                "per_year": b["BASIS_CONT_MULT_FACTOR"],
            },
            "charges": {
                "perpetual_maintenance": c["MM_PERP_PERCENT"],
                "perpetual_initial": c["IM_PERP_PERCENT"],
                "option_maintenance": c["MM_OPTION_PERCENT"],
                "option_initial": c["IM_OPTION_PERCENT"],
                "confidence_threshold": c["CONF_THRESHOLD"],
                "confidence_scale": c["CONF_MARGIN"],
                "stable_threshold": c["PEG_LOSS_THRESHOLD"],
                "stable_factor": c["PEG_LOSS_FACTOR"],
            },
            "maintenance_factor": m["MM_LOSS_FACTOR"],
            "initial_factor": m["IM_LOSS_FACTOR"],
        }
    )


VENUE_METHODS: dict[str, Callable[[Case], Any]] = {
    "span_scan": span_scan,
    "scan_plus_contingency": scan_plus_contingency,
    "scenario_table": scenario_table,
    "standard_margin_short_option": short_option,
    "standard_margin_spread": spread,
    "okx_portfolio_mmr": risk_aggregate,
    "scenario_portfolio_margin": scenario_portfolio,
}
