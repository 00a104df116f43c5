import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from volkit.errors import ArgumentError
from volkit.report import plot_exception_cells
from volkit.report.style import figure_style
from volkit.validation import coverage_battery


@pytest.fixture(scope="module")
def battery():
    rng = np.random.default_rng(1)
    columns = pd.MultiIndex.from_product([["A"], ["long", "short"]])
    losses = pd.DataFrame(rng.normal(size=(600, 2)), columns=columns)
    regimes = pd.Series(np.where(np.arange(600) < 300, "calm", "wild"))
    return coverage_battery(losses, 0.0 * losses + 1.6, confidence=0.99, regimes=regimes, n_draws=0)


@pytest.fixture
def ax():
    with figure_style():
        yield Figure(figsize=(8.6, 4.3), layout="constrained").subplots()


def rates(ax):
    return [line for line in ax.get_lines() if line.get_gid() == "rate"]


def test_rates_and_intervals_are_those_of_the_cells(ax, battery):
    plot_exception_cells(battery, regimes=["wild", "calm"], ax=ax)

    named = [text.get_text() for text in ax.get_yticklabels()]
    assert named[:3] == ["A, long, all periods", "A, long, wild", "A, long, calm"]
    cell = battery.cells.loc[("A", "long", "wild")]
    assert rates(ax)[1].get_xdata()[0] == cell["exception_rate"]
    bar = next(line for line in ax.get_lines() if line.get_gid() is None and list(line.get_ydata()) == [1, 1])
    exact = stats.binomtest(int(cell["n_exceptions"]), int(cell["n_obs"])).proportion_ci(0.95, method="exact")
    assert list(bar.get_xdata()) == pytest.approx([exact.low, exact.high])


def test_rejected_cells_are_crosses(ax, battery):
    plot_exception_cells(battery, ax=ax)

    rejected = (battery.cells["verdict"] != "not rejected").sum()
    assert rejected > 0 and sum(line.get_marker() == "X" for line in rates(ax)) == rejected


def test_cell_without_a_period_says_so(ax):
    losses = pd.DataFrame({"A": np.arange(100.0), "B": np.arange(100.0)})
    regimes = pd.DataFrame({"A": ["calm"] * 100, "B": ["calm"] * 50 + ["wild"] * 50})
    margins = losses + 1.0
    battery = coverage_battery(losses, margins, confidence=0.99, regimes=regimes, n_draws=0)
    empty = battery.cells["n_obs"] == 0
    assert empty.any()

    plot_exception_cells(battery, ax=ax)

    assert sum(text.get_text() == "no period" for text in ax.texts) == empty.sum()


def test_overlapping_losses_are_refused(ax):
    losses = pd.DataFrame({"A": np.random.default_rng(2).normal(size=300)})
    battery = coverage_battery(losses, 0.0 * losses + 2.3, confidence=0.99, horizon=5, n_draws=0)

    with pytest.raises(ArgumentError, match="battery must be of one period; got 5"):
        plot_exception_cells(battery, ax=ax)
