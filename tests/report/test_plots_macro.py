from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation import directional_betas, macro_hedge, systematic_share
from volkit.correlation.macro import rolling_betas, volatility_response
from volkit.errors import ArgumentError, DataError
from volkit.report.plots_hedge import plot_macro_hedge
from volkit.report.plots_macro import plot_directional_betas, plot_risk_split, plot_rolling_betas
from volkit.report.plots_transmission import plot_volatility_response
from volkit.results import Provenance, SeriesProvenance

UNITS = {"SPX": "log return", "GOLD": "log return", "US10Y": "basis points"}


def provenance_of(*, simulated):
    series = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    return Provenance((series,))


def data_of(n=500):
    """An asset that answers falls of SPX more than rises, and yields by a little a basis point."""
    rng = np.random.default_rng(3)
    times = pd.date_range("2021-01-01", periods=n, tz="UTC", name="time")
    moves = pd.DataFrame(rng.normal(0.0, [0.01, 0.009, 5.0], (n, 3)), index=times, columns=list(UNITS))
    answer = np.where(moves["SPX"] > 0.0, 0.5, 1.5) * moves["SPX"] - 0.0004 * moves["US10Y"]
    return (answer + rng.normal(0.0, 0.01, n)).rename("BTC"), moves


def directional_of(**changed):
    return directional_betas(*data_of(), units=UNITS, **changed)


def split_of(**changed):
    return systematic_share(*data_of(), window=120, units=UNITS, periods_per_year=365, **changed)


def rolling_of(**changed):
    return rolling_betas(*data_of(), window=120, units=UNITS, **changed)


def hedge_of(**changed):
    asset, moves = data_of()
    settings = {"window": 120, "periods_per_year": 365, "rng": np.random.default_rng(1), "n_boot": 99, **changed}
    return macro_hedge(asset, moves[["SPX", "GOLD"]], **settings)


def response_of(**changed):
    asset, moves = data_of()
    return volatility_response(
        asset**2, moves["SPX"], unit="log return", lags=(1, 7, 30), max_horizon=5, size=0.01, **changed
    )


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words_of(ax):
    return ax.texts[-1].get_text().replace("\n", " ")


def line_of(ax, gid):
    return next(line for line in ax.lines if line.get_gid() == gid)


def band_of(ax, k=0):
    return ax.collections[k].get_paths()[0].vertices[:, 1].round(12)


def points_of(ax):
    return [(c.lines[0].get_xdata()[0], *c.lines[2][0].get_segments()[0][:, 0]) for c in ax.containers]


def minus(words):
    return words.replace("-", "\u2212")


# Betas up and down.


def test_betas_stand_in_standard_errors_of_their_difference(ax):
    found = directional_of()

    plot_directional_betas(found, ax=ax)

    drawn = iter(points_of(ax))
    for factor in UNITS:
        table = found.table.loc[factor]
        error = table.at["difference", "standard_error"]
        up, down = next(drawn), next(drawn)
        for values, side in ((up, "up"), (down, "down")):
            np.testing.assert_allclose(values, table.loc[side, ["beta", "lower", "upper"]] / error, rtol=1e-12)
        # What the reader sees between both marks is the t of the test.
        assert up[0] - down[0] == pytest.approx(table.at["difference", "t"])
    assert ax.get_xlabel() == "beta of BTC (standard errors of up less down)"


def test_betas_become_returns_for_a_usual_move(ax):
    found, usual = directional_of(), data_of()[1].std()

    plot_directional_betas(found, factor_volatility=usual, ax=ax)

    drawn = iter(points_of(ax))
    for factor in UNITS:
        for side in ("up", "down"):
            row = found.table.loc[(factor, side), ["beta", "lower", "upper"]]
            np.testing.assert_allclose(next(drawn), row * usual[factor], rtol=1e-12)
    assert ax.get_xlabel() == "return of BTC for one standard deviation of the factor (per cent)"


def test_names_carry_the_betas_as_fitted_and_the_right_their_p(ax):
    found = directional_of()

    plot_directional_betas(found, ax=ax)

    beta = found.table["beta"]
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names[0] == f"SPX   {beta['SPX', 'up']:.2f} up, {beta['SPX', 'down']:.2f} down"
    assert names[2] == minus(f"US10Y   {beta['US10Y', 'up']:.5f} up, {beta['US10Y', 'down']:.5f} down")
    p = found.table.xs("difference", level="side")["p_value"]
    assert [text.get_text() for text in ax.texts[:-1]] == [f"p = {v:.3f}" if v >= 0.001 else "p < 0.001" for v in p]


