from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation.macro import volatility_transmission
from volkit.report.plots_transmission import plot_volatility_transmission
from volkit.results import Provenance, SeriesProvenance

UNITS = {"SPX": "log return", "GOLD": "log return"}
TERMS = ["|SPX|", "SPX", "|GOLD|", "GOLD"]


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(3)
    times = pd.date_range("2020-01-01", periods=800, tz="UTC", name="time")
    moves = pd.DataFrame(0.01 * rng.standard_normal((800, 2)), index=times, columns=list(UNITS))
    before = moves["SPX"].abs().shift(1, fill_value=0.0)
    variance = np.exp(-8.0 + 40.0 * before + 0.3 * rng.standard_normal(800)).rename("BTC")
    return volatility_transmission(variance, moves, units=UNITS, lags=(1, 5), horizons=(1, 5))


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words_of(ax):
    return ax.texts[-1].get_text().replace("\n", " ").replace("\u2212", "-")


def simulated(result):
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    return replace(result, provenance=Provenance((source,)))


def test_terms_and_horizons_have_their_own_estimates_and_both_limits(ax, found):
    plot_volatility_transmission(found, ax=ax)

    assert sorted(dict.fromkeys(found.table.index.get_level_values("term"))) == sorted(TERMS)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    drawn = [(c.lines[0].get_xdata()[0], *c.lines[2][0].get_segments()[0][:, 0]) for c in ax.containers]
    places = [(horizon, term) for term in names for horizon in (1, 5)]
    columns = ["per_deviation", "per_deviation_lower", "per_deviation_upper"]
    expected = [found.table.loc[place, columns].to_numpy(float) for place in places]
    np.testing.assert_allclose(drawn, expected, rtol=1e-12, atol=1e-15)
    value, lower, upper = np.transpose(drawn)
    assert (lower < value).all()
    assert (value < upper).all()


def test_horizons_differ_in_colour_and_marker_as_the_legend_says(ax, found):
    plot_volatility_transmission(found, ax=ax)

    one, five = (c.lines[0] for c in ax.containers[:2])
    assert (one.get_marker(), five.get_marker()) == ("o", "s")
    assert one.get_color() != five.get_color()
    legend = ax.get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["1 period ahead", "5 periods ahead"]
    assert [(h.get_marker(), h.get_color()) for h in legend.legend_handles] == [
        (line.get_marker(), line.get_color()) for line in (one, five)
    ]


def test_note_has_shares_out_of_sample_p_and_rows(ax, found):
    horizons = found.horizons.copy()
    horizons["oos_r_squared"], horizons["adjusted_p_value"] = [0.123, -0.045], [0.6, 0.0312]
    words = words_of(plot_volatility_transmission(replace(found, horizons=horizons), ax=ax))

    assert words.startswith("BTC, own past over 1, 5 periods held; |x| is the size of a move, 95 % intervals")
    assert "squared error removed out of sample by horizon 1: 12.3 %, 5: -4.5 %" in words
    assert "no macro term at any horizon, smallest adjusted: p = 0.031" in words
    assert f"n = {found.n_obs}, to 2022-03-10" in words


def test_only_simulated_results_are_marked(found):
    for result, mark in ((found, None), (simulated(found), "SIMULATED")):
        heading = plot_volatility_transmission(result, ax=Figure().subplots()).get_figure()._suptitle
        assert (heading and heading.get_text()) == mark
