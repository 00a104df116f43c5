"""Simulated laws beside plain loops, whole samples and closed forms."""

import numpy as np
import pytest
from scipy import stats

from volkit.errors import ArgumentError, DataQualityWarning
from volkit.kernels import load_kernels
from volkit.validation.shortfall import (
    ScenarioLaw,
    acerbi_szekely_critical,
    acerbi_szekely_draws,
    acerbi_szekely_z1_test,
    acerbi_szekely_z2_test,
    acerbi_szekely_z3_test,
    empirical_law,
    given_law,
    minimum_bias_test,
    normal_law,
    relative_minimum_bias_test,
    student_law,
)
from volkit.validation.shortfall.inputs import check_tail
from volkit.validation.shortfall.simulation import draw_exceptions, tail_mean_ratio

SIMULATED = [
    acerbi_szekely_z1_test,
    acerbi_szekely_z2_test,
    acerbi_szekely_z3_test,
    minimum_bias_test,
    relative_minimum_bias_test,
]
LAWS = [normal_law(), student_law(4), empirical_law(np.random.default_rng(5).standard_t(4, 3000))]


def slow_tails(rng, mean_gap, table, step, weights, n_draws):
    """The kernel's sums, a number at a time."""
    found, ahead = [], rng.standard_exponential() * mean_gap
    depths = step * np.arange(len(table))
    for _ in range(n_draws):
        count, share, total = 0, 0.0, 0.0
        while ahead < len(weights):
            t = int(ahead)
            total += weights[t] * np.interp(rng.standard_exponential(), depths, table)
            share += weights[t]
            count += 1
            ahead = t + 1 + rng.standard_exponential() * mean_gap
        ahead -= len(weights)
        found.append((count, share, total))
    return np.array(found).T


def test_kernel_of_tails_agrees_with_a_plain_loop():
    kernels = load_kernels("volkit.validation.shortfall._kernels")
    weights = np.random.default_rng(3).uniform(0.5, 2.0, 60)
    table = np.linspace(1.0, 9.0, 500) ** 1.3
    counts, shares, totals = np.empty(40, dtype=np.int64), np.empty(40), np.empty(40)

    kernels.draw_tails(np.random.default_rng(1), 8.0, table, 0.1, weights, counts, shares, totals)

    slow = slow_tails(np.random.default_rng(1), 8.0, table, 0.1, weights, 40)
    assert counts.tolist() == slow[0].tolist()
    assert shares == pytest.approx(slow[1], rel=1e-13)
    assert totals == pytest.approx(slow[2], rel=1e-12)


def test_kernel_of_scenarios_agrees_with_a_plain_loop():
    kernels = load_kernels("volkit.validation.shortfall._kernels")
    data = np.random.default_rng(3)
    scenarios, margins, a, b = data.normal(size=(30, 70)), *data.uniform(0.5, 1.5, (3, 30))
    counts, shares, totals = np.empty(20, dtype=np.int64), np.empty(20), np.empty(20)

    kernels.draw_scenarios(np.random.default_rng(1), scenarios, margins, a, b, 1.2, counts, shares, totals)

    rng = np.random.default_rng(1)
    for d in range(20):
        losses = 1.2 * np.array([scenarios[t, int(rng.random() * 70)] for t in range(30)])
        hit = losses > margins
        assert counts[d] == hit.sum()
        assert shares[d] == pytest.approx(a[hit].sum(), rel=1e-13)
        assert totals[d] == pytest.approx((b * losses)[hit].sum(), rel=1e-12)


def test_kernel_of_ranks_agrees_with_a_plain_loop():
    kernels = load_kernels("volkit.validation.shortfall._kernels")
    data = np.random.default_rng(3)
    scenarios, scale, out = -np.sort(-data.normal(size=(12, 50))), data.uniform(0.5, 1.5, 12), np.empty(15)

    kernels.draw_top_scenarios(np.random.default_rng(1), scenarios, 3, scale, 1.3, np.empty(12, dtype=np.int64), out)

    rng = np.random.default_rng(1)
    for d in range(15):
        losses = [1.3 * scenarios[t, min(int(rng.random() * 51), 49)] for t in range(12)]
        ranks = np.sort([(scenarios[t] > losses[t]).sum() for t in range(12)])[:3]
        assert out[d] == pytest.approx(np.mean(scale * scenarios[:, np.minimum(ranks, 49)].mean(axis=1)), rel=1e-12)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("inflation", [1.0, 1.4])
