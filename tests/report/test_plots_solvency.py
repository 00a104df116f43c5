import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy
from volkit.report.captions import share_words
from volkit.report.plots_reserves import plot_reserve_path, plot_reserve_ratios
from volkit.report.plots_solvency import (
    plot_health_factors,
    plot_liquidation_map,
    plot_own_token_haircut,
    plot_reverse_stress,
)
from volkit.report.style import ROLE_COLOURS
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.balance import BalanceSheet, own_token_sensitivity, reverse_stress
from volkit.solvency.lending import LendingBook, health_distribution, liquidation_map
from volkit.solvency.reserves import reserve_ratios, reserves_through_time, sheet_reserve_ratios

MADE = Provenance(
    (SeriesProvenance(name="S", source="simulated", sha256="0", unit="USD", close_rule="now", simulated=True),)
)
COLUMNS = ["entity", "side", "asset", "quantity", "price", "own_token", "liquid"]


def axes():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words(ax):
    return " | ".join(" ".join(text.get_text().split()) for text in ax.texts)


def is_marked(ax):
    title = ax.figure.get_suptitle()
    return title == "SIMULATED"


@pytest.fixture(scope="module")
def sheet():
    rows = [
        ("V", "asset", "BTC", 8.0, 80_000.0, False, True),
        ("V", "asset", "USD", 3e5, 1.0, False, True),
        ("V", "asset", "VEN", 1e6, 0.2, True, False),
        ("V", "liability", "BTC", 2.0, 80_000.0, False, True),
        ("V", "liability", "USD", 9e5, 1.0, False, True),
        ("W", "asset", "BTC", 1.0, 80_000.0, False, True),
        ("W", "liability", "USD", 5e4, 1.0, False, True),
    ]
    return BalanceSheet.from_frame(pd.DataFrame(rows, columns=COLUMNS), provenance=MADE)


@pytest.fixture(scope="module")
def book():
    rng = np.random.default_rng(2)
    debt = rng.uniform(100, 900, 80)
    health = rng.uniform(0.95, 4.0, 80)
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
    return LendingBook.from_frames(positions, terms)


def test_bars_hold_all_debt_and_the_red_ones_what_is_liquidatable(book):
    found = health_distribution(book)
    ax = plot_health_factors(found, ax=axes())
    red = [bar for bar in ax.patches if bar.get_facecolor()[:3] != pytest.approx((0.0, 0.447, 0.698), abs=1e-3)]

    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(found.total_debt)
    assert sum(bar.get_height() for bar in red) == pytest.approx(found.table.loc[1.0, "debt"])
    assert f"{share_words(found.table.loc[1.25, 'debt_share'])} of the debt below 1.25" in words(ax)
    assert not is_marked(ax)


def test_ring_stands_at_the_break_even_shock(sheet):
    found = reverse_stress(sheet)
    ax = plot_reverse_stress(found, ax=axes())
    rings = sorted(float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o")

    expected = found.table["shock"][found.table["status"] == "break-even"]
    assert rings == pytest.approx(sorted(expected))
    assert is_marked(ax)
    assert "nothing is left after a fall" in words(ax)


def test_single_entity_has_one_line_and_too_many_are_refused(sheet):
    ax = plot_reverse_stress(reverse_stress(sheet.of("W")), ax=axes())
    assert len(ax.get_legend().get_texts()) == 1
    rows = pd.DataFrame([(f"E{i}", "asset", "BTC", 1.0, 8e4, False, True) for i in range(9)], columns=COLUMNS)
    with pytest.raises(ArgumentError, match="at most 6 entities"):
        plot_reverse_stress(reverse_stress(BalanceSheet.from_frame(rows)), ax=axes())


def test_slider_crosses_one_at_the_break_even_haircut(sheet):
    found = own_token_sensitivity(sheet)
    ax = plot_own_token_haircut(found, ax=axes())
    ring = next(line for line in ax.lines if line.get_marker() == "o")

    assert ring.get_xdata()[0] == pytest.approx(found.break_even.loc["all", "haircut"])
    line = ax.lines[0]
    assert np.interp(ring.get_xdata()[0], line.get_xdata(), line.get_ydata()) == pytest.approx(1.0, abs=1e-3)
    assert is_marked(ax)


def test_slider_of_one_entity_does_not_speak_of_several(sheet):
    together, alone = (plot_own_token_haircut(own_token_sensitivity(s), ax=axes()) for s in (sheet, sheet.of("V")))

    assert "all entities together" in words(together)
    assert "entities" not in words(alone)


def test_slider_without_break_even_says_so(sheet):
    ax = plot_own_token_haircut(own_token_sensitivity(sheet.of("W")), ax=axes())

    assert "solvent without own tokens" in words(ax)
    assert not [line for line in ax.lines if line.get_marker() == "o"]


def test_reserve_lines_are_those_of_the_path(sheet):
    rng = np.random.default_rng(5)
    times = pd.date_range("2024-01-01", periods=260, tz="UTC", name="time")
    moves = rng.standard_t(4, 260) * 0.03
    close = pd.DataFrame(
        {"BTC": 8e4 * np.exp(np.cumsum(moves)), "VEN": 0.2 * np.exp(np.cumsum(2 * moves))}, index=times
    )
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    path = reserves_through_time(sheet, close, policy=policy, periods_per_year=365)
    ax = plot_reserve_path(path, ax=axes())

    assert ax.lines[0].get_ydata().tolist() == path.frame["held"].tolist()
    assert ax.lines[1].get_ydata().tolist() == path.frame["required"].tolist()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert (f"loss above required ({len(path.exceptions)})" in labels) == bool(len(path.exceptions))
    assert f"{len(path.exceptions)} of {len(path.tested)} losses above it" in words(ax)
    assert is_marked(ax)


def test_weakest_asset_is_on_top_and_red(sheet):
    found = sheet_reserve_ratios(sheet)
    ax = plot_reserve_ratios(found, ax=axes())

    assert ax.get_yticklabels()[-1].get_text() == found.weakest == "USD"
    assert ax.patches[-1].get_width() == pytest.approx(found.minimum)
    assert "".join(f"{round(255 * c):02X}" for c in ax.patches[-1].get_facecolor()[:3]) == ROLE_COLOURS["exception"][1:]
    assert "No proof" not in words(ax)


def test_flag_of_customers_alone_stands_in_the_figure():
    ax = plot_reserve_ratios(reserve_ratios({"BTC": 3.0, "ETH": 0.1}, {"BTC": 1.0, "ETH": 1.0}), ax=axes())

    assert "No proof of solvency" in words(ax)
    assert max(bar.get_width() for bar in ax.patches) == 2.0
    assert "300 %" in words(ax)


def test_map_has_a_cell_for_each_asset_and_shock(book):
    found = liquidation_map(book, np.linspace(0.0, 0.8, 9))
    ax = plot_liquidation_map(found, ax=axes())
    cells = ax.collections[0].get_array()

    assert cells.shape == (2, 9)
    np.testing.assert_allclose(np.sort(cells.ravel()),
                               np.sort((found.liquidatable_debt / found.total_debt).to_numpy().ravel()))  # fmt: skip
    assert [label.get_text() for label in ax.get_xticklabels()][:3] == ["0 %", "10 %", "20 %"]
