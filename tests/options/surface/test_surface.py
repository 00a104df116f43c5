import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.options.chain import prepare_chain, simulate_chain
from volkit.options.surface import (
    SSVI,
    FittedSmile,
    RawSVI,
    SurfaceSpec,
    VolatilitySurface,
    check_arbitrage,
    fit_surface,
)
from volkit.options.surface.arbitrage import check_calendar

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")
TRUTH = SSVI(rho=-0.3, curvature="power_law", eta=1.2, gamma=0.4)
TIMES = (0.02, 0.1, 0.4, 1.0)
VOGT = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def quotes_of(volatility, times=TIMES, n=25, reach=2.0, half=0.005):
    """Return simulated two-sided quotes with a volatility by log-moneyness and time."""
    rows = []
    for t in times:
        k = reach * 0.5 * np.sqrt(t) * np.linspace(-1.0, 1.0, n)
        v = np.asarray(volatility(k, t))
        rows.append(pd.DataFrame({"log_moneyness": k, "time": t, "mark_volatility": v}))
    table = pd.concat(rows, ignore_index=True)
    forward = 100.0 * np.exp(0.05 * table["time"])
    return table.assign(
        expiry=AS_OF + pd.to_timedelta(365.0 * table["time"], unit="D"),
        forward=forward,
        strike=forward * np.exp(table["log_moneyness"]),
        is_call=table["log_moneyness"] > 0.0,
        bid_volatility=table["mark_volatility"] - half,
        ask_volatility=table["mark_volatility"] + half,
    )


def ssvi_volatility(k, t):
    return np.sqrt(TRUTH.total_variance(k, 0.25 * t) / t)


@pytest.fixture(scope="module")
def surface():
    return fit_surface(quotes_of(ssvi_volatility))


@pytest.fixture(scope="module")
def crossed():
    """Return a surface whose first smile is Vogt's and whose second lies below it in places."""
    curves = {1.0: lambda k: VOGT.total_variance(k), 1.1: lambda k: 0.02 + 0.02 * k**2}
    return fit_surface(quotes_of(lambda k, t: np.sqrt(curves[t](k) / t), times=(1.0, 1.1), reach=3.0))


def test_surface_recovers_the_smiles_it_was_made_from(surface):
    k = np.linspace(-0.2, 0.2, 9)

    for t in TIMES[1:]:
        np.testing.assert_allclose(surface.volatility(k, t), ssvi_volatility(k, t), atol=1e-5)
    assert surface.inside_share == 1.0
    assert surface.arbitrage.is_free_in_quotes
    np.testing.assert_allclose(surface.at_the_money, 0.5, atol=1e-5)
    assert surface.n_obs == 100
    assert abs(surface.quotes["residual"]).max() < 1e-4


def test_total_variance_runs_straight_between_expiries(surface):
    early, late = surface.slices[1], surface.slices[2]
    k = np.linspace(-0.2, 0.2, 9)
    middle = 0.5 * (early.time + late.time)

    got = surface.total_variance(k, middle)

    np.testing.assert_allclose(got, 0.5 * (early.total_variance(k) + late.total_variance(k)), rtol=1e-12)
    np.testing.assert_allclose(surface.volatility(k, middle) ** 2 * middle, got, rtol=1e-12)


def test_points_broadcast_and_fall_on_their_own_expiries(surface):
    k, t = np.meshgrid(np.linspace(-0.1, 0.1, 5), TIMES)

    together = surface.volatility(k, t)

    for row, smile in zip(together, surface.slices, strict=True):
        np.testing.assert_allclose(row, smile.volatility(k[0]), rtol=1e-12)


def test_volatility_by_strike_uses_the_forward(surface):
    expiry = surface.slices[2].expiry
    forward = float(surface.forward(surface.slices[2].time))

    at_forward = surface.volatility_at(forward, expiry)

    assert forward == pytest.approx(100.0 * np.exp(0.05 * 0.4), rel=1e-12)
    assert float(surface.forward(0.25)) == pytest.approx(100.0 * np.exp(0.05 * 0.25), rel=1e-12)
    assert float(at_forward) == pytest.approx(float(surface.at_the_money.iloc[2]), rel=1e-9)


