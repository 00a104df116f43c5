"""One simulated result for each drawing of volatility, options and margin, to try on all what every figure must do."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd

from volkit import report
from volkit.report.plots_insolvency import plot_equity_fan, plot_insolvency_curve
from volkit.report.plots_premium import plot_implied_realized
from volkit.report.plots_volatility import plot_volatility_estimators
from volkit.results import Provenance, SeriesProvenance

DAYS = pd.date_range("2020-01-01", periods=900, tz="UTC", name="time")
NOW = pd.Timestamp("2024-03-01 08:00", tz="UTC")


def provenance_of(*names):
    return Provenance(
        tuple(
            SeriesProvenance(name=n, source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
            for n in names
        )
    )


MADE = provenance_of("BTC")


@cache
def returns(name="BTC", seed=1):
    waves = 0.03 * np.exp(0.6 * np.sin(np.arange(len(DAYS)) / 60.0))
    return pd.Series(waves * np.random.default_rng(seed).standard_t(4, len(DAYS)) * 0.7, DAYS, name=name).clip(-0.4)


@cache
def calibrated():
    from volkit.margin import MarginPolicy, calibrate_margin

    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200, floor=0.02)
    return calibrate_margin(
        returns(), policy=policy, periods_per_year=365, methods=["historical", "cornish_fisher"],
        current={"initial_margin_long": 0.1}, provenance=MADE,
    )  # fmt: skip


@cache
def battery():
    from volkit.validation import coverage_battery

    columns = pd.MultiIndex.from_product([["BTC"], ["long", "short"]])
    losses = pd.DataFrame(np.random.default_rng(1).normal(size=(600, 2)), columns=columns)
    regimes = pd.Series(np.where(np.arange(600) < 300, "calm", "wild"))
    return coverage_battery(losses, 0.0 * losses + 1.9, confidence=0.99, regimes=regimes, n_draws=0)


@cache
def frontier():
    from volkit.margin import MarginPolicy
    from volkit.margin.frontier import policy_frontier

    policies = {
        f"{method} {c}": MarginPolicy(method=method, confidence=c, lookback=lookback)
        for method, lookback in [("historical", 200)]
        for c in (0.95, 0.975, 0.99)
    }
    return policy_frontier(
        {"BTC": returns()}, policies, periods_per_year=365, rng=np.random.default_rng(2), confidence=0.95, n_draws=100,
        provenance=MADE,
    )  # fmt: skip


@cache
def treated():
    from volkit.margin import MarginPolicy, margin_schedule
    from volkit.margin.procyclicality import AntiProcyclicality, Buffer, LongFloor, SpeedLimit, StressWeight

    policy = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=60, floor=0.01)
    schedule = margin_schedule(returns(), policy=policy, periods_per_year=365, provenance=MADE)
    tools = AntiProcyclicality(
        stress_weight=StressWeight(window=60),
        buffer=Buffer(),
        long_floor=LongFloor(),
        speed_limit=SpeedLimit(largest_rise=0.002),
    )
    return tools.apply(schedule, returns())


@cache
def tiers():
    from volkit.margin.tiers import TierTable

    return TierTable(
        floors=(0.0, 1e5, 1e6, 1e7), maintenance_rates=(0.004, 0.005, 0.01, 0.05),
        initial_rates=(0.01, 0.02, 0.04, 0.1), cap=5e7, asset="BTC", currency="USDT",
        as_of=pd.Timestamp("2024-10-31", tz="UTC"),
    )  # fmt: skip


@cache
def designed():
    from volkit.margin.tiers import design_tiers

    lost = np.abs(np.random.default_rng(1).standard_t(4, 3_000)) * 0.005
    return design_tiers(
        lost, lambda n: 0.04 * (n / 1e9) ** 0.5, bounds=(0.0, 1e5, 1e6, 1e7, 5e7), confidence=0.99, buffer=0.005,
        rng=np.random.default_rng(2), currency="USDT",
    )  # fmt: skip


@cache
def implied():
    from volkit.margin.tiers import implied_margin

    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.004, 3_000)))
    times = pd.date_range("2024-01-01", periods=3_000, freq="1h", tz="UTC")
    bars = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), close), index=times)
    return implied_margin(tiers(), bars, horizons=[1, 4, 24], provenance=MADE)


@cache
def tails_given_state():
    from volkit.margin.bridge import conditional_tails

    state = pd.DataFrame({"correlation": np.random.default_rng(2).standard_normal(len(DAYS))}, DAYS)
    return conditional_tails(returns(), state, method="nearest_states", confidence=0.95, provenance=MADE)


@cache
def stress():
    from volkit.margin import MarginPolicy, margin_schedule
    from volkit.margin.bridge import stress_replay
    from volkit.sources import load_events

    policy = MarginPolicy(method="historical", confidence=0.95, lookback=60)
    schedule = margin_schedule(returns(), policy=policy, periods_per_year=365, provenance=MADE)
    return stress_replay(schedule, load_events(), returns=returns())


@cache
def moves():
    a, e, g = np.random.default_rng(1).standard_normal((3, 700))
    return pd.DataFrame({"BTC": a, "ETH": 0.8 * a + 0.6 * e, "GOLD": g}, index=DAYS[:700])


@cache
def verdicts():
    from volkit.correlation.bounds import offset_verdicts

    made = provenance_of("BTC", "ETH", "GOLD")
    return offset_verdicts(moves(), window=90, rng=np.random.default_rng(1), n_draws=99, provenance=made)


@cache
def comparison():
    from volkit.realtime.online import QuantileTracker
    from volkit.realtime.replay import compare_static_dynamic, start_live
    from volkit.volatility import Ewma

    rng, n = np.random.default_rng(6), 4000
    size = np.where(np.arange(n) > 2000, 0.02, 0.008)
    times = pd.date_range("2023-01-01", periods=n, freq="1h", tz="UTC", name="time")
    close = pd.DataFrame({"close": 100.0 * np.exp(np.cumsum(size * rng.standard_t(4, n) * 0.7))}, index=times)
    start = start_live(close, n_train=1000, target=0.02, model=Ewma(half_life=72), asset="SIM")
    return compare_static_dynamic(
        start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short,
        calibrator=QuantileTracker(confidence=0.98), provenance=provenance_of("SIM"),
    )  # fmt: skip


@cache
def book():
    from volkit.options.chain import prepare_chain, simulate_chain

    return prepare_chain(simulate_chain(underlying="BTC", forward=90_000.0))


@cache
def smiles():
    from volkit.options.chain import smile

    return [smile(book(), day) for day in book().quotes["expiry"].drop_duplicates().iloc[:3]]


@cache
def term():
    from volkit.options.chain import term_structure

    return term_structure(book())


@cache
def surface():
    from volkit.options.surface import fit_surface

    return fit_surface(book())


@cache
def premium():
    from volkit.volatility.premium import ex_post_premium

    rng = np.random.default_rng(3)
    level = 0.6 + 0.15 * np.sin(np.arange(600) / 50)
    implied_volatility = pd.Series(level + 0.05 + 0.02 * rng.standard_normal(600), DAYS[:600], name="BTC")
    squared = pd.Series(level**2 / 365 * rng.standard_normal(600) ** 2, DAYS[:600])
    return ex_post_premium(implied_volatility, squared, horizon=10, periods_per_year=365, provenance=MADE)


@cache
def strip():
    from volkit.options.black76 import black76_price
    from volkit.options.index import variance_strip

    strike = np.arange(60.0, 170.0, 5.0)
    call, put = (black76_price(100.0, strike, 0.1, 0.6, c) for c in (True, False))
    quotes = pd.DataFrame({"strike": strike, "call_bid": call, "call_ask": call, "put_bid": put, "put_ask": put})
    return variance_strip(quotes, minutes=52_560, rate=0.0, provenance=MADE)


@cache
def gamma():
    from volkit.options.exposure import gamma_exposure

    rows = [(k, c, 10.0 * i) for i, k in enumerate(np.arange(80.0, 125.0, 5.0), 1) for c in (True, False)]
    quotes = pd.DataFrame(rows, columns=["strike", "is_call", "open_interest"])
    quotes = quotes.assign(
        instrument=[f"{k:g}{c}" for k, c, _ in rows], expiry=NOW + pd.Timedelta(days=9), forward=100.0,
        implied_volatility=np.where(quotes["is_call"], 0.5, 0.7),
    )  # fmt: skip
    found = SimpleNamespace(quotes=quotes, settlement="usd", underlying="X", as_of=NOW)
    return gamma_exposure(found, spot=100.0, provenance=MADE)


@cache
def attribution():
    from volkit.options.exposure import attribute_path

    times = pd.date_range(NOW, periods=20, freq="D")
    held = pd.DataFrame(
        {"expiry": NOW + pd.Timedelta(days=60), "strike": 100.0, "is_call": [True, False], "quantity": -1.0}
    )
    forward = pd.Series(100 * np.exp(np.cumsum(0.03 * np.random.default_rng(1).standard_normal(20))), times)
    return attribute_path(held, forward, pd.Series(0.6, times), funding_rate=0.1, provenance=MADE)


@cache
def grid():
    from volkit.instruments import MarketState, Option, Perpetual
    from volkit.portfolio.scenarios import risk_array, scenario_grid

    now, expiry = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-03-27 08:00", tz="UTC")
    market = MarketState(
        as_of=now, spot=pd.Series({"BTC": 80_000.0}), forwards=pd.Series({("BTC", expiry): 81_000.0}),
        volatility=lambda _coin, _expiry, strikes: np.full(len(strikes), 0.5), provenance=MADE,
    )  # fmt: skip
    legs = [Perpetual("BTC"), Option("BTC", expiry, 90_000.0, True), Option("BTC", expiry, 60_000.0, False)]
    scenarios = scenario_grid([-0.15, -0.05, 0.0, 0.05, 0.15], [-0.25, 0.0, 0.4], days=[1.0])
    far = scenarios.with_tails([-0.5, 0.5], constant=0.16, volatilities=[0.4])
    units = {legs[0].name: 0.5, legs[1].name: -2.0, legs[2].name: -3.0}
    return risk_array(legs, market, far), units


@cache
def scanned():
    from volkit.portfolio.scenarios import scan_margin

    array, units = grid()
    return scan_margin(units, array)


@cache
def pnl():
    scale = np.array([[9e5], [7e5], [5e5], [3e5]])
    return pd.DataFrame(np.random.default_rng(1).standard_t(4, (4, 800)) * scale)


@cache
def modes():
    from volkit.portfolio.netting import margin_modes

    return margin_modes(
        pnl(), group=list("aabb"), account=list("xxyy"), confidence=0.95, cost_of_capital=0.1, provenance=MADE
    )


@cache
def neutrality():
    from volkit.portfolio.netting import insolvency_neutrality

    return insolvency_neutrality(pnl(), confidence=0.95, account=list("xxyy"), provenance=MADE)


@cache
def programme():
    from volkit.portfolio.efficiency import hedge_programme

    values = pnl().to_numpy()
    return hedge_programme(
        -values.sum(axis=0), -values[:2], confidence=0.95, bounds=(0, 0.8), costs=100.0, provenance=MADE
    )


@cache
def rolling():
    from volkit.volatility import Ewma, rolling_forecast

    return [
        rolling_forecast(
            Ewma(), returns(n, s).iloc[:400], window=100, periods_per_year=365, provenance=provenance_of(n)
        )
        for n, s in (("BTC", 1), ("ETH", 2))
    ]


@cache
def fits():
    from volkit.volatility import Ewma

    return [Ewma(half_life=h).fit(returns(), periods_per_year=365, provenance=MADE) for h in (10, 33)]


@cache
def cone():
    from volkit.volatility.measured.cone import volatility_cone

    return volatility_cone(returns(), windows=[7, 30, 90], periods_per_year=365, provenance=MADE)


@cache
def hill():
    from volkit.volatility.tails.hill import hill_plot_data

    return hill_plot_data((-returns()).rename("BTC long"))


@cache
def thresholds():
    from volkit.volatility.tails.thresholds import threshold_diagnostics

    return threshold_diagnostics((-returns()).rename("BTC long"), unit="decimal")


@cache
def quantiles():
    from volkit.volatility.tails.quantiles import quantile_quantile

    return quantile_quantile(returns())


@cache
def forecasts():
    from volkit.volatility.evaluation import compare_forecasts

    rng = np.random.default_rng(3)
    variance = pd.Series(4e-4 * np.exp(0.8 * np.sin(np.arange(800) / 40)), index=DAYS[:800])
    proxy = (variance.shift(1) * rng.chisquare(3, 800) / 3).dropna().rename("BTC")
    models = {
        "constant": pd.Series(4e-4, index=DAYS[:800]) * np.exp(0.01 * rng.standard_normal(800)),
        "half as wrong": np.sqrt(4e-4 * variance),
        "a model with the right variance": variance,
    }
    return compare_forecasts(models, proxy, rng=np.random.default_rng(1), provenance=MADE)


@cache
def regimes():
    from volkit.volatility.regimes.model import VolatilityRegimes

    model = VolatilityRegimes(n_regimes=2, n_starts=2)
    return model.fit(returns(), periods_per_year=365, provenance=MADE)


@cache
def estimates():
    from volkit.volatility import parkinson_volatility, zero_mean_volatility

    rng, n = np.random.default_rng(5), len(DAYS)
    steps = 0.035 / 24**0.5 * rng.standard_normal((n, 24)) * (1.0 + 0.5 * np.sin(np.arange(n) / 80.0))[:, None]
    path = np.exp(np.cumsum(steps.ravel()).reshape(n, 24))
    bars = pd.DataFrame(
        {"open": np.r_[1.0, path[:-1, -1]], "high": path.max(axis=1), "low": path.min(axis=1), "close": path[:, -1]},
        index=DAYS,
    )
    bars["high"] = bars[["open", "high", "close"]].max(axis=1)
    bars["low"] = bars[["open", "low", "close"]].min(axis=1)
    year = 365**0.5
    close = bars["close"].pct_change()
    made = {
        "close to close": zero_mean_volatility(close, window=30),
        "Parkinson": parkinson_volatility(bars, window=30),
    }
    return pd.DataFrame(made) * year


@cache
def account():
    from volkit.instruments import MarketState, PositionBook
    from volkit.scenarios.paths import PathSet

    now = pd.Timestamp("2026-01-01", tz="UTC")
    market = MarketState(as_of=now, spot=pd.Series({"BTC": 80_000.0}))
    frame = pd.DataFrame(
        [("A", "BTC_USDC-PERPETUAL", -1.0, 80_000.0, "position"), ("A", "USD", 5_000.0, np.nan, "cash")],
        columns=["account", "instrument", "quantity", "entry_price", "kind"],
    )
    shocks = np.random.default_rng(1).standard_t(5, (3_000, 24, 1))
    paths = PathSet(
        values=np.exp(np.cumsum(0.006 * shocks, axis=1)), step=pd.Timedelta("1h"), assets=("BTC",), engine="t walk",
        seed="1", provenance=MADE,
    )  # fmt: skip
    return PositionBook.from_frame(frame), market, paths


@cache
def insolvency():
    from volkit.realtime.insolvency import insolvency_margin

    return insolvency_margin(*account(), target=0.002)


# Name of the case: its drawing on given axes.
CASES = {
    "plot_margin_schedule": lambda ax: report.plot_margin_schedule(calibrated().schedule, ax=ax),
    "plot_coverage": lambda ax: report.plot_coverage(calibrated().backtests, ax=ax),
    "plot_parameters": lambda ax: report.plot_parameters([calibrated(), replace(calibrated(), asset="ETH")], ax=ax),
    "plot_exception_cells": lambda ax: report.plot_exception_cells(battery(), ax=ax),
    "plot_frontier": lambda ax: report.plot_frontier(
        frontier(), chosen="historical 0.975", current="historical 0.95", ax=ax
    ),
    "plot_treated_margin": lambda ax: report.plot_treated_margin(treated(), ax=ax),
    "plot_tiers": lambda ax: report.plot_tiers(tiers(), designed=designed(), ax=ax),
    "plot_implied_confidence": lambda ax: report.plot_implied_confidence(implied(), ax=ax),
    "plot_conditional_margin": lambda ax: report.plot_conditional_margin(tails_given_state(), ax=ax),
    "plot_stress_replay": lambda ax: report.plot_stress_replay(stress(), ax=ax),
    "plot_correlation_bounds": lambda ax: report.plot_correlation_bounds(verdicts(), ax=ax),
    "plot_replay": lambda ax: report.plot_replay(comparison().replay, ax=ax),
    "plot_replay_equity": lambda ax: report.plot_replay_equity(comparison().replay, ax=ax),
    "plot_static_dynamic": lambda ax: report.plot_static_dynamic(comparison(), ax=ax),
    "plot_smile": lambda ax: report.plot_smile(smiles(), ax=ax),
    "plot_term_structure": lambda ax: report.plot_term_structure(term(), ax=ax),
    "plot_risk_reversals": lambda ax: report.plot_risk_reversals(term(), ax=ax),
    "plot_surface_smiles": lambda ax: report.plot_surface_smiles(surface(), ax=ax),
    "plot_surface": lambda ax: report.plot_surface(surface(), ax=ax),
    "plot_density_factor": lambda ax: report.plot_density_factor(surface(), ax=ax),
    "plot_arbitrage": lambda ax: report.plot_arbitrage(surface(), ax=ax),
    "plot_premium": lambda ax: report.plot_premium(premium(), ax=ax),
    "plot_variance_strip": lambda ax: report.plot_variance_strip(strip(), ax=ax),
    "plot_gamma_exposure": lambda ax: report.plot_gamma_exposure(gamma(), ax=ax),
    "plot_attribution": lambda ax: report.plot_attribution(attribution(), ax=ax),
    "plot_risk_array": lambda ax: report.plot_risk_array(*grid(), ax=ax),
    "plot_margin_contributions": lambda ax: report.plot_margin_contributions(scanned(), ax=ax),
    "plot_margin_modes": lambda ax: report.plot_margin_modes(modes(), ax=ax),
    "plot_neutrality": lambda ax: report.plot_neutrality(neutrality(), ax=ax),
    "plot_hedge_programme": lambda ax: report.plot_hedge_programme(programme(), ax=ax),
    "plot_volatility": lambda ax: report.plot_volatility(rolling(), ax=ax),
    "plot_volatility_models": lambda ax: report.plot_volatility_models(fits(), ax=ax),
    "plot_volatility_cone": lambda ax: report.plot_volatility_cone(cone(), ax=ax),
    "plot_hill": lambda ax: report.plot_hill(hill(), ax=ax),
    "plot_mean_excess": lambda ax: report.plot_mean_excess(thresholds(), ax=ax),
    "plot_threshold_stability": lambda ax: report.plot_threshold_stability(thresholds(), ax=ax),
    "plot_quantile_quantile": lambda ax: report.plot_quantile_quantile(quantiles(), ax=ax),
    "plot_forecast_comparison": lambda ax: report.plot_forecast_comparison(forecasts(), ax=ax),
    "plot_cumulative_loss_difference": lambda ax: report.plot_cumulative_loss_difference(forecasts(), ax=ax),
    "plot_volatility_estimators": lambda ax: plot_volatility_estimators(
        estimates(), asset="BTC", window=30, provenance=MADE, ax=ax
    ),
    "plot_implied_realized": lambda ax: plot_implied_realized(premium(), ax=ax),
    "plot_insolvency_curve": lambda ax: plot_insolvency_curve(insolvency(), ax=ax),
    "plot_equity_fan": lambda ax: plot_equity_fan(*account(), ax=ax),
    "plot_regimes": lambda ax: report.plot_regimes(regimes(), ax=ax),
}
