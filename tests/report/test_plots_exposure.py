from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.options.black76 import black76_price
from volkit.options.chain import simulate_chain
from volkit.options.exposure import attribute_path, gamma_exposure
from volkit.options.index import chain_variance_strip, variance_strip
from volkit.report.plots_exposure import plot_attribution, plot_gamma_exposure, plot_variance_strip
from volkit.report.plots_premium import plot_premium
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility.premium import ex_ante_premium, ex_post_premium

NOW = pd.Timestamp("2024-03-01 08:00", tz="UTC")
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


@pytest.fixture(params=[8.6, 3.9], ids=["wide", "narrow"])
def ax(request):
    return Figure(figsize=(request.param, 4), layout="constrained").subplots()


@pytest.fixture(scope="module")
def strip():
    strike = np.arange(60.0, 170.0, 5.0)
    call, put = (black76_price(100.0, strike, 0.1, 0.6, c) for c in (True, False))
    quotes = pd.DataFrame({"strike": strike, "call_bid": call, "call_ask": call, "put_bid": put, "put_ask": put})
    return variance_strip(quotes, minutes=52_560, rate=0.0, provenance=SIMULATED)


@pytest.fixture(scope="module")
def exposure():
    rows = [(k, c, 10.0 * i) for i, k in enumerate(np.arange(80.0, 125.0, 5.0), 1) for c in (True, False)]
    quotes = pd.DataFrame(rows, columns=["strike", "is_call", "open_interest"])
    quotes = quotes.assign(
        instrument=[f"{k:g}{c}" for k, c, _ in rows], expiry=NOW + pd.Timedelta(days=9), forward=100.0,
        implied_volatility=np.where(quotes["is_call"], 0.5, 0.7),
    )  # fmt: skip
    book = SimpleNamespace(quotes=quotes, settlement="usd", underlying="X", as_of=NOW)
    return gamma_exposure(book, spot=100.0, provenance=SIMULATED)


@pytest.fixture(scope="module")
def attribution():
    times = pd.date_range(NOW, periods=20, freq="D")
    book = pd.DataFrame(
        {"expiry": NOW + pd.Timedelta(days=60), "strike": 100.0, "is_call": [True, False], "quantity": -1.0}
    )
    forward = pd.Series(100 * np.exp(np.cumsum(0.03 * np.random.default_rng(1).standard_normal(20))), times)
    return attribute_path(book, forward, pd.Series(0.6, times), funding_rate=0.1, provenance=SIMULATED)


@pytest.fixture(scope="module")
def premium():
    rng = np.random.default_rng(3)
    times = pd.date_range("2023-01-01", periods=300, tz="UTC", name="time")
    implied = pd.Series(0.65 + 0.05 * rng.standard_normal(300), times, name="BTC")
    squared = pd.Series(0.36 / 365 * rng.standard_normal(300) ** 2, times)
    return ex_post_premium(implied, squared, horizon=10, periods_per_year=365, provenance=SIMULATED)


def found(ax, *names):
    return [x for x in (*ax.lines, *ax.patches, *ax.collections) if x.get_gid() in names]


def words(ax):
    return " ".join(t.get_text() for t in ax.texts).replace("\n", " ")


def test_areas_of_a_strip_add_up_to_all_of_it(ax, strip):
    plot_variance_strip(strip, ax=ax)

    bars = found(ax, "put-mid", "both-mid", "call-mid")
    assert len(bars) == strip.n_strikes
    area = sum(b.get_height() * b.get_width() / 0.92 for b in bars) / (0.01 * strip.forward)
    assert area == pytest.approx(1.0)
    (line,) = found(ax, "forward")
    assert line.get_xdata()[0] == strip.forward
    assert f"{strip.n_strikes} strikes" in words(ax)
    assert ax.get_figure().get_suptitle() == "SIMULATED"