def test_rises_and_falls_differ_in_marker_and_filling(ax):
    plot_directional_betas(directional_of(), ax=ax)

    up, down = (container.lines[0] for container in ax.containers[:2])
    assert (up.get_marker(), down.get_marker()) == ("^", "v")
    assert down.get_markerfacecolor() == "white" != up.get_markerfacecolor()


def test_note_of_directional_betas_has_units_joint_p_and_rows(ax):
    found = directional_of()

    words = words_of(plot_directional_betas(found, ax=ax))

    assert words.startswith(
        "BTC, at the left betas up, down (return per unit log return, US10Y return per basis point)"
    )
    said = "p < 0.001" if found.joint_p_value < 0.001 else f"p = {found.joint_p_value:.3f}"
    assert f"equal betas up and down, all factors: {said}" in words
    assert f"95 % intervals (HAC, {found.lags} lags)" in words
    assert words.endswith("n = 500, to 2022-05-15")


@pytest.mark.parametrize("width", [3.6, 8.6])
def test_note_beside_long_names_stays_inside_the_figure(width):
    figure = Figure(figsize=(width, 4.0), layout="constrained")
    axes = figure.subplots()
    plot_directional_betas(directional_of(), ax=axes)
    figure.draw_without_rendering()

    note = next(text for text in axes.texts if text.get_gid() == "volkit-note")
    box = note.get_window_extent()
    assert box.x0 >= 0.0
    assert box.x1 <= figure.bbox.x1


def test_a_factor_without_standard_deviation_is_refused(ax):
    with pytest.raises(ArgumentError, match="factor_volatility must name every factor; got none for GOLD, US10Y"):
        plot_directional_betas(directional_of(), factor_volatility=pd.Series({"SPX": 0.01}), ax=ax)


# Systematic share.


def test_share_is_the_adjusted_one_with_its_band(ax):
    split = split_of()

    plot_risk_split(split, ax=ax)

    known = split.path.dropna()
    np.testing.assert_array_equal(line_of(ax, "share").get_ydata(), known["adjusted_r_squared"])
    assert np.isin(known[["lower", "upper"]].to_numpy().round(12), band_of(ax)).all()


def test_volatilities_are_scaled_to_a_year(ax):
    split = split_of()

    plot_risk_split(split, quantity="volatility", ax=ax)
    alone = plot_risk_split(split, quantity="residual_volatility", ax=Figure().subplots())

    residual = split.annualized_residual_volatility.dropna()
    np.testing.assert_allclose(line_of(ax, "residual").get_ydata(), residual, rtol=1e-12)
    systematic = split.path["systematic_volatility"].dropna() * np.sqrt(365)
    np.testing.assert_allclose(line_of(ax, "systematic").get_ydata(), systematic, rtol=1e-12)
    assert line_of(ax, "systematic").get_linestyle() == "--"
    assert [line.get_gid() for line in alone.lines] == ["residual"]
    assert "no interval of volatility worked out" in words_of(ax)


def test_note_of_the_share_has_both_values_window_and_p(ax):
    split = split_of()

    words = words_of(plot_risk_split(split, ax=ax))

    whole = [f"{100 * split.whole[c]:.0f} %" for c in ("adjusted_r_squared", "lower", "upper")]
    assert "BTC on SPX, GOLD, US10Y: last window " in words
    assert f"whole sample {whole[0]} ({whole[1]} to {whole[2]})" in words
    assert "no beta, whole sample: p < 0.001" in words
    assert "window 120 rows" in words
    assert "n = 500, 2021-01-01 to 2022-05-15" in words


def test_a_path_without_windows_and_another_quantity_are_refused(ax):
    split = split_of()
    with pytest.raises(DataError, match="the systematic share must have at least one value to draw"):
        plot_risk_split(replace(split, path=split.path * np.nan), ax=ax)
    with pytest.raises(ArgumentError, match="quantity must be one of share, volatility, residual_volatility"):
        plot_risk_split(split, quantity="beta", ax=ax)


# Rolling betas.


def test_beta_through_time_has_band_and_unit(ax):
    betas = rolling_of()

    plot_rolling_betas(betas, factor="US10Y", ax=ax)

    known = betas.beta["US10Y"].dropna()
    np.testing.assert_array_equal(line_of(ax, "beta").get_ydata(), known)
    limits = np.stack([frame["US10Y"].dropna() for frame in (betas.lower, betas.upper)])
    assert np.isin(limits.round(12), band_of(ax)).all()
    assert ax.get_ylabel() == "beta to US10Y\n(return per basis point)"


def test_note_of_the_beta_has_latest_value_and_windows(ax):
    betas = rolling_of()

    words = words_of(plot_rolling_betas(betas, factor="SPX", ax=ax))

    row = betas.latest.loc["SPX"]
    latest = minus(f"latest {row['beta']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})")
    assert words.startswith(f"BTC on SPX beside GOLD, US10Y: {latest}, 95 % HAC intervals, each window alone")
    assert "window 120 rows; 381 windows" in words


