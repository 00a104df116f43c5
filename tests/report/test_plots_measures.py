"""Drawings of measures from prices: what stands where, in which unit, and which crises are named."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.contagion.measures import absorption_ratio, systemic_table, turbulence
from volkit.errors import ArgumentError
from volkit.report.plots_measures import plot_absorption, plot_systemic_table, plot_turbulence


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4), layout="constrained").subplots()


def words(ax):
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def panel(n=400):
    rng = np.random.default_rng(1)
    common = rng.standard_normal((n, 1))
    values = 0.01 * (common + rng.standard_normal((n, 4)))
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=["SPX", "BTC", "ETH", "GOLD"])


def test_absorption_with_its_noise_and_crises(ax):
    path = absorption_ratio(panel(), window=60, rng=np.random.default_rng(1))
    one = {"first": pd.Timestamp("2020-06-01", tz="UTC"), "last": pd.Timestamp("2020-06-20", tz="UTC")}

    plot_absorption(path, events=pd.DataFrame(one, index=["one"]), ax=ax)

    assert ax.lines[0].get_ydata() == pytest.approx(path.path["ratio"].to_numpy())
    assert ax.lines[1].get_ydata()[0] == path.noise_upper
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[0] == "share of the first factor" and "one" in [text.get_text() for text in ax.texts]
    assert ax.figure.get_suptitle() == "" and "%" in ax.get_ylabel()


def test_crises_outside_the_sample_are_not_named(ax):
    old = pd.DataFrame(
        {"first": [pd.Timestamp("2008-09-12", tz="UTC")], "last": [pd.Timestamp("2008-11-20", tz="UTC")]},
        index=["Lehman and after"],
    )

    plot_turbulence(turbulence(panel(), minimum=100), events=old, ax=ax)

    assert "Lehman" not in words(ax)
    with pytest.raises(ArgumentError, match="first and last"):
        plot_turbulence(turbulence(panel(), minimum=100), events=old[["first"]])


def test_turbulence_names_its_highest_day(ax):
    frame = panel()
    frame.iloc[300] = -0.2
    path = turbulence(frame, minimum=100)

    plot_turbulence(path, ax=ax)

    assert ax.get_yscale() == "log" and str(frame.index[300].date()) in words(ax)
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(path.path["turbulence"].iloc[-20:].mean())


def test_ranking_rows_have_intervals_and_ranks(ax):
    table = systemic_table(panel(), market="SPX")

    plot_systemic_table(table, ax=ax)

    assert [tick.get_text() for tick in ax.get_yticklabels()] == table.table.index.tolist()
    assert sum("rank" in text.get_text() for text in ax.texts) >= 3
    assert "%" in ax.get_xlabel() and "SPX" in ax.get_xlabel()
