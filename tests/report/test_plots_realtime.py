import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.realtime.online import QuantileTracker
from volkit.realtime.replay import compare_static_dynamic, start_live
from volkit.report.figures import save_figure
from volkit.report.plots_realtime import plot_replay, plot_replay_equity, plot_static_dynamic, replay_figures
from volkit.report.style import percent_words
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility import Ewma


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(6)
    n = 8000
    size = np.where(np.arange(n) > 4000, 0.02, 0.008)
    times = pd.date_range("2023-01-01", periods=n, freq="1h", tz="UTC", name="time")
    close = pd.DataFrame({"close": 100.0 * np.exp(np.cumsum(size * rng.standard_t(4, n) * 0.7))}, index=times)
    start = start_live(close, n_train=2000, target=0.02, model=Ewma(half_life=72), asset="SIM")
    made = SeriesProvenance(
        name="SIM", source="simulated", sha256="0", unit="USD", close_rule="end of the bar", simulated=True
    )
    return compare_static_dynamic(
        start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short,
        calibrator=QuantileTracker(confidence=0.98), provenance=Provenance((made,)),
    )  # fmt: skip


def axes():
    return Figure(figsize=(8.6, 4.3)).subplots()


def test_band_reaches_from_the_long_to_the_short_margin(comparison):
    ax = plot_replay(comparison.replay, ax=axes())
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    blocks = comparison.replay.blocks

    assert corners.min() == pytest.approx((blocks["price_start"] * (1 - blocks["margin_long"])).min())
    assert corners.max() == pytest.approx((blocks["price_start"] * (1 + blocks["margin_short"])).max())


def test_calls_and_exceedances_are_counted_in_the_legend(comparison):
    run = comparison.replay
    words = [text.get_text() for text in plot_replay(run, ax=axes()).get_legend().get_texts()]
    beyond = ((run.blocks["exceeded_long"] > 0) | (run.blocks["exceeded_short"] > 0)).sum()

    assert f"exceedance ({beyond})" in words
    assert f"call, long ({(run.calls['side'] == 'long').sum()})" in words


def test_equity_lines_end_where_the_accounts_do(comparison):
    ax = plot_replay_equity(comparison.replay, ax=axes())

    assert ax.lines[0].get_ydata()[-1] == comparison.replay.frame["equity_long"].iloc[-1]
    assert ax.get_ylabel() == "equity (% of notional at entry)"


@pytest.mark.parametrize("side", ["long", "short"])
def test_rows_hold_a_tick_for_each_exceedance(comparison, side):
    ax = plot_static_dynamic(comparison, side=side, ax=axes())
    drawn = [len(c.get_segments()) for c in ax.collections[1:]]

    assert drawn == comparison.table.xs(side, level="side").loc[["online", "dynamic", "static"], "exceedances"].tolist()


def test_margins_beyond_the_axes_are_cut_and_said(comparison):
    ax = plot_static_dynamic(comparison, ax=axes())
    notes = " ".join(t.get_text().replace("\n", " ") for t in ax.texts)
    peak = max(comparison.blocks[f"{m}_long"].max() for m in ("static", "dynamic", "online"))
    top = max(line.get_ydata().max() for line in ax.lines[:3])

    assert (f"margins up to {percent_words(round(peak, 2))} are cut off" in notes) == (peak > top + 1e-12)


def test_an_unknown_side_is_refused(comparison):
    with pytest.raises(ArgumentError, match="side"):
        plot_static_dynamic(comparison, side="both", ax=axes())


def test_simulated_figures_say_so_and_come_out_the_same_twice(comparison, tmp_path):
    spec = replay_figures(comparison)[2]
    first = save_figure(spec, tmp_path / "a", simulated=True)
    again = save_figure(spec, tmp_path / "b", simulated=True)
    figure = Figure()
    plot_replay(comparison.replay, ax=figure.subplots())

    assert first.png == again.png and first.narrow_png == again.narrow_png
    assert figure.get_suptitle() == "SIMULATED"
