import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation import binomial_from_counts, christoffersen_test, kupiec_region, traffic_light
from volkit.validation.battery import BATTERY_TESTS, coverage_battery
from volkit.validation.durations import duration_test
from volkit.validation.dynamic_quantile import dynamic_quantile_test
from volkit.validation.exact import kupiec_exact_p_value
from volkit.validation.multiplicity import benjamini_yekutieli, holm

N = 1200
LEVEL = 0.99


@pytest.fixture(scope="module")
def simulated():
    """Two simulated assets, both sides, normal losses; the margin of B short is a third too low, A short's too high."""
    rng = np.random.default_rng(20240601)
    times = pd.date_range("2020-01-01", periods=N, tz="UTC", name="time")
    volatility = 0.03 * np.exp(0.4 * np.sin(np.arange(N) / 90.0))
    z = rng.standard_normal((N, 2))
    losses, margins = {}, {}
    scale = {("A", "long"): 1.0, ("A", "short"): 2.0, ("B", "long"): 1.0, ("B", "short"): 2 / 3}
    for (asset, side), factor in scale.items():
        losses[asset, side] = (-1 if side == "long" else 1) * volatility * z[:, "AB".index(asset)]
        margins[asset, side] = factor * stats.norm.ppf(LEVEL) * volatility
    losses, margins = pd.DataFrame(losses, index=times), pd.DataFrame(margins, index=times)
    losses.iloc[400:405] = np.nan
    regimes = pd.Series(np.where(volatility < 0.025, "calm", np.where(volatility < 0.04, "normal", "crisis")), times)
    return losses, margins, regimes, volatility


@pytest.fixture(scope="module")
def battery(simulated):
    losses, margins, regimes, _ = simulated
    return coverage_battery(losses, margins, confidence=LEVEL, regimes=regimes, n_draws=2000)


def test_every_cell_has_every_test(battery):
    assert len(battery.cells) == 4 * 4
    assert len(battery.table) == 4 * 4 * len(BATTERY_TESTS)
    assert battery.table.index.names == ["instrument", "side", "regime", "test"]
    assert set(battery.cells.index.unique("regime")) == {"all", "calm", "normal", "crisis"}


def test_cell_is_what_the_single_functions_say(battery, simulated):
    losses, margins, _, _ = simulated
    loss, margin = losses["A", "long"], margins["A", "long"]
    hits = (loss > margin).astype(float).where(loss.notna())
    rows = battery.table.loc[("A", "long", "all")]
    x, n = int(hits.sum()), int(hits.notna().sum())

    assert battery.cells.loc[("A", "long", "all"), ["n_obs", "n_missing", "n_exceptions"]].tolist() == [N - 5, 5, x]
    assert rows.loc["kupiec", "exact_p_value"] == kupiec_exact_p_value(x, n, confidence=LEVEL)
    assert rows.loc["binomial", "p_used"] == binomial_from_counts(x, n, confidence=LEVEL).exact_p_value
    joint = christoffersen_test(hits, confidence=LEVEL)
    assert rows.loc["conditional_coverage", "statistic"] == joint.statistic
    duration = duration_test(hits, confidence=LEVEL, n_draws=2000)
    assert rows.loc["duration", "p_used"] == duration.exact_p_value
    assert rows.loc["duration", "size"] == duration.size
    quantile = dynamic_quantile_test(hits, confidence=LEVEL, margins=margin, n_draws=2000)
    assert rows.loc["dynamic_quantile", ["statistic", "p_used"]].tolist() == [
        quantile.statistic,
        quantile.exact_p_value,
    ]


def test_both_kinds_of_wrong_margin_are_named(battery):
    verdicts = battery.cells["verdict"].xs("all", level="regime")

    assert verdicts["B", "short"] == "too many"
    assert verdicts["A", "short"] == "too few"
    assert (verdicts.loc[[("A", "long"), ("B", "long")]] == "not rejected").all()
    assert "too many" in battery.headline and "too few" in battery.headline


def test_adjustment_is_over_the_cells_of_one_test(battery):
    p = battery.table["p_used"].xs("kupiec", level="test").to_numpy()

    adjusted = battery.table.xs("kupiec", level="test")
    assert adjusted["holm"].to_numpy() == pytest.approx(holm(p), rel=1e-12)
    assert adjusted["benjamini_yekutieli"].to_numpy() == pytest.approx(benjamini_yekutieli(p), rel=1e-12)


def test_what_was_left_on_exceptions(battery, simulated):
    losses, margins, regimes, _ = simulated
    left = (margins - losses)["B", "short"]
    hit = left[(left < 0) & (regimes == "normal")]

    cell = battery.cells.loc[("B", "short", "normal")]

    assert [cell["mean_left"], cell["median_left"], cell["worst_left"]] == pytest.approx(
        [hit.mean(), hit.median(), hit.min()], rel=1e-12
    )


def test_limits_and_zone_of_a_cell(battery):
    cell = battery.cells.loc[("B", "short", "all")]
    light = traffic_light(int(cell["n_exceptions"]), int(cell["n_obs"]), confidence=LEVEL)

    assert (cell["accept_from"], cell["accept_to"]) == kupiec_region(int(cell["n_obs"]), confidence=LEVEL)
    assert (cell["zone"], cell["green_to"], cell["red_from"]) == (light.zone, light.green_max, light.red_from)
    assert cell["p_too_many"] == pytest.approx(stats.binom.sf(cell["n_exceptions"] - 1, cell["n_obs"], 0.01), rel=1e-9)


