import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.margin.tiers import TierTable, design_tiers, implied_margin
from volkit.report.plots_tiers import plot_implied_confidence, plot_tiers
from volkit.results import Provenance, SeriesProvenance

TABLE = TierTable(
    floors=(0.0, 1e5, 1e6, 1e7), maintenance_rates=(0.004, 0.005, 0.01, 0.05), initial_rates=(0.01, 0.02, 0.04, 0.1),
    cap=5e7, asset="BTC", currency="USDT", as_of=pd.Timestamp("2024-10-31", tz="UTC"),
)  # fmt: skip
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def designed():
    lost = np.abs(np.random.default_rng(1).standard_t(4, 3_000)) * 0.005
    return design_tiers(
        lost, lambda n: 0.04 * (n / 1e9) ** 0.5, bounds=(0.0, 1e5, 1e6, 1e7, 5e7), confidence=0.99, buffer=0.005,
        rng=np.random.default_rng(2), currency="USDT",
    )  # fmt: skip


@pytest.fixture(scope="module")
def implied():
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.004, 3_000)))
    times = pd.date_range("2024-01-01", periods=3_000, freq="1h", tz="UTC")
    bars = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), close), index=times)
    return implied_margin(TABLE, bars, horizons=[1, 4, 24], provenance=SIMULATED)


def line_of(ax, name):
    (line,) = [x for x in ax.lines if x.get_gid() == name]
    return line


def test_rates_are_margin_over_notional_on_a_log_axis(ax):
    plot_tiers(TABLE, ax=ax)

    line = line_of(ax, "rate-in force")
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "notional (USDT)"
    assert line.get_ydata() == pytest.approx([TABLE.maintenance_rate(N) for N in line.get_xdata()])
    assert {1e5, 1e6, 1e7} <= set(line.get_xdata()) and line.get_xdata()[-1] == pytest.approx(5e7)
    assert line_of(ax, "tiers-in force").get_ydata().tolist() == [0.004, 0.005, 0.01, 0.05, 0.05]
    assert ax.xaxis.get_major_formatter()(1e6) == "1M"


def test_design_is_drawn_beside_with_what_it_had_to_cover(ax, designed):
    plot_tiers(TABLE, designed=designed, ax=ax)

    required = line_of(ax, "required")
    assert set(required.get_ydata()) <= set(designed.requirements["required_rate"])
    assert line_of(ax, "rate-designed").get_ydata()[-1] == pytest.approx(designed.table.maintenance_rate(5e7))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "in force",
        "designed",
        "required",
        "rate of the tier",
    ]
    assert "99 % value at risk" in ax.texts[0].get_text() and "2024-10-31" in ax.texts[0].get_text()


def test_rates_of_one_size_stand_on_a_straight_scale_from_zero(ax):
    flat = TierTable(floors=(0.0, 1e5), maintenance_rates=(0.01, 0.02), initial_rates=(0.02, 0.04))

    plot_tiers(flat, ax=ax)

    assert ax.get_yscale() == "linear" and ax.get_ylim()[0] == 0.0


def test_tables_in_two_currencies_are_refused(ax, designed):
    other = TierTable(floors=(0.0,), maintenance_rates=(0.01,), initial_rates=(0.02,), currency="BTC")

    with pytest.raises(ArgumentError, match="currency"):
        plot_tiers(other, designed=designed, ax=ax)


@pytest.mark.parametrize("side", ["long", "short"])
def test_confidence_is_drawn_by_horizon_where_it_was_exceeded(ax, implied, side):
    plot_implied_confidence(implied, side=side, ax=ax)

    for k in range(1, 5):
        one = implied.frame.loc[(side, k)]
        seen = one[one["confidence"] < 1.0]
        line = line_of(ax, f"tier {k}")
        assert line.get_ydata() == pytest.approx(1.0 - seen["confidence"].to_numpy())
        assert line.get_xdata() == pytest.approx(seen.index / pd.Timedelta("1h"))
    assert ax.yaxis.get_major_formatter()(0.01) == "99 %"
    assert f"{side} positions" in ax.texts[-1].get_text() or any(f"{side} positions" in t.get_text() for t in ax.texts)


def test_simulated_bars_are_marked(ax, implied):
    plot_implied_confidence(implied, ax=ax)

    assert ax.get_figure().get_suptitle() == "SIMULATED"


def test_some_tiers_may_be_chosen(ax, implied):
    plot_implied_confidence(implied, tiers=[1, 4], ax=ax)

    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["from 0 (0.4 %)", "from 10M (0.95 %)"]


@pytest.mark.parametrize(("changes", "match"), [({"tiers": [5]}, "from 1 to 4"), ({"side": "both"}, "side")])
def test_what_is_not_there_is_refused(ax, implied, changes, match):
    with pytest.raises(ArgumentError, match=match):
        plot_implied_confidence(implied, ax=ax, **changes)