@pytest.mark.parametrize("time", [0.01, 2.0])
def test_outside_the_expiries_nothing_is_said_unless_asked(surface, time):
    with pytest.raises(ArgumentError, match=r"between the first and the last expiry.*flat_forward"):
        surface.volatility(0.0, time)
    with pytest.raises(ArgumentError, match="between the first and the last"):
        surface.forward(time)

    beyond = surface.volatility(0.0, time, extrapolate="flat_forward")

    assert float(beyond) == pytest.approx(0.5, abs=1e-4)
    assert bool(surface.is_extrapolated(0.0, time))
    assert float(surface.forward(time, extrapolate="flat_forward")) == pytest.approx(
        100.0 * np.exp(0.05 * time), rel=1e-9
    )


def test_extrapolation_is_flagged_by_both_neighbours(surface):
    high = surface.slices[1].high

    assert not surface.is_extrapolated(high, surface.slices[1].time)
    assert surface.is_extrapolated(1.01 * high, surface.slices[1].time)
    # Between the first and the second, the narrower first decides.
    assert surface.is_extrapolated(high, 0.05)
    assert surface.is_extrapolated(surface.slices[1].low, 0.05)
    assert not surface.is_extrapolated(0.0, 0.05)


@pytest.mark.parametrize("time", [0.0, -0.1])
def test_times_that_have_passed_are_refused(surface, time):
    with pytest.raises(ArgumentError, match="time must be positive"):
        surface.volatility(0.0, time, extrapolate="flat_forward")


def test_arbitrage_is_reported_and_not_repaired(crossed):
    report = crossed.arbitrage

    assert not report.is_free
    assert report.butterfly["min_g"].iloc[0] == pytest.approx(-0.0329, abs=2e-3)
    assert report.calendar["n_intervals"].iloc[0] >= 1
    assert bool(report.calendar["in_quotes"].iloc[0])
    assert crossed.changes == ()
    assert "(1 between quotes), falling total variance in 1 of 1 pairs" in report.headline


def test_calendar_report_agrees_with_a_grid(crossed):
    early, late = crossed.slices
    grid = np.linspace(-3.0, 3.0, 6001)
    falls = late.total_variance(grid) < early.total_variance(grid)

    worst, place, intervals = check_calendar(early, late)

    inside = np.zeros(len(grid), dtype=bool)
    for start, end in intervals:
        inside |= (grid > start) & (grid < end)
    gap = np.abs(late.total_variance(grid) - early.total_variance(grid))
    assert np.array_equal(inside[gap > 1e-8], falls[gap > 1e-8])
    if np.isfinite(worst):
        assert worst == pytest.approx((early.total_variance(place) - late.total_variance(place)).item())


def test_wing_that_flattens_falls_without_end():
    early, late = (
        FittedSmile(expiry=AS_OF, time=t, forward=1.0, svi=svi, residual=None, low=-1.0, high=1.0)
        for t, svi in (
            (0.1, RawSVI(a=0.01, b=0.2, rho=0.0, m=0.0, sigma=0.1)),
            (0.2, RawSVI(a=0.05, b=0.15, rho=0.0, m=0.0, sigma=0.1)),
        )
    )

    worst, place, intervals = check_calendar(early, late)

    # 0.04 = 0.05 sqrt(k^2 + 0.01) at the ends.
    end = np.sqrt(0.8**2 - 0.01)
    assert worst == np.inf
    assert place == -np.inf
    assert intervals == ((-np.inf, pytest.approx(-end)), (pytest.approx(end), np.inf))


