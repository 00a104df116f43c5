import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import DataError, SmallSampleWarning
from volkit.formatting import money_words
from volkit.report.figures import save_figure
from volkit.report.plots_cover import plot_cover_k
from volkit.report.plots_deleveraging import plot_adl_haircuts, plot_adl_lorenz
from volkit.report.plots_waterfall import plot_bad_debt, plot_layer_reach, plot_loss_layers, waterfall_figures
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.default import bad_debt_measures
from volkit.solvency.fund import cover_k
from volkit.solvency.waterfall import compare_adl_policies, loss_waterfall, venue_layers

MADE = Provenance((SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True),))
LOSSES = np.maximum(np.random.default_rng(1).standard_t(3, 2000) - 1.0, 0.0) * 1e6


@pytest.fixture(scope="module")
def fall():
    return loss_waterfall(LOSSES, venue_layers(margin=1e6, fund=4e6, adl=1e8), provenance=MADE)


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(2)
    size = rng.lognormal(1.0, 1.2, 300)
    frame = pd.DataFrame(
        {
            "account": np.arange(300),
            "quantity": -size,
            "entry_price": 100.0 + rng.uniform(-5.0, 40.0, 300),
            "collateral": size * 40.0,
            "turnover": rng.uniform(0.1, 9.0, 300),
        }
    )
    return compare_adl_policies(frame, mark=100.0, bankruptcy_price=112.0, shortfall=3000.0, provenance=MADE)


def axes(width=8.6):
    return Figure(figsize=(width, 4.3)).subplots()


def words_of(ax):
    legend = ax.get_legend()
    return [t.get_text() for t in (*ax.texts, *(legend.get_texts() if legend else ()))]


def test_steps_of_the_waterfall_join_and_end_at_the_whole_loss(fall):
    bars = plot_loss_layers(fall, ax=axes()).patches
    for chosen in (bars[:4], bars[4:]):
        ends = [bar.get_x() + bar.get_width() for bar in chosen]

        assert [bar.get_x() for bar in chosen[1:]] == pytest.approx(ends[:-1])
        assert ends[-1] == pytest.approx(1.0)


def test_amounts_stand_inside_the_axes_upon_a_long_first_bar():
    fall = loss_waterfall([0.0, 8e6, 60e6], venue_layers(fund=50e6, adl=5e6))
    ax = plot_loss_layers(fall, ax=axes())
    first = ax.texts[0]

    assert first.get_text() == money_words(float(fall.table.loc["fund", "expected"]))
    assert first.xy[0] == pytest.approx(ax.patches[0].get_width()) and first.xy[0] > 0.72
    assert first.get_ha() == "right" and first.get_color() == "white"


def test_a_layer_that_nothing_reached_shows_its_upper_end_alone(fall):
    ax = plot_layer_reach(fall, ax=axes())

    assert len(ax.lines[0].get_xdata()) == 3 and len(ax.lines[1].get_xdata()) == 1
    assert any(words.startswith("none, below 0.18") for words in words_of(ax))


def test_bad_debt_marks_lie_on_their_values():
    measures = bad_debt_measures(LOSSES)
    ax = plot_bad_debt(measures, ax=axes())
    dots = {line.get_marker(): line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("o", "s")}
    dashes = sorted(c.get_segments()[0][0, 0] for c in ax.collections)

    assert dots == {"o": measures.value_of("VaR"), "s": measures.value_of("EVaR")}
    assert dashes == sorted([measures.value_of("ES"), measures.value_of("ES beyond EVaR")])


def test_the_curve_of_bad_debt_counts_weights():
    losses, weights = np.array([0.0] * 100 + [5.0, 8.0]), np.array([1.0] * 100 + [3.0, 7.0])
    with pytest.warns(SmallSampleWarning):
        ax = plot_bad_debt(bad_debt_measures(losses, weights), ax=axes())
    curve = ax.lines[0]

    assert curve.get_xdata().tolist() == [0.0, 5.0, 8.0]
    assert curve.get_ydata() == pytest.approx([10 / 110, 7 / 110, 0.0])


def test_policies_are_told_apart_by_line_and_by_words(comparison):
    ax = plot_adl_haircuts(comparison, ax=axes())
    lorenz = plot_adl_lorenz(comparison, ax=axes())

    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert any("lost fees" in words and words.startswith("queue") for words in words_of(ax))
    assert f"pro rata: Gini {comparison.of('pro_rata').gini_of_rates:.2f}" in words_of(lorenz)


def test_covers_are_bars_beside_the_fund():
    cover = cover_k([[10, 4, 0, 7, 2], [3, 9, 8, 1, 0]], fund=20.0)
    wide, narrow = plot_cover_k(cover, ax=axes()), plot_cover_k(cover, ax=axes(3.6))

    assert [bar.get_height() for bar in wide.patches] == [10.0, 17.0]
    assert any("17 in 0\nmember 0, member 3" in words for words in words_of(wide))
    assert any("member 0, member 3 in 0" in words.replace("\n", " ") for words in words_of(narrow))
    assert "fund 20" in words_of(wide) and "fund 20" not in words_of(plot_cover_k(cover_k([[1.0, 2.0]]), ax=axes()))


def test_without_any_loss_there_is_nothing_to_draw():
    nothing = np.zeros(2000)
    with pytest.raises(DataError, match="losses must hold a loss"):
        plot_loss_layers(loss_waterfall(nothing, venue_layers(fund=1.0)), ax=axes())
    with pytest.raises(DataError, match="losses must hold bad debt"):
        plot_bad_debt(bad_debt_measures(nothing), ax=axes())
    assert plot_layer_reach(loss_waterfall(nothing, venue_layers(fund=1.0)), ax=axes()).get_xlim()[1] > 1.0


def test_figures_say_that_they_are_simulated_and_come_out_the_same_twice(fall, comparison, tmp_path):
    measures, cover = bad_debt_measures(LOSSES, provenance=MADE), cover_k([[1.0, 2.0]], 1, fund=1.0, provenance=MADE)
    specs = waterfall_figures(fall=fall, measures=measures, comparison=comparison, cover=cover)

    for draw in specs:
        figure = Figure()
        draw.draw(figure.subplots())
        assert figure.get_suptitle() == "SIMULATED"
    first, again = (save_figure(specs[2], tmp_path / name, simulated=True) for name in "ab")
    assert first.png == again.png and first.narrow_png == again.narrow_png
    assert [spec.name for spec in waterfall_figures(cover=cover)] == ["cover_k"]