def test_drawn_statistics_have_the_law_of_whole_samples(law, inflation):
    v, e = law.value_at_risk(0.95), law.expected_shortfall(0.95)
    losses = inflation * law.upper_quantile(np.random.default_rng(2).random((20_000, 100)))
    hits = losses > v
    count, total = hits.sum(axis=1), np.where(hits, losses / e, 0.0).sum(axis=1)
    top = np.sort(losses, axis=1)[:, -5:].mean(axis=1)
    base = np.sort(law.upper_quantile(np.random.default_rng(3).random((200_000, 100))), axis=1)[:, -5:].mean()
    whole = {
        "Z1": 1 - total[count > 0] / count[count > 0],
        "Z2": 1 - total / (100 * 0.05),
        "Z3": 1 - top / base,
    }

    for statistic, expected in whole.items():
        rng = np.random.default_rng(1)
        drawn = acerbi_szekely_draws(
            100, statistic=statistic, confidence=0.95, law=law, rng=rng, n_draws=50_000, inflation=inflation
        )
        # A right law is mistaken for another by this test once in a thousand.
        assert stats.ks_2samp(drawn[~np.isnan(drawn)], expected).pvalue > 1e-3


def test_z3_is_zero_on_average_under_each_law():
    for law in LAWS:
        rng = np.random.default_rng(1)
        drawn = acerbi_szekely_draws(250, statistic="Z3", confidence=0.975, law=law, rng=rng)
        assert abs(drawn.mean()) < 4 * drawn.std() / np.sqrt(len(drawn))


def test_scenarios_of_one_law_give_the_law_itself(sample):
    losses, V, E = sample(250)
    scale = V / normal_law().value_at_risk(0.975)
    grid = stats.norm.isf((np.arange(20_000) + 0.5) / 20_000)
    scenarios = ScenarioLaw.of(scale[:, None] * grid)

    for test in SIMULATED:
        a, b = (
            test(losses, V, E, confidence=0.975, law=law, rng=np.random.default_rng(1), n_draws=4000)
            for law in (normal_law(), scenarios)
        )
        assert b.statistic == pytest.approx(a.statistic, abs=2e-3)
        assert b.critical_value == pytest.approx(a.critical_value, abs=6 * a.standard_error * 2.1 / np.sqrt(4000))
        assert b.power == pytest.approx(a.power, abs=0.04)


def test_scenario_statistic_of_ranks_follows_the_definition():
    rng = np.random.default_rng(4)
    scenarios, losses = rng.normal(size=(40, 60)), rng.normal(size=40)
    law, rows = ScenarioLaw.of(scenarios), check_tail(losses, np.ones(40), 2 * np.ones(40), confidence=0.9)
    falling = -np.sort(-scenarios, axis=1)

    ranks = np.sort((scenarios > losses[:, None]).sum(axis=1))[:4]
    uniform = np.sort(rng.integers(0, 61, (200_000, 40)), axis=1)[:, :4]
    share = np.bincount(np.minimum(uniform, 59).ravel(), minlength=60) / uniform.size
    expected = np.mean(falling[:, np.minimum(ranks, 59)].mean(axis=1) / (falling @ share))

    assert tail_mean_ratio(law, rows, confidence=0.9) == pytest.approx(expected, rel=3e-3)  # simulated expectation


@pytest.mark.parametrize("test", SIMULATED)
def test_p_values_of_right_forecasts_are_uniform(sample, test):
    found = [
        test(
            *sample(100, confidence=0.9, seed=seed), confidence=0.9, law=normal_law(),
            rng=np.random.default_rng(seed), n_draws=1000,
        ).p_value
        for seed in range(300)
    ]  # fmt: skip

    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("test", SIMULATED)