def test_prices_from_the_mark_are_hollow(ax):
    chain = simulate_chain(days=(20.0, 50.0))
    expiry = chain.quotes["expiry"].min()
    quotes = chain.quotes.copy()
    quotes.loc[(quotes["expiry"] == expiry) & (quotes.index % 5 == 0), "bid"] = np.nan
    book = SimpleNamespace(quotes=quotes, settlement=chain.settlement, underlying="BTC", as_of=chain.as_of)
    marked = chain_variance_strip(book, expiry)

    plot_variance_strip(marked, ax=ax)

    hollow = found(ax, "put-mark", "both-mark", "call-mark")
    assert len(hollow) == marked.n_from_mark > 0
    assert {b.get_facecolor()[:3] for b in hollow} == {(1.0, 1.0, 1.0)}


def test_bars_of_gamma_are_those_of_the_strikes(ax, exposure):
    plot_gamma_exposure(exposure, ax=ax)

    for side in ("call", "put"):
        heights = [b.get_height() for b in found(ax, f"{side}-gamma")]
        np.testing.assert_allclose(heights, exposure.by_strike[side] / 1e6)
    assert found(ax, "spot")[0].get_xdata()[0] == 100.0
    assert "assumed: dealers long calls, short puts" in words(ax)


def test_profile_is_drawn_with_its_flips(ax, exposure):
    plot_gamma_exposure(exposure, over="spot", ax=ax)

    (line,) = found(ax, "profile")
    np.testing.assert_array_equal(line.get_ydata(), exposure.profile / 1e6)
    assert [x.get_xdata()[0] for x in found(ax, "flip")] == exposure.flips.index.tolist()
    assert len(exposure.flips) >= 1


def test_waterfall_ends_at_the_total(ax, attribution):
    plot_attribution(attribution, ax=ax)

    ends = {}
    for name, value in attribution.buckets.items():
        bars = found(ax, f"bucket-{name}")
        assert bars or value == 0.0
        for bar in bars:
            assert bar.get_width() == pytest.approx(value, rel=1e-9)
            ends[name] = bar.get_x() + bar.get_width()
    assert ends["residual"] == pytest.approx(attribution.total)
    (total,) = found(ax, "bucket-total")
    assert (total.get_x(), total.get_width()) == (0.0, pytest.approx(attribution.total))
    assert "delta hedged with forwards" in words(ax)


def test_running_sums_end_at_the_buckets(ax, attribution):
    plot_attribution(attribution, over="time", ax=ax)

    (total,) = found(ax, "bucket-total")
    assert total.get_ydata()[-1] == pytest.approx(attribution.total)
    for name in ("gamma", "theta", "funding"):
        (line,) = found(ax, f"bucket-{name}")
        assert line.get_ydata()[-1] == pytest.approx(attribution.buckets[name])
    assert found(ax, "bucket-delta and hedge") == []  # they cancel to rounding, and the largest five are shown


def test_premium_is_drawn_with_mean_and_flags(ax, premium):
    plot_premium(premium, ax=ax)

    (line,) = found(ax, "premium")
    np.testing.assert_array_equal(line.get_ydata(), premium.frame["premium"])
    (mean,) = found(ax, "mean")
    assert mean.get_ydata()[0] == premium.mean.mean
    (band,) = found(ax, "interval")
    box = band.get_extents().transformed(ax.transData.inverted())
    np.testing.assert_allclose([box.y0, box.y1], [premium.mean.lower, premium.mean.upper])
    for flag in ("rich", "cheap"):
        (marks,) = found(ax, flag)
        assert len(marks.get_offsets()) == (premium.frame["flag"] == flag).sum() > 0
    assert "implied less realised after" in ax.get_ylabel()


def test_times_without_premium_break_the_line(ax, premium):
    implied, expected = premium.frame["implied"], 10 * premium.frame["realised"] ** 2 / 365
    holed = ex_ante_premium(implied.drop(implied.index[100:150]), expected, horizon=10, periods_per_year=365)

    plot_premium(holed, ax=ax)

    (line,) = found(ax, "premium")
    assert np.isnan(line.get_ydata()).sum() == 1


@pytest.mark.parametrize("draw", [plot_gamma_exposure, plot_attribution])
def test_unknown_view_is_refused(ax, exposure, attribution, draw):
    with pytest.raises(ArgumentError, match="over must be one of"):
        draw(exposure if draw is plot_gamma_exposure else attribution, over="moon", ax=ax)