def test_fall_between_wings_is_measured_where_it_is_largest():
    early, late = (
        FittedSmile(expiry=AS_OF, time=t, forward=1.0, svi=svi, residual=None, low=-1.0, high=1.0)
        for t, svi in (
            (0.1, RawSVI(a=0.05, b=0.1, rho=0.0, m=0.0, sigma=0.1)),
            (0.2, RawSVI(a=0.03, b=0.2, rho=0.0, m=0.0, sigma=0.1)),
        )
    )

    worst, place, intervals = check_calendar(early, late)

    # 0.02 = 0.1 sqrt(k^2 + 0.01) at the ends, 0.02 - 0.01 in the middle.
    end = np.sqrt(0.2**2 - 0.01)
    assert worst == pytest.approx(0.01, rel=1e-9)
    assert place == pytest.approx(0.0, abs=1e-9)
    assert intervals == (pytest.approx((-end, end)),)


def test_quotes_whose_sides_miss_the_surface_are_told():
    quotes = quotes_of(ssvi_volatility)
    quotes.loc[10, ["bid_volatility", "ask_volatility"]] -= 0.1
    quotes.loc[40, ["bid_volatility", "ask_volatility"]] += 0.1

    surface = fit_surface(quotes)

    assert np.flatnonzero(~surface.quotes["is_inside"].astype(bool)).tolist() == [10, 40]
    assert surface.inside_share == 0.98


def test_repair_frees_the_surface_and_names_its_changes(crossed):
    repaired = crossed.repair()

    k = np.linspace(-3.0, 3.0, 2001)
    early, late = repaired.slices
    assert repaired.arbitrage.is_free
    assert (late.total_variance(k) >= early.total_variance(k)).all()
    assert min(s.density_factor(k).min() for s in repaired.slices) >= 0.0
    assert len(repaired.changes) >= 1
    assert "moves volatility by at most" in repaired.changes[0]
    assert not crossed.arbitrage.is_free  # the given surface stays
    assert "repaired" in repaired.headline


def test_limits_can_be_kept_from_the_start(crossed):
    quotes = crossed.quotes.assign(mark_volatility=crossed.quotes["target_volatility"])

    held = fit_surface(quotes, spec=SurfaceSpec(limits="refuse"))

    assert held.arbitrage.is_free


def test_smiles_of_a_free_surface_are_found_free():
    terms = {"forward": 1.0, "residual": None, "low": -1.0, "high": 1.0}
    slices = tuple(
        FittedSmile(expiry=AS_OF + pd.Timedelta(days=365 * t), time=t, svi=TRUTH.smile(0.5 * t), **terms)
        for t in (0.1, 0.2)
    )

    report = check_arbitrage(slices, as_of=AS_OF)

    assert report.is_free
    assert report.calendar["worst"].tolist() == [0.0]


def test_factor_brings_the_smile_into_its_quotes_without_negative_density():
    def kinked(k, t):
        return ssvi_volatility(k, t) + 0.012 * np.tanh(8.0 * k / np.sqrt(t)) * np.exp(-((k / np.sqrt(t)) ** 2) * 20.0)

    quotes = quotes_of(kinked, n=41, half=0.003)

    plain, bent = (fit_surface(quotes, spec=SurfaceSpec(model=m)) for m in ("svi", "svi_spline"))

    assert bent.inside_share > plain.inside_share
    assert (bent.arbitrage.butterfly["min_g_quoted"] >= 0.0).all()
    assert plain.parameters["smoothing"].isna().all()


def test_wings_beyond_the_factor_are_the_curve():
    surface = fit_surface(quotes_of(lambda k, t: ssvi_volatility(k, t) + 0.005 * np.sin(30.0 * k)))

    for smile in surface.slices:
        low, high = smile.residual.ends
        far = np.array([low - 0.1, high + 0.1])
        np.testing.assert_array_equal(smile.total_variance(far), smile.svi.total_variance(far))


