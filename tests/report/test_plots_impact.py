import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.impact.depth import market_depth
from volkit.impact.fitted import fit_impact
from volkit.impact.laws import BookImpact, LinearImpact, SquareRootImpact
from volkit.impact.resilience import depth_half_life, impact_half_life
from volkit.impact.velocity import liquidity_velocity
from volkit.report.plots_impact import (
    plot_half_life,
    plot_impact_fit,
    plot_impact_laws,
    plot_market_depth,
    plot_velocity,
)
from volkit.results import Provenance, SeriesProvenance
from volkit.sources.exchange.book import make_order_book

DRAWN = Provenance((SeriesProvenance(name="x", source="drawn", sha256="", unit="USD", close_rule="", simulated=True),))
AT = pd.Timestamp("2024-01-01", tz="UTC")
ONE = make_order_book(
    [(99.5, 2.0), (99.0, 1.0), (97.0, 4.0)], [(100.5, 1.0), (104.0, 2.0)], venue="one", symbol="BTC/USD", quote="USD",
    as_of=AT,
)  # fmt: skip
TWO = make_order_book([(99.6, 0.5)], [(100.4, 0.25)], venue="two", symbol="BTC/USD", quote="USD", as_of=AT)
DEPTH = market_depth([ONE, TWO], provenance=DRAWN)


def axes():
    return Figure(figsize=(8.6, 4.3)).subplots()


def note(ax):
    return " ".join(text.get_text().replace("\n", " ") for text in ax.texts)


def simulated_minutes():
    draw = np.random.default_rng(1)
    coins = draw.lognormal(3.0, 1.0, 6_000)
    move = draw.choice([-1.0, 1.0], 6_000) * 1e-4 * np.sqrt(coins)
    price = np.exp(np.concatenate([[0.0], move.cumsum()]))
    times = pd.date_range("2024-01-01", periods=6_000, freq="1min", tz="UTC")
    return pd.DataFrame({"open": price[:-1], "close": price[1:], "volume": coins}, index=times)


def test_laws_are_drawn_with_price_and_mean_fill():
    laws = {"linear": LinearImpact(1e-3), "book": BookImpact.from_book(ONE)}

    ax = plot_impact_laws(laws, coins=10.0, simulated=True, ax=axes())

    ends = [line.get_ydata()[-1] for line in ax.lines]
    assert ends[0] == pytest.approx(1 - np.exp(-0.01)) and ends[1] == pytest.approx(
        1 - laws["linear"].average_price(10)
    )
    # The bids end at 7 coins: there stands a mark.
    assert [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 1] == [[7.0]]
    assert "(linear)" in note(ax) and ax.get_xlabel() == "coins sold"
    assert any(text.get_text() == "SIMULATED" for text in ax.figure.texts)
    with pytest.raises(ArgumentError, match="at least one law"):
        plot_impact_laws({}, coins=1.0, ax=axes())
    assert "moves the price by 1 % (linear)." in note(
        plot_impact_laws({"linear": laws["linear"]}, coins=10.0, ax=axes())
    )


def test_depth_is_stacked_up_to_all_that_rests():
    ax = plot_market_depth(DEPTH, widest=0.04, ax=axes())

    tops = [area.get_paths()[0].vertices[:, 1].max() for area in ax.collections]
    # Venue upon venue, bids and asks: the second ends at the sum.
    assert tops[2] == pytest.approx(199 + 99 + 388 + 49.8) and tops[3] == pytest.approx(100.5 + 208 + 25.1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert ax.get_ylabel() == "rests within (USD)" and "BTC/USD" in note(ax)
    assert plot_market_depth(DEPTH, ax=axes()).get_xlim()[1] == pytest.approx(0.04, abs=1e-6)


def test_velocity_line_meets_the_forced_flow_where_the_note_says():
    law = SquareRootImpact(constant=1.0, volatility=0.04, volume=10_000.0)
    velocity = liquidity_velocity(law, price=100.0, half_life=pd.Timedelta("10min"), provenance=DRAWN)
    flow = 100.0 * velocity.per_minute(0.02)

    ax = plot_velocity(velocity, forced_flow=flow, ax=axes())

    assert "ends 2.01 % away" in note(ax) or "ends 2 % away" in note(ax)
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(100.0 * velocity.per_minute(0.05))
    assert ax.lines[2].get_ydata()[0] > ax.lines[1].get_ydata()[0] > ax.lines[0].get_ydata()[0]
    assert "ends beyond it" in note(plot_velocity(velocity, forced_flow=1e9, ax=axes()))
    assert "for ever" in note(plot_velocity(velocity, ax=axes()))


def test_fit_and_half_life_are_drawn_over_what_was_seen():
    frame, draw = simulated_minutes(), np.random.default_rng(1)
    fit = fit_impact(frame, volume_unit="coins", rng=draw)
    with pytest.warns(UserWarning, match="no decay"):
        half = impact_half_life(frame, volume_unit="coins", quantile=0.995, n_lags=10, rng=draw)
    depth = depth_half_life(pd.Series(draw.normal(10, 1, 300), index=frame.index[:300]).rolling(5).mean().dropna())

    ax = plot_impact_fit(fit, ax=axes())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), fit.bins["move"] * 1e4)
    assert "power 0.50" in note(ax) and "a size, not a cause" in note(ax)
    ax = plot_half_life(half, ax=axes())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), half.curve["value"] * 1e4)
    assert "No decay is told from none" in note(ax)
    assert plot_half_life(depth, ax=axes()).get_ylabel() == "autocorrelation of the depth (no unit)"
