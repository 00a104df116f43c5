"""How often margin is exceeded under gross and net rules: counts by hand, intervals, and a fair count out of sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.netting import insolvency_neutrality
from volkit.validation.proportion import exact_interval

# Ten scenarios; Value at Risk at 0.8 (type 6) is the loss at rank 8.8.
A = np.array([-10.0, -6, -1, 0, 1, 2, 3, 4, 5, 6])
B = np.array([2.0, -4, -3, 0, 0, 1, 1, 2, 2, 3])


def test_counts_by_hand():
    found = insolvency_neutrality([A, B], confidence=0.8, measure="value_at_risk").table.loc["all"]

    # Alone: A 5.0 = 1 + .8 (6 - 1), B 2.4 = 0 + .8 (3 - 0); together losses 10, 8, 4, 0...: 7.2 = 4 + .8 (8 - 4).
    assert found["margin"].tolist() == pytest.approx([7.4, 7.4, 7.2])
    # Isolated: A loses 10 and 6, B 4 and 3: scenarios 0, 1, 2. Pooled: 8 and 10 above 7.4. Net: the same two.
    assert found["n_insolvent"].tolist() == [3, 2, 2]
    assert found["mean_excess"].tolist() == pytest.approx(
        [(5 + 1 + 1.6 + 0.6) / 10, (0.6 + 2.6) / 10, (0.8 + 2.8) / 10]
    )
    assert found["mean_excess_if_insolvent"].iloc[2] == pytest.approx(1.8)
    # Three insolvent scenarios allowed: the fourth loss, 0; two: the third, 4.
    assert found["equal_net_margin"].tolist() == [0.0, 4.0, 4.0]


@pytest.mark.parametrize(("x", "n"), [(0, 50), (3, 50), (50, 50)])
def test_interval_is_that_of_the_exact_binomial_test(x, n):
    exact = stats.binomtest(x, n).proportion_ci(0.95, method="exact")

    assert exact_interval(x, n, coverage=0.95) == pytest.approx((exact.low, exact.high), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["expected_shortfall", "value_at_risk"]))
def test_the_equal_net_margin_is_exceeded_as_often_and_no_lower_one_does(seed, measure):
    pnl = np.random.default_rng(seed).standard_t(3, (3, 101))

    table = insolvency_neutrality(pnl, confidence=0.9, measure=measure).table.loc["all"]

    loss = -pnl.sum(axis=0)
    for _, row in table.iterrows():
        assert (loss > row["equal_net_margin"]).sum() <= row["n_insolvent"]
        below = np.nextafter(row["equal_net_margin"], -np.inf)
        assert row["equal_net_margin"] == 0.0 or (loss > below).sum() > row["n_insolvent"]
        assert row["low"] <= row["share"] <= row["high"]
    assert table["n_insolvent"]["gross, isolated"] >= table["n_insolvent"]["gross, pooled"]


def test_value_at_risk_keeps_its_promise_in_the_second_half():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 40_000))
    pnl = np.stack([x[0], 0.3 * x[1] - 0.8 * x[0]])

    found = insolvency_neutrality(pnl, confidence=0.99, measure="value_at_risk", judged="second half")

    net = found.table.loc[("all", "net")]
    # Two binomial errors of 20,000 scenarios: of the margin's own estimate and of the count.
    assert net["share"] == pytest.approx(0.01, abs=4 * np.sqrt(2 * 0.01 * 0.99 / 20_000))
    assert net["n_judged"] == found.n_fitted == 20_000 and bool(found.is_neutral["all"])


def test_margin_of_the_first_half_does_not_see_the_second():
    pnl = np.random.default_rng(1).standard_normal((2, 400))
    changed = pnl.copy()
    changed[:, 200:] *= 10.0

    one, other = (insolvency_neutrality(x, confidence=0.95, judged="second half").table for x in (pnl, changed))

    assert one["margin"].tolist() == other["margin"].tolist()
    assert (other["n_insolvent"] > one["n_insolvent"]).all()


def test_a_hedge_that_breaks_is_found_less_safe():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 4_000))
    broken = np.arange(4_000) >= 2_000
    pnl = np.stack([x, np.where(broken, y, -0.95 * x + 0.1 * y)])

    found = insolvency_neutrality(pnl, confidence=0.99, judged="second half")

    assert not found.is_neutral["all"] and found.table.loc[("all", "net"), "share"] > 0.2
    assert "net less safe in 1 of 1 accounts" in repr(found)


def test_accounts_are_judged_apart():
    pnl = np.random.default_rng(1).standard_normal((4, 300))

    both = insolvency_neutrality(pnl, confidence=0.9, account=list("xyxy"))

    alone = insolvency_neutrality(pnl[[0, 2]], confidence=0.9)
    assert both.table.loc["x"].to_numpy() == pytest.approx(alone.table.loc["all"].to_numpy(), nan_ok=True)
    assert "insolvent (share)" in both.summary() and both.to_frame()["account"].tolist() == list("xxxyyy")


def test_bad_terms_are_named():
    with pytest.raises(ArgumentError, match="same scenarios, second half"):
        insolvency_neutrality([A, B], confidence=0.8, judged="first half")
    with pytest.raises(ArgumentError, match="at least one scenario in the tail"):
        insolvency_neutrality([A, B], confidence=0.9, judged="second half")
    with pytest.raises(DataError, match="3 of 2"):
        exact_interval(3, 2, coverage=0.9)