def test_derivatives_of_a_smile_with_factor_agree_with_differences():
    surface = fit_surface(quotes_of(lambda k, t: ssvi_volatility(k, t) + 0.005 * np.sin(30.0 * k)))
    smile, step = surface.slices[2], 1e-5
    k = np.linspace(smile.low, smile.high, 17)

    value, slope, curvature = smile.derivatives(k)

    up, down = smile.total_variance(k + step), smile.total_variance(k - step)
    np.testing.assert_allclose(slope, (up - down) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(curvature, (up - 2 * value + down) / step**2, atol=1e-3)


def test_strike_by_strike_detail_meets_every_mark():
    rng = np.random.default_rng(2)
    noisy = quotes_of(lambda k, t: ssvi_volatility(k, t) + rng.normal(0.0, 0.002, len(k)))

    smooth, exact = (fit_surface(noisy, spec=SurfaceSpec(detail=d)) for d in ("smooth", "strikes"))

    assert abs(exact.quotes["residual"]).max() < 2e-4 < abs(smooth.quotes["residual"]).max()


def test_one_sided_quotes_are_left_out_and_counted():
    quotes = quotes_of(ssvi_volatility)
    quotes.loc[[0, 30, 31], "bid_volatility"] = np.nan

    two, everything = (fit_surface(quotes, spec=SurfaceSpec(quotes=q)) for q in ("two_sided", "all"))

    assert two.n_obs == 97
    assert two.skipped["quotes"].sum() == 3
    assert two.skipped["reason"].unique().tolist() == ["without bid or ask"]
    assert everything.n_obs == 100
    assert everything.quotes["is_inside"].isna().sum() == 3


def test_expiry_with_few_strikes_is_skipped_with_the_reason():
    quotes = quotes_of(ssvi_volatility)
    thin = quotes[~((quotes["time"] == 0.1) & (quotes["log_moneyness"].abs() > 0.03))]

    surface = fit_surface(thin)

    assert len(surface.slices) == 3
    assert surface.skipped["reason"].tolist() == ["fewer than 5 strikes at the expiry"]


def test_nothing_of_one_expiry_changes_another():
    quotes = quotes_of(ssvi_volatility)
    other = quotes.assign(mark_volatility=quotes["mark_volatility"] + 0.1 * (quotes["time"] > 0.2))

    one, moved = fit_surface(quotes), fit_surface(other)

    pd.testing.assert_frame_equal(one.parameters.iloc[:2], moved.parameters.iloc[:2])


def test_prepared_chain_is_fitted_with_its_provenance():
    prepared = prepare_chain(simulate_chain(underlying="BTC", forward=90_000.0))

    surface = fit_surface(prepared)

    assert isinstance(surface, VolatilitySurface)
    assert surface.provenance is prepared.provenance
    assert surface.as_of == prepared.as_of
    assert surface.inside_share > 0.95
    assert "SIMULATED" in repr(surface)
    assert {"lowest g between quotes", "at the money (%)"} <= set(surface.summary().columns)
    assert "as_of" in surface.to_frame().columns


def test_given_quotes_stay_as_they_are():
    quotes = quotes_of(ssvi_volatility)
    before = quotes.copy()

    surface = fit_surface(quotes)

    pd.testing.assert_frame_equal(quotes, before)
    with pytest.raises(ValueError, match="read-only"):
        surface.parameters["a"].to_numpy()[0] = 1.0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda q: q.drop(columns="time"), "none named time"),
        (lambda q: q.assign(time=-0.1), "quotes\\['time'\\] must be positive.*-0.1 in row 0"),
        (lambda q: q.assign(time=np.linspace(0.1, 0.2, len(q))), "must be one an expiry"),
        (
            lambda q: q.assign(bid_volatility=np.nan),
            "an expiry that can be fitted; got 100 without bid or ask",
        ),
        (lambda q: q.assign(underlying=["BTC", "ETH"] * 50), "book must hold one underlying; got BTC, ETH"),
    ],
)
def test_bad_quotes_are_named(spoil, words):
    with pytest.raises(DataError, match=words):
        fit_surface(spoil(quotes_of(ssvi_volatility)))


@pytest.mark.parametrize("name", ["model", "target", "quotes", "limits", "detail"])
def test_unknown_choices_are_refused(name):
    with pytest.raises(ArgumentError, match=f"{name} must be one of"):
        SurfaceSpec(**{name: "other"})
