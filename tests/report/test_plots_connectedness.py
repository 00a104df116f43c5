import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation.connectedness import (
    connectedness,
    connectedness_from_var,
    frequency_connectedness,
    rolling_connectedness,
)
from volkit.errors import ArgumentError, DataError
from volkit.report.plots_connectedness import (
    plot_connectedness,
    plot_connectedness_path,
    plot_frequency_connectedness,
    plot_net_connectedness,
    plot_net_connectedness_path,
)
from volkit.results import Provenance, SeriesProvenance

DRAWINGS = (plot_connectedness, plot_net_connectedness)
PATHS = (plot_connectedness_path, plot_net_connectedness_path)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def moves():
    rng = np.random.default_rng(1)
    a, e, g = rng.standard_normal((3, 500))
    times = pd.date_range("2022-01-01", periods=500, tz="UTC", name="time")
    lead = np.append(0.0, a[:-1])
    return pd.DataFrame({"BTC": a, "ETH": 0.6 * a + 0.4 * lead + 0.5 * e, "GOLD": g}, index=times)


@pytest.fixture(scope="module")
def table(moves):
    return connectedness(moves, lags=1, horizon=5, rng=np.random.default_rng(1), n_draws=99)


@pytest.fixture(scope="module")
def path(moves):
    return rolling_connectedness(moves, lags=1, horizon=5, window=100, n_draws=39, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def bands(moves):
    return frequency_connectedness(moves, lags=1)


def note_of(ax):
    return next(t.get_text().replace("\n", " ") for t in ax.texts if t.get_gid() == "volkit-note")


def simulated(result):
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    return dataclasses.replace(result, provenance=Provenance((source,)))


def cells_of(ax, n_columns):
    words = [t.get_text().replace("\u2212", "-") for t in ax.texts if t.get_gid() is None]
    return np.array(words).reshape(-1, n_columns)


def test_rows_receive_and_columns_send(ax, table):
    plot_connectedness(table, ax=ax)

    cells = cells_of(ax, 4)
    np.testing.assert_allclose(cells[:3, :3].astype(float), table.table, atol=0.051)
    np.testing.assert_allclose(cells[:3, 3].astype(float), table.from_others, atol=0.051)
    np.testing.assert_allclose(cells[3, :3].astype(float), table.to_others, atol=0.051)
    np.testing.assert_allclose(cells[4, :3].astype(float), table.net, atol=0.051)
    assert float(cells[3, 3]) == pytest.approx(table.total, abs=0.051)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["BTC", "ETH", "GOLD", "TO", "NET"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["BTC", "ETH", "GOLD", "FROM"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column sends (TO others)", "row receives (FROM others)")


def test_colour_stands_for_the_shares_of_others_only(ax, table):
    plot_connectedness(table, ax=ax)

    drawn = ax.collections[0].get_array().reshape(5, 4)
    others = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(drawn[:3, :3][others].data, table.table.to_numpy()[others])
    assert drawn.mask[:3, :3].diagonal().all()
    assert drawn.mask[:, 3].all()
    assert drawn.mask[3:].all()


def test_a_narrow_table_drops_decimals(table):
    ax = Figure(figsize=(3.6, 4)).subplots()
    plot_connectedness(table, ax=ax)

    assert not any("." in word for word in cells_of(ax, 4).ravel())


def test_note_of_a_table_gives_index_floor_method_and_rows(ax, table):
    plot_connectedness(table, ax=ax)

    note = note_of(ax)
    for words in (
        f"index {table.total:.1f} %, bias-corrected {table.adjusted_total:.1f} %",
        f"95 % interval {table.lower:.1f} to {table.upper:.1f}",
        f"under independence {table.floor:.1f} %",
        "generalised decomposition, VAR with 1 lag, 5 periods ahead",
        f"n = {table.n_obs:,}, to 2023-05-15",
    ):
        assert words in note
    assert "explosive" not in note


def test_known_system_has_no_correction_and_no_sample(ax):
    known = connectedness_from_var([[[0.5, 0.2], [0.0, 0.3]]], np.eye(2), names=["BTC", "SPX"])
    plot_connectedness(known, ax=ax)

    assert f"index {known.total:.1f} %; generalised" in note_of(ax)
    assert "a known system, no sample" in note_of(ax)


def test_net_bars_are_sorted_and_their_ends_point_to_the_side(ax, table):
    plot_net_connectedness(table, ax=ax)

    net = table.net.sort_values(ascending=False)
    assert [t.get_text() for t in ax.get_yticklabels()] == list(net.index)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], net)
    ends = [line for line in ax.lines if line.get_marker() in "<>"]
    assert [e.get_marker() for e in ends] == [">" if value >= 0.0 else "<" for value in net]
    assert ax.get_xlabel().startswith("\u2190 receives more")
    assert "net values have no interval" in note_of(ax)


def test_path_draws_corrected_raw_and_floor(ax, path):
    plot_connectedness_path(path, ax=ax)

    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    known = path.total.loc[path.total["total"].first_valid_index() :]
    np.testing.assert_array_equal(lines["bias-corrected"], known["adjusted"])
    np.testing.assert_array_equal(lines["index as estimated"], known["total"])
    np.testing.assert_array_equal(lines["under independence"], known["floor"])
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert known[["lower", "upper"]].to_numpy().max() == corners.max()
    assert known["lower"].min() == corners.min()
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    assert legend == ["bias-corrected", "its 95 % band, each time alone", "index as estimated", "under independence"]
    assert "3 series" in note_of(ax)
    assert "100 periods" in note_of(ax)
    assert "n = 500, to 2023-05-15" in note_of(ax)


def test_path_without_correction_says_what_is_missing(ax, path):
    blank = path.total.copy()
    blank[["adjusted", "lower", "upper", "floor"]] = np.nan
    plot_connectedness_path(dataclasses.replace(path, total=blank), ax=ax)

    assert [line.get_label() for line in ax.lines] == ["index as estimated"]
    assert "no bias correction and no band was worked out" in note_of(ax)


def test_strips_rise_where_a_series_sends_more(ax, path):
    plot_net_connectedness_path(path, series=["ETH", "BTC"], ax=ax)

    largest = np.nanmax(np.abs(path.net[["ETH", "BTC"]].to_numpy()))
    for place, name in enumerate(("ETH", "BTC")):
        up, down = (
            c.get_paths()[0].vertices[:, 1] + 1.15 * place for c in ax.collections if c.get_gid() == f"net-{name}"
        )
        assert 2.0 * largest * up.max() == pytest.approx(max(path.net[name].max(), 0.0))
        assert 2.0 * largest * down.min() == pytest.approx(min(path.net[name].min(), 0.0))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["ETH", "BTC"]


def test_bars_of_the_bands_add_up_to_what_is_received(ax, bands):
    plot_frequency_connectedness(bands, ax=ax)

    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(len(bands.tables), -1)
    assert widths[:, 0].sum() == pytest.approx(bands.totals.sum())
    for row, name in enumerate(("BTC", "ETH", "GOLD"), start=1):
        received = sum(t.loc[name].sum() - t.loc[name, name] for t in bands.tables.values())
        assert widths[:, row].sum() == pytest.approx(received)
    assert len({bar.get_hatch() for bar in ax.patches}) == len(bands.tables)


def test_unknown_and_no_series_are_refused(ax, path):
    with pytest.raises(ArgumentError, match="series must be among BTC, ETH, GOLD; got SOL"):
        plot_net_connectedness_path(path, series=["SOL"], ax=ax)
    with pytest.raises(ArgumentError, match="got none"):
        plot_net_connectedness_path(path, series=[], ax=ax)


@pytest.mark.parametrize("draw", PATHS)
def test_path_without_a_value_is_refused(ax, path, draw):
    total = path.total.assign(total=np.nan)
    with pytest.raises(DataError, match="must have at least one value to draw"):
        draw(dataclasses.replace(path, total=total, net=path.net * np.nan), ax=ax)


def test_only_simulated_results_are_marked(table, path, bands):
    drawn = [(draw, table) for draw in DRAWINGS] + [(draw, path) for draw in PATHS]
    for draw, result in [*drawn, (plot_frequency_connectedness, bands)]:
        assert draw(result, ax=Figure().subplots()).get_figure()._suptitle is None
        assert draw(simulated(result), ax=Figure().subplots()).get_figure()._suptitle.get_text() == "SIMULATED"
