"""One simulated result a drawing of correlation, macro, impact, contagion, solvency and data, for what all must do."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from test_plots_correlation_regimes import fit_of
from test_plots_dependence import exceedance_of, tail_of
from test_plots_events import study_of
from test_plots_impact import AT, DEPTH, DRAWN, ONE, simulated_minutes
from test_plots_macro import directional_of, hedge_of, response_of, rolling_of, split_of
from test_plots_measures import panel
from test_plots_networks import network_of
from test_plots_spillover import BOOK, MARKET, PATH, loans
from test_plots_spillover import DEPTH as SOLD_INTO

from volkit import report
from volkit.results import Provenance, SeriesProvenance

MADE = Provenance(
    (SeriesProvenance(name="X", source="drawn", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


def made(result):
    return replace(result, provenance=MADE)


@cache
def moves(n=500):
    a, e, g = np.random.default_rng(1).standard_normal((3, n))
    times = pd.date_range("2021-09-01", periods=n, tz="UTC", name="time")
    lead = np.append(0.0, a[:-1])
    return 0.01 * pd.DataFrame({"BTC": a, "ETH": 0.6 * a + 0.4 * lead + 0.5 * e, "GOLD": g}, index=times)


@cache
def broken_pair():
    x, e = np.random.default_rng(1).standard_normal((2, 600))
    share = np.repeat([0.0, 0.9], 300)
    times = pd.date_range("2020-01-01", periods=600, tz="UTC", name="time")
    return pd.Series(x, times, name="BTC"), pd.Series(share * x + np.sqrt(1.0 - share**2) * e, times, name="SPX")


@cache
def level():
    times = pd.date_range("2020-01-01", periods=300, tz="UTC", name="time")
    values = np.repeat([0.0, -2.0, 1.0], 100) + np.random.default_rng(1).standard_normal(300)
    return pd.Series(values, index=times, name="spread (per cent)")


def rolling_correlation():
    from volkit.correlation import rolling_correlation

    return made(rolling_correlation(moves()["BTC"], moves()["ETH"], window=90, periods_per_year=365))


def eras():
    from volkit.correlation import correlation_by_era

    times = moves().index
    spans = {"first": (times[0], times[250]), "second": (times[250], times[-1])}
    return [made(correlation_by_era(moves()["BTC"], moves()[name], eras=spans)) for name in ("ETH", "GOLD")]


def matrix():
    from volkit.correlation import correlation_matrix

    return made(correlation_matrix(moves()))


def betas():
    from volkit.correlation import macro_betas

    factors = moves()[["ETH", "GOLD"]]
    return made(macro_betas(moves()["BTC"], factors, units={"ETH": "log return", "GOLD": "log return"}))


def alarm():
    from volkit.correlation.change import breakdown_alarm

    end = pd.Timestamp("2020-08-31", tz="UTC")
    draw = np.random.default_rng(1)
    return made(breakdown_alarm(*broken_pair(), reference_end=end, horizon=500, rng=draw, n_draws=99))


def fluctuation():
    from volkit.correlation import correlation_break_test

    return made(correlation_break_test(*broken_pair()))


def breaks():
    from volkit.correlation.change import structural_breaks

    return made(structural_breaks(level(), rng=np.random.default_rng(1), n_draws=99))


def points():
    from volkit.correlation.change import change_points

    return made(change_points(level()))


def change():
    from volkit.correlation import correlation_change

    x, y = broken_pair()
    first, middle, last = (x.index[place] for place in (0, 300, -1))
    return made(correlation_change(x, y, before=(first, middle), after=(middle, last)))


@cache
def dcc():
    from volkit.correlation.dcc import Dcc

    return made(Dcc().fit(moves(), periods_per_year=365))


@cache
def spread_of_shocks():
    from volkit.correlation.connectedness import connectedness

    return made(connectedness(moves(), lags=1, horizon=5, rng=np.random.default_rng(1), n_draws=99))


@cache
def spread_through_time():
    from volkit.correlation.connectedness import rolling_connectedness

    draw = np.random.default_rng(1)
    return made(rolling_connectedness(moves(), lags=1, horizon=5, window=100, n_draws=39, rng=draw))


def frequencies():
    from volkit.correlation.connectedness import frequency_connectedness

    return made(frequency_connectedness(moves(), lags=1))


def correlogram():
    from volkit.correlation import cross_correlogram

    draw = np.random.default_rng(1)
    return made(cross_correlogram(moves()["BTC"], moves()["ETH"], max_lag=4, n_draws=99, rng=draw))


def granger():
    from volkit.correlation.leadlag import granger_network

    return made(granger_network(moves(), lags=2))


def granger_through_time():
    from volkit.correlation.leadlag import rolling_granger

    return made(
        rolling_granger(
            moves(), caused="ETH", causing="BTC", lags=2, window=100, every=20, horizon=500, n_draws=99,
            rng=np.random.default_rng(1),
        )
    )  # fmt: skip


def transmission():
    from volkit.correlation.macro import volatility_transmission

    units = {"ETH": "log return", "GOLD": "log return"}
    frame = moves(800)
    variance = (frame["BTC"] ** 2 + 1e-5).rename("BTC")
    return made(volatility_transmission(variance, frame[list(units)], units=units, lags=(1, 5), horizons=(1, 5)))


@cache
def venue_and_accounts():
    from volkit.contagion.cascade import LeveragedAccounts, Venue
    from volkit.impact.laws import LinearImpact

    rng = np.random.default_rng(4)
    accounts = LeveragedAccounts.from_leverage(
        price=60_000.0, notional=rng.lognormal(9.0, 1.0, 400), leverage=np.exp(rng.uniform(0.7, 3.7, 400)),
        side=np.where(rng.random(400) < 0.6, "long", "short"), maintenance_rate=0.005, provenance=MADE,
    )  # fmt: skip
    slope = 0.4 / float(np.abs(accounts.quantity).sum())
    return accounts, Venue(price=60_000.0, impact=LinearImpact(slope), half_life=12.0, fund=5e4, leftover="returned")


@cache
def cascade():
    from volkit.contagion.cascade import run_cascade

    return run_cascade(*venue_and_accounts(), shock=-0.08)


@cache
def cascades():
    from volkit.contagion.cascade import cascade_paths

    steps = 0.01 * np.random.default_rng(5).standard_normal((50, 30))
    return cascade_paths(*venue_and_accounts(), np.exp(np.cumsum(steps, axis=1)))


def mitigations():
    from volkit.contagion.cascade import PartialLiquidation, TradingHalt, compare_mitigations

    tried = {"halt": TradingHalt(drop=0.08, within=6, length=6), "part": PartialLiquidation()}
    return compare_mitigations(*venue_and_accounts(), mitigations=tried, shock=-0.08, steps=12)


@cache
def amplification():
    from volkit.contagion.fracture import amplification_curve

    return amplification_curve(*venue_and_accounts(), n_shocks=20)


def thresholds():
    from volkit.contagion.fracture import fracture_threshold

    return [fracture_threshold(*venue_and_accounts())]


def phases():
    from volkit.contagion.fracture import phase_diagram

    return phase_diagram(*venue_and_accounts(), leverages=[5, 50], depths=[0.5, 2.0])


def heat():
    from volkit.contagion.fracture import liquidation_heat_map

    return liquidation_heat_map(venue_and_accounts()[0], price=60_000.0)


def policies():
    from volkit.contagion.fracture import MarginTerms, policies_in_cascade

    terms = {f"{cap}x": MarginTerms.both(maintenance=0.005, initial=1.0 / cap) for cap in (50, 5)}
    return policies_in_cascade(*venue_and_accounts(), terms, shocks=[0.05, 0.15])


@cache
def claim():
    from volkit.contagion.fracture import velocity_claim

    return velocity_claim(n_venues=40, n_paths=20, n_replications=20)


def dealer_signs():
    from volkit.contagion.options import ConstantGamma, UniformLiquidations, split_by_dealer_sign
    from volkit.impact.laws import LinearImpact

    return split_by_dealer_sign(
        [UniformLiquidations(3_000.0)], ConstantGamma(-3_000.0), LinearImpact(1e-4), price=100.0, shock=-0.05,
        provenance=MADE,
    )  # fmt: skip


@cache
def cross_run():
    from volkit.contagion.cross import CrossAccounts, CrossVenue, cross_cascade
    from volkit.impact.laws import LinearImpact

    rng = np.random.default_rng(2)
    quantity = pd.DataFrame(rng.lognormal(0.0, 1.0, (200, 2)), columns=["BTC", "ETH"])
    price = pd.Series({"BTC": 100.0, "ETH": 10.0})
    leverage = pd.Series(np.exp(rng.uniform(0.5, 3.0, 200)))
    accounts = CrossAccounts.from_leverage(quantity, leverage=leverage, price=price, maintenance_rate=0.01)
    venue = CrossVenue(impact={"BTC": LinearImpact(0.001), "ETH": LinearImpact(0.001)}, fund=5.0)
    return made(cross_cascade(accounts, venue, pd.Series({"BTC": -0.1})))


@cache
def network():
    from volkit.contagion.networks import clearing_vector

    owed = network_of(12)
    return owed, clearing_vector(owed)


def ranking():
    from volkit.contagion.networks import systemic_ranking

    owed, _ = network()
    return systemic_ranking(owed, buffer=0.8 * owed.claims + 1.0)


def sampled():
    from volkit.contagion.networks import clear_samples, sample_networks

    owed, _ = network()
    drawn = sample_networks(owed.claims, owed.obligations, n_samples=20, rng=1, provenance=owed.provenance)
    return clear_samples(drawn, external_assets=owed.external_assets)


def fire_sale():
    from volkit.contagion.firesale import cont_schaanning

    return cont_schaanning(BOOK, shock={"BTC": -0.1, "ETH": -0.05}, depth=SOLD_INTO, maximum_leverage=5.0)


def overlaps():
    from volkit.contagion.firesale import portfolio_overlaps

    return portfolio_overlaps(BOOK, depth=SOLD_INTO)


def lags():
    from volkit.contagion.shared import lag_sensitivity

    return lag_sensitivity(loans(), MARKET, PATH, lags=[0, 1, 2, 3])


def defaults():
    from volkit.contagion.shared import OracleFeed, oracle_cascade

    return oracle_cascade(loans(), MARKET, PATH, feeds={"feed": OracleFeed(lag=3)}, settlement="fixed")


@cache
def sheet():
    from volkit.solvency.balance import BalanceSheet

    columns = ["entity", "side", "asset", "quantity", "price", "own_token", "liquid"]
    rows = [
        ("V", "asset", "BTC", 8.0, 80_000.0, False, True),
        ("V", "asset", "USD", 3e5, 1.0, False, True),
        ("V", "asset", "VEN", 1e6, 0.2, True, False),
        ("V", "liability", "BTC", 2.0, 80_000.0, False, True),
        ("V", "liability", "USD", 9e5, 1.0, False, True),
        ("W", "asset", "BTC", 1.0, 80_000.0, False, True),
        ("W", "liability", "USD", 5e4, 1.0, False, True),
    ]
    return BalanceSheet.from_frame(pd.DataFrame(rows, columns=columns), provenance=MADE)


@cache
def loan_book():
    from volkit.solvency.lending import LendingBook

    rng = np.random.default_rng(2)
    debt, health = rng.uniform(100, 900, 80), rng.uniform(0.95, 4.0, 80)
    positions = pd.DataFrame(
        {
            "account": [f"A{i}" for i in range(80)],
            "collateral_asset": rng.choice(["BTC", "ETH"], 80),
            "collateral_quantity": health * debt / 0.8,
            "debt_asset": "USD",
            "debt_quantity": debt,
        }
    )
    terms = pd.DataFrame({"asset": ["BTC", "ETH", "USD"], "price": 1.0, "liquidation_threshold": 0.8,
                          "liquidation_bonus": 0.05, "oracle": "feed"})  # fmt: skip
    return LendingBook.from_frames(positions, terms, provenance=MADE)


def reserves():
    from volkit.margin import MarginPolicy
    from volkit.solvency.reserves import reserves_through_time

    times = pd.date_range("2024-01-01", periods=260, tz="UTC", name="time")
    path = np.exp(np.cumsum(np.random.default_rng(5).standard_t(4, 260) * 0.03))
    close = pd.DataFrame({"BTC": 8e4 * path, "VEN": 0.2 * path**2}, index=times)
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    return reserves_through_time(sheet(), close, policy=policy, periods_per_year=365)


LOSSES = np.maximum(np.random.default_rng(1).standard_t(3, 2000) - 1.0, 0.0) * 1e6


@cache
def waterfall():
    from volkit.solvency.waterfall import loss_waterfall, venue_layers

    return loss_waterfall(LOSSES, venue_layers(margin=1e6, fund=4e6, adl=1e8), provenance=MADE)


def bad_debt():
    from volkit.solvency.default import bad_debt_measures

    return made(bad_debt_measures(LOSSES))


@cache
def deleveraging():
    from volkit.solvency.waterfall import compare_adl_policies

    rng = np.random.default_rng(2)
    size = rng.lognormal(1.0, 1.2, 300)
    frame = pd.DataFrame(
        {
            "account": np.arange(300), "quantity": -size, "entry_price": 100.0 + rng.uniform(-5.0, 40.0, 300),
            "collateral": size * 40.0, "turnover": rng.uniform(0.1, 9.0, 300),
        }
    )  # fmt: skip
    return compare_adl_policies(frame, mark=100.0, bankruptcy_price=112.0, shortfall=3000.0, provenance=MADE)


def cover():
    from volkit.solvency.fund import cover_k

    return made(cover_k([[10, 4, 0, 7, 2], [3, 9, 8, 1, 0]], fund=20.0))


def solvency(name, *arguments):
    from volkit.solvency import balance, lending, reserves

    room = next(one for one in (balance, lending, reserves) if hasattr(one, name))
    return getattr(room, name)(*arguments)


def measure(name, **settings):
    from volkit.contagion import measures

    return made(getattr(measures, name)(panel(), **settings))


def impact_laws():
    from volkit.impact.laws import BookImpact, LinearImpact

    return {"linear": LinearImpact(1e-3), "book": BookImpact.from_book(ONE)}


def velocity():
    from volkit.impact.laws import SquareRootImpact
    from volkit.impact.velocity import liquidity_velocity

    law = SquareRootImpact(constant=1.0, volatility=0.04, volume=10_000.0)
    return liquidity_velocity(law, price=100.0, half_life=pd.Timedelta("10min"), provenance=DRAWN)


def impact_fit():
    from volkit.impact.fitted import fit_impact

    return made(fit_impact(simulated_minutes(), volume_unit="coins", rng=np.random.default_rng(1)))


def half_life():
    from volkit.impact.resilience import depth_half_life

    times = pd.date_range(AT, periods=300, freq="1min")
    depth = pd.Series(np.random.default_rng(1).normal(10, 1, 300), index=times).rolling(5).mean().dropna()
    return made(depth_half_life(depth))


def gaps():
    from volkit.prices import GapReport

    day = pd.Timestamp("2024-01-01", tz="UTC")
    table = pd.DataFrame({"first": [day], "last": [day + pd.Timedelta("90D")], "bars": [88]}, index=["BTC 1d"])
    found = {
        "series": ["BTC 1d"],
        "kind": ["missing"],
        "first": [day + pd.Timedelta("9D")],
        "last": [day],
        "count": [2],
    }
    return GapReport(table=table, findings=pd.DataFrame({**found, "detail": ""}))


# Name of the drawing, what it draws, and what else it is told.
CASES = {
    "plot_rolling_correlation": (rolling_correlation, {}),
    "plot_correlation_eras": (eras, {}),
    "plot_correlation_matrix": (matrix, {}),
    "plot_betas": (betas, {}),
    "plot_regime_probabilities": (lambda: fit_of(simulated=True), {}),
    "plot_regime_correlation": (lambda: fit_of(simulated=True), {"first": "BTC", "second": "SPX"}),
    "plot_breakdown_alarm": (alarm, {}),
    "plot_correlation_breaks": (fluctuation, {}),
    "plot_structural_breaks": (breaks, {}),
    "plot_change_points": (points, {}),
    "plot_correlation_change": (change, {}),
    "plot_dcc_path": (dcc, {"first": "BTC", "second": "ETH"}),
    "plot_correlation_forecast": (lambda: made(dcc().forecast(10)), {"first": "BTC", "second": "ETH"}),
    "plot_tail_dependence": (lambda: made(tail_of()), {}),
    "plot_exceedance": (lambda: made(exceedance_of()), {}),
    "plot_connectedness": (spread_of_shocks, {}),
    "plot_net_connectedness": (spread_of_shocks, {}),
    "plot_connectedness_path": (spread_through_time, {}),
    "plot_net_connectedness_path": (spread_through_time, {}),
    "plot_frequency_connectedness": (frequencies, {}),
    "plot_cross_correlogram": (correlogram, {}),
    "plot_granger_network": (granger, {}),
    "plot_rolling_granger": (granger_through_time, {}),
    "plot_event_study": (lambda: made(study_of()), {}),
    "plot_rolling_betas": (lambda: made(rolling_of()), {"factor": "SPX"}),
    "plot_risk_split": (lambda: made(split_of()), {}),
    "plot_directional_betas": (lambda: made(directional_of()), {}),
    "plot_macro_hedge": (lambda: made(hedge_of()), {}),
    "plot_hedge_effectiveness": (lambda: made(hedge_of()), {}),
    "plot_volatility_response": (lambda: made(response_of()), {}),
    "plot_volatility_transmission": (transmission, {}),
    "plot_cascade_price": (cascade, {}),
    "plot_cascade_rounds": (cascade, {}),
    "plot_fund_paths": (cascades, {}),
    "plot_loss_payers": (cascades, {}),
    "plot_mitigations": (mitigations, {}),
    "plot_amplification": (amplification, {}),
    "plot_bad_debt_curve": (amplification, {}),
    "plot_phase_diagram": (phases, {}),
    "plot_liquidation_heat_map": (heat, {}),
    "plot_policies": (policies, {}),
    "plot_claim_scores": (claim, {}),
    "plot_claim_roc": (claim, {}),
    "plot_forced_flow": (dealer_signs, {}),
    "plot_cross_prices": (cross_run, {}),
    "plot_cross_liquidations": (cross_run, {}),
    "plot_exposure_network": (lambda: network()[0], {"state": lambda: network()[1]}),
    "plot_systemic_ranking": (ranking, {}),
    "plot_recovery": (lambda: network()[1], {}),
    "plot_sampled_defaults": (sampled, {}),
    "plot_fire_sale": (fire_sale, {}),
    "plot_overlaps": (overlaps, {}),
    "plot_lag_sensitivity": (lags, {}),
    "plot_default_timeline": (defaults, {}),
    "plot_health_factors": (lambda: solvency("health_distribution", loan_book()), {}),
    "plot_liquidation_map": (lambda: solvency("liquidation_map", loan_book(), np.linspace(0.0, 0.8, 9)), {}),
    "plot_reverse_stress": (lambda: solvency("reverse_stress", sheet()), {}),
    "plot_own_token_haircut": (lambda: solvency("own_token_sensitivity", sheet()), {}),
    "plot_reserve_path": (reserves, {}),
    "plot_reserve_ratios": (lambda: solvency("sheet_reserve_ratios", sheet()), {}),
    "plot_loss_layers": (waterfall, {}),
    "plot_layer_reach": (waterfall, {}),
    "plot_bad_debt": (bad_debt, {}),
    "plot_adl_haircuts": (deleveraging, {}),
    "plot_adl_lorenz": (deleveraging, {}),
    "plot_cover_k": (cover, {}),
    "plot_absorption": (lambda: measure("absorption_ratio", window=60, rng=np.random.default_rng(1)), {}),
    "plot_turbulence": (lambda: measure("turbulence", minimum=100), {}),
    "plot_systemic_table": (lambda: measure("systemic_table", market="SPX"), {}),
    "plot_impact_laws": (impact_laws, {"coins": 10.0, "simulated": True}),
    "plot_market_depth": (lambda: DEPTH, {}),
    "plot_velocity": (velocity, {}),
    "plot_impact_fit": (impact_fit, {}),
    "plot_half_life": (half_life, {}),
    "plot_gaps": (gaps, {}),
}


@cache
def drawing_of(name):
    """Return what draws a case upon the axes it is given; the result is worked out once."""
    make, settings = CASES[name]
    result = make()
    told = {key: value() if callable(value) else value for key, value in settings.items()}
    return lambda ax: getattr(report, name)(result, **told, ax=ax)