def test_understated_shortfall_is_found_and_the_unit_does_not_matter(sample, test):
    losses, V, E = sample(1000, inflation=1.5)
    terms = {"confidence": 0.975, "law": normal_law(), "n_draws": 2000}

    one = test(losses, V, E, rng=np.random.default_rng(1), **terms)
    other = test(0.01 * losses, 0.01 * V, 0.01 * E, rng=np.random.default_rng(1), **terms)

    assert one.is_rejected and one.statistic < one.critical_value < 0.0
    assert other.p_value == one.p_value


@pytest.mark.parametrize("test", SIMULATED)
def test_same_seed_gives_the_same_outcome(sample, test):
    terms = {"confidence": 0.975, "law": student_law(4), "n_draws": 1000}
    L, V, _ = sample(300)
    E = V * terms["law"].expected_shortfall(0.975) / terms["law"].value_at_risk(0.975)

    a, b = (test(L, V, E, rng=np.random.default_rng(9), **terms) for _ in range(2))

    assert (a.p_value, a.critical_value, a.power) == (b.p_value, b.critical_value, b.power)


@pytest.mark.parametrize("test", SIMULATED)
def test_missing_rows_are_left_out_and_counted(sample, test):
    L, V, E = sample(300)
    terms = {"confidence": 0.975, "law": normal_law(), "n_draws": 1000}
    holed = L.copy()
    holed[[3, 200]] = np.nan

    a = test(holed, V, E, rng=np.random.default_rng(1), **terms)
    b = test(*(np.delete(x, [3, 200]) for x in (L, V, E)), rng=np.random.default_rng(1), **terms)

    assert (a.n_obs, a.n_missing) == (298, 2)
    assert (a.statistic, a.p_value) == (b.statistic, b.p_value)


def test_minimum_bias_follows_the_definition_in_return_space(sample):
    losses, V, E = sample(500)
    r, v, e, p = -losses, -V, -E, 0.025
    z = v - e - np.maximum(v - r, 0.0) / p
    terms = {"confidence": 0.975, "law": normal_law(), "rng": np.random.default_rng(1), "n_draws": 1000}

    assert minimum_bias_test(losses, V, E, **terms).statistic == pytest.approx(z.mean(), rel=1e-12)
    assert relative_minimum_bias_test(losses, V, E, **terms).statistic == pytest.approx((z / -e).mean(), rel=1e-12)


def test_minimum_bias_hardly_sees_a_wrong_value_at_risk():
    law, n = normal_law(), 2_000_000
    losses, e = np.random.default_rng(1).standard_normal(n), law.expected_shortfall(0.975)

    def biases(v):
        return (e - v - np.maximum(losses - v, 0.0) / 0.025).mean(), 1 - (losses[losses > v]).sum() / (0.025 * n * e)

    (right, z2), (wrong, z2_wrong) = biases(law.value_at_risk(0.975)), biases(1.05 * law.value_at_risk(0.975))

    assert wrong - right < 0.0  # never towards acceptance
    assert abs(wrong - right) / e < 0.1 * abs(z2_wrong - z2)


def test_more_than_eighty_thousand_periods_and_no_exception_work():
    law, n = normal_law(), 87_600
    V, E = np.full(n, law.value_at_risk(0.99)), np.full(n, law.expected_shortfall(0.99))
    terms = {"confidence": 0.99, "law": law, "n_draws": 1000}
    losses = np.random.default_rng(1).standard_normal(n)

    for test in SIMULATED:
        assert 0.001 < test(losses, V, E, rng=np.random.default_rng(1), **terms).p_value < 1.0
    calm = acerbi_szekely_z1_test(0.1 * losses, V, E, rng=np.random.default_rng(1), **terms)
    assert calm.reason == "no exceptions" and np.isnan(calm.statistic) and np.isnan(calm.p_value)
    assert not calm.is_rejected
    assert acerbi_szekely_z2_test(0.1 * losses, V, E, rng=np.random.default_rng(1), **terms).statistic == 1.0


