import json
from pathlib import Path

import numpy as np
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.sources.bundled import BundledSource
from volkit.volatility.measured.bars import bar_variances
from volkit.volatility.measured.efficiency import compare_range_estimators, simulate_range_efficiency

REFERENCE = {
    entry["inputs"]["estimator"]: entry["expected"]
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "ranges.json").read_text())["entries"]
    if entry["method"] == "range_efficiency"
}
SEES_GAPS = ["close_to_close", "garman_klass_yang_zhang", "yang_zhang"]
BLIND = ["parkinson", "garman_klass", "rogers_satchell"]


def simulated(seed=1, **changes):
    return simulate_range_efficiency(np.random.default_rng(seed), **{"n_days": 4_000, "n_steps": 390, **changes}).table


@pytest.fixture(scope="module")
def full():
    return simulate_range_efficiency(np.random.default_rng(20), n_days=20_000, n_steps=1_440)


@pytest.mark.parametrize("name", REFERENCE)
def test_bias_and_efficiency_match_reference(name, full):
    row, expected = full.table.loc[name], REFERENCE[name]

    # The reference was simulated once with as many days, so both have the error; its efficiency has two digits.
    assert row["bias"] == pytest.approx(expected["bias"], abs=4 * np.sqrt(2) * row["bias_error"])
    assert row["efficiency"] == pytest.approx(
        expected["efficiency"], abs=4 * np.sqrt(2) * row["efficiency_error"] + 0.05
    )


@pytest.mark.parametrize("name", REFERENCE)
def test_efficiency_is_that_of_continuous_time_once_the_bias_is_taken_out(name, full):
    row = full.table.loc[name]

    # A range that is too short by a fixed length scatters as the full one: a few per cent besides the error.
    on_one_scale = row["efficiency"] * row["bias"] ** 2
    theory = REFERENCE[name]["continuous_efficiency"]
    assert on_one_scale == pytest.approx(theory, abs=4 * row["efficiency_error"] + 0.05 * theory)


def test_squared_returns_are_unbiased_and_the_measure(full):
    row = full.table.loc["squared_return"]

    # Its standard error is sqrt(2 / 20,000).
    assert row["bias"] == pytest.approx(1.0, abs=4 * np.sqrt(2 / 20_000))
    assert (row["efficiency"], row["efficiency_error"]) == (1.0, 0.0)
    # The sample variance spends one of ten returns on the mean.
    sample = full.table.loc["close_to_close"]
    assert sample["efficiency"] == pytest.approx(0.9, abs=4 * sample["efficiency_error"])


def test_bias_shrinks_with_the_step():
    coarse, fine = simulated(n_steps=50), simulated(n_steps=1_000)

    assert (coarse.loc[BLIND, "bias"] < fine.loc[BLIND, "bias"] - 0.05).all()


def test_drift_spoils_parkinson_and_leaves_rogers_satchell_alone():
    still, drifting = simulated(), simulated(drift=0.03)

    assert drifting.loc["parkinson", "bias"] > 1.2
    assert drifting.loc["squared_return", "bias"] == pytest.approx(2.0, abs=0.2)
    for name in ("rogers_satchell", "yang_zhang", "close_to_close"):
        error = np.hypot(still.loc[name, "bias_error"], drifting.loc[name, "bias_error"])
        # Drift shifts where the extremes are missed, which moves the discretisation bias by a point or two.
        assert drifting.loc[name, "bias"] == pytest.approx(still.loc[name, "bias"], abs=4 * error + 0.02)


def test_gap_is_lost_on_those_that_do_not_see_it():
    still, gapped = simulated(), simulated(gap_share=0.4)

    for name in BLIND:
        assert gapped.loc[name, "bias"] == pytest.approx(0.6 * still.loc[name, "bias"], abs=0.03)
    for name in SEES_GAPS:
        # Only the part within the day suffers from steps, so the bias is smaller than without a gap.
        assert gapped.loc[name, "bias"] == pytest.approx(
            0.4 + 0.6 * still.loc[name, "bias"], abs=4 * gapped.loc[name, "bias_error"] + 0.02
        )


def test_bias_and_efficiency_do_not_know_the_volatility():
    low, high = simulated(volatility=0.01), simulated(volatility=0.04)

    columns = ["bias", "efficiency"]
    # Prices are rounded to 16 digits, which a logarithm of 1e-4 feels in the 12th.
    assert high[columns].to_numpy() == pytest.approx(low[columns].to_numpy(), rel=1e-8)


def test_same_seed_gives_the_same_table_and_another_does_not():
    first, again, other = simulated(1), simulated(1), simulated(2)

    assert first.equals(again)
    assert not first.equals(other)


def test_real_bars_are_measured_against_their_squared_returns():
    bars = BundledSource().load_bars("SPX").frame

    found = compare_range_estimators(bars)

    variances = bar_variances(bars).iloc[1:].mean()
    assert found.table.loc["parkinson", "bias"] == pytest.approx(
        variances["parkinson"] / variances["close_to_close"], rel=1e-12
    )
    assert found.table.loc["squared_return", "bias"] == 1.0
    assert (found.n_obs, found.truth) == (5031, "the mean squared return")
    assert "efficiency (ratio of variances)" in found.summary().columns
    with pytest.raises(ValueError, match="read-only"):
        found.table.iloc[0, 0] = 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_days": 100}, "n_days must be a whole number of at least 200 days"),
        ({"n_steps": 0}, "n_steps must be a whole number of at least 1 steps"),
        ({"window": 2}, "window must be a whole number of at least 3 bars"),
        ({"volatility": 0.0}, "volatility must be a positive number"),
        ({"gap_share": 1.0}, "gap_share must be a fraction from 0 to below 1"),
        ({"drift": 0.5}, "drift must keep the log price within 600; got drift=0.5 and volatility=0.03 over 4000 days"),
        ({"drift": float("nan")}, "drift must keep the log price within 600"),
    ],
)
def test_impossible_simulations_are_refused(changes, message):
    with pytest.raises(ArgumentError, match=message):
        simulated(**changes)


def test_short_history_is_refused():
    bars = BundledSource().load_bars("SPX").frame.iloc[:150]

    with pytest.raises(DataError, match="at least 200 complete bars; got 150"):
        compare_range_estimators(bars)
