import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.realtime.state import blended_volatility, choose_blend


def past(weight, n=20000, seed=3):
    """Losses whose variance is a known blend of two volatilities, simulated."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2005-01-01", periods=n, freq="8h", tz="UTC", name="time")
    r, i = (pd.Series(0.02 * np.exp(0.6 * rng.standard_normal(n)), index=times) for _ in range(2))
    return blended_volatility(r, i, weight=weight) * rng.standard_normal(n) + 0.0 * r, r, i


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_true_weight_is_recovered(weight):
    lost, r, i = past(weight)
    choice = choose_blend(lost, realized=r, implied=i, target=0.01)

    assert choice.weight == pytest.approx(weight, abs=0.15)
    assert choice.multiplier == pytest.approx(2.326, rel=0.05)


def test_quantile_loss_equals_a_slow_loop():
    lost, r, i = past(0.5, n=4000)
    choice = choose_blend(lost, realized=r, implied=i, target=0.01, weights=(0.4,))
    row = choice.table.loc[0.4]
    total = 0.0
    for t in range(2000, 4000):
        margin = row["multiplier"] * (0.6 * r.iloc[t] ** 2 + 0.4 * i.iloc[t] ** 2) ** 0.5
        gap = lost.iloc[t] - margin
        total += 0.99 * gap if gap > 0 else -0.01 * gap

    assert row["quantile_loss"] == pytest.approx(total / 2000, rel=1e-12)


def test_exceedance_criterion_takes_the_rate_nearest_the_target():
    lost, r, i = past(0.5, n=6000)
    choice = choose_blend(lost, realized=r, implied=i, target=0.01, criterion="exceedance")
    distance = (choice.table["rate"] - 0.01).abs()

    assert distance[choice.weight] == distance.min()


def test_later_rows_do_not_move_the_multipliers_of_the_first_part():
    lost, r, i = past(0.5, n=4000)
    before = choose_blend(lost, realized=r, implied=i, target=0.01).table["multiplier"]
    changed = lost.copy()
    changed.iloc[2000:] *= 3.0
    after = choose_blend(changed, realized=r, implied=i, target=0.01).table["multiplier"]

    pd.testing.assert_series_equal(before, after)


def test_margin_follows_the_surface_by_its_slope():
    lost, r, i = past(0.5)
    choice = choose_blend(lost, realized=r, implied=i, target=0.01)
    small = 1e-6
    table = choice.response(realized=0.6, implied=0.7, horizon="8h", shifts=(-small, 0.0, small))
    secant = (table["margin"].loc[small] - table["margin"].loc[-small]) / (2 * small)
    root = (8 / 8760) ** 0.5

    assert table["slope"].loc[0.0] == pytest.approx(secant, rel=1e-6)
    assert table["margin"].loc[0.0] == pytest.approx(choice.margin(0.6 * root, 0.7 * root), rel=1e-12)
    assert table["change"].loc[0.0] == 0.0


def test_what_cannot_be_blended_is_refused():
    lost, r, i = past(0.5, n=4000)

    with pytest.raises(DataError, match="beyond the margin in each part"):
        choose_blend(lost, realized=r, implied=i, target=0.001)
    with pytest.raises(DataError, match="volatility above zero"):
        choose_blend(lost, realized=r, implied=0.0 * i, target=0.01)
    with pytest.raises(DataError, match="index of the losses"):
        choose_blend(lost, realized=r.iloc[1:], implied=i, target=0.01)
    with pytest.raises(ArgumentError, match="minus the implied"):
        choose_blend(lost, realized=r, implied=i, target=0.01).response(
            realized=0.5, implied=0.5, horizon="8h", shifts=(-0.5,)
        )