@pytest.mark.parametrize("factor", [None, "VIX"])
def test_one_known_factor_has_to_be_named(ax, factor):
    with pytest.raises(ArgumentError, match="factor must be one of SPX, GOLD, US10Y"):
        plot_rolling_betas(rolling_of(), factor=factor, ax=ax)


def test_betas_without_windows_are_refused(ax):
    betas = rolling_of()

    with pytest.raises(DataError, match="beta to SPX must have at least one value to draw"):
        plot_rolling_betas(replace(betas, beta=betas.beta * np.nan), factor="SPX", ax=ax)


@pytest.mark.parametrize("make", [rolling_betas, systematic_share])
def test_note_does_not_date_the_sample_before_the_assets_data(ax, make):
    asset, moves = data_of()
    asset.iloc[:200] = np.nan
    if make is rolling_betas:
        plot_rolling_betas(rolling_betas(asset, moves, window=120, units=UNITS), factor="SPX", ax=ax)
    else:
        plot_risk_split(systematic_share(asset, moves, window=120, units=UNITS, periods_per_year=365), ax=ax)

    assert words_of(ax).endswith("n = 300, 2021-07-20 to 2022-05-15, 200 rows left out")


# Hedge and response.


def test_ratio_is_held_until_the_next_fit(ax):
    hedge = hedge_of()

    plot_macro_hedge(hedge, ax=ax)

    for name in ("SPX", "GOLD"):
        line = line_of(ax, f"ratio-{name}")
        assert line.get_drawstyle() == "steps-post"
        np.testing.assert_array_equal(line.get_ydata()[: len(hedge.ratios)], hedge.ratios[name])
        assert line.get_xdata()[-1] == hedge.returns.index[-1]
    assert line_of(ax, "ratio-SPX").get_linestyle() != line_of(ax, "ratio-GOLD").get_linestyle()


def test_note_of_the_hedge_has_both_shares_and_how_it_was_fitted(ax):
    hedge = hedge_of()

    words = words_of(plot_macro_hedge(hedge, ax=ax))

    out, low, high, inside = (
        minus(f"{100 * hedge.table.loc['variance', c]:.0f} %") for c in ("out_of_sample", "lower", "upper", "in_sample")
    )
    said = f"variance removed {out} out of sample (95 % interval {low} to {high}), {inside} in sample"
    assert words.startswith(f"BTC hedged with SPX, GOLD: {said}; OLS, window 120 rows, fitted every 22")
    assert words.endswith("n = 500, to 2022-05-15")


def test_a_hedge_without_ratios_is_refused(ax):
    hedge = hedge_of()

    with pytest.raises(DataError, match="hedge ratios must have at least one value to draw; got no rows"):
        plot_macro_hedge(replace(hedge, ratios=hedge.ratios.iloc[:0]), ax=ax)


def test_response_to_rise_and_fall_with_bands(ax):
    found = response_of()

    plot_volatility_response(found, ax=ax)

    for k, side in enumerate(("up", "down")):
        np.testing.assert_array_equal(line_of(ax, side).get_xydata(), found.path[side].reset_index())
        limits = found.path[[f"{side}_lower", f"{side}_upper"]].to_numpy().round(12)
        assert np.isin(limits, band_of(ax, k)).all()
    assert line_of(ax, "up").get_linestyle() != line_of(ax, "down").get_linestyle()


def test_note_of_the_response_has_size_p_and_controls(ax):
    found = response_of()

    words = words_of(plot_volatility_response(found, ax=ax))

    assert words.startswith("BTC volatility after a move of 0.01 log return of SPX; no response at any horizon: p ")
    assert "95 % bands, each horizon alone; local projections, own past over 1, 7, 30 periods" in words
    assert f"n = {found.n_obs}, to 2022-05-15" in words


def test_a_response_without_values_is_refused(ax):
    found = response_of()

    with pytest.raises(DataError, match="the response must have at least one value to draw"):
        plot_volatility_response(replace(found, path=found.path * np.nan), ax=ax)


@pytest.mark.parametrize(
    ("draw", "make"),
    [
        (plot_directional_betas, directional_of),
        (plot_risk_split, split_of),
        (lambda one, ax: plot_rolling_betas(one, factor="SPX", ax=ax), rolling_of),
        (plot_macro_hedge, hedge_of),
        (plot_volatility_response, response_of),
    ],
)
def test_only_simulated_results_are_marked(draw, make):
    for simulated, mark in ((False, None), (True, "SIMULATED")):
        found = make(provenance=provenance_of(simulated=simulated))
        heading = draw(found, ax=Figure().subplots()).get_figure()._suptitle
        assert (heading and heading.get_text()) == mark
