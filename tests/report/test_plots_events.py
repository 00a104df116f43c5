from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.correlation import event_study
from volkit.correlation.macro import variance_event_study
from volkit.errors import ArgumentError, DataError
from volkit.report.plots_events import plot_event_study
from volkit.results import Provenance, SeriesProvenance

N = 900


def provenance_of(*, simulated):
    series = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    return Provenance((series,))


def data_of():
    """Returns with twice the volatility on the days of one kind, and both kinds of event."""
    times = pd.date_range("2021-01-01", periods=N, tz="UTC", name="time")
    at = np.arange(40, N - 10, 15)
    kinds = np.where(np.arange(len(at)) % 2 == 0, "cpi", "fomc")
    scale = np.ones(N)
    scale[at[kinds == "cpi"]] = 2.0
    moves = pd.Series(0.02 * scale * np.random.default_rng(2).standard_normal(N), index=times, name="BTC")
    return moves, pd.DataFrame({"kind": kinds}, index=times[at] + pd.Timedelta(hours=12))


def study_of(**changed):
    moves, events = data_of()
    return event_study(moves, events, rng=np.random.default_rng(1), window=(-2, 2), n_boot=99, **changed)


@pytest.fixture(scope="module")
def study():
    return study_of()


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words_of(ax):
    return ax.texts[-1].get_text().replace("\n", " ")


def bars_of(ax):
    return [(*c.lines[0].get_data(), np.array(c.lines[2][0].get_segments())) for c in ax.containers]


@pytest.mark.parametrize(
    ("quantity", "columns", "baseline"),
    [
        ("ratio", ["ratio", "lower", "upper"], 1.0),
        ("abnormal", ["abnormal", "abnormal_lower", "abnormal_upper"], 0.0),
        ("cumulative", ["cumulative", "cumulative_lower", "cumulative_upper"], 0.0),
    ],
)
def test_profile_and_intervals_are_those_of_the_study(ax, study, quantity, columns, baseline):
    plot_event_study(study, quantity=quantity, ax=ax)

    for (x, value, bars), kind in zip(bars_of(ax), ("cpi", "fomc"), strict=True):
        rows = study.profile.loc[kind]
        np.testing.assert_array_equal(np.round(x), rows.index)
        np.testing.assert_array_equal(value, rows[columns[0]])
        np.testing.assert_allclose(bars[:, :, 1], rows[columns[1:]], rtol=1e-12, atol=1e-15)
    assert next(line for line in ax.lines if line.get_linestyle() == "--").get_ydata()[0] == baseline


def test_kinds_stand_apart_in_place_colour_and_marker(ax, study):
    plot_event_study(study, ax=ax)

    first, second = (container.lines[0] for container in ax.containers)
    assert (np.abs(np.subtract(first.get_xdata(), second.get_xdata())) > 0.1).all()
    assert to_hex(first.get_color()) != to_hex(second.get_color())
    assert first.get_marker() != second.get_marker()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["CPI", "FOMC"]


def test_note_counts_events_rows_and_what_was_left_out(ax, study):
    words = words_of(plot_event_study(study, ax=ax))

    for kind in ("cpi", "fomc"):
        row, p = study.counts.loc[kind], study.table.loc[(kind, "volatility"), "adjusted_p_value"]
        said = f"{row['used']} events ({row['left_out']} left out), {row['controls']} matched rows, p = {p:.3f}"
        assert f"{kind.upper()}: {said}" in words
    assert "p: usual volatility on the event's row (permutation, Holm over kinds)" in words
    assert "95 % intervals, each row alone" in words
    assert study.method in words
    assert words.endswith("n = 900, to 2023-06-19")


def test_note_of_moves_has_the_p_of_the_mean_move(ax, study):
    words = words_of(plot_event_study(study, quantity="cumulative", unit="log return", ax=ax))

    p = study.table.loc[("cpi", "mean move"), "adjusted_p_value"]
    assert f"p = {p:.3f}" in words
    assert "usual mean move" in words
    assert ax.get_ylabel() == "cumulative move less\nmatched rows (per cent)"
    assert all(tick.endswith(" %") for tick in (ax.yaxis.get_major_formatter()(v, 0) for v in ax.get_yticks()))


def test_unit_that_is_no_return_is_named(ax, study):
    plot_event_study(study, quantity="abnormal", unit="basis points", ax=ax)

    assert ax.get_ylabel() == "mean move less\nmatched rows (basis points)"


def test_one_kind_needs_no_legend(ax, study):
    plot_event_study(study, kinds=["fomc"], ax=ax)

    ((_, value, _),) = bars_of(ax)
    np.testing.assert_array_equal(value, study.profile.loc["fomc", "ratio"])
    assert ax.get_legend() is None
    assert "cpi" not in words_of(ax)


@pytest.mark.parametrize("kinds", [["nfp"], []])
def test_unknown_kinds_are_refused(ax, study, kinds):
    with pytest.raises(ArgumentError, match="kinds must be among cpi, fomc"):
        plot_event_study(study, kinds=kinds, ax=ax)


def test_unknown_quantity_is_refused(ax, study):
    with pytest.raises(ArgumentError, match="quantity must be one of ratio, abnormal, cumulative; got 'beta'"):
        plot_event_study(study, quantity="beta", ax=ax)


def test_a_profile_without_values_is_refused(ax, study):
    with pytest.raises(DataError, match="the profile must have at least one value to draw; got 10 rows, all NaN"):
        plot_event_study(replace(study, profile=study.profile * np.nan), ax=ax)


def test_a_study_of_variances_has_no_move(ax):
    moves, events = data_of()
    found = variance_event_study(moves**2, events, rng=np.random.default_rng(1), window=(-2, 2), n_boot=99)

    with pytest.raises(ArgumentError, match="must be ratio for a study of variances; got cumulative"):
        plot_event_study(found, quantity="cumulative", ax=ax)
    assert plot_event_study(found, ax=ax) is ax


def test_only_simulated_results_are_marked():
    for simulated, mark in ((False, None), (True, "SIMULATED")):
        found = study_of(provenance=provenance_of(simulated=simulated))
        heading = plot_event_study(found, ax=Figure().subplots()).get_figure()._suptitle
        assert (heading and heading.get_text()) == mark