def test_regimes_add_up_and_are_holes_to_each_other(battery, simulated):
    losses, margins, regimes, _ = simulated
    counts = battery.cells["n_obs"]["A", "long"]
    hits = (losses > margins)["A", "long"].astype(float).where(losses["A", "long"].notna())

    assert counts.drop("all").sum() == counts["all"]
    masked = christoffersen_test(hits.where(regimes == "calm"), confidence=LEVEL)
    row = battery.table.loc[("A", "long", "calm", "conditional_coverage")]
    assert row["statistic"] == pytest.approx(masked.statistic, nan_ok=True)


def test_equality_is_no_hit():
    losses = pd.DataFrame({"A": [1.0, 2.0, 3.0] * 40})

    battery = coverage_battery(losses, losses.clip(lower=2.0), confidence=0.9, n_draws=0)

    assert battery.cells["n_exceptions"].tolist() == [0]
    assert battery.table.loc[("A", "", "all", "independence"), "reason"].startswith("no exceptions")
    assert np.isnan(battery.table.loc[("A", "", "all", "duration"), "p_used"])


def test_overlapping_losses_are_not_taken_for_independent():
    rng = np.random.default_rng(1)
    rejected = {1: 0, 5: 0}
    for _ in range(30):
        z = pd.Series(rng.standard_normal(1500))
        loss = z.rolling(5).sum().to_frame("A") / np.sqrt(5)
        margin = pd.DataFrame({"A": np.full(1500, stats.norm.ppf(0.95))})
        for horizon in rejected:
            battery = coverage_battery(loss, margin, confidence=0.95, horizon=horizon, n_draws=0)
            rejected[horizon] += battery.table.loc[("A", "", "all", "conditional_coverage"), "p_used"] < 0.05

    assert rejected[1] == 30  # as if independent: overlap alone rejects every right margin
    assert rejected[5] <= 2


def test_offsets_are_tested_and_merged(simulated):
    losses, margins, _, _ = simulated
    one = losses[[("B", "short")]], margins[[("B", "short")]]
    hits = (one[0] > one[1]).astype(float).where(one[0].notna()).to_numpy().ravel()

    battery = coverage_battery(*one, confidence=LEVEL, horizon=3, n_draws=0)

    each = [hits[start::3] for start in range(3)]
    p = [kupiec_exact_p_value(int(np.nansum(h)), int((~np.isnan(h)).sum()), confidence=LEVEL) for h in each]
    row = battery.table.loc[("B", "short", "all", "kupiec")]
    assert row["p_used"] == pytest.approx(min(1.0, 2 * np.mean(p)), rel=1e-12)
    assert np.isnan(row["size"])
    assert np.isnan(battery.cells["accept_from"]).all()


def test_probabilities_of_losses_add_two_tests(simulated):
    losses, margins, _, volatility = simulated
    pits = losses.apply(lambda column: stats.norm.sf(column / volatility))

    battery = coverage_battery(losses, margins, confidence=LEVEL, pits=pits, n_draws=500)

    assert set(battery.table.index.unique("test")) == {*BATTERY_TESTS, "multinomial", "berkowitz"}
    assert (battery.table.xs("berkowitz", level="test")["holm"] > 0.05).all()  # the law is right, whatever the margin


def test_result_cannot_be_changed_and_shows_itself(battery):
    with pytest.raises(ValueError, match="read-only"):
        battery.cells["n_obs"].to_numpy()[0] = 0
    assert len(battery.summary()) == len(battery.cells)
    assert "kupiec (p, Holm)" in battery.summary().columns
    assert {"instrument", "test", "holm"} <= set(battery.to_frame().columns)
    assert "Coverage battery" in battery._repr_html_()
    assert (battery.rejected["holm"] < 0.05).all()


def test_later_rows_do_not_change_earlier_cells(simulated):
    losses, margins, regimes, _ = simulated
    early = regimes.where(regimes.index < regimes.index[600])

    whole = coverage_battery(losses, margins, confidence=LEVEL, regimes=early, n_draws=0)
    part = coverage_battery(losses[:600], margins[:600], confidence=LEVEL, regimes=early[:600], n_draws=0)

    for regime in ("calm", "normal", "crisis"):
        before, after = (each.table.xs(regime, level="regime")["statistic"] for each in (part, whole))
        assert before.notna().any()
        assert before.equals(after)


def test_mistakes_are_answered(simulated):
    losses, margins, regimes, _ = simulated
    with pytest.raises(DataError, match="margins must be on the clock of the losses; got 1199 rows"):
        coverage_battery(losses, margins[1:], confidence=LEVEL)
    with pytest.raises(DataError, match="margins must have the columns of the losses"):
        coverage_battery(losses, margins[margins.columns[::-1]], confidence=LEVEL)
    with pytest.raises(DataError, match="losses must stand beside a margin somewhere in every column"):
        coverage_battery(losses, margins * np.nan, confidence=LEVEL)
    with pytest.raises(DataError, match="regimes must be on the clock"):
        coverage_battery(losses, margins, confidence=LEVEL, regimes=regimes[1:])
    with pytest.raises(DataError, match="regimes must not be called 'all'"):
        coverage_battery(losses, margins, confidence=LEVEL, regimes=regimes.replace("calm", "all"))
    with pytest.raises(DataError, match="regimes must have a column an instrument"):
        coverage_battery(losses, margins, confidence=LEVEL, regimes=regimes.to_frame("A"))
    with pytest.raises(DataError, match="losses must be finite or missing"):
        coverage_battery(losses.replace(losses.iloc[0, 0], np.inf), margins, confidence=LEVEL)
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        coverage_battery(losses, margins, confidence=0.01)
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1"):
        coverage_battery(losses, margins, confidence=LEVEL, horizon=0)
    with pytest.raises(ArgumentError, match="n_draws"):
        coverage_battery(losses, margins, confidence=LEVEL, n_draws=7)