def test_exception_at_equality_is_none():
    V, E = np.full(60, normal_law().value_at_risk(0.975)), np.full(60, normal_law().expected_shortfall(0.975))
    terms = {"confidence": 0.975, "law": normal_law(), "rng": np.random.default_rng(1), "n_draws": 1000}

    assert acerbi_szekely_z2_test(V, V, E, **terms).n_exceptions == 0


def test_z3_of_a_tail_without_a_period_says_so():
    V, E = np.full(20, normal_law().value_at_risk(0.975)), np.full(20, normal_law().expected_shortfall(0.975))

    test = acerbi_szekely_z3_test(V, V, E, confidence=0.975, law=normal_law(), rng=np.random.default_rng(1))

    assert test.reason == "the tail holds 0.5 periods, less than one" and np.isnan(test.p_value)


def test_forecasts_of_another_law_are_named(sample):
    losses, V, E = sample(300)

    with pytest.warns(
        DataQualityWarning, match=r"0\.838 of the expected shortfall, under the Student t\(3\) law 0\.63"
    ):
        acerbi_szekely_z2_test(
            losses, V, E, confidence=0.975, law=student_law(3), rng=np.random.default_rng(1), n_draws=1000
        )


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.999])
def test_laws_agree_with_integrals_of_their_quantiles(confidence):
    for law, peer in ((normal_law(), stats.norm), (student_law(3), stats.t(3))):
        given = given_law(peer.isf, peer.sf, name="scipy")
        assert law.value_at_risk(confidence) == pytest.approx(peer.ppf(confidence), rel=1e-12)
        assert law.expected_shortfall(confidence) == pytest.approx(given.expected_shortfall(confidence), rel=1e-7)


def test_empirical_law_integrates_its_own_quantile():
    values = np.random.default_rng(1).standard_t(4, 400)
    law = empirical_law(values)
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000 * 0.05

    assert law.value_at_risk(0.95) == pytest.approx(np.quantile(values, 0.95), rel=1e-12)
    assert law.expected_shortfall(0.95) == pytest.approx(law.upper_quantile(grid).mean(), rel=1e-6)
    assert law.exceedance(law.upper_quantile(np.array([0.013]))) == pytest.approx([0.013], rel=1e-9)


def test_draws_refuse_what_they_cannot_use():
    terms = {"statistic": "Z2", "confidence": 0.975, "law": normal_law(), "rng": np.random.default_rng(1)}

    for change, message in [
        ({"confidence": 0.025}, "not the tail probability: confidence=0.975"),
        ({"confidence": 97.5}, "pass a fraction: confidence=0.975"),
        ({"confidence": 1.0}, "confidence must be a fraction"),
        ({"confidence": 0.0}, "confidence must be a fraction"),
        ({"statistic": "Z4"}, "must be one of Z1, Z2, Z3"),
        ({"law": "normal"}, "law must be a law of standardised losses; got str"),
        ({"rng": 7}, "rng must be a random generator; got int"),
        ({"n_draws": 10}, "n_draws must be"),
        ({"significance": 0.5}, "significance must be above 0 and at most 0.2"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            acerbi_szekely_critical(250, **(terms | change))
    with pytest.raises(ArgumentError, match=r"n_obs must put a whole period into the tail; got 0\.5 of 20"):
        acerbi_szekely_draws(20, **(terms | {"statistic": "Z3"}))
    with pytest.raises(ArgumentError, match="degrees_of_freedom must be above 1"):
        student_law(1.0)


def test_expected_sums_of_exceptions_are_the_promised_ones():
    weights = np.random.default_rng(2).uniform(0.5, 2.0, 250)

    for law in LAWS:
        sums = draw_exceptions(law, weights, confidence=0.975, n_draws=100_000, rng=np.random.default_rng(1))
        assert sums.counts.mean() == pytest.approx(6.25, abs=4 * sums.counts.std() / np.sqrt(100_000))
        assert sums.loss.mean() == pytest.approx(0.025 * weights.sum(), abs=4 * sums.loss.std() / np.sqrt(100_000))
